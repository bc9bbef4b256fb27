//! The small language of values: `canary()`, `number(2, 9) * 3`, `contains(body, "x") && status_code == 200`.
//!
//! It has texts, numbers, truths and lists, the usual operators, and functions ([`super::functions`]). Nothing in it loops, and
//! everything is bounded: the length of an expression, its depth, and the size of what it computes. An expression is read once and
//! computed as often as there are answers.

use std::collections::BTreeMap;

use gabion_model::Rng;

use super::functions;
use super::words::{Token, tokens};

/// What an expression comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Term {
    Text(Vec<u8>),
    Number(f64),
    Truth(bool),
    List(Vec<Term>),
}

/// An expression that was read.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    Literal(Term),
    Name(String),
    Call(String, Vec<Expression>),
    Not(Box<Expression>),
    Minus(Box<Expression>),
    Pair(Operator, Box<Expression>, Box<Expression>),
    List(Vec<Expression>),
}

/// What stands between two expressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Or,
    And,
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    More,
    MoreOrEqual,
    Matches,
    MatchesNot,
    In,
    Plus,
    Minus,
    Times,
    Over,
    Rest,
}

/// Values by their names.
pub type Names = BTreeMap<String, Term>;

/// What an expression is computed with.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    pub names: &'a Names,
    pub rng: &'a dyn Rng,
    /// Seconds since 1970.
    pub now: i64,
}

impl std::fmt::Debug for Surroundings<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Surroundings").field("names", &self.names.len()).finish_non_exhaustive()
    }
}

/// The longest expression, in bytes.
const LONGEST: usize = 16 << 10;
/// The deepest nesting.
const DEEPEST: usize = 40;
/// The largest text that is computed, in bytes.
pub(crate) const LARGEST: usize = 2 << 20;

impl Term {
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::Text(text.as_bytes().to_vec())
    }

    /// As bytes: what a request would have in its place.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Text(bytes) => bytes.clone(),
            Self::Number(number) => shown(*number).into_bytes(),
            Self::Truth(truth) => truth.to_string().into_bytes(),
            Self::List(items) => {
                let all: Vec<String> = items.iter().map(Self::show).collect();
                format!("[{}]", all.join(" ")).into_bytes()
            }
        }
    }

    /// As text; bytes that are none become `U+FFFD`.
    #[must_use]
    pub fn show(&self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }

    /// As a number, where it is one or reads as one.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(_) => self.show().trim().parse().ok().filter(|number: &f64| number.is_finite()),
            Self::Truth(_) | Self::List(_) => None,
        }
    }

    #[must_use]
    pub const fn is_true(&self) -> bool {
        matches!(self, Self::Truth(true))
    }
}

/// A number as people write it: whole ones without a point.
fn shown(number: f64) -> String {
    number.to_string()
}

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    /// In words, with what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err(format!("it is longer than {} KiB", LONGEST >> 10));
        }
        let tokens = tokens(text)?;
        let mut reader = Reader { tokens: &tokens, at: 0, depth: 0 };
        let expression = reader.binary(0)?;
        match reader.next() {
            None => Ok(expression),
            Some(token) => Err(format!("`{token}` is one too many")),
        }
    }

    /// Computes it.
    ///
    /// # Errors
    /// In words, when a name is not known or a value is not what a function takes.
    pub fn value(&self, with: &Surroundings<'_>) -> Result<Term, String> {
        match self {
            Self::Literal(term) => Ok(term.clone()),
            Self::Name(name) => with.names.get(name).cloned().ok_or_else(|| format!("`{name}` is not known")),
            Self::List(items) => {
                Ok(Term::List(items.iter().map(|item| item.value(with)).collect::<Result<_, _>>()?))
            }
            Self::Call(name, arguments) => {
                let arguments: Vec<Term> =
                    arguments.iter().map(|argument| argument.value(with)).collect::<Result<_, _>>()?;
                functions::call(name, &arguments, with)
            }
            Self::Not(inner) => match inner.value(with)? {
                Term::Truth(truth) => Ok(Term::Truth(!truth)),
                other => Err(format!("`!` wants true or false, not `{}`", brief(&other))),
            },
            Self::Minus(inner) => {
                let value = inner.value(with)?;
                value.number().map(|number| Term::Number(-number)).ok_or_else(|| no_number(&value))
            }
            Self::Pair(Operator::Or, one, two) => Ok(Term::Truth(one.truth(with)? || two.truth(with)?)),
            Self::Pair(Operator::And, one, two) => Ok(Term::Truth(one.truth(with)? && two.truth(with)?)),
            Self::Pair(operator, one, two) => pair(*operator, &one.value(with)?, &two.value(with)?),
        }
    }

    /// Computes it where it must be true or false.
    ///
    /// # Errors
    /// As [`Expression::value`].
    pub fn truth(&self, with: &Surroundings<'_>) -> Result<bool, String> {
        match self.value(with)? {
            Term::Truth(truth) => Ok(truth),
            other => Err(format!("`{}` is neither true nor false", brief(&other))),
        }
    }

    /// Every name in it that is no function.
    pub fn names<'a>(&'a self, out: &mut Vec<&'a str>) {
        self.visit(&mut |part| {
            if let Self::Name(name) = part {
                out.push(name);
            }
        });
    }

    /// Every function it calls.
    pub fn calls<'a>(&'a self, out: &mut Vec<&'a str>) {
        self.visit(&mut |part| {
            if let Self::Call(name, _) = part {
                out.push(name);
            }
        });
    }

    fn visit<'a>(&'a self, seen: &mut dyn FnMut(&'a Self)) {
        seen(self);
        match self {
            Self::Literal(_) | Self::Name(_) => {}
            Self::Call(_, parts) | Self::List(parts) => parts.iter().for_each(|part| part.visit(seen)),
            Self::Not(inner) | Self::Minus(inner) => inner.visit(seen),
            Self::Pair(_, one, two) => {
                one.visit(seen);
                two.visit(seen);
            }
        }
    }
}

fn pair(operator: Operator, one: &Term, two: &Term) -> Result<Term, String> {
    let numbers = || match (one.number(), two.number()) {
        (Some(one), Some(two)) => Ok((one, two)),
        (None, _) => Err(no_number(one)),
        (_, None) => Err(no_number(two)),
    };
    let compared = |fits: fn(&f64, &f64) -> bool| numbers().map(|(one, two)| Term::Truth(fits(&one, &two)));
    match operator {
        Operator::Equal => Ok(Term::Truth(equal(one, two))),
        Operator::Unequal => Ok(Term::Truth(!equal(one, two))),
        Operator::Less => compared(f64::lt),
        Operator::LessOrEqual => compared(f64::le),
        Operator::More => compared(f64::gt),
        Operator::MoreOrEqual => compared(f64::ge),
        Operator::Matches | Operator::MatchesNot => {
            let found = functions::pattern(&two.show())?.is_match(&one.bytes());
            Ok(Term::Truth(found == (operator == Operator::Matches)))
        }
        Operator::In => match two {
            Term::List(items) => Ok(Term::Truth(items.iter().any(|item| equal(item, one)))),
            other => Err(format!("`in` wants a list, not `{}`", brief(other))),
        },
        Operator::Plus => match (one, two) {
            (Term::Number(one), Term::Number(two)) => Ok(Term::Number(one + two)),
            _ => bounded([one.bytes(), two.bytes()].concat()),
        },
        Operator::Minus => numbers().map(|(one, two)| Term::Number(one - two)),
        Operator::Times => numbers().map(|(one, two)| Term::Number(one * two)),
        Operator::Over => numbers().and_then(|(one, two)| {
            if two == 0.0 { Err("it divides by nothing".to_owned()) } else { Ok(Term::Number(one / two)) }
        }),
        Operator::Rest => numbers().and_then(|(one, two)| {
            if two == 0.0 { Err("it divides by nothing".to_owned()) } else { Ok(Term::Number(one % two)) }
        }),
        Operator::Or | Operator::And => Err("and, or are read elsewhere".to_owned()),
    }
}

fn equal(one: &Term, two: &Term) -> bool {
    match (one, two) {
        (Term::Number(one), Term::Number(two)) => one.to_bits() == two.to_bits() || (one - two).abs() < 1e-9,
        (Term::Number(_), Term::Text(_)) | (Term::Text(_), Term::Number(_)) => one.bytes() == two.bytes(),
        _ => one == two,
    }
}

fn no_number(term: &Term) -> String {
    format!("`{}` is no number", brief(term))
}

/// A value as messages show it.
pub(crate) fn brief(term: &Term) -> String {
    term.show().chars().filter(|letter| !letter.is_control()).take(40).collect()
}

/// A text that is not too large.
pub(crate) fn bounded(bytes: Vec<u8>) -> Result<Term, String> {
    if bytes.len() > LARGEST {
        Err(format!("it grows beyond {} MiB", LARGEST >> 20))
    } else {
        Ok(Term::Text(bytes))
    }
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: usize,
}

/// By how strongly they bind, the weakest first.
fn strength(operator: Operator) -> usize {
    match operator {
        Operator::Or => 0,
        Operator::And => 1,
        Operator::Equal
        | Operator::Unequal
        | Operator::Less
        | Operator::LessOrEqual
        | Operator::More
        | Operator::MoreOrEqual
        | Operator::Matches
        | Operator::MatchesNot
        | Operator::In => 2,
        Operator::Plus | Operator::Minus => 3,
        Operator::Times | Operator::Over | Operator::Rest => 4,
    }
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<&'a Token> {
        let token = self.tokens.get(self.at);
        self.at = self.at.saturating_add(1);
        token
    }

    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.at)
    }

    fn binary(&mut self, least: usize) -> Result<Expression, String> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > DEEPEST {
            return Err(format!("it is nested deeper than {DEEPEST}"));
        }
        let mut one = self.unary()?;
        while let Some(Token::Operator(operator)) = self.peek() {
            let strength = strength(*operator);
            if strength < least {
                break;
            }
            self.next();
            let two = self.binary(strength.saturating_add(1))?;
            one = Expression::Pair(*operator, Box::new(one), Box::new(two));
        }
        self.depth = self.depth.saturating_sub(1);
        Ok(one)
    }

    fn unary(&mut self) -> Result<Expression, String> {
        let mut nots = 0_usize;
        let mut minus = false;
        loop {
            match self.peek() {
                Some(Token::Not) if !minus => nots = nots.saturating_add(1),
                Some(Token::Operator(Operator::Minus)) if !minus => minus = true,
                _ => break,
            }
            self.next();
        }
        let mut inner = self.primary()?;
        if minus {
            inner = Expression::Minus(Box::new(inner));
        }
        // Two of them are none.
        Ok(if nots % 2 == 1 { Expression::Not(Box::new(inner)) } else { inner })
    }

    fn primary(&mut self) -> Result<Expression, String> {
        match self.next() {
            None => Err("it ends too early".to_owned()),
            Some(Token::Text(text)) => Ok(Expression::Literal(Term::Text(text.clone()))),
            Some(Token::Number(number)) => Ok(Expression::Literal(Term::Number(*number))),
            Some(Token::Open) => {
                let mut items = self.list()?;
                Ok(if items.len() == 1 { items.remove(0) } else { Expression::List(items) })
            }
            Some(Token::Name(name)) => {
                if self.peek() == Some(&Token::Open) {
                    self.next();
                    if !functions::is_known(name) {
                        return Err(format!("there is no function `{name}`"));
                    }
                    return Ok(Expression::Call(name.clone(), self.list()?));
                }
                Ok(match name.as_str() {
                    "true" => Expression::Literal(Term::Truth(true)),
                    "false" => Expression::Literal(Term::Truth(false)),
                    _ => Expression::Name(name.clone()),
                })
            }
            Some(token) => Err(format!("`{token}` is not expected there")),
        }
    }

    /// What stands in brackets whose first one was read.
    fn list(&mut self) -> Result<Vec<Expression>, String> {
        let mut items = Vec::new();
        if self.peek() == Some(&Token::Close) {
            self.next();
            return Ok(items);
        }
        loop {
            items.push(self.binary(0)?);
            match self.next() {
                Some(Token::Comma) => {}
                Some(Token::Close) => return Ok(items),
                Some(token) => return Err(format!("`{token}` stands where `,` or `)` is expected")),
                None => return Err("a bracket is not closed".to_owned()),
            }
        }
    }
}
