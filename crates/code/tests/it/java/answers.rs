//! What a method for a path returns: the answer, the name of a page, where the browser shall go, and what an error says.

use super::{Case, bad, check, good, servlet};

fn class(annotation: &str, members: &str) -> Vec<(String, String)> {
    let text = format!(
        "package shop;\n\nimport java.io.*;\nimport java.net.URI;\nimport java.util.*;\nimport javax.servlet.http.*;\nimport org.springframework.http.*;\nimport org.springframework.stereotype.Controller;\nimport org.springframework.ui.Model;\nimport org.springframework.web.bind.annotation.*;\nimport org.springframework.web.servlet.ModelAndView;\n\n\
        @{annotation}\npublic class Pages {{\n{members}\n}}\n"
    );
    vec![("src/main/java/shop/Pages.java".to_owned(), text)]
}

const SENT: &[Case] = &[
    bad("@GetMapping(\"/a\") public String a(@RequestParam String name) { return name; }"),
    bad("@GetMapping(\"/a\") public String a(@RequestParam String name) { return \"hello \" + name; }"),
    bad(
        "@GetMapping(value = \"/a\", produces = MediaType.TEXT_HTML_VALUE) public String a(@RequestParam String name) { return name; }",
    ),
    good(
        "@GetMapping(value = \"/a\", produces = MediaType.TEXT_PLAIN_VALUE) public String a(@RequestParam String name) { return name; }",
    ),
    good(
        "@GetMapping(value = \"/a\", produces = {\"application/json\", \"text/plain\"}) public String a(@RequestParam String name) { return \"<b>\" + name; }",
    ),
    good(
        "@GetMapping(\"/a\") public String a(@RequestParam String name) { return \"{\\\"name\\\": \\\"\" + name + \"\\\"}\"; }",
    ),
    good("@GetMapping(\"/a\") public List<String> a(@RequestParam String name) { return List.of(name); }"),
    good("@GetMapping(\"/a\") public String a(@RequestParam long id) { return \"order \" + id; }"),
    bad(
        "@GetMapping(\"/a\") public ResponseEntity<String> a(@RequestParam String name) { return ResponseEntity.ok(\"hello \" + name); }",
    ),
    good(
        "@GetMapping(\"/a\") public ResponseEntity<String> a(@RequestParam String name) { return ResponseEntity.ok().contentType(MediaType.TEXT_PLAIN).body(name); }",
    ),
    good(
        "@GetMapping(\"/a\") public ResponseEntity<String> a(@RequestParam String name) { return ResponseEntity.ok().header(\"X-Name\", name).body(\"done\"); }",
    ),
    good(
        "@GetMapping(\"/a\") public Map<String, String> a(@RequestParam String name) { return Map.of(\"name\", name); }",
    ),
    good("public String a(String name) { return name; }"),
];

#[test]
fn texts_that_are_sent() {
    check("xss.reflected", SENT, |members| class("RestController", members));
}

const REDIRECTS: &[Case] = &[
    bad("@GetMapping(\"/a\") public String a(@RequestParam String next) { return \"redirect:\" + next; }"),
    good(
        "@GetMapping(\"/a\") public String a(@RequestParam String next) { return \"redirect:/orders/\" + next; }",
    ),
    bad("@GetMapping(\"/a\") public String a(@RequestParam String next) { return \"redirect:/\" + next; }"),
    bad(
        "@GetMapping(\"/a\") public String a(@RequestParam String next) { return \"redirect:https://\" + next; }",
    ),
    good(
        "@GetMapping(\"/a\") public String a(@RequestParam String next) { return \"redirect:https://shop.example/?next=\" + next; }",
    ),
    good(
        "@GetMapping(\"/a\") public String a(@RequestParam String next) { return \"redirect:login?next=\" + next; }",
    ),
    bad(
        "@GetMapping(\"/a\") public ModelAndView a(@RequestParam String next) { return new ModelAndView(\"redirect:\" + next); }",
    ),
    bad(
        "@GetMapping(\"/a\") public void a(@RequestParam String next, HttpServletResponse response) { response.setHeader(\"Location\", next); }",
    ),
    good(
        "@GetMapping(\"/a\") public void a(@RequestParam String next, HttpServletResponse response) { response.setHeader(\"X-Next\", next); }",
    ),
    good(
        "@GetMapping(\"/a\") public void a(@RequestParam String next, HttpServletRequest request, HttpServletResponse response) throws IOException { response.sendRedirect(request.getContextPath() + \"/orders?next=\" + next); }",
    ),
    good(
        "@GetMapping(\"/a\") public void a(@RequestParam String next, HttpServletResponse response) throws IOException { response.sendRedirect(\"orders.jsp?next=\" + next); }",
    ),
    bad(
        "@GetMapping(\"/a\") public ResponseEntity<Void> a(@RequestParam String next) { return ResponseEntity.status(302).location(URI.create(next)).build(); }",
    ),
    bad(
        "@GetMapping(\"/a\") public ResponseEntity<Void> a(@RequestParam String next) { HttpHeaders headers = new HttpHeaders(); headers.setLocation(URI.create(next)); return new ResponseEntity<>(headers, HttpStatus.FOUND); }",
    ),
    good(
        "@GetMapping(\"/a\") public ResponseEntity<Void> a(@RequestParam long id) { return ResponseEntity.status(302).location(URI.create(\"/orders/\" + id)).build(); }",
    ),
];

#[test]
fn where_the_browser_goes() {
    check("open-redirect", REDIRECTS, |members| class("Controller", members));
}

const NAMES: &[Case] = &[
    bad("@GetMapping(\"/a\") public String a(@RequestParam String page) { return page; }"),
    bad(
        "@GetMapping(\"/a\") public String a(@RequestParam String page) { return \"pages/\" + page + \"/index\"; }",
    ),
    good(
        "@GetMapping(\"/a\") public String a(@RequestParam String page, Model model) { model.addAttribute(\"page\", page); return \"index\"; }",
    ),
    good("@GetMapping(\"/a\") @ResponseBody public String a(@RequestParam String page) { return page; }"),
    good(
        "@GetMapping(\"/a\") public String a(@RequestParam String page) { return \"a\".equals(page) ? \"first\" : \"second\"; }",
    ),
    good("@GetMapping(\"/a\") public String a(@RequestParam int page) { return \"pages/\" + page; }"),
    bad(
        "@GetMapping(\"/a\") public ModelAndView a(@RequestParam String page) { return new ModelAndView(page); }",
    ),
];

#[test]
fn names_of_pages() {
    check("template.name", NAMES, |members| class("Controller", members));
}

const STACKS: &[Case] = &[
    bad(
        "@GetMapping(\"/a\") public String a() { try { work(); return \"\"; } catch (Exception e) { StringWriter text = new StringWriter(); e.printStackTrace(new PrintWriter(text)); return text.toString(); } }",
    ),
    good(
        "@GetMapping(\"/a\") public String a() { try { work(); return \"\"; } catch (Exception e) { StringWriter text = new StringWriter(); e.printStackTrace(new PrintWriter(text)); System.err.println(text.toString()); return \"failed\"; } }",
    ),
    bad(
        "@GetMapping(\"/a\") public String a() { try { work(); return \"\"; } catch (Exception e) { return org.apache.commons.lang3.exception.ExceptionUtils.getStackTrace(e); } }",
    ),
    bad(
        "@GetMapping(\"/a\") public void a(HttpServletResponse response) throws IOException { try { work(); } catch (Exception e) { response.getWriter().println(org.apache.commons.lang3.exception.ExceptionUtils.getStackTrace(e)); } }",
    ),
    good(
        "@GetMapping(\"/a\") public String a() { try { work(); return \"\"; } catch (Exception e) { e.printStackTrace(); return \"failed\"; } }",
    ),
];

#[test]
fn stacks_of_errors() {
    check("error.stack-leak", STACKS, |members| class("RestController", members));
}

const WRITTEN: &[Case] = &[
    bad("try { work(); } catch (Exception e) { e.printStackTrace(response.getWriter()); }"),
    bad(
        "PrintWriter out = response.getWriter(); try { work(); } catch (Exception e) { e.printStackTrace(out); }",
    ),
    good(
        "try { work(); } catch (Exception e) { e.printStackTrace(new PrintWriter(new FileWriter(\"errors.txt\"))); }",
    ),
    good("try { work(); } catch (Exception e) { e.printStackTrace(System.err); }"),
];

#[test]
fn stacks_in_answers() {
    check("java.stack-leak", WRITTEN, |body| {
        vec![("src/main/java/shop/pages/Page.java".to_owned(), servlet(body, ""))]
    });
}

const CONTENTS: &[Case] = &[
    good(
        "@GetMapping(\"/a\") public String a(@RequestParam String id) { return new org.springframework.web.client.RestTemplate().getForObject(\"http://stock/items/\" + id, String.class); }",
    ),
    good(
        "@GetMapping(\"/a\") public String a(@RequestParam String name) throws IOException { return new String(java.nio.file.Files.readAllBytes(java.nio.file.Paths.get(\"/srv/\" + name))); }",
    ),
    good(
        "@GetMapping(\"/a\") public String a(@RequestParam String name) throws IOException { return new BufferedReader(new FileReader(\"/srv/\" + name)).readLine(); }",
    ),
    good(
        "@GetMapping(\"/a\") public String a(@RequestParam String name) throws IOException { Process p = Runtime.getRuntime().exec(\"sh \" + name); return new BufferedReader(new InputStreamReader(p.getInputStream())).readLine(); }",
    ),
    bad(
        "@PostMapping(\"/a\") public String a(HttpServletRequest request) throws IOException { return new BufferedReader(new InputStreamReader(request.getInputStream())).readLine(); }",
    ),
];

#[test]
fn what_stands_in_files_and_comes_from_elsewhere() {
    check("xss.reflected", CONTENTS, |members| class("RestController", members));
}
