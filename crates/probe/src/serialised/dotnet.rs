//! What .NET writes of objects: streams of `BinaryFormatter` (MS-NRBF), the same in `LosFormatter`'s wrapping, and the state of pages
//! (`__VIEWSTATE`).

use super::{Form, Language, misspelled, nth};

/// A record more before the end: an object that nothing refers to, of a class that is named.
pub(super) const BINARY: Language = Language {
    name: ".NET's BinaryFormatter",
    does: "make objects of any class of the installation",
    keeps: true,
    fits: |bytes| records(bytes).is_some(),
    write: more,
    ..Language::NAMES
};

/// The same where it stands in the wrapping of `LosFormatter`.
pub(super) const LOS: Language = Language {
    name: ".NET's LosFormatter",
    does: "make objects of any class of the installation",
    keeps: true,
    fits: |bytes| wrapped(bytes).is_some(),
    write: |bytes, at, form| {
        let inner = more(wrapped(bytes)?, at, form)?;
        let mut out = LOS_HEAD.to_vec();
        out.extend(length7(inner.len()));
        out.extend(inner);
        Some(out)
    },
    ..Language::NAMES
};

/// The state of a page that is neither signed nor encrypted: its reader stops where the state ends, and takes what has something
/// behind it. What is signed is signed to its end.
pub(super) const VIEWSTATE: Language = Language {
    name: "ASP.NET's page state",
    does: "put objects of any class of the installation into it, as nothing signs it",
    keeps: true,
    fits: |bytes| bytes.starts_with(&STATE) && bytes.len() > 4,
    write: |bytes, at, form| {
        let mut out = bytes.to_vec();
        // Nothing at all, several times.
        let more = if form == Form::Plain { 1 } else { at % 7 + 2 };
        out.extend(std::iter::repeat_n(NULL, more));
        if form == Form::Misspelled {
            // No token has that number.
            *out.get_mut(2)? = 0xfe;
        }
        Some(out)
    },
    tells: "is taken with something behind it, and not with its beginning broken",
    resolve: None,
};

/// Of `ObjectStateFormatter`: its mark, its version.
const STATE: [u8; 2] = [0xff, 0x01];
/// And the token of what `BinaryFormatter` wrote.
const LOS_HEAD: [u8; 3] = [0xff, 0x01, 50];
const NULL: u8 = 100;

/// The head of a stream: root 1, no header, version 1.0 (MS-NRBF, section 2.6.1).
const HEAD: [u8; 17] = [0, 1, 0, 0, 0, 255, 255, 255, 255, 1, 0, 0, 0, 0, 0, 0, 0];
const END: u8 = 11;
/// A number that no other object of a stream this short has.
const NUMBER: i32 = 0x7ff0_0000;

/// The records, without the end.
fn records(bytes: &[u8]) -> Option<&[u8]> {
    let inner = bytes.strip_suffix(&[END])?;
    inner.strip_prefix(&HEAD).filter(|records| !records.is_empty())?;
    Some(inner)
}

/// Classes of every installation, with numbers for members or none.
const CLASSES: &[(&str, &[&str])] =
    &[("System.Object", &[]), ("System.Version", &["_Major", "_Minor", "_Build", "_Revision"])];

fn more(bytes: &[u8], at: usize, form: Form) -> Option<Vec<u8>> {
    let mut out = records(bytes)?.to_vec();
    let (class, members) = nth(CLASSES, at)?;
    if form == Form::Plain {
        // BinaryObjectString: a text that nothing refers to.
        out.push(6);
        out.extend(NUMBER.to_le_bytes());
        text(&mut out, class);
    } else {
        // SystemClassWithMembersAndTypes (section 2.3.2.3).
        let class = if form == Form::Misspelled { misspelled(class) } else { class.to_owned() };
        out.push(4);
        out.extend(NUMBER.to_le_bytes());
        text(&mut out, &class);
        out.extend(u32::try_from(members.len()).ok()?.to_le_bytes());
        members.iter().for_each(|member| text(&mut out, member));
        // All of them primitive, and of 32 bits.
        out.extend(members.iter().map(|_| 0));
        out.extend(members.iter().map(|_| 8));
        members.iter().for_each(|_| out.extend(1_u32.to_le_bytes()));
    }
    out.push(END);
    Some(out)
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend(length7(text.len()));
    out.extend(text.as_bytes());
}

/// A length in groups of seven bits, the lowest first (section 2.1.1.6).
fn length7(mut length: usize) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let low = u8::try_from(length & 0x7f).unwrap_or(0);
        length >>= 7;
        if length == 0 {
            out.push(low);
            return out;
        }
        out.push(low | 0x80);
    }
}

/// The stream within the wrapping.
fn wrapped(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes.strip_prefix(&LOS_HEAD)?;
    let (mut length, mut shift) = (0_usize, 0_u32);
    loop {
        let (byte, behind) = rest.split_first()?;
        rest = behind;
        length |= usize::from(byte & 0x7f).checked_shl(shift)?;
        shift = shift.saturating_add(7);
        if byte & 0x80 == 0 {
            break;
        }
        if shift > 28 {
            return None;
        }
    }
    // Something behind it signs it.
    (rest.len() == length && records(rest).is_some()).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_added_before_the_end() {
        let mut value = HEAD.to_vec();
        value.extend(b"\x06\x01\0\0\0\x05alice\x0b");
        let named = (BINARY.write)(&value, 0, Form::Named).unwrap();
        assert!(named.ends_with(b"alice\x04\0\0\xf0\x7f\x0dSystem.Object\0\0\0\0\x0b"));
        let version = (BINARY.write)(&value, 1, Form::Misspelled).unwrap();
        assert!(memchr::memmem::find(&version, b"\x0eSystem.Vresion\x04\0\0\0\x06_Major").is_some());
        assert!(
            (BINARY.write)(&value, 0, Form::Plain)
                .unwrap()
                .ends_with(b"\x06\0\0\xf0\x7f\x0dSystem.Object\x0b")
        );

        let mut state = LOS_HEAD.to_vec();
        state.extend(length7(value.len()));
        state.extend(&value);
        assert!((LOS.fits)(&state) && !(BINARY.fits)(&state));
        let named = (LOS.write)(&state, 0, Form::Named).unwrap();
        assert_eq!(wrapped(&named).unwrap(), (BINARY.write)(&value, 0, Form::Named).unwrap());
        // A signature behind it: nothing to write there.
        assert!(!(LOS.fits)(&[state, vec![7; 20]].concat()));
        assert_eq!(length7(300), [0xac, 2]);
    }

    #[test]
    fn the_state_of_a_page_gets_something_behind_it() {
        let value = b"\xff\x01\x0f\x05\x05alice\x64";
        assert!((VIEWSTATE.fits)(value));
        let named = (VIEWSTATE.write)(value, 0, Form::Named).unwrap();
        let broken = (VIEWSTATE.write)(value, 0, Form::Misspelled).unwrap();
        assert_eq!((named.len(), named.len()), (value.len() + 2, broken.len()));
        assert!(named.starts_with(value) && !broken.starts_with(value));
    }
}
