//! Media types (RFC 9110 §8.3.1), and which of a contract's an actual one is.

/// A media type as a message names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaType {
    /// Lower case, with the `/`, without parameters: `application/json`.
    pub essence: String,
    /// Names in lower case, values without quotes.
    pub parameters: Vec<(String, String)>,
}

impl MediaType {
    /// Reads the value of `Content-Type`; none when it cannot be read in one way only.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (essence, mut rest) = match text.split_once(';') {
            Some((essence, rest)) => (essence, Some(rest)),
            None => (text, None),
        };
        let essence = essence.trim_matches([' ', '\t']).to_ascii_lowercase();
        let (kind, sub) = essence.split_once('/')?;
        if !is_token(kind) || !is_token(sub) {
            return None;
        }
        let mut parameters: Vec<(String, String)> = Vec::new();
        while let Some(text) = rest {
            let (name, after) = match text.split_once('=') {
                Some((name, after)) => (name.trim_matches([' ', '\t']).to_ascii_lowercase(), after),
                // A `;` at the end says nothing.
                None if text.trim_matches([' ', '\t']).is_empty() => break,
                None => return None,
            };
            let (value, after) = value(after)?;
            if !is_token(&name)
                || parameters.iter().any(|(known, _)| *known == name)
                || parameters.len() >= MOST_PARAMETERS
            {
                return None;
            }
            parameters.push((name, value));
            rest = match after.trim_matches([' ', '\t']) {
                "" => None,
                after => Some(after.strip_prefix(';')?),
            };
        }
        Some(Self { essence, parameters })
    }

    /// The value of a parameter.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// No charset is named, or it is UTF-8 (or its part US-ASCII).
    #[must_use]
    pub fn is_utf8(&self) -> bool {
        self.parameter("charset").is_none_or(|charset| {
            charset.eq_ignore_ascii_case("utf-8") || charset.eq_ignore_ascii_case("us-ascii")
        })
    }

    /// `application/json` and everything with the suffix `+json` (RFC 6839 §3.1).
    #[must_use]
    pub fn is_json(&self) -> bool {
        is_json(&self.essence)
    }
}

/// The same for a type without parameters, in lower case.
pub(crate) fn is_json(essence: &str) -> bool {
    matches!(essence, "application/json" | "text/json") || essence.ends_with("+json")
}

/// How exactly a range of a contract (`text/*`) names a type; none when it does not.
pub(crate) fn rank(range: &str, essence: &str) -> Option<u8> {
    if range == essence {
        return Some(2);
    }
    if range == "*/*" {
        return Some(0);
    }
    let kind = range.strip_suffix('*')?;
    (kind.ends_with('/') && essence.starts_with(kind)).then_some(1)
}

fn value(text: &str) -> Option<(String, &str)> {
    let text = text.trim_start_matches([' ', '\t']);
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([';', ' ', '\t']).unwrap_or(text.len());
        let (value, after) = text.split_at_checked(end)?;
        return is_token(value).then(|| (value.to_owned(), after));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, quoted.get(at.saturating_add(1)..)?)),
            '\\' => value.push(characters.next()?.1),
            '\t' | ' '..='~' | '\u{80}'.. => value.push(character),
            _ => return None,
        }
    }
    None
}

pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

const MOST_PARAMETERS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_in_one_way_only() {
        let read = MediaType::parse("Application/JSON ; Charset=\"UTF-8\" ;").unwrap();
        assert_eq!(read.essence, "application/json");
        assert!(read.is_json() && read.is_utf8());
        assert!(!MediaType::parse("application/json; charset=utf-16").unwrap().is_utf8());
        assert!(!MediaType::parse("application/json; charset=utf-7").unwrap().is_utf8());
        let form = MediaType::parse("multipart/form-data; boundary=\"a \\\"b\"").unwrap();
        assert_eq!(form.parameter("boundary"), Some("a \"b"));
        for wrong in [
            "",
            "json",
            "a/b/c",
            "a/",
            "/b",
            "a/b; c",
            "a/b; c=",
            "a/b; c=d e",
            "a/b;c=\"",
            "a/b, c/d",
            "a/b; charset=utf-8; charset=utf-7",
            "a/b;;c=d",
            "a /b",
        ] {
            assert_eq!(MediaType::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_most_exact_range_counts() {
        assert_eq!(rank("text/plain", "text/plain"), Some(2));
        assert_eq!(rank("text/*", "text/plain"), Some(1));
        assert_eq!(rank("*/*", "text/plain"), Some(0));
        assert_eq!(rank("text/*", "textile/plain"), None);
        assert_eq!(rank("*", "text/plain"), None);
    }
}
