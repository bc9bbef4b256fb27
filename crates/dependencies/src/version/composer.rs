//! Versions of Packagist, as `composer/semver` normalises them and PHP's `version_compare` orders them. Branches (`dev-main`) have no
//! place in that order.

use super::Digits;
use super::semantic::is_number;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    core: Vec<Digits>,
    stability: Stability,
    number: Vec<Digits>,
    /// `-dev` behind a stability stands before it.
    finished: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stability {
    Dev,
    Alpha,
    Beta,
    Candidate,
    Stable,
    Patch,
}

const NAMES: &[(&str, Stability)] = &[
    ("stable", Stability::Stable),
    ("alpha", Stability::Alpha),
    ("patch", Stability::Patch),
    ("beta", Stability::Beta),
    ("dev", Stability::Dev),
    ("rc", Stability::Candidate),
    ("pl", Stability::Patch),
    ("a", Stability::Alpha),
    ("b", Stability::Beta),
    ("p", Stability::Patch),
];

impl Version {
    pub(crate) fn read(text: &str) -> Option<Self> {
        let lower = text.to_ascii_lowercase();
        let text = lower.split_once('+').map_or(lower.as_str(), |(before, _)| before);
        let text = text.strip_prefix('v').unwrap_or(text);
        let length = text.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
        let (core, rest) = text.split_at_checked(length)?;
        let core = core.trim_end_matches('.');
        let mut core: Vec<Digits> = core
            .split('.')
            .map(|number| is_number(number).then(|| Digits::new(number)))
            .collect::<Option<_>>()?;
        if core.len() > 4 {
            return None;
        }
        core.resize(4, Digits::new("0"));
        let rest = rest.trim_start_matches(['-', '_', '.']);
        if rest.is_empty() {
            return Some(Self { core, stability: Stability::Stable, number: Vec::new(), finished: true });
        }
        let (name, stability) = NAMES.iter().find(|(name, _)| rest.starts_with(name))?;
        let rest = rest.strip_prefix(name)?;
        let (rest, finished) = match rest.strip_suffix("dev") {
            Some(rest) => (rest.trim_end_matches(['-', '.']), false),
            None => (rest, true),
        };
        let number = rest.trim_start_matches(['-', '_', '.']);
        let number = if number.is_empty() {
            Vec::new()
        } else {
            let parts = number.split(['.', '-']);
            parts.map(|part| is_number(part).then(|| Digits::new(part))).collect::<Option<_>>()?
        };
        Some(Self { core, stability: *stability, number, finished })
    }

    pub(crate) fn is_pre_release(&self) -> bool {
        self.stability < Stability::Stable
    }
}
