//! Ranges of npm (`node-semver`) and of Cargo, read as sets of intervals: whether a version is within one.

use super::{Digits, Version};
use crate::version::semantic;

/// Alternatives of conditions that all hold.
#[derive(Debug, Clone)]
pub(crate) struct Range {
    alternatives: Vec<Vec<Condition>>,
}

#[derive(Debug, Clone)]
struct Condition {
    is: Is,
    version: semantic::Version,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Is {
    Above,
    AtLeast,
    AtMost,
    Below,
    Equal,
}

impl Range {
    /// None where it is no range: a tag, an address, a path.
    pub(crate) fn npm(text: &str) -> Option<Self> {
        if text.len() > crate::bounds::VERSION {
            return None;
        }
        let alternatives = text.split("||").map(alternative).collect::<Option<_>>()?;
        Some(Self { alternatives })
    }

    /// Cargo separates by commas, and a bare version means `^`.
    pub(crate) fn cargo(text: &str) -> Option<Self> {
        let mut all = Vec::new();
        for part in text.split(',') {
            let part = part.trim();
            let bare = part.starts_with(|letter: char| letter.is_ascii_digit()) && !part.contains('*');
            all.extend(alternative(&if bare { format!("^{part}") } else { part.to_owned() })?);
        }
        Some(Self { alternatives: vec![all] })
    }

    /// Pre-releases only where the range names one of the same numbers, as npm and Cargo do.
    pub(crate) fn holds(&self, version: &Version) -> bool {
        let Some(version) = version.semantic() else { return false };
        self.alternatives.iter().any(|all| {
            all.iter().all(|condition| condition.holds(version))
                && (!version.is_pre_release()
                    || all.iter().any(|condition| {
                        condition.version.is_pre_release() && condition.version.core == version.core
                    }))
        })
    }

    /// Whether it takes whatever comes, now and later.
    pub(crate) fn is_anything(&self) -> bool {
        self.alternatives.iter().any(|all| {
            all.iter().all(|condition| {
                condition.is == Is::AtLeast && condition.version.core.iter().all(Digits::is_zero)
            })
        })
    }
}

impl Condition {
    fn holds(&self, version: &semantic::Version) -> bool {
        let order = version.cmp(&self.version);
        match self.is {
            Is::Above => order.is_gt(),
            Is::AtLeast => order.is_ge(),
            Is::AtMost => order.is_le(),
            Is::Below => order.is_lt(),
            Is::Equal => order.is_eq(),
        }
    }
}

fn alternative(text: &str) -> Option<Vec<Condition>> {
    if let Some((low, high)) = text.split_once(" - ") {
        let mut all = partial(low.trim())?.at_least();
        all.extend(partial(high.trim())?.at_most());
        return Some(all);
    }
    let mut all = Vec::new();
    let mut operator = String::new();
    for word in text.split_whitespace() {
        let length = word.bytes().take_while(|byte| matches!(byte, b'<' | b'>' | b'=' | b'^' | b'~')).count();
        let (sign, version) = word.split_at_checked(length)?;
        operator.push_str(sign);
        if version.is_empty() {
            continue;
        }
        all.extend(partial(version)?.under(&operator)?);
        operator.clear();
    }
    operator.is_empty().then_some(all)
}

/// A version some of whose numbers may be left open.
struct Partial {
    numbers: Vec<Digits>,
    labels: Vec<semantic::Label>,
}

fn partial(text: &str) -> Option<Partial> {
    let text = text.trim_start_matches(['v', '=']);
    let text = text.split_once('+').map_or(text, |(before, _)| before);
    let (core, labelled) = text.split_once('-').map_or((text, false), |(core, _)| (core, true));
    let mut numbers = Vec::new();
    for part in core.split('.') {
        if matches!(part, "x" | "X" | "*") || (part.is_empty() && core.is_empty()) {
            break;
        }
        numbers.push(semantic::is_number(part).then(|| Digits::new(part))?);
    }
    if numbers.len() > 3 {
        return None;
    }
    let labels = if labelled && numbers.len() == 3 {
        semantic::Version::read(text, false)?.labels
    } else {
        Vec::new()
    };
    Some(Partial { numbers, labels })
}

impl Partial {
    fn low(&self) -> semantic::Version {
        let number = |at| self.numbers.get(at).cloned().unwrap_or_else(|| Digits::new("0"));
        semantic::Version {
            core: [number(0), number(1), number(2), Digits::new("0")],
            labels: self.labels.clone(),
        }
    }

    /// The first version whose number at this place is larger; none where nothing bounds it.
    fn next(&self, place: usize) -> Option<semantic::Version> {
        let bumped = self.numbers.get(place)?.next();
        let number = |at: usize| match at.cmp(&place) {
            std::cmp::Ordering::Less => self.numbers.get(at).cloned().unwrap_or_else(|| Digits::new("0")),
            std::cmp::Ordering::Equal => bumped.clone(),
            std::cmp::Ordering::Greater => Digits::new("0"),
        };
        // `-0` is the lowest of all pre-releases: `^1.2.3` leaves `2.0.0-rc` out.
        let labels = vec![semantic::Label::Number(Digits::new("0"))];
        Some(semantic::Version { core: [number(0), number(1), number(2), Digits::new("0")], labels })
    }

    fn at_least(&self) -> Vec<Condition> {
        vec![Condition { is: Is::AtLeast, version: self.low() }]
    }

    fn at_most(&self) -> Vec<Condition> {
        if self.numbers.len() == 3 {
            return vec![Condition { is: Is::AtMost, version: self.low() }];
        }
        self.below(self.numbers.len().wrapping_sub(1))
    }

    fn below(&self, place: usize) -> Vec<Condition> {
        self.next(place).map(|version| Condition { is: Is::Below, version }).into_iter().collect()
    }

    fn under(&self, operator: &str) -> Option<Vec<Condition>> {
        let whole = self.numbers.len() == 3;
        let last = self.numbers.len().wrapping_sub(1);
        let mut low = self.at_least();
        Some(match operator {
            "" | "=" | "==" if whole => vec![Condition { is: Is::Equal, version: self.low() }],
            "" | "=" | "==" => {
                low.extend(self.below(last));
                low
            }
            ">" if whole => vec![Condition { is: Is::Above, version: self.low() }],
            ">" => {
                // `>1` is `>=2.0.0`, without what comes before it.
                let whole = |version| semantic::Version { labels: Vec::new(), ..version };
                let next = self.next(last).map(whole);
                next.map(|version| Condition { is: Is::AtLeast, version }).into_iter().collect()
            }
            ">=" | "=>" => low,
            "<" => vec![Condition { is: Is::Below, version: self.low() }],
            "<=" | "=<" => self.at_most(),
            "~" | "~>" => {
                low.extend(self.below(last.min(1)));
                low
            }
            "^" => {
                let first = self.numbers.iter().position(|number| !number.is_zero());
                low.extend(self.below(first.unwrap_or(last).min(last)));
                low
            }
            _ => return None,
        })
    }
}
