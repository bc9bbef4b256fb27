//! Findings in what is no file of the tree: a text of the history, a member of an archive.

use std::collections::HashSet;

use gabion_finding::{Finding, Fingerprint, Scanner, Source};
use gabion_model::Secret;

use crate::frame::{Frame, Redactor, everywhere, frame, merge};

/// A finding with what is shown of its place: nobody can look there again.
#[derive(Debug)]
pub struct Elsewhere {
    pub finding: Finding,
    pub frame: Frame,
    /// The one thing that is not shown of it, for whoever asks whether it still works.
    pub secret: Option<Secret<String>>,
}

/// The scanner that looks there: only secrets hurt wherever they are.
pub(crate) const SECRETS: &str = "secrets";

/// What the scanners find in a text. `known` are findings that are not said again.
pub(crate) fn look(
    scanners: &[&dyn Scanner],
    path: &str,
    text: &str,
    known: &HashSet<Fingerprint>,
) -> Vec<Elsewhere> {
    let source = Source::new(path, text);
    let mut findings: Vec<Finding> =
        scanners.iter().flat_map(|scanner| scanner.file(&source).verdict.findings).collect();
    let hidden = merge(findings.iter().flat_map(|finding| finding.hidden.iter().copied()).collect());
    let redactor = Redactor::new(text, &hidden);
    let hidden = everywhere(text, &hidden);
    findings.retain(|finding| !known.contains(&finding.fingerprint));
    let seen = |mut finding: Finding| {
        redactor.apply(&mut finding.message);
        finding.properties.values_mut().for_each(|value| redactor.apply(value));
        // It would change what is no file.
        finding.fix = None;
        let frame = frame(&source, &finding.place, &hidden);
        let secret = match finding.hidden.as_slice() {
            [span] => Some(Secret::new(span.of(text).to_owned())),
            _ => None,
        };
        Elsewhere { finding, frame, secret }
    };
    findings.into_iter().map(seen).collect()
}
