//! Checks that stand in functions of their own, and the forms in which Java asks.

use super::{Case, bad, check, good};

const CHECKS: &str = "package shop;\n\nimport java.net.*;\nimport java.util.*;\nimport java.util.regex.Pattern;\n\npublic class Checks {\n    private static final Pattern PLAIN = Pattern.compile(\"^[a-zA-Z0-9_/.-]+$\");\n    private static final List<String> HOSTS = List.of(\"shop.example\", \"img.shop.example\");\n\n\
    \x20   public static boolean ofOurs(String url) {\n        try {\n            URI uri = new URI(url);\n            String host = uri.getHost().toLowerCase();\n            return HOSTS.contains(host);\n        } catch (URISyntaxException e) {\n            return false;\n        }\n    }\n\n\
    \x20   public static boolean climbs(String name) {\n        return name.contains(\"..\") || name.contains(\"/\");\n    }\n\n\
    \x20   public static String plain(String text) {\n        if (!PLAIN.matcher(text).matches()) {\n            return null;\n        }\n        return text;\n    }\n\n\
    \x20   public static boolean web(String url) {\n        return url.startsWith(\"http://\") || url.startsWith(\"https://\");\n    }\n\n\
    \x20   public static boolean listed(String name) {\n        if (name == null) {\n            return false;\n        }\n        for (String one : List.of(\"a\", \"b\")) {\n            if (one.equals(name)) {\n                return true;\n            }\n        }\n        return false;\n    }\n\n\
    \x20   public static boolean long_(String name) {\n        return name.length() > 3;\n    }\n}\n";

fn files(members: &str) -> Vec<(String, String)> {
    let text = format!(
        "package shop;\n\nimport java.io.*;\nimport java.net.*;\nimport java.nio.file.*;\nimport java.util.*;\nimport org.springframework.web.bind.annotation.*;\nimport org.springframework.web.client.RestTemplate;\n\n\
        @RestController\npublic class Pages {{\n    private final RestTemplate rest = new RestTemplate();\n    private static final Set<String> HOSTS = Set.of(\"shop.example\");\n    @org.springframework.beans.factory.annotation.Value(\"${{stock.url}}\")\n    private String stock;\n\n{members}\n}}\n"
    );
    vec![
        ("src/main/java/shop/Checks.java".to_owned(), CHECKS.to_owned()),
        ("src/main/java/shop/Pages.java".to_owned(), text),
    ]
}

const ADDRESSES: &[Case] = &[
    bad(
        "@GetMapping(\"/a\") Object a(@RequestParam String url) { return rest.getForObject(url, Object.class); }",
    ),
    bad(
        "@GetMapping(\"/a\") Object a(@RequestParam String url) { if (!Checks.web(url)) { return null; } return rest.getForObject(url, Object.class); }",
    ),
    good(
        "@GetMapping(\"/a\") Object a(@RequestParam String url) { if (!Checks.ofOurs(url)) { return null; } return rest.getForObject(url, Object.class); }",
    ),
    good(
        "@GetMapping(\"/a\") Object a(@RequestParam String url) { if (Checks.ofOurs(url)) { return rest.getForObject(url, Object.class); } return null; }",
    ),
    bad(
        "@GetMapping(\"/a\") Object a(@RequestParam String url) { if (Checks.ofOurs(url)) { return null; } return rest.getForObject(url, Object.class); }",
    ),
    good(
        "@GetMapping(\"/a\") Object a(@RequestParam String url) throws Exception { URI uri = new URI(url); if (!HOSTS.contains(uri.getHost())) { throw new IllegalArgumentException(); } return rest.getForObject(url, Object.class); }",
    ),
    good(
        "@GetMapping(\"/a\") Object a(@RequestParam String id) { return rest.getForObject(stock + \"/items/\" + id, Object.class); }",
    ),
    good(
        "@GetMapping(\"/a\") Object a(@RequestParam String id) { return rest.getForObject(\"http://stock/items/{id}\", Object.class, id); }",
    ),
    bad(
        "@GetMapping(\"/a\") Object a(@RequestParam String host) { return rest.getForObject(\"http://\" + host + \"/items\", Object.class); }",
    ),
    bad(
        "@GetMapping(\"/a\") Object a(@RequestParam String url) { if (Checks.long_(url)) { return rest.getForObject(url, Object.class); } return null; }",
    ),
    bad("@GetMapping(\"/a\") Object a(String url) { return cn.hutool.http.HttpUtil.get(url); }"),
];

#[test]
fn addresses() {
    check("ssrf", ADDRESSES, files);
}

const FILES: &[Case] = &[
    bad(
        "@GetMapping(\"/a\") byte[] a(@RequestParam String name) throws IOException { return Files.readAllBytes(Paths.get(\"/srv/\" + name)); }",
    ),
    good(
        "@GetMapping(\"/a\") byte[] a(@RequestParam String name) throws IOException { if (Checks.climbs(name)) { return null; } return Files.readAllBytes(Paths.get(\"/srv/\" + name)); }",
    ),
    bad(
        "@GetMapping(\"/a\") byte[] a(@RequestParam String name) throws IOException { if (!Checks.climbs(name)) { return null; } return Files.readAllBytes(Paths.get(\"/srv/\" + name)); }",
    ),
    good(
        "@GetMapping(\"/a\") byte[] a(@RequestParam String name) throws IOException { if (name.contains(\"..\")) { throw new IOException(\"no\"); } return Files.readAllBytes(Paths.get(\"/srv/\" + name)); }",
    ),
    good(
        "@GetMapping(\"/a\") byte[] a(@RequestParam String name) throws IOException { if (Checks.listed(name)) { return Files.readAllBytes(Paths.get(\"/srv/\" + name)); } return null; }",
    ),
    good(
        "@GetMapping(\"/a\") byte[] a(@RequestParam String name) throws IOException { Path root = Paths.get(\"/srv\"); Path path = root.resolve(name).normalize(); if (!path.startsWith(root)) { throw new IOException(\"no\"); } return Files.readAllBytes(path); }",
    ),
    bad(
        "@GetMapping(\"/a\") byte[] a(@RequestParam String name) throws IOException { Path root = Paths.get(\"/srv\"); Path path = root.resolve(name); return Files.readAllBytes(path); }",
    ),
    good(
        "@GetMapping(\"/a\") byte[] a(@RequestParam String name) throws IOException { File file = new File(\"/srv\", name); if (!file.getCanonicalPath().startsWith(\"/srv/\")) { throw new IOException(\"no\"); } return Files.readAllBytes(file.toPath()); }",
    ),
];

#[test]
fn files_and_folders() {
    check("path.traversal", FILES, files);
}

const COMMANDS: &[Case] = &[
    good(
        "@GetMapping(\"/a\") void a(@RequestParam String name) throws IOException { String plain = Checks.plain(name); Runtime.getRuntime().exec(\"sh -c \" + plain); }",
    ),
    bad(
        "@GetMapping(\"/a\") void a(@RequestParam String name) throws IOException { Runtime.getRuntime().exec(\"sh -c \" + name.trim()); }",
    ),
    good(
        "@GetMapping(\"/a\") void a(@RequestParam String name) throws IOException { if (Checks.plain(name) == null) { return; } Runtime.getRuntime().exec(\"sh -c \" + name); }",
    ),
    good(
        "@GetMapping(\"/a\") void a(@RequestParam String name) throws IOException { if (!name.matches(\"[a-z]+\")) { return; } Runtime.getRuntime().exec(\"sh -c \" + name); }",
    ),
];

#[test]
fn commands() {
    check("command.injection", COMMANDS, files);
}
