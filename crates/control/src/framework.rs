//! The requirement lists a control can answer to, and how each numbers its requirements.

use std::fmt;

use serde::Serialize;

/// One published list of requirements. In the order a reader meets them in `gabion controls show`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Framework {
    Owasp,
    Asvs,
    Stride,
    Nist,
    Soc2,
    Iso27001,
    PciDss,
    Hipaa,
    Gdpr,
}

/// One requirement of one list, for instance `V3.3.1` of OWASP ASVS.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Requirement {
    pub framework: Framework,
    /// As the list numbers it, for instance `A01`, `V3.3.1`, `sc-23.3`, `CC6.1`, `Art. 32(1)(b)`.
    pub number: String,
    /// The link is our reading; no table published by the list's owner or by NIST says so.
    pub judgement: bool,
}

impl Framework {
    pub const ALL: &[Self] = &[
        Self::Owasp,
        Self::Asvs,
        Self::Stride,
        Self::Nist,
        Self::Soc2,
        Self::Iso27001,
        Self::PciDss,
        Self::Hipaa,
        Self::Gdpr,
    ];

    /// The key in `catalogue/*.toml` and on the command line.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Owasp => "owasp",
            Self::Asvs => "asvs",
            Self::Stride => "stride",
            Self::Nist => "nist",
            Self::Soc2 => "soc2",
            Self::Iso27001 => "iso27001",
            Self::PciDss => "pci",
            Self::Hipaa => "hipaa",
            Self::Gdpr => "gdpr",
        }
    }

    /// The list's name and edition.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Owasp => "OWASP Top 10:2025",
            Self::Asvs => "OWASP ASVS 5.0.0",
            Self::Stride => "STRIDE",
            Self::Nist => "NIST SP 800-53 r5",
            Self::Soc2 => "SOC 2 (TSC)",
            Self::Iso27001 => "ISO/IEC 27001:2022",
            Self::PciDss => "PCI DSS 4.0.1",
            Self::Hipaa => "HIPAA Security Rule",
            Self::Gdpr => "GDPR",
        }
    }

    /// Whether links to this list are our reading unless the entry says otherwise: nobody publishes a
    /// table that would decide them.
    #[must_use]
    pub const fn is_judgement(self) -> bool {
        matches!(self, Self::Soc2 | Self::Iso27001 | Self::PciDss | Self::Hipaa | Self::Gdpr)
    }

    #[must_use]
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|framework| framework.key() == key)
    }

    /// Whether `number` has the shape this list gives its requirements.
    #[must_use]
    pub fn accepts(self, number: &str) -> bool {
        match self {
            Self::Owasp => {
                number.strip_prefix('A').is_some_and(|rest| rest.len() == 2 && in_range(rest, 1, 10))
            }
            Self::Asvs => number.strip_prefix('V').is_some_and(|rest| dotted(rest, 3, 3)),
            Self::Stride => matches!(number, "S" | "T" | "R" | "I" | "D" | "E"),
            Self::Nist => number.split_once('-').is_some_and(|(family, rest)| {
                family.len() == 2 && family.bytes().all(|b| b.is_ascii_lowercase()) && dotted(rest, 1, 2)
            }),
            Self::Soc2 => ["CC", "PI", "A", "C", "P"]
                .iter()
                .any(|series| number.strip_prefix(series).is_some_and(|rest| dotted(rest, 2, 2))),
            Self::Iso27001 => number.strip_prefix("A.").is_some_and(|rest| {
                dotted(rest, 2, 2) && rest.split('.').next().is_some_and(|theme| in_range(theme, 5, 8))
            }),
            Self::PciDss => {
                dotted(number, 2, 4) && number.split('.').next().is_some_and(|part| in_range(part, 1, 12))
            }
            Self::Hipaa => number.strip_prefix("164.").is_some_and(section),
            Self::Gdpr => number.strip_prefix("Art. ").is_some_and(section),
        }
    }
}

impl fmt::Display for Framework {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.title())
    }
}

impl Requirement {
    /// Whether this is the requirement `number`, or one of those under it: `V3.3` covers `V3.3.1` but
    /// not `V3.30.1`.
    #[must_use]
    pub fn is_within(&self, number: &str) -> bool {
        self.number.strip_prefix(number).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '(']))
    }
}

/// Between `least` and `most` numbers joined by dots.
fn dotted(text: &str, least: usize, most: usize) -> bool {
    let parts = text.split('.').count();
    (least..=most).contains(&parts) && text.split('.').all(is_number)
}

fn is_number(text: &str) -> bool {
    (1..=3).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

fn in_range(text: &str, least: u32, most: u32) -> bool {
    text.parse::<u32>().is_ok_and(|value| (least..=most).contains(&value))
}

/// `312(a)(2)(iv)`: a number, then paragraphs in parentheses.
fn section(text: &str) -> bool {
    let (number, rest) = text.split_once('(').map_or((text, None), |(number, rest)| (number, Some(rest)));
    is_number(number)
        && rest.is_none_or(|rest| {
            rest.strip_suffix(')').is_some_and(|inner| {
                inner.split(")(").all(|part| {
                    (1..=4).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
                })
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_list_accepts_its_own_numbers_and_no_others() {
        let good = [
            (Framework::Owasp, "A01"),
            (Framework::Asvs, "V13.4.5"),
            (Framework::Stride, "E"),
            (Framework::Nist, "sc-23.3"),
            (Framework::Nist, "ac-7"),
            (Framework::Soc2, "CC6.1"),
            (Framework::Soc2, "PI1.2"),
            (Framework::Iso27001, "A.8.26"),
            (Framework::PciDss, "10.4.1.1"),
            (Framework::Hipaa, "164.308(a)(5)(ii)(D)"),
            (Framework::Hipaa, "164.312(b)"),
            (Framework::Gdpr, "Art. 32(1)(b)"),
        ];
        for (framework, number) in good {
            assert!(framework.accepts(number), "{framework} refuses {number}");
        }
        let bad = [
            (Framework::Owasp, "A11"),
            (Framework::Owasp, "A1"),
            (Framework::Asvs, "V13.4"),
            (Framework::Stride, "X"),
            (Framework::Nist, "SC-23"),
            (Framework::Soc2, "CC6"),
            (Framework::Iso27001, "A.9.1"),
            (Framework::PciDss, "13.1"),
            (Framework::Hipaa, "164.312(a"),
            (Framework::Hipaa, "164.312()"),
            (Framework::Gdpr, "32(1)"),
            (Framework::Gdpr, "Art. "),
        ];
        for (framework, number) in bad {
            assert!(!framework.accepts(number), "{framework} accepts {number}");
        }
    }

    #[test]
    fn a_chapter_covers_what_stands_under_it_only() {
        let requirement = |number: &str| Requirement {
            framework: Framework::Asvs,
            number: number.into(),
            judgement: false,
        };
        assert!(requirement("V3.3.1").is_within("V3.3"));
        assert!(requirement("V3.3.1").is_within("V3.3.1"));
        assert!(!requirement("V3.30.1").is_within("V3.3"));
        assert!(requirement("164.312(a)(1)").is_within("164.312"));
    }
}
