//! On which line of a YAML file a key stands: `attack[1].request` is on line 24.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser};

/// The most places that are remembered.
const MOST: usize = 20_000;
/// The deepest nesting that is looked into.
const DEEPEST: usize = 60;

/// Lines by the paths of keys.
#[derive(Debug, Default)]
pub(crate) struct Lines(BTreeMap<String, usize>);

enum Open {
    /// The next scalar is a key, or the value of this one.
    Map(String, Option<String>),
    /// How many items there were.
    List(String, usize),
}

impl Lines {
    /// Of a whole file; what comes after a mistake has no lines.
    pub(crate) fn of(text: &str) -> Self {
        let mut lines = Self::default();
        let mut open: Vec<Open> = Vec::new();
        for event in Parser::new_from_str(text) {
            let Ok((event, span)) = event else { break };
            if lines.0.len() > MOST || open.len() > DEEPEST {
                break;
            }
            match event {
                Event::Scalar(value, ..) => {
                    if let Some(Open::Map(path, key @ None)) = open.last_mut() {
                        lines.0.insert(joined(path, &value), span.start.line());
                        *key = Some(value.into_owned());
                    } else {
                        place(&mut open, &mut lines, span.start.line());
                    }
                }
                Event::Alias(_) => {
                    place(&mut open, &mut lines, span.start.line());
                }
                Event::MappingStart(..) => {
                    let path = place(&mut open, &mut lines, span.start.line());
                    open.push(Open::Map(path, None));
                }
                Event::SequenceStart(..) => {
                    let path = place(&mut open, &mut lines, span.start.line());
                    open.push(Open::List(path, 0));
                }
                Event::MappingEnd | Event::SequenceEnd => {
                    open.pop();
                }
                _ => {}
            }
        }
        lines
    }

    /// The line of a path, or of the nearest thing around it.
    pub(crate) fn line(&self, path: &str) -> Option<usize> {
        let mut path = path;
        loop {
            if let Some(line) = self.0.get(path) {
                return Some(*line);
            }
            let at = path.rfind(['.', '['])?;
            path = path.get(..at)?;
        }
    }
}

/// The path of the value that comes now; what is around it is told that it came.
fn place(open: &mut [Open], lines: &mut Lines, line: usize) -> String {
    match open.last_mut() {
        None => String::new(),
        Some(Open::Map(path, key)) => joined(path, &key.take().unwrap_or_default()),
        Some(Open::List(path, count)) => {
            let own = format!("{path}[{count}]");
            *count = count.saturating_add(1);
            lines.0.insert(own.clone(), line);
            own
        }
    }
}

fn joined(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_items_have_lines() {
        let lines = Lines::of("a: 1\nb:\n  - c: 2\n    d: [x, y]\n  - e:\n      f: |\n        text\ng: 1\n");
        for (path, line) in
            [("a", 1), ("b", 2), ("b[0].d", 4), ("b[1].e.f", 6), ("g", 8), ("b[1].e.nothing", 5)]
        {
            assert_eq!(lines.line(path), Some(line), "{path}");
        }
        assert_eq!(lines.line("z"), None);
        let _ = Lines::of(&"[".repeat(10_000));
    }
}
