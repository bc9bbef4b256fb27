//! What other programs write, read into people.

use std::collections::BTreeMap;

use gabion_model::Secret;
use gabion_service::from_keycloak;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Found, Wrong, csv};
use crate::control::operation::{ImportAccount, Password};
use crate::failure::Failure;

/// Everybody in a file, whatever program wrote it.
pub(super) fn people(text: &str) -> Result<Vec<Found>, Failure> {
    let begin = text.trim_start_matches('\u{feff}').trim_start();
    let found = match begin.chars().next() {
        Some('[') => django(begin)?,
        Some('{') => match serde_json::from_str::<Value>(begin) {
            Ok(Value::Object(whole)) if whole.contains_key("users") => keycloak(&whole),
            _ => json_lines(text),
        },
        Some(_) => table(text)?,
        None => Vec::new(),
    };
    if found.is_empty() {
        return Err(Failure::usage("there is nobody in the file").hint(
            "it is read as JSON lines, CSV with a header, a Keycloak realm export, or Django's `dumpdata`",
        ));
    }
    Ok(found)
}

fn json_lines(text: &str) -> Vec<Found> {
    let lines = text.lines().zip(1_usize..).filter(|(line, _)| !line.trim().is_empty());
    let read = |(line, number): (&str, usize)| Found {
        place: format!("line {number}"),
        person: serde_json::from_str::<ImportAccount>(line).map_err(|error| malformed(&error)),
    };
    lines.map(read).collect()
}

/// Not the parser's words where they could quote a hash.
fn malformed(error: &serde_json::Error) -> Wrong {
    let reason = match error.classify() {
        serde_json::error::Category::Data => {
            let text = error.to_string();
            match text.split('`').nth(1).filter(|_| text.starts_with("unknown field")) {
                Some(name) => format!("there is no field `{name}`"),
                None => format!("a field has the wrong type (column {})", error.column()),
            }
        }
        _ => format!("not JSON (column {})", error.column()),
    };
    wrong("line", reason, &format!("the fields are {FIELDS}"))
}

fn table(text: &str) -> Result<Vec<Found>, Failure> {
    let mut records = csv::records(text).into_iter();
    let header = records.next().and_then(|(_, fields)| fields);
    let header = header.ok_or_else(|| Failure::usage("the first line is no CSV header"))?;
    let header: Vec<String> = header.iter().map(|name| name.trim().to_lowercase()).collect();
    if let Some(unknown) = header.iter().find(|name| !FIELDS.split(", ").any(|known| known == name.as_str()))
    {
        return Err(Failure::usage(format!("line 1: there is no field `{unknown}`"))
            .hint(format!("the fields are {FIELDS}")));
    }
    let read = |(line, fields): (usize, Option<Vec<String>>)| {
        let person = match fields {
            Some(fields) if fields.len() == header.len() => person(&header, fields),
            Some(fields) => Err(wrong(
                "line",
                format!("{} fields, and the header has {}", fields.len(), header.len()),
                "put fields with a comma in double quotes",
            )),
            None => {
                Err(wrong("line", "a double quote is in the wrong place".to_owned(), "double it: `\"\"`"))
            }
        };
        Found { place: format!("line {line}"), person }
    };
    Ok(records.map(read).collect())
}

fn person(header: &[String], fields: Vec<String>) -> Result<ImportAccount, Wrong> {
    let mut row: BTreeMap<&str, String> = header.iter().map(String::as_str).zip(fields).collect();
    let mut text = |name: &str| row.remove(name).filter(|value| !value.is_empty());
    let yes =
        |name: &str, value: Option<String>| match value.as_deref().map(str::to_ascii_lowercase).as_deref() {
            None | Some("false" | "f" | "no" | "0") => Ok(false),
            Some("true" | "t" | "yes" | "1") => Ok(true),
            Some(_) => {
                Err(wrong(name, "is neither `true` nor `false`".to_owned(), "leave it empty for `false`"))
            }
        };
    Ok(ImportAccount {
        name: text("name").unwrap_or_default(),
        password_hash: text("password_hash").map(hash),
        email: text("email"),
        email_verified: yes("email_verified", text("email_verified"))?,
        roles: words(&text("roles").unwrap_or_default()),
        tenant: text("tenant"),
        disabled: yes("disabled", text("disabled"))?,
        display_name: text("display_name"),
        given_name: text("given_name"),
        family_name: text("family_name"),
    })
}

fn words(text: &str) -> Vec<String> {
    let words = text.split([' ', ';', '|']).filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

fn keycloak(whole: &Map<String, Value>) -> Vec<Found> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase", default)]
    struct User {
        username: String,
        email: Option<String>,
        email_verified: bool,
        enabled: bool,
        first_name: Option<String>,
        last_name: Option<String>,
        realm_roles: Vec<String>,
        credentials: Vec<Credential>,
        service_account_client_id: Option<String>,
    }
    impl Default for User {
        fn default() -> Self {
            Self {
                username: String::new(),
                email: None,
                email_verified: false,
                enabled: true,
                first_name: None,
                last_name: None,
                realm_roles: Vec::new(),
                credentials: Vec::new(),
                service_account_client_id: None,
            }
        }
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase", default)]
    #[derive(Default)]
    struct Credential {
        r#type: String,
        credential_data: String,
        secret_data: String,
    }
    let read = |user: &Value| {
        let user = User::deserialize(user)
            .map_err(|_| wrong("user", "is not what Keycloak exports".to_owned(), "export the realm anew"))?;
        if user.service_account_client_id.is_some() {
            return Err(wrong(
                "username",
                "is the account of a client".to_owned(),
                "register the client instead",
            ));
        }
        let password = user.credentials.iter().find(|one| one.r#type == "password");
        let password = password.map(|one| from_keycloak(&one.credential_data, &one.secret_data)).transpose();
        let password = password.map_err(|error| {
            wrong("credentials", error.to_string(), "remove the credential; the person gets a link")
        })?;
        let builtin = |role: &String| {
            role.starts_with("default-roles-") || role == "offline_access" || role == "uma_authorization"
        };
        Ok(ImportAccount {
            name: user.username,
            password_hash: password.map(hash),
            email: user.email,
            email_verified: user.email_verified,
            roles: user.realm_roles.into_iter().filter(|role| !builtin(role)).collect(),
            tenant: None,
            disabled: !user.enabled,
            display_name: full_name(user.first_name.as_deref(), user.last_name.as_deref()),
            given_name: user.first_name,
            family_name: user.last_name,
        })
    };
    let users = whole.get("users").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let found = users.iter().enumerate();
    found.map(|(index, user)| Found { place: format!("users[{index}]"), person: read(user) }).collect()
}

fn django(text: &str) -> Result<Vec<Found>, Failure> {
    #[derive(Deserialize)]
    struct Row {
        model: String,
        fields: Map<String, Value>,
    }
    let rows: Vec<Row> = serde_json::from_str(text).map_err(|error| {
        Failure::usage(format!("line {}: not what `manage.py dumpdata` writes", error.line()))
    })?;
    let mut found = Vec::new();
    for (index, Row { model, fields }) in rows.into_iter().enumerate() {
        // A user model of one's own has these fields, too.
        if !fields.contains_key("password")
            || !(fields.contains_key("username") || fields.contains_key("email"))
        {
            continue;
        }
        let text = |name: &str| fields.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let owned = |name: &str| text(name).map(str::to_owned);
        // Groups by natural key; by number they mean nothing here.
        let groups = fields.get("groups").and_then(Value::as_array).into_iter().flatten();
        let group = |group: &Value| group.get(0).unwrap_or(group).as_str().map(str::to_owned);
        let person = ImportAccount {
            name: text("username").or(text("email")).unwrap_or_default().to_owned(),
            // `!` is a password that nobody can type.
            password_hash: text("password")
                .filter(|hash| !hash.starts_with('!'))
                .map(str::to_owned)
                .map(hash),
            email: owned("email"),
            email_verified: false,
            roles: groups.filter_map(group).collect(),
            tenant: None,
            disabled: fields.get("is_active").and_then(Value::as_bool) == Some(false),
            display_name: full_name(text("first_name"), text("last_name")),
            given_name: owned("first_name"),
            family_name: owned("last_name"),
        };
        found.push(Found { place: format!("[{index}] ({model})"), person: Ok(person) });
    }
    Ok(found)
}

fn full_name(given: Option<&str>, family: Option<&str>) -> Option<String> {
    let parts: Vec<&str> = [given, family].into_iter().flatten().filter(|part| !part.is_empty()).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

fn hash(text: String) -> Password {
    Password(Secret::new(text))
}

fn wrong(field: &str, reason: String, hint: &str) -> Wrong {
    Wrong { field: field.to_owned(), reason, hint: Some(hint.to_owned()) }
}

const FIELDS: &str = "name, password_hash, email, email_verified, roles, tenant, disabled, display_name, given_name, family_name";

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<(String, Result<String, String>)> {
        let told = |found: Found| {
            (
                found.place,
                found
                    .person
                    .map(|one| one.name)
                    .map_err(|wrong| format!("{}: {}", wrong.field, wrong.reason)),
            )
        };
        people(text).unwrap().into_iter().map(told).collect()
    }

    fn only(text: &str) -> ImportAccount {
        let mut found = people(text).unwrap();
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0).person.unwrap()
    }

    #[test]
    fn json_lines_are_read_and_each_bad_one_is_told_without_its_hash() {
        let text = "{\"name\":\"ada\",\"roles\":[\"a\"],\"disabled\":true}\n\n{\"name\":\"b\",\"pasword_hash\":\"PLANTED\"}\n{\"name\":7}\n{\"name\":\"x\",\"password_hash\":\"PLANTED\n";
        let found = names(text);
        assert_eq!(found[0], ("line 1".to_owned(), Ok("ada".to_owned())));
        assert_eq!(found[1], ("line 3".to_owned(), Err("line: there is no field `pasword_hash`".to_owned())));
        assert_eq!((found[2].0.as_str(), found[3].0.as_str()), ("line 4", "line 5"));
        assert!(!format!("{found:?}").contains("PLANTED"));
        let ada = only("{\"name\":\"ada\",\"roles\":[\"a\"],\"disabled\":true}");
        assert!(ada.disabled && ada.roles == ["a"]);
    }

    #[test]
    fn tables_are_read_by_their_header() {
        let text = "name,email,email_verified,roles,password_hash\nada,ada@example.org,yes,\"editor sales\",$2b$04$x\nbob,,maybe,,\neve,1,2\n";
        let found = people(text).unwrap();
        let ada = found[0].person.as_ref().unwrap();
        assert_eq!(
            (ada.name.as_str(), ada.email.as_deref(), ada.email_verified),
            ("ada", Some("ada@example.org"), true)
        );
        assert_eq!(ada.roles, ["editor", "sales"]);
        assert_eq!(ada.password_hash.as_ref().unwrap().0.expose(), "$2b$04$x");
        assert_eq!(found[1].person.as_ref().unwrap_err().field, "email_verified");
        assert_eq!(found[2].person.as_ref().unwrap_err().reason, "3 fields, and the header has 5");
        assert!(people("name,pasword\nada,x\n").is_err());
        assert!(people("").is_err() && people("name\n").is_err());
    }

    #[test]
    fn keycloak_exports_are_read() {
        let text = r#"{"realm":"acme","users":[
            {"username":"ada","email":"ada@example.org","emailVerified":true,"enabled":true,"firstName":"Ada","lastName":"L",
             "realmRoles":["default-roles-acme","offline_access","editor"],
             "credentials":[{"type":"otp","secretData":"{}","credentialData":"{}"},
               {"type":"password","secretData":"{\"value\":\"4FVcvfS0Mh2LxiCrwZqzUIR5BB8og8VYfFqVEaIGzzqJKp+eS6wcL35LcMfm8kNkZyH4+/BT9MrVnh+hosXcaw==\",\"salt\":\"AAECAwQFBgcICQoLDA0ODw==\"}",
                "credentialData":"{\"hashIterations\":1000,\"algorithm\":\"pbkdf2-sha256\"}"}]},
            {"username":"bob","enabled":false},
            {"username":"service-account-x","serviceAccountClientId":"x"},
            {"username":"old","credentials":[{"type":"password","secretData":"{}","credentialData":"{}"}]}]}"#;
        let found = people(text).unwrap();
        let ada = found[0].person.as_ref().unwrap();
        assert_eq!(
            (ada.roles.as_slice(), ada.display_name.as_deref()),
            (&["editor".to_owned()][..], Some("Ada L"))
        );
        assert!(ada.password_hash.as_ref().unwrap().0.expose().starts_with("$pbkdf2-sha256$i=1000$"));
        let bob = found[1].person.as_ref().unwrap();
        assert!(bob.disabled && bob.password_hash.is_none());
        assert!(found[2].person.is_err() && found[3].person.is_err());
        assert_eq!(found[3].place, "users[3]");
    }

    #[test]
    fn django_dumps_are_read() {
        let text = r#"[{"model":"auth.group","pk":1,"fields":{"name":"sales"}},
            {"model":"auth.user","pk":1,"fields":{"username":"ada","password":"pbkdf2_sha256$1$s$h","email":"ada@example.org","is_active":false,"first_name":"Ada","last_name":"","groups":[["sales"],3]}},
            {"model":"shop.customer","pk":2,"fields":{"email":"bob@example.org","password":"!unusable"}}]"#;
        let found = people(text).unwrap();
        assert_eq!(found.len(), 2);
        let ada = found[0].person.as_ref().unwrap();
        assert!(ada.disabled && ada.roles == ["sales"] && ada.display_name.as_deref() == Some("Ada"));
        let bob = found[1].person.as_ref().unwrap();
        assert_eq!((bob.name.as_str(), bob.password_hash.is_none()), ("bob@example.org", true));
        assert!(people("[1]").is_err());
    }
}
