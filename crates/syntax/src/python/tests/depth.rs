//! What counts as nested, and what only looks so.

use crate::python::depth::{is_too_deep, too_deep};
use crate::{Language, check, dump};

#[test]
fn what_stands_in_strings_and_comments_nests_nothing() {
    let many = "([{ not -x.y if a else ".repeat(4_000);
    for text in [
        format!("# {many}\nx = 1\n"),
        format!("x = '{many}'\n"),
        format!("f('''{many}''', 1)\n"),
        format!("f(f'{}{{x}}')\n", many.replace('{', "{{")),
        format!("'''\n{many}\n'''\n").repeat(3),
        // A smile that never closes.
        "x = 1  # :(\ny = ':('\n".repeat(2_000),
    ] {
        assert!(!is_too_deep(&text), "{}", text.chars().take(40).collect::<String>());
    }
}

#[test]
fn what_people_write_is_far_from_too_deep() {
    let calls = ".filter(a=b.c, d=[e for e in f if not e])".repeat(150);
    let table = "    {'key': [1, -2.5, (3, 'x')], 'other': -x + y * z},\n".repeat(20_000);
    let lines = "x = a.b(c)[d] + -e if f else not g\n".repeat(20_000);
    for text in [format!("q = q{calls}\n"), format!("t = [\n{table}]\n"), lines] {
        assert!(!is_too_deep(&text));
    }
}

#[test]
fn it_is_said_where_it_gets_too_deep() {
    let text = format!("ä = 1\ny = {}", "(".repeat(300));
    let at = too_deep(&text).unwrap();
    let opened = text.get(..at.end as usize).unwrap().matches('(').count();
    assert_eq!((opened, at.of(&text)), (251, "("));

    let blocks: String = (0..103).map(|depth| format!("{}if x:\n", "\t".repeat(depth))).collect();
    let at = too_deep(&blocks).unwrap();
    assert_eq!(blocks.get(..at.start as usize).unwrap().lines().count(), 102);
}

#[test]
fn many_branches_are_the_cases_of_one_switch() {
    let branches = |many: usize| {
        let branch = |number: usize| format!("elif op == {number}:\n    f({number})\n");
        let text = (0..many).map(branch).collect::<String>();
        let text = format!("if op is None:\n    g()\n{text}else:\n    h()\n");
        let parsed = check::parse(Language::Python, &text);
        assert_eq!(parsed.problems, []);
        dump(&parsed.module)
    };
    let few = branches(31);
    assert!(!few.contains("switch") && few.matches("    if (==").count() == 31, "{few}");
    let many = branches(2_000);
    assert!(
        many.contains("  switch\n    default if (is op null)\n      (call g)\n    default if (== op 0)\n")
    );
    assert!(
        many.ends_with("    default if (== op 1999)\n      (call f 1999)\n    default\n      (call h)\n")
    );
}

#[test]
fn long_paths_and_calls_are_followed_as_deep_as_trees_go() {
    let chain = |calls: usize| format!("q = a{}\n", ".b()".repeat(calls));
    assert_eq!(check::parse(Language::Python, &chain(190)).problems, []);
    let parsed = check::parse(Language::Python, &chain(250));
    assert_eq!(parsed.problems.len(), 1);
    assert_eq!(dump(&parsed.module).matches(".b").count(), 199);
}
