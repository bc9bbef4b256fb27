//! `gabion generate dockerfile`: an image in which nothing runs as root and, where it can be, nothing is a shell.

use gabion_model::Problem;

use crate::template::fill;
use crate::{File, Generated, Limit, Origin};

/// What the application is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ecosystem {
    Go,
    Java,
    Node,
    Python,
    Rust,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// What is started: a file of Node.js (`dist/server.js`), a module of Python (`app.main`), the name of the program
    /// of Rust and Go, or of the JAR.
    pub entry: String,
    pub port: u16,
    /// The path that answers while all is well.
    pub health: String,
}

impl Facts {
    /// What would not be one word in an image or a manifest.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let entry = |character: char| character.is_ascii_alphanumeric() || "._-/".contains(character);
        if self.entry.is_empty() || !self.entry.chars().all(entry) || self.entry.starts_with('-') {
            problems.push(
                Problem::new("--entry", "is no name of a program or file")
                    .hint("for instance `dist/server.js`"),
            );
        }
        problems.extend(health_problem(&self.health));
        problems
    }
}

pub(crate) fn health_problem(path: &str) -> Option<Problem> {
    let plain = |character: char| character.is_ascii_alphanumeric() || "/._~-".contains(character);
    let well = path.starts_with('/') && path.chars().all(plain);
    (!well).then(|| Problem::new("--health", "is no plain path").hint("for instance `/healthz`"))
}

#[must_use]
pub fn dockerfile(ecosystem: Ecosystem, facts: &Facts, origin: &Origin) -> Generated {
    let (template, build, run) = match ecosystem {
        Ecosystem::Go => (
            include_str!("../templates/go.Dockerfile"),
            "docker.io/library/golang:1-trixie",
            "static-debian13",
        ),
        Ecosystem::Java => (
            include_str!("../templates/java.Dockerfile"),
            "docker.io/library/maven:3-eclipse-temurin-21",
            "java21-debian13",
        ),
        Ecosystem::Node => (
            include_str!("../templates/node.Dockerfile"),
            "docker.io/library/node:24-trixie-slim",
            "nodejs24-debian13",
        ),
        Ecosystem::Python => (
            include_str!("../templates/python.Dockerfile"),
            "docker.io/library/python:3.13-slim-trixie",
            "python3-debian13",
        ),
        Ecosystem::Rust => (
            include_str!("../templates/rust.Dockerfile"),
            "docker.io/library/rust:1-slim-trixie",
            "cc-debian13",
        ),
    };
    let mut limits = vec![Limit::new(
        "Dockerfile",
        "the digests of its images are not in it (nothing is fetched to make it); it does not build without them",
    )];
    if matches!(ecosystem, Ecosystem::Go | Ecosystem::Java | Ecosystem::Rust) {
        limits.push(Limit::new("Dockerfile", "no health check: the image holds no program that could ask"));
    }
    let digests = format!(
        "#\n# A tag can be made to mean another image; a digest cannot. Nobody but you can say which images you mean, so the two\n\
         # digests have no default and the build stops without them. Look, decide, and keep them in your CI:\n\
         #\n#   docker buildx imagetools inspect {build} --format '{{{{.Manifest.Digest}}}}'\n\
         #   docker buildx imagetools inspect gcr.io/distroless/{run}:nonroot --format '{{{{.Manifest.Digest}}}}'\n\
         #   docker build --build-arg BUILD_DIGEST=sha256:... --build-arg RUN_DIGEST=sha256:... ."
    );
    let port = facts.port.to_string();
    let values =
        [("digests", digests.as_str()), ("port", &port), ("health", &facts.health), ("entry", &facts.entry)];
    let filled = fill(template, &values);
    // The syntax line counts only when it is the first.
    let text = match filled.split_once('\n') {
        Some((syntax, rest)) => format!("{syntax}\n{}{rest}", origin.header("#", &[])),
        None => filled,
    };
    let ignored = format!("{}{}", origin.header("#", &[]), include_str!("../templates/dockerignore"));
    let files = vec![
        File { path: "Dockerfile".to_owned(), text },
        File { path: ".dockerignore".to_owned(), text: ignored },
    ];
    Generated { files, limits }
}
