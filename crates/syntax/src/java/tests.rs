//! What becomes of Java.

use crate::{Language, check};

fn dump(text: &str) -> String {
    let parsed = check::parse(Language::Java, text);
    assert_eq!(parsed.problems, []);
    crate::dump(&parsed.module)
}

/// Of statements in a method.
fn statements(text: &str) -> String {
    let dumped = dump(&format!("class A {{ void f() {{\n{text}\n}} }}"));
    dumped.split_once("#1 def f() of class #0\n").map(|(_, rest)| rest.to_owned()).unwrap()
}

#[test]
fn packages_and_imports() {
    insta::assert_snapshot!(dump(
        "package com.example;\nimport java.sql.Statement;\nimport java . util . *;\nimport Single;\n\
         import static org.junit.Assert.assertTrue;\nimport static a.B.*;\n"
    ));
}

#[test]
fn classes_and_their_members() {
    insta::assert_snapshot!(dump(
        r#"
        @RestController
        @RequestMapping(value = "/api", method = {RequestMethod.GET, RequestMethod.POST})
        public class Users extends Base<User> implements Runnable, a.b.C {
            private static final String KEY = "s3\tcr\u0041";
            @Autowired private JdbcTemplate jdbc, other[];
            static { init(); }
            { count++; }
            public Users(@Qualifier("x") JdbcTemplate jdbc) { super(jdbc); this.jdbc = jdbc; }
            Users() { this(null); }
            @GetMapping("/{id}") @Valid
            public List<Map<String, byte[]>> find(@PathVariable final String id, int... rest) throws E { return null; }
            static <T extends X> T make(Users this, T a[]) { return a[0]; }
            abstract void none();
            class Inner { void g() { Users.this.find(Inner.super.toString()); } }
        }
        "#
    ));
}

#[test]
fn interfaces_enums_records_and_annotations() {
    insta::assert_snapshot!(dump(
        r#"
        interface Shape extends A, b.C { int SIDES = 4; void draw(); default int f() { return 1; } private void g() {} }
        enum Color implements I { RED(1) { int f() { return 1; } }, @Old GREEN; private int v; Color(int v) { this.v = v; } Color() {} }
        record Point(@NotNull int x, List<String> y) implements I {
            Point { if (x < 0) throw new E(); }
            static int z() { return 0; }
        }
        record Own(int a) { Own(int b) { this.a = b; } }
        record Plain(String a) {}
        @interface Ann { String value() default "x"; int[] n() default {1, 2}; Other o() default @Other(a = 1); }
        "#
    ));
}

#[test]
fn variables_and_loops() {
    insta::assert_snapshot!(statements(
        r#"
        String q = "SELECT '" + id + "'", r;
        final var x = 1;
        int a[] = {1, 2}, b = 3;
        for (int i = 0, j = 1; i < 10; i++, --j) continue;
        for (i = 0, j = 1; ; ) { }
        for (final String s : list) { if (s.isEmpty()) break; else return; }
        while (rs.next()) out.add(rs.getString(1));
        outer: do { break outer; } while (true);
        if (a) b(); else if (c) d(); else { e(); }
        "#
    ));
}

#[test]
fn exceptions_locks_and_assertions() {
    insta::assert_snapshot!(statements(
        r#"
        try (Statement st = con.createStatement(); other; this.third) {
            st.execute(q);
        } catch (SQLException | IOException e) {
            throw new RuntimeException("bad", e);
        } finally { done(); }
        try { a(); } catch (final E e) { }
        synchronized (this) { n += 1; }
        assert n > 0 : "msg" + n;
        assert ok;
        "#
    ));
}

#[test]
fn switches() {
    insta::assert_snapshot!(statements(
        r#"
        switch (x) { case 1: case 2: foo(); break; case 3: default: bar(); }
        switch (x) { case A -> foo(); case B -> { bar(); } default -> throw new E(); }
        int z = switch (k) {
            case "a", "b" -> 1;
            case Foo f when f.x > 1 -> { log(); yield 2; }
            case Point(int px, Point(var py, _)) -> 3;
            case null -> 4;
            default -> { if (c) { yield 5; } yield 6; }
        };
        int y = switch (k) { case 1: yield 1; default: { a(); yield 2; } };
        "#
    ));
}

#[test]
fn expressions() {
    insta::assert_snapshot!(statements(
        r#"
        if (o instanceof String s && s.length() > 3 || o instanceof a.B) {}
        if (o instanceof Point(int a, var b)) {}
        Object anon = new Thread("t") { int n = 1; @Override public void run() { go(); } };
        String t = cond ? (String) o : (List<String> & I) p;
        arr[0] = x >>> 2; arr[i][j] -= 1; this.y.z = super.foo(); x <<= 1;
        Class<?> c = String.class; Object d = int[].class;
        char ch = '\''; long big = 0xFF + 017 + 1_000L + 1.5e3f; boolean n = !true & ~false ^ -x;
        int[] made = new int[]{1, 2}; int[][] more = new int[3][n]; Object e = outer.new Inner(1);
        Runnable f = () -> System.out.println(q);
        Op g = (a, b) -> { return a + b; }; Op h = (int a, final B b) -> a; Op i = v -> v;
        Fn j = Integer::parseInt, k = ArrayList<String>::new, l = this::go, m = int[]::new, n2 = super::x;
        String u = STR."a \{b + 1} c";
        Collections.<String>emptyList().stream().map(A::b).filter(v -> v != null);
        new Builder().a(1).b("x").build();
        "#
    ));
}

#[test]
fn text_blocks() {
    insta::assert_snapshot!(statements(
        "String q = \"\"\"\n      SELECT \"a\"\n        FROM t \\\n      WHERE b\\n\n      \"\"\";"
    ));
}

#[test]
fn local_classes_and_bare_methods() {
    insta::assert_snapshot!(dump(
        "void main() { class L { int a; } record R(int b) {} enum E { X } interface I {} new L(); }\nint f() { return 1; }"
    ));
}

#[test]
fn what_stands_around_errors_is_read() {
    let parsed = check::parse(
        Language::Java,
        "class A { void f() { a(; b(\"x\"); } int = 3; String g(String p) { return p; } ",
    );
    assert!(!parsed.problems.is_empty());
    insta::assert_snapshot!(crate::dump(&parsed.module));
}

#[test]
fn every_problem_is_told_up_to_twenty() {
    let parsed = check::parse(Language::Java, &"class A { int x = ; }\n".repeat(50));
    assert_eq!(parsed.problems.len(), 20);
}

#[test]
fn long_concatenations_keep_all_their_values() {
    let text = format!("class A {{ String a = {}z; }}", "b + ".repeat(2_000));
    let dumped = dump(&text);
    assert!(dumped.contains(" b z)"), "the last one flows");
    assert_eq!(dumped.matches(" b").count(), 2_000);
}

#[test]
fn spans_are_exact() {
    let text = "class A { int f() { return g(a + \"é\").b; } }";
    let parsed = check::parse(Language::Java, text);
    let body = &parsed.module.functions[1].body;
    assert_eq!(body[0].span.of(text), "return g(a + \"é\").b;");
    let crate::tree::StmtKind::Return(Some(value)) = &body[0].kind else { panic!("no return") };
    assert_eq!(value.span.of(text), "g(a + \"é\").b");
}
