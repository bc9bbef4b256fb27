//! The reader: bytes to nodes, one pass, no recursion.

use super::document::{Entry, Kind};
use super::error::{ParseError, Rule};
use super::{Bounds, DEEPEST};

/// Reads one document. Gives the nodes in the order of the text and what had to be unescaped.
pub(super) fn read(text: &str, bounds: &Bounds) -> Result<(Vec<Entry>, String), ParseError> {
    let mut reader = Reader {
        text,
        bytes: text.as_bytes(),
        at: 0,
        bounds,
        depth: bounds.depth.min(DEEPEST),
        nodes: Vec::with_capacity(text.len() / 10 + 4),
        unescaped: String::new(),
        open: Vec::with_capacity(8),
        names: Vec::with_capacity(16),
    };
    reader.document()?;
    Ok((reader.nodes, reader.unescaped))
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    bounds: &'a Bounds,
    depth: usize,
    nodes: Vec<Entry>,
    unescaped: String,
    open: Vec<Open>,
    /// The nodes of the names in the objects that are open.
    names: Vec<u32>,
}

/// An array or object that is not closed yet.
struct Open {
    index: usize,
    count: usize,
    object: bool,
    /// Where this object's names begin.
    names: usize,
    /// A bit per name seen, by a few of its bytes: most new names need no comparison.
    seen: u64,
}

/// Up to here a new name is compared with those before it; larger objects are sorted once.
const FEW: usize = 24;

impl<'a> Reader<'a> {
    fn fail<T>(&self, rule: Rule) -> Result<T, ParseError> {
        Err(ParseError { offset: self.at, rule })
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline]
    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    fn document(&mut self) -> Result<(), ParseError> {
        self.space();
        'value: loop {
            match self.peek() {
                Some(b'"') => self.string(false)?,
                Some(b'{') => {
                    self.begin(true)?;
                    self.space();
                    if self.peek() != Some(b'}') {
                        self.name()?;
                        continue 'value;
                    }
                    self.at += 1;
                    self.end()?;
                }
                Some(b'[') => {
                    self.begin(false)?;
                    self.space();
                    if self.peek() != Some(b']') {
                        continue 'value;
                    }
                    self.at += 1;
                    self.end()?;
                }
                Some(b'-' | b'0'..=b'9') => {
                    let end = number(self.bytes, self.at, self.bounds.number)?;
                    self.push(Kind::Number, self.at, end - self.at);
                    self.at = end;
                }
                Some(b't') => self.literal(b"true", Kind::True)?,
                Some(b'f') => self.literal(b"false", Kind::False)?,
                Some(b'n') => self.literal(b"null", Kind::Null)?,
                Some(_) => return self.fail(Rule::Literal),
                None => return self.fail(Rule::Unfinished),
            }
            // What follows a value: the next one, or the ends of those around it.
            loop {
                self.space();
                let Some(open) = self.open.last_mut() else {
                    return if self.at == self.bytes.len() { Ok(()) } else { self.fail(Rule::Trailing) };
                };
                open.count += 1;
                let (object, count) = (open.object, open.count);
                match self.bytes.get(self.at) {
                    Some(b',') => {
                        self.at += 1;
                        self.space();
                        if object {
                            if count >= self.bounds.members {
                                return self.fail(Rule::Members);
                            }
                            self.name()?;
                        } else if count >= self.bounds.items {
                            return self.fail(Rule::Items);
                        }
                        continue 'value;
                    }
                    Some(b'}') if object => {
                        self.at += 1;
                        self.end()?;
                    }
                    Some(b']') if !object => {
                        self.at += 1;
                        self.end()?;
                    }
                    Some(_) => return self.fail(Rule::Unexpected),
                    None => return self.fail(Rule::Unfinished),
                }
            }
        }
    }

    #[inline]
    fn push(&mut self, kind: Kind, start: usize, length: usize) {
        // INVARIANT: the text is below 4 GiB (`Document::parse`), so positions fit.
        self.nodes.push(Entry { kind, start: start as u32, length: length as u32, end: 0 });
    }

    fn begin(&mut self, object: bool) -> Result<(), ParseError> {
        if self.open.len() >= self.depth {
            return self.fail(Rule::Depth);
        }
        self.open.push(Open { index: self.nodes.len(), count: 0, object, names: self.names.len(), seen: 0 });
        self.push(if object { Kind::Object } else { Kind::Array }, self.at, 0);
        self.at += 1;
        if self.bounds.members == 0 && object || self.bounds.items == 0 && !object {
            self.space();
            if !matches!(self.peek(), Some(b'}' | b']')) {
                return self.fail(if object { Rule::Members } else { Rule::Items });
            }
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), ParseError> {
        let Some(open) = self.open.pop() else { return self.fail(Rule::Unexpected) };
        if open.object {
            if open.count > FEW {
                self.sorted_names(open.names)?;
            }
            self.names.truncate(open.names);
        }
        let end = self.nodes.len() as u32;
        if let Some(entry) = self.nodes.get_mut(open.index) {
            entry.length = open.count as u32;
            entry.end = end;
        }
        Ok(())
    }

    /// A name and its colon.
    fn name(&mut self) -> Result<(), ParseError> {
        let start = self.at;
        match self.peek() {
            Some(b'"') => {}
            Some(_) => return self.fail(Rule::Name),
            None => return self.fail(Rule::Unfinished),
        }
        let index = self.nodes.len();
        self.string(true)?;
        if self.is_known(index) {
            return Err(ParseError { offset: start, rule: Rule::DuplicateName });
        }
        self.space();
        match self.peek() {
            Some(b':') => self.at += 1,
            Some(_) => return self.fail(Rule::Unexpected),
            None => return self.fail(Rule::Unfinished),
        }
        self.space();
        Ok(())
    }

    fn text_of(&self, index: usize) -> &str {
        let Some(entry) = self.nodes.get(index) else { return "" };
        entry.text(self.text, &self.unescaped)
    }

    /// Notes the name at `index`; whether the object had it already.
    fn is_known(&mut self, index: usize) -> bool {
        let name = self.text_of(index).as_bytes();
        let mark = match name {
            [first, .., last] => {
                (u64::from(*first) ^ (u64::from(*last) << 3) ^ ((name.len() as u64) << 1)) & 63
            }
            _ => name.first().map_or(0, |only| u64::from(*only) & 63),
        };
        let Some(open) = self.open.last() else { return false };
        let bit = 1_u64 << mark;
        let (from, seen) = (open.names, open.seen);
        let known = seen & bit != 0
            && open.count <= FEW
            && self
                .names
                .get(from..)
                .unwrap_or_default()
                .iter()
                .any(|other| self.text_of(*other as usize).as_bytes() == name);
        if let Some(open) = self.open.last_mut() {
            open.seen |= bit;
        }
        self.names.push(index as u32);
        known
    }

    fn sorted_names(&mut self, from: usize) -> Result<(), ParseError> {
        let mut names: Vec<(&str, u32)> = Vec::with_capacity(self.names.len() - from);
        for index in self.names.get(from..).unwrap_or_default() {
            names.push((self.text_of(*index as usize), *index));
        }
        names.sort_unstable();
        let twice = names.windows(2).filter_map(|pair| match pair {
            [(one, _), (other, later)] if one == other => Some(*later),
            _ => None,
        });
        match twice.min() {
            None => Ok(()),
            Some(index) => {
                let offset = self.nodes.get(index as usize).map_or(self.at, |entry| entry.offset());
                Err(ParseError { offset, rule: Rule::DuplicateName })
            }
        }
    }

    fn literal(&mut self, word: &[u8], kind: Kind) -> Result<(), ParseError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        if !rest.starts_with(word) {
            return self.fail(if word.starts_with(rest) { Rule::Unfinished } else { Rule::Literal });
        }
        self.push(kind, self.at, word.len());
        self.at += word.len();
        Ok(())
    }

    /// A string from its opening quote.
    #[inline]
    fn string(&mut self, _name: bool) -> Result<(), ParseError> {
        let start = self.at + 1;
        let end = plain(self.bytes, start);
        match self.bytes.get(end) {
            Some(b'"') => {
                if end - start > self.bounds.string {
                    return self.fail(Rule::StringLength);
                }
                self.push(Kind::Text, start, end - start);
                self.at = end + 1;
                Ok(())
            }
            Some(b'\\') => self.escaped(start, end),
            Some(_) => {
                self.at = end;
                self.fail(Rule::ControlCharacter)
            }
            None => {
                self.at = self.bytes.len();
                self.fail(Rule::Unfinished)
            }
        }
    }

    #[cold]
    fn escaped(&mut self, start: usize, first: usize) -> Result<(), ParseError> {
        let begin = self.unescaped.len();
        let (mut from, mut to) = (start, first);
        loop {
            self.at = to;
            if to - from + self.unescaped.len() - begin > self.bounds.string {
                return self.fail(Rule::StringLength);
            }
            self.unescaped.push_str(self.text.get(from..to).unwrap_or_default());
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    let character = self.escape()?;
                    self.unescaped.push(character);
                }
                Some(_) => return self.fail(Rule::ControlCharacter),
                None => return self.fail(Rule::Unfinished),
            }
            from = self.at;
            to = plain(self.bytes, from);
        }
        self.at += 1;
        let length = self.unescaped.len() - begin;
        if length > self.bounds.string {
            return self.fail(Rule::StringLength);
        }
        let end = start as u32;
        self.nodes.push(Entry { kind: Kind::Escaped, start: begin as u32, length: length as u32, end });
        Ok(())
    }

    /// One escape sequence from its backslash (RFC 8259 §7).
    fn escape(&mut self) -> Result<char, ParseError> {
        let Some(kind) = self.bytes.get(self.at + 1) else {
            self.at += 1;
            return self.fail(Rule::Unfinished);
        };
        let plain = match kind {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(),
            _ => return self.fail(Rule::Escape),
        };
        self.at += 2;
        Ok(plain)
    }

    fn unicode(&mut self) -> Result<char, ParseError> {
        let first = self.unit(self.at + 2)?;
        let (point, length) = match first {
            0xD800..=0xDBFF => {
                if self.bytes.get(self.at + 6..self.at + 8) != Some(b"\\u") {
                    return self.fail(Rule::Surrogate);
                }
                let second = self.unit(self.at + 8)?;
                if !(0xDC00..=0xDFFF).contains(&second) {
                    return self.fail(Rule::Surrogate);
                }
                (0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00), 12)
            }
            other => (other, 6),
        };
        let Some(character) = char::from_u32(point) else { return self.fail(Rule::Surrogate) };
        self.at += length;
        Ok(character)
    }

    /// Four hexadecimal digits.
    fn unit(&self, at: usize) -> Result<u32, ParseError> {
        let Some(digits) = self.bytes.get(at..at + 4) else { return self.fail(Rule::Unfinished) };
        digits.iter().try_fold(0, |sum, digit| match char::from(*digit).to_digit(16) {
            Some(value) => Ok(sum * 16 + value),
            None => self.fail(Rule::Escape),
        })
    }
}

/// Where the characters that need no attention end: at a quote, a backslash, a control character or the end. Eight
/// bytes at a time.
#[inline]
fn plain(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGH: u64 = u64::from_le_bytes([0x80; 8]);
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*chunk);
        let zero = |word: u64| word.wrapping_sub(ONES) & !word;
        let quote = zero(word ^ u64::from_le_bytes([b'"'; 8]));
        let backslash = zero(word ^ u64::from_le_bytes([b'\\'; 8]));
        let control = word.wrapping_sub(u64::from_le_bytes([0x20; 8])) & !word;
        let found = (quote | backslash | control) & HIGH;
        if found != 0 {
            // A borrow can only mark bytes after the first one that is really found.
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while let Some(byte) = bytes.get(at) {
        if *byte == b'"' || *byte == b'\\' || *byte < 0x20 {
            break;
        }
        at += 1;
    }
    at
}

/// Where the number that begins at `start` ends (RFC 8259 §6).
pub(super) fn number(bytes: &[u8], start: usize, bound: usize) -> Result<usize, ParseError> {
    let mut at = start;
    let digits = |from: usize| {
        let mut to = from;
        while bytes.get(to).is_some_and(u8::is_ascii_digit) {
            to += 1;
        }
        to
    };
    let broken = |at: usize| {
        let rule = if at >= bytes.len() { Rule::Unfinished } else { Rule::Number };
        Err(ParseError { offset: at, rule })
    };
    if bytes.get(at) == Some(&b'-') {
        at += 1;
    }
    let whole = digits(at);
    if whole == at {
        return broken(at);
    }
    if whole - at > 1 && bytes.get(at) == Some(&b'0') {
        return Err(ParseError { offset: at, rule: Rule::Number });
    }
    at = whole;
    if bytes.get(at) == Some(&b'.') {
        let end = digits(at + 1);
        if end == at + 1 {
            return broken(end);
        }
        at = end;
    }
    if let Some(b'e' | b'E') = bytes.get(at) {
        at += 1;
        if let Some(b'+' | b'-') = bytes.get(at) {
            at += 1;
        }
        let end = digits(at);
        if end == at {
            return broken(end);
        }
        let power = bytes.get(at..end).unwrap_or_default().iter().fold(0_usize, |sum, digit| {
            sum.saturating_mul(10).saturating_add(usize::from(digit.wrapping_sub(b'0')))
        });
        if power > bound {
            return Err(ParseError { offset: at, rule: Rule::NumberLength });
        }
        at = end;
    }
    if at - start > bound {
        return Err(ParseError { offset: start, rule: Rule::NumberLength });
    }
    Ok(at)
}
