//! What happens to a value between a request and a query: each way twice, once with the value and once without.

use super::{Case, bad, check, good, servlet};

const WAYS: &[Case] = &[
    // Conditions that are sure.
    bad("int num = 106; String bar = (7 * 18) + num > 200 ? param : \"x\";"),
    good("int num = 106; String bar = (7 * 18) + num > 200 ? \"x\" : param;"),
    bad("int num = 86; String bar; if ((7 * 42) - num > 200) bar = param; else bar = \"x\";"),
    good("int num = 86; String bar; if ((7 * 42) - num > 200) bar = \"x\"; else bar = param;"),
    good("int num = 196; String bar; if ((500 / 42) + num > 200) { bar = \"x\"; } else { bar = param; }"),
    good("int num = 189; String bar = param; if ((500 / 42) + num == 200) { bar = \"x\"; }"),
    bad("int num = 196; String bar = \"x\"; if ((500 / 42) + num < 200 || num % 2 == 0) { bar = param; }"),
    good("boolean on = true; String bar = param; if (on) bar = \"x\";"),
    bad("boolean on = request.isSecure(); String bar = param; if (on) bar = \"x\";"),
    // `switch` on a sign of a constant.
    bad(
        "String guess = \"ABC\"; char to = guess.charAt(2); String bar; switch (to) { case 'A': bar = \"x\"; break; case 'C': bar = param; break; default: bar = \"y\"; break; }",
    ),
    good(
        "String guess = \"ABC\"; char to = guess.charAt(1); String bar; switch (to) { case 'A': bar = param; break; case 'B': bar = \"bob\"; break; case 'C': case 'D': bar = param; break; default: bar = \"y\"; break; }",
    ),
    bad(
        "String bar; switch (\"ABC\".charAt(2)) { case 'A': bar = \"x\"; break; case 'C': case 'D': bar = param; break; default: bar = \"y\"; break; }",
    ),
    good("String bar = switch (\"b\") { case \"a\" -> param; default -> \"x\"; };"),
    bad("String bar = switch (\"a\") { case \"a\" -> param; default -> \"x\"; };"),
    good("String bar = \"x\"; switch (\"abc\".length()) { case 4: bar = param; }"),
    // Lists.
    bad(
        "List<String> list = new ArrayList<String>(); list.add(\"a\"); list.add(param); list.add(\"b\"); list.remove(0); String bar = list.get(0);",
    ),
    good(
        "List<String> list = new ArrayList<String>(); list.add(\"a\"); list.add(param); list.add(\"b\"); list.remove(0); String bar = list.get(1);",
    ),
    bad(
        "java.util.List<String> list = new java.util.LinkedList<>(); list.add(0, param); list.add(0, \"a\"); String bar = list.get(1);",
    ),
    good(
        "java.util.List<String> list = new java.util.LinkedList<>(); list.add(0, param); list.add(0, \"a\"); String bar = list.get(0);",
    ),
    bad("List<String> list = Arrays.asList(\"a\", param); String bar = list.get(1);"),
    good("List<String> list = Arrays.asList(\"a\", param); String bar = list.get(0);"),
    bad(
        "List<String> list = new ArrayList<>(List.of(param)); String bar = \"\"; for (String one : list) { bar += one; }",
    ),
    good(
        "List<String> list = new ArrayList<>(List.of(\"a\")); String bar = \"\"; for (String one : list) { bar += one; }",
    ),
    bad("Vector<String> list = new Vector<>(); list.addElement(param); String bar = list.elementAt(0);"),
    good(
        "Vector<String> list = new Vector<>(); list.addElement(param); list.clear(); list.addElement(\"a\"); String bar = list.firstElement();",
    ),
    bad(
        "List<String> list = new ArrayList<>(); list.add(\"a\"); list.set(0, param); String bar = list.get(0);",
    ),
    good(
        "List<String> list = new ArrayList<>(); list.add(param); list.set(0, \"a\"); String bar = list.get(0);",
    ),
    bad(
        "List<String> list = new ArrayList<>(); list.add(param); Iterator<String> it = list.iterator(); String bar = it.next();",
    ),
    good(
        "List<String> list = new ArrayList<>(); list.add(\"a\"); Iterator<String> it = list.iterator(); String bar = it.next();",
    ),
    bad("Deque<String> list = new ArrayDeque<>(); list.push(param); String bar = list.pop();"),
    good(
        "List<String> list = new ArrayList<>(); list.add(param); list.remove(0); list.add(\"a\"); String bar = String.join(\",\", list);",
    ),
    // Maps.
    bad(
        "Map<String, Object> map = new HashMap<String, Object>(); map.put(\"a\", \"x\"); map.put(\"b\", param); String bar = (String) map.get(\"b\");",
    ),
    good(
        "Map<String, Object> map = new HashMap<String, Object>(); map.put(\"a\", \"x\"); map.put(\"b\", param); String bar = (String) map.get(\"b\"); bar = (String) map.get(\"a\");",
    ),
    bad(
        "java.util.HashMap<String, Object> map = new java.util.HashMap<>(); map.put(\"a\", param); map.put(\"b\", \"x\"); String bar = map.get(\"a\").toString();",
    ),
    good(
        "Map<String, String> map = new TreeMap<>(); map.put(\"a\", param); map.put(\"a\", \"x\"); String bar = map.get(\"a\");",
    ),
    good("Map<String, String> map = Map.of(\"a\", \"x\", \"b\", param); String bar = map.get(\"a\");"),
    bad(
        "Map<String, String> map = Map.of(\"a\", \"x\", \"b\", param); String bar = map.getOrDefault(\"b\", \"y\");",
    ),
    bad(
        "Map<String, String> map = new HashMap<>(); map.put(\"a\", param); String bar = \"\"; for (Map.Entry<String, String> e : map.entrySet()) { bar = e.getValue(); }",
    ),
    good(
        "Map<String, String> map = new HashMap<>(); map.put(\"a\", param); String bar = \"\"; for (String key : map.keySet()) { bar += key; }",
    ),
    bad(
        "Map<String, String> map = new HashMap<>(); map.put(\"a\", param); String bar = map.values().iterator().next();",
    ),
    good(
        "Properties map = new Properties(); map.setProperty(\"a\", param); map.setProperty(\"b\", \"x\"); String bar = map.getProperty(\"b\");",
    ),
    // Texts.
    bad("StringBuilder text = new StringBuilder(param); String bar = text.append(\"_x\").toString();"),
    good(
        "StringBuilder text = new StringBuilder(\"x\"); text.append(param); text.setLength(0); text.append(\"y\"); String bar = text.toString();",
    ),
    bad(
        "StringBuilder text = new StringBuilder(param); text.replace(param.length() - 1, param.length(), \"Z\"); String bar = text.toString();",
    ),
    bad(
        "StringBuffer text = new StringBuffer(); text.append(\"a\").append(param).append(\"b\"); String bar = text.toString();",
    ),
    good(
        "StringBuffer text = new StringBuffer(); text.append(\"a\").append(5).append(\"b\"); String bar = text.toString();",
    ),
    bad("String bar = new StringBuilder(param).reverse().toString();"),
    bad(
        "StringBuilder text = new StringBuilder(\"ab\"); text.insert(1, param); String bar = text.toString();",
    ),
    good(
        "StringBuilder text = new StringBuilder(\"ab\"); text.insert(1, param.length()); String bar = text.toString();",
    ),
    bad("String bar = param.split(\" \")[0];"),
    bad("String bar = String.format(\"%s-%d\", param, 5);"),
    good("String bar = String.format(\"%s-%d\", \"a\", param.length());"),
    bad("String bar = String.valueOf(param);"),
    good("String bar = String.valueOf(param.length());"),
    bad("String bar = \"a\".concat(param);"),
    bad("String bar = new String(param.toCharArray());"),
    bad("String bar = param.substring(0, param.length() - 1).trim().toLowerCase();"),
    bad(
        "String bar = new String(java.util.Base64.getDecoder().decode(java.util.Base64.getEncoder().encode(param.getBytes())));",
    ),
    bad(
        "String bar = new String(org.apache.commons.codec.binary.Base64.decodeBase64(org.apache.commons.codec.binary.Base64.encodeBase64(param.getBytes())));",
    ),
    bad("String bar = java.net.URLDecoder.decode(param, \"UTF-8\");"),
    good("String bar = Integer.toString(Integer.parseInt(param));"),
    good("String bar = UUID.fromString(param).toString();"),
    good("String bar = param.matches(\"[a-z]+\") ? param : \"x\";"),
    good("String bar = \"a\".equals(param) ? param : \"x\";"),
    bad("String bar = \"a\".equals(param) ? \"x\" : param;"),
    good("if (!List.of(\"a\", \"b\").contains(param)) { return; } String bar = param;"),
    bad("if (List.of(\"a\", \"b\").contains(param)) { return; } String bar = param;"),
    // Arrays.
    bad("String[] all = { \"a\", param }; String bar = all[1];"),
    good("String[] all = { \"a\", param }; String bar = all[0];"),
    bad("String[] all = new String[2]; all[0] = \"a\"; all[1] = param; String bar = all[1];"),
    good("String[] all = new String[2]; all[0] = \"a\"; all[1] = param; String bar = all[0];"),
    bad("byte[] bytes = param.getBytes(); String bar = new String(bytes, 0, bytes.length);"),
    // What is set and set again.
    good("String bar = param; bar = \"x\";"),
    bad("String bar = \"x\"; bar = param;"),
    bad(
        "String a = param; StringBuilder b = new StringBuilder(a); b.append(\" x\"); b.replace(b.length() - 5, b.length(), \"y\"); Map<String, Object> m = new HashMap<>(); m.put(\"k\", b.toString()); String c = (String) m.get(\"k\"); String d = c.substring(0, c.length() - 1); String bar = new String(Base64.getDecoder().decode(Base64.getEncoder().encode(d.getBytes()))).split(\" \")[0];",
    ),
    bad("String bar; try { bar = param; } catch (Exception e) { bar = \"x\"; }"),
    bad("String bar = \"\"; for (int i = 0; i < 2; i++) { bar += param; }"),
    bad("String bar = Optional.ofNullable(param).orElse(\"x\");"),
    bad("java.util.function.Function<String, String> f = x -> x + \"a\"; String bar = f.apply(param);"),
    good("java.util.function.Function<String, String> f = x -> \"a\"; String bar = f.apply(param);"),
    bad(
        "String bar = Arrays.asList(param, \"b\").stream().map(x -> x.trim()).collect(java.util.stream.Collectors.joining(\",\"));",
    ),
];

#[test]
fn ways_of_a_value() {
    check("sql.injection", WAYS, |body| {
        let body = format!(
            "        String param = request.getParameter(\"q\");\n        {body}\n        try {{\n            \
            java.sql.Statement statement = shop.Db.connection().createStatement();\n            \
            statement.executeQuery(\"SELECT * FROM items WHERE name = '\" + bar + \"'\");\n        }} catch (java.sql.SQLException e) {{\n            \
            throw new ServletException(e);\n        }}"
        );
        vec![("src/main/java/shop/pages/Page.java".to_owned(), servlet(&body, ""))]
    });
}
