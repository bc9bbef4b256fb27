//! What is given to a name: `password = "x"`, `"password": "x"`, `setPassword("x")`, `<password>x</password>`, `--password x`,
//! `PASSWORD=x`, `password => 'x'`, `put("password", "x")`, `getenv("PASSWORD", "x")`, `?token=x&`, `Password=x;`.
//!
//! Reads a bounded piece behind the name and nothing before it but a few bytes.

use std::ops::Range;

use crate::context::Style;
use crate::shape::is_word_byte;

/// The longest value that is read, in bytes.
pub(crate) const LONGEST: usize = 1024;
/// The longest name.
const NAME: usize = 96;
/// How far a value may stand from its name.
const GAP: usize = 96;
/// Of a connection string, so much before the name is looked at.
const CONNECTION: usize = 200;

/// A value with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Assigned {
    pub name: Range<usize>,
    pub value: Range<usize>,
    pub quoted: bool,
}

/// The name around a word that was found.
pub(crate) fn name_around(text: &[u8], word: Range<usize>) -> Range<usize> {
    let is_part = |byte: &u8| is_word_byte(*byte) || *byte == b'-';
    let before = text.get(word.start.saturating_sub(NAME)..word.start).unwrap_or_default();
    let before = before.iter().rev().take_while(|byte| is_part(byte)).count();
    let after = text.get(word.end..word.end.saturating_add(NAME).min(text.len())).unwrap_or_default();
    let after = after.iter().take_while(|byte| is_part(byte)).count();
    let mut range = word.start - before..word.end.saturating_add(after);
    // `--password` begins behind the dashes, and `key->value` ends before the arrow.
    while text.get(range.start) == Some(&b'-') {
        range.start += 1;
    }
    while range.end > word.end && text.get(range.end - 1) == Some(&b'-') {
        range.end -= 1;
    }
    range
}

/// What is given to the name, if anything is.
pub(crate) fn read(text: &[u8], name: Range<usize>, style: Style) -> Option<Assigned> {
    let mut cursor = Cursor { text, at: name.end, end: name.end.saturating_add(GAP).min(text.len()) };
    let before = name.start.checked_sub(1).and_then(|at| text.get(at)).copied().unwrap_or(b'\n');
    let name_quoted = cursor.quote();
    if name_quoted && matches!(before, b'[') {
        cursor.eat(b"]");
    }
    if cursor.eat(b"]") {
        cursor.eat(b"]");
    }
    cursor.blanks();
    let sign = cursor.operator(name_quoted, before)?;
    // `["token", "password", "pin"]` lists names; `put("password", "x")` gives one a value.
    if sign == Sign::Comma && !first_of_call(text, name.start) {
        return None;
    }
    // "Pass `index=\"never\"` to …".
    if sign == Sign::Word && text.get(name.clone()).is_some_and(|name| name.eq_ignore_ascii_case(b"pass")) {
        return None;
    }
    let tight = cursor.at;
    cursor.blanks();
    if sign == Sign::Word
        && !option(text, name.start)
        && !(style == Style::Config && among_instructions(text, name.start))
    {
        // `#define PASSWORD "x"`, `const PASSWORD "x"`.
        return cursor.quoted_value().map(|value| Assigned { name, value, quoted: true });
    }
    if matches!(sign, Sign::Assign | Sign::Colon | Sign::Comma | Sign::Call) {
        cursor.line_break();
    }
    let from = cursor.at;
    if let Some(value) = cursor.quoted_value() {
        // Of a call only what has nothing but the value: `verify_password("lena", …)` begins with something else.
        let alone = sign != Sign::Call
            || text.get(value.end..).is_some_and(|rest| {
                rest.iter().take(12).find(|byte| !matches!(byte, b'"' | b'\'' | b'`' | b'\\' | b' '))
                    == Some(&b')')
            });
        // Of a list or of attributes: `"password", "autofocus": True`.
        let next_name = sign == Sign::Comma && next_is_name(text, value.end);
        return (alone && !next_name).then_some(Assigned { name, value, quoted: true });
    }
    cursor.at = from;
    if sign != Sign::Call
        && let Some(value) = cursor.wrapped()
    {
        return Some(Assigned { name, value, quoted: true });
    }
    let in_address = matches!(before, b'?' | b'&') && sign == Sign::Assign && tight == from;
    let in_connection = sign == Sign::Assign
        && (before == b';'
            || text.get(from..).is_some_and(|rest| ends_with_semicolon(rest, style))
            || (before == b' ' && tight == from && among_words(text, name.start)));
    let dockerfile = sign == Sign::Word && style == Style::Config && among_instructions(text, name.start);
    // `"X-Api-Key: …"`, as headers are given to commands and clients.
    let header = sign == Sign::Colon
        && !name_quoted
        && matches!(before, b'"' | b'\'')
        && text.get(name.clone()).is_some_and(|name| name.contains(&b'-'));
    if header {
        let value = cursor.until(before)?;
        return Some(Assigned { name, value, quoted: true });
    }
    // `NAME=value command` and `--name=value`: the value ends where the word does.
    let one_word = sign == Sign::Assign
        && tight == from
        && name.end.checked_add(1) == Some(from)
        && (option(text, name.start)
            || matches!(before, b' ' | b'\n' | b'\t')
                && text.get(name.clone()).is_some_and(|name| {
                    name.contains(&b'_')
                        && name
                            .iter()
                            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_')
                }));
    let unquoted = match sign {
        Sign::Comma | Sign::Call | Sign::Compare => false,
        Sign::Tag => true,
        Sign::Word => true,
        Sign::Assign | Sign::Colon => {
            style != Style::Code || in_address || in_connection || option(text, name.start)
        }
    };
    if !unquoted {
        return None;
    }
    cursor.at = from;
    let value = cursor.bare_value(sign == Sign::Tag, in_address, in_connection, one_word || dockerfile)?;
    Some(Assigned { name, value, quoted: sign == Sign::Tag })
}

/// Whether dashes stand before the name, as before an option of a command.
fn option(text: &[u8], name: usize) -> bool {
    name.checked_sub(2).and_then(|at| text.get(at..name)) == Some(b"--")
}

/// Whether the name is what `ENV` of a Dockerfile sets: `ENV NAME value`.
fn among_instructions(text: &[u8], name: usize) -> bool {
    let before = text.get(name.saturating_sub(CONNECTION)..name).unwrap_or_default();
    let line = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    line.trim_ascii() == b"ENV"
}

/// Whether the quoted name is what a call is given first.
fn first_of_call(text: &[u8], name: usize) -> bool {
    let before = text.get(name.saturating_sub(NAME)..name).unwrap_or_default();
    let quote = before.iter().rposition(|byte| matches!(byte, b'"' | b'\'' | b'`'));
    let before = quote.and_then(|at| before.get(..at)).unwrap_or_default().trim_ascii_end();
    matches!(before.last(), Some(b'(' | b'\\'))
}

/// Whether a colon stands behind the quote that ends a text.
fn next_is_name(text: &[u8], end: usize) -> bool {
    let rest = text.get(end..).unwrap_or_default();
    rest.iter().take(12).find(|byte| !matches!(byte, b'"' | b'\'' | b'`' | b'\\' | b' ')) == Some(&b':')
}

/// `host=db user=shop password=…` in one text, as libpq takes it.
fn among_words(text: &[u8], name: usize) -> bool {
    let before = text.get(name.saturating_sub(CONNECTION)..name).unwrap_or_default();
    let start = before.iter().rposition(|byte| matches!(byte, b'"' | b'\'' | b'`' | b'\n'));
    let words = start.and_then(|start| before.get(start.saturating_add(1)..)).unwrap_or_default();
    let is_place = |word: &[u8]| {
        [&b"host="[..], b"hostaddr=", b"dbname=", b"user="].iter().any(|place| word.starts_with(place))
    };
    words.split(u8::is_ascii_whitespace).any(is_place)
}

/// `x;` in a text that is quoted, as connection strings have it.
fn ends_with_semicolon(rest: &[u8], style: Style) -> bool {
    let end = rest
        .iter()
        .take(128)
        .position(|byte| byte.is_ascii_whitespace() || matches!(byte, b';' | b'"' | b'\''));
    let after = |at: usize| rest.get(at.saturating_add(1)).copied().unwrap_or(b'\n');
    end.is_some_and(|at| {
        rest.get(at) == Some(&b';')
            && (style != Style::Code
                || after(at).is_ascii_alphanumeric()
                || matches!(after(at), b'"' | b'\''))
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Assign,
    Call,
    Colon,
    Comma,
    Compare,
    /// `>` behind the name of an element.
    Tag,
    /// White space alone.
    Word,
}

struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
    end: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied().filter(|_| self.at < self.end)
    }

    fn eat(&mut self, what: &[u8]) -> bool {
        let there = self.text.get(self.at..self.end).is_some_and(|rest| rest.starts_with(what));
        if there {
            self.at += what.len();
        }
        there
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
    }

    /// A value may stand on the next line, quoted.
    fn line_break(&mut self) {
        let from = self.at;
        loop {
            let joined = [&b"\\\n"[..], b"\\\r\n"].iter().any(|end| self.eat(end));
            if !joined && !matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
                break;
            }
            self.at += usize::from(!joined);
        }
        if !matches!(self.peek(), Some(b'"' | b'\'' | b'`')) {
            self.at = from;
        }
    }

    /// A quote, escaped or not.
    fn quote(&mut self) -> bool {
        let from = self.at;
        self.eat(b"\\");
        if matches!(self.peek(), Some(b'"' | b'\'' | b'`')) {
            self.at += 1;
            return true;
        }
        self.at = from;
        false
    }

    fn operator(&mut self, name_quoted: bool, before: u8) -> Option<Sign> {
        for (sign, meaning) in [
            (&b"==="[..], Sign::Compare),
            (b"!==", Sign::Compare),
            (b"==", Sign::Compare),
            (b"!=", Sign::Compare),
            (b"=>", Sign::Assign),
            (b":=", Sign::Assign),
            (b"?=", Sign::Assign),
            (b"||=", Sign::Assign),
            (b"=", Sign::Assign),
        ] {
            if self.eat(sign) {
                return Some(meaning);
            }
        }
        if self.eat(b"::") {
            return None;
        }
        if self.eat(b":") || self.eat(b"?:") {
            return Some(if self.type_annotation() { Sign::Assign } else { Sign::Colon });
        }
        if name_quoted {
            // `put("password", "x")`, `<add key="password" value="x"/>`.
            if self.eat(b",") {
                return Some(Sign::Comma);
            }
            if self.eat(b"value=") {
                return Some(Sign::Assign);
            }
            return None;
        }
        if self.eat(b"(") {
            return Some(Sign::Call);
        }
        if matches!(before, b'<' | b':') && self.eat(b">") {
            return Some(Sign::Tag);
        }
        let spaced =
            self.at.checked_sub(1).and_then(|at| self.text.get(at)).is_some_and(u8::is_ascii_whitespace);
        spaced.then_some(Sign::Word)
    }

    /// `: String = `, `: &'static str = `, `: string | null = `: steps over it where an assignment follows.
    fn type_annotation(&mut self) -> bool {
        let rest = self.text.get(self.at..self.end).unwrap_or_default();
        let word = rest.iter().take(40).take_while(|byte| {
            byte.is_ascii_alphanumeric()
                || matches!(
                    byte,
                    b' ' | b'&' | b'\'' | b'?' | b'|' | b'_' | b'<' | b'>' | b'[' | b']' | b'.' | b':'
                )
        });
        let length = word.count();
        let typed = rest.get(length) == Some(&b'=')
            && rest.get(length + 1) != Some(&b'=')
            && length > 1
            && rest
                .get(..length)
                .is_some_and(|word| word.iter().any(u8::is_ascii_alphabetic) && word.last() == Some(&b' '))
            && !matches!(rest.trim_ascii_start().first(), Some(b'\'' | b'"'));
        if typed {
            self.at += length + 1;
        }
        typed
    }

    /// A quoted text, without its quotes, on one line.
    fn quoted_value(&mut self) -> Option<Range<usize>> {
        // Prefixes of texts: `b"…"`, `r'…'`, `@"…"`, `L"…"`, `&"…"`.
        let prefix = self
            .text
            .get(self.at..self.end)?
            .iter()
            .take(3)
            .take_while(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'@' | b'&'))
            .count();
        let mut at = self.at.checked_add(prefix)?;
        if prefix > 2 {
            return None;
        }
        let escaped = self.text.get(at) == Some(&b'\\');
        at += usize::from(escaped);
        let quote = self.text.get(at).copied().filter(|byte| matches!(byte, b'"' | b'\'' | b'`'))?;
        at += 1;
        if !escaped && self.text.get(at..)?.starts_with(&[quote, quote]) {
            at += 2;
        }
        let rest = self.text.get(at..at.saturating_add(LONGEST).min(self.text.len()))?;
        let mut previous = 0_u8;
        for (length, byte) in rest.iter().enumerate() {
            match *byte {
                b'\n' | b'\r' => return None,
                byte if byte == quote && (previous == b'\\') == escaped => {
                    let end = at + length - usize::from(escaped);
                    return (end > at).then_some(at..end);
                }
                // A quote of the surrounding text ends it too.
                byte if byte == quote && escaped => return None,
                byte => previous = if byte == b'\\' && previous == b'\\' { 0 } else { byte },
            }
        }
        None
    }

    /// The text in `String::from("…")`, `new Secret("…")`, `Buffer.from('…'`, `os.getenv("NAME", "…")`, `process.env.X || '…'`.
    fn wrapped(&mut self) -> Option<Range<usize>> {
        let rest = self.text.get(self.at..self.at.saturating_add(80).min(self.text.len()))?;
        let line = rest.iter().position(|byte| matches!(byte, b'\n' | b';')).unwrap_or(rest.len());
        let rest = rest.get(..line)?;
        let otherwise = [&b"|| "[..], b"?? ", b" or ", b"?: "].iter().find_map(|sign| {
            rest.windows(sign.len()).position(|window| window == *sign).map(|at| at + sign.len())
        });
        if let Some(at) = otherwise {
            self.at += at;
            return self.quoted_value();
        }
        let open = rest.iter().position(|byte| *byte == b'(')?;
        let called = rest.get(..open)?;
        if !called
            .iter()
            .all(|byte| is_word_byte(*byte) || matches!(byte, b'.' | b':' | b' ' | b'!' | b'@' | b'[' | b']'))
        {
            return None;
        }
        let folded = String::from_utf8_lossy(called).to_ascii_lowercase();
        self.at += open + 1;
        let first = self.quoted_value();
        let last = folded.rsplit(['.', ':', ' ', '!', ']']).next().unwrap_or_default();
        const MAKES: &[&str] = &[
            "from",
            "new",
            "string",
            "str",
            "bytes",
            "secret",
            "secretstring",
            "secretstr",
            "secretvalue",
            "buffer",
            "securestring",
            "b64decode",
            "atob",
            "fromhex",
            "unhexlify",
            "a2b_hex",
            "to_owned",
            "some",
            "just",
            "ok",
            "optional",
            "value",
            "literal",
            "text",
            "valueof",
            "of",
            "char",
            "array",
            "password",
            "token",
            "apikey",
            "credential",
            "credentials",
            "frombase64string",
            "getbytes",
            "byte",
            "constant",
            "hex",
            "decodestring",
        ];
        let reads = |word: &&str| folded.contains(*word);
        if ["env", "config", "property", "setting", "lookup", "option", "argument", "read", "get"]
            .iter()
            .any(reads)
            && last != "getbytes"
        {
            // The first argument names what is read, the second is what holds without it.
            let behind = first?.end.saturating_add(1);
            let gap = self.text.get(behind..behind.saturating_add(12).min(self.text.len()))?;
            let skip = gap.iter().position(|byte| !matches!(byte, b',' | b' ' | b'\t'))?;
            if gap.first() != Some(&b',') {
                return None;
            }
            self.at = behind.saturating_add(skip);
            return self.quoted_value();
        }
        first.filter(|_| MAKES.contains(&last))
    }

    /// One word up to the quote that ends the text it stands in.
    fn until(&mut self, quote: u8) -> Option<Range<usize>> {
        let rest = self.text.get(self.at..self.at.saturating_add(LONGEST).min(self.text.len()))?;
        let length = rest.iter().position(|byte| *byte == quote || !byte.is_ascii_graphic())?;
        (length > 0 && rest.get(length) == Some(&quote)).then(|| self.at..self.at.saturating_add(length))
    }

    /// A value without quotes.
    fn bare_value(
        &mut self,
        tag: bool,
        in_address: bool,
        in_connection: bool,
        one_word: bool,
    ) -> Option<Range<usize>> {
        let rest = self.text.get(self.at..self.at.saturating_add(LONGEST).min(self.text.len()))?;
        let length = rest
            .iter()
            .position(|byte| match byte {
                b'\n' | b'\r' | b'"' | b'\'' | b'`' => true,
                b'<' => tag || !matches!(rest.first(), Some(b'<')),
                b'&' => in_address,
                b';' => in_connection || in_address,
                b'#' if in_address => true,
                b' ' | b'\t' => !tag,
                b'\\' => in_address || in_connection,
                _ => false,
            })
            .unwrap_or(rest.len());
        if rest.get(length).is_some_and(|byte| matches!(byte, b'"' | b'\'' | b'`'))
            && !in_address
            && !in_connection
            && !tag
        {
            return None;
        }
        let value = rest.get(..length)?;
        let value = value.trim_ascii_end();
        let cut = value
            .iter()
            .rev()
            .take_while(|byte| !tag && matches!(byte, b',' | b';' | b')' | b']' | b'}'))
            .count();
        let kept = value.len().saturating_sub(
            if cut > 0 && value.iter().any(|byte| matches!(byte, b'(' | b'[' | b'{')) { 0 } else { cut },
        );
        // More words behind it make a sentence; a comment does not.
        let behind = rest.get(length..)?;
        let line = behind.iter().position(|byte| *byte == b'\n').unwrap_or(behind.len());
        let behind = behind.get(..line)?.trim_ascii();
        let continues = !tag
            && !in_address
            && !in_connection
            && !one_word
            && rest.get(length).is_some_and(|byte| matches!(byte, b' ' | b'\t'))
            && !behind.is_empty()
            && !behind.starts_with(b"#")
            && !behind.starts_with(b"//")
            && !behind.starts_with(b"--")
            && !behind.starts_with(b"\\")
            && !behind.starts_with(b"-")
            && !behind.starts_with(b"&&")
            && !behind.starts_with(b"|")
            && !behind.starts_with(b"@")
            && !behind.contains(&b'=')
            && !option_ahead(behind);
        (kept > 0 && !continues).then(|| self.at..self.at + kept)
    }
}

/// The rest of a command: another option, or an address.
fn option_ahead(behind: &[u8]) -> bool {
    behind.windows(2).any(|two| two == b" -") || behind.windows(3).any(|three| three == b"://")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str, style: Style) -> Option<&str> {
        let folded = text.to_ascii_lowercase();
        let start = folded.find("password").or_else(|| folded.find("token"))?;
        let end = start + if folded.get(start..)?.starts_with('p') { 8 } else { 5 };
        let name = name_around(text.as_bytes(), start..end);
        text.get(read(text.as_bytes(), name, style)?.value)
    }

    #[test]
    fn code_gives_quoted_values() {
        for text in [
            "password = \"hunter2\"",
            "password='hunter2';",
            "\"password\": \"hunter2\",",
            "'password' => 'hunter2'",
            "let password: &str = \"hunter2\";",
            "const password: string = 'hunter2'",
            "setPassword(\"hunter2\")",
            ".password(\"hunter2\")",
            "config[\"password\"] = \"hunter2\"",
            "props.put(\"password\", \"hunter2\")",
            "\\\"password\\\": \\\"hunter2\\\"",
            "if password == \"hunter2\":",
            "<password>hunter2</password>",
            "password := `hunter2`",
            "password = String::from(\"hunter2\")",
            "PASSWORD = os.getenv(\"X\", \"hunter2\")",
            "password = process.env.P || 'hunter2'",
            "#define DB_PASSWORD \"hunter2\"",
            "\"Server=a;Password=hunter2;User=b\"",
            "password=b\"hunter2\"",
            "password: \"\"\"hunter2\"\"\"",
            "<add key=\"password\" value=\"hunter2\" />",
            "password = new Secret(\"hunter2\")",
            "fetch(\"/x?token=hunter2&y=1\")",
            "password =\n    \"hunter2\"",
        ] {
            assert_eq!(value(text, Style::Code), Some("hunter2"), "{text}");
        }
        for text in [
            "password = getPassword()",
            "password = input",
            "password: string;",
            "password = os.getenv(\"X\")",
            "password: String",
            "Password::new(\"x\")",
            "// the password must be long",
        ] {
            assert_eq!(value(text, Style::Code), None, "{text}");
        }
    }

    #[test]
    fn settings_need_no_quotes() {
        for text in [
            "password: hunter2",
            "PASSWORD=hunter2",
            "password = hunter2",
            "password: hunter2 # of the demo",
            "export DB_PASSWORD=hunter2",
            "run --password hunter2 --user x",
            "run --password=hunter2",
            "ENV PASSWORD hunter2".replace(" hunter2", "=hunter2").as_str(),
            "password=hunter2\r\n",
        ] {
            assert_eq!(value(text, Style::Config), Some("hunter2"), "{text}");
        }
        for text in ["password: choose a long one", "password:", "password="] {
            assert_eq!(value(text, Style::Config), None, "{text}");
        }
    }
}
