//! Python 3, as ruff's parser reads it: what 3.8 wrote and what 3.14 writes.
//!
//! What another language has a word for is written with that word here:
//!
//! | Python | here |
//! |---|---|
//! | `x = 1`, `x = y = 1` | an assignment, and one in the other |
//! | `x: T = 1` | `Let` with its type, which is the only declaration Python has |
//! | `self`, `cls` | the receiver of the method, by its name |
//! | `super()` | `Super` |
//! | a class's `x = 1`, `x: T` | a field; methods are methods; whatever else stands there is its body |
//! | `metaclass=M` among the bases | an assignment among the bases |
//! | `Annotated[T, a, b]` | the type `T`; `a` and `b` are decorators of the parameter or field |
//! | `f"{x!r:>{n}}"` | a template of `format(repr(x), …)`: what Python calls there is called here |
//! | `t"{x}"` | a template with the tag `string.templatelib.Template`: no string |
//! | `a < b < c` | `a < b and b < c` |
//! | `for … else` | a block labelled `else`, which `break` leaves |
//! | `elif`, many of them | a `Switch` without a subject whose cases are guards |
//! | `import a.b` | binds `a`; `a.b` is imported without a name |
//! | `yield from x` | yields `*x` |
//! | `raise a from b` | `b`, then throws `a` |
//! | `case Point(1, y=2)` | `Variant` of `Point` with `1` and, behind it, an `Object` of the named ones |
//!
//! Sums and chains of `and` longer than people write become balanced trees: they mean the same and nest less.

mod annotation;
mod call;
mod class;
mod collection;
pub(crate) mod depth;
mod expression;
mod function;
mod import;
mod operator;
mod pattern;
mod simple;
mod statement;
mod text;

#[cfg(test)]
mod tests;

use gabion_finding::Span;
use ruff_python_parser::{Mode, ParseOptions, parse_unchecked};
use ruff_text_size::{Ranged, TextRange};

use crate::builder::Builder;
use crate::tree::{ClassId, FunctionId, Module};
use crate::{Language, Problem};

/// Problems that are said of one file.
const PROBLEMS: usize = 20;

pub(crate) fn parse(text: &str) -> (Module, Vec<Problem>) {
    let parsed = parse_unchecked(text, ParseOptions::from(Mode::Module));
    let mut lower = Lower {
        builder: Builder::new(Language::Python, text.len()),
        text,
        class: None,
        yields: false,
        loops: Vec::new(),
        types_only: false,
        quoted: None,
        methods: Vec::new(),
        around: Span::new(0, u32::try_from(text.len()).unwrap_or(u32::MAX)),
    };
    let mut body = Vec::new();
    if let ruff_python_ast::Mod::Module(module) = parsed.syntax() {
        lower.statements(&module.body, &mut body);
    }
    let (module, mut problems) = lower.builder.finish(body);
    problems.extend(parsed.errors().iter().take(PROBLEMS).map(|error| Problem::Syntax {
        at: within(error.location, text),
        says: without_capital(&error.error.to_string()),
    }));
    (module, problems)
}

/// Carries the module that is built, and what is around the place that is lowered.
struct Lower<'a> {
    builder: Builder,
    text: &'a str,
    /// The class in whose body this stands, outside of its methods.
    class: Option<ClassId>,
    /// Whether the function around this has a `yield` so far.
    yields: bool,
    /// The loops around this in its function; true where one has an `else`.
    loops: Vec<bool>,
    /// Under `if TYPE_CHECKING:`.
    types_only: bool,
    /// The string in which this type is written.
    quoted: Option<Span>,
    /// Methods of classes that are not finished.
    methods: Vec<(ClassId, FunctionId)>,
    /// The place of what this is a part of.
    around: Span,
}

impl Lower<'_> {
    /// What `lower` makes one step deeper, within that place; nothing where that is too deep.
    fn deeper<T>(&mut self, at: Span, lower: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.builder.enter(at).then(|| {
            let lowered = self.around(at, lower);
            self.builder.leave();
            lowered
        })
    }

    /// What `lower` makes within that place.
    fn around<T>(&mut self, at: Span, lower: impl FnOnce(&mut Self) -> T) -> T {
        let around = std::mem::replace(&mut self.around, at);
        let lowered = lower(self);
        self.around = around;
        lowered
    }

    /// Where it stands. What the parser made up for what is missing may stand outside of what it belongs to; here it does not.
    fn at(&self, of: &impl Ranged) -> Span {
        let Span { start, end } = self.around;
        let range = of.range();
        let within = |at: u32| at.max(start).min(end);
        Span::new(within(range.start().to_u32()), within(range.end().to_u32()))
    }
}

/// Errors may lie behind the end, or within a character that should not be there.
fn within(at: TextRange, text: &str) -> Span {
    let edge = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at = at.saturating_sub(1);
        }
        u32::try_from(at).unwrap_or(u32::MAX)
    };
    Span::new(edge(at.start().to_usize()), edge(at.end().to_usize()))
}

fn without_capital(says: &str) -> String {
    let mut letters = says.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}
