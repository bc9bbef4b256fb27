//! Ruby's Marshal: a hash gets one member more, an object of a class that it names.

use super::{Form, Language, misspelled, nth};

pub(super) const MARSHAL: Language = Language {
    name: "Ruby's Marshal",
    does: "make objects of any class of the installation",
    keeps: true,
    fits: |bytes| pairs(bytes).is_some(),
    write,
    ..Language::NAMES
};

/// Classes of which an empty object can be made.
const CLASSES: &[&str] = &["Object", "Exception", "StandardError", "IOError", "NameError"];

/// How many members the hash has, and what they are written as.
fn pairs(bytes: &[u8]) -> Option<(u8, &[u8])> {
    match bytes {
        [4, 8, b'{', 0, rest @ ..] => Some((0, rest)),
        // Small numbers are written five higher.
        [4, 8, b'{', count @ 6..=100, rest @ ..] if !rest.is_empty() => Some((count.saturating_sub(5), rest)),
        _ => None,
    }
}

fn write(bytes: &[u8], at: usize, form: Form) -> Option<Vec<u8>> {
    let (count, rest) = pairs(bytes)?;
    let mut out = vec![4, 8, b'{', count.saturating_add(6)];
    out.extend_from_slice(rest);
    out.extend_from_slice(b":\x07gx");
    let class = nth(CLASSES, at)?;
    let class = if form == Form::Misspelled { misspelled(class) } else { class.to_owned() };
    let length = u8::try_from(class.len()).ok()?.checked_add(5)?;
    // A symbol is only a name.
    out.extend_from_slice(if form == Form::Plain { b":" } else { b"o:" });
    out.push(length);
    out.extend_from_slice(class.as_bytes());
    if form != Form::Plain {
        out.push(0);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_added() {
        let value = b"\x04\x08{\x06:\x06ai\x06";
        assert_eq!(write(value, 0, Form::Named).unwrap(), b"\x04\x08{\x07:\x06ai\x06:\x07gxo:\x0bObject\0");
        assert_eq!(
            write(value, 0, Form::Misspelled).unwrap(),
            b"\x04\x08{\x07:\x06ai\x06:\x07gxo:\x0bOjbect\0"
        );
        assert_eq!(write(value, 0, Form::Plain).unwrap(), b"\x04\x08{\x07:\x06ai\x06:\x07gx:\x0bObject");
        assert_eq!(write(b"\x04\x08{\0", 0, Form::Plain).unwrap(), b"\x04\x08{\x06:\x07gx:\x0bObject");
    }
}
