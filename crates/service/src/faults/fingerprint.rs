//! What makes two errors the same.

use gabion_model::Event;
use gabion_vault::encoding::hex_encode;
use gabion_vault::sha256_of;
use serde_json::Value;

use super::Occurrence;

/// An exception as an application reports it in the metadata of an event, by the names of the OpenTelemetry semantic
/// conventions: `exception.type`, `exception.stacktrace`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    pub kind: String,
    /// Where it came from, innermost as the application says it, without what differs from one time to the next.
    pub frames: Vec<String>,
}

impl Exception {
    /// None where the event has no `exception.type`.
    #[must_use]
    pub fn of(event: &Event) -> Option<Self> {
        let text =
            |key: &str| event.metadata.get(key).map(|text| text.trim()).filter(|text| !text.is_empty());
        let kind = text("exception.type")?.chars().filter(|c| !c.is_control()).take(KIND).collect();
        Some(Self { kind, frames: text("exception.stacktrace").map(frames).unwrap_or_default() })
    }
}

/// The frames of a stack trace in the form of Python, JavaScript, Java, Ruby, Go or Rust. Lines that are no frames (the message,
/// source text) are left out; numbers and addresses in the others are `#`, so that a line that moves is the same frame.
fn frames(trace: &str) -> Vec<String> {
    // In the ledger a line's end is written out.
    let trace = trace.replace("\\u{d}", "").replace("\\u{a}", "\n").replace("\\u{9}", " ");
    let lines = trace.lines().take(MOST_LINES).map(str::trim).filter(|line| is_frame(line));
    lines.take(MOST_FRAMES).map(|line| without_numbers(line).chars().take(FRAME).collect()).collect()
}

fn is_frame(line: &str) -> bool {
    let places = [".rs:", ".go:", ".rb:", ".py:", ".js:", ".ts:", ".java:", ".kt:", ".php:", ".cs:", ".ex:"];
    line.starts_with("at ") || line.starts_with("File \"") || places.iter().any(|place| line.contains(place))
}

/// Each run of digits, or of hexadecimal digits with at least one digit and eight signs, as `#`.
fn without_numbers(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let word = rest.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        if word.is_empty() {
            out.push(first);
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
            continue;
        }
        let hex = word.strip_prefix("0x").unwrap_or(word);
        let is_hex =
            hex.bytes().all(|byte| byte.is_ascii_hexdigit()) && hex.bytes().any(|byte| byte.is_ascii_digit());
        if is_hex && (hex.len() >= 8 || hex.len() < word.len()) {
            out.push('#');
        } else {
            let mut in_number = false;
            for character in word.chars() {
                if !character.is_ascii_digit() {
                    out.push(character);
                } else if !in_number {
                    out.push('#');
                }
                in_number = character.is_ascii_digit();
            }
        }
        rest = rest.get(word.len()..).unwrap_or_default();
    }
    out
}

/// 32 hexadecimal digits: of route, method, status, upstream and cause; of an exception, its type and frames instead of the
/// status.
#[must_use]
pub(super) fn fingerprint(seen: &Occurrence) -> String {
    let status = seen.status.to_string();
    let cause = seen.cause.map_or("", gabion_model::ControlId::as_str);
    let mut parts = vec![seen.route.as_str(), &seen.method, &seen.upstream, cause];
    match &seen.exception {
        None => parts.extend(["status", &status]),
        Some(exception) => {
            parts.extend(["exception", &exception.kind]);
            parts.extend(exception.frames.iter().map(String::as_str));
        }
    }
    // As JSON, so that no text can be taken for two.
    let written = Value::from(parts).to_string();
    hex_encode(&sha256_of(&[b"gabion error 1\n", written.as_bytes()])).chars().take(32).collect()
}

const KIND: usize = 100;
const FRAME: usize = 160;
const MOST_FRAMES: usize = 32;
const MOST_LINES: usize = 256;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn frames_of_many_languages_are_the_same_when_only_numbers_differ() {
        let python = "Traceback (most recent call last):\n  File \"/srv/app/orders.py\", line 81, in show\n    order = load(7)\nValueError: no order 7";
        assert_eq!(frames(python), ["File \"/srv/app/orders.py\", line #, in show"]);
        let node = "TypeError: x is undefined (id 88)\n    at show (/srv/app/orders.js:10:3)\n    at async /srv/app/main.js:1:1";
        assert_eq!(frames(node), ["at show (/srv/app/orders.js:#:#)", "at async /srv/app/main.js:#:#"]);
        let go = "goroutine 17 [running]:\nmain.show(0xc000012345)\n\t/srv/app/main.go:12 +0x1d";
        assert_eq!(frames(go), ["/srv/app/main.go:# +#"]);
        let java = "\tat shop.Orders.show(Orders.java:91) [app-1.2.3.jar]";
        assert_eq!(frames(java), ["at shop.Orders.show(Orders.java:#) [app-#.#.#.jar]"]);
        assert_eq!(frames("at /a/5c1f0e0f9a1be2d3/x.rs:1"), ["at /a/#/x.rs:#"]);
        let recorded =
            "File \"/a.py\", line 1, in x\\u{d}\\u{a}ValueError: no order 7\\u{a}\\u{9}at a.b(C.java:1)";
        assert_eq!(
            frames(recorded),
            ["File \"/a.py\", line #, in x", "at a.b(C.java:#)"],
            "as the ledger keeps it"
        );
        assert!(frames("hunter2 is the password\nand 4711 the number").is_empty(), "a message is no frame");
    }

    proptest! {
        #[test]
        fn no_trace_panics_and_all_are_bounded(text: String) {
            let frames = frames(&text);
            prop_assert!(frames.len() <= MOST_FRAMES);
            prop_assert!(frames.iter().all(|frame| frame.chars().count() <= FRAME && !frame.bytes().any(|b| b.is_ascii_digit())));
        }
    }
}
