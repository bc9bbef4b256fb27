//! Conditions from their text.

use gabion_finding::Form;

use super::token::{Token, tokens};

/// A condition, ready to be asked.
#[derive(Debug, Clone)]
pub(crate) enum Condition {
    Or(Vec<Self>),
    And(Vec<Self>),
    Not(Box<Self>),
    Any(Path, Box<Self>),
    All(Path, Box<Self>),
    Test(Path, Test),
}

/// What is asked of the values of a path.
#[derive(Debug, Clone)]
pub(crate) enum Test {
    In(Vec<String>),
    Less(f64),
    LessOrEqual(f64),
    More(f64),
    MoreOrEqual(f64),
    Contains(String),
    Matches(Form),
    /// How a value is written that is not known.
    Refers(Form),
    /// A number, or a range that holds it: `8000-9000`, `*`.
    Covers(Vec<u32>),
    Exists,
    Absent,
    Empty,
    /// The negation, and there is a value.
    Without(Box<Self>),
}

/// Where a value is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path {
    /// The value it begins at, where that is not the one at hand.
    pub(crate) root: Option<String>,
    pub(crate) steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Key(String),
    Every,
}

/// Of a rule of the program (`own`), whose forms are compiled when they are first asked, or of another.
///
/// # Errors
/// Says what is wrong with the text.
pub(crate) fn parse(text: &str, own: bool) -> Result<Condition, String> {
    let mut reader = Reader { tokens: tokens(text)?, at: 0, depth: 0, own };
    let condition = reader.condition()?;
    reader.end()?;
    Ok(condition)
}

/// # Errors
/// Says what is wrong with the text.
pub(crate) fn path(text: &str) -> Result<Path, String> {
    let mut reader = Reader { tokens: tokens(text)?, at: 0, depth: 0, own: false };
    let path = reader.path()?;
    reader.end()?;
    Ok(path)
}

struct Reader {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    own: bool,
}

impl Reader {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at = self.at.saturating_add(1);
        token
    }

    fn sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(found)) if *found == sign);
        self.at = self.at.saturating_add(usize::from(found));
        found
    }

    fn word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(found)) if found == word);
        self.at = self.at.saturating_add(usize::from(found));
        found
    }

    fn need(&mut self, sign: &str) -> Result<(), String> {
        if self.sign(sign) { Ok(()) } else { Err(format!("`{sign}` is missing{}", self.before())) }
    }

    fn before(&self) -> String {
        self.peek().map_or_else(|| " at the end".to_owned(), |token| format!(" before {token:?}"))
    }

    fn end(&self) -> Result<(), String> {
        if self.peek().is_none() { Ok(()) } else { Err(format!("nothing may stand here{}", self.before())) }
    }

    fn condition(&mut self) -> Result<Condition, String> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > 32 {
            return Err("is nested deeper than 32".to_owned());
        }
        let mut all = vec![self.both()?];
        while self.word("or") {
            all.push(self.both()?);
        }
        self.depth = self.depth.saturating_sub(1);
        Ok(if all.len() == 1 { all.remove(0) } else { Condition::Or(all) })
    }

    fn both(&mut self) -> Result<Condition, String> {
        let mut all = vec![self.one()?];
        while self.word("and") {
            all.push(self.one()?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Condition::And(all) })
    }

    fn one(&mut self) -> Result<Condition, String> {
        let mut negated = false;
        while self.word("not") {
            negated = !negated;
        }
        let condition = self.plain()?;
        Ok(if negated { Condition::Not(Box::new(condition)) } else { condition })
    }

    fn plain(&mut self) -> Result<Condition, String> {
        if self.sign("(") {
            return self.inside();
        }
        if self.word("any") {
            let path = self.path()?;
            self.need("(")?;
            return Ok(Condition::Any(path, Box::new(self.inside()?)));
        }
        if self.word("all") {
            let path = self.path()?;
            self.need("(")?;
            return Ok(Condition::All(path, Box::new(self.inside()?)));
        }
        let path = self.path()?;
        Ok(Condition::Test(path, self.test()?))
    }

    fn inside(&mut self) -> Result<Condition, String> {
        let condition = self.condition()?;
        self.need(")")?;
        Ok(condition)
    }

    fn path(&mut self) -> Result<Path, String> {
        let mut path = Path { root: None, steps: Vec::new() };
        if self.sign("$") {
            let Some(Token::Word(name)) = self.next() else {
                return Err("a name is missing behind `$`".to_owned());
            };
            path.root = Some(name);
            if !self.sign(".") {
                return Ok(path);
            }
        } else if self.sign(".") {
            return Ok(path);
        }
        loop {
            path.steps.push(match self.next() {
                Some(Token::Word(name) | Token::Text(name) | Token::Number(_, name)) => Step::Key(name),
                Some(Token::Sign("*")) => Step::Every,
                _ => return Err(format!("a step of a path is missing{}", self.before())),
            });
            if !self.sign(".") {
                return Ok(path);
            }
        }
    }

    fn test(&mut self) -> Result<Test, String> {
        let Some(token) = self.peek().cloned() else { return Ok(Test::In(vec!["true".to_owned()])) };
        let known = matches!(&token, Token::Sign("==" | "!=" | "<" | "<=" | ">" | ">="))
            || matches!(&token, Token::Word(word) if TESTS.contains(&word.as_str()));
        if !known {
            return Ok(Test::In(vec!["true".to_owned()]));
        }
        self.at = self.at.saturating_add(1);
        Ok(match token {
            Token::Sign("==") => Test::In(vec![self.literal()?]),
            Token::Sign("!=") => Test::Without(Box::new(Test::In(vec![self.literal()?]))),
            Token::Sign(sign) => {
                let text = self.literal()?;
                let number = text.parse().map_err(|_| format!("`{text}` is no number"))?;
                match sign {
                    "<" => Test::Less(number),
                    "<=" => Test::LessOrEqual(number),
                    ">" => Test::More(number),
                    _ => Test::MoreOrEqual(number),
                }
            }
            Token::Word(word) => match word.as_str() {
                "exists" => Test::Exists,
                "absent" => Test::Absent,
                "empty" => Test::Empty,
                "contains" => Test::Contains(self.literal()?),
                "matches" => Test::Matches(self.form()?),
                "refers" => Test::Refers(self.form()?),
                "covers" => Test::Covers(self.numbers()?),
                "lacks" => Test::Without(Box::new(Test::Matches(self.form()?))),
                _ => Test::In(self.list()?),
            },
            _ => return Err("a test is missing".to_owned()),
        })
    }

    fn form(&mut self) -> Result<Form, String> {
        let text = self.literal()?;
        if self.own { Ok(Form::later(&text)) } else { Form::new(&text) }
    }

    fn literal(&mut self) -> Result<String, String> {
        match self.next() {
            Some(Token::Text(text) | Token::Number(_, text)) => Ok(text),
            Some(Token::Word(word)) if word == "true" || word == "false" => Ok(word),
            _ => Err("a value is missing: a text in `'`, a number, `true` or `false`".to_owned()),
        }
    }

    fn numbers(&mut self) -> Result<Vec<u32>, String> {
        let number = |text: String| text.parse().map_err(|_| format!("`{text}` is no port"));
        self.list()?.into_iter().map(number).collect()
    }

    fn list(&mut self) -> Result<Vec<String>, String> {
        self.need("[")?;
        let mut all = vec![self.literal()?];
        while self.sign(",") {
            all.push(self.literal()?);
        }
        self.need("]")?;
        Ok(all)
    }
}

const TESTS: &[&str] =
    &["exists", "absent", "empty", "contains", "matches", "lacks", "in", "refers", "covers"];
