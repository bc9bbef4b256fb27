//! The rules that come with the program.

/// The files of `rules/secrets`: name and text.
#[must_use]
pub const fn sources() -> &'static [(&'static str, &'static str)] {
    FILES
}

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        const FILES: &[(&str, &str)] =
            &[$((concat!("secrets/", $name), include_str!(concat!("../../../rules/secrets/", $name)))),*];
    };
}

files![
    "ai.toml",
    "chat.toml",
    // Before the keys of Amazon, which look like some of these.
    "cloud-hosts.toml",
    "cloud-amazon-google.toml",
    "cloud-azure.toml",
    "commerce.toml",
    "data.toml",
    "delivery-build.toml",
    "delivery-run.toml",
    "generic.toml",
    "identity.toml",
    "keys.toml",
    "mail.toml",
    "observability.toml",
    "payment.toml",
    "productivity.toml",
    "registry.toml",
    "social.toml",
    "source.toml",
];
