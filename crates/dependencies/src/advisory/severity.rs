//! How bad a flaw is: scores computed from CVSS vectors, or the word of whoever wrote the advisory.

use std::str::FromStr as _;

use cvss::Cvss;
use gabion_model::Severity;

/// The highest score of some vectors with its vector, as `9.8 CVSS:3.1/…`. The newest version of CVSS counts before the others: that
/// is what its authors meant by scoring anew.
pub(crate) fn score(vectors: &[&str]) -> Option<(f64, String)> {
    let version = |vector: &str| vector.get(5..8).unwrap_or_default().to_owned();
    let mut read: Vec<(String, f64, &str)> = vectors
        .iter()
        .filter(|vector| vector.len() <= 512 && is_complete(vector))
        .filter_map(|vector| {
            let score = Cvss::from_str(vector.trim()).ok()?.score();
            Some((version(vector), score, *vector))
        })
        .collect();
    read.sort_by(|one, other| one.0.cmp(&other.0).then(one.1.total_cmp(&other.1)));
    let (_, score, vector) = read.pop()?;
    Some((score, format!("{score:.1} {vector}")))
}

/// Whether every base metric is there. The crate takes one that lacks for harmless.
fn is_complete(vector: &str) -> bool {
    let base: &[&str] = if vector.starts_with("CVSS:4") {
        &["AV", "AC", "AT", "PR", "UI", "VC", "VI", "VA", "SC", "SI", "SA"]
    } else {
        &["AV", "AC", "PR", "UI", "S", "C", "I", "A"]
    };
    base.iter().all(|name| vector.split('/').skip(1).any(|part| part.split(':').next() == Some(name)))
}

/// The scale of CVSS 3.1 §5, which 4.0 kept.
pub(crate) fn of_score(score: f64) -> Severity {
    match score {
        it if it >= 9.0 => Severity::Critical,
        it if it >= 7.0 => Severity::High,
        it if it >= 4.0 => Severity::Medium,
        it if it > 0.0 => Severity::Low,
        _ => Severity::Informational,
    }
}

pub(crate) fn of_word(word: &str) -> Option<Severity> {
    Some(match word.to_ascii_lowercase().as_str() {
        "critical" => Severity::Critical,
        "high" | "important" => Severity::High,
        "medium" | "moderate" => Severity::Medium,
        "low" | "minor" => Severity::Low,
        "none" | "informational" => Severity::Informational,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_those_of_the_published_examples() {
        // FIRST, CVSS 3.1 and 4.0 examples documents.
        for (vector, expected) in [
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1),
            ("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N", 6.4),
            ("CVSS:3.0/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N", 3.1),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10.0),
            ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H", 10.0),
            ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 9.3),
            ("CVSS:4.0/AV:L/AC:L/AT:P/PR:L/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 7.3),
        ] {
            let (score, text) = score(&[vector]).unwrap();
            assert!((score - expected).abs() < 0.05, "{vector}: {score}");
            assert_eq!(text, format!("{expected:.1} {vector}"));
        }
        assert_eq!(score(&["CVSS:3.1/AV:N", "nothing", ""]), None);
    }

    #[test]
    fn the_newest_version_counts() {
        let old = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H";
        let new = "CVSS:4.0/AV:L/AC:L/AT:P/PR:L/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N";
        assert_eq!(score(&[new, old]).unwrap().1, format!("7.3 {new}"));
    }
}
