//! Cookies that no contract tells of, and requests that they go along with.

use std::collections::BTreeSet;

use super::usable;
use crate::call::Call;
use crate::field::{Field, Known};
use crate::learn::works;
use crate::operation::Operation;
use crate::session::SetCookie;
use crate::wire::WireError;

/// A cookie that somebody has.
#[derive(Debug, Clone)]
pub(super) struct Extra {
    pub(super) who: usize,
    pub(super) name: String,
    pub(super) value: String,
    /// Requests whose answer may depend on it, by what reports call them: harmless ones that work.
    pub(super) requests: Vec<(String, Known)>,
}

/// Pages that nobody is shown, and that are asked for their cookies.
const PAGES: usize = 4;
/// Requests for each cookie.
const REQUESTS: usize = 6;
const COOKIES: usize = 12;

/// Cookies of people, and those that pages set to nobody, each name once.
///
/// # Errors
/// When the run is over.
pub(super) async fn extras(field: &Field) -> Result<Vec<Extra>, WireError> {
    let mut all = Vec::new();
    let mut met = BTreeSet::new();
    for who in field.signed_in() {
        for (name, value) in field.person(who).session().cookies {
            if met.insert(name.clone()) {
                all.push(Extra { who, name, value, requests: Vec::new() });
            }
        }
    }
    for (_, known) in pages(field, 0).await? {
        for set in known.answer.fields("set-cookie").filter_map(SetCookie::parse) {
            if !set.is_removal() && met.insert(set.name.clone()) {
                all.push(Extra { who: 0, name: set.name, value: set.value, requests: Vec::new() });
            }
        }
    }
    all.truncate(COOKIES);
    let mut shown: Vec<(usize, Vec<(String, Known)>)> = Vec::new();
    for extra in &mut all {
        if !shown.iter().any(|(who, _)| *who == extra.who) {
            shown.push((extra.who, requests(field, extra.who).await?));
        }
        let own = shown.iter().find(|(who, _)| *who == extra.who);
        extra.requests = own.map(|(_, requests)| requests.clone()).unwrap_or_default();
    }
    Ok(all)
}

/// What shows best who somebody is, then pages, then what else is harmless.
async fn requests(field: &Field, who: usize) -> Result<Vec<(String, Known)>, WireError> {
    let named = |known: &Known| Some((field.operation(known.operation)?.id(), known.clone()));
    let safe =
        |known: &&Known| known.who == who && field.operation(known.operation).is_some_and(Operation::is_safe);
    let mut all: Vec<(String, Known)> = field.proof_of(who).and_then(named).into_iter().collect();
    all.extend(pages(field, who).await?.into_iter().take(2));
    all.extend(field.known.iter().filter(safe).filter_map(named));
    let mut met = BTreeSet::new();
    all.retain(|(operation, _)| met.insert(operation.clone()));
    all.truncate(REQUESTS);
    Ok(all)
}

/// The first page and some others, as somebody sees them. They are no operations, and have numbers of their own.
async fn pages(field: &Field, who: usize) -> Result<Vec<(String, Known)>, WireError> {
    let first = field.wire.origin().path().to_owned();
    let own = field.pages.iter().filter(|(met, _)| *met == who).map(|(_, path)| path.clone());
    let mut paths = vec![first];
    paths.extend(own.filter(|path| !path.contains(['{', '#', '?']) && !crate::surface::is_ending(path)));
    let mut met = BTreeSet::new();
    paths.retain(|path| met.insert(path.clone()));
    let mut all = Vec::new();
    for (at, path) in paths.into_iter().take(PAGES).enumerate() {
        let call = Call::new("GET", &path);
        let session = field.person(who).session();
        let Some(answer) = usable(field.as_session(&session, &call.request()).await)? else { continue };
        if works(field, &answer) {
            let operation = usize::MAX.saturating_sub(at);
            all.push((format!("GET {path}"), Known { operation, who, call, answer, anonymous: None }));
        }
    }
    Ok(all)
}
