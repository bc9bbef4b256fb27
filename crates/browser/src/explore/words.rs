//! What is not clicked, and what fields are filled with: words as data.

use crate::sight::{Field, Form};

/// What ends a session, destroys or costs something. Each is one or several words in a row, or their beginnings when
/// they end in `*`.
pub(super) const FORBIDDEN: &[&str] = &[
    "log out",
    "logout",
    "log off",
    "logoff",
    "sign out",
    "signout",
    "sign off",
    "end session",
    "exit session",
    "abmelden",
    "ausloggen",
    "deconnexion",
    "déconnexion",
    "se déconnecter",
    "cerrar sesión",
    "cerrar sesion",
    "uitloggen",
    "esci",
    "odhlásit",
    "wyloguj",
    "sair",
    "log ud",
    "logga ut",
    "kirjaudu ulos",
    "delete",
    "deletes",
    "remove",
    "destroy",
    "erase",
    "wipe",
    "purge",
    "drop",
    "discard",
    "truncate",
    "uninstall",
    "lösch*",
    "entfern*",
    "supprim*",
    "eliminar",
    "borrar",
    "elimina",
    "verwijder*",
    "excluir",
    "usuń",
    "deactivate",
    "disable account",
    "close account",
    "terminate",
    "revoke",
    "unsubscribe",
    "cancel subscription",
    "cancel account",
    "kündig*",
    "reset all",
    "reset data",
    "reset database",
    "reset everything",
    "reset settings",
    "reset to",
    "factory reset",
    "hard reset",
    "shutdown",
    "shut down",
    "restart",
    "reboot",
    "stop server",
    "pay",
    "payment",
    "buy",
    "purchase",
    "checkout",
    "check out",
    "place order",
    "order now",
    "bezahl*",
    "kaufen",
    "zahlungspflichtig",
    "donate",
    "spenden",
    "transfer money",
    "withdraw",
    "subscribe now",
    "upgrade now",
];

/// Whether one of `phrases` stands in `text`, as words: `signOut`, `sign-out` and `Sign out` are the same, `payload` is
/// not `pay`.
pub(crate) fn says<'a>(text: &str, phrases: impl IntoIterator<Item = &'a str>) -> bool {
    let words = split(text);
    phrases.into_iter().any(|phrase| {
        let phrase: Vec<&str> = phrase.split(' ').collect();
        words.windows(phrase.len().max(1)).any(|window| {
            window.iter().zip(&phrase).all(|(word, wanted)| match wanted.strip_suffix('*') {
                Some(start) => word.starts_with(start),
                None => word == wanted,
            })
        })
    })
}

/// Words in lower case: divided by what is no letter, and where a capital follows a small letter.
fn split(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut small = false;
    for c in text.chars().take(4_000) {
        let ends = !c.is_alphanumeric() || (small && c.is_uppercase());
        if ends && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        small = c.is_lowercase();
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// Values by what a field is called: by its `autocomplete`, its name, its label.
const VALUES: &[(&[&str], &str)] = &[
    (&["email", "e mail", "mail"], "probe@example.com"),
    (
        &["new password", "current password", "password", "passwort", "passwd", "pass", "pwd", "kennwort"],
        "Probe-2026-pass!",
    ),
    (&["username", "user name", "user", "login", "nickname", "benutzer*"], "probe"),
    (&["given name", "first name", "firstname", "vorname", "fname"], "Petra"),
    (&["family name", "last name", "lastname", "surname", "nachname", "lname"], "Probe"),
    (&["tel", "phone", "mobile", "telefon", "telephone"], "+12025550123"),
    (&["postal code", "zip", "zipcode", "postcode", "plz", "postal"], "12345"),
    (
        &["street address", "address line1", "street", "address", "strasse", "straße", "adresse"],
        "1 Test Street",
    ),
    (&["address level2", "city", "town", "ort", "stadt"], "Springfield"),
    (&["address level1", "state", "province", "region"], "Ohio"),
    (&["country name", "country", "land"], "Germany"),
    (&["organization", "company", "organisation", "firma"], "Example Ltd"),
    (&["url", "website", "homepage", "link"], "https://example.com/"),
    (&["cc number", "card number", "cardnumber", "card", "credit card"], "4111111111111111"),
    (&["cc csc", "cvv", "cvc", "csc", "security code"], "123"),
    (&["cc exp", "expiry", "expiration"], "12/30"),
    (&["bday", "birthday", "birth date", "dob", "geburtsdatum"], "1990-01-15"),
    (&["age", "alter"], "33"),
    (&["quantity", "qty", "amount", "count", "menge", "anzahl", "number"], "1"),
    (&["price", "preis", "cost"], "10"),
    (&["date", "datum", "day"], "2026-01-15"),
    (&["time", "uhrzeit"], "10:30"),
    (&["code", "otp", "token", "pin"], "123456"),
    (&["id"], "1"),
    (&["search", "query", "q", "s", "suche", "find"], "test"),
    (&["title", "subject", "betreff", "titel"], "A test"),
    (
        &[
            "comment",
            "message",
            "text",
            "body",
            "description",
            "content",
            "note",
            "nachricht",
            "kommentar",
            "feedback",
            "review",
        ],
        "This is a test",
    ),
    (&["name"], "Petra Probe"),
    (&["color", "colour"], "#336699"),
];

/// A plausible value for a field; nothing for one that keeps what it has.
pub(super) fn value_for(field: &Field, own: &[(String, String)]) -> Option<String> {
    if field.disabled {
        return None;
    }
    match field.kind.as_str() {
        "hidden" | "submit" | "button" | "image" | "reset" => return None,
        "checkbox" | "radio" => return (!field.checked).then(|| "on".to_owned()),
        "select" => return field.options.iter().rfind(|option| !option.is_empty()).cloned(),
        _ => {}
    }
    let called = [&field.name, &field.label, &field.autocomplete];
    let given =
        own.iter().find(|(name, _)| called.iter().any(|one| says(one, [name.to_lowercase().as_str()])));
    if let Some((_, value)) = given {
        return Some(value.clone());
    }
    if !field.value.is_empty() && field.kind != "password" {
        return None;
    }
    let by_kind = match field.kind.as_str() {
        "email" => Some("probe@example.com"),
        "password" => Some("Probe-2026-pass!"),
        "tel" => Some("+12025550123"),
        "url" => Some("https://example.com/"),
        "date" => Some("2026-01-15"),
        "datetime-local" => Some("2026-01-15T10:30"),
        "month" => Some("2026-01"),
        "week" => Some("2026-W03"),
        "time" => Some("10:30"),
        "color" => Some("#336699"),
        "file" => Some("a test file\n"),
        "number" | "range" => return Some(number(field)),
        _ => None,
    };
    let by_name = || {
        [&field.autocomplete, &field.name, &field.label].into_iter().find_map(|called| {
            VALUES.iter().find(|(names, _)| says(called, names.iter().copied())).map(|(_, value)| *value)
        })
    };
    let value = by_kind.or_else(by_name).unwrap_or("test");
    let most = field.max_length.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
    Some(value.chars().take(most.max(1)).collect())
}

/// Whether a form sets a password for who is signed in, rather than signing somebody in or up: sent, it would lock out
/// whoever explores.
pub(super) fn sets_password(form: &Form) -> bool {
    let any = |kinds: &[&str]| form.fields.iter().any(|field| kinds.contains(&field.kind.as_str()));
    any(&["password"]) && !any(&["text", "email", "tel"])
}

/// The number a field takes that is nearest to one.
fn number(field: &Field) -> String {
    let read = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite());
    let (least, most) = (read(&field.min), read(&field.max));
    let value = 1.0_f64.max(least.unwrap_or(f64::MIN)).min(most.unwrap_or(f64::MAX));
    format!("{value}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(kind: &str, name: &str) -> Field {
        serde_json::from_value(serde_json::json!({
            "name": name, "kind": kind, "value": "", "options": ["", "a", "b"], "label": "", "autocomplete": "",
            "pattern": "", "min": "", "max": "", "max_length": null, "required": false, "checked": false,
            "disabled": false, "selector": "x",
        }))
        .unwrap()
    }

    #[test]
    fn words_are_found_however_they_are_written() {
        let forbidden = |text| says(text, FORBIDDEN.iter().copied());
        for text in
            ["Log out", "signOut()", "/account/sign-out", "DELETE", "Konto löschen", "Pay now", "btn-remove"]
        {
            assert!(forbidden(text), "{text}");
        }
        for text in
            ["Login", "payload", "Removed items", "deleted.html", "repay", "Blog outline", "", "Orders"]
        {
            assert!(!forbidden(text), "{text}");
        }
    }

    #[test]
    fn a_form_that_sets_a_password_is_known() {
        let form = |fields: &[(&str, &str)]| Form {
            action: String::new(),
            method: "POST".into(),
            enctype: String::new(),
            selector: "form".into(),
            fields: fields.iter().map(|(kind, name)| field(kind, name)).collect(),
            loose: false,
        };
        assert!(sets_password(&form(&[
            ("hidden", "t"),
            ("password", "new"),
            ("password", "again"),
            ("button", "")
        ])));
        assert!(!sets_password(&form(&[("text", "user"), ("password", "password")])));
        assert!(!sets_password(&form(&[("email", "mail")])));
    }

    #[test]
    fn fields_get_what_they_ask_for() {
        let of = |kind, name| value_for(&field(kind, name), &[]);
        assert_eq!(of("text", "user[email]").as_deref(), Some("probe@example.com"));
        assert_eq!(of("text", "firstName").as_deref(), Some("Petra"));
        assert_eq!(of("select", "x").as_deref(), Some("b"));
        assert_eq!(of("hidden", "token"), None);
        assert_eq!(of("text", "zzz").as_deref(), Some("test"));
        let ranged = Field { min: "18".into(), max: "99".into(), ..field("number", "n") };
        assert_eq!(value_for(&ranged, &[]).as_deref(), Some("18"));
        let short = Field { max_length: Some(3), ..field("text", "email") };
        assert_eq!(value_for(&short, &[]).as_deref(), Some("pro"));
        let own = [("Email".to_owned(), "me@site.test".to_owned())];
        assert_eq!(value_for(&field("email", "email"), &own).as_deref(), Some("me@site.test"));
    }
}
