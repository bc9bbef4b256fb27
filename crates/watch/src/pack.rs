//! What comes with the program.

use crate::load::Source;

/// The files of `rules/detections`.
#[must_use]
pub fn sources() -> Vec<Source> {
    let source =
        |(file, text): &(&str, &str)| Source { file: format!("pack/{file}"), text: (*text).to_owned() };
    FILES.iter().map(source).collect()
}

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        const FILES: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../../rules/detections/", $name)))),*];
    };
}

files![
    "administration.yml",
    "bad_requests.yml",
    "brute_force.yml",
    "canary.yml",
    "credential_stuffing.yml",
    "enumeration.yml",
    "guessed.yml",
    "password_spraying.yml",
    "privilege.yml",
    "protection.yml",
    "rate_limit.yml",
    "scanner.yml",
    "second_factor.yml",
    "sessions.yml",
    "sign_in.yml",
    "token_replay.yml",
    "usage.yml",
];
