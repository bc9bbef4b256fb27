//! Nests in disguise: what a careless count takes for a string, a comment, a pattern or a page, and the parser does not.

use proptest::prelude::*;

use super::too_deep;
use crate::{Language, Problem, check};

const DEEP: usize = 30_000;
const ALL: [Language; 3] = [Language::JavaScript, Language::TypeScript, Language::Tsx];

/// Behind each of them stands code, in these languages.
const DISGUISES: &[(&str, &[Language])] = &[
    // An apostrophe in the text of a page; a quote in an attribute; a page in a page.
    ("<p>it's</p>;", &[Language::JavaScript, Language::Tsx]),
    ("<p>don't {a} \" </p>;", &[Language::JavaScript, Language::Tsx]),
    ("<p>`</p>;", &[Language::JavaScript, Language::Tsx]),
    ("<p>/*</p>;", &[Language::JavaScript, Language::Tsx]),
    ("<a b='\\'/>;", &[Language::JavaScript, Language::Tsx]),
    ("<a b=\"\n\" c='\"'>/</a>;", &[Language::JavaScript, Language::Tsx]),
    ("<a b=<c>'</c>/>;", &[Language::JavaScript, Language::Tsx]),
    ("<a /* > ' */ b>'</a>;", &[Language::JavaScript, Language::Tsx]),
    ("<><a.b-c:d>'</a.b-c:d></>;", &[Language::JavaScript, Language::Tsx]),
    ("<a>{'}'}'{/'/}</a>;", &[Language::JavaScript, Language::Tsx]),
    ("if (a) <b>'</b>\n", &[Language::JavaScript, Language::Tsx]),
    ("import 'a'\n<b>'</b>;", &[Language::JavaScript, Language::Tsx]),
    ("f({})\n;<b>'</b>;", &[Language::JavaScript, Language::Tsx]),
    ("const a = <T extends U,>(b: T) => '<c>', d = 1;", &[Language::Tsx]),
    ("type A = <T>(b: T) => '</T>{'; ", &[Language::Tsx]),
    ("const a = <B<'>'> c>'</B>;", &[Language::Tsx]),
    // A pattern that divides, a division that is a pattern.
    ("let type = 1; type /'/ 1; '';", &[Language::JavaScript]),
    ("x! /'/ 1; '';", &[Language::TypeScript, Language::Tsx]),
    ("if (a) {} /'/;", &ALL),
    ("for await (a of b) /'/;", &[Language::TypeScript]),
    ("var a\n/'/;", &ALL),
    ("debugger\n/\"/;", &ALL),
    ("a: for (;;) { break a\n/'/; }", &ALL),
    ("import b from 'b'\n/'/;", &ALL),
    ("a = 1. / 2 /'/ 3;'';", &[]),
    ("return\u{a0}/'/;", &ALL),
    ("r\\u0065turn /'/;", &[Language::JavaScript]),
    ("a = b\n++\n/'/;", &[]),
    ("/[/']/;", &ALL),
    ("/\\[/; /'/;", &ALL),
    // Comments that end earlier, or are none.
    ("// '\r", &ALL),
    ("// /*\u{2028}", &ALL),
    ("#!/*\n", &ALL),
    ("#!`'\"\n", &ALL),
    ("a/*'*/;", &ALL),
    ("'/*';", &ALL),
    ("<!-- '\n", &[Language::JavaScript]),
    ("\n--> `\n", &[Language::JavaScript]),
    // Strings and templates that end elsewhere.
    ("'\\\r\n';", &ALL),
    ("'\\\\';", &ALL),
    ("\"\\\n'\";", &ALL),
    ("`${`'`}`;", &ALL),
    ("`\\``;", &ALL),
    ("`$${'`'}`;", &ALL),
    ("a`'`;", &ALL),
    ("'\u{2028}\"';", &ALL),
];

#[test]
fn no_disguise_hides_what_nests() {
    for (disguise, languages) in DISGUISES {
        for language in *languages {
            for open in ["(", "[", "{a:", "<a>", "f(", "!"] {
                if open == "<a>" && *language == Language::TypeScript {
                    continue;
                }
                let text = format!("{disguise}x = {}", open.repeat(DEEP));
                assert!(too_deep(*language, &text).is_some(), "{disguise:?} {open} {language:?}");
            }
        }
    }
}

#[test]
fn types_and_statements_hide_nothing() {
    for open in [
        "F<0,",
        "F<0,{}|",
        "F<a<b,",
        "if(a)do x;while(b);else ",
        "if(a)do x\nwhile(b)\nelse ",
        "if(a){}else ",
        "if(a)try{}finally{}else ",
        "do ",
        "a\n?b:",
        "await\n",
        "keyof\n",
        "async\na=>",
    ] {
        let text = format!("type A = 0; let b: {}", open.repeat(DEEP));
        assert!(too_deep(Language::TypeScript, &text).is_some(), "{open}");
        let text = open.repeat(DEEP);
        assert!(too_deep(Language::TypeScript, &text).is_some(), "{open}");
    }
}

#[test]
fn what_nests_nothing_is_read() {
    let many = "(".repeat(2_000);
    for (text, language) in [
        (format!("a = <p>it's {many} fine</p>;"), Language::Tsx),
        (format!("a = <p b='{many}'>don't</p>;"), Language::JavaScript),
        (format!("a = '{many}', b = \"{many}\", c = `{many}`;"), Language::TypeScript),
        (format!("if (a) {{}} /[{}]/.test(b);", "(".repeat(200)), Language::JavaScript),
        (format!("a = b / 2; // {many}"), Language::Tsx),
        (format!("const a = <T,>(b: T) => '{many}';"), Language::Tsx),
        ("const a = 1 << 2 < 3; let b = c<d, e = f<g>(1);\n".repeat(2_000), Language::Tsx),
        ("type A = <T>(b: T) => T;\n".repeat(2_000), Language::Tsx),
        (
            "if (a) { b() } else { c() }\n".repeat(3_000) + &"while (d) e();\n".repeat(3_000),
            Language::JavaScript,
        ),
        ("function a(){}/b/.test(c)&&d;".repeat(2_000), Language::JavaScript),
    ] {
        assert_eq!(too_deep(language, &text), None, "{}", text.get(..60).unwrap_or(&text));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// The parser's stack holds, whatever stands before what nests.
    #[test]
    fn no_words_hide_what_nests(
        words in prop::collection::vec(prop::sample::select(vec![
            "'", "\"", "`", "${", "}", "/", "/*", "*/", "//", "\n", "\r", "\\", "<", "</", "/>", ">", "<a>", "</a>", "<T,>", "<T>(",
            "{", "(", ")", "[", "]", "a", "b", "1", ".", ";", ",", "=", "=>", "!", "?", ":", "type ", "get ", "return ", "await ",
            "if (a) ", "else ", "do ", "while (a) ", "var a", "import 'a'", "++", "--", "-->", "<!--", "\u{2028}", "\u{a0}", "a=",
            "'s'", "/r/", "//\r", "\\u0061", "of ", "as ", "extends ", "async ", "yield ", "<a b='", "#", "@a ", "'\\\r\n'", "0.",
        ]), 0..14),
        open in prop::sample::select(vec!["(", "[", "{", "{a:", "<a>", "<a b=", "f(", "!", "a=>", "if(a)", "${", "`${", "F<0,", "(("]),
        language in prop::sample::select(ALL.to_vec()),
    ) {
        let text = format!("{}{}", words.concat(), open.repeat(6_000));
        let parsed = check::parse(language, &text);
        // What was not refused is none of it code.
        let deep = parsed.problems.iter().any(|problem| matches!(problem, Problem::Deep(_)));
        prop_assert!(deep || too_deep(language, &text).is_none());
    }
}
