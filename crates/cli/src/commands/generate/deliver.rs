//! Where files go that were made: to standard output or into a folder, and never over something else unasked.

use std::io::Write as _;
use std::path::Path;

use gabion_generate::{File, Generated};
use similar::TextDiff;

use crate::arguments::Target;
use crate::failure::{Exit, Failure};
use crate::output::{self, FAINT, GOOD, STRONG};

pub(super) fn deliver(made: &Generated, target: &Target) -> Result<Exit, Failure> {
    for limit in &made.limits {
        output::warn(format_args!("{}: {}", limit.place, limit.reason));
    }
    match &target.output {
        None => print(&made.files),
        Some(folder) => keep(&made.files, folder, target),
    }
}

fn print(files: &[File]) -> Result<Exit, Failure> {
    for file in files {
        if files.len() > 1 {
            let mark =
                if Path::new(&file.path).extension().is_some_and(|end| end == "ts") { "//" } else { "#" };
            output::data(format_args!("{mark} ==== {}", file.path))?;
        }
        output::data(file.text.trim_end())?;
    }
    Ok(Exit::Success)
}

/// How a file in the folder compares.
enum Present {
    Missing,
    Same,
    /// The difference, if it is text.
    Other(Option<String>),
}

fn keep(files: &[File], folder: &Path, target: &Target) -> Result<Exit, Failure> {
    let mut other = 0;
    let mut wanted = Vec::new();
    for file in files {
        let path = folder.join(&file.path);
        let shown = path.display();
        match present(&path, &file.text)? {
            Present::Same => output::note(format_args!("{FAINT}unchanged{FAINT:#} {shown}")),
            Present::Missing => {
                if target.check {
                    output::note(format_args!("missing: {shown}"));
                    other += 1;
                }
                wanted.push((path, file));
            }
            Present::Other(difference) => {
                output::note(difference.unwrap_or_else(|| format!("{shown} is no text")).trim_end());
                other += usize::from(!target.force);
                wanted.push((path, file));
            }
        }
    }
    if target.check {
        return Ok(if other == 0 { Exit::Success } else { Exit::Failed });
    }
    if other > 0 {
        return Err(Failure::new(format!("{other} of the files are there and differ; nothing was written"))
            .hint("`--force` replaces them"));
    }
    for (path, file) in wanted {
        write(&path, &file.text)
            .map_err(|error| Failure::new(format!("cannot write `{}`", path.display())).because(&error))?;
        output::note(format_args!("{GOOD}wrote{GOOD:#} {STRONG}{}{STRONG:#}", path.display()));
    }
    Ok(Exit::Success)
}

fn present(path: &Path, text: &str) -> Result<Present, Failure> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Present::Missing),
        Err(error) => return Err(Failure::new(format!("cannot read `{}`", path.display())).because(&error)),
    };
    if bytes == text.as_bytes() {
        return Ok(Present::Same);
    }
    let difference = String::from_utf8(bytes).ok().map(|old| {
        let name = path.display().to_string();
        TextDiff::from_lines(old.as_str(), text)
            .unified_diff()
            .context_radius(2)
            .header(&name, &name)
            .to_string()
    });
    Ok(Present::Other(difference))
}

/// All of it or nothing: whoever reads meanwhile sees the old file or the new one.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(std::fs::Permissions::from_mode(0o644));
    }
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}
