//! `gabion client`.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use gabion_model::Period;
use gabion_service::client::{
    Application, AuthenticationMethod, CertificateSubject, GrantType, Metadata, RedirectUri,
};
use serde::de::DeserializeOwned;

use super::{block_on, for_data};
use crate::arguments::{
    Client as Verb, ClientAdd, ClientChange, ClientList, ClientRotate, ConfigFile, Format,
};
use crate::control::door::Door;
use crate::control::operation::{Client, ClientRequest, Reply, Request};
use crate::failure::{Exit, Failure};
use crate::output::table::{Cell, styled, table};
use crate::output::{self, BAD, FAINT, GOOD, STRONG};

/// No metadata is longer.
const LONGEST_FILE: u64 = 128 * 1024;

pub(super) fn run(verb: Verb) -> Result<Exit, Failure> {
    match verb {
        Verb::Add(arguments) => add(*arguments),
        Verb::List(arguments) => list(&arguments),
        Verb::Show(arguments) => {
            let one = one(&arguments.config, ClientRequest::Show { id: arguments.id })?;
            output::value(arguments.output.format, &one, || shown(&one))?;
            Ok(Exit::Success)
        }
        Verb::Change(arguments) => change(arguments),
        Verb::RotateSecret(arguments) => rotate(arguments),
        Verb::Disable(arguments) => {
            let request = ClientRequest::Disable { id: arguments.id };
            said(&arguments.config, arguments.output.format, request, "disabled")
        }
        Verb::Enable(arguments) => {
            let request = ClientRequest::Enable { id: arguments.id };
            said(&arguments.config, arguments.output.format, request, "enabled")
        }
        Verb::Remove(arguments) => {
            let id = arguments.id.clone();
            ask(&arguments.config, ClientRequest::Remove { id: arguments.id }, |_| Ok(()))?;
            if arguments.output.format == Format::Json {
                output::json(&serde_json::json!({ "done": true }))?;
            } else {
                output::data(format_args!("{GOOD}removed{GOOD:#} {STRONG}{id}{STRONG:#}"))?;
            }
            Ok(Exit::Success)
        }
    }
}

fn add(arguments: ClientAdd) -> Result<Exit, Failure> {
    let metadata = metadata(&arguments)?;
    let request =
        ClientRequest::Add { id: arguments.id, tenant: arguments.tenant, metadata: Box::new(metadata) };
    let client = one(&arguments.config, request)?;
    print_secret(arguments.output.format, &client, "registered")
}

fn change(arguments: ClientChange) -> Result<Exit, Failure> {
    let metadata = Box::new(from_file::<Metadata>(&arguments.from)?);
    let request = ClientRequest::Change { id: arguments.id, metadata };
    said(&arguments.config, arguments.output.format, request, "changed")
}

fn rotate(arguments: ClientRotate) -> Result<Exit, Failure> {
    let overlap: Period =
        arguments.overlap.parse().map_err(|error| Failure::usage("`--overlap`").because(&error))?;
    let overlap_seconds = overlap.as_duration().as_secs();
    let request = ClientRequest::RotateSecret { id: arguments.id, overlap_seconds };
    let client = one(&arguments.config, request)?;
    print_secret(arguments.output.format, &client, "made a new secret of")
}

fn said(file: &ConfigFile, format: Format, request: ClientRequest, done: &str) -> Result<Exit, Failure> {
    let client = one(file, request)?;
    output::value(format, &client, || format!("{GOOD}{done}{GOOD:#} {STRONG}{}{STRONG:#}", client.id))?;
    Ok(Exit::Success)
}

/// The id and, where there is one, the secret: data, so that a script can take them.
fn print_secret(format: Format, client: &Client, done: &str) -> Result<Exit, Failure> {
    if format == Format::Json {
        output::json(client)?;
        return Ok(Exit::Success);
    }
    output::note(format_args!("{GOOD}{done}{GOOD:#} {STRONG}{}{STRONG:#}", client.metadata.name));
    output::data(format_args!("client_id      {STRONG}{}{STRONG:#}", client.id))?;
    if let Some(secret) = &client.client_secret {
        output::data(format_args!("client_secret  {STRONG}{}{STRONG:#}", secret.0.expose()))?;
        output::note(format_args!("{FAINT}The secret is shown this once; only its hash is kept.{FAINT:#}"));
    }
    Ok(Exit::Success)
}

fn list(arguments: &ClientList) -> Result<Exit, Failure> {
    let mut clients: Vec<Client> = Vec::new();
    ask(&arguments.config, ClientRequest::List, |client| {
        clients.push(client);
        Ok(())
    })?;
    output::value(arguments.output.format, &clients, || all(&clients))?;
    Ok(Exit::Success)
}

fn all(clients: &[Client]) -> String {
    if clients.is_empty() {
        return "no application yet: `gabion client add NAME --redirect-uri URL` registers one".to_owned();
    }
    let rows: Vec<Vec<Cell>> = clients
        .iter()
        .map(|client| {
            let (state, look) = if client.disabled { ("disabled", BAD) } else { ("active", GOOD) };
            vec![
                styled(client.id.clone(), STRONG),
                client.metadata.name.clone().into(),
                styled(state, look),
                client.metadata.authentication.as_str().into(),
                client
                    .metadata
                    .grant_types
                    .iter()
                    .map(|grant| short(*grant))
                    .collect::<Vec<_>>()
                    .join(", ")
                    .into(),
                client.created.get(..10).unwrap_or_default().into(),
            ]
        })
        .collect();
    table(&["id", "name", "state", "authentication", "grants", "since"], &rows)
}

fn shown(client: &Client) -> String {
    let metadata = &client.metadata;
    let list = |items: Vec<String>| if items.is_empty() { "none".to_owned() } else { items.join("\n  ") };
    let texts = |uris: &[RedirectUri]| uris.iter().map(ToString::to_string).collect::<Vec<_>>();
    let secrets = client.secrets.iter().map(|secret| match &secret.expires {
        Some(end) => format!("{} since {}, until {end}", secret.id, secret.created),
        None => format!("{} since {}", secret.id, secret.created),
    });
    let rows = [
        ("id", client.id.clone()),
        ("name", metadata.name.clone()),
        ("state", if client.disabled { "disabled" } else { "active" }.to_owned()),
        ("registered by", client.registration.clone()),
        ("tenant", client.tenant.clone()),
        ("authentication", metadata.authentication.to_string()),
        ("secrets", list(secrets.collect())),
        ("grants", list(metadata.grant_types.iter().map(|grant| short(*grant).to_owned()).collect())),
        ("scopes", metadata.scopes.join(" ")),
        ("redirect URIs", list(texts(&metadata.redirect_uris))),
        ("after signing out", list(texts(&metadata.post_logout_redirect_uris))),
        ("service account", client.account.clone().unwrap_or_else(|| "none".to_owned())),
        ("first party", if metadata.first_party { "yes" } else { "no" }.to_owned()),
        ("since", client.created.clone()),
        ("changed", client.updated.clone()),
    ];
    rows.map(|(name, value)| format!("{FAINT}{name}{FAINT:#}\n  {value}")).join("\n")
}

const fn short(grant: GrantType) -> &'static str {
    match grant {
        GrantType::DeviceCode => "device_code",
        other => other.as_str(),
    }
}

/// What the flags say, on top of what the file says.
fn metadata(arguments: &ClientAdd) -> Result<Metadata, Failure> {
    let mut metadata = match &arguments.from {
        Some(path) => from_file::<Metadata>(path)?,
        None => Metadata::default(),
    };
    if let Some(name) = &arguments.name {
        metadata.name.clone_from(name);
    }
    for (flag, given, list) in [
        ("--redirect-uri", &arguments.redirect_uris, &mut metadata.redirect_uris),
        (
            "--post-logout-redirect-uri",
            &arguments.post_logout_redirect_uris,
            &mut metadata.post_logout_redirect_uris,
        ),
    ] {
        for text in given {
            let uri = text
                .parse::<RedirectUri>()
                .map_err(|error| Failure::usage(format!("`{flag} {text}`")).because(&error))?;
            list.push(uri);
        }
    }
    if arguments.native {
        metadata.application = Application::Native;
    }
    if arguments.public {
        metadata.authentication = AuthenticationMethod::None;
    }
    if let Some(word) = &arguments.authentication {
        metadata.authentication =
            chosen("--authentication", word, AuthenticationMethod::ALL, AuthenticationMethod::as_str)?;
    }
    if !arguments.grants.is_empty() {
        let grants = arguments.grants.iter().map(|word| chosen("--grant", word, GrantType::ALL, short));
        metadata.grant_types = grants.collect::<Result<_, _>>()?;
        if !metadata.grant_types.contains(&GrantType::AuthorizationCode) {
            metadata.response_types.clear();
        }
    }
    if !arguments.scopes.is_empty() {
        metadata.scopes.clone_from(&arguments.scopes);
    }
    if let Some(text) = &arguments.certificate {
        metadata.certificate_subject = Some(subject(text)?);
    }
    metadata.certificate_thumbprints.extend(arguments.certificate_thumbprints.iter().cloned());
    metadata.introspects.extend(arguments.introspects.iter().cloned());
    metadata.certificate_bound_access_tokens |= arguments.certificate_bound;
    metadata.dpop_bound_access_tokens |= arguments.dpop_bound;
    metadata.first_party |= arguments.first_party;
    if let Some(path) = &arguments.jwks_file {
        metadata.jwks = Some(from_file(path)?);
    }
    metadata.jwks_uri = arguments.jwks_uri.clone().or(metadata.jwks_uri);
    metadata.backchannel_logout_uri =
        arguments.backchannel_logout_uri.clone().or(metadata.backchannel_logout_uri);
    Ok(metadata)
}

/// `dns:billing.internal` and its like.
fn subject(text: &str) -> Result<CertificateSubject, Failure> {
    let (kind, value) = text.split_once(':').unwrap_or((text, ""));
    let value = value.to_owned();
    Ok(match kind {
        "dn" => CertificateSubject::Dn(value),
        "dns" => CertificateSubject::SanDns(value),
        "email" => CertificateSubject::SanEmail(value),
        "ip" => CertificateSubject::SanIp(value),
        "uri" => CertificateSubject::SanUri(value),
        _ => {
            let failure =
                Failure::usage(format!("`--certificate {text}` does not say what kind of name it is"));
            return Err(failure.hint("for instance `dns:billing.internal` or `dn:CN=billing,O=Example`"));
        }
    })
}

fn chosen<T: Copy>(
    flag: &str,
    word: &str,
    all: &[T],
    name: impl Fn(T) -> &'static str,
) -> Result<T, Failure> {
    all.iter().copied().find(|one| name(*one) == word).ok_or_else(|| {
        let words: Vec<_> = all.iter().map(|one| format!("`{}`", name(*one))).collect();
        Failure::usage(format!("`{flag} {word}` is not known")).hint(format!("one of {}", words.join(", ")))
    })
}

fn from_file<T: DeserializeOwned>(path: &Path) -> Result<T, Failure> {
    let mut text = String::new();
    fs::File::open(path)
        .and_then(|file| file.take(LONGEST_FILE).read_to_string(&mut text))
        .map_err(|error| Failure::usage(format!("cannot read `{}`", path.display())).because(&error))?;
    serde_json::from_str(&text).map_err(|error| {
        Failure::usage(format!("`{}` is not what it should be", path.display())).because(&error)
    })
}

fn one(file: &ConfigFile, request: ClientRequest) -> Result<Client, Failure> {
    let mut found = None;
    ask(file, request, |client| {
        found = Some(client);
        Ok(())
    })?;
    found.ok_or_else(|| Failure::new("the gate did not say what became of it"))
}

fn ask(
    file: &ConfigFile,
    request: ClientRequest,
    mut each: impl FnMut(Client) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let config = for_data(file)?.config;
    let make = matches!(request, ClientRequest::Add { .. });
    block_on(async {
        Door::open(&config, make)
            .await?
            .ask(Request::Client { client: request }, |reply| match reply {
                Reply::Client(client) => each(*client),
                _ => Ok(()),
            })
            .await
    })
}
