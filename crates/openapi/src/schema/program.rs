//! Compiled schemas, and what they make of documents.

use std::fmt;
use std::sync::Arc;

use super::code::{Code, Id};
use super::compile::Compiler;
use super::error::{CompileError, Rule, Unenforced, Violation};
use super::extent::Extent;
use super::marks::Tracker;
use super::options::Options;
use super::registry::Registry;
use super::run::Run;
use super::strip;
use crate::json::{Document, Pointer, Value};

/// One schema, ready to validate. Cheap to clone.
#[derive(Clone)]
pub struct Program {
    code: Arc<Code>,
    entry: Id,
    extent: Extent,
}

impl Program {
    /// One schema on its own: [`Compiler`] for a single location.
    ///
    /// # Errors
    /// What cannot be enforced as written.
    pub fn compile(
        registry: &Registry,
        location: &str,
        options: &Options,
    ) -> Result<Self, Vec<CompileError>> {
        let mut compiler = Compiler::new(registry, options.clone());
        let index = compiler.add(location)?;
        compiler.finish().into_iter().nth(index).ok_or_else(Vec::new)
    }

    pub(super) const fn new(code: Arc<Code>, entry: Id, extent: Extent) -> Self {
        Self { code, entry, extent }
    }

    /// What the schema says and this program does not enforce, in the order of the places. Computed when asked for.
    #[must_use]
    pub fn unenforced(&self) -> Vec<Unenforced> {
        if self.code.unenforced.is_empty() {
            return Vec::new();
        }
        let mut within = self.code.reachable(self.entry);
        within.sort_unstable();
        let mine = self.code.unenforced.iter().filter(|(id, _)| within.binary_search(id).is_ok());
        let mut listed: Vec<Unenforced> = mine.map(|(_, unenforced)| unenforced.clone()).collect();
        listed.sort();
        listed.dedup();
        listed
    }

    /// How large a valid document can be.
    #[must_use]
    pub const fn extent(&self) -> Extent {
        self.extent
    }

    /// Validates a document.
    ///
    /// # Errors
    /// The rules that it breaks, in the order of the document; never empty.
    pub fn validate<'d>(&self, document: &'d Document<'d>) -> Result<Validated<'d>, Vec<Violation>> {
        let mut run = Run::new(&self.code, document, false);
        if run.judge(self.entry, document) {
            return Ok(Validated::new(document, run.tracker, &self.code));
        }
        let mut run = Run::new(&self.code, document, true);
        run.judge(self.entry, document);
        if run.stopped || run.violations.is_empty() {
            return Err(vec![Violation { pointer: String::new(), rule: Rule::Steps }]);
        }
        Err(run.violations)
    }

    /// Validates a tree, and gives it without the members to strip.
    ///
    /// # Errors
    /// As [`Program::validate`].
    pub fn validate_value(&self, value: &Value) -> Result<Value, Vec<Violation>> {
        let document = Document::of(value);
        let validated = self.validate(&document)?;
        Ok(if validated.is_changed() { validated.to_value() } else { value.clone() })
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.code.schemas.get(self.entry as usize).map(|schema| &schema.place);
        out.debug_struct("Program")
            .field("place", &place)
            .field("extent", &self.extent)
            .finish_non_exhaustive()
    }
}

/// A document that fits its schema.
#[derive(Debug)]
pub struct Validated<'d> {
    document: &'d Document<'d>,
    tracker: Option<Tracker>,
    strips_unknown: bool,
    changed: bool,
}

impl<'d> Validated<'d> {
    fn new(document: &'d Document<'d>, tracker: Option<Tracker>, code: &Code) -> Self {
        let strips_unknown = code.unknown == super::options::Handling::Strip;
        let mut validated = Self { document, tracker, strips_unknown, changed: false };
        let strips = strips_unknown || code.other_direction == super::options::Handling::Strip;
        let remarkable = validated.tracker.as_ref().is_some_and(Tracker::is_remarkable);
        validated.changed = strips && remarkable && strip::changes(&validated.output(&[]));
        validated
    }

    fn output<'o>(&'o self, masked: &'o [Pointer]) -> strip::Output<'o> {
        strip::Output {
            root: self.document.root(),
            tracker: self.tracker.as_ref(),
            strips_unknown: self.strips_unknown,
            masked,
        }
    }

    /// Whether there are members to strip.
    #[must_use]
    pub const fn is_changed(&self) -> bool {
        self.changed
    }

    /// The document without what is to be stripped.
    #[must_use]
    pub fn to_value(&self) -> Value {
        strip::value(&self.output(&[]))
    }

    /// The document without what is to be stripped and without the members at `masked`: JSON Pointers, in which `*`
    /// stands for every item or member. A masked item of an array becomes `null`.
    #[must_use]
    pub fn write(&self, masked: &[Pointer]) -> String {
        if !self.changed && masked.is_empty() && !self.document.source().is_empty() {
            return self.document.source().to_owned();
        }
        strip::text(&self.output(masked))
    }
}
