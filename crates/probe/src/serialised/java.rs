//! Java's object streams: the description of a class may have notes (annotations), which readers read as objects and throw away. What
//! is no class there is thrown away in silence; what is one, and cannot be made, ends the reading.

use super::{Form, Language, misspelled, nth};

pub(super) const JAVA: Language = Language {
    name: "Java's object streams",
    does: "make objects of any class of the class path",
    keeps: false,
    fits: |bytes| noted(bytes).is_some(),
    write,
    resolve: Some(resolve),
    ..Language::NAMES
};

/// A class of every installation: how its object goes on behind the name, whole or broken, and how many numbers
/// (handles) all of it takes.
#[derive(Clone, Copy)]
struct Class {
    name: &'static str,
    described: &'static [u8],
    whole: &'static [u8],
    broken: &'static [u8],
    handles: u16,
}

/// A map and a set that are filled less than not at all, and an address without a scheme.
const CLASSES: &[Class] = &[
    Class {
        name: "java.util.HashMap",
        described: b"\x05\x07\xda\xc1\xc3\x16\x60\xd1\x03\x00\x02F\x00\x0aloadFactorI\x00\x09thresholdxp",
        whole: b"\x3f\x40\x00\x00\x00\x00\x00\x00\x77\x08\x00\x00\x00\x10\x00\x00\x00\x00\x78",
        broken: b"\xbf\x80\x00\x00\x00\x00\x00\x00\x77\x08\x00\x00\x00\x10\x00\x00\x00\x00\x78",
        handles: 2,
    },
    Class {
        name: "java.util.HashSet",
        described: b"\xba\x44\x85\x95\x96\xb8\xb7\x34\x03\x00\x00xp",
        whole: b"\x77\x0c\x00\x00\x00\x10\x3f\x40\x00\x00\x00\x00\x00\x00\x78",
        broken: b"\x77\x0c\x00\x00\x00\x10\xbf\x80\x00\x00\x00\x00\x00\x00\x78",
        handles: 2,
    },
    Class {
        name: "java.net.URI",
        described:
            b"\xac\x01\x78\x2e\x43\x9e\x49\xab\x03\x00\x01L\x00\x06stringt\x00\x12Ljava/lang/String;xp",
        whole: b"\x74\x00\x03a:b\x78",
        broken: b"\x74\x00\x03::b\x78",
        handles: 4,
    },
];

/// Where notes of the first class stand, and how many numbers are taken before.
fn noted(bytes: &[u8]) -> Option<(usize, u16)> {
    let word = |at: usize| -> Option<usize> {
        let high = usize::from(*bytes.get(at)?);
        Some(high.saturating_mul(256).saturating_add(usize::from(*bytes.get(at.saturating_add(1))?)))
    };
    if !bytes.starts_with(b"\xac\xed\x00\x05sr") {
        return None;
    }
    let name = word(6)?;
    // The name, eight bytes of version, one of flags.
    let mut at = name.saturating_add(17);
    let fields = word(at)?;
    at = at.saturating_add(2);
    let mut handles = 1_u16;
    for _ in 0..fields {
        let kind = *bytes.get(at)?;
        at = at.saturating_add(3).saturating_add(word(at.saturating_add(1))?);
        if matches!(kind, b'L' | b'[') {
            if *bytes.get(at)? == 0x74 {
                at = at.saturating_add(3).saturating_add(word(at.saturating_add(1))?);
                handles = handles.checked_add(1)?;
            } else {
                at = at.saturating_add(5);
            }
        }
    }
    // The notes end there.
    (bytes.get(at) == Some(&0x78)).then_some((at, handles))
}

fn write(bytes: &[u8], at: usize, form: Form) -> Option<Vec<u8>> {
    let (place, before) = noted(bytes)?;
    let class = nth(CLASSES, at)?;
    let name = if form == Form::Misspelled { misspelled(class.name) } else { class.name.to_owned() };
    let (head, rest) = bytes.split_at_checked(place)?;
    let mut out = head.to_vec();
    out.extend_from_slice(b"sr");
    out.extend_from_slice(&u16::try_from(name.len()).ok()?.to_be_bytes());
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(class.described);
    out.extend_from_slice(if form == Form::Plain { class.whole } else { class.broken });
    out.extend_from_slice(&renumbered(rest, before, class.handles));
    Some(out)
}

/// A map with an address (`java.net.URL`) as its key, in the notes: a map asks its keys for their hashes while it is read, and the hash
/// of an address is that of the machine's, which is looked up.
fn resolve(bytes: &[u8], name: &str, form: Form) -> Option<Vec<u8>> {
    let (place, before) = noted(bytes)?;
    let map = CLASSES.first()?;
    let class = if form == Form::Named { ADDRESS.to_owned() } else { misspelled(ADDRESS) };
    let text = |text: &str| -> Option<Vec<u8>> {
        let length = u16::try_from(text.len()).ok()?.to_be_bytes();
        Some([&length[..], text.as_bytes()].concat())
    };
    let (head, rest) = bytes.split_at_checked(place)?;
    let mut out = head.to_vec();
    out.extend_from_slice(b"sr");
    out.extend(text(map.name)?);
    out.extend_from_slice(map.described);
    // Filled up to three quarters, room for sixteen, one in it.
    out.extend_from_slice(b"\x3f\x40\x00\x00\x00\x00\x00\x0c\x77\x08\x00\x00\x00\x10\x00\x00\x00\x01sr");
    out.extend(text(&class)?);
    out.extend_from_slice(b"\x96\x25\x37\x36\x1a\xfc\xe4\x72\x03\x00\x07I\x00\x08hashCodeI\x00\x04port");
    for field in ["authority", "file", "host", "protocol", "ref"] {
        out.push(b'L');
        out.extend(text(field)?);
        out.push(b't');
        out.extend(text("Ljava/lang/String;")?);
    }
    // No hash yet, and no port.
    out.extend_from_slice(b"xp\xff\xff\xff\xff\xff\xff\xff\xff");
    for value in [name, "", name, "http"] {
        out.push(b't');
        out.extend(text(value)?);
    }
    // No fragment, the end of the address; its value in the map, and the end of that.
    out.extend_from_slice(b"pxt\x00\x01ax");
    // Two classes, two objects, five kinds of fields, five texts.
    out.extend_from_slice(&renumbered(rest, before, 14));
    Some(out)
}

const ADDRESS: &str = "java.net.URL";

/// References (`71 00 7e` and a number) to what comes behind count what was put in.
fn renumbered(rest: &[u8], from: u16, by: u16) -> Vec<u8> {
    let mut out = rest.to_vec();
    let places: Vec<usize> = memchr::memmem::find_iter(rest, b"\x71\x00\x7e").collect();
    for at in places {
        if let Some([high, low]) = out.get_mut(at.saturating_add(3)..at.saturating_add(5)) {
            let number = u16::from_be_bytes([*high, *low]);
            if number >= from {
                [*high, *low] = number.saturating_add(by).to_be_bytes();
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An object with a field of a text, and a reference to it.
    const VALUE: &[u8] =
        b"\xac\xed\x00\x05sr\x00\x01A\0\0\0\0\0\0\0\x01\x02\x00\x01L\x00\x01nt\x00\x12Ljava/lang/String;xpt\x00\x01xq\x00\x7e\x00\x03q\x00\x7e\x00\x01";

    #[test]
    fn notes_are_added_and_references_still_lead_there() {
        let (place, handles) = noted(VALUE).unwrap();
        assert_eq!((VALUE.get(place), handles), (Some(&0x78), 2));
        let plain = write(VALUE, 0, Form::Plain).unwrap();
        assert!(memchr::memmem::find(&plain, b"String;sr\x00\x11java.util.HashMap").is_some());
        assert!(plain.ends_with(b"xpt\x00\x01xq\x00\x7e\x00\x05q\x00\x7e\x00\x01"));
        let named = write(VALUE, 0, Form::Named).unwrap();
        let misspelled = write(VALUE, 0, Form::Misspelled).unwrap();
        assert_eq!(named.len(), misspelled.len());
        assert!(memchr::memmem::find(&misspelled, b"java.util.HsahMap").is_some());
    }
}
