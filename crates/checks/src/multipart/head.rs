//! The head of one part.

use gabion_vault::encoding::base64_decode;

use super::Violation;

/// What a part says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PartHead {
    /// The form field's name; never empty.
    pub name: String,
    /// As it was sent: it may be empty, hold a path or end in anything. `None`: a text field.
    pub file_name: Option<String>,
    /// The declared type.
    pub media: Option<Media>,
}

/// A media type without its parameters, but for the character set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    /// Type and subtype in lower case.
    pub essence: String,
    /// In lower case.
    pub charset: Option<String>,
}

impl Media {
    /// `type/subtype` and parameters (RFC 9110 §8.3.1).
    #[must_use]
    pub fn parse(field: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(field).ok()?;
        let (essence, rest) = match text.split_once(';') {
            None => (text, None),
            Some((essence, rest)) => (essence, Some(rest)),
        };
        let essence = essence.trim_matches([' ', '\t']).to_ascii_lowercase();
        let (kind, sub) = essence.split_once('/')?;
        if !is_token(kind) || !is_token(sub) {
            return None;
        }
        let mut charset = None;
        for parameter in rest.into_iter().flat_map(Parameters::new) {
            let (name, value) = parameter.ok()?;
            if name == "charset" && charset.replace(value.to_ascii_lowercase()).is_some() {
                return None;
            }
        }
        Some(Self { essence, charset })
    }

    /// UTF-8, or what is a part of it.
    #[must_use]
    pub fn is_utf8(charset: &str) -> bool {
        ["utf-8", "utf8", "us-ascii"].iter().any(|known| charset.eq_ignore_ascii_case(known))
    }
}

/// Rules 4 to 7, for the lines between two delimiters.
pub(super) fn parse(head: &[u8], most: usize) -> Result<PartHead, Violation> {
    let text = std::str::from_utf8(head).map_err(|_| Violation::Name)?;
    let mut seen: Vec<String> = Vec::new();
    let (mut disposition, mut media) = (None, None);
    if text.split("\r\n").any(|line| line.starts_with([' ', '\t'])) {
        return Err(Violation::HeadFolded);
    }
    for line in text.split("\r\n") {
        if line.chars().any(|sign| sign.is_control() && sign != '\t') {
            return Err(Violation::Head);
        }
        let (name, value) = line.split_once(':').ok_or(Violation::Head)?;
        let value = value.trim_matches([' ', '\t']);
        let name = name.to_ascii_lowercase();
        if !is_token(&name) {
            return Err(Violation::Head);
        }
        if seen.contains(&name) {
            return Err(Violation::Repeated);
        }
        match &*name {
            "content-disposition" => disposition = Some(self::disposition(value)?),
            "content-type" => media = Some(Media::parse(value.as_bytes()).ok_or(Violation::Head)?),
            "content-transfer-encoding"
                if !["7bit", "8bit", "binary"].iter().any(|known| value.eq_ignore_ascii_case(known)) =>
            {
                return Err(Violation::TransferEncoding);
            }
            // Everything else is ignored (RFC 7578 §4.8), and not passed on.
            _ => {}
        }
        seen.push(name);
        if seen.len() > most {
            return Err(Violation::HeadTooLong);
        }
    }
    if media.as_ref().is_some_and(|media: &Media| media.essence.starts_with("multipart/")) {
        return Err(Violation::Nested);
    }
    let PartHead { name, file_name, .. } = disposition.ok_or(Violation::Disposition)?;
    Ok(PartHead { name, file_name, media })
}

/// Rule 5.
fn disposition(value: &str) -> Result<PartHead, Violation> {
    let (kind, rest) = value.split_once(';').ok_or(Violation::Disposition)?;
    if !kind.trim_matches([' ', '\t']).eq_ignore_ascii_case("form-data") {
        return Err(Violation::Disposition);
    }
    let (mut name, mut plain, mut extended) = (None, None, None);
    for parameter in Parameters::new(rest) {
        let (key, value) = parameter?;
        let slot = match &*key {
            "name" => &mut name,
            "filename" => &mut plain,
            "filename*" => &mut extended,
            // Continuations and other encodings of names (RFC 2231).
            _ if key.contains('*') => return Err(Violation::Name),
            _ => continue,
        };
        if slot.replace(value).is_some() {
            return Err(Violation::Repeated);
        }
    }
    let name = name.filter(|name| !name.is_empty()).ok_or(Violation::Disposition)?;
    let extended = extended.map(|value| extended_value(&value).ok_or(Violation::Name)).transpose()?;
    let file_name = match (plain, extended) {
        (Some(plain), Some(extended)) if plain == extended => Some(extended),
        // How .NET writes it for those who know no `filename*`.
        (Some(plain), Some(extended)) if encoded_word(&plain).as_deref() == Some(&extended) => Some(extended),
        (Some(_), Some(_)) => return Err(Violation::FileNames),
        (plain, extended) => plain.or(extended),
    };
    for text in [Some(&name), file_name.as_ref()].into_iter().flatten() {
        if text.len() > LONGEST_NAME || text.chars().any(is_deceptive) {
            return Err(Violation::Name);
        }
    }
    Ok(PartHead { name, file_name, media: None })
}

/// `UTF-8'language'percent-encoded` (RFC 8187 §3.2).
fn extended_value(value: &str) -> Option<String> {
    let mut parts = value.splitn(3, '\'');
    let (charset, language, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let is_language = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if !charset.eq_ignore_ascii_case("utf-8") || !language.bytes().all(is_language) {
        return None;
    }
    let mut bytes = Vec::with_capacity(rest.len());
    let mut left = rest.bytes();
    while let Some(byte) = left.next() {
        match byte {
            b'%' => {
                let high = char::from(left.next()?).to_digit(16)?;
                let low = char::from(left.next()?).to_digit(16)?;
                bytes.push(u8::try_from(high * 16 + low).ok()?);
            }
            byte if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) => bytes.push(byte),
            _ => return None,
        }
    }
    String::from_utf8(bytes).ok()
}

/// `=?utf-8?B?base64?=` (RFC 2047 §2), in one word.
fn encoded_word(text: &str) -> Option<String> {
    let text = text.trim_matches('"');
    let start = text.get(..10).filter(|start| start.eq_ignore_ascii_case("=?utf-8?b?"))?;
    let inner = text.get(start.len()..)?.strip_suffix("?=")?;
    String::from_utf8(base64_decode(inner).ok()?).ok()
}

/// `; name=value` and so on: names in lower case, values without their quotes.
pub(super) struct Parameters<'a> {
    rest: Option<&'a str>,
}

impl<'a> Parameters<'a> {
    /// What stands behind the first `;`.
    pub(super) fn new(rest: &'a str) -> Self {
        Self { rest: Some(rest) }
    }

    fn read(&mut self, rest: &'a str) -> Result<(String, String), Violation> {
        let (name, value) = rest.split_once('=').ok_or(Violation::Head)?;
        let name = name.trim_matches([' ', '\t']).to_ascii_lowercase();
        if !is_token(&name) {
            return Err(Violation::Head);
        }
        let (value, rest) = match value.strip_prefix('"') {
            Some(quoted) => unquote(quoted)?,
            None => {
                let end = value.find(';').unwrap_or(value.len());
                let (value, rest) = value.split_at(end);
                let value = value.trim_end_matches([' ', '\t']);
                if !value.bytes().all(is_bare) || value.is_empty() {
                    return Err(Violation::Head);
                }
                (value.to_owned(), rest)
            }
        };
        let rest = rest.trim_start_matches([' ', '\t']);
        self.rest = match rest.strip_prefix(';') {
            Some(more) => Some(more),
            None if rest.is_empty() => None,
            None => return Err(Violation::Head),
        };
        Ok((name, value))
    }
}

impl Iterator for Parameters<'_> {
    type Item = Result<(String, String), Violation>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.rest.take()?;
        Some(self.read(rest))
    }
}

/// The value up to the closing quote and what follows it. Only `\"` is an escape: a backslash before anything
/// else is one, as browsers mean it.
fn unquote(text: &str) -> Result<(String, &str), Violation> {
    let mut value = String::new();
    let mut signs = text.char_indices().peekable();
    while let Some((at, sign)) = signs.next() {
        match sign {
            '"' => return Ok((value, text.get(at.saturating_add(1)..).unwrap_or_default())),
            '\\' if signs.peek().is_some_and(|(_, next)| *next == '"') => {
                signs.next();
                value.push('"');
            }
            sign => value.push(sign),
        }
    }
    Err(Violation::Head)
}

/// Characters that end a name early, or make it look like another.
fn is_deceptive(sign: char) -> bool {
    sign.is_control()
        || matches!(sign, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{ffff}')
}

fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// What may stand in a value without quotes.
fn is_bare(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~/:?=".contains(&byte)
}

/// Bytes of a field's or a file's name.
const LONGEST_NAME: usize = 512;
