//! What the fields of an account's requests mean, by their names, and requests of accounts filled in.

use serde_json::Value;

use crate::call::{Call, Payload, Put, text_of};
use crate::facts::Template;
use crate::field::Field;
use crate::learn;
use crate::operation::{Operation, Place, Point};

/// What a field of such a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    User,
    /// Of the person: it may be what they sign in with, where nothing else is.
    Name,
    Mail,
    Id,
    Password,
    Old,
    New,
    Again,
    /// What proves that somebody got a letter.
    Token,
    /// To terms and the like.
    Consent,
    Other,
}

/// Whether a value that is written decides whether somebody of the facts can go on: who is renamed, locked or moved by a test cannot
/// be signed in again. It belongs to their account where the path names that.
#[must_use]
pub(crate) fn is_needed(field: &Field, call: &Call, point: &Point) -> bool {
    let written = matches!(point.place, Place::Json | Place::Form) && !call.path.is_empty();
    let decides = |part: &str| decides(part.trim_end_matches(']'));
    if !written || !point.name.split(['/', '.', '[']).any(decides) {
        return false;
    }
    let users: Vec<&str> = field.facts.identities.iter().map(|identity| identity.user()).collect();
    call.path.values().map(text_of).any(|id| {
        users.contains(&id.as_str())
            || field.objects.iter().filter(|object| object.id == id).any(|object| {
                object.fields.values().filter_map(Value::as_str).any(|value| users.contains(&value))
            })
    })
}

/// Whether a property of an account decides, by its name, who signs in as it and with which rights.
pub(crate) fn decides(name: &str) -> bool {
    DECIDING.contains(&name.to_ascii_lowercase().as_str())
}

/// Names of properties of an account without which nobody signs in as before.
const DECIDING: &[&str] = &[
    "active",
    "banned",
    "blocked",
    "disabled",
    "enabled",
    "group",
    "groups",
    "locked",
    "login",
    "loginname",
    "name",
    "role",
    "roles",
    "state",
    "status",
    "suspended",
    "tenant",
    "user",
    "username",
];

/// What a field means by its name.
#[must_use]
pub(crate) fn meaning(name: &str) -> Meaning {
    let name: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect();
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    let is = |words: &[&str]| words.contains(&name.as_str());
    if has(&["passw", "pwd", "passphrase"]) || is(&["pass", "pass1", "pass2", "newpass", "oldpass"]) {
        return match () {
            () if has(&["old", "current", "existing", "previous", "present"]) => Meaning::Old,
            () if has(&["confirm", "repeat", "again", "verif", "retype"]) || name.ends_with('2') => {
                Meaning::Again
            }
            () if has(&["token", "code"]) => Meaning::Token,
            () if has(&["new"]) => Meaning::New,
            () => Meaning::Password,
        };
    }
    match () {
        () if has(&["mail"]) => Meaning::Mail,
        () if is(&["user", "username", "login", "account", "handle", "uname", "nickname", "loginname"]) => {
            Meaning::User
        }
        () if is(&["name", "displayname", "fullname", "firstname", "lastname"]) => Meaning::Name,
        () if is(&["id", "userid", "uid", "accountid", "uuid", "memberid", "customerid"]) => Meaning::Id,
        () if is(&["token", "code", "otp", "pin", "key", "hash", "resettoken", "resetcode", "t"]) => {
            Meaning::Token
        }
        () if has(&["accept", "agree", "terms", "consent", "policy", "privacy", "tos"]) => Meaning::Consent,
        () => Meaning::Other,
    }
}

/// What goes into the places of an account's request.
#[derive(Clone, Copy, Default)]
pub(crate) struct Values<'a> {
    pub(crate) user: &'a str,
    pub(crate) email: &'a str,
    pub(crate) id: &'a str,
    /// The password of now.
    pub(crate) password: &'a str,
    /// The one to come; nothing where there is only one.
    pub(crate) new: &'a str,
    pub(crate) token: &'a str,
}

/// A request of accounts: as the facts say it, or found by its names.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Declared(Template),
    Found(Call),
}

impl Step {
    /// With its places filled in.
    pub(crate) fn call(&self, values: &Values<'_>) -> Call {
        let new = if values.new.is_empty() { values.password } else { values.new };
        match self {
            Self::Declared(template) => template.call(&|text| {
                text.replace("{user}", values.user)
                    .replace("{email}", values.email)
                    .replace("{id}", values.id)
                    .replace("{password}", values.password)
                    .replace("{new}", new)
                    .replace("{token}", values.token)
            }),
            Self::Found(call) => {
                let points = call.points();
                let two = points.iter().any(|point| meaning(point.word()) == Meaning::New);
                let mut out = call.clone();
                for point in &points {
                    let value = match of(call, point) {
                        Meaning::User | Meaning::Name => values.user,
                        Meaning::Mail => values.email,
                        Meaning::Id => values.id,
                        Meaning::Old => values.password,
                        Meaning::Password if two => values.password,
                        Meaning::Password | Meaning::New | Meaning::Again => new,
                        Meaning::Token => values.token,
                        Meaning::Consent | Meaning::Other => "",
                    };
                    if !value.is_empty() {
                        let number = call_takes_number(call, point).then(|| value.parse::<i64>().ok());
                        out = match number.flatten() {
                            Some(number) => out.with(point, &Put::Json(Value::from(number))),
                            None => out.with(point, &Put::Text(value)),
                        };
                    }
                }
                out
            }
        }
    }

    /// The same without the fields of a meaning; nothing where it has none.
    pub(crate) fn without(&self, gone: Meaning, values: &Values<'_>) -> Option<Call> {
        let mut call = self.call(values);
        let before = call.clone();
        match &mut call.payload {
            Payload::Form(fields) => fields.retain(|(name, _)| meaning(name) != gone),
            Payload::Json(Value::Object(members)) => members.retain(|name, _| meaning(name) != gone),
            _ => {}
        }
        call.query.retain(|(name, _)| meaning(name) != gone);
        (call != before).then_some(call)
    }

    /// Whether it has a field of that meaning, or a place for it.
    pub(crate) fn has(&self, wanted: Meaning) -> bool {
        let call = self.call(&Values { password: "a", new: "b", ..Values::default() });
        let two = call.points().iter().any(|point| meaning(point.word()) == Meaning::New);
        call.points().iter().any(|point| {
            let own = of(&call, point);
            own == wanted || wanted == Meaning::Old && two && own == Meaning::Password
        })
    }

    /// The operation as reports name it.
    pub(crate) fn id(&self) -> String {
        match self {
            Self::Declared(template) => template.operation.clone(),
            Self::Found(call) => format!("{} {}", call.method, call.template),
        }
    }
}

fn call_takes_number(call: &Call, point: &Point) -> bool {
    matches!((&call.payload, point.place), (Payload::Json(body), Place::Json) if body.pointer(&point.name).is_some_and(Value::is_number))
}

/// What a point means; a parameter of a path by what stands before it too: `/users/{key}/password`.
pub(crate) fn of(call: &Call, point: &Point) -> Meaning {
    let own = meaning(point.word());
    if point.place != Place::Path || !matches!(own, Meaning::Other | Meaning::Token | Meaning::Name) {
        return own;
    }
    let noun = learn::noun_of(&call.template, &point.name);
    match () {
        () if own == Meaning::Name => Meaning::User,
        () if matches!(noun.as_str(), "user" | "account" | "member" | "customer" | "profile") => Meaning::Id,
        () => own,
    }
}

/// The request that would be sent of an operation, with the places for the account's values in it.
pub(crate) fn draft(field: &Field, operation: &Operation) -> Call {
    let mut call = Call::new(&operation.method, &operation.path);
    for parameter in &operation.parameters {
        match parameter.place {
            Place::Path => {
                call.path.insert(parameter.name.clone(), Value::from("1"));
            }
            Place::Query if parameter.required || meaning(&parameter.name) != Meaning::Other => {
                call.query.push((parameter.name.clone(), Value::from("")));
            }
            _ => {}
        }
    }
    call.payload = learn::payload(field, operation, 0);
    call
}

/// The meanings of everything in a call.
pub(crate) fn meanings(call: &Call) -> Vec<Meaning> {
    call.points().iter().map(|point| of(call, point)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_say_what_fields_are_for() {
        for (name, own) in [
            ("username", Meaning::User),
            ("e-mail", Meaning::Mail),
            ("currentPassword", Meaning::Old),
            ("password_confirmation", Meaning::Again),
            ("new_password", Meaning::New),
            ("passwd", Meaning::Password),
            ("reset_token", Meaning::Token),
            ("passport", Meaning::Other),
            ("compass", Meaning::Other),
            ("acceptTerms", Meaning::Consent),
        ] {
            assert_eq!(meaning(name), own, "{name}");
        }
    }

    #[test]
    fn places_are_found_and_filled() {
        let mut call = Call::new("PUT", "/users/{key}/password");
        call.path.insert("key".to_owned(), json!("1"));
        call.payload = Payload::Json(json!({ "password": "", "newPassword": "", "user_id": 1 }));
        let step = Step::Found(call);
        let values = Values { id: "7", password: "old", new: "fresh", ..Values::default() };
        let filled = step.call(&values);
        assert_eq!(filled.path_text(), "/users/7/password");
        assert_eq!(
            filled.payload,
            Payload::Json(json!({ "password": "old", "newPassword": "fresh", "user_id": 7 }))
        );
        assert!(step.has(Meaning::Old) && step.has(Meaning::Id) && !step.has(Meaning::Mail));
        let without = step.without(Meaning::Password, &values).unwrap();
        assert_eq!(without.payload, Payload::Json(json!({ "newPassword": "fresh", "user_id": 7 })));
    }
}
