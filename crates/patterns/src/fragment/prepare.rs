//! Makes the text of a pattern one of its language: signs that only patterns have become names.

use std::sync::Arc;

use super::{DEEP, ELLIPSIS, TYPED, Typed, VARIABLE, VARIABLES};
use crate::family::Family;
use crate::text_pattern::variable;

#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) text: String,
    pub(super) typed: Vec<(Arc<str>, Typed)>,
    pub(super) words: Vec<String>,
}

/// What a bracket opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Block,
    Class,
    /// Names and their values.
    Object,
    Paren,
    Params,
    Square,
}

/// Templates in templates.
const DEEPEST: usize = 40;

struct Prepare<'p> {
    family: Family,
    text: &'p str,
    at: usize,
    out: String,
    open: Vec<Open>,
    /// Where a bracket has named arguments before this place.
    named: Vec<usize>,
    /// What stands before, without spaces.
    before: Option<char>,
    /// Whether a line ended since.
    line: bool,
    /// The word before, and where it ended.
    word: (String, usize),
    /// Since the last statement or bracket.
    header: String,
    typed: Vec<(Arc<str>, Typed)>,
    words: Vec<String>,
    depth: usize,
    /// How many `<...` are open.
    deep: usize,
}

pub(super) fn prepare(family: Family, text: &str) -> Result<Prepared, String> {
    let mut own = Prepare {
        family,
        text,
        at: 0,
        out: String::with_capacity(text.len()),
        open: Vec::new(),
        named: Vec::new(),
        before: None,
        line: true,
        word: (String::new(), usize::MAX),
        header: String::new(),
        typed: Vec::new(),
        words: Vec::new(),
        depth: 0,
        deep: 0,
    };
    own.code(None)?;
    own.words.sort();
    own.words.dedup();
    Ok(Prepared { text: own.out, typed: own.typed, words: own.words })
}

impl Prepare<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// What stands behind the next `skip` bytes, spaces left out.
    fn next_after(&self, skip: usize) -> Option<char> {
        self.rest().get(skip..)?.chars().find(|sign| !sign.is_whitespace())
    }

    fn push(&mut self, sign: char) {
        self.out.push(sign);
        self.at = self.at.saturating_add(sign.len_utf8());
        if sign == '\n' {
            self.line = true;
        }
        if !sign.is_whitespace() {
            self.before = Some(sign);
            self.line = false;
        }
    }

    /// Writes this for the next `length` bytes.
    fn replace(&mut self, length: usize, by: &str) {
        self.out.push_str(by);
        self.at = self.at.saturating_add(length);
        self.before = by.chars().next_back().or(self.before);
        self.line = false;
    }

    /// Everything up to a closing brace, or to the end.
    fn code(&mut self, until: Option<char>) -> Result<(), String> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > DEEPEST {
            return Err("nests too deep".to_owned());
        }
        let base = self.open.len();
        while let Some(sign) = self.peek() {
            if Some(sign) == until && self.open.len() == base {
                break;
            }
            self.one(sign)?;
        }
        self.depth = self.depth.saturating_sub(1);
        Ok(())
    }

    fn one(&mut self, sign: char) -> Result<(), String> {
        let rest = self.rest();
        if sign == '$'
            && let Some((name, _)) = variable(rest)
        {
            let length = name.len().saturating_add(1);
            let name = name.to_owned();
            match name.strip_prefix("...") {
                Some(name) => self.ellipsis(length, &format!("{VARIABLES}{name}")),
                None => self.replace(length, &format!("{VARIABLE}{name}")),
            }
            return Ok(());
        }
        if rest.starts_with("<...") && !rest.starts_with("<...>") {
            self.replace(4, &format!("{DEEP}("));
            self.open.push(Open::Paren);
            self.deep = self.deep.saturating_add(1);
            return Ok(());
        }
        if rest.starts_with("...>") && self.deep > 0 {
            self.deep = self.deep.saturating_sub(1);
            self.replace(4, ")");
            self.open.pop();
            return Ok(());
        }
        if rest.starts_with("...") {
            self.dots();
            return Ok(());
        }
        match sign {
            '"' | '\'' | '`' => return self.quote(sign),
            '#' if self.family == Family::Python => self.comment(),
            '/' if rest.starts_with("//") && self.family != Family::Python => self.comment(),
            '/' if self.family == Family::Script && self.begins_value() && !rest.starts_with("/>") => {
                self.regex()
            }
            '(' => self.parenthesis(),
            '[' => {
                self.open.push(Open::Square);
                self.push(sign);
            }
            '{' => {
                let open = self.brace();
                self.open.push(open);
                self.push(sign);
                self.header.clear();
            }
            ')' | ']' | '}' => {
                self.open.pop();
                let depth = self.open.len();
                self.named.retain(|one| *one <= depth);
                self.push(sign);
                if sign == '}' {
                    self.header.clear();
                }
            }
            '=' if self.family == Family::Python
                && !self.rest().starts_with("==")
                && self.before.is_some_and(|one| one.is_alphanumeric() || one == '_' || one == ' ') =>
            {
                self.named.push(self.open.len());
                self.push(sign);
            }
            ';' => {
                self.push(sign);
                self.header.clear();
            }
            _ if sign.is_alphanumeric() || sign == '_' => self.name(),
            _ => {
                if sign == '\n' && self.open.is_empty() && self.family != Family::Java {
                    self.header.clear();
                }
                self.push(sign);
            }
        }
        Ok(())
    }

    fn name(&mut self) {
        let rest = self.rest();
        let end = rest.find(|sign: char| !(sign.is_alphanumeric() || sign == '_')).unwrap_or(rest.len());
        let word = rest.get(..end).unwrap_or_default().to_owned();
        self.out.push_str(&word);
        self.at = self.at.saturating_add(end);
        self.before = word.chars().next_back();
        self.line = false;
        self.header.push_str(&word);
        self.header.push(' ');
        // What is written in other ways, too, says nothing of a text.
        if word.len() > 2
            && !KEYWORDS.contains(&word.as_str())
            && !word.starts_with(|one: char| one.is_ascii_digit())
        {
            self.words.push(word.clone());
        }
        self.word = (word, self.at);
    }

    fn header_has(&self, words: &[&str]) -> bool {
        self.header.split(' ').any(|word| words.contains(&word))
    }

    /// Whether a value may begin here.
    fn begins_value(&self) -> bool {
        let word = self.word.0.as_str();
        self.before.is_none_or(|before| "(,=:[!&|?{};\n".contains(before))
            || (self.word.1 == self.at && ["return", "case"].contains(&word))
    }

    fn brace(&self) -> Open {
        let value = self.before.is_none_or(|before| "(,=:[?&|".contains(before))
            || matches!(self.word.0.as_str(), "return") && self.before == Some('n');
        let object = |yes: bool| if yes { Open::Object } else { Open::Block };
        match self.family {
            Family::Python => Open::Object,
            _ if self.header_has(&["class", "interface", "trait", "impl"]) => Open::Class,
            Family::Script => object(value && !self.out.trim_end().ends_with("=>")),
            Family::Java => {
                if self.header_has(&["new"]) && self.before == Some(')') {
                    Open::Class
                } else {
                    object(matches!(self.before, Some('=' | ']' | ',' | '(')))
                }
            }
            Family::Go => {
                if self.header_has(&["struct"]) && !self.header_has(&["func"]) {
                    return Open::Class;
                }
                let control = ["func", "if", "for", "switch", "select", "else", "interface", "go", "defer"];
                object(
                    !self.header_has(&control)
                        && self.before.is_some_and(|one| one.is_alphanumeric() || one == ']' || one == '_'),
                )
            }
            Family::Rust => {
                let control =
                    ["fn", "if", "while", "for", "loop", "match", "unsafe", "else", "mod", "enum", "struct"];
                object(
                    !self.header_has(&control)
                        && self.before.is_some_and(|one| one.is_alphanumeric() || one == '_'),
                )
            }
            Family::Generic | Family::Regex => Open::Block,
        }
    }

    /// `(`: of a function's parameters, of a typed variable, or of anything else.
    fn parenthesis(&mut self) {
        if let Some((length, name, text)) = self.typed_variable() {
            let number = self.typed.len();
            self.typed.push((name, Typed { text }));
            self.replace(length, &format!("{TYPED}{number}"));
            return;
        }
        let params = match self.family {
            Family::Java => {
                let control = ["if", "for", "while", "switch", "catch", "try", "synchronized", "new"];
                !self.header_has(&control)
                    && self
                        .behind_closing()
                        .is_some_and(|rest| rest.starts_with('{') || rest.starts_with("throws"))
            }
            Family::Go => self.header_has(&["func"]),
            Family::Rust => self.header_has(&["fn"]),
            _ => false,
        };
        self.open.push(if params { Open::Params } else { Open::Paren });
        self.push('(');
    }

    /// What stands behind the bracket that closes this one.
    fn behind_closing(&self) -> Option<&str> {
        let mut depth = 0_usize;
        let rest = self.rest();
        for (at, sign) in rest.char_indices() {
            match sign {
                '(' => depth = depth.saturating_add(1),
                ')' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return rest.get(at.saturating_add(1)..).map(str::trim_start);
                    }
                }
                _ => {}
            }
        }
        None
    }

    /// `($X: T)`, `(T $X)` of Java: its length, name and type.
    fn typed_variable(&self) -> Option<(usize, Arc<str>, String)> {
        let called =
            self.before.is_some_and(|before| before.is_alphanumeric() || before == '_' || before == ')')
                && self.out.ends_with(|sign: char| !sign.is_whitespace());
        let control = ["catch", "if", "for", "while", "switch", "func", "def", "fn", "function"];
        if called || self.header_has(&control) && control.contains(&self.word.0.as_str()) {
            return None;
        }
        let rest = self.rest();
        let end = rest.find(')')?;
        let inner = rest.get(1..end)?;
        let length = end.saturating_add(1);
        let behind = rest.get(length..).unwrap_or_default().trim_start();
        if behind.starts_with("=>")
            || behind.starts_with('{')
            || behind.starts_with("throws")
            || behind.starts_with("->")
        {
            return None;
        }
        let (name, text) = match self.family {
            Family::Java => {
                let (text, name) = inner.trim().rsplit_once(char::is_whitespace)?;
                let (name, behind) = variable(name)?;
                (behind.is_empty() && !text.contains(','))
                    .then(|| (name.to_owned(), text.trim().to_owned()))
                    .filter(|(_, text)| {
                        text.chars().all(|one| one.is_alphanumeric() || "._$<>[]?, ".contains(one))
                    })?
            }
            _ => {
                let (name, text) = inner.split_once(':')?;
                let (name, behind) = variable(name.trim())?;
                if !behind.is_empty() || text.starts_with(':') || text.contains(',') {
                    return None;
                }
                (name.to_owned(), text.trim().to_owned())
            }
        };
        Some((length, name.trim_start_matches("...").into(), text))
    }

    /// `...`: what of depends on where it stands.
    fn dots(&mut self) {
        let glued = self.rest().get(3..).and_then(|rest| rest.chars().next());
        let joined = self
            .out
            .chars()
            .next_back()
            .is_some_and(|last| last.is_alphanumeric() || last == '_' || last == ']' || last == '>');
        let spread = glued.is_some_and(|next| next.is_alphanumeric() || next == '_' || next == '$');
        // `f(args...)` of Go, `String... x` of Java, `...rest` of JavaScript.
        if (joined && !self.line && matches!(self.family, Family::Go | Family::Java))
            || (spread && matches!(self.family, Family::Script))
        {
            self.replace(3, "...");
            return;
        }
        self.ellipsis(3, ELLIPSIS);
    }

    fn ellipsis(&mut self, length: usize, name: &str) {
        let next = self.next_after(length);
        let open = self.open.last().copied();
        if self.before == Some('.') {
            self.replace(length, name);
            return;
        }
        let within = !matches!(open, None | Some(Open::Block | Open::Class));
        let continues = self.before.is_some_and(|before| "=+-*/<>|&?,(![%^~".contains(before))
            || [
                "return", "in", "not", "and", "or", "lambda", "yield", "await", "throw", "raise", "case",
                "new",
            ]
            .contains(&self.word.0.as_str())
                && self.word.1 == self.out_end();
        let starts =
            self.before.is_none() || self.line || self.before.is_some_and(|before| "{};:".contains(before));
        let script = self.family == Family::Script;
        if !within
            && starts
            && !continues
            && next.is_none_or(|next| !(",=.+".contains(next) || script && "/><".contains(next)))
        {
            let text = match (self.family, open) {
                (Family::Python, _) => name.to_owned(),
                (Family::Java, Some(Open::Class)) => format!("Object {name};"),
                (Family::Go, Some(Open::Class)) => format!("{name} {name};"),
                (Family::Rust, Some(Open::Class)) if !self.out.contains("impl") => format!("{name}: {name}"),
                (Family::Rust, Some(Open::Class)) => format!("const {name}: u8 = 0;"),
                _ => format!("{name};"),
            };
            self.replace(length, &text);
            return;
        }
        let text = match (self.family, open) {
            (Family::Java, Some(Open::Params)) => format!("Object {name}"),
            (Family::Go, Some(Open::Params)) => format!("{name} {name}"),
            (Family::Rust, Some(Open::Params)) => format!("{name}: {name}"),
            (Family::Python, Some(Open::Object)) => format!("**{name}"),
            // `f(a=1, *b)` is Python, `f(a=1, b)` is none.
            (Family::Python, Some(Open::Paren)) if self.named.contains(&self.open.len()) => {
                if self.header_has(&["def"]) { format!("{name}=0") } else { format!("*{name}") }
            }
            (Family::Go | Family::Rust, Some(Open::Object)) if self.keyed() => format!("{name}: {name}"),
            _ => name.to_owned(),
        };
        self.replace(length, &text);
    }

    /// The end of the last word, had spaces no width.
    fn out_end(&self) -> usize {
        let spaces = self.text.get(..self.at).unwrap_or_default();
        spaces.trim_end().len()
    }

    /// Whether the braces around have names before colons.
    fn keyed(&self) -> bool {
        let until = self.rest().find('}').unwrap_or(self.rest().len());
        let behind = self.rest().get(..until).unwrap_or_default();
        let before = self.out.rfind('{').and_then(|at| self.out.get(at..)).unwrap_or_default();
        // `T{...}` alone is one of names.
        let alone = self.family == Family::Go && before == "{" && behind.trim() == "...";
        let of_list = self
            .out
            .trim_end_matches('{')
            .rsplit(char::is_whitespace)
            .next()
            .is_some_and(|of| of.contains("[]"));
        (alone && !of_list)
            || behind.replace("::", "").contains(':')
            || before.replace("::", "").contains(':')
    }

    fn comment(&mut self) {
        let rest = self.rest();
        let end = rest.find('\n').unwrap_or(rest.len());
        self.at = self.at.saturating_add(end);
    }

    fn regex(&mut self) {
        self.push('/');
        while let Some(sign) = self.peek() {
            if sign == '\n' {
                return;
            }
            if self.rest().starts_with("...") {
                self.replace(3, ELLIPSIS);
                continue;
            }
            if let Some((name, _)) = variable(self.rest()) {
                let (length, name) = (name.len().saturating_add(1), format!("{VARIABLE}{name}"));
                self.replace(length, &name);
                continue;
            }
            self.push(sign);
            match sign {
                '\\' => {
                    if let Some(next) = self.peek() {
                        self.push(next);
                    }
                }
                '/' => return,
                _ => {}
            }
        }
    }

    fn quote(&mut self, sign: char) -> Result<(), String> {
        let rest = self.rest();
        // A lifetime of Rust.
        if sign == '\''
            && self.family == Family::Rust
            && !rest.get(1..).is_some_and(|rest| rest.starts_with('\\') || rest.chars().nth(1) == Some('\''))
        {
            self.push(sign);
            return Ok(());
        }
        let prefix = if self.word.1 == self.at { self.word.0.to_ascii_lowercase() } else { String::new() };
        let triple: String = std::iter::repeat_n(sign, 3).collect();
        let close = if self.family == Family::Python && rest.starts_with(&triple) {
            triple
        } else {
            sign.to_string()
        };
        let python = self.family == Family::Python && (prefix == "f" || prefix == "rf" || prefix == "fr");
        let script = self.family == Family::Script && sign == '`';
        let raw = sign == '`' && self.family == Family::Go;
        for one in close.chars() {
            self.push(one);
        }
        loop {
            let rest = self.rest();
            if rest.is_empty() {
                return Err(format!("a text begins with `{close}` and does not end"));
            }
            if rest.starts_with(&close) {
                close.chars().for_each(|one| self.push(one));
                return Ok(());
            }
            let Some(next) = self.peek() else { return Ok(()) };
            if next == '\\' && !raw {
                self.push(next);
                if let Some(escaped) = self.peek() {
                    self.push(escaped);
                }
            } else if script && rest.starts_with("${") {
                self.push('$');
                self.inside()?;
            } else if python && next == '{' && !rest.starts_with("{{") {
                self.inside()?;
            } else if python && rest.starts_with("{{") {
                self.push('{');
                self.push('{');
            } else {
                self.push(next);
            }
        }
    }

    /// `{…}` in a text.
    fn inside(&mut self) -> Result<(), String> {
        self.push('{');
        self.before = Some('(');
        let (open, header) = (std::mem::take(&mut self.open), std::mem::take(&mut self.header));
        self.open.push(Open::Paren);
        self.code(Some('}'))?;
        (self.open, self.header) = (open, header);
        if self.peek() == Some('}') {
            self.push('}');
        }
        Ok(())
    }
}

/// Words that a text may say in another way, or leave out.
const KEYWORDS: &[&str] = &[
    "and",
    "any",
    "as",
    "async",
    "await",
    "bool",
    "break",
    "byte",
    "case",
    "catch",
    "char",
    "class",
    "const",
    "continue",
    "def",
    "default",
    "defer",
    "del",
    "do",
    "double",
    "elif",
    "else",
    "enum",
    "except",
    "exports",
    "extends",
    "false",
    "final",
    "finally",
    "float",
    "float64",
    "fn",
    "for",
    "from",
    "func",
    "function",
    "global",
    "if",
    "impl",
    "implements",
    "import",
    "in",
    "int",
    "int64",
    "interface",
    "is",
    "lambda",
    "let",
    "long",
    "loop",
    "match",
    "mod",
    "module",
    "mut",
    "nil",
    "None",
    "not",
    "null",
    "number",
    "Object",
    "object",
    "or",
    "package",
    "pass",
    "private",
    "protected",
    "pub",
    "public",
    "raise",
    "range",
    "require",
    "return",
    "self",
    "Self",
    "short",
    "static",
    "str",
    "String",
    "string",
    "struct",
    "super",
    "switch",
    "synchronized",
    "this",
    "throw",
    "throws",
    "trait",
    "true",
    "True",
    "False",
    "try",
    "type",
    "typeof",
    "undefined",
    "unsafe",
    "use",
    "var",
    "void",
    "where",
    "while",
    "with",
    "yield",
    "value",
    "format",
    "fmt",
    "new",
];
