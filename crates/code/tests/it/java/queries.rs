//! Queries that stand in annotations and in files beside the code.

use super::{Case, bad, check, good};

const MAPPER: &str = "package shop;\n\nimport java.util.*;\nimport org.apache.ibatis.annotations.*;\n\n@Mapper\npublic interface Users {\n\
    \x20   @Select(\"select * from users where name = '${name}'\")\n    List<String> pasted(@Param(\"name\") String text);\n\n\
    \x20   @Select(\"select * from users where name = #{name}\")\n    List<String> bound(@Param(\"name\") String name);\n\n\
    \x20   @Select({\"<script>\", \"select * from users\", \"order by ${order.column} ${order.way}\", \"</script>\"})\n    List<String> ordered(@Param(\"order\") Order order);\n\n\
    \x20   @Update(\"update users set kind = ${value}\")\n    void kind(int kind);\n\n\
    \x20   @Delete(\"delete from ${param1} where id = #{id}\")\n    void remove(String table, long id);\n\n\
    \x20   List<String> inFile(String name);\n\n    List<String> boundInFile(String name);\n\n    List<String> sorted(@Param(\"by\") String by, @Param(\"name\") String name);\n}\n";

const XML: &str = "<?xml version=\"1.0\"?>\n<mapper namespace=\"shop.Users\">\n  <sql id=\"tail\">order by ${by}</sql>\n\
    \x20 <select id=\"inFile\">select * from users where name = '${_parameter}'</select>\n\
    \x20 <select id=\"boundInFile\">select * from users where name = #{name}</select>\n\
    \x20 <select id=\"sorted\">select * from users where name = #{name} <include refid=\"tail\"/></select>\n</mapper>\n";

fn files(members: &str) -> Vec<(String, String)> {
    let text = format!(
        "package shop;\n\nimport java.util.*;\nimport org.springframework.beans.factory.annotation.Autowired;\nimport org.springframework.web.bind.annotation.*;\n\n\
        @RestController\npublic class Pages {{\n    @Autowired\n    private Users users;\n    @Autowired\n    private Service service;\n    @Autowired\n    private Notes notes;\n\n{members}\n}}\n"
    );
    let order = "package shop;\n\npublic class Order {\n    private String column;\n    private int way;\n\n    public String getColumn() {\n        return column;\n    }\n}\n";
    let service = "package shop;\n\nimport org.springframework.beans.factory.annotation.Autowired;\n\n@org.springframework.stereotype.Service\npublic class Service {\n    private final Users users;\n\n    public Service(Users users) {\n        this.users = users;\n    }\n\n    public void find(String name) {\n        users.pasted(name.trim());\n    }\n\n    public void safely(String name) {\n        users.bound(name);\n    }\n}\n";
    let notes = "package shop;\n\nimport java.util.*;\nimport org.springframework.data.mongodb.repository.*;\n\npublic interface Notes extends MongoRepository<String, String> {\n    @Query(\"{ 'title' : ?#{?0} }\")\n    List<String> evaluated(String title);\n\n    @Query(\"{ 'title' : ?0 }\")\n    List<String> plain(String title);\n\n    @Query(\"{ 'owner' : ?#{principal.name}, 'title' : ?0 }\")\n    List<String> own(String title);\n}\n";
    [
        ("src/main/java/shop/Users.java", MAPPER),
        ("src/main/java/shop/Order.java", order),
        ("src/main/java/shop/Service.java", service),
        ("src/main/java/shop/Notes.java", notes),
        ("src/main/resources/mapper/Users.xml", XML),
        ("pom.xml", "<project><artifactId>shop</artifactId></project>"),
        ("src/main/java/shop/Pages.java", &text),
    ]
    .map(|(path, text)| (path.to_owned(), text.to_owned()))
    .to_vec()
}

const PASTED: &[Case] = &[
    bad("@GetMapping(\"/a\") List<String> a(@RequestParam String name) { return users.pasted(name); }"),
    good("@GetMapping(\"/a\") List<String> a(@RequestParam String name) { return users.bound(name); }"),
    good("@GetMapping(\"/a\") List<String> a() { return users.pasted(\"all\"); }"),
    bad("@GetMapping(\"/a\") void a(@RequestParam String name) { service.find(name); }"),
    good("@GetMapping(\"/a\") void a(@RequestParam String name) { service.safely(name); }"),
    bad("@PostMapping(\"/a\") List<String> a(@RequestBody Order order) { return users.ordered(order); }"),
    good("@PostMapping(\"/a\") void a(@RequestParam int kind) { users.kind(kind); }"),
    bad(
        "@PostMapping(\"/a\") void a(@RequestParam String table, @RequestParam long id) { users.remove(table, id); }",
    ),
    good("@PostMapping(\"/a\") void a(@RequestParam long id) { users.remove(\"users\", id); }"),
    bad("@GetMapping(\"/a\") List<String> a(@RequestParam String name) { return users.inFile(name); }"),
    good("@GetMapping(\"/a\") List<String> a(@RequestParam String name) { return users.boundInFile(name); }"),
    bad("@GetMapping(\"/a\") List<String> a(@RequestParam String by) { return users.sorted(by, \"x\"); }"),
    good(
        "@GetMapping(\"/a\") List<String> a(@RequestParam String name) { return users.sorted(\"id\", name); }",
    ),
    good(
        "@GetMapping(\"/a\") List<String> a(@RequestParam String by) { if (!List.of(\"id\", \"name\").contains(by)) { by = \"id\"; } return users.sorted(by, \"x\"); }",
    ),
];

const EXPRESSIONS: &[Case] = &[
    bad("@GetMapping(\"/a\") List<String> a(@RequestParam String title) { return notes.evaluated(title); }"),
    good("@GetMapping(\"/a\") List<String> a(@RequestParam String title) { return notes.plain(title); }"),
    good("@GetMapping(\"/a\") List<String> a(@RequestParam String title) { return notes.own(title); }"),
];

#[test]
fn queries_of_mappers() {
    check("sql.injection", PASTED, files);
}

#[test]
fn expressions_of_repositories() {
    check("code.injection", EXPRESSIONS, files);
}

#[test]
fn what_a_method_that_is_named_makes_a_query_of() {
    let mapper = "package shop;\n\nimport org.apache.ibatis.annotations.*;\n\npublic interface Orders {\n    @SelectProvider(type = OrderSql.class, method = \"find\")\n    java.util.List<String> find(String name);\n}\n";
    let pages = "package shop;\n\nimport org.springframework.web.bind.annotation.*;\n\n@RestController\npublic class Pages {\n    private final Orders orders;\n\n    Pages(Orders orders) {\n        this.orders = orders;\n    }\n\n    @GetMapping(\"/find\")\n    java.util.List<String> find(@RequestParam String name) {\n        return orders.find(name);\n    }\n}\n";
    let said = |query: &str| {
        let sql = format!(
            "package shop;\n\npublic class OrderSql {{\n    public String find(String name) {{\n        return {query};\n    }}\n}}\n"
        );
        crate::world::found(&[
            ("src/main/java/shop/Orders.java", mapper),
            ("src/main/java/shop/OrderSql.java", &sql),
            ("src/main/java/shop/Pages.java", pages),
        ])
    };
    let at = ["sql.injection src/main/java/shop/Orders.java:6"];
    assert_eq!(said("\"select * from orders where name = '\" + name + \"'\""), at);
    assert_eq!(said("\"select * from orders where name = #{name}\""), [""; 0]);
}
