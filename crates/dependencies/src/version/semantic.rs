//! Semantic Versioning 2.0.0 §11, and NuGet's four numbers.

use std::cmp::Ordering;

use super::Digits;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version {
    /// Major, minor, patch, and NuGet's revision.
    pub(crate) core: [Digits; 4],
    /// Empty for a release.
    pub(crate) labels: Vec<Label>,
}

/// Numbers stand before words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Label {
    Number(Digits),
    Word(String),
}

impl Version {
    /// A leading `v` or `=` is taken off and numbers that lack are zero, as advisories write `1.2`.
    pub(crate) fn read(text: &str, nuget: bool) -> Option<Self> {
        let text = text.trim_start_matches(['=', ' ']);
        let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
        let text = text.split_once('+').map_or(text, |(before, _)| before);
        let (core, labels) = text.split_once('-').map_or((text, None), |(core, labels)| (core, Some(labels)));
        let mut numbers = core.split('.');
        let mut next = || match numbers.next() {
            None => Some(Digits::new("0")),
            Some(number) => is_number(number).then(|| Digits::new(number)),
        };
        let core = [next()?, next()?, next()?, if nuget { next()? } else { Digits::new("0") }];
        if numbers.next().is_some() {
            return None;
        }
        let labels = match labels {
            None => Vec::new(),
            Some(labels) => {
                labels.split('.').map(|label| Label::read(label, nuget)).collect::<Option<_>>()?
            }
        };
        Some(Self { core, labels })
    }

    pub(crate) const fn is_pre_release(&self) -> bool {
        !self.labels.is_empty()
    }
}

impl Label {
    fn read(text: &str, nuget: bool) -> Option<Self> {
        let word = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if is_number(text) {
            Some(Self::Number(Digits::new(text)))
        } else {
            word.then(|| Self::Word(if nuget { text.to_ascii_lowercase() } else { text.to_owned() }))
        }
    }
}

pub(crate) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.core.cmp(&other.core).then_with(|| match (self.labels.is_empty(), other.labels.is_empty()) {
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            _ => self.labels.cmp(&other.labels),
        })
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
