//! A person's account as a user (RFC 7643, 4.1), and what a user's document asks of the account.
//!
//! What Gabion uses itself (name, address, roles, …) stands in the account and is the truth; what it has no use
//! for, and how the directory grouped and labelled addresses, stands in the account's
//! [`Attributes`](crate::scim::Attributes). Where both say something (the primary address), the account wins: it
//! may have been changed here.

use gabion_model::Secret;
use serde_json::{Value, json};

use super::schema::USER;
use super::value::is_primary;
use super::{Attributes, Kind, Map, Refusal};
use crate::account::Account;
use crate::personal::{Address, Personal};

/// What a document asks of an account.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub user_name: String,
    pub external_id: Option<String>,
    pub email: Option<String>,
    pub personal: Personal,
    /// None: as they are.
    pub roles: Option<Vec<String>>,
    /// None: as it is.
    pub active: Option<bool>,
    pub password: Password,
    pub attributes: Attributes,
}

/// What becomes of the password, which is in no document that is shown.
#[derive(Debug, Clone)]
pub enum Password {
    Keep,
    Remove,
    Set(Secret<String>),
}

/// The whole document, but `meta.version`. `base` is where `/Users` is.
#[must_use]
pub fn document(account: &Account, base: &str) -> Map {
    let mut document = account.attributes.as_map().clone();
    let personal = &account.personal;
    let mut schemas = vec![Value::from(USER.core.id)];
    schemas.extend(
        USER.extensions.iter().filter(|one| document.contains_key(one.id)).map(|one| Value::from(one.id)),
    );
    let mut set = |name: &str, value: Value| {
        document.insert(name.to_owned(), value);
    };
    set("schemas", Value::Array(schemas));
    set("id", account.id.as_str().into());
    set("userName", account.name.as_str().into());
    // It was taken away: the account is as it was, and nothing is said of it.
    if account.attributes.as_map().get("active") != Some(&Value::Null) {
        set("active", (!account.disabled).into());
    }
    for (name, text) in [
        ("externalId", &account.external_id),
        ("displayName", &personal.name),
        ("nickName", &personal.nickname),
        ("profileUrl", &personal.profile),
        ("locale", &personal.locale),
        ("timezone", &personal.zoneinfo),
    ] {
        if let Some(text) = text {
            set(name, text.as_str().into());
        }
    }
    let groups = account.groups.iter().map(|one| {
        let (id, name) = (one.group.as_str(), one.name.as_str());
        json!({"value": id, "$ref": format!("{base}/Groups/{id}"), "display": name, "type": "direct"})
    });
    let groups: Vec<Value> = groups.collect();
    if !groups.is_empty() {
        set("groups", Value::Array(groups));
    }
    let roles: Vec<Value> = account.roles.iter().map(|role| json!({"value": role.as_str()})).collect();
    if !roles.is_empty() {
        set("roles", Value::Array(roles));
    }
    set(
        "meta",
        json!({
            "resourceType": USER.name,
            "created": account.created.to_string(),
            "lastModified": account.updated.to_string(),
            "location": format!("{base}/Users/{}", account.id),
        }),
    );
    let mut name = match document.remove("name") {
        Some(Value::Object(name)) => name,
        _ => Map::new(),
    };
    for (part, text) in NAME_PARTS.iter().zip(name_parts(personal)) {
        if let Some(text) = text {
            name.insert((*part).to_owned(), text.as_str().into());
        }
    }
    if !name.is_empty() {
        document.insert("name".to_owned(), Value::Object(name));
    }
    overlay(&mut document, "emails", account.email.as_ref().map(crate::Email::as_str), true);
    overlay(&mut document, "phoneNumbers", personal.phone_number.as_deref(), false);
    overlay(&mut document, "photos", personal.picture.as_deref(), false);
    overlay_address(&mut document, personal.address.as_ref());
    if document.get("active").is_some_and(Value::is_null) {
        document.remove("active");
    }
    document
}

/// What a document asks for. `before` is what is known of the person and no document shows.
///
/// # Errors
/// [`Kind::InvalidValue`] when it is more than is kept of one person.
pub fn wanted(mut document: Map, before: &Personal) -> Result<Wanted, Refusal> {
    let password = match document.remove("password") {
        None => Password::Keep,
        Some(Value::String(text)) => Password::Set(Secret::new(text)),
        Some(_) => Password::Remove,
    };
    let email = chosen(&document, "emails").and_then(|at| value_of(&document, "emails", at));
    let mut personal = Personal {
        phone_number: chosen(&document, "phoneNumbers")
            .and_then(|at| value_of(&document, "phoneNumbers", at)),
        picture: chosen(&document, "photos").and_then(|at| value_of(&document, "photos", at)),
        address: chosen(&document, "addresses")
            .and_then(|at| document.get("addresses")?.get(at).map(address_of))
            .filter(|address| *address != Address::default()),
        ..before.clone()
    };
    let mut take = |name: &str| match document.remove(name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    };
    let user_name = take("userName").unwrap_or_default();
    let external_id = take("externalId");
    personal.name = take("displayName");
    personal.nickname = take("nickName");
    personal.profile = take("profileUrl");
    personal.locale = take("locale");
    personal.zoneinfo = take("timezone");
    let active = document.remove("active").and_then(|value| value.as_bool());
    let roles = document.remove("roles").map(|roles| {
        let roles = roles.as_array().map(Vec::as_slice).unwrap_or_default();
        roles.iter().filter_map(|role| Some(role.get("value")?.as_str()?.to_owned())).collect()
    });
    for name in ["schemas", "id", "meta", "groups"] {
        document.remove(name);
    }
    let mut parts = [None, None, None];
    if let Some(Value::Object(name)) = document.get_mut("name") {
        for (place, part) in parts.iter_mut().zip(NAME_PARTS) {
            *place = name.remove(part).and_then(|text| text.as_str().map(str::to_owned));
        }
        if name.is_empty() {
            document.remove("name");
        }
    }
    [personal.family_name, personal.given_name, personal.middle_name] = parts;
    let attributes = Attributes::new(document);
    if attributes.to_json().len() > LARGEST {
        return Err(Kind::InvalidValue.because(format_args!("more than {LARGEST} bytes are kept of nobody")));
    }
    Ok(Wanted { user_name, external_id, email, personal, roles, active, password, attributes })
}

/// Which of several values is the account's: the primary one, the one for work, the first.
fn chosen(document: &Map, attribute: &str) -> Option<usize> {
    let values = document.get(attribute)?.as_array()?;
    let is_work = |value: &Value| value.get("type").and_then(Value::as_str) == Some("work");
    values.iter().position(is_primary).or_else(|| values.iter().position(is_work)).or(if values.is_empty() {
        None
    } else {
        Some(0)
    })
}

fn value_of(document: &Map, attribute: &str, at: usize) -> Option<String> {
    Some(document.get(attribute)?.get(at)?.get("value")?.as_str()?.to_owned())
}

/// Makes the chosen value say what the account says.
fn overlay(document: &mut Map, attribute: &str, truth: Option<&str>, folded: bool) {
    let at = chosen(document, attribute);
    let told = at.and_then(|at| value_of(document, attribute, at));
    let same = match (&told, truth) {
        (Some(told), Some(truth)) if folded => told.eq_ignore_ascii_case(truth),
        (told, truth) => told.as_deref() == truth,
    };
    if same {
        return;
    }
    correct(document, attribute, at, |place| match truth {
        None => {
            place.remove("value");
        }
        Some(truth) => {
            place.insert("value".to_owned(), truth.into());
        }
    });
}

fn overlay_address(document: &mut Map, truth: Option<&Address>) {
    let at = chosen(document, "addresses");
    let told = at.and_then(|at| document.get("addresses")?.get(at).map(address_of)).unwrap_or_default();
    let truth = truth.cloned().unwrap_or_default();
    if told == truth {
        return;
    }
    correct(document, "addresses", at, |place| {
        for (part, text) in ADDRESS_PARTS.iter().zip(address_parts(&truth)) {
            match text {
                None => place.remove(*part),
                Some(text) => place.insert((*part).to_owned(), text.as_str().into()),
            };
        }
    });
}

/// Corrects a value, or makes a primary one; one of which nothing but labels is left goes.
fn correct(document: &mut Map, attribute: &str, at: Option<usize>, change: impl FnOnce(&mut Map)) {
    let mut values = match document.remove(attribute) {
        Some(Value::Array(values)) => values,
        _ => Vec::new(),
    };
    let place = at.and_then(|at| values.get_mut(at)).and_then(Value::as_object_mut);
    match place {
        Some(place) => change(place),
        None => {
            let mut place = Map::from_iter([("primary".to_owned(), Value::Bool(true))]);
            change(&mut place);
            values.push(Value::Object(place));
        }
    }
    let labels = ["primary", "type", "display"];
    values.retain(|value| {
        value.as_object().is_some_and(|parts| parts.keys().any(|part| !labels.contains(&part.as_str())))
    });
    if !values.is_empty() {
        document.insert(attribute.to_owned(), Value::Array(values));
    }
}

fn address_of(value: &Value) -> Address {
    let part = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let [formatted, street_address, locality, region, postal_code, country] = ADDRESS_PARTS.map(part);
    Address { formatted, street_address, locality, region, postal_code, country }
}

const fn address_parts(address: &Address) -> [&Option<String>; 6] {
    let Address { formatted, street_address, locality, region, postal_code, country } = address;
    [formatted, street_address, locality, region, postal_code, country]
}

const fn name_parts(personal: &Personal) -> [&Option<String>; 3] {
    [&personal.family_name, &personal.given_name, &personal.middle_name]
}

const NAME_PARTS: [&str; 3] = ["familyName", "givenName", "middleName"];
const ADDRESS_PARTS: [&str; 6] =
    ["formatted", "streetAddress", "locality", "region", "postalCode", "country"];
/// Bytes of what is kept of one person beside the account.
const LARGEST: usize = 16 * 1024;
