//! Distinguished names and their text (RFC 4514), to be compared: the same attributes, in the same order, with
//! the same values.
//!
//! Values are compared as they are, capitals included: two names that only a lenient reader takes for one are
//! two.

use std::fmt;
use std::str::FromStr;

use x509_parser::x509::X509Name;

/// The name of a subject, its most specific part first, as RFC 4514 writes it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DistinguishedName(Vec<Vec<Attribute>>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Attribute {
    /// The object identifier, with dots.
    kind: String,
    value: Value,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Value {
    /// What is no text, in DER.
    Der(Vec<u8>),
    Text(String),
}

/// Not a distinguished name as RFC 4514 writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a distinguished name, for instance `CN=billing,O=Example`")]
pub struct MalformedDistinguishedName;

impl DistinguishedName {
    /// Nobody's name.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn of(name: &X509Name<'_>) -> Self {
        let mut parts: Vec<Vec<Attribute>> = name
            .iter_rdn()
            .map(|part| {
                let attributes = part.iter().map(|attribute| Attribute {
                    kind: attribute.attr_type().to_id_string(),
                    value: match attribute.as_str() {
                        Ok(text) => Value::Text(text.to_owned()),
                        Err(_) => Value::Der(attribute.attr_value().data.to_vec()),
                    },
                });
                sorted(attributes.collect())
            })
            .collect();
        // RFC 4514, 2.1: the last comes first.
        parts.reverse();
        Self(parts)
    }
}

/// Attributes of one part have no order.
fn sorted(mut attributes: Vec<Attribute>) -> Vec<Attribute> {
    attributes.sort();
    attributes
}

impl FromStr for DistinguishedName {
    type Err = MalformedDistinguishedName;

    fn from_str(text: &str) -> Result<Self, MalformedDistinguishedName> {
        if text.len() > LONGEST || text.trim().is_empty() {
            return Err(MalformedDistinguishedName);
        }
        let mut parts = vec![Vec::new()];
        let mut rest = text;
        loop {
            let (attribute, after) = attribute(rest)?;
            if let Some(part) = parts.last_mut() {
                part.push(attribute);
            }
            match after {
                None => break,
                Some((',', more)) => {
                    parts.push(Vec::new());
                    rest = more;
                }
                Some((_, more)) => rest = more,
            }
        }
        Ok(Self(parts.into_iter().map(sorted).collect()))
    }
}

/// The first attribute of a text, and what follows: the separator and the rest.
#[expect(clippy::type_complexity, reason = "read once, above")]
fn attribute(text: &str) -> Result<(Attribute, Option<(char, &str)>), MalformedDistinguishedName> {
    let (kind, mut rest) = text.split_once('=').ok_or(MalformedDistinguishedName)?;
    let kind = kind.trim();
    let known = KINDS.iter().find(|(name, _)| name.eq_ignore_ascii_case(kind));
    let kind = match known {
        Some((_, id)) => (*id).to_owned(),
        None if is_identifier(kind) => kind.to_owned(),
        None => return Err(MalformedDistinguishedName),
    };
    rest = rest.trim_start_matches(' ');
    let (mut bytes, mut kept) = (Vec::new(), 0);
    let raw = rest.starts_with('#');
    let mut letters = rest.char_indices();
    let mut after = None;
    while let Some((at, letter)) = letters.next() {
        match letter {
            ',' | '+' => {
                after = rest.get(at.saturating_add(1)..).map(|more| (letter, more));
                break;
            }
            '\\' => {
                let (_, escaped) = letters.next().ok_or(MalformedDistinguishedName)?;
                if ESCAPED.contains(escaped) {
                    bytes.extend(escaped.encode_utf8(&mut [0; 4]).bytes());
                } else {
                    let low = letters.next().and_then(|(_, low)| low.to_digit(16));
                    let pair = escaped.to_digit(16).zip(low).ok_or(MalformedDistinguishedName)?;
                    bytes.push(u8::try_from(pair.0 * 16 + pair.1).map_err(|_| MalformedDistinguishedName)?);
                }
                // What is escaped is part of the value, a blank at its end too.
                kept = bytes.len();
            }
            '"' | ';' | '<' | '>' | '\0' => return Err(MalformedDistinguishedName),
            letter => {
                bytes.extend(letter.encode_utf8(&mut [0; 4]).bytes());
                if letter != ' ' {
                    kept = bytes.len();
                }
            }
        }
    }
    bytes.truncate(kept);
    let text = String::from_utf8(bytes).map_err(|_| MalformedDistinguishedName)?;
    let value = if raw { Value::Der(der(&text)?) } else { Value::Text(text) };
    Ok((Attribute { kind, value }, after))
}

/// `#` and hexadecimal digits: the value in DER, without its tag and length, which say nothing here.
fn der(text: &str) -> Result<Vec<u8>, MalformedDistinguishedName> {
    let digits: Option<Vec<u32>> = text.chars().skip(1).map(|digit| digit.to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2)).ok_or(MalformedDistinguishedName)?;
    let bytes = digits.chunks_exact(2).filter_map(|pair| match pair {
        [high, low] => u8::try_from(high * 16 + low).ok(),
        _ => None,
    });
    let bytes: Vec<u8> = bytes.collect();
    match bytes.split_first_chunk::<2>() {
        Some(([_, length], value)) if usize::from(*length) == value.len() => Ok(value.to_vec()),
        _ => Err(MalformedDistinguishedName),
    }
}

fn is_identifier(text: &str) -> bool {
    text.contains('.')
        && text.split('.').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

impl fmt::Display for DistinguishedName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, part) in self.0.iter().enumerate() {
            for (beside, attribute) in part.iter().enumerate() {
                if beside > 0 {
                    formatter.write_str("+")?;
                } else if index > 0 {
                    formatter.write_str(",")?;
                }
                let name = KINDS.iter().find(|(_, id)| *id == attribute.kind).map(|(name, _)| *name);
                write!(formatter, "{}=", name.unwrap_or(&attribute.kind))?;
                match &attribute.value {
                    Value::Text(text) => write_escaped(formatter, text)?,
                    Value::Der(bytes) => {
                        // An octet string; which kind of no text it was, nobody reads.
                        write!(formatter, "#04{:02x}", bytes.len().min(255))?;
                        bytes.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))?;
                    }
                }
            }
        }
        Ok(())
    }
}

fn write_escaped(formatter: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let last = text.chars().count().saturating_sub(1);
    for (index, letter) in text.chars().enumerate() {
        let blank = letter == ' ' && (index == 0 || index == last);
        if letter.is_control() {
            letter.encode_utf8(&mut [0; 4]).bytes().try_for_each(|byte| write!(formatter, "\\{byte:02X}"))?;
        } else if blank
            || matches!(letter, '"' | '+' | ',' | ';' | '<' | '>' | '\\')
            || (letter == '#' && index == 0)
        {
            write!(formatter, "\\{letter}")?;
        } else {
            write!(formatter, "{letter}")?;
        }
    }
    Ok(())
}

/// RFC 4514, 3 and the names in common use beside.
const KINDS: &[(&str, &str)] = &[
    ("CN", "2.5.4.3"),
    ("SN", "2.5.4.4"),
    ("serialNumber", "2.5.4.5"),
    ("C", "2.5.4.6"),
    ("L", "2.5.4.7"),
    ("ST", "2.5.4.8"),
    ("STREET", "2.5.4.9"),
    ("O", "2.5.4.10"),
    ("OU", "2.5.4.11"),
    ("title", "2.5.4.12"),
    ("GN", "2.5.4.42"),
    ("UID", "0.9.2342.19200300.100.1.1"),
    ("DC", "0.9.2342.19200300.100.1.25"),
    ("emailAddress", "1.2.840.113549.1.9.1"),
];
const ESCAPED: &str = " \"#+,;<=>\\";
const LONGEST: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name(text: &str) -> DistinguishedName {
        text.parse().unwrap()
    }

    #[test]
    fn names_are_compared_part_by_part() {
        let own = name("CN=billing,O=Example\\, Ltd,C=DE");
        assert_eq!(own.to_string(), "CN=billing,O=Example\\, Ltd,C=DE");
        for same in ["cn=billing, o=Example\\, Ltd, c=DE", "2.5.4.3=billing,O=Example\\2C Ltd ,C = DE"] {
            assert_eq!(name(same), own, "{same}");
        }
        for other in [
            "C=DE,O=Example\\, Ltd,CN=billing",
            "CN=billing,O=Example",
            "CN=Billing,O=Example\\, Ltd,C=DE",
            "CN=billing+O=Example\\, Ltd,C=DE",
            "OU=billing,O=Example\\, Ltd,C=DE",
            "CN=billing,O=Example\\, Ltd,C=DE,C=DE",
        ] {
            assert_ne!(name(other), own, "{other}");
        }
        assert_eq!(name("CN=a+UID=b"), name("UID=b+CN=a"), "attributes of one part have no order");
        assert_ne!(name("CN=\\#0401ff"), name("CN=#0401ff"), "a text is no DER");
        assert_eq!(name("CN=a\\ "), name("CN=a\\20"));
        assert_ne!(name("CN=a\\ "), name("CN=a "));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for wrong in [
            "",
            " ",
            "billing",
            "CN",
            "XX=a",
            "CN=a,",
            "CN=a,,O=b",
            "CN=\"a\"",
            "CN=a\\",
            "CN=a\\z1",
            "CN=#1",
            "=a",
        ] {
            assert_eq!(wrong.parse::<DistinguishedName>(), Err(MalformedDistinguishedName), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(values in proptest::collection::vec("[ -~é\u{1}]{1,12}", 1..4)) {
            let parts = values.into_iter().map(|value| {
                vec![Attribute { kind: "2.5.4.3".to_owned(), value: Value::Text(value) }]
            });
            let own = DistinguishedName(parts.collect());
            prop_assert_eq!(name(&own.to_string()), own);
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,60}|(CN|O)=[ -~]{0,20}(,[A-Z]+=#?[0-9a-f]{0,8})?") {
            if let Ok(own) = text.parse::<DistinguishedName>() {
                prop_assert_eq!(name(&own.to_string()), own);
            }
        }
    }
}
