//! Python's pickle: a program for a small machine, which may call whatever it names.

use super::{Form, Language, misspelled, nth};

pub(super) const PICKLE: Language = Language {
    name: "Python's pickle",
    does: "call any function of the installation",
    keeps: true,
    fits: |bytes| body(bytes).is_some(),
    write,
    resolve: Some(resolve),
    ..Language::NAMES
};

/// Functions that give back what they are given.
const FUNCTIONS: &[&str] = &["copy", "deepcopy"];

/// The operations, without the version, the frame and the end.
fn body(bytes: &[u8]) -> Option<&[u8]> {
    let inner = bytes.strip_suffix(b".")?;
    match inner {
        [0x80, 2..=5, rest @ ..] if !rest.is_empty() => match rest {
            // One frame around all.
            [0x95, framed @ ..] => framed.get(8..).filter(|rest| !rest.is_empty()),
            _ => Some(rest),
        },
        // The first protocol is text, and keeps the first thing under a number.
        [b'(', b'd' | b'l' | b'i', b'p', ..] | [b'(', b'd' | b'l', b'\n', ..] | [b'c', ..]
            if memchr::memmem::find(inner, b"p0\n").or(memchr::memmem::find(inner, b"p1\n")).is_some() =>
        {
            Some(inner)
        }
        _ => None,
    }
}

fn write(bytes: &[u8], at: usize, form: Form) -> Option<Vec<u8>> {
    let body = body(bytes)?;
    let version = match bytes {
        [0x80, version, ..] => *version,
        _ => 2,
    };
    let mut out = vec![0x80, version];
    let name = nth(FUNCTIONS, at)?;
    let name = if form == Form::Named { name.to_owned() } else { misspelled(name) };
    if form == Form::Plain {
        // A text of the same letters is put on the stack and taken off again.
        out.extend_from_slice(body);
        out.extend_from_slice(b"(Vcopy.");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\nt0.");
        return Some(out);
    }
    out.extend_from_slice(b"ccopy\n");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\n(");
    out.extend_from_slice(body);
    out.extend_from_slice(b"tR.");
    Some(out)
}

/// What is asked for is taken off the stack again: the value stays as it is.
fn resolve(bytes: &[u8], name: &str, form: Form) -> Option<Vec<u8>> {
    let body = body(bytes)?;
    let version = match bytes {
        [0x80, version, ..] => *version,
        _ => 2,
    };
    let function = if form == Form::Named { LOOKUP.to_owned() } else { misspelled(LOOKUP) };
    let mut out = vec![0x80, version];
    out.extend_from_slice(format!("csocket\n{function}\n(V{name}\ntR0").as_bytes());
    out.extend_from_slice(body);
    out.push(b'.');
    Some(out)
}

const LOOKUP: &str = "gethostbyname";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_goes_through_a_function() {
        let value = b"\x80\x04\x95\x03\x00\x00\x00\x00\x00\x00\x00}\x94.";
        assert!((PICKLE.fits)(value));
        assert_eq!(write(value, 0, Form::Named).unwrap(), b"\x80\x04ccopy\ncopy\n(}\x94tR.");
        assert_eq!(write(value, 0, Form::Misspelled).unwrap(), b"\x80\x04ccopy\ncpoy\n(}\x94tR.");
        assert_eq!(write(value, 0, Form::Plain).unwrap(), b"\x80\x04}\x94(Vcopy.cpoy\nt0.");
        assert!((PICKLE.fits)(b"(dp0\nVuser\np1\nValice\np2\ns."));
        assert!(!(PICKLE.fits)(b"(dp0 text."));
    }
}
