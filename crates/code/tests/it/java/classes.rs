//! Values that go through other classes: in the same file, in other files, behind interfaces and factories.

use super::{Case, bad, check, good, servlet};

/// Classes of other files that the servlet uses.
const FILES: &[(&str, &str)] = &[
    (
        "src/main/java/shop/help/Ask.java",
        "package shop.help;\n\nimport javax.servlet.http.HttpServletRequest;\n\npublic class Ask {\n    private HttpServletRequest request;\n\n\
        \x20   public Ask(HttpServletRequest request) {\n        this.request = request;\n    }\n\n\
        \x20   public String parameter(String name) {\n        return request.getParameter(name);\n    }\n\n\
        \x20   public String constant(String name) {\n        return \"bar\";\n    }\n}\n",
    ),
    (
        "src/main/java/shop/help/Step.java",
        "package shop.help;\n\npublic interface Step {\n    String apply(String text);\n\n    String fixed(String text);\n}\n",
    ),
    (
        "src/main/java/shop/help/Plain.java",
        "package shop.help;\n\npublic class Plain implements Step {\n    @Override\n    public String apply(String text) {\n        return text;\n    }\n\n\
        \x20   @Override\n    public String fixed(String text) {\n        return \"fixed\";\n    }\n}\n",
    ),
    (
        "src/main/java/shop/help/Loud.java",
        "package shop.help;\n\npublic class Loud implements Step {\n    @Override\n    public String apply(String text) {\n        StringBuilder all = new StringBuilder(text);\n        return all.append(\"!\").toString();\n    }\n\n\
        \x20   @Override\n    public String fixed(String text) {\n        return \"loud\";\n    }\n}\n",
    ),
    (
        "src/main/java/shop/help/Steps.java",
        "package shop.help;\n\npublic class Steps {\n    public static Step make() {\n        Step step = null;\n        try {\n            String name = System.getProperty(\"step\");\n\
        \x20           Class<?> type = Class.forName(name);\n            step = (Step) type.getDeclaredConstructor().newInstance();\n        } catch (Exception e) {\n            step = new Plain();\n        }\n        return step;\n    }\n\n\
        \x20   public static Step choose(boolean loud) {\n        if (loud) {\n            return new Loud();\n        }\n        return new Plain();\n    }\n}\n",
    ),
    (
        "src/main/java/shop/help/Texts.java",
        "package shop.help;\n\nimport java.util.*;\n\npublic class Texts {\n    public static final String FOLDER = System.getProperty(\"user.dir\") + \"/files/\";\n    public static org.springframework.jdbc.core.JdbcTemplate template;\n    private static java.sql.Connection connection;\n\n\
        \x20   static {\n        template = new org.springframework.jdbc.core.JdbcTemplate(shop.Db.source());\n    }\n\n\
        \x20   public static String same(String text) {\n        return text;\n    }\n\n    public static String quiet(String text) {\n        return \"x\";\n    }\n\n\
        \x20   public static java.sql.Statement statement() throws java.sql.SQLException {\n        return connection.createStatement();\n    }\n\n\
        \x20   public static String first(Map<String, String> all, String key) {\n        return all.get(key);\n    }\n\n\
        \x20   public static int size(String text) {\n        return text.length();\n    }\n\n\
        \x20   public static void fill(StringBuilder into, String text) {\n        into.append(text);\n    }\n}\n",
    ),
    (
        "src/main/java/shop/help/Base.java",
        "package shop.help;\n\npublic abstract class Base {\n    protected String kept;\n\n    public String run(String text) {\n        kept = text;\n        return work(text);\n    }\n\n    protected abstract String work(String text);\n}\n",
    ),
    (
        "src/main/java/shop/help/Worker.java",
        "package shop.help;\n\npublic class Worker extends Base {\n    @Override\n    protected String work(String text) {\n        return \"(\" + text + \")\";\n    }\n\n    public String last() {\n        return kept;\n    }\n}\n",
    ),
];

const MEMBERS: &str = "\n    private static String through(HttpServletRequest request, String param) throws ServletException, IOException {\n        String bar = param;\n        return bar;\n    }\n\n\
    \x20   private String dropped(String param) {\n        return \"dropped\";\n    }\n\n\
    \x20   private class Inner {\n        public String through(HttpServletRequest request, String param) throws ServletException, IOException {\n            String bar;\n            int num = 106;\n            bar = (7 * 18) + num > 200 ? param : \"never\";\n            return bar;\n        }\n\n\
    \x20       public String dropped(HttpServletRequest request, String param) {\n            String bar;\n            int num = 106;\n            bar = (7 * 18) + num > 200 ? \"always\" : param;\n            return bar;\n        }\n    }\n\n\
    \x20   private static class Pair {\n        final String left;\n        final String right;\n\n        Pair(String left, String right) {\n            this.left = left;\n            this.right = right;\n        }\n\n        String getLeft() {\n            return left;\n        }\n    }\n\n\
    \x20   record Both(String left, String right) {}\n\n\
    \x20   enum Kind { ONE, TWO }\n";

const CASES: &[Case] = &[
    bad("String bar = through(request, param);"),
    good("String bar = dropped(param);"),
    bad("String bar = new Inner().through(request, param);"),
    good("String bar = new Inner().dropped(request, param);"),
    bad("shop.help.Ask ask = new shop.help.Ask(request); String bar = ask.parameter(\"a\");"),
    good("shop.help.Ask ask = new shop.help.Ask(request); String bar = ask.constant(\"a\");"),
    bad("shop.help.Step step = shop.help.Steps.make(); String bar = step.apply(param);"),
    good("shop.help.Step step = shop.help.Steps.make(); String bar = step.apply(\"a\");"),
    good("shop.help.Step step = shop.help.Steps.make(); String bar = step.fixed(param);"),
    bad("shop.help.Step step = shop.help.Steps.choose(request.isSecure()); String bar = step.apply(param);"),
    good("shop.help.Step step = shop.help.Steps.choose(request.isSecure()); String bar = step.fixed(param);"),
    bad("shop.help.Step step = new shop.help.Loud(); String bar = step.apply(param);"),
    good("shop.help.Step step = new shop.help.Loud(); String bar = step.fixed(param);"),
    bad("String bar = shop.help.Texts.same(param);"),
    good("String bar = shop.help.Texts.quiet(param);"),
    good("String bar = \"a\" + shop.help.Texts.size(param);"),
    bad(
        "Map<String, String> all = new HashMap<>(); all.put(\"a\", param); String bar = shop.help.Texts.first(all, \"a\");",
    ),
    good(
        "Map<String, String> all = new HashMap<>(); all.put(\"a\", param); all.put(\"b\", \"x\"); String bar = shop.help.Texts.first(all, \"b\");",
    ),
    bad(
        "StringBuilder text = new StringBuilder(); shop.help.Texts.fill(text, param); String bar = text.toString();",
    ),
    good(
        "StringBuilder text = new StringBuilder(); shop.help.Texts.fill(text, \"a\"); String bar = text.toString();",
    ),
    bad("String bar = new shop.help.Worker().run(param);"),
    good("String bar = new shop.help.Worker().run(\"a\");"),
    bad("shop.help.Worker worker = new shop.help.Worker(); worker.run(param); String bar = worker.last();"),
    bad("Pair pair = new Pair(\"a\", param); String bar = pair.right;"),
    good("Pair pair = new Pair(\"a\", param); String bar = pair.getLeft();"),
    bad("Both both = new Both(\"a\", param); String bar = both.right();"),
    good("Both both = new Both(\"a\", param); String bar = both.left();"),
    good("Kind kind = Kind.valueOf(param); String bar = kind.name();"),
    bad(
        "Step2 step = new Step2() { public String go(String x) { return x; } }; String bar = step.go(param);",
    ),
    bad("String bar = shop.help.Texts.FOLDER + param;"),
    good("String bar = shop.help.Texts.FOLDER + \"a\";"),
];

fn page(body: &str, sink: &str) -> Vec<(String, String)> {
    let body = format!("        String param = request.getParameter(\"q\");\n        {body}\n        {sink}");
    let mut files: Vec<(String, String)> =
        FILES.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    files.push(("src/main/java/shop/pages/Page.java".to_owned(), servlet(&body, MEMBERS)));
    files
}

#[test]
fn through_classes() {
    check("command.injection", CASES, |body| page(body, "Runtime.getRuntime().exec(\"sh -c \" + bar);"));
}

const THINGS: &[Case] = &[
    bad(
        "java.sql.Statement s = shop.help.Texts.statement(); s.executeQuery(\"SELECT a FROM t WHERE b='\" + param + \"'\");",
    ),
    good(
        "java.sql.Statement s = shop.help.Texts.statement(); s.executeQuery(\"SELECT a FROM t WHERE b='x'\");",
    ),
    bad("shop.help.Texts.statement().executeUpdate(\"DELETE FROM t WHERE b='\" + param + \"'\");"),
    bad("shop.help.Texts.template.queryForList(\"SELECT a FROM t WHERE b='\" + param + \"'\");"),
    good("shop.help.Texts.template.queryForList(\"SELECT a FROM t WHERE b=?\", param);"),
    bad("shop.help.Texts.template.execute(\"call find('\" + param + \"')\");"),
];

#[test]
fn things_that_other_classes_hold() {
    check("sql.injection", THINGS, |body| {
        page(
            "",
            &format!("try {{ {body} }} catch (java.sql.SQLException e) {{ throw new ServletException(e); }}"),
        )
    });
}

#[test]
fn classes_that_name_each_other_end() {
    let one = "package a;\nclass One { static String X = Two.Y; One next = new One(); String f(String s) { return new Two().f(s); } }\n";
    let two = "package a;\nclass Two extends One { static String Y = One.X; String f(String s) { return new One().f(s + s); } }\n";
    let all = "package a;\ninterface Loop extends Loop { String go(Loop l); }\nclass Run implements Loop { public String go(Loop l) { return l.go(l); } }\n";
    let verdict = crate::world::scan(
        &super::SCANNER,
        &[("a/One.java", one), ("a/Two.java", two), ("a/Loop.java", all)],
    );
    assert!(verdict.findings.is_empty());
}
