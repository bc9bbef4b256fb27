//! The table `[mail]` of the configuration.

use std::net::IpAddr;
use std::path::PathBuf;

use gabion_model::Problem;
use lettre::Address;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How letters leave: links to choose a new password, to confirm an address, notices of new devices.
/// Without it people cannot help themselves; an administrator makes links for them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MailSettings {
    /// `off`: no letters. `smtp`: through the server below. `file`: one `.eml` file per letter in
    /// `directory`, for development.
    pub transport: MailTransport,
    /// The address letters come from. Needed unless `transport` is `off`.
    pub from: String,
    /// The name beside it.
    pub from_name: String,
    /// The SMTP server.
    pub host: String,
    /// Its port. Without it 587 for `starttls`, 465 for `tls`, 25 for `plain`.
    pub port: Option<u16>,
    /// `starttls`: the connection is secured before anything is said, or nothing is sent. `tls`: secured
    /// from the first byte. `plain`: not secured, and only to this machine.
    pub security: MailSecurity,
    /// The name to sign in with at the server. Without it, no sign-in.
    pub username: Option<String>,
    /// The file with the password, which is its first line. A relative path counts from the
    /// configuration file.
    pub password_file: Option<PathBuf>,
    /// Certificates in PEM form of authorities that are believed beside those of the machine. A relative
    /// path counts from the configuration file.
    pub ca_file: Option<PathBuf>,
    /// Where the `file` transport writes. A relative path counts from the configuration file.
    pub directory: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MailTransport {
    #[default]
    Off,
    Smtp,
    File,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MailSecurity {
    #[default]
    Starttls,
    Tls,
    Plain,
}

impl Default for MailSettings {
    fn default() -> Self {
        Self {
            transport: MailTransport::Off,
            from: String::new(),
            from_name: "Gabion".to_owned(),
            host: String::new(),
            port: None,
            security: MailSecurity::Starttls,
            username: None,
            password_file: None,
            ca_file: None,
            directory: PathBuf::from("mail"),
        }
    }
}

impl MailSettings {
    /// Everything wrong with these values; paths are relative to the table.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.transport == MailTransport::Off {
            return problems;
        }
        if self.from.parse::<Address>().is_err() {
            problems.push(
                Problem::new("from", format!("`{}` is no e-mail address", self.from))
                    .hint("for instance `from = \"no-reply@example.org\"`"),
            );
        }
        if self.from_name.chars().any(char::is_control) {
            problems.push(Problem::new("from_name", "has a control character"));
        }
        if self.transport == MailTransport::File {
            if self.directory.as_os_str().is_empty() {
                problems
                    .push(Problem::new("directory", "is empty").hint("for instance `directory = \"mail\"`"));
            }
            return problems;
        }
        let host = |byte: u8| byte.is_ascii_alphanumeric() || b".-:".contains(&byte);
        if self.host.is_empty() || !self.host.bytes().all(host) {
            problems.push(
                Problem::new("host", format!("`{}` is no host name or address", self.host))
                    .hint("for instance `host = \"smtp.example.org\"`"),
            );
        }
        if self.port == Some(0) {
            problems.push(Problem::new("port", "0 is no port"));
        }
        if self.security == MailSecurity::Plain && !self.is_local() {
            let reason = "letters and the password would cross the network unprotected";
            problems.push(
                Problem::new("security", reason)
                    .hint("use `starttls` or `tls`; `plain` is for a server on 127.0.0.1, ::1 or localhost"),
            );
        }
        match (&self.username, &self.password_file) {
            (Some(_), None) => problems.push(
                Problem::new("username", "there is no password for it")
                    .hint("name the file that holds it: `password_file = \"smtp-password\"`"),
            ),
            (None, Some(_)) => problems.push(Problem::new("password_file", "there is no `username` for it")),
            _ => {}
        }
        problems
    }

    /// The server is this machine.
    fn is_local(&self) -> bool {
        self.host == "localhost" || self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    pub(crate) const fn port(&self) -> u16 {
        match (self.port, self.security) {
            (Some(port), _) => port,
            (None, MailSecurity::Starttls) => 587,
            (None, MailSecurity::Tls) => 465,
            (None, MailSecurity::Plain) => 25,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn smtp() -> MailSettings {
        MailSettings {
            transport: MailTransport::Smtp,
            from: "no-reply@example.org".to_owned(),
            host: "smtp.example.org".to_owned(),
            ..MailSettings::default()
        }
    }

    fn paths(settings: &MailSettings) -> Vec<String> {
        settings.problems().into_iter().map(|problem| problem.path).collect()
    }

    #[test]
    fn the_default_sends_nothing_and_needs_nothing() {
        assert_eq!(MailSettings::default().problems(), []);
        assert_eq!(smtp().problems(), []);
    }

    #[test]
    fn what_cannot_work_or_would_not_be_safe_is_told() {
        assert_eq!(paths(&MailSettings { from: "nobody".to_owned(), ..smtp() }), ["from"]);
        assert_eq!(paths(&MailSettings { host: "smtp.example.org/x".to_owned(), ..smtp() }), ["host"]);
        let plain = MailSettings { security: MailSecurity::Plain, ..smtp() };
        assert_eq!(paths(&plain), ["security"]);
        for local in ["localhost", "127.0.0.1", "::1"] {
            assert_eq!(
                paths(&MailSettings { host: local.to_owned(), ..plain.clone() }),
                Vec::<String>::new()
            );
        }
        assert_eq!(paths(&MailSettings { username: Some("gate".to_owned()), ..smtp() }), ["username"]);
        assert_eq!(paths(&MailSettings { password_file: Some("x".into()), ..smtp() }), ["password_file"]);
    }
}
