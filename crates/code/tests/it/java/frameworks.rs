//! Spring, JAX-RS and their like.

use super::{Case, bad, check, good};

const FILES: &[(&str, &str)] = &[
    (
        "src/main/java/shop/Person.java",
        "package shop;\n\npublic class Person {\n    private String name;\n    private int age;\n    private Kind kind;\n    private Address address;\n\n    public String getName() {\n        return name;\n    }\n\n    public int getAge() {\n        return age;\n    }\n\n    public Address getAddress() {\n        return address;\n    }\n\n    public Kind getKind() {\n        return kind;\n    }\n}\n",
    ),
    (
        "src/main/java/shop/Address.java",
        "package shop;\n\nimport lombok.Data;\n\n@Data\npublic class Address {\n    private String street;\n    private Long number;\n}\n",
    ),
    ("src/main/java/shop/Kind.java", "package shop;\n\npublic enum Kind {\n    CUSTOMER, CLERK\n}\n"),
    (
        "src/main/java/shop/People.java",
        "package shop;\n\nimport java.util.List;\n\npublic interface People {\n    List<String> byName(String name);\n\n    List<String> byAge(int age);\n\n    List<String> safely(String name);\n}\n",
    ),
    (
        "src/main/java/shop/JdbcPeople.java",
        "package shop;\n\nimport java.util.List;\nimport org.springframework.beans.factory.annotation.Autowired;\nimport org.springframework.jdbc.core.JdbcTemplate;\nimport org.springframework.stereotype.Repository;\n\n@Repository\npublic class JdbcPeople implements People {\n    @Autowired\n    private JdbcTemplate jdbc;\n\n\
        \x20   @Override\n    public List<String> byName(String name) {\n        return jdbc.queryForList(\"SELECT n FROM people WHERE n = '\" + name + \"'\", String.class);\n    }\n\n\
        \x20   @Override\n    public List<String> byAge(int age) {\n        return jdbc.queryForList(\"SELECT n FROM people WHERE age = \" + age, String.class);\n    }\n\n\
        \x20   @Override\n    public List<String> safely(String name) {\n        return jdbc.queryForList(\"SELECT n FROM people WHERE n = ?\", String.class, name);\n    }\n}\n",
    ),
];

fn controller(members: &str) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> =
        FILES.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    let text = format!(
        "package shop;\n\nimport java.util.*;\nimport javax.servlet.http.*;\nimport org.springframework.beans.factory.annotation.Autowired;\nimport org.springframework.http.*;\nimport org.springframework.jdbc.core.JdbcTemplate;\nimport org.springframework.stereotype.Controller;\nimport org.springframework.ui.Model;\nimport org.springframework.web.bind.annotation.*;\nimport org.springframework.web.multipart.MultipartFile;\n\n\
        @RestController\n@RequestMapping(\"/people\")\npublic class PeopleController {{\n    private final People people;\n    private final JdbcTemplate jdbc;\n\n    public PeopleController(People people, JdbcTemplate jdbc) {{\n        this.people = people;\n        this.jdbc = jdbc;\n    }}\n\n{members}\n}}\n"
    );
    files.push(("src/main/java/shop/PeopleController.java".to_owned(), text));
    files
}

const SQL: &[Case] = &[
    bad("@GetMapping(\"/a\") List<String> a(@RequestParam String name) { return people.byName(name); }"),
    good("@GetMapping(\"/a\") List<String> a(@RequestParam String name) { return people.safely(name); }"),
    good("@GetMapping(\"/a/{age}\") List<String> a(@PathVariable int age) { return people.byAge(age); }"),
    bad(
        "@GetMapping(\"/a/{name}\") List<String> a(@PathVariable(\"name\") String name) { return people.byName(\"x\" + name); }",
    ),
    bad(
        "@PostMapping(\"/a\") List<String> a(@RequestBody Person person) { return people.byName(person.getName()); }",
    ),
    good(
        "@PostMapping(\"/a\") List<String> a(@RequestBody Person person) { return people.byAge(person.getAge()); }",
    ),
    bad(
        "@PostMapping(\"/a\") List<String> a(@RequestBody Person person) { return people.byName(person.getAddress().getStreet()); }",
    ),
    good(
        "@PostMapping(\"/a\") List<String> a(@RequestBody Person person) { return people.byName(\"\" + person.getAddress().getNumber()); }",
    ),
    good(
        "@PostMapping(\"/a\") List<String> a(@RequestBody Person person) { return people.byName(person.getKind().name()); }",
    ),
    bad("@PostMapping(\"/a\") List<String> a(Person person) { return people.byName(person.getName()); }"),
    bad(
        "@RequestMapping(value = \"/a\", method = RequestMethod.GET) List<String> a(String name) { return people.byName(name); }",
    ),
    good(
        "@GetMapping(\"/a\") List<String> a(Model model, java.security.Principal who) { return people.byName(who.getName()); }",
    ),
    bad(
        "@GetMapping(\"/a\") List<String> a(@RequestHeader(\"X-Name\") String name) { return jdbc.queryForList(\"SELECT n FROM p WHERE n='\" + name + \"'\", String.class); }",
    ),
    bad(
        "@GetMapping(\"/a\") List<String> a(@CookieValue(\"name\") String name) { return jdbc.queryForList(String.format(\"SELECT n FROM p WHERE n='%s'\", name), String.class); }",
    ),
    bad(
        "@GetMapping(\"/a\") List<String> a(HttpServletRequest request) { return people.byName(request.getParameter(\"a\")); }",
    ),
    good(
        "@GetMapping(\"/a\") List<String> a(@RequestParam Long id) { return jdbc.queryForList(\"SELECT n FROM p WHERE id=\" + id, String.class); }",
    ),
    good(
        "@GetMapping(\"/a\") List<String> a(@RequestParam Optional<Integer> id) { return jdbc.queryForList(\"SELECT n FROM p WHERE id=?\", String.class, id); }",
    ),
    bad(
        "@GetMapping(\"/a\") List<String> a(@RequestParam Map<String, String> all) { return people.byName(all.get(\"name\")); }",
    ),
    good("List<String> a(String name) { return people.byName(name); }"),
];

const XSS: &[Case] = &[
    bad("@GetMapping(\"/a\") String a(@RequestParam String name) { return \"<h1>\" + name + \"</h1>\"; }"),
    bad("@GetMapping(\"/a\") String a(@RequestParam String name) { return \"hello \" + name; }"),
    good(
        "@GetMapping(value = \"/a\", produces = \"application/json\") String a(@RequestParam String name) { return \"hello \" + name; }",
    ),
    good(
        "@GetMapping(\"/a\") String a(@RequestParam String name) { return \"<h1>\" + org.springframework.web.util.HtmlUtils.htmlEscape(name) + \"</h1>\"; }",
    ),
    good("@GetMapping(\"/a\") String a(@RequestParam int age) { return \"<h1>\" + age + \"</h1>\"; }"),
];

const FILE: &[Case] = &[
    bad(
        "@PostMapping(\"/a\") void a(@RequestParam MultipartFile file) throws Exception { file.transferTo(new java.io.File(\"/srv/\" + file.getOriginalFilename())); }",
    ),
    good(
        "@PostMapping(\"/a\") void a(@RequestParam MultipartFile file) throws Exception { file.transferTo(new java.io.File(\"/srv/\" + UUID.randomUUID())); }",
    ),
];

#[test]
fn spring() {
    check("sql.injection", SQL, controller);
    check("xss.reflected", XSS, controller);
    check("path.traversal", FILE, controller);
}

const RESOURCE: &[Case] = &[
    bad(
        "@GET @Path(\"/a\") public String a(@QueryParam(\"host\") String host) throws Exception { Runtime.getRuntime().exec(\"ping \" + host); return \"\"; }",
    ),
    good(
        "@GET @Path(\"/a\") public String a(@QueryParam(\"host\") int host) throws Exception { Runtime.getRuntime().exec(\"ping \" + host); return \"\"; }",
    ),
    bad(
        "@POST public String a(String body) throws Exception { Runtime.getRuntime().exec(\"ping \" + body); return \"\"; }",
    ),
    good(
        "@GET public String a(@Context SecurityContext who) throws Exception { Runtime.getRuntime().exec(\"ping \" + who.getAuthenticationScheme()); return \"\"; }",
    ),
    bad(
        "@GET public String a(@Context UriInfo info) throws Exception { Runtime.getRuntime().exec(\"ping \" + info.getQueryParameters().getFirst(\"host\")); return \"\"; }",
    ),
];

#[test]
fn resources() {
    check("command.injection", RESOURCE, |members| {
        let text = format!(
            "package shop;\n\nimport jakarta.ws.rs.*;\nimport jakarta.ws.rs.core.*;\n\n@Path(\"/tools\")\npublic class Tools {{\n{members}\n}}\n"
        );
        vec![("src/main/java/shop/Tools.java".to_owned(), text)]
    });
}
