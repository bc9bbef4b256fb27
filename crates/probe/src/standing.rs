//! Who stands above whom: by the roles that the facts name, or by what people are called.

use crate::field::{Field, Person};

/// How much somebody is meant to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    Nobody,
    Ordinary,
    /// More than others, and not everything.
    Staff,
    Administrator,
}

/// The standing of a person at [`Field::people`].
#[must_use]
pub fn standing(field: &Field, who: usize) -> Standing {
    if who == 0 { Standing::Nobody } else { of(field.person(who)) }
}

fn of(person: &Person) -> Standing {
    let named = person.role.as_deref().unwrap_or(&person.user);
    let mut words = words(named);
    if words.any(|word| ADMINISTRATORS.contains(&word.as_str())) {
        return Standing::Administrator;
    }
    let staff = self::words(named).any(|word| STAFF.contains(&word.as_str()));
    if person.role.is_some() && staff { Standing::Staff } else { Standing::Ordinary }
}

/// The standing that a path asks for by one of its words: `/api/admin/users`.
#[must_use]
pub fn standing_of_path(template: &str) -> Option<Standing> {
    let mut found = None;
    for segment in template.split('/').filter(|segment| !segment.contains('{')) {
        for word in words(segment) {
            if ADMINISTRATORS.contains(&word.as_str()) || ADMINISTRATIVE.contains(&word.as_str()) {
                return Some(Standing::Administrator);
            }
            if STAFF.contains(&word.as_str()) {
                found = Some(Standing::Staff);
            }
        }
    }
    found
}

fn words(text: &str) -> impl Iterator<Item = String> {
    let parts = text.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
    parts.map(str::to_ascii_lowercase)
}

const ADMINISTRATORS: &[&str] =
    &["admin", "admins", "administrator", "administrators", "root", "superuser", "superadmin", "sysadmin"];
/// What only paths are called.
const ADMINISTRATIVE: &[&str] = &["administration", "backoffice", "actuator"];
const STAFF: &[&str] = &["staff", "manager", "moderator", "operator", "supervisor"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_come_before_names_and_whole_words_count() {
        let person =
            |user: &str, role: Option<&str>| of(&Person::new(user, user, role.map(str::to_owned), None));
        assert_eq!(person("ann", Some("admin")), Standing::Administrator);
        assert_eq!(person("admin@example.com", None), Standing::Administrator);
        assert_eq!(person("admin", Some("member")), Standing::Ordinary);
        assert_eq!(person("rootes", None), Standing::Ordinary);
        assert_eq!(person("operator", None), Standing::Ordinary);
        assert_eq!(person("bo", Some("shift manager")), Standing::Staff);
        assert_eq!(standing_of_path("/api/admin/users/{id}"), Some(Standing::Administrator));
        assert_eq!(standing_of_path("/administrative-areas"), None);
        assert_eq!(standing_of_path("/users/{admin}"), None);
    }
}
