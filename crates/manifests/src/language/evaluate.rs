//! Asks a condition of a value.

use gabion_finding::Span;

use crate::document::{Node, Value};

use super::parse::{Condition, Path, Step, Test};

/// Whether it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Truth {
    No,
    /// It hangs on something that is not known.
    Open,
    /// And where it shows, if anywhere.
    Yes(Option<Span>),
}

/// The values a path may begin at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Roots<'a> {
    pub(crate) here: &'a Node,
    pub(crate) named: &'a [(&'static str, &'a Node)],
}

/// A value that a path leads to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) node: &'a Node,
    key: Option<Span>,
}

impl Place<'_> {
    /// Key and value of a short one, the key of a long one.
    pub(crate) fn span(&self) -> Span {
        match self.key {
            Some(key) if self.node.is_scalar() => key.join(self.node.span),
            Some(key) => key,
            None => self.node.span,
        }
    }
}

/// More values than this no path leads to; a rule that would look at more is one about nothing.
const MOST: usize = 20_000;

/// All values the path leads to; the second is whether there may be others.
pub(crate) fn select<'a>(path: &Path, roots: Roots<'a>) -> (Vec<Place<'a>>, bool) {
    let root = match &path.root {
        None => Some(roots.here),
        Some(name) => roots.named.iter().find(|(known, _)| known == name).map(|(_, node)| *node),
    };
    let Some(root) = root else { return (Vec::new(), false) };
    let mut open = false;
    let mut places = vec![Place { node: root, key: None }];
    for step in &path.steps {
        let mut next = Vec::new();
        for place in &places {
            into(step, *place, &mut next, &mut open, 0);
        }
        next.truncate(MOST);
        places = next;
    }
    // A list at the end is its elements, unless it has none.
    let mut all = Vec::new();
    for place in places {
        match &place.node.value {
            Value::List(items) if !items.is_empty() => {
                all.extend(
                    items.iter().map(|node| Place { node, key: place.key.filter(|_| node.is_scalar()) }),
                );
            }
            Value::Null => {}
            _ => all.push(place),
        }
    }
    all.truncate(MOST);
    open |= all.iter().any(|place| place.node.is_unknown());
    (all, open)
}

fn into<'a>(step: &Step, place: Place<'a>, next: &mut Vec<Place<'a>>, open: &mut bool, depth: usize) {
    match (&place.node.value, step) {
        (Value::List(items), _) if depth < 4 => {
            for node in items {
                into(step, Place { node, key: None }, next, open, depth.saturating_add(1));
            }
        }
        (Value::Map(_), Step::Key(key)) => {
            let entry = place.node.entry(key);
            next.extend(entry.map(|entry| Place { node: &entry.node, key: Some(entry.key_span) }));
            // A part of the map is written by a template.
            *open |= entry.is_none() && place.node.entry(crate::helm::OPEN).is_some();
        }
        (Value::Map(entries), Step::Every) => {
            next.extend(entries.iter().map(|entry| Place { node: &entry.node, key: Some(entry.key_span) }));
        }
        (Value::Unknown(_), _) => *open = true,
        _ => {}
    }
}

pub(crate) fn evaluate(condition: &Condition, roots: Roots<'_>) -> Truth {
    match condition {
        Condition::Not(inner) => match evaluate(inner, roots) {
            Truth::Yes(_) => Truth::No,
            Truth::No => Truth::Yes(None),
            Truth::Open => Truth::Open,
        },
        Condition::And(all) => {
            let (mut open, mut place) = (false, None);
            for one in all {
                match evaluate(one, roots) {
                    Truth::No => return Truth::No,
                    Truth::Open => open = true,
                    Truth::Yes(found) => place = place.or(found),
                }
            }
            if open { Truth::Open } else { Truth::Yes(place) }
        }
        Condition::Or(all) => first(all.iter().map(|one| evaluate(one, roots))),
        Condition::Any(path, inner) => {
            let (places, open) = select(path, roots);
            let found = first(places.iter().map(|place| inside(inner, place, roots)));
            if found == Truth::No && open { Truth::Open } else { found }
        }
        Condition::All(path, inner) => {
            let (places, mut open) = select(path, roots);
            for place in &places {
                match inside(inner, place, roots) {
                    Truth::No => return Truth::No,
                    Truth::Open => open = true,
                    Truth::Yes(_) => {}
                }
            }
            if open { Truth::Open } else { Truth::Yes(places.first().map(Place::span)) }
        }
        Condition::Test(path, test) => ask(path, test, roots),
    }
}

/// What holds of one element, and where: at the least at the element.
fn inside(inner: &Condition, place: &Place<'_>, roots: Roots<'_>) -> Truth {
    match evaluate(inner, Roots { here: place.node, named: roots.named }) {
        Truth::Yes(None) => Truth::Yes(Some(place.span())),
        other => other,
    }
}

fn first(all: impl Iterator<Item = Truth>) -> Truth {
    let mut open = false;
    for one in all {
        match one {
            Truth::Yes(place) => return Truth::Yes(place),
            Truth::Open => open = true,
            Truth::No => {}
        }
    }
    if open { Truth::Open } else { Truth::No }
}

fn ask(path: &Path, test: &Test, roots: Roots<'_>) -> Truth {
    let (places, open) = select(path, roots);
    let spot = |place: &Place<'_>| (!path.steps.is_empty()).then(|| place.span());
    match test {
        Test::Absent if places.is_empty() => {
            if open {
                Truth::Open
            } else {
                Truth::Yes(None)
            }
        }
        Test::Absent => Truth::No,
        Test::Exists => match places.first() {
            Some(place) => Truth::Yes(spot(place)),
            None if open => Truth::Open,
            None => Truth::No,
        },
        Test::Empty => places
            .iter()
            .find(|place| is_empty(place.node))
            .map_or(Truth::No, |place| Truth::Yes(spot(place))),
        Test::Without(test) => {
            let holds = places.iter().any(|place| is_so(test, place.node));
            match places.first() {
                Some(_) if holds => Truth::No,
                _ if open => Truth::Open,
                Some(place) => Truth::Yes(spot(place)),
                None => Truth::No,
            }
        }
        test => match places.iter().find(|place| is_so(test, place.node)) {
            Some(place) => Truth::Yes(spot(place)),
            // It is known how it is written.
            None if matches!(test, Test::Refers(_)) => Truth::No,
            None if open => Truth::Open,
            None => Truth::No,
        },
    }
}

fn is_empty(node: &Node) -> bool {
    match &node.value {
        Value::Text(text) => text.is_empty(),
        Value::List(items) => items.is_empty(),
        Value::Map(entries) => entries.is_empty(),
        _ => false,
    }
}

fn is_so(test: &Test, node: &Node) -> bool {
    let number = |holds: &dyn Fn(f64) -> bool| node.number().is_some_and(holds);
    match test {
        Test::In(values) => node.scalar().is_some_and(|text| {
            values.iter().any(|value| {
                text == value
                    || (matches!(value.as_str(), "true" | "false") && text.eq_ignore_ascii_case(value))
            })
        }),
        Test::Less(bound) => number(&|value| value < *bound),
        Test::LessOrEqual(bound) => number(&|value| value <= *bound),
        Test::More(bound) => number(&|value| value > *bound),
        Test::MoreOrEqual(bound) => number(&|value| value >= *bound),
        Test::Contains(part) => node.scalar().is_some_and(|text| text.contains(part.as_str())),
        Test::Matches(regex) => node.scalar().is_some_and(|text| regex.is_match(text)),
        Test::Refers(regex) => node.reference().is_some_and(|written| regex.is_match(written)),
        Test::Covers(numbers) => node.scalar().is_some_and(|text| covers(text, numbers)),
        Test::Exists | Test::Absent | Test::Empty | Test::Without(_) => false,
    }
}

/// Whether a port, a range of them, or several with commas between, holds one of the numbers.
fn covers(text: &str, numbers: &[u32]) -> bool {
    text.split(',').map(str::trim).any(|part| {
        let number = |text: &str| text.trim().parse::<u32>().ok();
        let (first, last) = match part.split_once(['-', ':']) {
            Some((first, last)) => (number(first), number(last)),
            None if part == "*" => (Some(0), Some(u32::MAX)),
            None => (number(part), number(part)),
        };
        let (Some(first), Some(last)) = (first, last) else { return false };
        numbers.iter().any(|number| (first..=last).contains(number))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::parse;
    use super::*;
    use crate::document::yaml;

    fn ask(condition: &str, document: &str) -> Truth {
        let root = yaml::read(document).roots.remove(0);
        evaluate(&parse(condition, false).unwrap(), Roots { here: &root, named: &[] })
    }

    fn holds(condition: &str, document: &str) -> bool {
        matches!(ask(condition, document), Truth::Yes(_))
    }

    #[test]
    fn lists_and_maps_are_gone_into() {
        let document = "a: [{b: 1}, {b: 2, c: 'x'}]\nm: {k: {v: true}}\nn: null\n";
        for yes in [
            "a.b == 2",
            "a.b > 1 and not a.b > 2",
            "m.*.v",
            "m.*.v == true",
            "a.c matches '^x$'",
            "a.c lacks 'y'",
            "n absent",
            "q absent",
            "a.d absent",
            "any a (b == 2 and c exists)",
            "a.b in [7, 2]",
            "a.b != 3",
            "all a (b exists)",
            "m.k.v or q",
            "m exists",
            "(a.b == 9 or a.b == 1) and q absent",
        ] {
            assert!(holds(yes, document), "{yes}");
        }
        for no in
            ["a.b == 3", "q != 1", "q lacks 'x'", "any a (b == 1 and c exists)", "not m.k.v", "a absent", "q"]
        {
            assert!(!holds(no, document), "{no}");
        }
    }

    #[test]
    fn what_is_not_known_is_neither() {
        let document = "a: !Ref x\nb: 1\n";
        for open in ["a == 1", "a != 1", "not a == 1", "a.b absent", "a == 1 and b == 1", "a == 1 or b == 2"]
        {
            assert_eq!(ask(open, document), Truth::Open, "{open}");
        }
        assert!(holds("a exists and b == 1", document));
        assert_eq!(ask("a absent", document), Truth::No);
        assert_eq!(ask("a == 1 and b == 2", document), Truth::No);
    }

    #[test]
    fn ranges_hold_numbers_and_references_are_read() {
        let document = "a: [80, '20-25']\nb: !Ref x.secret\nc: '*'\nd: '443, 8000-9000'\n";
        for yes in
            ["a covers [22]", "c covers [1]", "d covers [22, 8080]", "b refers 'secret'", "not b refers 'q'"]
        {
            assert!(holds(yes, document), "{yes}");
        }
        for no in ["a covers [26]", "d covers [444]", "a refers 'x'", "b refers '^secret'"] {
            assert_eq!(ask(no, document), Truth::No, "{no}");
        }
        assert_eq!(ask("b covers [1]", document), Truth::Open);
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        for text in [
            "",
            "a ==",
            "a == b",
            "(a",
            "a b",
            "a matches '('",
            "any a b",
            "a < 'x'",
            "a == 'x",
            "$",
            "a..b",
            "a covers ['x']",
        ] {
            assert!(parse(text, false).is_err(), "{text}");
        }
        assert!(parse(&"(".repeat(10_000), false).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_a_condition_or_refused(text in "[ab$.*()\\[\\]<>=!' 1]{0,40}|(a|b|any|all|not|and|or|in|\\(|\\)| ){0,20}") {
            if let Ok(condition) = parse(&text, false) {
                let root = yaml::read("a: [b, {b: 1}]").roots.remove(0);
                evaluate(&condition, Roots { here: &root, named: &[] });
            }
        }
    }
}
