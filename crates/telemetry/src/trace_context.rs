//! Trace context as requests carry it: `traceparent` and `tracestate` (W3C Trace Context, Level 1 recommendation and Level 2
//! candidate).
//!
//! What is not exactly so is no trace context: the trace begins anew (3.2.4, 4.3). A version above 00 is read as far as 00
//! knows it (3.2.4). Level 2 adds the flag `random-trace-id`, which ours carry: samplers behind may decide by the id.

use std::fmt::Write as _;

/// `traceparent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceParent {
    /// Never all zero.
    pub trace: [u8; 16],
    /// Never all zero.
    pub parent: [u8; 8],
    /// Bit 0: sampled; bit 1: the trace id is random (Level 2).
    pub flags: u8,
}

/// Why it is none. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TraceFault {
    #[error("it has a sign that is no lower-case hexadecimal digit")]
    Digit,
    #[error("it is not as long as its version says")]
    Length,
    #[error("it has the version ff")]
    Version,
    #[error("an id is all zero")]
    Zero,
}

pub const SAMPLED: u8 = 1;
pub const RANDOM: u8 = 2;

impl TraceParent {
    /// Reads the one field there is; several are no trace context.
    ///
    /// # Errors
    /// The first rule it breaks.
    pub fn parse(value: &str) -> Result<Self, TraceFault> {
        let bytes = value.as_bytes();
        let part = |from: usize, to: usize| bytes.get(from..to).ok_or(TraceFault::Length);
        let [version] = digits::<1>(part(0, 2)?)?;
        match (version, bytes.len()) {
            (0xff, _) => return Err(TraceFault::Version),
            (0, LENGTH) => {}
            (0, _) => return Err(TraceFault::Length),
            // Whatever follows in a later version follows a hyphen.
            (_, LENGTH) => {}
            _ if bytes.get(LENGTH) == Some(&b'-') => {}
            _ => return Err(TraceFault::Length),
        }
        if [2, 35, 52].iter().any(|place| bytes.get(*place) != Some(&b'-')) {
            return Err(TraceFault::Digit);
        }
        let (trace, parent) = (digits(part(3, 35)?)?, digits(part(36, 52)?)?);
        let [flags] = digits::<1>(part(53, 55)?)?;
        if trace == [0; 16] || parent == [0; 8] {
            return Err(TraceFault::Zero);
        }
        // Flags of tomorrow are not ours to pass on.
        Ok(Self { trace, parent, flags: flags & (SAMPLED | RANDOM) })
    }

    #[must_use]
    pub const fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// As version 00 writes it.
    #[must_use]
    pub fn header(&self) -> String {
        let mut out = String::with_capacity(LENGTH);
        out.push_str("00-");
        hex(&mut out, &self.trace);
        out.push('-');
        hex(&mut out, &self.parent);
        let _ = write!(out, "-{:02x}", self.flags);
        out
    }
}

/// `tracestate`, its fields joined: at most 32 members and 512 bytes, each `key=value` by the grammar (3.3.1), no key twice. None
/// for anything else; the trace goes on without it (3.3).
#[must_use]
pub fn trace_state<'a>(values: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut members: Vec<&str> = Vec::new();
    let mut length = 0_usize;
    for member in values.flat_map(|value| value.split(',')) {
        let member = member.trim_matches([' ', '\t']);
        if member.is_empty() {
            continue;
        }
        let (key, value) = member.split_once('=')?;
        let is_known =
            members.iter().any(|known| known.split_once('=').is_some_and(|(known, _)| known == key));
        length = length.saturating_add(member.len()).saturating_add(1);
        if !is_key(key) || !is_value(value) || is_known || members.len() >= MEMBERS || length > STATE + 1 {
            return None;
        }
        members.push(member);
    }
    (!members.is_empty()).then(|| members.join(","))
}

/// Lower-case letters, digits, `_-*/`, and `@` before a system's name; begins with a letter or a digit (Level 2).
fn is_key(key: &str) -> bool {
    let sign = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-*/".contains(&byte);
    let word = |word: &str, most: usize| {
        (1..=most).contains(&word.len())
            && word.bytes().all(sign)
            && word.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric())
    };
    match key.split_once('@') {
        Some((tenant, system)) => word(tenant, 241) && word(system, 14),
        None => word(key, 256),
    }
}

fn is_value(value: &str) -> bool {
    (1..=256).contains(&value.len())
        && value.bytes().all(|byte| (0x20..0x7f).contains(&byte) && byte != b',' && byte != b'=')
        && !value.ends_with(' ')
}

fn digits<const N: usize>(text: &[u8]) -> Result<[u8; N], TraceFault> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Ok(byte - b'0'),
        b'a'..=b'f' => Ok(byte - b'a' + 10),
        _ => Err(TraceFault::Digit),
    };
    let mut out = [0; N];
    for (place, pair) in out.iter_mut().zip(text.chunks(2)) {
        let [high, low] = pair else { return Err(TraceFault::Length) };
        *place = digit(*high)? << 4 | digit(*low)?;
    }
    Ok(out)
}

fn hex(out: &mut String, bytes: &[u8]) {
    for byte in bytes {
        let _ = write!(out, "{byte:02x}");
    }
}

const LENGTH: usize = 55;
const MEMBERS: usize = 32;
const STATE: usize = 512;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn what_is_exactly_so_is_read() {
        let read = TraceParent::parse(GOOD).unwrap();
        assert_eq!((read.trace[0], read.parent[7], read.flags), (0x4b, 0xb7, 1));
        assert!(read.is_sampled());
        assert_eq!(read.header(), GOOD);
        let later = TraceParent::parse(&GOOD.replace("00-4b", "cc-4b").replace("-01", "-ff-more")).unwrap();
        assert_eq!(later.flags, 3, "flags that are known");
        assert_eq!(later.header(), GOOD.replace("-01", "-03"), "written as the version that is known");
        for (bad, fault) in [
            ("", TraceFault::Length),
            (GOOD.split_at(54).0, TraceFault::Length),
            (&format!("{GOOD}-"), TraceFault::Length),
            (&format!("{GOOD}0"), TraceFault::Length),
            (&GOOD.replace("00-4b", "ff-4b"), TraceFault::Version),
            (&GOOD.replace("00-4b", "cc-4b").replace("-01", "-01x"), TraceFault::Length),
            (&GOOD.replace("4bf9", "4BF9"), TraceFault::Digit),
            (&GOOD.replace("4bf9", "4bg9"), TraceFault::Digit),
            (&GOOD.replace("-00f0", "_00f0"), TraceFault::Digit),
            (&GOOD.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)), TraceFault::Zero),
            (&GOOD.replace("00f067aa0ba902b7", &"0".repeat(16)), TraceFault::Zero),
        ] {
            assert_eq!(TraceParent::parse(bad), Err(fault), "{bad}");
        }
    }

    #[test]
    fn states_are_whole_or_not_there() {
        let state = |values: &[&str]| trace_state(values.iter().copied());
        assert_eq!(
            state(&["rojo=00f067aa0ba902b7, congo=t61rcWkgMzE"]).as_deref(),
            Some("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE")
        );
        assert_eq!(state(&["a=1", "tenant@sys=2,,"]).as_deref(), Some("a=1,tenant@sys=2"));
        for bad in ["", "a", "a=", "A=1", "=1", "a=1,a=2", "a=b=c", "a@b@c=1", "a=\u{7f}", "a=ä"] {
            assert_eq!(state(&[bad]), None, "{bad}");
        }
        let many: Vec<String> = (0..33).map(|number| format!("k{number}=1")).collect();
        assert_eq!(state(&[&many.join(",")]), None);
        assert_eq!(state(&[&format!("a={}", "x".repeat(257))]), None);
        let long: Vec<String> = (0..3).map(|number| format!("k{number}={}", "x".repeat(200))).collect();
        assert_eq!(state(&[&long.join(",")]), None);
    }

    proptest! {
        #[test]
        fn nothing_panics_and_what_is_read_is_written_the_same(text: String, trace: [u8; 16], parent: [u8; 8], flags in 0_u8..4) {
            let _ = TraceParent::parse(&text);
            if let Some(state) = trace_state([text.as_str()].into_iter()) {
                prop_assert_eq!(trace_state([state.as_str()].into_iter()), Some(state));
            }
            prop_assume!(trace != [0; 16] && parent != [0; 8]);
            let own = TraceParent { trace, parent, flags };
            prop_assert_eq!(TraceParent::parse(&own.header()), Ok(own));
        }
    }
}
