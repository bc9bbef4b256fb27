//! What others say of flaws by their CVE: how likely attacks are (EPSS, <https://www.first.org/epss/>), and which are known (CISA's
//! catalogue, <https://www.cisa.gov/known-exploited-vulnerabilities-catalog>).

use std::collections::{BTreeMap, BTreeSet};

use super::Advisory;
use crate::document::{Malformed, Node};

/// By CVE.
#[derive(Debug, Default)]
pub(super) struct Scores {
    /// Hundredths of a percent.
    likelihood: BTreeMap<String, u16>,
    exploited: BTreeSet<String>,
}

impl Scores {
    /// `cve,epss,percentile` in lines, comments before them.
    pub(super) fn add_epss(&mut self, text: &str) -> Result<(), Malformed> {
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let head: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
        let column = |name: &str| head.iter().position(|it| it.eq_ignore_ascii_case(name));
        let (Some(name), Some(score)) = (column("cve"), column("epss")) else {
            return Err(Malformed::new(0, "it has no columns `cve` and `epss`"));
        };
        for line in lines {
            let cells: Vec<&str> = line.split(',').collect();
            let (Some(name), Some(score)) = (cells.get(name), cells.get(score)) else { continue };
            if let Some(share) = share(score).filter(|_| is_cve(name)) {
                self.likelihood.insert((*name).to_owned(), share);
            }
        }
        Ok(())
    }

    /// Whether it is the catalogue.
    pub(super) fn add_exploited(&mut self, node: &Node) -> bool {
        if node.get("id").is_some() || node.get("vulnerabilities").is_none() {
            return false;
        }
        let all = node.items_of("vulnerabilities").iter().filter_map(|it| it.text_of("cveID"));
        self.exploited.extend(all.filter(|name| is_cve(name)).map(str::to_owned));
        true
    }

    pub(super) fn len(&self) -> (usize, usize) {
        (self.likelihood.len(), self.exploited.len())
    }

    pub(super) fn apply(&self, advisory: &mut Advisory) {
        for name in std::iter::once(&advisory.id).chain(&advisory.aliases) {
            advisory.exploited |= self.exploited.contains(name);
            advisory.epss = self.likelihood.get(name).copied().max(advisory.epss);
        }
    }
}

/// A share of one in hundredths of a percent.
pub(super) fn share(text: &str) -> Option<u16> {
    let share: f64 = text.trim().parse().ok()?;
    let hundredths = (share * 10_000.0).round();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 10 000")]
    (0.0..=10_000.0).contains(&hundredths).then_some(hundredths as u16)
}

fn is_cve(name: &str) -> bool {
    name.starts_with("CVE-") && name.len() <= 32
}
