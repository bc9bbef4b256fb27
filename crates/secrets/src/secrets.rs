//! The rules, ready to be searched with.

use gabion_finding::{FileReport, Rule, RuleError, RuleFile, Source, Unread, UnreadReason};
use gabion_model::Problem;

use crate::candidate::Match;
use crate::encoded::{self, Encoding};
use crate::keywords::{Keywords, SHORTEST};
use crate::pattern::Pattern;
use crate::rule::{Detector, Finder};
use crate::scan::Scan;
use crate::{pack, pem, scanner};

/// Finds secrets by rules.
#[derive(Debug)]
pub struct Secrets {
    pub(crate) rules: Vec<Compiled>,
    pub(crate) keywords: Keywords,
    /// What each keyword is for.
    pub(crate) targets: Vec<Target>,
    pub(crate) detectors: Vec<(Detector, usize)>,
    pub(crate) version: String,
}

#[derive(Debug)]
pub(crate) struct Compiled {
    pub rule: Rule,
    pub finder: Finder,
    pub pattern: Option<Pattern>,
}

/// What is done where a keyword stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// The pattern of a rule begins here.
    Leads(usize),
    /// The pattern of a rule may match around here.
    Near(usize),
    Encoded(Encoding),
    Name,
    Url,
    Basic,
    Bearer,
    Pem,
}

/// What stands in the names of secrets.
const NAMES: &[&str] =
    &["pass", "pwd", "secret", "token", "key", "auth", "cred", "salt", "nonce", "seed", "otp", "kennwort"];
/// The shortest keyword that is looked for in encoded texts, in bytes.
const ENCODED: usize = 4;

impl Secrets {
    /// With the rules that come with the program.
    ///
    /// # Errors
    /// When one of them is wrong, which no build that passed its tests has.
    pub fn new() -> Result<Self, RuleError> {
        Self::with(&[])
    }

    /// With the rules that come with the program and others: name and text of each file.
    ///
    /// # Errors
    /// When a file is none or a rule is wrong; names everything that is wrong in the first such file.
    pub fn with(others: &[(&str, &str)]) -> Result<Self, RuleError> {
        Self::beside(pack::FILES, others)
    }

    /// With the rules of these files alone: name and text of each.
    ///
    /// # Errors
    /// As [`Secrets::with`].
    pub fn alone(files: &[(&str, &str)]) -> Result<Self, RuleError> {
        Self::beside(&[], files)
    }

    fn beside(built_in: &[(&str, &str)], others: &[(&str, &str)]) -> Result<Self, RuleError> {
        let mut rules: Vec<Compiled> = Vec::new();
        let files = built_in.iter().chain(others).enumerate();
        for (at, (file, text)) in files {
            let read = if at < built_in.len() {
                RuleFile::<Finder>::built_in(file, text)?
            } else {
                RuleFile::<Finder>::read(file, text)?
            };
            let mut problems = Vec::new();
            for (rule, finder) in read.rules {
                let name = format!("rule `{}`", rule.id);
                if rules.iter().any(|other| other.rule.id == rule.id) {
                    problems.push(Problem::new(name, "stands in another file too"));
                    continue;
                }
                match compile(rule, finder) {
                    Ok(compiled) => rules.push(compiled),
                    Err(reason) => problems.push(Problem::new(name, reason)),
                }
            }
            if !problems.is_empty() {
                return Err(RuleError { file: (*file).to_owned(), problems });
            }
        }
        Ok(Self::of(rules, scanner::version(built_in.iter().chain(others).map(|(_, text)| *text))))
    }

    fn of(rules: Vec<Compiled>, version: String) -> Self {
        let mut words: Vec<(Vec<u8>, bool, Target)> = Vec::new();
        for (number, compiled) in rules.iter().enumerate() {
            let Some(pattern) = &compiled.pattern else { continue };
            let leads = pattern.leads();
            let named = compiled.finder.value.is_some();
            for word in &compiled.finder.keywords {
                let target = if leads || named { Target::Leads(number) } else { Target::Near(number) };
                words.push((word.as_bytes().to_vec(), leads, target));
                if leads && word.len() >= ENCODED {
                    let forms = encoded::forms(word.as_bytes()).into_iter();
                    words.extend(forms.map(|(form, encoding)| {
                        (form, encoding != Encoding::Hex, Target::Encoded(encoding))
                    }));
                }
            }
        }
        let own = |word: &str, target| (word.as_bytes().to_vec(), false, target);
        words.extend(NAMES.iter().map(|name| own(name, Target::Name)));
        words.push(own("://", Target::Url));
        words.push(own("basic ", Target::Basic));
        words.push(own("bearer ", Target::Bearer));
        words.push((pem::BEGIN.as_bytes().to_vec(), true, Target::Pem));
        let forms = encoded::forms(pem::BEGIN.as_bytes()).into_iter();
        words.extend(
            forms.map(|(form, encoding)| (form, encoding != Encoding::Hex, Target::Encoded(encoding))),
        );
        words.sort_by(|one, other| (&one.0, one.1).cmp(&(&other.0, other.1)));
        words.dedup();
        let list: Vec<(&[u8], bool)> =
            words.iter().map(|(word, cased, _)| (word.as_slice(), *cased)).collect();
        let detectors = (rules.iter().enumerate())
            .filter_map(|(number, compiled)| compiled.finder.detector.map(|detector| (detector, number)))
            .collect();
        Self {
            keywords: Keywords::new(&list),
            targets: words.iter().map(|(_, _, target)| *target).collect(),
            detectors,
            version,
            rules,
        }
    }

    /// Every secret in a text, in order, and whether all of it was read. The path says how values stand in it and whether it is a test;
    /// it is not opened.
    #[must_use]
    pub fn matches<'a>(&'a self, path: &str, text: &str) -> (Vec<Match<'a>>, Option<Unread>) {
        let mut scan = Scan::new(self, path, text);
        scan.run();
        scan.finish()
    }

    /// What the bytes of a file or of an object of a history show. UTF-8, UTF-16 with its mark, or anything else that holds no zero
    /// bytes, of which what is no UTF-8 is read as question marks.
    #[must_use]
    pub fn bytes(&self, path: &str, bytes: &[u8]) -> FileReport {
        let Some(text) = scanner::decode(bytes) else {
            let mut report = FileReport::default();
            report.verdict.unread.push(Unread {
                path: path.into(),
                reason: UnreadReason::Binary,
                detail: String::new(),
            });
            return report;
        };
        let (matches, unread) = self.matches(path, &text);
        if matches.is_empty() && unread.is_none() {
            return FileReport::default();
        }
        scanner::report(&Source::new(path, &text), matches, unread)
    }

    /// The number of the rule that has a detector.
    pub(crate) fn detector(&self, wanted: Detector) -> Option<usize> {
        self.detectors.iter().find(|(detector, _)| *detector == wanted).map(|(_, number)| *number)
    }
}

fn compile(rule: Rule, finder: Finder) -> Result<Compiled, String> {
    let ways = [finder.pattern.is_some(), finder.value.is_some(), finder.detector.is_some()];
    if ways.iter().filter(|way| **way).count() != 1 {
        return Err("needs exactly one of `pattern`, `value` and `detector`".to_owned());
    }
    if finder.detector.is_none() && finder.keywords.is_empty() {
        return Err("needs `keywords`".to_owned());
    }
    if let Some(short) = finder.keywords.iter().find(|word| word.len() < SHORTEST || !word.is_ascii()) {
        return Err(format!("the keyword `{short}` is shorter than {SHORTEST} characters, or not of ASCII"));
    }
    let text = match (&finder.pattern, &finder.value) {
        (Some(pattern), _) => Some(pattern.clone()),
        (None, Some(value)) => Some(assigned(&finder.keywords, value)),
        (None, None) => None,
    };
    // What is assigned is looked for wherever a keyword stands, so nobody asks whether one leads.
    let leading = if finder.value.is_some() { &[] } else { finder.keywords.as_slice() };
    let pattern = text.map(|text| Pattern::new(&text, leading)).transpose()?;
    Ok(Compiled { rule, finder, pattern })
}

/// A value that is given to something one of the words names, on the same line.
fn assigned(words: &[String], value: &str) -> String {
    let words: Vec<String> = words.iter().map(|word| regex_syntax::escape(word)).collect();
    let words = words.join("|");
    format!(
        "(?i:{words})[^\\r\\n;]{{0,60}}?(?:[=:,(>]|\\s)[ \\t]{{0,8}}[\"'`\\\\]{{0,2}}(?P<secret>{value})(?:[^0-9A-Za-z_/+=-]|$)"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_compiles_within_its_bounds() {
        let secrets = Secrets::new().unwrap();
        for compiled in &secrets.rules {
            assert!(compiled.pattern.as_ref().is_none_or(Pattern::compiles), "{}", compiled.rule.id);
        }
        assert!(secrets.rules.len() > 150, "{}", secrets.rules.len());
    }

    #[test]
    fn wrong_rules_are_named() {
        let head = "[[rule]]\nid = \"own.x\"\ntitle = \"x\"\ncontrol = \"config.no-secrets-in-code\"\ncwe = [798]\nseverity = \"high\"\nconfidence = \"high\"\nwhy = \"x\"\nfix = \"x\"\n";
        let wrong =
            |rest: &str| Secrets::with(&[("own.toml", &format!("{head}{rest}"))]).unwrap_err().to_string();
        assert!(wrong("").contains("exactly one of"));
        assert!(wrong("pattern = 'ab_[a-z]{3}'").contains("`keywords`"));
        assert!(wrong("pattern = 'ab_[a-z]{3}'\nkeywords = ['ab']").contains("shorter"));
        assert!(wrong("pattern = 'ab_[a-z]+'\nkeywords = ['ab_']").contains("without a bound"));
        assert!(wrong("patern = 'ab_[a-z]+'\nkeywords = ['ab_']").contains("patern"));
    }

    #[test]
    fn every_rule_of_the_program_would_be_taken_from_outside() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules");
        for (file, json) in pack::FILES {
            let text = std::fs::read_to_string(folder.join(file)).unwrap();
            let (written, made) = (
                RuleFile::<Finder>::read(file, &text).unwrap(),
                RuleFile::<Finder>::built_in(file, json).unwrap(),
            );
            assert_eq!(format!("{written:?}"), format!("{made:?}"));
        }
    }
}
