//! `gabion user import`.

mod csv;
mod read;

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::path::Path;

use gabion_model::Secret;
use serde::Serialize;

use super::from_file;
use crate::arguments::{Format, UserImport};
use crate::commands::{block_on, for_data};
use crate::control::door::Door;
use crate::control::operation::{ImportAccount, Password, Reply, Request};
use crate::failure::{Exit, Failure};
use crate::output::{self, BAD, FAINT, GOOD, STRONG};

/// A person, or why there is none, and where in the file.
#[derive(Debug)]
struct Found {
    place: String,
    person: Result<ImportAccount, Wrong>,
}

#[derive(Debug)]
struct Wrong {
    field: String,
    reason: String,
    hint: Option<String>,
}

/// What came of it.
#[derive(Debug, Serialize)]
struct Report {
    dry_run: bool,
    imported: usize,
    refused: Vec<NotTaken>,
}

#[derive(Debug, Serialize)]
struct NotTaken {
    place: String,
    field: String,
    reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

pub(super) fn run(arguments: &UserImport) -> Result<Exit, Failure> {
    let UserImport { file, dry_run, pepper_file, output, config } = arguments;
    let pepper = pepper_file.as_deref().map(from_file).transpose()?.map(Password);
    let text = whole(file)?;
    let found = read::people(text.expose())?;
    let config = for_data(config)?.config;

    let mut report = Report { dry_run: *dry_run, imported: 0, refused: Vec::new() };
    let (mut places, mut batches) = (Vec::new(), vec![(Vec::new(), 0)]);
    let mut names = BTreeSet::new();
    for Found { place, person } in found {
        let judged = person.and_then(|person| {
            if names.insert(person.name.trim().to_lowercase()) {
                return Ok(person);
            }
            let reason = format!("`{}` stands in the file twice", person.name);
            Err(Wrong { field: "name".to_owned(), reason, hint: Some("keep one of them".to_owned()) })
        });
        match judged {
            Ok(person) => {
                let size = serde_json::to_string(&person).map_or(usize::MAX, |text| text.len());
                let last = batches.last_mut().filter(|(people, bytes): &&mut (Vec<ImportAccount>, usize)| {
                    people.len() < BATCH && bytes.saturating_add(size) < BATCH_BYTES
                });
                match last {
                    Some((people, bytes)) => {
                        people.push(person);
                        *bytes = bytes.saturating_add(size);
                    }
                    None => batches.push((vec![person], size)),
                }
                places.push(place);
            }
            Err(Wrong { field, reason, hint }) => {
                report.refused.push(NotTaken { place, field, reason, hint })
            }
        }
    }

    let batches: Vec<Vec<ImportAccount>> = batches.into_iter().map(|(people, _)| people).collect();
    let sizes: Vec<usize> = batches.iter().map(Vec::len).collect();
    let requests = batches
        .into_iter()
        .map(|accounts| Request::Import { accounts, pepper: pepper.clone(), dry_run: *dry_run })
        .collect();
    let (mut places, mut sizes) = (places.into_iter(), sizes.into_iter());
    block_on(Door::ask_all(&config, requests, |reply| {
        if let Reply::Imported { refused } = reply {
            let batch: Vec<String> = places.by_ref().take(sizes.next().unwrap_or(0)).collect();
            report.imported = report.imported.saturating_add(batch.len().saturating_sub(refused.len()));
            for one in refused {
                let place = batch.get(one.index).cloned().unwrap_or_default();
                let (field, reason, hint) = (one.field, one.reason, one.hint);
                report.refused.push(NotTaken { place, field, reason, hint });
            }
        }
        Ok(())
    }))?;
    tell(output.format, &report)?;
    Ok(if report.refused.is_empty() { Exit::Success } else { Exit::Failed })
}

fn tell(format: Format, report: &Report) -> Result<(), Failure> {
    if format == Format::Json {
        return output::json(report);
    }
    for NotTaken { place, field, reason, hint } in &report.refused {
        let hint = hint.as_ref().map(|hint| format!(" {FAINT}({hint}){FAINT:#}")).unwrap_or_default();
        output::note(format_args!("{BAD}{place}{BAD:#}: {STRONG}{field}{STRONG:#}: {reason}{hint}"));
    }
    let done = if report.dry_run { "could be taken over" } else { "taken over" };
    let refused = match report.refused.len() {
        0 => String::new(),
        count => format!("; {count} not, as told above"),
    };
    output::data(format_args!("{GOOD}{}{GOOD:#} {done}{refused}", report.imported))
}

/// The file. It holds password hashes: the text is wiped after.
fn whole(path: &Path) -> Result<Secret<String>, Failure> {
    let cannot =
        |error: &std::io::Error| Failure::usage(format!("cannot read `{}`", path.display())).because(error);
    let file = fs::File::open(path).map_err(|error| cannot(&error))?;
    let mut text = String::new();
    file.take(LARGEST.saturating_add(1)).read_to_string(&mut text).map_err(|error| cannot(&error))?;
    if u64::try_from(text.len()).is_ok_and(|length| length > LARGEST) {
        return Err(
            Failure::usage(format!("`{}` is larger than 256 MiB", path.display())).hint("import it in parts")
        );
    }
    Ok(Secret::new(text))
}

const LARGEST: u64 = 256 << 20;
/// People per request.
const BATCH: usize = 200;
/// Half of what a request may be.
const BATCH_BYTES: usize = 100 << 10;
