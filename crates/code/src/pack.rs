//! The rules and models that come with the program.

macro_rules! files {
    ($folder:literal: $($name:literal),* $(,)?) => {
        &[$((concat!($folder, "/", $name), include_str!(concat!("../../../", $folder, "/", $name)))),*]
    };
}

pub(crate) const RULES: &[(&str, &str)] = files!["rules/code": "injection.toml", "cryptography.toml", "regex.toml", "jwt.toml", "secrets-in-flight.toml"];

pub(crate) const MODELS: &[(&str, &str)] = files!["rules/code/models": "express.toml", "java.toml", "node.toml", "python.toml", "java-patterns.toml", "browser.toml", "javascript-data.toml", "javascript-patterns.toml", "javascript-secrets.toml", "javascript-servers.toml", "python-patterns.toml"];
