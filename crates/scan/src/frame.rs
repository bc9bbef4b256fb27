//! The lines around a finding, as a reader sees them: what must not be shown is `…`, long lines are cut around the place.

use gabion_finding::{Place, Source, Span};
use serde::Serialize;

use crate::visible;

/// Lines with the place marked in them. Safe to show.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Frame {
    pub lines: Vec<FrameLine>,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FrameLine {
    /// Counted from 1.
    pub number: u32,
    pub text: String,
    /// The characters of `text` that are the place: the first, and the one behind the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mark: Option<(usize, usize)>,
}

/// The lines of a place with one above and one below; of a long one (a whole function) where it begins. `hidden` is everything in the file that must not be shown, whichever finding
/// said so, as [`merge`] answers it.
#[must_use]
pub(crate) fn frame(source: &Source, place: &Place, hidden: &[Span]) -> Frame {
    let first = place.start.line.saturating_sub(AROUND).max(1);
    let end = place.end.line.max(place.start.line);
    let long = end.saturating_sub(place.start.line) >= MOST_LINES;
    let (end, marked) = if long {
        let line = source.line(place.start.line);
        (place.start.line, Span::new(place.span.start, place.span.end.min(line.end)))
    } else {
        (end, place.span)
    };
    let last = end.saturating_add(AROUND).min(u32::try_from(source.lines().lines()).unwrap_or(u32::MAX));
    let mut lines: Vec<FrameLine> =
        (first..=last).map(|number| line(source, number, marked, hidden)).collect();
    while lines.last().is_some_and(|line| line.text.trim().is_empty() && line.number > end) {
        lines.pop();
    }
    while lines.first().is_some_and(|line| line.text.trim().is_empty() && line.number < place.start.line) {
        lines.remove(0);
    }
    Frame { lines }
}

const AROUND: u32 = 1;
const MOST_LINES: u32 = 3;
/// Longer lines are cut.
const WIDEST: usize = 160;
const BEFORE_MARK: usize = 40;

fn line(source: &Source, number: u32, place: Span, hidden: &[Span]) -> FrameLine {
    let whole = source.line(number);
    let start = skip(source.text(), whole, place);
    let span = Span::new(start, whole.end);
    let mut text = if start > whole.start { "…".to_owned() } else { String::new() };
    let mut width = text.chars().count();
    let (mut from, mut to): (Option<usize>, Option<usize>) = (None, None);
    let mut blanked = false;
    for (character, offset) in span
        .of(source.text())
        .char_indices()
        .filter_map(|(at, character)| Some((character, span.start.saturating_add(u32::try_from(at).ok()?))))
    {
        let marked =
            offset >= place.start && (offset < place.end || place.is_empty() && offset == place.start);
        // What a line is indented by is not the place.
        if marked && from.is_none() && (place.is_empty() || !character.is_whitespace()) {
            from = Some(width);
        }
        if is_hidden(offset, hidden) {
            if !blanked {
                text.push('…');
                width = width.saturating_add(1);
            }
            blanked = true;
        } else {
            blanked = false;
            let length = text.len();
            visible::push(&mut text, character);
            width = width.saturating_add(text.get(length..).unwrap_or_default().chars().count());
        }
        if marked {
            to = Some(width);
        }
        // What stands farther is cut anyway.
        let enough = from.unwrap_or(0).saturating_add(WIDEST * 2);
        if width > enough && offset >= place.start {
            break;
        }
    }
    let mark = from.zip(to).map(|(from, to)| (from, to.max(from.saturating_add(1))));
    let (text, mark) = cut(text, width, mark);
    FrameLine { number, text, mark }
}

/// Where to begin in a line: shortly before the place, where that is far inside.
fn skip(text: &str, line: Span, place: Span) -> u32 {
    let inside = line.contains(Span::new(place.start, place.start));
    if !inside || place.start.saturating_sub(line.start) < FAR {
        return line.start;
    }
    let start = text.floor_char_boundary(place.start.saturating_sub(FAR / 8) as usize);
    u32::try_from(start).unwrap_or(line.start).max(line.start)
}

const FAR: u32 = 2048;

/// `hidden` is in order and nothing in it touches another.
fn is_hidden(offset: u32, hidden: &[Span]) -> bool {
    let behind = hidden.partition_point(|span| span.start <= offset);
    behind.checked_sub(1).and_then(|at| hidden.get(at)).is_some_and(|span| offset < span.end)
}

/// The hidden places and every other place where the same text stands: a password is used near where it is set.
pub(crate) fn everywhere(text: &str, hidden: &[Span]) -> Vec<Span> {
    let mut spans = hidden.to_vec();
    for secret in &Redactor::new(text, hidden).secrets {
        let found = memchr::memmem::find_iter(text.as_bytes(), secret.as_bytes());
        spans.extend(found.filter_map(|at| {
            let end = at.checked_add(secret.len())?;
            Some(Span::new(u32::try_from(at).ok()?, u32::try_from(end).ok()?))
        }));
    }
    merge(spans)
}

/// In order, what overlaps put together.
#[must_use]
pub(crate) fn merge(mut spans: Vec<Span>) -> Vec<Span> {
    spans.retain(|span| !span.is_empty());
    spans.sort_unstable();
    let mut merged: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        match merged.last_mut() {
            Some(last) if span.start <= last.end => *last = last.join(span),
            _ => merged.push(span),
        }
    }
    merged
}

fn cut(text: String, width: usize, mark: Option<(usize, usize)>) -> (String, Option<(usize, usize)>) {
    if width <= WIDEST {
        return (text, mark);
    }
    let start = mark.map_or(0, |(from, _)| from.saturating_sub(BEFORE_MARK));
    let mut shown: String = text.chars().skip(start).take(WIDEST).collect();
    let moved = usize::from(start > 0);
    if start > 0 {
        shown.insert(0, '…');
    }
    let most = shown.chars().count();
    if start.saturating_add(WIDEST) < width {
        shown.push('…');
    }
    let place = |column: usize| column.saturating_sub(start).saturating_add(moved).min(most);
    (shown, mark.map(|(from, to)| (place(from), place(to))))
}

/// Takes secrets out of what a finding says, should one have come there.
#[derive(Debug, Clone, Default)]
pub(crate) struct Redactor {
    secrets: Vec<String>,
}

impl Redactor {
    pub(crate) fn new(text: &str, hidden: &[Span]) -> Self {
        let mut secrets: Vec<String> = hidden
            .iter()
            .map(|span| span.of(text).to_owned())
            .filter(|secret| secret.len() >= SHORTEST)
            .collect();
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets.dedup();
        secrets.truncate(MOST_SECRETS);
        Self { secrets }
    }

    pub(crate) fn apply(&self, text: &mut String) {
        for secret in &self.secrets {
            if text.contains(secret.as_str()) {
                *text = text.replace(secret.as_str(), "…");
            }
        }
    }

    pub(crate) fn finds(&self, bytes: &[u8]) -> bool {
        self.secrets.iter().any(|secret| memchr::memmem::find(bytes, secret.as_bytes()).is_some())
    }
}

/// Shorter texts stand everywhere.
const SHORTEST: usize = 4;
/// Of one file, by length; the longest are looked for everywhere, each where it was found anyway.
const MOST_SECRETS: usize = 2000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn made(text: &str, span: Span, hidden: &[Span]) -> Frame {
        let source = Source::new("a", text);
        frame(&source, &source.place(span), hidden)
    }

    #[test]
    fn the_place_is_marked_and_the_secret_is_not_there() {
        let text = "one\nkey = \"hunter2hunter2\"\nother = \"swordfish\"\n";
        let frame = made(text, Span::new(4, 26), &[Span::new(11, 25), Span::new(36, 45)]);
        let lines: Vec<&str> = frame.lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(lines, ["one", "key = \"…\"", "other = \"…\""]);
        assert_eq!(frame.lines[1].mark, Some((0, 9)));
    }

    #[test]
    fn of_a_whole_function_the_beginning_is_marked() {
        let text = "x\nrun(() => {\n  a\n  b\n})\ny\n";
        let shown = made(text, Span::new(2, 24), &[]);
        let marks: Vec<_> = shown.lines.iter().map(|line| (line.number, line.mark)).collect();
        assert_eq!(marks, [(1, None), (2, Some((0, 11))), (3, None)]);
        let short = made("call(\n    1,\n)\n", Span::new(0, 14), &[]);
        let marks: Vec<_> = short.lines.iter().map(|line| line.mark).collect();
        assert_eq!(marks, [Some((0, 5)), Some((4, 6)), Some((0, 1))]);
    }

    #[test]
    fn long_lines_are_cut_around_the_place() {
        let text = format!("{}needle{}", "a ".repeat(500), "b".repeat(500));
        let frame = made(&text, Span::new(1000, 1006), &[]);
        let line = &frame.lines[0];
        let (from, to) = line.mark.unwrap();
        let marked: String = line.text.chars().skip(from).take(to - from).collect();
        assert_eq!(marked, "needle");
        assert!(line.text.chars().count() <= WIDEST + 2);
    }

    proptest! {
        #[test]
        fn no_secret_is_ever_shown(before in "[a-z \t\n]{0,200}", after in "[a-z \n]{0,300}", from in 0_u32..300, length in 0_u32..80) {
            let secret = "0123456789";
            let text = format!("{before}{secret}{after}");
            let start = u32::try_from(before.len()).unwrap();
            let frame = made(&text, Span::new(from, from + length), &[Span::new(start, start + 10)]);
            for line in &frame.lines {
                prop_assert!(!line.text.contains(|character: char| character.is_ascii_digit()));
                if let Some((from, to)) = line.mark {
                    prop_assert!(from < to || line.text.is_empty());
                }
            }
        }
    }
}
