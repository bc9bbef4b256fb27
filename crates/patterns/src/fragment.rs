//! A pattern of code: its text is made a text of its language, read by that language's own parser, and lowered as any code is.
//!
//! What patterns have and languages have not becomes names that nobody writes: [`VARIABLE`] for `$X`, [`ELLIPSIS`] for `...`.

mod prepare;
mod wrap;

use std::sync::Arc;

use gabion_syntax::Language;
use gabion_syntax::tree::{
    Class, ClassId, Entry, Expr, ExprKind, Field, Function, FunctionId, Module, Stmt, StmtKind, Symbol,
};

use crate::family::Family;

/// `$X` is called this and `X`.
pub(crate) const VARIABLE: &str = "gbnMV_";
/// `...` is called this.
pub(crate) const ELLIPSIS: &str = "gbnEL";
/// `$...X` is called this and `X`.
pub(crate) const VARIABLES: &str = "gbnME_";
/// `<... x ...>` calls this with `x`.
pub(crate) const DEEP: &str = "gbnDEEP";
/// `($X: T)` is called this and its number.
pub(crate) const TYPED: &str = "gbnTY_";
/// What stands around a pattern so that it can be read.
pub(crate) const AROUND: &str = "gbnWR";

/// A pattern, read.
#[derive(Debug)]
pub(crate) struct Fragment {
    pub(crate) module: Module,
    pub(crate) text: String,
    kind: Kind,
    words_of: Vec<Word>,
    typed: Vec<(Arc<str>, Typed)>,
    /// Words that stand in every text where it can be found.
    pub(crate) words: Vec<String>,
}

/// What a symbol of a pattern stands for.
#[derive(Debug, Clone)]
pub(crate) enum Word {
    Deep,
    Ellipsis,
    Plain,
    Typed(usize),
    Variable(Arc<str>),
    Variables(Arc<str>),
}

/// The type of a typed variable.
#[derive(Debug, Clone)]
pub(crate) struct Typed {
    pub(crate) text: String,
}

/// What a pattern is, and where it stands in its module.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Body,
    /// The body of the first function.
    Function,
    /// The first entry of the first object.
    Entry,
    /// The first member of the first class.
    Member,
    /// The catches of the first `try`.
    Catch,
}

/// What a pattern looks like.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape<'f> {
    Expr(&'f Expr),
    Stmts(&'f [Stmt]),
    Function(&'f Function),
    Class(&'f Class),
    Field(&'f Field),
    Entry(&'f Entry),
    Catch(&'f gabion_syntax::tree::Catch),
}

impl Fragment {
    pub(crate) fn read(family: Family, text: &str) -> Result<Self, String> {
        let prepared = prepare::prepare(family, text.trim_matches('\n'))?;
        if family == Family::Rust && text.trim_end().ends_with('?') {
            return Err("`?` leaves no trace in what patterns are matched on".to_owned());
        }
        let mut says = None;
        for (wrapped, kind) in wrap::ways(family, &prepared.text) {
            for language in languages(family) {
                let parsed = gabion_syntax::parse(*language, &wrapped);
                if let Some(problem) = parsed.problems.first() {
                    says.get_or_insert_with(|| problem.to_string());
                    continue;
                }
                let words_of = parsed.module.texts.iter().map(|text| word(text)).collect();
                let fragment = Self {
                    text: wrapped.clone(),
                    module: parsed.module,
                    kind,
                    words_of,
                    typed: prepared.typed.clone(),
                    words: prepared.words.clone(),
                };
                if fragment.shape().is_some() {
                    return Ok(fragment);
                }
            }
        }
        Err(says.unwrap_or_else(|| "nothing of it is left to look for".to_owned()))
    }

    pub(crate) fn word(&self, symbol: Symbol) -> &Word {
        self.words_of.get(symbol.0 as usize).unwrap_or(&Word::Plain)
    }

    pub(crate) fn symbol(&self, symbol: Symbol) -> &str {
        self.module.text(symbol)
    }

    pub(crate) fn typed(&self, number: usize) -> Option<(&Arc<str>, &Typed)> {
        self.typed.get(number).map(|(name, typed)| (name, typed))
    }

    pub(crate) fn function(&self, id: FunctionId) -> Option<&Function> {
        self.module.function(id)
    }

    pub(crate) fn class(&self, id: ClassId) -> Option<&Class> {
        self.module.class(id)
    }

    pub(crate) fn is_ellipsis(&self, from: &Expr) -> bool {
        match &from.kind {
            ExprKind::Name(name) => matches!(self.word(*name), Word::Ellipsis),
            ExprKind::Spread(inner) => self.is_ellipsis(inner),
            _ => false,
        }
    }

    /// `...` among statements.
    pub(crate) fn is_gap(&self, from: &Stmt) -> bool {
        matches!(&from.kind, StmtKind::Expr(inner) if self.is_ellipsis(inner))
    }

    /// What it looks like; none where nothing of it is left.
    pub(crate) fn shape(&self) -> Option<Shape<'_>> {
        let body = match self.kind {
            Kind::Function => {
                let wrapper = self.module.functions.iter().find(|function| {
                    function.name.is_some_and(|name| self.symbol(name).starts_with(AROUND))
                })?;
                wrapper.body.as_slice()
            }
            _ => self.module.functions.first()?.body.as_slice(),
        };
        match self.kind {
            Kind::Body | Kind::Function => self.statements(body),
            Kind::Entry => entry(body).map(Shape::Entry),
            Kind::Member => {
                let class = self
                    .module
                    .classes
                    .iter()
                    .find(|class| class.name.is_some_and(|name| self.symbol(name).starts_with(AROUND)))?;
                let method = class.methods.first().and_then(|id| self.function(*id)).map(Shape::Function);
                method
                    .or_else(|| class.fields.first().map(Shape::Field))
                    .or_else(|| self.statements(&class.body))
            }
            Kind::Catch => body.iter().find_map(|one| match &one.kind {
                StmtKind::Try { catches, .. } => catches.first().map(Shape::Catch),
                _ => None,
            }),
        }
    }

    fn statements<'f>(&'f self, body: &'f [Stmt]) -> Option<Shape<'f>> {
        Some(match body {
            [] => return None,
            [only] => match &only.kind {
                StmtKind::Expr(from) => self.expression(from),
                StmtKind::Return(Some(from))
                    if matches!(self.kind, Kind::Function) && !self.text.contains("return") =>
                {
                    self.expression(from)
                }
                StmtKind::Function(id) => Shape::Function(self.function(*id)?),
                StmtKind::Class(id) => Shape::Class(self.class(*id)?),
                _ => Shape::Stmts(body),
            },
            many => Shape::Stmts(many),
        })
    }

    fn expression<'f>(&'f self, from: &'f Expr) -> Shape<'f> {
        match &from.kind {
            ExprKind::Class(id) => self.class(*id).map_or(Shape::Expr(from), Shape::Class),
            _ => Shape::Expr(from),
        }
    }
}

fn entry(body: &[Stmt]) -> Option<&Entry> {
    let from = match &body.first()?.kind {
        StmtKind::Expr(from) | StmtKind::Let { value: Some(from), .. } => from,
        _ => return None,
    };
    let ExprKind::Object { entries, .. } = &from.kind else { return None };
    match entries.as_slice() {
        [only @ Entry::Pair(..)] => Some(only),
        _ => None,
    }
}

const fn languages(family: Family) -> &'static [Language] {
    match family {
        Family::Go => &[Language::Go],
        Family::Java => &[Language::Java],
        Family::Python => &[Language::Python],
        Family::Rust => &[Language::Rust],
        Family::Script => &[Language::JavaScript, Language::Tsx, Language::TypeScript],
        Family::Generic | Family::Regex => &[],
    }
}

fn word(text: &str) -> Word {
    if text == ELLIPSIS {
        Word::Ellipsis
    } else if text == DEEP {
        Word::Deep
    } else if let Some(name) = text.strip_prefix(VARIABLES) {
        Word::Variables(name.into())
    } else if let Some(number) = text.strip_prefix(TYPED).and_then(|number| number.parse().ok()) {
        Word::Typed(number)
    } else if let Some(name) = text.strip_prefix(VARIABLE).filter(|name| is_name(name)) {
        Word::Variable(name.into())
    } else {
        Word::Plain
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
