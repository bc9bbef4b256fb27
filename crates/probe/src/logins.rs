//! Who signs in, as a list: a line `name password [role] [tenant]` each. Empty lines and lines after `#` say nothing.

use gabion_model::Secret;

use crate::facts::{Facts, Identity, Text};

/// Why a list of logins is none. The password is never in it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoginsError {
    #[error("line {line}: {words} words; hint: `name password [role] [tenant]`")]
    Words { line: usize, words: usize },
    #[error("there are more than {MOST} lines")]
    Many,
}

/// The most people.
const MOST: usize = 100;

/// Reads a list.
///
/// # Errors
/// Where a line is none.
pub fn logins(text: &str) -> Result<Vec<Identity>, LoginsError> {
    let mut all = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let (name, password, role, tenant) = match *words.as_slice() {
            [name, password] => (name, password, None, None),
            [name, password, role] => (name, password, Some(role), None),
            [name, password, role, tenant] => (name, password, Some(role), Some(tenant)),
            _ => return Err(LoginsError::Words { line: at.saturating_add(1), words: words.len() }),
        };
        if all.len() == MOST {
            return Err(LoginsError::Many);
        }
        all.push(Identity {
            name: name.to_owned(),
            user: None,
            password: Some(Text::Plain(Secret::new(password.to_owned()))),
            token: None,
            headers: std::collections::BTreeMap::new(),
            totp: None,
            recovery: Vec::new(),
            role: role.map(str::to_owned),
            tenant: tenant.map(str::to_owned),
            login: None,
        });
    }
    Ok(all)
}

impl Facts {
    /// With these people besides; who is there already gets the new password, and keeps the rest where a line does not say it.
    pub fn add_people(&mut self, people: Vec<Identity>) {
        for one in people {
            match self.identities.iter_mut().find(|own| own.name == one.name) {
                Some(own) => {
                    own.password = one.password;
                    own.user = one.user.or_else(|| own.user.take());
                    own.login = one.login.or_else(|| own.login.take());
                    own.headers.extend(one.headers);
                    own.role = one.role.or_else(|| own.role.take());
                    own.tenant = one.tenant.or_else(|| own.tenant.take());
                }
                None => self.identities.push(one),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_people() {
        let people = logins("# who\nann pw-of-ann\n\nben  pw  member  acme\n").unwrap();
        assert_eq!(people.len(), 2);
        assert_eq!(people[0].password.as_ref().unwrap().expose(), "pw-of-ann");
        assert_eq!((people[1].role.as_deref(), people[1].tenant.as_deref()), (Some("member"), Some("acme")));
        assert_eq!(logins("ann\n").unwrap_err(), LoginsError::Words { line: 1, words: 1 });
        let mut facts = Facts::of("http://127.0.0.1:1").with("ben", "old");
        facts.add_people(people);
        assert_eq!(facts.identities.len(), 2);
        assert_eq!(facts.identities[0].password.as_ref().unwrap().expose(), "pw");
        assert_eq!(facts.identities[0].role.as_deref(), Some("member"));
    }
}
