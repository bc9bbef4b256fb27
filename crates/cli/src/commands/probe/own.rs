//! Tests of one's own: where their files are, `gabion probe tests new` and `gabion probe tests check`.

use std::path::{Path, PathBuf};

use gabion_finding::visible;
use gabion_probe::Own;
use gabion_probe::own::{FILES, Problem};

use super::given::{shown, whole};
use crate::arguments::{ProbeTarget, ProbeTestsCheck, ProbeTestsNew};
use crate::failure::{Exit, Failure};
use crate::output::{self, GOOD, STRONG};

/// The folder they stand in, beside the facts.
pub(super) const FOLDER: &str = "probe.d";
/// The deepest folder that is looked into.
const DEEPEST: usize = 12;

/// What the command line names, or what stands in `probe.d`.
pub(super) fn given(target: &ProbeTarget, folder: &Path) -> Result<Own, Failure> {
    let beside = folder.join(FOLDER);
    let usual = if beside.is_dir() { vec![beside] } else { Vec::new() };
    read(if target.tests.is_empty() { &usual } else { &target.tests })
}

/// Those of `probe.d` here, for whoever asks without a run; what is wrong with them is told elsewhere.
pub(super) fn here() -> Own {
    let mut own = Own::default();
    for file in files(&[PathBuf::from(FOLDER)]).unwrap_or_default() {
        if let Ok(text) = whole(&file) {
            let _ = own.add(&shown(&file), &text);
        }
    }
    own
}

fn read(paths: &[PathBuf]) -> Result<Own, Failure> {
    let mut own = Own::default();
    let mut problems = Vec::new();
    for file in files(paths)? {
        if let Err(found) = own.add(&shown(&file), &whole(&file)?) {
            problems.extend(found);
        }
    }
    if problems.is_empty() { Ok(own) } else { Err(wrong(&problems)) }
}

fn wrong(problems: &[Problem]) -> Failure {
    let lines: Vec<String> = problems.iter().take(50).map(|problem| visible(&problem.to_string())).collect();
    let more = problems.len().saturating_sub(lines.len());
    let mut text = lines.join("\n    ");
    if more > 0 {
        text.push_str(&format!("\n    and {more} more"));
    }
    Failure::usage("not every test can be read")
        .because_text(text)
        .hint("`gabion probe tests check PATH` says it without a run")
}

/// All files of tests at these places, in order.
fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut all = Vec::new();
    for path in paths {
        walk(path, 0, &mut all)?;
    }
    Ok(all)
}

fn walk(path: &Path, depth: usize, all: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let unreadable =
        |error: &std::io::Error| Failure::usage(format!("cannot read `{}`", shown(path))).because(error);
    let is_folder = path.metadata().map_err(|error| unreadable(&error))?.is_dir();
    if !is_folder {
        if all.len() >= FILES {
            return Err(Failure::usage(format!("there are more than {FILES} tests"))
                .hint("`--tests PATH` names fewer"));
        }
        all.push(path.to_owned());
        return Ok(());
    }
    let mut inside = Vec::new();
    for entry in std::fs::read_dir(path).map_err(|error| unreadable(&error))? {
        let entry = entry.map_err(|error| unreadable(&error))?;
        let kind = entry.file_type().map_err(|error| unreadable(&error))?;
        let ends = entry.path().extension().is_some_and(|end| end == "yaml" || end == "yml");
        // A link leads elsewhere.
        if (kind.is_dir() && depth < DEEPEST) || (kind.is_file() && ends) {
            inside.push(entry.path());
        }
    }
    inside.sort();
    inside.iter().try_for_each(|path| walk(path, depth.saturating_add(1), all))
}

pub(super) fn check(arguments: &ProbeTestsCheck) -> Result<Exit, Failure> {
    let paths =
        if arguments.paths.is_empty() { vec![PathBuf::from(FOLDER)] } else { arguments.paths.clone() };
    let own = read(&paths)?;
    for about in own.abouts() {
        output::data(format_args!("{} {}", about.id, visible(&about.title)))?;
    }
    for refused in &own.refused {
        output::warn(visible(&refused.to_string()));
    }
    output::note(format!("{} tests read, {} refused", own.abouts().count(), own.refused.len()));
    Ok(if own.refused.is_empty() { Exit::Success } else { Exit::Failed })
}

pub(super) fn new(arguments: &ProbeTestsNew) -> Result<Exit, Failure> {
    let text = gabion_probe::own::template_of(&arguments.id);
    if let Err(problems) = Own::default().add(&arguments.id, &text) {
        return Err(wrong(&problems));
    }
    let file =
        arguments.output.clone().unwrap_or_else(|| Path::new(FOLDER).join(format!("{}.yaml", arguments.id)));
    if file.as_os_str() == "-" {
        output::data(text.trim_end_matches('\n'))?;
        return Ok(Exit::Success);
    }
    if file.symlink_metadata().is_ok() {
        return Err(Failure::usage(format!("`{}` is there already", shown(&file)))
            .hint("another id, or `--output FILE`"));
    }
    super::accepted::replace(&file, text.as_bytes(), 0o644)?;
    output::note(format_args!(
        "{GOOD}wrote{GOOD:#} {STRONG}{}{STRONG:#}: change it, then `gabion probe tests check` and `gabion probe --only {}`",
        shown(&file),
        arguments.id
    ));
    Ok(Exit::Success)
}
