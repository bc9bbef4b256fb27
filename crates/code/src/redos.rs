//! Patterns that backtracking engines take too long for.
//!
//! An engine that backtracks (JavaScript, Python, Java) tries every way to match before it says no. Where a text can be read in
//! several ways inside of a loop, the ways multiply with each round. The pattern is read ([`parse`]), made into an automaton whose
//! edges are the ways ([`automaton`]), and that is asked whether two different ways read the same text ([`ways`]):
//!
//! | | | example |
//! |---|---|---|
//! | exponential | two ways from a place in a loop back to it | `^(a+)+$`, <code>^(\w&#124;\d)*$</code> |
//! | polynomial | one loop hands over to another anywhere in the text | `^\s*(.*?)\s*$` |
//! | search | so does the search for a beginning, once for each place of the text | `\s+$` |
//!
//! It counts only where the match can still fail behind the loop. Engines of Go and Rust are linear and are not asked.

mod automaton;
mod parse;
mod ways;

use serde::Deserialize;

/// How long it takes at worst, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ambiguity {
    /// The square of the text's length, because the search starts again at each place.
    Search,
    /// A power of the text's length.
    Polynomial,
    /// Doubled by each further character.
    Exponential,
}

/// How the pattern is held against a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum How {
    /// Anywhere in it.
    Search,
    /// From its beginning on.
    Start,
    /// All of it.
    Whole,
}

/// Longer patterns are not looked into.
const LONGEST: usize = 4_000;

/// The worst there is in a pattern; none where nothing is wrong, or where it is too large or no pattern of ours.
pub(crate) fn ambiguity(pattern: &str, ignore_case: bool, how: How) -> Option<Ambiguity> {
    if pattern.len() > LONGEST || !pattern.contains(['*', '+', '{']) {
        return None;
    }
    let (whole, looks) = parse::parse(pattern, ignore_case)?;
    let inner = looks.iter().map(|look| automaton::Automaton::new(look, How::Start));
    let outer = std::iter::once(automaton::Automaton::new(&whole, how));
    outer.chain(inner).filter_map(|automaton| ways::worst(&automaton?)).max()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn search(pattern: &str) -> Option<Ambiguity> {
        ambiguity(pattern, false, How::Search)
    }

    #[test]
    fn two_ways_around_a_loop() {
        for pattern in [
            r"^(a+)+$",
            r"^(a*)*b",
            r"(x+x+)+y",
            r"^(\w|\d)*$",
            r"^(a|a)*$",
            r"^([a-z]+)*:",
            r"^(?:.*a)+$",
            r"^(a?b?)*c",
            r"^(?:\s*\w+\s*)*;",
            r"^(([a-z])+.)+[A-Z]([a-z])+$",
            r"^([a-zA-Z0-9]+\s?)*$",
            r"^(?=(a+)+b)a",
            r"^(a{1,30})+$",
            r"(?:[^\\']|\\.|[^'])*'",
            r"^(\d+|[0-9a-f]+)+:",
            r"^(?:[\w-]+\.?)+@",
        ] {
            assert_eq!(search(pattern), Some(Ambiguity::Exponential), "{pattern}");
        }
        assert_eq!(ambiguity("^(a|A)*$", false, How::Search), None);
        assert_eq!(ambiguity("^(a|A)*$", true, How::Search), Some(Ambiguity::Exponential));
    }

    #[test]
    fn one_loop_behind_the_other() {
        for pattern in
            [r"^\s*(.*?)\s*$", r"^a*a*$", r"^.*,.*,$", r"^\d+\w+$", r"^\w+\s*\w*\d+$", r"^(a+){1,9}$"]
        {
            assert_eq!(search(pattern), Some(Ambiguity::Polynomial), "{pattern}");
        }
        for pattern in [r"\s+$", r"a+b", r"<!--.*-->", r"[a-z]+@"] {
            assert_eq!(search(pattern), Some(Ambiguity::Search), "{pattern}");
            assert_eq!(ambiguity(pattern, false, How::Start), None, "{pattern}");
        }
    }

    #[test]
    fn what_reads_a_text_in_one_way_is_quick() {
        for pattern in [
            r"^[a-z]+$",
            r"^\d{4}-\d{2}-\d{2}$",
            r"^(\d+,)*\d+$",
            r"^([a-z0-9]+-)*[a-z0-9]+$",
            r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$",
            r"\s+",
            r"(a+)+",
            r"(\w+\s*)*",
            r"^(?:[^\\']|\\.)*'$",
            r"^#([0-9a-f]{3}){1,2}$",
            r"^[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$",
            r"^(https?:\/\/)?[^\/]+\/",
            r"^(a+)+[\s\S]*$",
            r"^\/api\/v\d+\/",
            r"[^a-z]",
            r"^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$",
            "",
            r"\",
            r"(",
            r"[",
            r"a{2",
            r"(?<=a)b+",
        ] {
            assert_eq!(search(pattern), None, "{pattern}");
        }
    }

    #[test]
    fn a_pattern_of_many_parts_ends() {
        let nested = "(".repeat(3_000);
        assert_eq!(search(&nested), None);
        let nested = format!("{}a{}", "(".repeat(900), "+)".repeat(900));
        let _ = search(&nested);
        let wide = format!("^({})*$", vec![r"\w+\d*[a-f]*"; 200].join("|"));
        let _ = search(&wide);
        let counted = "^((((a{9}){9}){9}){9}){9}+$";
        let _ = search(counted);
    }

    proptest! {
        #[test]
        fn any_text_is_answered(pattern in r"[-ab\\(){}\[\]*+?|^$.,0-9:=!<>wdsp]{0,40}") {
            let _ = search(&pattern);
        }

        /// A simple machine that counts its steps is never slow where nothing was said.
        #[test]
        fn what_is_not_said_to_be_exponential_is_not(pattern in r"\^(\((a|b|\||a\*|b\+|ab|a\?){1,4}\)[*+?]?){1,3}\$") {
            if search(&pattern) == Some(Ambiguity::Exponential) {
                return Ok(());
            }
            let Some((whole, _)) = parse::parse(&pattern, false) else { return Ok(()) };
            for word in ["a", "b", "ab", "aab"] {
                let long = format!("{}c", word.repeat(24 / word.len()));
                let mut steps = 0;
                backtrack(&whole, &long.chars().collect::<Vec<_>>(), 0, &mut steps, &mut |_| false);
                prop_assert!(steps < 400_000, "{pattern} on {long}: {steps} steps");
            }
        }
    }

    fn backtrack(
        node: &parse::Node,
        text: &[char],
        at: usize,
        steps: &mut u64,
        then: &mut dyn FnMut(usize) -> bool,
    ) -> bool {
        use parse::Node;
        *steps += 1;
        if *steps > 400_000 {
            return true;
        }
        match node {
            Node::Empty => then(at),
            Node::Set(set) => {
                let start = set.has(parse::START) && at == 0;
                let end = set.has(parse::END) && at == text.len();
                if start || end {
                    return then(at);
                }
                text.get(at).is_some_and(|one| set.has(*one as u32)) && then(at + 1)
            }
            Node::All(parts) => all(parts, text, at, steps, then),
            Node::Any(parts) => parts.iter().any(|part| backtrack(part, text, at, &mut *steps, &mut *then)),
            Node::Loop { inner, empty: true } => again(inner, text, at, steps, then),
            Node::Loop { inner, empty: false } => {
                let mut more = 0;
                let done = backtrack(inner, text, at, steps, &mut |next| {
                    again(inner, text, next, &mut more, &mut *then)
                });
                *steps += more;
                done
            }
        }
    }

    fn all(
        parts: &[parse::Node],
        text: &[char],
        at: usize,
        steps: &mut u64,
        then: &mut dyn FnMut(usize) -> bool,
    ) -> bool {
        let Some((first, rest)) = parts.split_first() else { return then(at) };
        let mut inner = 0;
        let done =
            backtrack(first, text, at, steps, &mut |next| all(rest, text, next, &mut inner, &mut *then));
        *steps += inner;
        done
    }

    fn again(
        node: &parse::Node,
        text: &[char],
        at: usize,
        steps: &mut u64,
        then: &mut dyn FnMut(usize) -> bool,
    ) -> bool {
        let mut inner = 0;
        let done = backtrack(node, text, at, steps, &mut |next| {
            next > at && again(node, text, next, &mut inner, &mut *then)
        });
        *steps += inner;
        done || then(at)
    }
}
