//! `gabion probe init`: looks at an application, and drafts the facts.

use std::path::{Path, PathBuf};

use gabion_finding::visible;
use gabion_model::{Clock as _, SystemClock};
use gabion_probe::draft::{Files, draft, variables};
use gabion_probe::{Document, DocumentKind};

use super::accepted::replace;
use super::given::shown;
use super::{Watched, given, refused};
use crate::arguments::ProbeInit;
use crate::commands::block_on;
use crate::failure::{Exit, Failure};
use crate::output::{self, GOOD, STRONG};

pub(super) fn run(arguments: &ProbeInit) -> Result<Exit, Failure> {
    let file = &arguments.output;
    let printed = file.as_os_str() == "-";
    if !printed && !arguments.force && file.symlink_metadata().is_ok() {
        return Err(Failure::usage(format!("`{}` is there already", shown(file)))
            .hint("`--force` replaces it, `--output FILE` writes another, `--output -` prints it"));
    }
    let target = &arguments.target;
    if target.target.is_none() && target.facts.is_none() {
        return Err(Failure::usage("nothing is named that could be looked at")
            .hint("`gabion probe init http://127.0.0.1:3000 --logins FILE`"));
    }
    // Names as they are, to be told of in the draft.
    let folder = if printed { PathBuf::new() } else { file.parent().map(Path::to_owned).unwrap_or_default() };
    let given = given::read(target)?;
    let (facts, world) = given.prepare(target)?;
    let names = variables(&facts);
    let files = files(&world.documents, &folder);
    let progress = Watched::new();
    let field = block_on(async {
        gabion_probe::survey(facts, &world, &progress).await.map_err(|error| refused(&error))
    });
    progress.finish();
    let field = field?;
    let text = draft(&field, &files, SystemClock.now());
    if printed {
        output::data(text.trim_end_matches('\n'))?;
    } else {
        replace(file, text.as_bytes(), 0o644)?;
    }
    let reached: std::collections::BTreeSet<usize> =
        field.known.iter().map(|known| known.operation).collect();
    let name = if printed { "it".to_owned() } else { shown(file) };
    output::note(format_args!(
        "{GOOD}drafted{GOOD:#} {STRONG}{name}{STRONG:#}: {} operations, {} of which answered with a success; {} of {} signed in",
        field.operations.len(),
        reached.len(),
        field.signed_in().count(),
        field.people.len().saturating_sub(1)
    ));
    let mut whole = true;
    for person in &field.people {
        if let Some(trouble) = &person.trouble {
            whole = false;
            output::warn(format_args!("`{}` is not signed in: {}", visible(&person.name), visible(trouble)));
        }
    }
    if field.operations.is_empty() {
        whole = false;
        output::warn(
            "no operation was found: the pages have neither links nor forms; `--openapi`, `--endpoints` or `--har` tell of them",
        );
    }
    if !printed {
        let facts = if file.as_os_str() == given::FILE { String::new() } else { format!(" {}", shown(file)) };
        let next = match names.as_slice() {
            [] => format!("`gabion probe{facts}` attacks what is written there"),
            names => format!("`gabion probe{facts}` with {} set, or with `--logins FILE`", names.join(", ")),
        };
        output::note(format_args!("  next: read it, then {next}"));
    }
    Ok(if whole { Exit::Success } else { Exit::Incomplete })
}

/// Files of the command line, as the facts in that folder name them.
fn files(documents: &[Document], folder: &Path) -> Files {
    let mut files = Files::default();
    for document in documents {
        let own = Path::new(&document.name);
        let name = match std::path::absolute(own) {
            Ok(path) if !folder.as_os_str().is_empty() && own.is_relative() => path.display().to_string(),
            _ => document.name.clone(),
        };
        match document.kind {
            DocumentKind::OpenApi => files.openapi.push(name),
            DocumentKind::Endpoints => files.endpoints.push(name),
            DocumentKind::Har => files.har.push(name),
        }
    }
    files
}
