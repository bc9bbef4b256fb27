//! Real vulnerable npm packages, of which somebody wrote down the line of the sink (`npm-sinks.csv` of the shared data).
//!
//! A sink is found when a finding of its class stands in its file within [`NEAR`] lines of it, and found exactly on its line. A fixed
//! version is alarmed at when a finding of the class stands in the same file.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;

use super::measured::Found;
use super::packages::Registry;
use super::{Bench, Failure};
use crate::{cargo, output};

/// Packages at most: the sample takes the classes in turn.
const SAMPLE: usize = 40;
/// Lines between a finding and the sink that was written down.
const NEAR: u32 = 5;

struct Sink {
    class: String,
    package: String,
    version: String,
    fixed: Option<String>,
    file: String,
    line: u32,
}

#[derive(Default)]
struct Class {
    sinks: usize,
    near: usize,
    exact: usize,
    fixed: usize,
    alarmed: usize,
}

pub(super) fn run(bench: &Bench) -> Result<(), Failure> {
    let shared = cargo::shared(&bench.root).ok_or("no shared data; name its folder in `GABION_SHARED`")?;
    let text = fs::read_to_string(shared.join("data/npm-sinks.csv"))?;
    let mut classes: BTreeMap<String, Class> = BTreeMap::new();
    let mut missed = Vec::new();
    for sink in sample(&text) {
        let Some(folder) = bench.package(Registry::Npm, &sink.package, &sink.version)? else { continue };
        let Some(file) = within(&folder, &sink.file) else {
            output::note(&format!("{} {} has no `{}`", sink.package, sink.version, sink.file));
            continue;
        };
        let class = classes.entry(sink.class.clone()).or_default();
        class.sinks += 1;
        let (_, found) = bench.scan(&folder, OPTIONS)?;
        let lines: Vec<u32> = of_class(&found, &file, &sink.class).collect();
        class.exact += usize::from(lines.contains(&sink.line));
        if lines.iter().any(|line| line.abs_diff(sink.line) <= NEAR) {
            class.near += 1;
        } else {
            missed.push(format!("{} {}@{} {file}:{}", sink.class, sink.package, sink.version, sink.line));
        }
        let Some(fixed) = &sink.fixed else { continue };
        let Some(folder) = bench.package(Registry::Npm, &sink.package, fixed)? else { continue };
        let Some(file) = within(&folder, &sink.file) else { continue };
        let (_, found) = bench.scan(&folder, OPTIONS)?;
        class.fixed += 1;
        class.alarmed += usize::from(of_class(&found, &file, &sink.class).next().is_some());
    }
    print(&classes);
    fs::create_dir_all(bench.root.join("target/bench"))?;
    let list = bench.root.join("target/bench/scan-missed.txt");
    fs::write(&list, missed.join("\n") + "\n")?;
    output::note(&format!("what was missed is listed in {}", list.display()));
    Ok(())
}

/// Bundles are what many packages consist of.
const OPTIONS: &[&str] = &["--only", "code", "--vendored", "yes"];

fn print(classes: &BTreeMap<String, Class>) {
    output::line(&format!(
        "{:<10} {:>6} {:>8} {:>8} {:>8} {:>8} {:>10}",
        "class", "sinks", "near", "exact", "fixed", "alarmed", "precision"
    ));
    let mut all = Class::default();
    for class in classes.values() {
        all.sinks += class.sinks;
        all.near += class.near;
        all.exact += class.exact;
        all.fixed += class.fixed;
        all.alarmed += class.alarmed;
    }
    for (name, class) in classes.iter().map(|(name, class)| (name.as_str(), class)).chain([("all", &all)]) {
        let share = |part: usize| part as f64 / class.sinks.max(1) as f64 * 100.0;
        let precision = class.near as f64 / (class.near + class.alarmed).max(1) as f64 * 100.0;
        output::line(&format!(
            "{name:<10} {:>6} {:>6.0} % {:>6.0} % {:>8} {:>8} {:>8.0} %",
            class.sinks,
            share(class.near),
            share(class.exact),
            class.fixed,
            class.alarmed,
            precision
        ));
    }
}

/// The same packages every time: each class in the order of a hash, the classes in turn; those with a fixed version first.
fn sample(text: &str) -> Vec<Sink> {
    let mut classes: BTreeMap<String, Vec<(bool, u64, Sink)>> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let [class, package, version, _, fixed, sink] = cells.as_slice() else { continue };
        let mut place = sink.split(':');
        let (Some(file), Some(Ok(line))) = (place.next(), place.next().map(str::parse)) else { continue };
        let mut hash = DefaultHasher::new();
        (package, version).hash(&mut hash);
        let fixed = (!fixed.is_empty() && *fixed != "n/a").then(|| (*fixed).to_owned());
        classes.entry((*class).to_owned()).or_default().push((
            fixed.is_none(),
            hash.finish(),
            Sink {
                class: (*class).to_owned(),
                package: (*package).to_owned(),
                version: (*version).to_owned(),
                fixed,
                file: file.to_owned(),
                line,
            },
        ));
    }
    let mut queues: Vec<_> = classes
        .into_values()
        .map(|mut of| {
            of.sort_by_key(|one| (one.0, one.1));
            of.into_iter().map(|(.., sink)| sink)
        })
        .collect();
    let mut taken: Vec<Sink> = Vec::new();
    while taken.len() < SAMPLE {
        let before = taken.len();
        for queue in &mut queues {
            let free = SAMPLE - taken.len();
            taken.extend(queue.next().filter(|_| free > 0));
        }
        if taken.len() == before {
            break;
        }
    }
    taken
}

/// The path of a file in its package: it was written down from there, or with the package's own folder in front.
fn within(folder: &Path, file: &str) -> Option<String> {
    let mut rest = file;
    loop {
        if folder.join(rest).is_file() {
            return Some(rest.to_owned());
        }
        match rest.split_once('/') {
            Some((_, shorter)) => rest = shorter,
            None => return anywhere(folder, folder, rest),
        }
    }
}

/// The only file of that name.
fn anywhere(root: &Path, folder: &Path, name: &str) -> Option<String> {
    let mut found = None;
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).ok()?.flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().is_some_and(|own| own == name) {
                let path = path.strip_prefix(root).ok()?.to_str()?.to_owned();
                if found.replace(path).is_some() {
                    return None;
                }
            }
        }
    }
    found
}

fn of_class<'a>(found: &'a [Found], file: &'a str, class: &'a str) -> impl Iterator<Item = u32> + 'a {
    let numbers: &[u16] = match class {
        "CWE-1321" => &[1321, 915],
        "CWE-1333" => &[1333, 625, 400],
        "CWE-22" => &[22, 23, 73],
        "CWE-78" => &[78, 77, 88],
        _ => &[94, 95, 1336],
    };
    let fits = move |one: &&Found| one.path == file && one.cwe.iter().any(|cwe| numbers.contains(cwe));
    found.iter().filter(fits).map(|one| one.line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_takes_the_classes_in_turn() {
        let mut text = String::from("cwe,package,version,id,fixed,sink\n");
        for number in 0..60 {
            let class = if number < 57 { "CWE-22" } else { "CWE-78" };
            text += &format!("{class},p{number},1.0.0,,n/a,index.js:{number}:1\n");
        }
        let taken = sample(&text);
        assert_eq!(taken.len(), SAMPLE);
        assert_eq!(taken.iter().filter(|sink| sink.class == "CWE-78").count(), 3);
    }
}
