//! Whether a link of the application's leads a visitor to another site (CWE-601).
//!
//! 1. A value that decides where an answer leads, or is called so, becomes an address at a host that nobody has.
//! 2. `Location`, `Refresh` and `<meta http-equiv=refresh>` are read as browsers read them (WHATWG URL): `//host`, `/\host` and
//!    a tab inside all lead away. The host must be ours, not only be somewhere in the text.
//! 3. It is repeated with another host. Negative twin: a path of that name must stay at home.
//! 4. Control for `passed`: a path of the application's own is led to.

use gabion_model::outbound::BoxFuture;
use url::Url;

use super::{Attack, Phase, usable};
use crate::attempt::{Attempt, attempts};
use crate::call::Put;
use crate::field::Field;
use crate::operation::{Place, Point};
use crate::verdict::{Outcome, Proof, Verdict};
use crate::wire::{Answer, WireError};

pub(super) struct OpenRedirect;

const ID: &str = "open-redirect";

impl Attack for OpenRedirect {
    fn id(&self) -> &'static str {
        ID
    }

    fn phase(&self) -> Phase {
        Phase::Read
    }

    fn run<'a>(&'a self, field: &'a Field) -> BoxFuture<'a, Result<(), WireError>> {
        Box::pin(run(field))
    }
}

async fn run(field: &Field) -> Result<(), WireError> {
    let all = attempts(field);
    let mut tested = 0_usize;
    for attempt in &all {
        // A visitor is sent there by a link, or by a form that is sent away at once.
        let redirects = attempt.known.is_some_and(|known| leads(field, attempt, &known.answer).is_some());
        for point in attempt.call.points() {
            let fits = matches!(point.place, Place::Query | Place::Form | Place::Path);
            let number = attempt.call.value(&point).is_some_and(|value| value.parse::<f64>().is_ok());
            if fits && !number && (is_called(point.word()) || redirects && point.place == Place::Query) {
                tested = tested.saturating_add(usize::from(attack(field, attempt, &point).await?));
            }
        }
    }
    if tested == 0 {
        field.not_tested(ID, "no value of any operation decides where an answer leads");
    }
    Ok(())
}

fn is_called(name: &str) -> bool {
    let name: String =
        name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    NAMES.contains(&name.as_str())
        || ["redirect", "returnurl", "returnto", "nexturl", "backurl", "gotourl"]
            .iter()
            .any(|part| name.contains(part))
}

/// What fields are called that say where to go next.
const NAMES: &[&str] = &[
    "to",
    "url",
    "uri",
    "u",
    "next",
    "return",
    "goto",
    "go",
    "dest",
    "destination",
    "continue",
    "target",
    "back",
    "redir",
    "rurl",
    "forward",
    "link",
    "out",
    "ref",
    "referer",
    "referrer",
    "callback",
    "successurl",
    "cancelurl",
    "service",
    "relaystate",
    "from",
    "r",
    "href",
    "location",
    "page",
    "view",
];

/// Ways to write an address at a host, the plainest first.
fn forms(host: &str, own: &str) -> Vec<String> {
    vec![
        format!("https://{host}/"),
        format!("//{host}/"),
        format!("/\\{host}/"),
        format!("/\t/{host}/"),
        format!("https:{host}/"),
        format!("https://{own}@{host}/"),
        format!("https://{host}/?{own}"),
        format!("https://{own}.{host}/"),
    ]
}

/// Says whether the value decides at all.
async fn attack(field: &Field, attempt: &Attempt<'_>, point: &Point) -> Result<bool, WireError> {
    let operation = attempt.operation.id();
    let who = attempt.who;
    let send =
        async |text: &str| usable(field.exchange(who, &attempt.call.with(point, &Put::Text(text))).await);
    let path = format!("/{}", field.canary());
    let Some((twin_request, twin)) = send(&path).await? else { return Ok(false) };
    let home = leads(field, attempt, &twin);
    let stays = home.as_ref().is_some_and(|to| is_own(field, to) && to.path().contains(&path));
    let own = field.wire.origin().host().to_owned();
    for at in 0..forms("", "").len() {
        let form = |host: &str| forms(host, &own).into_iter().nth(at).unwrap_or_default();
        let host = format!("{}.example", field.canary());
        let Some((request, answer)) = send(&form(&host)).await? else { continue };
        if !leads_to(field, attempt, &answer, &host) {
            // Where neither our path nor the plainest address is led to, it leads nowhere.
            if at == 1 && !stays {
                return Ok(false);
            }
            continue;
        }
        let other = format!("{}.example", field.canary());
        let Some((_, again)) = send(&form(&other)).await? else { continue };
        let twin_leaves = home.as_ref().is_some_and(|to| !is_own(field, to));
        if !leads_to(field, attempt, &again, &other) || twin_leaves {
            field.say(
                Outcome::new(
                    ID,
                    &operation,
                    Verdict::Inconclusive,
                    "it led away once, and not as its value says",
                )
                .at(point),
            );
            return Ok(true);
        }
        let written = form(&host);
        let way = leads(field, attempt, &answer).map(|to| to.to_string()).unwrap_or_default();
        let proof = Proof::new(
            field.evidence(who, &request, &answer),
            format!("`{written}` leads a browser to `{way}`"),
        )
        .twin(field.evidence(who, &twin_request, &twin));
        let outcome = Outcome::new(
            ID,
            &operation,
            Verdict::Proven,
            format!("{point} leads a visitor to any site, as `{written}`"),
        );
        field.say(outcome.at(point).proof(proof));
        return Ok(true);
    }
    if stays {
        let says = "it leads to paths of its own, and to no other host in eight spellings";
        field.say(Outcome::new(ID, &operation, Verdict::Passed, says).at(point));
    }
    Ok(stays)
}

fn is_own(field: &Field, to: &Url) -> bool {
    field.wire.origin().inside("/", to.as_str()).is_some()
}

fn leads_to(field: &Field, attempt: &Attempt<'_>, answer: &Answer, host: &str) -> bool {
    let to = leads(field, attempt, answer);
    let led = to.as_ref().and_then(Url::host_str);
    led.is_some_and(|led| led == host || led.ends_with(&format!(".{host}")))
}

/// Where an answer leads a browser by itself.
fn leads(field: &Field, attempt: &Attempt<'_>, answer: &Answer) -> Option<Url> {
    let page = Url::parse(&field.wire.origin().base()).ok()?.join(&attempt.call.path_text()).ok()?;
    let reference = reference(answer)?;
    page.join(reference.trim()).ok()
}

fn reference(answer: &Answer) -> Option<String> {
    if answer.is_redirect() {
        return answer.field("location").map(str::to_owned);
    }
    if let Some(refresh) = answer.field("refresh") {
        return after_url(refresh);
    }
    if !answer.is_html() {
        return None;
    }
    let text = answer.text();
    let lower = text.to_ascii_lowercase();
    let tag = lower.match_indices("<meta").find_map(|(at, _)| {
        let rest = lower.get(at..)?;
        let tag = rest.get(..rest.find('>')?)?;
        (tag.contains("http-equiv") && tag.contains("refresh")).then_some((at, tag.len()))
    })?;
    let tag = text.get(tag.0..tag.0.saturating_add(tag.1))?;
    let content = tag.get(tag.to_ascii_lowercase().find("content=")?.saturating_add(8)..)?;
    let quote = content.chars().next().filter(|letter| matches!(letter, '"' | '\''))?;
    after_url(content.split(quote).nth(1)?)
}

/// The address of `5; url='https://…'`.
fn after_url(text: &str) -> Option<String> {
    let at = text.to_ascii_lowercase().find("url=")?;
    let address = text.get(at.saturating_add(4)..)?.trim().trim_matches(['\'', '"']);
    Some(address.replace("&amp;", "&"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Answer { status, headers, body: body.as_bytes().to_vec(), cut: false, elapsed: Duration::ZERO }
    }

    #[test]
    fn answers_lead_in_three_ways() {
        let html = [("content-type", "text/html")];
        let page = "<META HTTP-EQUIV='refresh' content=\"0; URL='//a.example/'\">";
        assert_eq!(reference(&answer(200, &html, page)).as_deref(), Some("//a.example/"));
        assert_eq!(reference(&answer(302, &[("Location", "/x")], "")).as_deref(), Some("/x"));
        assert_eq!(reference(&answer(200, &[("Refresh", "1;url=/y")], "")).as_deref(), Some("/y"));
        // What is only shown leads nowhere, and a success with a `Location` does not either.
        assert_eq!(reference(&answer(200, &html, "&lt;meta http-equiv=refresh content=\"0;url=/x\">")), None);
        assert_eq!(reference(&answer(201, &[("Location", "/x")], "")), None);
    }

    #[test]
    fn browsers_read_every_form_as_away() {
        let page = Url::parse("http://own.example/a/b").unwrap();
        for form in forms("gx1.example", "own.example") {
            let to = page.join(&form).unwrap();
            let away = to.host_str().unwrap();
            // `https:host` stays where the page has the same scheme, and leads away where it has not.
            assert!(away.ends_with("gx1.example"), "{form} {to}");
        }
    }
}
