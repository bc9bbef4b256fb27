//! The compiled schemas of a contract, and what of them is not enforced.

use std::collections::{BTreeMap, BTreeSet};

use gabion_model::Problem;

use crate::contract::Limit;
use crate::schema::{Compiler, Options, Program, Registry};
use crate::source::{At, Sources};

/// Schemas of one direction, each compiled once.
pub(crate) struct Programs<'r> {
    compiler: Compiler<'r>,
    known: BTreeMap<String, Option<usize>>,
    problems: Vec<(String, String)>,
}

impl<'r> Programs<'r> {
    pub(crate) fn new(registry: &'r Registry, options: Options) -> Self {
        Self { compiler: Compiler::new(registry, options), known: BTreeMap::new(), problems: Vec::new() }
    }

    pub(crate) fn add(&mut self, schema: &At<'_>) -> Option<usize> {
        let location = format!("{}#{}", schema.file, schema.pointer);
        if let Some(known) = self.known.get(&location) {
            return *known;
        }
        let number = match self.compiler.add(&location) {
            Ok(number) => Some(number),
            Err(errors) => {
                self.problems.extend(errors.into_iter().map(|error| (error.place, error.reason)));
                None
            }
        };
        self.known.insert(location, number);
        number
    }

    pub(crate) fn finish(
        self,
        sources: &Sources,
        problems: &mut Vec<Problem>,
        limits: &mut BTreeSet<Limit>,
    ) -> Vec<Program> {
        let found = self.problems.into_iter();
        problems.extend(found.map(|(place, reason)| Problem::new(sources.place_at(&place), reason)));
        let programs = self.compiler.finish();
        for listed in programs.iter().flat_map(Program::unenforced) {
            limits.insert(Limit { place: sources.place_at(&listed.place), what: listed.reason.clone() });
        }
        programs
    }
}
