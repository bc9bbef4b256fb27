//! `gabion probe tests`, and what a test teaches.

use gabion_finding::visible;
use gabion_probe::{About, about, format};

use crate::arguments::ProbeTests;
use crate::failure::{Exit, Failure};
use crate::output;

pub(super) fn run(arguments: &ProbeTests) -> Result<Exit, Failure> {
    let fits = |about: &&About| {
        arguments.control.as_ref().is_none_or(|wanted| {
            let control = about.control.as_str();
            control == wanted
                || control.strip_prefix(wanted.as_str()).is_some_and(|rest| rest.starts_with('.'))
        })
    };
    let all: Vec<&About> = about::all().iter().map(|about| &**about).filter(fits).collect();
    if let (true, Some(control)) = (all.is_empty(), &arguments.control) {
        return Err(Failure::usage(format!("no test attacks `{}`", visible(control)))
            .hint("`gabion controls` lists the controls, `gabion probe tests` the tests"));
    }
    output::value(arguments.output.format, &all, || format::list(&all))?;
    output::note(format!("{} tests", all.len()));
    Ok(Exit::Success)
}

/// What the test of that id teaches; nothing where there is none.
pub(in crate::commands) fn explain(id: &str) -> Option<(&'static About, String)> {
    let about = about::about(id)?;
    let about: &About = about;
    Some((about, format::explain(about)))
}

/// There is no test of that name.
pub(in crate::commands) fn near(word: &str) -> Failure {
    let mut all: Vec<(usize, &str)> = about::all()
        .iter()
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
