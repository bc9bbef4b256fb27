//! The inside of an action: a pipeline of calls.

/// Calls joined by `|`; each gets what the one before gave as its last argument.
#[derive(Debug, Clone)]
pub(super) struct Pipeline(pub(super) Vec<Vec<Term>>);

#[derive(Debug, Clone)]
pub(super) enum Term {
    /// `.a.b`; nothing but `.` has no steps.
    Field(Vec<String>),
    /// `$`, `$.a`, `$x.a`.
    Variable(String, Vec<String>),
    Text(String),
    Number(f64),
    Bool(bool),
    Nil,
    Function(String),
    Inner(Pipeline, Vec<String>),
}

const DEEPEST: usize = 24;

/// None where it is not understood.
pub(super) fn pipeline(text: &str) -> Option<Pipeline> {
    let mut reader = Reader { text, at: 0 };
    let pipeline = reader.pipeline(0)?;
    reader.space();
    (reader.at == text.len()).then_some(pipeline)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn space(&mut self) {
        let rest = self.rest();
        self.at = self.at.saturating_add(rest.len().saturating_sub(rest.trim_start().len()));
    }

    fn eat(&mut self, sign: char) -> bool {
        let found = self.rest().starts_with(sign);
        self.at = self.at.saturating_add(if found { sign.len_utf8() } else { 0 });
        found
    }

    fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let length =
            rest.find(|letter: char| !(letter.is_alphanumeric() || letter == '_')).unwrap_or(rest.len());
        self.at = self.at.saturating_add(length);
        rest.get(..length).unwrap_or_default()
    }

    fn pipeline(&mut self, depth: usize) -> Option<Pipeline> {
        if depth > DEEPEST {
            return None;
        }
        let mut calls = Vec::new();
        loop {
            let mut terms = Vec::new();
            loop {
                self.space();
                let rest = self.rest();
                if rest.is_empty() || rest.starts_with(['|', ')']) {
                    break;
                }
                terms.push(self.term(depth)?);
            }
            if terms.is_empty() {
                return None;
            }
            calls.push(terms);
            if !self.eat('|') {
                return Some(Pipeline(calls));
            }
        }
    }

    fn steps(&mut self) -> Option<Vec<String>> {
        let mut steps = Vec::new();
        while self.rest().starts_with('.') {
            self.at = self.at.saturating_add(1);
            let step = self.word();
            if step.is_empty() {
                return None;
            }
            steps.push(step.to_owned());
        }
        Some(steps)
    }

    fn term(&mut self, depth: usize) -> Option<Term> {
        let first = self.rest().chars().next()?;
        Some(match first {
            '(' => {
                self.at = self.at.saturating_add(1);
                let inner = self.pipeline(depth.saturating_add(1))?;
                if !self.eat(')') {
                    return None;
                }
                Term::Inner(inner, self.steps()?)
            }
            '.' => {
                let bare = self
                    .rest()
                    .get(1..)
                    .is_none_or(|rest| !rest.starts_with(|next: char| next.is_alphabetic() || next == '_'));
                if bare {
                    self.at = self.at.saturating_add(1);
                    Term::Field(Vec::new())
                } else {
                    Term::Field(self.steps()?)
                }
            }
            '$' => {
                self.at = self.at.saturating_add(1);
                let name = self.word().to_owned();
                Term::Variable(name, self.steps()?)
            }
            '"' | '`' => Term::Text(self.text(first)?),
            '0'..='9' | '-' => {
                self.eat('-');
                let start = self.at;
                let rest = self.rest();
                let length = rest
                    .find(|letter: char| !(letter.is_ascii_digit() || letter == '.'))
                    .unwrap_or(rest.len());
                self.at = self.at.saturating_add(length);
                let number: f64 = self.text.get(start..self.at)?.parse().ok()?;
                Term::Number(if first == '-' { -number } else { number })
            }
            _ => match self.word() {
                "" => return None,
                "true" => Term::Bool(true),
                "false" => Term::Bool(false),
                "nil" => Term::Nil,
                name => Term::Function(name.to_owned()),
            },
        })
    }

    fn text(&mut self, quote: char) -> Option<String> {
        self.at = self.at.saturating_add(1);
        let mut text = String::new();
        let mut letters = self.rest().char_indices();
        while let Some((at, letter)) = letters.next() {
            if letter == quote {
                self.at = self.at.saturating_add(at).saturating_add(1);
                return Some(text);
            }
            if letter == '\\' && quote == '"' {
                match letters.next()?.1 {
                    'n' => text.push('\n'),
                    't' => text.push('\t'),
                    other => text.push(other),
                }
                continue;
            }
            text.push(letter);
        }
        None
    }
}
