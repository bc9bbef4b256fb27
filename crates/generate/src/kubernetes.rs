//! `gabion generate kubernetes`: the application behind the gate, under the restricted pod security standard.

use gabion_model::Problem;

use crate::container::health_problem;
use crate::template::fill;
use crate::{File, Generated, Limit, Origin};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// RFC 1123 label.
    pub name: String,
    pub namespace: String,
    /// With its digest: `registry.example/shop@sha256:...`.
    pub image: String,
    pub port: u16,
    pub health: String,
    /// Where the gate runs, its pods labelled `app.kubernetes.io/name: gabion`, and the port they listen on.
    pub gate_namespace: String,
    pub gate_port: u16,
}

impl Facts {
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (flag, name) in [
            ("--name", &self.name),
            ("--namespace", &self.namespace),
            ("--gate-namespace", &self.gate_namespace),
        ] {
            if !is_label(name) {
                let problem = Problem::new(flag, "is no name that Kubernetes takes");
                problems.push(
                    problem.hint("at most 63 small letters, digits and `-`, a letter first, no `-` last"),
                );
            }
        }
        let image = |character: char| character.is_ascii_alphanumeric() || "._-/:@".contains(character);
        if self.image.is_empty() || !self.image.chars().all(image) {
            problems.push(
                Problem::new("--image", "is no image")
                    .hint("for instance `registry.example/shop@sha256:...`"),
            );
        }
        problems.extend(health_problem(&self.health));
        problems
    }
}

fn is_label(name: &str) -> bool {
    name.len() <= 63
        && name
            .chars()
            .all(|character| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-')
        && name.chars().next().is_some_and(|first| first.is_ascii_lowercase())
        && !name.ends_with('-')
}

#[must_use]
pub fn manifests(facts: &Facts, origin: &Origin) -> Generated {
    let mut limits = vec![Limit::new(
        "kubernetes.yaml",
        format!(
            "the gate itself is not in it: its pods must run in `{}` with the label `app.kubernetes.io/name: gabion`",
            facts.gate_namespace
        ),
    )];
    let pinned = facts
        .image
        .split_once("@sha256:")
        .is_some_and(|(_, hash)| hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if !pinned {
        limits.push(Limit::new(
            "--image",
            "is named by a tag, which can be made to mean another image; give its digest",
        ));
    }
    let (port, gate_port) = (facts.port.to_string(), facts.gate_port.to_string());
    let values = [
        ("name", facts.name.as_str()),
        ("namespace", &facts.namespace),
        ("image", &facts.image),
        ("port", &port),
        ("health", &facts.health),
        ("gate_namespace", &facts.gate_namespace),
        ("gate_port", &gate_port),
    ];
    let text = format!(
        "{}{}",
        origin.header("#", &limits),
        fill(include_str!("../templates/kubernetes.yaml"), &values)
    );
    Generated { files: vec![File { path: "kubernetes.yaml".to_owned(), text }], limits }
}
