//! What the facts said already and no survey finds out: a draft made from facts loses none of it. Secrets become variables.

use std::fmt::Write as _;

use gabion_finding::visible;

use super::{SHOWN, inline, quoted, takes_files};
use crate::facts::{
    Bound, Callback, Facts, Login, Monitoring, OAuth, Ports, Second, Target, Template, Text, Tokens, Upload,
    Version, Watched,
};
use crate::field::Field;
use crate::operation::Operation;

/// What stands before every table.
pub(super) fn root(out: &mut String, facts: &Facts) {
    if facts.secrets.is_empty() {
        return;
    }
    let all: Vec<String> = (0..facts.secrets.len()).map(secret_variable).collect();
    let all: Vec<String> = all.iter().map(|name| format!("{{ env = {} }}", quoted(name))).collect();
    let _ = writeln!(out, "# Texts that no answer may ever hold.\nsecrets = [{}]\n", all.join(", "));
}

pub(super) fn target(out: &mut String, target: &Target) {
    let http = match target.http {
        Version::Auto => None,
        Version::First => Some("1.1"),
        Version::Second => Some("2"),
    };
    pair(out, "http", http);
    if !target.verify {
        out.push_str("verify = false\n");
    }
    let ports = (target.ports != Ports::default()).then_some(&target.ports);
    for (name, ports) in [("ports", ports), ("udp_ports", target.udp_ports.as_ref())] {
        let _ = match ports {
            None => Ok(()),
            Some(Ports::Usual(usual)) => writeln!(out, "{name} = {usual}"),
            Some(Ports::These(ports)) => writeln!(out, "{name} = {ports:?}"),
        };
    }
}

/// The request that signs people in, under the name of its table.
pub(super) fn login(out: &mut String, table: &str, login: &Login) {
    let _ = writeln!(out, "[{table}]");
    request(out, &login.operation, login.json.as_ref(), &login.form);
    if !login.headers.is_empty() {
        let _ = writeln!(out, "headers = {}", members(&login.headers));
    }
    pair(out, "token_field", login.token_field.as_deref());
    pair(out, "token", login.token.as_deref());
    pair(out, "header", login.header.as_deref());
    if let Some(second) = &login.second {
        let Second { operation, form, json } = &**second;
        let _ = writeln!(out, "[{table}.second]");
        request(out, operation, json.as_ref(), form);
    }
    out.push('\n');
}

pub(super) fn accounts(out: &mut String, facts: &Facts) {
    let own = &facts.accounts;
    let mut plain = String::new();
    pair(&mut plain, "mail", own.mail.map(|mail| mail.to_string()).as_deref());
    pair(&mut plain, "token", own.token.map(|token| token.to_string()).as_deref());
    pair(&mut plain, "idle", own.idle.map(|idle| idle.to_string()).as_deref());
    if let Some(sessions) = own.sessions {
        let _ = writeln!(plain, "sessions = {sessions}");
    }
    if !plain.is_empty() {
        let _ = writeln!(out, "[accounts]\n{plain}");
    }
    for (table, template) in own.templates() {
        let Template { operation, form, json, identity } = template;
        let _ = writeln!(out, "[{table}]");
        request(out, operation, json.as_ref(), form);
        pair(out, "identity", identity.as_deref());
        out.push('\n');
    }
}

pub(super) fn rest(out: &mut String, facts: &Facts) {
    tokens(out, &facts.tokens);
    if let Some(own) = &facts.oauth {
        oauth(out, own);
    }
    if let Some(Monitoring { request, identity, file, within, alerts, incidents }) = &facts.monitoring {
        out.push_str("[monitoring]\n");
        pair(out, "request", request.as_deref());
        pair(out, "identity", identity.as_deref());
        pair(out, "file", file.as_ref().map(|file| file.display().to_string()).as_deref());
        pair(out, "within", Some(&within.to_string()));
        out.push('\n');
        for (name, own) in [("alerts", alerts), ("incidents", incidents)] {
            let Some(Watched { request, identity, file }) = own else { continue };
            let _ = writeln!(out, "[monitoring.{name}]");
            pair(out, "request", request.as_deref());
            pair(out, "identity", identity.as_deref());
            pair(out, "file", file.as_ref().map(|file| file.display().to_string()).as_deref());
            out.push('\n');
        }
    }
    if let Some(Callback { dns, zone }) = &facts.callback {
        let _ = writeln!(out, "[callback]\ndns = {}\nzone = {}\n", quoted(&dns.to_string()), quoted(zone));
    }
    for Bound { operation, field, min, max, step } in &facts.bounds {
        out.push_str("[[bounds]]\n");
        pair(out, "operation", Some(operation));
        pair(out, "field", Some(field));
        for (name, number) in [("min", min), ("max", max), ("step", step)] {
            if let Some(number) = number {
                let _ = writeln!(out, "{name} = {number:?}");
            }
        }
        out.push('\n');
    }
    for Upload { operation, max } in &facts.uploads {
        let _ = writeln!(out, "[[uploads]]\noperation = {}\nmax = {max}\n", quoted(operation));
    }
}

/// Asks how large files may be, where nothing says it.
pub(super) fn uploads(out: &mut String, field: &Field) {
    let said = |own: &&Operation| field.facts.uploads.iter().any(|one| one.operation == own.id());
    for operation in field.operations.iter().filter(|own| takes_files(own) && !said(own)).take(SHOWN) {
        let id = operation.id();
        let _ = writeln!(
            out,
            "# Asked: how large a file of `{}` may be, in bytes.\n# [[uploads]]\n# operation = {}\n# max = 5000000\n",
            visible(&id),
            visible(&quoted(&id))
        );
    }
}

fn tokens(out: &mut String, own: &Tokens) {
    if own.key.is_none() && own.others.is_empty() {
        return;
    }
    out.push_str("[tokens]\n");
    if own.key.is_some() {
        let _ = writeln!(out, "key = {{ env = {} }}", quoted(TOKEN_KEY));
    }
    let others: Vec<String> = (0..own.others.len()).map(other_token).collect();
    if !others.is_empty() {
        let others: Vec<String> = others.iter().map(|name| format!("{{ env = {} }}", quoted(name))).collect();
        let _ = writeln!(out, "others = [{}]", others.join(", "));
    }
    out.push('\n');
}

fn oauth(out: &mut String, own: &OAuth) {
    out.push_str("[oauth]\n");
    pair(out, "client", Some(&own.client));
    if own.secret.is_some() {
        let _ = writeln!(out, "secret = {{ env = {} }}", quoted(CLIENT));
    }
    pair(out, "redirect", Some(&own.redirect));
    pair(out, "scope", own.scope.as_deref());
    pair(out, "identity", Some(&own.identity));
    pair(out, "authorize", own.authorize.as_deref());
    pair(out, "token", own.token.as_deref());
    pair(out, "other", own.other.as_deref());
    out.push('\n');
}

/// The variables that these parts name.
pub(super) fn variables(facts: &Facts) -> impl Iterator<Item = String> {
    let client = facts.oauth.as_ref().and_then(|oauth| oauth.secret.as_ref());
    let key = facts.tokens.key.iter().map(|_| TOKEN_KEY.to_owned());
    let secrets = (0..facts.secrets.len()).map(secret_variable);
    let others = (0..facts.tokens.others.len()).map(other_token);
    secrets.chain(client.map(|_: &Text| CLIENT.to_owned())).chain(key).chain(others)
}

const CLIENT: &str = "CLIENT_SECRET";
const TOKEN_KEY: &str = "TOKEN_KEY";

fn other_token(at: usize) -> String {
    format!("OTHER_TOKEN_{}", at.saturating_add(1))
}

fn secret_variable(at: usize) -> String {
    format!("SECRET_{}", at.saturating_add(1))
}

fn request(
    out: &mut String,
    operation: &str,
    json: Option<&serde_json::Value>,
    form: &std::collections::BTreeMap<String, String>,
) {
    pair(out, "operation", Some(operation));
    if let Some(body) = json {
        match inline(body) {
            Some(body) => {
                let _ = writeln!(out, "json = {body}");
            }
            None => out.push_str("# Asked: its `json`, in which TOML cannot say `null`.\n"),
        }
    }
    if !form.is_empty() {
        let _ = writeln!(out, "form = {}", members(form));
    }
}

fn members(all: &std::collections::BTreeMap<String, String>) -> String {
    let all: Vec<String> =
        all.iter().map(|(name, value)| format!("{} = {}", quoted(name), quoted(value))).collect();
    format!("{{ {} }}", all.join(", "))
}

fn pair(out: &mut String, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        let _ = writeln!(out, "{name} = {}", quoted(value));
    }
}
