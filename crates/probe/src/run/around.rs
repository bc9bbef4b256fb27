//! What comes before the attacks: documents, pages, who signs in, which requests work, and a place where callbacks arrive.

use std::collections::BTreeSet;

use super::{Document, DocumentKind, Progress, World};
use crate::browser::Browsing;
use crate::catch::Catch;
use crate::field::{Field, Person};
use crate::learn;
use crate::login::{self, Way, brought, sign_in};
use crate::operation::Provenance;
use crate::surface::{self, DOCUMENTS, add, entrance, graphql, read_openapi, rendered, scripts};
use crate::wire::{Request, WireError, step};

pub(super) async fn look_around(
    field: &mut Field,
    world: &World,
    progress: &dyn Progress,
) -> Result<(), WireError> {
    progress.step("looking around", 0, 0);
    if let Some(chromium) = &world.browser {
        field.browser = Browsing::launch(chromium, &field.wire, &*field.rng).await;
        if let Err(reason) = &field.browser {
            field.note(reason.clone());
        }
    }
    let pages = step("looking around", async {
        learn::learn_missing(field).await?;
        documents(field, world).await?;
        field.told = field.operations.len();
        surface::crawl(field, 0, field.facts.limits.pages).await
    });
    let pages = pages.await?;
    progress.step("reading scripts", 0, 0);
    step("reading scripts", scripts::read(field, 0)).await?;
    progress.step("looking around in the browser", 0, 0);
    step("looking around in the browser", async {
        if rendered::is_scripted(field) {
            rendered::explore(field, 0).await?;
            scripts::read(field, 0).await?;
        }
        Ok::<(), WireError>(())
    })
    .await?;
    progress.step("signing in", 0, 0);
    step("signing in", people(field, &pages)).await
}

pub(super) async fn learn_everything(field: &mut Field, progress: &dyn Progress) -> Result<(), WireError> {
    let most = field.facts.limits.pages;
    for who in field.signed_in().collect::<Vec<_>>() {
        progress.step("following links", who, field.people.len());
        step("following links", surface::crawl(field, who, most)).await?;
    }
    let mut seen = BTreeSet::new();
    for who in field.signed_in().collect::<Vec<_>>() {
        // What is shown depends on what somebody is, more than on who.
        let role = field.person(who).role.clone();
        if rendered::is_scripted(field) && seen.insert(role) {
            progress.step("looking around in the browser", who, field.people.len());
            rendered::explore(field, who).await?;
        }
        scripts::read(field, who).await?;
    }
    graphql::learn(field).await?;
    progress.step("learning what works", 0, field.operations.len());
    step("learning what works", learn::learn(field)).await
}

/// The documents the facts name, or those at well-known places.
async fn documents(field: &mut Field, world: &World) -> Result<(), WireError> {
    let is_openapi = |document: &Document| document.kind == DocumentKind::OpenApi;
    let named = !field.facts.target.openapi.is_empty() || world.documents.iter().any(is_openapi);
    for document in &world.documents {
        take_file(field, document);
    }
    let paths: Vec<String> = if named {
        field.facts.target.openapi.iter().filter(|path| path.starts_with('/')).cloned().collect()
    } else {
        DOCUMENTS.iter().map(|path| (*path).to_owned()).collect()
    };
    for path in paths {
        let answer = match field.request(0, &Request::get(&path)).await {
            Ok(answer) => answer,
            Err(error) if error.is_end() => return Err(error),
            Err(_) => continue,
        };
        if !answer.is_success() || field.is_missing(&answer) || answer.is_html() {
            if named {
                field.note(format!("`{path}` is no document: it answered {}", answer.status));
            }
            continue;
        }
        let found = take_document(field, &path, &answer.text(), Provenance::WellKnown);
        if found {
            field.documents.push(path);
        }
        if found && !named {
            break;
        }
    }
    Ok(())
}

fn take_file(field: &mut Field, document: &Document) {
    let Document { kind, name, text } = document;
    let told = match kind {
        DocumentKind::OpenApi => {
            take_document(field, name, text, Provenance::Specification);
            return;
        }
        DocumentKind::Endpoints => surface::code::read(text),
        DocumentKind::Har => match surface::har::read(text, field.wire.origin()) {
            Ok(told) => {
                if told.operations.is_empty() && told.elsewhere > 0 {
                    field.note(format!(
                        "`{name}` has {} requests, none of them to the target",
                        told.elsewhere
                    ));
                }
                told.operations.into_iter().for_each(|one| add(&mut field.operations, one));
                told.calls.into_iter().for_each(|call| rendered::keep(field, 0, call));
                return;
            }
            Err(reason) => Err(reason),
        },
    };
    match told {
        Ok(operations) => operations.into_iter().for_each(|one| add(&mut field.operations, one)),
        Err(reason) => field.note(format!("`{name}`: {reason}")),
    }
}

fn take_document(field: &mut Field, name: &str, text: &str, source: Provenance) -> bool {
    match read_openapi(text) {
        Ok(told) => {
            for note in told.notes {
                field.note(format!("{name}: {note}"));
            }
            for mut operation in told.operations {
                operation.sources.insert(source);
                add(&mut field.operations, operation);
            }
            true
        }
        Err(reason) => {
            field.note(format!("`{name}`: {reason}"));
            false
        }
    }
}

/// Signs everybody in.
async fn people(field: &mut Field, pages: &[(String, surface::html::Page)]) -> Result<(), WireError> {
    let mut ways = login::ways(&field.facts, pages, &field.operations);
    let mut browsed = false;
    for identity in field.facts.identities.clone() {
        let mut person =
            Person::new(&identity.name, identity.user(), identity.role.clone(), identity.tenant.clone());
        let own: Vec<Way> =
            identity.login.iter().cloned().map(|login| Way::Declared(Box::new(login))).collect();
        let brought = brought(&identity);
        // What the page itself sends is surer than what a document looks like.
        let told = |way: &Way| matches!(way, Way::Form { .. } | Way::Declared(_));
        let formless = own.is_empty() && brought.is_none() && !ways.iter().any(told);
        let mut passed = None;
        if formless && !browsed {
            browsed = true;
            passed = entrance::sign_in(field, &identity).await;
            if let Some(login) = passed.as_mut().and_then(|passed| passed.login.take()) {
                ways.insert(0, Way::Declared(Box::new(login)));
            }
        }
        let ways = if own.is_empty() { &ways } else { &own };
        if let (Some(session), None) = (&brought, &identity.login) {
            person.become_known(session.clone());
        } else {
            person.trouble =
                Some("no form and no operation takes a name and a password; hint: `[login]`".to_owned());
            for way in ways {
                match sign_in(&field.wire, way, &identity, &*field.clock).await {
                    Ok(Ok(mut signed_in)) => {
                        signed_in.session.headers.extend(brought.clone().unwrap_or_default().headers);
                        person.become_known(signed_in.session);
                        person.login = Some((signed_in.request, signed_in.answer));
                        // Where no other password can be sent, none can be tried.
                        let fixed = matches!(way, Way::Declared(login) if login.fixed);
                        person.way = (!fixed).then(|| way.clone());
                        person.trouble = None;
                        break;
                    }
                    Ok(Err(reason)) => person.trouble = Some(reason),
                    Err(error) if error.is_end() => return Err(error),
                    Err(error) => person.trouble = Some(error.to_string()),
                }
            }
            if person.trouble.is_some() {
                if passed.is_none() {
                    passed = entrance::sign_in(field, &identity).await;
                }
                if let Some(passed) = passed {
                    person.become_known(passed.session);
                    person.trouble = None;
                }
            }
        }
        if let Some(trouble) = &person.trouble {
            field.note(format!("`{}` is not signed in: {trouble}", person.name));
        }
        field.people.push(person);
    }
    Ok(())
}

/// From here on what the target fetches and mails is caught.
pub(super) async fn listen(field: &mut Field) {
    if let Some(address) = field.facts.accounts.mail {
        match crate::mail::MailSink::start(address).await {
            Ok(sink) => field.mail = Some(sink),
            Err(error) => {
                field.note(format!("no letters are taken at `{address}`: {error}; hint: `accounts.mail`"))
            }
        }
    }
    let Some(target) = field.wire.addresses().first().copied() else { return };
    match Catch::start(target, field.facts.target.callback).await {
        Ok(mut catch) => {
            if let Some(callback) = &field.facts.callback
                && let Err(error) = catch.answer_for(callback.dns, &callback.zone).await
            {
                field.note(format!(
                    "no name server answers at `{}`: {error}; hint: `callback.dns`",
                    callback.dns
                ));
            }
            field.catch = Some(catch);
        }
        Err(error) => field.note(format!("nothing listens for callbacks: {error}; hint: `target.callback`")),
    }
}
