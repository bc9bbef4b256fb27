//! The scanners there are, ready to run, with a team's own rules besides those of the program.

use std::io;
use std::path::{Path, PathBuf};

use gabion_code::CodeScanner;
use gabion_dependencies::{Advisories, DependencyScanner};
use gabion_finding::{RuleError, RuleFile, RuleId, Scanner};
use gabion_manifests::Manifests;
use gabion_model::Problem;
use gabion_secrets::Secrets;
use serde::de::IgnoredAny;

use crate::open;

/// What scanners know besides rules.
#[derive(Debug, Clone, Default)]
pub struct Knowledge {
    /// What packages are judged by; without it, there is no verdict on them.
    pub advisories: Advisories,
    pub dependencies: gabion_dependencies::Settings,
}

/// Makes one scanner with these files of rules (name, text) besides its own, or without its own.
type Make = fn(&[(&str, &str)], bool, &Knowledge) -> Result<Box<dyn Scanner>, RuleError>;

/// By name, in the order they are run.
const MAKERS: &[(&str, Make)] =
    &[("secrets", secrets), ("manifests", manifests), ("dependencies", dependencies), ("code", code)];

fn code(own: &[(&str, &str)], alone: bool, _: &Knowledge) -> Result<Box<dyn Scanner>, RuleError> {
    Ok(Box::new(if alone { CodeScanner::alone(own)? } else { CodeScanner::new(own)? }))
}

fn dependencies(own: &[(&str, &str)], _: bool, knowledge: &Knowledge) -> Result<Box<dyn Scanner>, RuleError> {
    if let Some((file, _)) = own.first() {
        let problem = Problem::new("", "the scanner `dependencies` takes no rules of your own").hint(
            "what it may not find otherwise stands in an advisory: `gabion scan db import` takes yours",
        );
        return Err(RuleError { file: (*file).to_owned(), problems: vec![problem] });
    }
    Ok(Box::new(DependencyScanner::new(knowledge.dependencies.clone(), knowledge.advisories.clone())?))
}

fn manifests(own: &[(&str, &str)], alone: bool, _: &Knowledge) -> Result<Box<dyn Scanner>, RuleError> {
    Ok(Box::new(if alone { Manifests::alone(own)? } else { Manifests::with(own)? }))
}

fn secrets(own: &[(&str, &str)], alone: bool, _: &Knowledge) -> Result<Box<dyn Scanner>, RuleError> {
    Ok(Box::new(if alone { Secrets::alone(own)? } else { Secrets::with(own)? }))
}

/// Files of rules, by the scanner they are for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleFolder {
    files: Vec<RuleText>,
    alone: bool,
}

/// A file of rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleText {
    pub scanner: &'static str,
    pub file: String,
    pub text: String,
}

/// Why there are no scanners.
#[derive(Debug, thiserror::Error)]
pub enum KitError {
    #[error("cannot read `{path}`")]
    Io { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Rules(#[from] RuleError),
    #[error("`{0}` is in no folder named after a scanner")]
    Whose(PathBuf),
}

/// The names of all scanners.
pub fn names() -> impl Iterator<Item = &'static str> {
    MAKERS.iter().map(|(name, _)| *name)
}

/// The names of the scanners that take rules of a team.
pub fn open_names() -> impl Iterator<Item = &'static str> {
    names().filter(|name| *name != "dependencies")
}

/// All scanners, for their rules: they know of nothing else.
///
/// # Errors
/// When a rule is wrong; names every wrong rule of its file.
pub fn scanners(own: &RuleFolder) -> Result<Vec<Box<dyn Scanner>>, RuleError> {
    scanners_with(own, &Knowledge::default())
}

/// All scanners, for a scan.
///
/// # Errors
/// When a rule is wrong; names every wrong rule of its file.
pub fn scanners_with(own: &RuleFolder, knowledge: &Knowledge) -> Result<Vec<Box<dyn Scanner>>, RuleError> {
    let made = |(name, make): &(&'static str, Make)| -> Result<Option<Box<dyn Scanner>>, RuleError> {
        let files: Vec<(&str, &str)> = own
            .files
            .iter()
            .filter(|file| file.scanner == *name)
            .map(|file| (file.file.as_str(), file.text.as_str()))
            .collect();
        if own.alone && files.is_empty() {
            return Ok(None);
        }
        make(&files, own.alone, knowledge).map(Some)
    };
    MAKERS.iter().filter_map(|maker| made(maker).transpose()).collect()
}

impl RuleFolder {
    /// Every `.toml` file in the folders of `path` that are named after scanners, and every file with rules in the format of
    /// semgrep at any depth; or the one file it is.
    ///
    /// # Errors
    /// When something cannot be read, or a file is for no scanner.
    pub fn read(path: &Path) -> Result<Self, KitError> {
        let failed = |path: &Path| {
            let path = path.to_path_buf();
            move |source| KitError::Io { path, source }
        };
        if path.is_file() {
            return Ok(Self { files: vec![one(path)?], alone: false });
        }
        let mut files = Vec::new();
        // A folder of rules may be the folder of one scanner.
        let own = whose(path).map(|_| path.to_path_buf());
        let folders = own.map_or_else(|| names().map(|name| path.join(name)).collect(), |own| vec![own]);
        std::fs::read_dir(path).map_err(failed(path))?;
        for folder in folders.into_iter().filter(|folder| folder.is_dir()) {
            let entries = std::fs::read_dir(&folder).map_err(failed(&folder))?;
            let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
            paths.sort();
            for path in paths.iter().filter(|path| path.extension().is_some_and(|end| end == "toml")) {
                files.push(one(path)?);
            }
        }
        let mut paths = Vec::new();
        patterns(path, DEEPEST, &mut paths);
        paths.sort();
        for path in paths {
            let file = pattern_file(&path)?;
            if is_rules(&file.text) {
                files.push(file);
            }
        }
        Ok(Self { files, alone: false })
    }

    /// The same without the rules of the program: a scanner for which there are none is left out.
    #[must_use]
    pub fn alone(self) -> Self {
        Self { alone: true, ..self }
    }

    #[must_use]
    pub fn files(&self) -> &[RuleText] {
        &self.files
    }
}

impl RuleText {
    /// Whether its rules are in the format of semgrep.
    #[must_use]
    pub fn is_patterns(&self) -> bool {
        is_yaml(Path::new(&self.file))
    }

    /// The files beside it that test its rules: those of its name with another ending.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn tests(&self) -> Result<Vec<(String, String)>, KitError> {
        let path = Path::new(&self.file);
        let Some(stem) = path.file_stem() else { return Ok(Vec::new()) };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
            .map_err(|source| KitError::Io { path: folder.to_path_buf(), source })?
            .flatten()
            .map(|entry| entry.path())
            .filter(|other| other.is_file() && !is_yaml(other) && other.file_stem() == Some(stem))
            .collect();
        paths.sort();
        let read = |path: &PathBuf| {
            let file = pattern_file(path)?;
            Ok((file.file, file.text))
        };
        paths.iter().map(read).collect()
    }

    /// The rules that stand in it.
    ///
    /// # Errors
    /// When it is no file of rules.
    pub fn ids(&self) -> Result<Vec<RuleId>, RuleError> {
        if self.is_patterns() {
            return gabion_code::pattern_ids(&self.file, &self.text);
        }
        let file = RuleFile::<IgnoredAny>::read(&self.file, &self.text)?;
        Ok(file.rules.into_iter().map(|(rule, _)| rule.id).collect())
    }
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "yaml" || end == "yml")
}

/// Whether it has `rules:` at the beginning of a line.
fn is_rules(text: &str) -> bool {
    text.lines().any(|line| {
        line.trim_end() == "rules:" || line.starts_with("rules: ") || line.starts_with("rules:\t")
    })
}

/// Files of YAML in a folder and those in it; links are not followed.
fn patterns(folder: &Path, depth: usize, into: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let Ok(kind) = entry.file_type() else { continue };
        let path = entry.path();
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if kind.is_dir() && depth > 0 && !hidden {
            patterns(&path, depth.saturating_sub(1), into);
        } else if kind.is_file() && is_yaml(&path) && !path.to_string_lossy().contains(".test.") {
            into.push(path);
        }
    }
}

fn pattern_file(path: &Path) -> Result<RuleText, KitError> {
    let bytes =
        open::whole(path, LARGEST).map_err(|source| KitError::Io { path: path.to_path_buf(), source })?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok(RuleText { scanner: "code", file: path.display().to_string(), text })
}

fn one(path: &Path) -> Result<RuleText, KitError> {
    if is_yaml(path) {
        return pattern_file(path);
    }
    let folder = path.canonicalize().ok().and_then(|path| path.parent().map(Path::to_path_buf));
    let scanner = folder.as_deref().and_then(whose).ok_or_else(|| KitError::Whose(path.to_path_buf()))?;
    let bytes =
        open::whole(path, LARGEST).map_err(|source| KitError::Io { path: path.to_path_buf(), source })?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok(RuleText { scanner, file: path.display().to_string(), text })
}

fn whose(folder: &Path) -> Option<&'static str> {
    let name = folder.file_name()?.to_str()?;
    names().find(|one| *one == name)
}

const LARGEST: u64 = 4 << 20;
/// Folders in folders of rules in the format of semgrep.
const DEEPEST: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{rules, template};

    #[test]
    fn every_rule_of_the_program_holds_its_examples() {
        let scanners = scanners(&RuleFolder::default()).unwrap();
        assert_eq!(scanners.iter().map(|one| one.name()).collect::<Vec<_>>(), names().collect::<Vec<_>>());
        for scanner in scanners {
            assert_eq!(rules::test(scanner.as_ref(), &|_| true), [], "{}", scanner.name());
        }
    }

    #[test]
    fn a_rule_to_begin_with_is_one() {
        let folder = tempfile::TempDir::new().unwrap();
        let id = RuleId::new("acme.token").unwrap();
        let file = folder.path().join("secrets/acme.toml");
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, template(&id, "secrets")).unwrap();
        for path in [folder.path(), &folder.path().join("secrets"), &file] {
            let own = RuleFolder::read(path).unwrap();
            assert_eq!(own.files()[0].ids().unwrap(), std::slice::from_ref(&id));
            let scanners = scanners(&own).unwrap();
            let secrets = scanners.iter().find(|scanner| scanner.name() == "secrets").unwrap();
            assert_eq!(rules::test(secrets.as_ref(), &|rule| *rule == id), []);
            assert!(secrets.rules().iter().any(|rule| rule.id == id));
        }
        assert!(RuleFolder::read(&folder.path().join("nothing")).is_err());
        let lost = folder.path().join("lost.toml");
        std::fs::write(&lost, "").unwrap();
        assert!(matches!(RuleFolder::read(&lost), Err(KitError::Whose(_))));
    }

    #[test]
    fn rules_alone_leave_out_all_others() {
        let folder = tempfile::TempDir::new().unwrap();
        let file = folder.path().join("own.yaml");
        let rule = "rules:\n  - id: own.flow\n    mode: taint\n    languages: [python]\n    severity: ERROR\n    message: m\n    \
                    pattern-sources: [{ pattern: read() }]\n    pattern-sinks: [{ pattern: send(...) }]\n";
        std::fs::write(&file, rule).unwrap();
        let own = RuleFolder::read(&file).unwrap();
        assert!(scanners(&own).unwrap().iter().any(|one| one.name() == "secrets"));
        let alone = scanners(&own.alone()).unwrap();
        let [code] = alone.as_slice() else { panic!("{alone:?}") };
        assert_eq!(code.rules().iter().map(|rule| rule.id.as_str()).collect::<Vec<_>>(), ["own.flow"]);
        assert!(code.reads("a.py") && !code.reads("a.go") && !code.reads("application.properties"));
        let found = |text: &str| {
            let source = gabion_finding::Source::new("a.py", text);
            let facts = [(std::sync::Arc::from("a.py"), std::sync::Arc::from(code.file(&source).facts))];
            let paths = [std::sync::Arc::from("a.py")];
            let uses = [];
            code.tree(&gabion_finding::Tree { paths: &paths, facts: &facts, uses: &uses }).findings.len()
        };
        assert_eq!(found("a = read()\nsend(a)\n"), 1);
        assert_eq!((found("a = read()\n"), found("send(1)\n"), found("eval(input())\n")), (0, 0, 0));
    }
}
