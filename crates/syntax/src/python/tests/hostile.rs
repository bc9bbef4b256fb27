//! Texts that nobody writes, up to 2 MiB: reading them ends, on the stack that is asked for.

use proptest::prelude::*;

use crate::{Language, Parsed, Problem, check};

const LARGE: usize = 2 << 20;

fn read(text: &str) -> Parsed {
    check::parse(Language::Python, text)
}

fn deep(text: &str) -> bool {
    read(text).problems.iter().any(|problem| matches!(problem, Problem::Deep(_)))
}

/// As often as it fits into an eighth of that: what is read to its end takes its time.
fn filled(one: &str) -> String {
    one.repeat(LARGE / 8 / one.len())
}

/// One in the other, as often as it fits and at most so many times.
fn nested(open: &str, middle: &str, close: &str, most: usize) -> String {
    let times = most.min(LARGE / (open.len() + close.len()).max(1));
    format!("{}{middle}{}", open.repeat(times), close.repeat(times))
}

#[test]
fn what_nests_too_deep_is_not_followed_and_said() {
    for (open, middle, close) in [
        ("(", "x", ")"),
        ("[", "x", "]"),
        ("{1:", "x", "}"),
        ("f(", "x", ")"),
        ("x[", "x", "]"),
        ("(x, ", "x", ")"),
        ("((", "x", ")+1,2)"),
        ("not ", "x", ""),
        ("-", "x", ""),
        ("- -~+", "x", ""),
        ("await ", "x", ""),
        ("(yield ", "x", ")"),
        ("lambda: ", "x", ""),
        ("lambda a=", "x", ": a"),
        ("a if b else ", "x", ""),
        ("", "x", " if b else a"),
        ("a ** ", "x", ""),
        ("*", "x", ""),
        ("(a := ", "x", ")"),
        ("(b for a in ", "x", ")"),
        ("[[a for b in c] for d in ", "x", "]"),
        ("if 1: ", "x", ""),
        ("class A: ", "x", ""),
        ("else: ", "x", ""),
        ("match x: case ", "x", ""),
        ("a: b: ", "x", ""),
        ("f'{", "x", "}'"),
        ("f'{f\"{", "x", "}\"}'"),
        ("f'''{x:{", "x", "}}'''"),
        ("f'{(lambda:", "x", ")}'"),
        ("x.a", "", ""),
        ("x", "", "()"),
        ("x", "", "[0]"),
        ("x", "", ".a(1)[2]"),
        ("a + b * ", "c", ""),
        ("a @ ", "c", ""),
        ("@", "x", "\n"),
    ] {
        // As deep as is followed, in brackets and without.
        for most in [245, 9_900] {
            read(&nested(open, middle, close, most));
        }
        for most in [10_100, usize::MAX] {
            let text = nested(open, middle, close, most);
            assert!(deep(&text) || !read(&text).problems.is_empty(), "{open} … {close}");
        }
    }
}

#[test]
fn brackets_that_do_not_fit_do_not_hide_how_deep_it_is() {
    for one in [
        "(]", "[)", "{)", "({]", "(}", "f'{", "f'{(}", "(\n", "(:\n", "[(\n  ", "if (:\n ", "def f(\n",
        "({[", ")]}", "f\"{'",
    ] {
        read(&filled(one));
        read(&format!("{}x", one.repeat(10_000)));
    }
}

#[test]
fn heights_in_brackets_add_up_behind_a_comma_as_well() {
    // Each bracket's first item is the next bracket, and a long sum stands behind it.
    let sum = "+1".repeat(2_000);
    let text = format!("{}x{}", "(".repeat(200), format!("{sum},1)").repeat(200));
    assert!(deep(&text));
}

#[test]
fn blocks_nest_as_far_as_python_lets_them() {
    let blocks = |depth: usize| {
        let lines = (0..depth).map(|depth| format!("{}if 1:\n", " ".repeat(depth)));
        lines.collect::<String>() + &" ".repeat(depth) + "x\n"
    };
    assert!(!deep(&blocks(99)));
    assert!(deep(&blocks(101)));
    assert!(deep(&blocks(2_000)));
    // An open bracket before them hides the blocks from the count, and not from the parser.
    read(&format!("if (:\n{}", blocks(1_900)));
}

#[test]
fn what_is_only_long_is_read() {
    let terms = |word: &str, count: usize| vec!["x"; count].join(word);
    for text in [
        "if a: x\n".to_owned() + &"elif b: y\n".repeat(30_000) + "else: z\n",
        format!("({})", "'a' ".repeat(30_000)),
        format!("({})", "f'{a}' ".repeat(30_000)),
        format!("[x {}]", "for a in b ".repeat(20_000)),
        "@x\n".repeat(30_000) + "def f(): pass\n",
        format!("with {}: pass\n", terms(" as y, ", 20_000)),
        terms(" or ", 40_000),
        terms(" and ", 40_000),
        terms(" < ", 40_000),
        terms(" = ", 40_000),
        terms(", ", 40_000),
        terms("; ", 40_000),
        terms("\n", 40_000),
        format!("f({})", terms(", ", 40_000)),
        format!("f({})", vec!["x=1"; 30_000].join(", ")),
        format!("{{{}}}", vec!["x: 1"; 30_000].join(", ")),
        format!("global {}", terms(", ", 30_000)),
        format!("from a import {}", terms(", ", 30_000)),
        format!("match x:\n case {}: pass\n", vec!["1"; 2_900].join(" | ")),
        format!("x = 1 {}+ 2", "\\\n".repeat(30_000)),
        format!("try: pass\n{}", "except A: pass\n".repeat(30_000)),
        filled("# "),
        filled(" "),
        filled("'"),
        filled("\\\n"),
        filled("\t \n"),
        filled("\u{feff}"),
        filled("ä"),
        filled("x: 'A | B'\n"),
        filled("def f(): yield\n"),
        filled("class A: x = lambda: 1\n"),
        filled("a<b<c<d\n"),
        filled("$"),
        filled("0"),
        filled("\0"),
        filled("\"\"\""),
        filled("f'"),
        filled("rb'"),
        filled("'\\N{'"),
    ] {
        let parsed = read(&text);
        assert!(
            !parsed.problems.iter().any(|problem| matches!(problem, Problem::Deep(_)))
                || text.starts_with("x = x"),
            "{}",
            text.get(..40).unwrap_or(&text)
        );
    }
}

#[test]
fn long_sums_stay_sums() {
    for (terms, deep_expected) in [(64, false), (300, false), (9_900, false), (11_000, true)] {
        let parsed = read(&format!("q = {}", vec!["'a'"; terms].join(" + ")));
        assert_eq!(!parsed.problems.is_empty(), deep_expected, "{terms}");
        if !deep_expected {
            assert_eq!(crate::dump(&parsed.module).matches("(+ ").count(), terms - 1);
        }
    }
    let parsed = read(&format!("q = {}", vec!["a"; 600].join(" - ")));
    assert_eq!(parsed.problems, []);
    assert_eq!(crate::dump(&parsed.module).matches(" a").count(), 600);
}

#[test]
fn comparisons_in_comparisons_do_not_double() {
    let mut text = "x".to_owned();
    for _ in 0..60 {
        text = format!("(0 < {text} < 1)");
    }
    assert_eq!(crate::dump(&read(&text).module).matches('x').count(), 2);
}

/// Words and signs in any order, on lines of any indentation.
fn soup() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ":",
        ",",
        ";",
        ".",
        "=",
        "==",
        "<",
        "+",
        "-",
        "*",
        "**",
        "/",
        "@",
        "->",
        ":=",
        "!",
        "~",
        "\\\n",
        "\n",
        "\n ",
        "\n  ",
        "\n    ",
        "\n\t",
        " ",
        "x",
        "f",
        "self",
        "ä",
        "1",
        "0x",
        "1e9",
        "2j",
        "_",
        "'a'",
        "\"\"\"",
        "'",
        "f'",
        "f'{",
        "f\"",
        "t'{",
        "}'",
        "{x!r:>{y}}",
        "b'\\xff'",
        "'\\",
        "'A | None'",
        "'List[\"A\"]'",
        "#",
        "\u{feff}",
        "\r\n",
        "\0",
        "and",
        "as",
        "assert ",
        "async ",
        "await ",
        "break",
        "case ",
        "class ",
        "continue",
        "def ",
        "del ",
        "elif ",
        "else:",
        "except ",
        "except* ",
        "finally:",
        "for ",
        "from ",
        "global ",
        "if ",
        "import ",
        "in ",
        "is ",
        "lambda ",
        "match ",
        "nonlocal ",
        "not ",
        "or ",
        "pass",
        "raise ",
        "return ",
        "try:",
        "type ",
        "while ",
        "with ",
        "yield ",
        "None",
        "True",
        "...",
        "super()",
        "Annotated[",
        "Optional[",
        "Callable[[",
        "@property\n",
        "case _:",
        "**x",
        "*x",
        "x: int = 1",
        "x, y = z",
    ]);
    prop::collection::vec(word, 0..60).prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn any_words_are_read(text in soup()) {
        read(&text);
    }

    #[test]
    fn any_text_is_read(text in "\\PC{0,200}") {
        read(&text);
    }

    #[test]
    fn any_words_in_code_are_read(before in soup(), at in 0_usize..1_400) {
        let code = include_str!("sample.py");
        let (start, end) = code.split_at_checked(at.min(code.len())).unwrap_or((code, ""));
        read(&format!("{start}{before}{end}"));
    }
}
