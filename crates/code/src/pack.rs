//! The rules and models that come with the program, as JSON that the build made of them.

macro_rules! files {
    ($folder:literal: $($name:literal),* $(,)?) => {
        &[$((concat!($folder, "/", $name), include_str!(concat!(env!("OUT_DIR"), "/", $folder, "/", $name, ".json")))),*]
    };
}

pub(crate) const RULES: &[(&str, &str)] = files![
    "rules/code":
    "cryptography.toml",
    "go.toml",
    "go-services.toml",
    "injection-queries.toml",
    "injection-programs.toml",
    "injection-places.toml",
    "injection-pages.toml",
    "library.toml",
    "script-accounts.toml",
    "script-checks.toml",
    "script-injection.toml",
    "java-documents.toml",
    "script-pages.toml",
    "java-flows.toml",
    "java-settings.toml",
    "java.toml",
    "jwt.toml",
    "python-careless.toml",
    "python-flows.toml",
    "python-guards.toml",
    "python-repairs.toml",
    "python-settings.toml",
    "regex.toml",
    "rust-services.toml",
    "secret-values.toml",
    "secrets-in-flight.toml",
    "spring.toml",
    "cookies.toml",
    "web-headers.toml",
    "crypto-use.toml",
    "express.toml",
    "uploads.toml",
];

pub(crate) const MODELS: &[(&str, &str)] = files![
    "rules/code/models":
    "browser.toml",
    "chance.toml",
    "express.toml",
    "go.toml",
    "go-data.toml",
    "go-services.toml",
    "java-answers.toml",
    "java-clients.toml",
    "java-documents.toml",
    "java-errors.toml",
    "java-library.toml",
    "java-patterns.toml",
    "java-queries.toml",
    "java-sinks.toml",
    "java.toml",
    "javascript-accounts.toml",
    "javascript-data.toml",
    "javascript-objects.toml",
    "javascript-patterns.toml",
    "javascript-secrets.toml",
    "javascript-servers.toml",
    "node.toml",
    "python-answer.toml",
    "python-data.toml",
    "python-patterns.toml",
    "python-request.toml",
    "python-secrets.toml",
    "python-system.toml",
    "python-values.toml",
    "rust-data.toml",
    "rust-services.toml",
    "rust.toml",
];
