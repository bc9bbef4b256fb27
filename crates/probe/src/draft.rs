//! A first `probe.toml`, from what a survey saw: facts to read, to mend and to go on with.
//!
//! What was found stands as facts; what is guessed says so in the line above it; what only a person knows is asked for in a
//! comment. No secret is in it: where one belongs stands the name of a variable of the environment. Texts of the target are
//! quoted, and made visible in comments, so that nothing it says becomes a fact.

mod asked;
mod given;
mod policy;
mod throttles;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use gabion_finding::visible;
use gabion_model::Timestamp;
use serde_json::Value;

use crate::facts::{Facts, Grant, Identity, Text, Webhook};
use crate::field::Field;
use crate::hidden::variable;
use crate::login::{Way, login_fields};
use crate::operation::{Operation, Place};
use crate::standing::{Standing, standing, standing_of_path};

/// Names of documents and of recorded traffic, as the facts shall name them.
#[derive(Debug, Clone, Default)]
pub struct Files {
    pub openapi: Vec<String>,
    pub endpoints: Vec<String>,
    pub har: Vec<String>,
}

/// The variables of the environment that a draft names.
#[must_use]
pub fn variables(facts: &Facts) -> Vec<String> {
    let names = names(facts);
    let own = |identity: &Identity| {
        let name = names.get(&identity.name).map_or("", String::as_str);
        secrets(identity, name).into_iter().map(|(_, variable)| variable).collect::<Vec<_>>()
    };
    let people = facts.identities.iter().flat_map(own);
    let webhooks = (0..facts.webhooks.len()).map(webhook_variable);
    people.chain(webhooks).chain(given::variables(facts)).collect()
}

/// The page.
#[must_use]
pub fn draft(field: &Field, files: &Files, at: Timestamp) -> String {
    let mut out = String::new();
    let date: String = at.to_string().chars().take(10).collect();
    let _ = writeln!(
        out,
        "# What `gabion probe` is told of {}: drafted on {date} from what it answered.\n\
         # `Guessed` marks what nobody said, `asked` what only you know. docs/guides/probe.md tells the rest.\n",
        visible(&field.wire.origin().base())
    );
    given::root(&mut out, &field.facts);
    target(&mut out, field, files);
    limits(&mut out, &field.facts);
    people(&mut out, field);
    login(&mut out, field);
    policy::write(&mut out, field);
    throttles::write(&mut out, field);
    webhooks(&mut out, field);
    given::accounts(&mut out, &field.facts);
    asked::accounts(&mut out, field);
    given::rest(&mut out, &field.facts);
    asked::tokens(&mut out, field);
    given::uploads(&mut out, field);
    seen(&mut out, field);
    out
}

fn target(out: &mut String, field: &Field, files: &Files) {
    let target = &field.facts.target;
    let _ = writeln!(out, "[target]\nurl = {}", quoted(&target.url));
    out.push_str(
        "# passive: only what any visitor does. active: attacks. destructive: also deletes, of what it made, and ends sessions.\n",
    );
    let _ = writeln!(out, "level = {}", quoted(target.level.as_str()));
    let mut openapi = field.documents.clone();
    openapi.extend(files.openapi.iter().cloned());
    for (name, values) in [
        ("openapi", &openapi),
        ("endpoints", &files.endpoints),
        ("har", &files.har),
        ("start", &target.start),
    ] {
        if !values.is_empty() {
            let _ = writeln!(out, "{name} = {}", list(values));
        }
    }
    if openapi.is_empty() {
        out.push_str("# Asked: an OpenAPI document, if there is one, tells of what no page links to.\n# openapi = [\"openapi.yaml\"]\n");
    }
    if target.spare.is_empty() {
        let risky: Vec<String> = field
            .operations
            .iter()
            .filter(|one| is_risky(&one.path))
            .map(|one| one.path.clone())
            .take(SHOWN)
            .collect();
        if !risky.is_empty() {
            let _ = writeln!(
                out,
                "# Guessed: these sound as if they emptied or stopped something. Take the `#` away to have them left alone.\n# spare = {}",
                visible(&list(&risky))
            );
        }
    } else {
        let _ = writeln!(out, "spare = {}", list(&target.spare));
    }
    if let Some(word) = &target.ownership {
        let _ = writeln!(out, "ownership = {}", quoted(word));
    }
    if let Some(file) = &target.ca_file {
        let _ = writeln!(out, "ca_file = {}", quoted(&file.display().to_string()));
    }
    if let Some(proxy) = &target.proxy {
        let _ = writeln!(out, "proxy = {}", quoted(&proxy.to_string()));
    }
    if let Some(address) = &target.callback {
        let _ = writeln!(out, "callback = {}", quoted(&address.to_string()));
    }
    given::target(out, target);
    out.push('\n');
}

fn limits(out: &mut String, facts: &Facts) {
    let limits = &facts.limits;
    let _ = writeln!(
        out,
        "[limits]\nrequests = {}\ntime = {}\n# In one second.\nrate = {}",
        limits.requests,
        quoted(&limits.time.to_string()),
        limits.rate
    );
    if limits.pages != crate::facts::Limits::default().pages {
        let _ = writeln!(out, "pages = {}", limits.pages);
    }
    out.push('\n');
}

/// The variable of each identity, by the identity's name; none is another's.
fn names(facts: &Facts) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    for identity in &facts.identities {
        let base = match variable(&identity.name) {
            name if name.starts_with(|first: char| first.is_ascii_digit()) => format!("USER_{name}"),
            name => name,
        };
        let mut name = base.clone();
        let mut number = 2_usize;
        while all.values().any(|own| *own == name) {
            name = format!("{base}_{number}");
            number = number.saturating_add(1);
        }
        all.insert(identity.name.clone(), name);
    }
    all
}

/// What of an identity is secret: the field as it is written, and the variable that has it.
fn secrets(identity: &Identity, name: &str) -> Vec<(String, String)> {
    let field = |what: &str, text: &Option<Text>| {
        text.as_ref().map(|_| (what.to_owned(), format!("{name}_{}", what.to_ascii_uppercase())))
    };
    let mut all: Vec<(String, String)> = [
        field("password", &identity.password),
        field("token", &identity.token),
        field("totp", &identity.totp),
    ]
    .into_iter()
    .flatten()
    .collect();
    let headers = identity
        .headers
        .keys()
        .map(|own| (format!("headers.{}", quoted(own)), format!("{name}_{}", variable(own))));
    all.extend(headers);
    all
}

fn people(out: &mut String, field: &Field) {
    let facts = &field.facts;
    if facts.identities.is_empty() {
        out.push_str(
            "# Asked: who signs in. Two people of one role show whether they reach each other's things; use accounts made for this.\n\
             # [[identities]]\n# name = \"alice\"\n# password = { env = \"ALICE_PASSWORD\" }\n# role = \"member\"\n\n",
        );
        return;
    }
    let names = names(facts);
    for identity in &facts.identities {
        let trouble = field
            .people
            .iter()
            .find(|person| person.name == identity.name)
            .and_then(|person| person.trouble.as_ref());
        if let Some(trouble) = trouble {
            let _ = writeln!(out, "# Not signed in: {}", comment(trouble));
        }
        let _ = writeln!(out, "[[identities]]\nname = {}", quoted(&identity.name));
        if let Some(user) = &identity.user {
            let _ = writeln!(out, "user = {}", quoted(user));
        }
        let name = names.get(&identity.name).map_or("", String::as_str);
        for (what, variable) in secrets(identity, name) {
            let _ = writeln!(out, "{what} = {{ env = {} }}", quoted(&variable));
        }
        for (what, value) in [("role", &identity.role), ("tenant", &identity.tenant)] {
            if let Some(value) = value {
                let _ = writeln!(out, "{what} = {}", quoted(value));
            }
        }
        match &identity.login {
            Some(own) => given::login(out, "identities.login", own),
            None => out.push('\n'),
        }
    }
    missing_people(out, field);
}

/// Who would show more.
fn missing_people(out: &mut String, field: &Field) {
    let identities = &field.facts.identities;
    let mut asked: Vec<&str> = Vec::new();
    if identities.len() < 2 {
        asked.push("a second person of the same role, whose things the first one must not reach");
    }
    if identities.iter().all(|identity| identity.role.is_none()) {
        asked.push("the `role` of each, by which the policy below would be guessed");
    }
    if !field.signed_in().any(|who| standing(field, who) > Standing::Ordinary) {
        asked.push("somebody with more rights (`role = \"admin\"`), whose pages the others must not reach");
    }
    let tenants: std::collections::BTreeSet<&String> =
        identities.iter().filter_map(|one| one.tenant.as_ref()).collect();
    if tenants.len() < 2 {
        asked.push("where it has tenants: the `tenant` of each, and somebody of another one");
    }
    if asked.is_empty() {
        return;
    }
    out.push_str("# Asked, because it would show more:\n");
    for one in asked {
        let _ = writeln!(out, "# - {one}");
    }
    out.push('\n');
}

fn login(out: &mut String, field: &Field) {
    if let Some(login) = &field.facts.login {
        given::login(out, "login", login);
        return;
    }
    let ways = field.people.iter().filter_map(|person| person.way.as_ref());
    let Some(way) = ways.into_iter().next() else {
        if field.people.iter().any(|person| person.trouble.is_some()) {
            out.push_str(
                "# Asked: the request that signs people in; `{user}`, `{password}` and `{totp}` stand for what each has.\n\
                 # [login]\n# operation = \"POST /login\"\n# json = { username = \"{user}\", password = \"{password}\" }\n\
                 # Where the token stands in the answer; without it a cookie is expected.\n# token = \"/token\"\n\n",
            );
        }
        return;
    };
    match way {
        // One that is somebody's own stands with them.
        Way::Declared(_) => {}
        Way::Form { page } => {
            let _ = writeln!(
                out,
                "# People sign in by the form at `{}`: found, and found again by itself.\n",
                visible(page)
            );
        }
        Way::Operation(operation) => {
            let (user, password) = login_fields(operation).unwrap_or_default();
            let form = operation.body.as_ref().is_some_and(|body| body.media_type.contains("form"));
            let _ = writeln!(
                out,
                "# Found: it signed them in.\n[login]\noperation = {}\n{} = {{ {} = \"{{user}}\", {} = \"{{password}}\" }}\n",
                quoted(&operation.id()),
                if form { "form" } else { "json" },
                quoted(&user),
                quoted(&password)
            );
        }
    }
}

/// A JSON value in one line of TOML; nothing where it has `null` in it, which TOML cannot say.
fn inline(value: &Value) -> Option<String> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => quoted(text),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(inline).collect::<Option<Vec<_>>>()?.join(", "))
        }
        Value::Object(members) => {
            let members =
                members.iter().map(|(name, value)| Some(format!("{} = {}", quoted(name), inline(value)?)));
            format!("{{ {} }}", members.collect::<Option<Vec<_>>>()?.join(", "))
        }
    })
}

fn webhooks(out: &mut String, field: &Field) {
    let called = |operation: &&Operation| {
        let path = operation.path.to_ascii_lowercase();
        operation.method == "POST"
            && ["webhook", "/hook", "/ipn", "/notify/"].iter().any(|word| path.contains(word))
    };
    for (at, webhook) in field.facts.webhooks.iter().enumerate() {
        given_webhook(out, at, webhook);
    }
    let named =
        |operation: &&Operation| field.facts.webhooks.iter().any(|own| own.operation == operation.id());
    for operation in field.operations.iter().filter(called).filter(|one| !named(one)).take(SHOWN) {
        let _ = writeln!(
            out,
            "# Asked: `{}` is called like a webhook. With its secret and a body its signatures are attacked.\n\
             # [[webhooks]]\n# operation = {}\n# secret = {{ env = \"WEBHOOK_SECRET\" }}\n\
             # scheme = \"standard_webhooks\"      # or github, stripe\n# body = '{{\"id\": \"{{id}}\"}}'\n\
             # effect = {{ request = \"GET /orders/1\", identity = \"alice\", holds = \"paid\" }}\n",
            visible(&operation.id()),
            quoted(&operation.id())
        );
    }
}

fn given_webhook(out: &mut String, at: usize, webhook: &Webhook) {
    let scheme = serde_json::to_value(webhook.scheme).unwrap_or_default();
    let _ = writeln!(
        out,
        "[[webhooks]]\noperation = {}\nsecret = {{ env = {} }}\nscheme = {}\nbody = {}",
        quoted(&webhook.operation),
        quoted(&webhook_variable(at)),
        quoted(scheme.as_str().unwrap_or_default()),
        quoted(&webhook.body)
    );
    if let Some(effect) = &webhook.effect {
        let _ = writeln!(
            out,
            "effect = {{ request = {}, identity = {}, holds = {} }}",
            quoted(&effect.request),
            quoted(&effect.identity),
            quoted(&effect.holds)
        );
    }
    out.push('\n');
}

fn webhook_variable(at: usize) -> String {
    match at {
        0 => "WEBHOOK_SECRET".to_owned(),
        at => format!("WEBHOOK_SECRET_{}", at.saturating_add(1)),
    }
}

/// What there is, for whoever wonders what is missing.
fn seen(out: &mut String, field: &Field) {
    let uploads = field.operations.iter().filter(|one| takes_files(one)).map(Operation::id);
    let sockets = field.operations.iter().filter(|one| one.websocket).map(Operation::id);
    for (what, ids) in [("Takes files", uploads.collect::<Vec<_>>()), ("WebSockets", sockets.collect())] {
        if !ids.is_empty() {
            let shown: Vec<String> = ids.iter().take(SHOWN).map(|id| format!("`{}`", visible(id))).collect();
            let _ = writeln!(out, "# {what}: {}{}", shown.join(", "), more(ids.len(), SHOWN));
        }
    }
    let reached: std::collections::BTreeSet<usize> =
        field.known.iter().map(|known| known.operation).collect();
    let _ = writeln!(
        out,
        "# {} operations, {} of which answered with a success (`+`), and who told of them:",
        field.operations.len(),
        reached.len()
    );
    let mut lines: Vec<(&Operation, bool)> = field
        .operations
        .iter()
        .enumerate()
        .map(|(at, operation)| (operation, reached.contains(&at)))
        .collect();
    lines.sort_by(|(one, _), (two, _)| (&one.path, &one.method).cmp(&(&two.path, &two.method)));
    for (operation, reached) in lines.iter().take(LISTED) {
        let sources: Vec<&str> = operation.sources.iter().map(|source| source.words()).collect();
        let _ = writeln!(
            out,
            "# {} {} ({})",
            if *reached { '+' } else { '-' },
            comment(&operation.id()),
            sources.join(", ")
        );
    }
    if lines.len() > LISTED {
        let _ = writeln!(out, "# …{}", more(lines.len(), LISTED));
    }
}

fn takes_files(operation: &Operation) -> bool {
    let multipart = operation.body.as_ref().is_some_and(|body| body.media_type.contains("multipart"));
    multipart || operation.parameters.iter().any(|parameter| parameter.place == Place::File)
}

/// Whether a path sounds as if a request of it could not be taken back, beyond what the crawl leaves alone by itself.
fn is_risky(path: &str) -> bool {
    let words = [
        "shutdown", "restart", "reboot", "purge", "wipe", "truncate", "flush", "reseed", "restore", "migrate",
    ];
    // Elsewhere it is a password that is set anew.
    let reset = standing_of_path(path).is_some();
    let path = path.to_ascii_lowercase();
    path.split(|letter: char| !letter.is_ascii_alphanumeric())
        .any(|own| words.contains(&own) || reset && own == "reset")
}

fn more(count: usize, shown: usize) -> String {
    match count.saturating_sub(shown) {
        0 => String::new(),
        left => format!(" and {left} more"),
    }
}

/// A text of somebody else in a comment: one line, bounded.
fn comment(text: &str) -> String {
    let text = visible(text);
    match text.char_indices().nth(LINE) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text,
    }
}

fn list(values: &[String]) -> String {
    let values: Vec<String> = values.iter().map(|value| quoted(value)).collect();
    format!("[{}]", values.join(", "))
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len().saturating_add(2));
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => {
                out.push('\\');
                out.push(letter);
            }
            letter if visible(letter.encode_utf8(&mut [0; 4])) == letter.to_string() => out.push(letter),
            letter => {
                let _ = write!(out, "\\U{:08X}", u32::from(letter));
            }
        }
    }
    out.push('"');
    out
}

/// Of one kind that are named in a comment.
const SHOWN: usize = 12;
/// Operations that are listed.
const LISTED: usize = 400;
/// Characters of a comment's line.
const LINE: usize = 300;

impl Grant {
    fn write(&self, out: &mut String) {
        let operations: Vec<String> =
            self.operations.iter().map(|one| format!("    {},\n", quoted(one))).collect();
        let _ = writeln!(
            out,
            "[[policy]]\noperations = [\n{}]\nroles = {}\n",
            operations.concat(),
            list(&self.roles)
        );
    }
}

#[cfg(test)]
mod tests;
