//! `gabion probe login`: the variables of the lines in reports that send requests again.

use gabion_finding::visible;
use gabion_probe::hidden::Hidden;

use super::{Watched, given, refused};
use crate::arguments::ProbeLogin;
use crate::commands::block_on;
use crate::failure::{Exit, Failure};
use crate::output;

pub(super) fn run(arguments: &ProbeLogin) -> Result<Exit, Failure> {
    let given = given::read(&arguments.target)?;
    let (facts, world) = given.prepare(&arguments.target)?;
    if facts.identities.is_empty() {
        return Err(Failure::usage("nobody is named who could sign in")
            .hint("`--logins FILE`, or `[[identities]]` in the facts"));
    }
    let progress = Watched::new();
    let field = block_on(async {
        gabion_probe::enter(facts, &world, &progress).await.map_err(|error| refused(&error))
    });
    progress.finish();
    let field = field?;
    let sessions: Vec<_> =
        field.people.iter().map(|person| (person.name.clone(), person.session())).collect();
    let hidden = Hidden::of_sessions(sessions.iter().map(|(name, session)| (name.as_str(), session)));
    let mut lines: Vec<(&str, &str)> = hidden.variables().filter(|(_, text)| is_plain(text)).collect();
    lines.sort_unstable();
    for (name, text) in lines {
        output::data(format_args!("export {name}='{}'", text.replace('\'', r"'\''")))?;
    }
    let mut whole = true;
    for person in field.people.iter().filter(|person| person.trouble.is_some()) {
        whole = false;
        let why = person.trouble.as_deref().unwrap_or_default();
        output::warn(format_args!("`{}` is not signed in: {}", visible(&person.name), visible(why)));
    }
    Ok(if whole { Exit::Success } else { Exit::Incomplete })
}

/// What a header can hold; anything else would be more than a value to the shell it is pasted into.
fn is_plain(text: &str) -> bool {
    !text.chars().any(char::is_control)
}
