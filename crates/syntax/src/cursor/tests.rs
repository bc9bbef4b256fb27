//! What no text may do to the front ends that read with tree-sitter.

use proptest::prelude::*;

use crate::{Language, Problem, check};

const LANGUAGES: [Language; 3] = [Language::Java, Language::Go, Language::Rust];
/// Long enough for any stack to run out that is not bounded.
const LONG: usize = 1 << 18;

fn repeated(before: &str, piece: &str, behind: &str) -> String {
    let times = LONG / (piece.len() + behind.len());
    [before, &piece.repeat(times), &behind.repeat(times)].concat()
}

fn any_problem(text: &str) {
    for language in LANGUAGES {
        assert_ne!(check::parse(language, text).problems, [], "{language:?}");
    }
}

#[test]
fn as_long_as_the_files_that_are_read_at_all() {
    any_problem(&"(".repeat(2 << 20));
}

#[test]
fn brackets_without_an_end() {
    any_problem(&repeated("", "(", ""));
    any_problem(&repeated("", "{", ""));
    any_problem(&repeated("", "[", ""));
    any_problem(&repeated("", "}", ""));
}

#[test]
fn blocks_in_blocks() {
    for (language, before, piece) in [
        (Language::Java, "class A { void f() {", "if (a) {"),
        (Language::Go, "package a\nfunc f() {", "if a {"),
        (Language::Rust, "fn f() {", "if a {"),
    ] {
        let problems = check::parse(language, &repeated(before, piece, "}")).problems;
        assert!(problems.iter().any(|one| matches!(one, Problem::Deep(_))), "{language:?}: {problems:?}");
    }
}

#[test]
fn parentheses_in_parentheses() {
    check::parse(Language::Java, &repeated("class A { int a = ", "(", ")"));
    check::parse(Language::Go, &repeated("package a\nvar a = ", "(", ")"));
    check::parse(Language::Rust, &repeated("const A: u8 = ", "(", ")"));
}

#[test]
fn operators_in_a_row() {
    for (language, before) in [
        (Language::Java, "class A { int a = b"),
        (Language::Go, "package a\nvar a = b"),
        (Language::Rust, "const A: u8 = b"),
    ] {
        for piece in ["+b", "&&c", ".d()", "[0]", "-"] {
            check::parse(language, &repeated(before, piece, ""));
        }
    }
}

#[test]
fn comments_and_strings_that_never_end() {
    for piece in ["/* ", "\"", "'a", "`", "r#\"", "\"\"\"\n"] {
        for language in LANGUAGES {
            check::parse(language, &repeated("", piece, ""));
        }
    }
}

#[test]
fn types_in_types() {
    for (language, before, piece) in [
        (Language::Java, "class A { ", "List<"),
        (Language::Java, "class A extends ", "a."),
        (Language::Java, "class A { int", "[]"),
        (Language::Go, "package a\nvar a ", "[]"),
        (Language::Go, "package a\nvar a ", "map[string]"),
        (Language::Rust, "const A: ", "Vec<"),
        (Language::Rust, "const A: ", "&"),
        (Language::Rust, "use a", "::{a"),
    ] {
        check::parse(language, &repeated(before, piece, ""));
    }
}

fn soup(words: &'static [&'static str]) -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(words), 0..120).prop_map(|words| words.concat())
}

const JAVA: &[&str] = &[
    "class A ",
    "record R(int a) ",
    "enum E ",
    "interface I ",
    "@A",
    "@B(\"x\") ",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    ";",
    ",",
    ".",
    "a",
    "B ",
    "int ",
    "var ",
    "\"é\"",
    "'x'",
    "\"\"\"\n a\"\"\" ",
    "1",
    "0x1F",
    "+",
    "==",
    "&&",
    "=",
    "->",
    "::",
    "?",
    ":",
    "new ",
    "switch ",
    "case ",
    "default",
    "yield ",
    "return ",
    "if ",
    "else ",
    "for ",
    "while ",
    "do ",
    "try ",
    "catch ",
    "finally ",
    "instanceof ",
    "this",
    "super",
    "static ",
    "import ",
    "package ",
    "synchronized ",
    "assert ",
    "throw ",
    "...",
    "<",
    ">",
    "/*",
    "*/",
    "// x\n",
    "\n",
    "é",
];
const GO: &[&str] = &[
    "package a\n",
    "import \"x\"\n",
    "func f",
    "func (r *T) m",
    "type T ",
    "struct ",
    "interface ",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    ";",
    ",",
    ".",
    "a",
    "B",
    " ",
    "int ",
    ":=",
    "=",
    "\"é\"",
    "`r`",
    "'x'",
    "1",
    "+",
    "&&",
    "<-",
    "&",
    "*",
    "go ",
    "defer ",
    "select ",
    "switch ",
    "case ",
    "default:",
    "type",
    "for ",
    "range ",
    "if ",
    "else ",
    "return ",
    "map[string]int",
    "chan ",
    "...",
    "const ",
    "var ",
    "iota",
    "L:",
    "goto L",
    "/*",
    "*/",
    "// x\n",
    "\n",
    "~",
    "|",
    "é",
];
const RUST: &[&str] = &[
    "use a::b",
    "::{self, c as d}",
    "fn f",
    "impl T ",
    "trait T ",
    "struct S ",
    "enum E ",
    "mod m ",
    "pub ",
    "async ",
    "#[a(\"x\")]",
    "#![b]",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    ";",
    ",",
    ".",
    "a",
    "B",
    " ",
    "self",
    "let ",
    "mut ",
    "match ",
    "=>",
    "=",
    "|",
    "||",
    "&",
    "*",
    "?",
    "!",
    "..",
    "..=",
    "if ",
    "else ",
    "loop ",
    "while ",
    "for ",
    "in ",
    "'a: ",
    "break ",
    "return ",
    "unsafe ",
    "println!(\"{a} {}\", b)",
    "vec![1, 2]",
    "json!({\"a\": b})",
    "\"é\"",
    "r#\"x\"#",
    "b\"x\"",
    "'x'",
    "1u8",
    "1.5",
    "+",
    "==",
    "<",
    ">",
    "as u8",
    "const ",
    "static ",
    "move ",
    "macro_rules! m ",
    "$a",
    "@",
    "/*",
    "*/",
    "// x\n",
    "\n",
    "é",
];

proptest! {
    #[test]
    fn any_java(text in soup(JAVA)) {
        check::parse(Language::Java, &text);
    }

    #[test]
    fn any_go(text in soup(GO)) {
        check::parse(Language::Go, &text);
    }

    #[test]
    fn any_rust(text in soup(RUST)) {
        check::parse(Language::Rust, &text);
    }

    #[test]
    fn any_text(text in "\\PC{0,200}") {
        for language in LANGUAGES {
            check::parse(language, &text);
        }
    }
}
