//! `gabion probe tests`, and what a test teaches.

use std::sync::Arc;

use gabion_finding::visible;
use gabion_probe::{About, Own, about, format};

use super::own;
use crate::arguments::{ProbeTests, ProbeTestsVerb};
use crate::failure::{Exit, Failure};
use crate::output;

pub(super) fn run(arguments: &ProbeTests) -> Result<Exit, Failure> {
    match &arguments.verb {
        Some(ProbeTestsVerb::New(arguments)) => return own::new(arguments),
        Some(ProbeTestsVerb::Check(arguments)) => return own::check(arguments),
        Some(ProbeTestsVerb::Schema) => {
            output::json(&gabion_probe::own::form::schema())?;
            return Ok(Exit::Success);
        }
        None => {}
    }
    let fits = |about: &&About| {
        arguments.control.as_ref().is_none_or(|wanted| {
            let control = about.control.as_str();
            control == wanted
                || control.strip_prefix(wanted.as_str()).is_some_and(|rest| rest.starts_with('.'))
        })
    };
    let here = own::here();
    let all: Vec<&About> =
        about::all().iter().chain(here.abouts()).map(|about| &**about).filter(fits).collect();
    if let (true, Some(control)) = (all.is_empty(), &arguments.control) {
        return Err(Failure::usage(format!("no test attacks `{}`", visible(control)))
            .hint("`gabion controls` lists the controls, `gabion probe tests` the tests"));
    }
    output::value(arguments.output.format, &all, || format::list(&all))?;
    output::note(format!("{} tests", all.len()));
    Ok(Exit::Success)
}

/// What the test of that id teaches, built in or of `probe.d`; nothing where there is none.
pub(in crate::commands) fn explain(id: &str) -> Option<(Arc<About>, String)> {
    let about = match about::about(id) {
        Some(about) => Arc::clone(about),
        None => own::here().abouts().find(|about| about.id == id).map(Arc::clone)?,
    };
    let text = format::explain(&about);
    Some((about, text))
}

/// There is no test of that name.
pub(in crate::commands) fn near(word: &str, own: &Own) -> Failure {
    let mut all: Vec<(usize, &str)> = about::all()
        .iter()
        .chain(own.abouts())
        .map(|about| (strsim::damerau_levenshtein(&about.id, word), about.id.as_str()))
        .filter(|(distance, id)| *distance <= id.len() / 2)
        .collect();
    all.sort_unstable();
    let near: Vec<String> = all.iter().take(3).map(|(_, id)| format!("`{id}`")).collect();
    let hint = if near.is_empty() {
        "`gabion probe tests` lists them".to_owned()
    } else {
        format!("did you mean {}?", near.join(" or "))
    };
    Failure::usage(format!("there is no test `{}`", visible(word))).hint(hint)
}
