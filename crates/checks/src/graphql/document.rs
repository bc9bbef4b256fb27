//! An executable document as a tree, read with a bounded stack (October 2021, §2.2–§2.12; September 2025 adds
//! descriptions). Type systems are not executable and are refused.

use super::lexer::{LexError, Token, tokens};

/// Operations and fragments, in the order of the text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Document<'a> {
    pub(super) operations: Vec<Operation<'a>>,
    pub(super) fragments: Vec<Fragment<'a>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Operation<'a> {
    pub(super) kind: Kind,
    pub(super) name: Option<&'a str>,
    /// Variables with a whole number as their default.
    pub(super) defaults: Vec<(&'a str, i64)>,
    pub(super) directives: usize,
    pub(super) selection: Vec<Selection<'a>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Mutation,
    Query,
    Subscription,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fragment<'a> {
    pub(super) name: &'a str,
    pub(super) directives: usize,
    pub(super) selection: Vec<Selection<'a>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Selection<'a> {
    Field(Field<'a>),
    Inline { directives: usize, selection: Vec<Selection<'a>> },
    Spread { name: &'a str, directives: usize },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field<'a> {
    pub(super) name: &'a str,
    pub(super) alias: bool,
    pub(super) directives: usize,
    /// Arguments that are whole numbers, or variables.
    pub(super) arguments: Vec<(&'a str, Number<'a>)>,
    pub(super) selection: Vec<Selection<'a>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number<'a> {
    Is(i64),
    Variable(&'a str),
}

/// Why a text is no document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ParseError {
    /// It defines types.
    NotExecutable,
    Syntax,
    TooDeep,
    TooManyTokens,
}

/// Reads a document of at most so many tokens.
pub(super) fn parse(text: &str, most_tokens: usize) -> Result<Document<'_>, ParseError> {
    let tokens = tokens(text, most_tokens).map_err(|error| match error {
        LexError::Malformed => ParseError::Syntax,
        LexError::TooMany => ParseError::TooManyTokens,
    })?;
    let mut parser = Parser { tokens, at: 0 };
    let mut document = Document::default();
    while parser.peek().is_some() {
        parser.definition(&mut document)?;
    }
    if document.operations.is_empty() { Err(ParseError::Syntax) } else { Ok(document) }
}

struct Parser<'a> {
    tokens: Vec<Token<'a>>,
    at: usize,
}

type Parsed<T> = Result<T, ParseError>;

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.at).copied()
    }

    fn next(&mut self) -> Parsed<Token<'a>> {
        let token = self.peek().ok_or(ParseError::Syntax)?;
        self.at += 1;
        Ok(token)
    }

    fn is(&self, punctuator: u8) -> bool {
        self.peek() == Some(Token::Punctuator(punctuator))
    }

    fn accept(&mut self, punctuator: u8) -> bool {
        let there = self.is(punctuator);
        self.at += usize::from(there);
        there
    }

    fn expect(&mut self, punctuator: u8) -> Parsed<()> {
        if self.accept(punctuator) { Ok(()) } else { Err(ParseError::Syntax) }
    }

    fn name(&mut self) -> Parsed<&'a str> {
        match self.next()? {
            Token::Name(name) => Ok(name),
            _ => Err(ParseError::Syntax),
        }
    }

    fn definition(&mut self, document: &mut Document<'a>) -> Parsed<()> {
        if self.is(b'{') {
            let selection = self.selection(0)?;
            document.operations.push(Operation {
                kind: Kind::Query,
                name: None,
                defaults: Vec::new(),
                directives: 0,
                selection,
            });
            return Ok(());
        }
        if self.peek() == Some(Token::String) {
            self.at += 1;
        }
        match self.name()? {
            "query" => self.operation(Kind::Query, document),
            "mutation" => self.operation(Kind::Mutation, document),
            "subscription" => self.operation(Kind::Subscription, document),
            "fragment" => self.fragment(document),
            "schema" | "scalar" | "type" | "interface" | "union" | "enum" | "input" | "directive"
            | "extend" => Err(ParseError::NotExecutable),
            _ => Err(ParseError::Syntax),
        }
    }

    fn operation(&mut self, kind: Kind, document: &mut Document<'a>) -> Parsed<()> {
        let name = match self.peek() {
            Some(Token::Name(name)) => {
                self.at += 1;
                Some(name)
            }
            _ => None,
        };
        let (mut defaults, mut directives) = (Vec::new(), 0_usize);
        if self.accept(b'(') {
            while !self.accept(b')') {
                if self.peek() == Some(Token::String) {
                    self.at += 1;
                }
                self.expect(b'$')?;
                let variable = self.name()?;
                self.expect(b':')?;
                self.kind_of_value(0)?;
                if self.accept(b'=')
                    && let Some(Number::Is(number)) = self.value(0)?
                {
                    defaults.push((variable, number));
                }
                directives = directives.saturating_add(self.directives()?);
            }
        }
        directives = directives.saturating_add(self.directives()?);
        let selection = self.selection(0)?;
        document.operations.push(Operation { kind, name, defaults, directives, selection });
        Ok(())
    }

    fn fragment(&mut self, document: &mut Document<'a>) -> Parsed<()> {
        let name = self.name()?;
        if name == "on" || self.name()? != "on" {
            return Err(ParseError::Syntax);
        }
        self.name()?;
        let directives = self.directives()?;
        let selection = self.selection(0)?;
        document.fragments.push(Fragment { name, directives, selection });
        Ok(())
    }

    /// `Name`, `[Name!]!`
    fn kind_of_value(&mut self, depth: usize) -> Parsed<()> {
        if depth > DEEPEST {
            return Err(ParseError::TooDeep);
        }
        if self.accept(b'[') {
            self.kind_of_value(depth + 1)?;
            self.expect(b']')?;
        } else {
            self.name()?;
        }
        self.accept(b'!');
        Ok(())
    }

    fn directives(&mut self) -> Parsed<usize> {
        let mut count = 0_usize;
        while self.accept(b'@') {
            self.name()?;
            if self.is(b'(') {
                self.arguments()?;
            }
            count = count.saturating_add(1);
        }
        Ok(count)
    }

    fn arguments(&mut self) -> Parsed<Vec<(&'a str, Number<'a>)>> {
        let mut numbers = Vec::new();
        self.expect(b'(')?;
        while !self.accept(b')') {
            let name = self.name()?;
            self.expect(b':')?;
            if let Some(number) = self.value(0)? {
                numbers.push((name, number));
            }
        }
        Ok(numbers)
    }

    /// A value; what it is if it is a whole number or a variable.
    fn value(&mut self, depth: usize) -> Parsed<Option<Number<'a>>> {
        if depth > DEEPEST {
            return Err(ParseError::TooDeep);
        }
        match self.next()? {
            Token::Int(text) => Ok(Some(Number::Is(text.parse().unwrap_or(i64::MAX)))),
            Token::Float | Token::String | Token::Name(_) => Ok(None),
            Token::Punctuator(b'$') => Ok(Some(Number::Variable(self.name()?))),
            Token::Punctuator(b'[') => {
                while !self.accept(b']') {
                    self.value(depth + 1)?;
                }
                Ok(None)
            }
            Token::Punctuator(b'{') => {
                while !self.accept(b'}') {
                    self.name()?;
                    self.expect(b':')?;
                    self.value(depth + 1)?;
                }
                Ok(None)
            }
            Token::Punctuator(_) | Token::Spread => Err(ParseError::Syntax),
        }
    }

    fn selection(&mut self, depth: usize) -> Parsed<Vec<Selection<'a>>> {
        if depth > DEEPEST {
            return Err(ParseError::TooDeep);
        }
        self.expect(b'{')?;
        let mut selections = Vec::new();
        while !self.accept(b'}') {
            selections.push(self.one(depth)?);
        }
        if selections.is_empty() { Err(ParseError::Syntax) } else { Ok(selections) }
    }

    fn one(&mut self, depth: usize) -> Parsed<Selection<'a>> {
        if self.peek() == Some(Token::Spread) {
            self.at += 1;
            if let Some(Token::Name(name)) = self.peek()
                && name != "on"
            {
                self.at += 1;
                return Ok(Selection::Spread { name, directives: self.directives()? });
            }
            if self.peek() == Some(Token::Name("on")) {
                self.at += 1;
                self.name()?;
            }
            let directives = self.directives()?;
            return Ok(Selection::Inline { directives, selection: self.selection(depth + 1)? });
        }
        let first = self.name()?;
        let alias = self.accept(b':');
        let name = if alias { self.name()? } else { first };
        let arguments = if self.is(b'(') { self.arguments()? } else { Vec::new() };
        let directives = self.directives()?;
        let selection = if self.is(b'{') { self.selection(depth + 1)? } else { Vec::new() };
        Ok(Selection::Field(Field { name, alias, directives, arguments, selection }))
    }
}

/// Of the text itself: deeper than any limit on operations, and no more than the stack bears.
const DEEPEST: usize = 120;
