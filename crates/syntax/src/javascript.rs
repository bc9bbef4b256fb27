//! JavaScript and TypeScript, with JSX, as oxc reads them.
//!
//! Types are kept where they are written and leave otherwise: interfaces and aliases say nothing an analysis asks for. An enum of
//! TypeScript is an object of its constants, a namespace a block whose exports are exports.

pub(crate) mod depth;
mod expression;
mod function;
mod jsx;
mod pattern;
mod statement;
#[cfg(test)]
mod tests;
mod types;

use gabion_finding::Span;
use oxc_allocator::Allocator;
use oxc_parser::{ParseOptions, Parser};
use oxc_span::SourceType;

use crate::builder::Builder;
use crate::tree::Module;
use crate::{Language, Problem};

/// Problems that are said of one file.
const PROBLEMS: usize = 20;

pub(crate) fn parse(language: Language, text: &str) -> (Module, Vec<Problem>) {
    let allocator = Allocator::default();
    let source_type = match language {
        Language::TypeScript => SourceType::ts(),
        Language::Tsx => SourceType::tsx(),
        _ => SourceType::unambiguous().with_jsx(true),
    };
    let options = ParseOptions {
        parse_regular_expression: false,
        allow_return_outside_function: true,
        ..ParseOptions::default()
    };
    let parsed = Parser::new(&allocator, text, source_type).with_options(options).parse();
    let mut lower = Lower { builder: Builder::new(language, text.len()) };
    let body = lower.statements(&parsed.program.body);
    for directive in &parsed.program.directives {
        let symbol = lower.builder.symbol(directive.expression.value.as_str());
        lower.builder.module_mut().directives.push(symbol);
    }
    let (module, mut problems) = lower.builder.finish(body);
    problems.extend(parsed.diagnostics.iter().take(PROBLEMS).map(|error| {
        let label = error.labels.first();
        let start = label.map_or(0, |label| label.offset());
        let length = label.map_or(0, |label| label.len());
        Problem::Syntax {
            at: Span::new(start, start.saturating_add(length)),
            says: error.message.to_string(),
        }
    }));
    (module, problems)
}

/// Carries the module that is built.
struct Lower {
    builder: Builder,
}

fn span(span: oxc_span::Span) -> Span {
    Span::new(span.start, span.end)
}
