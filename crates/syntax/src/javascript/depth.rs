//! How deep a script would nest its parser, found before the parser sees it.
//!
//! The parser recurses for brackets, for prefixes (`!`, `typeof`, `new`), for what binds to the right (`?:`, `=`, `=>`, `**`) and for
//! statements in statements (`if (a) if (b)`, `else if`). All of that is counted, operators that do not nest as well: what people
//! write stays far below the bounds. A count begins anew where a statement or an item ends: at `;`, at `,`, and where one operand
//! follows another (the end of a statement without `;`).
//!
//! Strings, comments, templates and patterns are skipped as the language has them. Where `/` may begin a pattern or divide (behind
//! `}`), nobody can say without parsing: such a text is refused.

use gabion_finding::Span;

/// Brackets in brackets.
const BRACKETS: usize = 250;
/// What else nests, at one place.
const CHAIN: usize = 1_000;

/// Where it gets too deep.
pub(crate) fn too_deep(text: &str) -> Option<Span> {
    let mut scan = Scan {
        bytes: text.as_bytes(),
        at: 0,
        levels: Vec::new(),
        level: Level::new(b' ', 0, false),
        before: Before::Start,
    };
    while scan.at < scan.bytes.len() {
        let start = scan.at;
        if scan.token().is_none() || scan.levels.len() > BRACKETS || scan.level.chain > CHAIN {
            let start = u32::try_from(start).unwrap_or(u32::MAX);
            return Some(Span::new(start, start.saturating_add(1)));
        }
    }
    None
}

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    levels: Vec<Level>,
    level: Level,
    before: Before,
}

/// What stands within one pair of brackets.
#[derive(Debug, Clone, Copy)]
struct Level {
    open: u8,
    /// What nests around it.
    base: usize,
    /// With what nests here.
    chain: usize,
    /// Before the last end of a statement: an `else` goes on there.
    last: usize,
    /// Of `if (…)`, `for (…)`: a statement follows.
    heads: bool,
}

impl Level {
    const fn new(open: u8, base: usize, heads: bool) -> Self {
        Self { open, base, chain: base, last: base, heads }
    }

    fn end(&mut self) {
        self.last = self.chain;
        self.chain = self.base;
    }

    const fn count(&mut self) {
        self.chain = self.chain.saturating_add(1);
    }
}

/// The token before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    Start,
    Operand,
    /// `}`: the end of a block, or an operand.
    Brace,
    Operator,
    /// `if`, `for`, `while`, `with`, `switch`, `catch`: its bracket is no operand.
    Head,
    /// `.`: a name follows, whatever it is.
    Dot,
}

impl Scan<'_> {
    /// Reads one token; none where nobody can tell what it is.
    fn token(&mut self) -> Option<()> {
        let byte = *self.bytes.get(self.at)?;
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => self.skip(1),
            b'/' if self.next() == Some(b'/') => self.skip_until(b"\n"),
            b'/' if self.next() == Some(b'*') => {
                self.skip(2);
                self.skip_until(b"*/");
                self.skip(2);
            }
            b'/' => self.slash()?,
            // Within a word of a page's text it is an apostrophe.
            b'"' | b'\'' if !self.behind_word() => self.string(byte),
            b'`' => self.template(),
            b'(' | b'[' | b'{' => {
                if self.before == Before::Brace && byte == b'{' {
                    self.level.end();
                }
                let heads = byte == b'(' && self.before == Before::Head;
                let base = self.level.chain.saturating_add(1);
                self.levels.push(std::mem::replace(&mut self.level, Level::new(byte, base, heads)));
                self.before = Before::Start;
                self.skip(1);
            }
            b')' | b']' | b'}' => self.close(byte),
            b';' | b',' => {
                self.level.end();
                self.before = Before::Start;
                self.skip(1);
            }
            b'+' | b'-' if self.next() == Some(byte) => {
                // Behind an operand it belongs to it.
                self.level.count();
                if self.before != Before::Operand {
                    self.before = Before::Operator;
                }
                self.skip(2);
            }
            b'.' => {
                self.level.count();
                let spread = self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(b"..."));
                self.before = if spread { Before::Operator } else { Before::Dot };
                self.skip(if spread { 3 } else { 1 });
            }
            _ if byte.is_ascii_alphanumeric()
                || matches!(byte, b'_' | b'$' | b'#' | b'\\')
                || byte >= 0x80 =>
            {
                self.word()
            }
            _ => {
                self.level.count();
                self.before = Before::Operator;
                self.skip(1);
            }
        }
        Some(())
    }

    fn next(&self) -> Option<u8> {
        self.bytes.get(self.at.saturating_add(1)).copied()
    }

    const fn skip(&mut self, count: usize) {
        self.at = self.at.saturating_add(count);
    }

    fn skip_until(&mut self, end: &[u8]) {
        while self.at < self.bytes.len()
            && !self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(end))
        {
            self.skip(1);
        }
    }

    fn behind_word(&self) -> bool {
        let before = self.at.checked_sub(1).and_then(|at| self.bytes.get(at));
        before.is_some_and(|before| before.is_ascii_alphanumeric() || *before >= 0x80)
            && !matches!(self.before, Before::Operator | Before::Head)
    }

    fn operand(&mut self) {
        if matches!(self.before, Before::Operand | Before::Brace) {
            self.level.end();
        }
        self.before = Before::Operand;
    }

    fn close(&mut self, byte: u8) {
        let open = match byte {
            b')' => b'(',
            b']' => b'[',
            _ => b'{',
        };
        self.skip(1);
        // One that closes nothing is no end of anything either.
        if self.level.open == open
            && let Some(around) = self.levels.pop()
        {
            let heads = self.level.heads;
            self.level = around;
            if self.level.open == b'`' {
                return self.template_text();
            }
            self.before = match byte {
                b'}' => Before::Brace,
                _ if heads => Before::Operator,
                _ => Before::Operand,
            };
        } else {
            self.level.count();
        }
    }

    fn slash(&mut self) -> Option<()> {
        match self.before {
            Before::Brace => return None,
            Before::Operand => {
                self.level.count();
                self.before = Before::Operator;
                self.skip(1);
            }
            // `</p>`, `/>` of a page.
            _ if self.at.checked_sub(1).and_then(|at| self.bytes.get(at)) == Some(&b'<')
                || self.next() == Some(b'>') =>
            {
                self.level.count();
                self.skip(1);
            }
            _ => self.pattern(),
        }
        Some(())
    }

    fn pattern(&mut self) {
        let start = self.at;
        self.skip(1);
        let mut class = false;
        while let Some(byte) = self.bytes.get(self.at) {
            match byte {
                b'\\' => self.skip(1),
                b'[' => class = true,
                b']' => class = false,
                b'/' if !class => {
                    self.skip(1);
                    return self.operand();
                }
                b'\n' => break,
                _ => {}
            }
            self.skip(1);
        }
        // It was none.
        self.at = start.saturating_add(1);
        self.level.count();
        self.before = Before::Operator;
    }

    fn string(&mut self, quote: u8) {
        let start = self.at;
        self.skip(1);
        while let Some(byte) = self.bytes.get(self.at) {
            match byte {
                b'\\' => self.skip(1),
                b'\n' => break,
                byte if *byte == quote => {
                    self.skip(1);
                    return self.operand();
                }
                _ => {}
            }
            self.skip(1);
        }
        self.at = start.saturating_add(1);
    }

    /// Its texts are skipped; what stands in `${ }` is code in brackets.
    fn template(&mut self) {
        self.skip(1);
        if self.level.open == b'`' {
            // The end of one, behind its last text.
            if let Some(around) = self.levels.pop() {
                self.level = around;
            }
            self.before = Before::Operand;
            return;
        }
        if self.before == Before::Brace {
            self.level.end();
        }
        self.level.count();
        let base = self.level.chain;
        self.levels.push(std::mem::replace(&mut self.level, Level::new(b'`', base, false)));
        self.template_text();
    }

    fn template_text(&mut self) {
        while let Some(byte) = self.bytes.get(self.at) {
            match byte {
                b'\\' => self.skip(2),
                b'`' => return self.template(),
                b'$' if self.next() == Some(b'{') => {
                    self.skip(2);
                    let base = self.level.chain.saturating_add(1);
                    self.levels.push(std::mem::replace(&mut self.level, Level::new(b'{', base, false)));
                    self.before = Before::Start;
                    return;
                }
                _ => self.skip(1),
            }
        }
    }

    fn word(&mut self) {
        let start = self.at;
        while self.bytes.get(self.at).is_some_and(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'#' | b'\\') || *byte >= 0x80
        }) {
            self.skip(1);
        }
        let word = self.bytes.get(start..self.at).unwrap_or_default();
        if self.before == Before::Dot {
            self.before = Before::Operand;
            return;
        }
        match word {
            b"else" => {
                self.level.chain = self.level.last.max(self.level.chain).saturating_add(1);
                self.before = Before::Operator;
            }
            b"in" | b"of" | b"instanceof" | b"as" | b"satisfies" | b"extends" | b"implements" | b"is"
            | b"catch" | b"finally" | b"from" => {
                self.level.count();
                self.before = if word == b"catch" { Before::Head } else { Before::Operator };
            }
            b"if" | b"for" | b"while" | b"with" | b"switch" => {
                if matches!(self.before, Before::Operand | Before::Brace) {
                    self.level.end();
                }
                self.level.count();
                self.before = Before::Head;
            }
            b"typeof" | b"void" | b"delete" | b"await" | b"yield" | b"new" | b"async" | b"keyof"
            | b"readonly" | b"unique" | b"infer" | b"asserts" | b"abstract" | b"declare" | b"static"
            | b"return" | b"throw" | b"case" | b"default" | b"do" | b"try" | b"const" | b"let" | b"var"
            | b"function" | b"class" | b"import" | b"export" | b"type" | b"interface" | b"enum"
            | b"namespace" | b"public" | b"private" | b"protected" | b"get" | b"set" => {
                if matches!(self.before, Before::Operand | Before::Brace) {
                    self.level.end();
                }
                self.level.count();
                self.before = Before::Operator;
            }
            _ => self.operand(),
        }
    }
}
