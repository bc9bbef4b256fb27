//! The rules that come with the program.

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        /// The files of `rules/secrets`, as JSON that the build made of them.
        pub(crate) const FILES: &[(&str, &str)] =
            &[$((concat!("secrets/", $name), include_str!(concat!(env!("OUT_DIR"), "/rules/secrets/", $name, ".json")))),*];
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
    "generic-forms.toml",
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
