//! How much an operation asks for, with its fragments put in. Each fragment is measured once, so that a document of
//! a few lines that would unfold to millions of fields costs a few steps.

use std::collections::HashMap;

use super::document::{Document, Field, Fragment, Number, Operation, Selection};

/// The size of an operation, or of a part of one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Measure {
    /// Fields below each other.
    pub(super) depth: usize,
    /// Fields, each as often as the lists around it are long.
    pub(super) cost: u64,
    pub(super) aliases: u64,
    pub(super) directives: u64,
    /// Fields at the root.
    pub(super) roots: u64,
    /// Asks for `__schema` or `__type`.
    pub(super) introspects: bool,
}

/// Fragments that cannot be put in. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Cycle,
    Repeated,
    Unknown,
}

/// What numbers are known by.
pub(super) struct Numbers<'a> {
    /// Arguments that say how long a list will be.
    pub(super) multipliers: &'a [String],
    /// For a multiplier whose value is not known.
    pub(super) unknown: u64,
    /// What the request says its variables are.
    pub(super) variables: &'a HashMap<String, i64>,
}

/// The size of each operation. Fragments nobody uses are measured too: they may not turn in circles either.
pub(super) fn operations(document: &Document<'_>, numbers: &Numbers<'_>) -> Result<Vec<Measure>, Fault> {
    let mut fragments = HashMap::new();
    for fragment in &document.fragments {
        if fragments.insert(fragment.name, fragment).is_some() {
            return Err(Fault::Repeated);
        }
    }
    document
        .operations
        .iter()
        .map(|operation| {
            // A fragment's cost depends on the variables of the operation it is put into.
            let mut measurer = Measurer { fragments: &fragments, known: HashMap::new(), operation, numbers };
            for fragment in &document.fragments {
                measurer.fragment(fragment.name)?;
            }
            let mut measure = measurer.all(&operation.selection)?;
            measure.directives = measure.directives.saturating_add(operation.directives as u64);
            Ok(measure)
        })
        .collect()
}

struct Measurer<'a, 'b> {
    fragments: &'b HashMap<&'a str, &'b Fragment<'a>>,
    /// `None` while it is being measured.
    known: HashMap<&'a str, Option<Measure>>,
    operation: &'b Operation<'a>,
    numbers: &'b Numbers<'b>,
}

impl<'a> Measurer<'a, '_> {
    fn fragment(&mut self, name: &'a str) -> Result<Measure, Fault> {
        match self.known.get(name) {
            Some(Some(measure)) => return Ok(*measure),
            Some(None) => return Err(Fault::Cycle),
            None => {}
        }
        let fragment = *self.fragments.get(name).ok_or(Fault::Unknown)?;
        self.known.insert(name, None);
        let mut measure = self.all(&fragment.selection)?;
        measure.directives = measure.directives.saturating_add(fragment.directives as u64);
        self.known.insert(name, Some(measure));
        Ok(measure)
    }

    fn all(&mut self, selections: &[Selection<'a>]) -> Result<Measure, Fault> {
        let mut whole = Measure::default();
        for selection in selections {
            let (one, directives) = match selection {
                Selection::Field(field) => (self.field(field)?, field.directives),
                Selection::Inline { directives, selection } => (self.all(selection)?, *directives),
                Selection::Spread { name, directives } => (self.fragment(name)?, *directives),
            };
            whole.depth = whole.depth.max(one.depth);
            whole.cost = whole.cost.saturating_add(one.cost);
            whole.aliases = whole.aliases.saturating_add(one.aliases);
            whole.roots = whole.roots.saturating_add(one.roots);
            whole.directives =
                whole.directives.saturating_add(one.directives).saturating_add(directives as u64);
            whole.introspects |= one.introspects;
        }
        Ok(whole)
    }

    fn field(&mut self, field: &Field<'a>) -> Result<Measure, Fault> {
        let below = self.all(&field.selection)?;
        let times = field
            .arguments
            .iter()
            .filter(|(name, _)| self.numbers.multipliers.iter().any(|own| own == name))
            .map(|(_, number)| self.number(*number))
            .max()
            .unwrap_or(1);
        Ok(Measure {
            depth: below.depth.saturating_add(1),
            cost: below.cost.saturating_mul(times).saturating_add(1),
            aliases: below.aliases.saturating_add(u64::from(field.alias)),
            directives: below.directives,
            roots: 1,
            introspects: below.introspects || matches!(field.name, "__schema" | "__type"),
        })
    }

    /// At least one: a list of nothing still asks for what is in it.
    fn number(&self, number: Number<'a>) -> u64 {
        let known = match number {
            Number::Is(number) => Some(number),
            Number::Variable(name) => self.numbers.variables.get(name).copied().or_else(|| {
                self.operation.defaults.iter().find(|(own, _)| *own == name).map(|(_, number)| *number)
            }),
        };
        known.map_or(self.numbers.unknown, |number| u64::try_from(number).unwrap_or(1)).max(1)
    }
}
