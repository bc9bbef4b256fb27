//! What a person, a group, a role can be: every problem at once, each with the field it is in.

use gabion_identity::{AccountName, Email, Personal};
use gabion_model::{Problem, Role};

/// Collects problems while values are read.
#[derive(Debug, Default)]
pub(crate) struct Check(pub(crate) Vec<Problem>);

impl Check {
    pub(crate) fn name(&mut self, text: &str) -> Option<AccountName> {
        text.parse().map_err(|error| self.add("name", format!("`{}`: {error}", short(text)))).ok()
    }

    pub(crate) fn group_name(&mut self, text: &str) -> Option<gabion_identity::GroupName> {
        text.parse().map_err(|error| self.add("name", format!("`{}`: {error}", short(text)))).ok()
    }

    /// Of a group that is named somewhere else.
    pub(crate) fn group_name_at(&mut self, path: &str, text: &str) -> Option<gabion_identity::GroupName> {
        text.parse().map_err(|error| self.add(path, format!("`{}`: {error}", short(text)))).ok()
    }

    pub(crate) fn email(&mut self, text: &str) -> Option<Email> {
        text.parse().map_err(|error| self.add("email", format!("`{}`: {error}", short(text)))).ok()
    }

    pub(crate) fn roles(&mut self, words: &[String]) -> Vec<Role> {
        if words.len() > MOST_ROLES {
            self.add("roles", format!("there are more than {MOST_ROLES}"));
        }
        let mut roles: Vec<Role> = Vec::new();
        for word in words {
            self.word("roles", word);
            let role = Role::new(word);
            if !roles.contains(&role) {
                roles.push(role);
            }
        }
        roles
    }

    pub(crate) fn word(&mut self, path: &str, word: &str) {
        if !is_word(word) {
            let problem = Problem::new(path, format!("`{}` cannot be used", short(word)));
            self.0.push(problem.hint("1 to 64 letters, digits and `. _ - :`"));
        }
    }

    pub(crate) fn external_id(&mut self, text: &str) {
        if text.is_empty() || text.len() > LONGEST || text.chars().any(char::is_control) {
            self.add(
                "external_id",
                format!("an external id has 1 to {LONGEST} characters, none a control character"),
            );
        }
    }

    /// Texts of bounded length; addresses of pages are `https://` or `http://`.
    pub(crate) fn personal(&mut self, personal: &Personal) {
        let serde_json::Value::Object(fields) = serde_json::to_value(personal).unwrap_or_default() else {
            return;
        };
        for (field, value) in fields {
            let texts = match &value {
                serde_json::Value::String(text) => vec![(format!("personal.{field}"), text.as_str())],
                serde_json::Value::Object(inner) => inner
                    .iter()
                    .filter_map(|(name, value)| Some((format!("personal.{field}.{name}"), value.as_str()?)))
                    .collect(),
                _ => Vec::new(),
            };
            for (path, text) in texts {
                let lines = path.ends_with(".formatted") || path.ends_with(".street_address");
                let control = |one: char| one.is_control() && !(lines && matches!(one, '\n' | '\r'));
                if text.is_empty() || text.len() > LONGEST || text.chars().any(control) {
                    self.add(
                        &path,
                        format!("a text of 1 to {LONGEST} bytes without control characters is needed"),
                    );
                }
            }
        }
        for (field, value) in
            [("profile", &personal.profile), ("picture", &personal.picture), ("website", &personal.website)]
        {
            let is_web = |text: &str| {
                url::Url::parse(text)
                    .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            };
            if value.as_deref().is_some_and(|text| !is_web(text)) {
                self.add(
                    &format!("personal.{field}"),
                    "an address that begins with https:// is needed".to_owned(),
                );
            }
        }
        if personal.birthdate.as_deref().is_some_and(|date| !is_date(date)) {
            self.add("personal.birthdate", "a date is written YYYY-MM-DD".to_owned());
        }
        let tag = |one: char| one.is_ascii_alphanumeric() || one == '-';
        if personal.locale.as_deref().is_some_and(|locale| locale.len() > 64 || !locale.chars().all(tag)) {
            self.add("personal.locale", "a language is written like `fr-CA`".to_owned());
        }
    }

    pub(crate) fn add(&mut self, path: &str, reason: String) {
        self.0.push(Problem::new(path, reason));
    }

    pub(crate) fn done(self) -> Result<(), crate::DirectoryError> {
        if self.0.is_empty() { Ok(()) } else { Err(crate::DirectoryError::Invalid(self.0)) }
    }
}

fn is_date(text: &str) -> bool {
    let mut parts = text.split('-');
    let mut number = |length: usize| {
        let part = parts.next().filter(|part| part.len() == length)?;
        part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse::<u32>().ok())?
    };
    let (year, month, day) = (number(4), number(2), number(2));
    year.is_some()
        && month.is_some_and(|month| (1..=12).contains(&month))
        && day.is_some_and(|day| (1..=31).contains(&day))
        && parts.next().is_none()
}

/// What can stand in a claim, a policy and a list without quoting.
fn is_word(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-:".contains(&byte))
}

/// As much of what somebody sent as is repeated to them.
fn short(text: &str) -> String {
    text.chars().take(64).map(|one| if one.is_control() { '\u{fffd}' } else { one }).collect()
}

const LONGEST: usize = 512;
const MOST_ROLES: usize = 64;
