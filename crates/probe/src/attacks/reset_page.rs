//! Whether the page that the link of a reset leads to tells its token to other sites by `Referer` (CWE-598, CWE-200; Referrer Policy,
//! section 8): `password-reset` asks it of a letter with a token that nobody used.
//!
//! 1. The link with the token is taken from the letter. What stands behind `#` is sent nowhere.
//! 2. The page is asked of the target. In Chromium it is opened as by whoever got the letter, and the first links to other sites are
//!    followed. The scope lets none of these requests out; what they would have had in their heads is recorded.
//! 3. Proven: the `Referer` of a request to another site has the token, on two visits. It passed where requests went to others
//!    without it (the control), or none.
//! 4. Without a browser, by the page's text: firm where something of another site is loaded or linked and a policy lets the whole
//!    address go along (`unsafe-url`, `no-referrer-when-downgrade`, of the head, the page or the element); tentative where none is
//!    said, so that the browser's own decides; not tested where scripts draw the page.

use std::cell::RefCell;

use gabion_model::Severity;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};
use url::Url;

use super::usable;
use crate::browser::{Browsing, Visitor};
use crate::control::Control;
use crate::field::{Field, Person};
use crate::surface::html;
use crate::verdict::{Exchange, Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

/// Links that are followed.
const FOLLOWED: usize = 3;
/// Pages are read up to this size, in bytes.
const LONGEST: usize = 1 << 20;
/// The most that is kept of what leads to other sites.
const MOST: usize = 100;

/// What the page of a letter's link tells others.
///
/// # Errors
/// When the run is over.
pub(super) async fn referrer(
    field: &Field,
    (test, operation): (&'static str, &str),
    letter: &str,
    token: &str,
) -> Result<(), WireError> {
    let outcome =
        |verdict, says: &str| Outcome::new(test, operation, verdict, says.to_owned()).aspect("referrer");
    let not_tested = |says: &str| field.say(outcome(Verdict::NotTested, says));
    let Some(link) = link(letter, token) else {
        not_tested("letters have no link with the token in it");
        return Ok(());
    };
    let asked =
        link.query().map_or_else(|| link.path().to_owned(), |query| format!("{}?{query}", link.path()));
    if !asked.contains(token) {
        let control = Control::new("the letter's link has the token behind `#`");
        field.say(outcome(Verdict::Passed, "the token stands where no request has it").control(control));
        return Ok(());
    }
    let request = Request::page(&asked);
    let Some(answer) = usable(field.wire.send(&request).await)? else { return Ok(()) };
    if !answer.is_success() || !answer.is_html() || field.is_missing(&answer) {
        not_tested("the page that the letter's link leads to is not at the target");
        return Ok(());
    }
    let shown = Exchange::new("anonymous", &request, &answer);
    let hosts = [field.wire.origin().host().to_owned(), link.host_str().unwrap_or_default().to_owned()];
    let elsewhere = |url: &str| {
        let url = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
        url.host_str().filter(|host| !hosts.iter().any(|own| own == host)).map(str::to_owned)
    };
    let is_here = Control::shown("the page of the letter's link is there", shown.clone());
    if let Ok(browsing) = &field.browser {
        let mut leaks = Vec::new();
        let mut asked_of = Vec::new();
        for _ in 0..2 {
            let Some((seen, leaked)) = visit(browsing, &asked, token, &elsewhere).await else {
                let says = "the page of the letter's link could not be opened in the browser";
                field.say(outcome(Verdict::Inconclusive, says));
                return Ok(());
            };
            asked_of.extend(seen);
            leaks.extend(leaked);
        }
        let said = match (leaks.as_slice(), asked_of.first()) {
            ([first, _, ..], _) => {
                let says = format!("the address of the page with the token goes to `{first}` as `Referer`");
                let proof =
                    Proof::new(shown, format!("the `Referer` of a request to `{first}` has the token"))
                        .by_steps();
                outcome(Verdict::Proven, &says).severity(Severity::Medium).proof(proof)
            }
            ([once], _) => {
                let says = format!(
                    "the address of the page with the token went to `{once}` as `Referer`, once of two visits"
                );
                let proof =
                    Proof::new(shown, format!("the `Referer` of a request to `{once}` had the token"))
                        .by_steps();
                outcome(Verdict::Firm, &says).severity(Severity::Medium).proof(proof)
            }
            (_, Some(other)) => {
                outcome(Verdict::Passed, &format!("`{other}` and others are asked without the token"))
            }
            (_, None) => outcome(Verdict::Passed, "the page asks nothing of other sites"),
        };
        field.say(said.control(is_here));
        return Ok(());
    }
    let page = read(&answer, link.scheme() == "https");
    let outside = page.references.iter().filter_map(|(url, policy)| Some((elsewhere(url)?, policy.as_str())));
    let outside: Vec<(String, &str)> = outside.collect();
    let whole = outside.iter().find(|(_, policy)| FULL.contains(policy));
    let said = match (whole, outside.iter().find(|(_, policy)| policy.is_empty())) {
        (Some((host, policy)), _) => {
            let says = format!("a page with the token in its address leads to `{host}` under `{policy}`");
            let proof = Proof::new(shown, format!("`{policy}` sends the whole address along"));
            outcome(Verdict::Firm, &says).severity(Severity::Medium).proof(proof)
        }
        (None, Some((host, _))) => {
            let says = format!(
                "a page with the token in its address leads to `{host}`, and what goes along is left to the browser"
            );
            let proof = Proof::new(shown, "no `Referrer-Policy` is said");
            outcome(Verdict::Tentative, &says).severity(Severity::Low).proof(proof)
        }
        _ if html::read(&answer.text()).scripted => {
            not_tested("scripts draw the page of the letter's link, and there is no browser");
            return Ok(());
        }
        _ => outcome(Verdict::Passed, "nothing of other sites is loaded or linked with the whole address"),
    };
    field.say(said.control(is_here));
    Ok(())
}

/// The link of a letter that has the token.
fn link(letter: &str, token: &str) -> Option<Url> {
    let apart = |letter: char| letter.is_whitespace() || matches!(letter, '<' | '>' | '"' | '\'' | '(' | ')');
    // Letters in HTML write `&` so.
    let letter = letter.replace("&amp;", "&");
    let links = letter.split(apart).filter(|word| word.contains("://") && word.contains(token));
    links.filter_map(|word| Url::parse(word.trim_end_matches(['.', ',', ';', '!'])).ok()).next()
}

/// Hosts of other sites that the page asks, and the first of them that is told the token; nothing where it does not open.
async fn visit(
    browsing: &Browsing,
    to: &str,
    token: &str,
    elsewhere: &(dyn Fn(&str) -> Option<String> + Sync),
) -> Option<(Vec<String>, Option<String>)> {
    let visitor = browsing.visit_as(&Person::nobody()).await.ok()?;
    visitor.go(to).await.ok()?;
    let (mut hosts, mut leaked) = asked(&visitor, token, elsewhere);
    let links = visitor.page().links().await.unwrap_or_default();
    let links = links.into_iter().filter(|link| matches!(link.element.as_str(), "a" | "area"));
    for link in links.filter(|link| elsewhere(&link.url).is_some()).take(FOLLOWED) {
        if leaked.is_some() {
            break;
        }
        // What was followed may have led away.
        if visitor.page().url() != format!("{}{to}", browsing.base()) && visitor.go(to).await.is_err() {
            break;
        }
        if visitor.page().press(&link.selector).await.is_ok() {
            visitor.wait().await;
        }
        (hosts, leaked) = asked(&visitor, token, elsewhere);
    }
    Some((hosts, leaked))
}

fn asked(
    visitor: &Visitor<'_>,
    token: &str,
    elsewhere: &(dyn Fn(&str) -> Option<String> + Sync),
) -> (Vec<String>, Option<String>) {
    let exchanges = visitor.context().recorded().exchanges;
    let outside: Vec<(String, bool)> = exchanges
        .iter()
        .filter_map(|one| {
            let told = one.header("referer").is_some_and(|address| address.contains(token));
            Some((elsewhere(&one.url)?, told))
        })
        .collect();
    let leaked = outside.iter().find(|(_, told)| *told).map(|(host, _)| host.clone());
    (outside.into_iter().map(|(host, _)| host).collect(), leaked)
}

/// Policies under which the whole address goes to other sites.
const FULL: &[&str] = &["no-referrer-when-downgrade", "unsafe-url"];
/// All there are (Referrer Policy, section 3).
const POLICIES: &[&str] = &[
    "no-referrer",
    "no-referrer-when-downgrade",
    "origin",
    "origin-when-cross-origin",
    "same-origin",
    "strict-origin",
    "strict-origin-when-cross-origin",
    "unsafe-url",
];

/// What a page loads and links, each with the policy that holds for it: empty where none is said.
#[derive(Debug, Default, PartialEq, Eq)]
struct References {
    references: Vec<(String, String)>,
}

fn read(answer: &Answer, secure: bool) -> References {
    let text = answer.text();
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    let header =
        answer.fields("referrer-policy").flat_map(|value| value.split(',')).filter_map(policy).last();
    let sink = Sink(RefCell::new(State { policy: header.unwrap_or_default(), references: Vec::new() }));
    let tokenizer = Tokenizer::new(sink, TokenizerOpts::default());
    let queue = BufferQueue::default();
    queue.push_back(StrTendril::from(text.get(..end).unwrap_or_default()));
    while !queue.is_empty() {
        let _ = tokenizer.feed(&queue);
    }
    tokenizer.end();
    let State { policy, references } = tokenizer.sink.0.into_inner();
    let held = |url: &String, own: String| match own.as_str() {
        // To what is not encrypted nothing goes.
        "no-referrer-when-downgrade" if secure && url.starts_with("http:") => "no-referrer".to_owned(),
        _ => own,
    };
    let references = references.into_iter().map(|(url, own)| {
        let own = own.unwrap_or_else(|| policy.clone());
        let own = held(&url, own);
        (url, own)
    });
    References { references: references.collect() }
}

/// A policy by its name.
fn policy(text: &str) -> Option<String> {
    let text = text.trim().to_ascii_lowercase();
    // Older names of the element (HTML, section 4.2.5.1).
    let text = match text.as_str() {
        "always" => "unsafe-url",
        "default" => "strict-origin-when-cross-origin",
        "never" => "no-referrer",
        "origin-when-crossorigin" => "origin-when-cross-origin",
        other => other,
    };
    POLICIES.contains(&text).then(|| text.to_owned())
}

struct State {
    policy: String,
    /// With the policy of the element, where it has one.
    references: Vec<(String, Option<String>)>,
}

struct Sink(RefCell<State>);

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        if let Token::TagToken(tag) = token
            && tag.kind == TagKind::StartTag
        {
            self.0.borrow_mut().open(&tag);
        }
        TokenSinkResult::Continue
    }
}

impl State {
    fn open(&mut self, tag: &Tag) {
        let value = |name: &str| {
            tag.attrs.iter().find(|own| &*own.name.local == name).map(|own| own.value.trim().to_owned())
        };
        if &*tag.name == "meta" {
            if value("name").is_some_and(|name| name.eq_ignore_ascii_case("referrer"))
                && let Some(policy) = value("content").as_deref().and_then(policy)
            {
                self.policy = policy;
            }
            return;
        }
        let rel = value("rel").unwrap_or_default().to_ascii_lowercase();
        let silent = rel.split_whitespace().any(|word| word == "noreferrer");
        let own = value("referrerpolicy").as_deref().and_then(policy);
        let own = if silent { Some("no-referrer".to_owned()) } else { own };
        // Of the hints of a head only what is fetched counts.
        let hint = &*tag.name == "link"
            && ["canonical", "alternate", "author", "license"].iter().any(|word| rel.contains(word));
        for name in ["src", "href"] {
            let Some(url) = value(name).filter(|_| !hint && self.references.len() < MOST) else { continue };
            let url = if url.starts_with("//") { format!("http:{url}") } else { url };
            self.references.push((url, own.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn page(policy: &str, body: &str) -> Answer {
        Answer {
            status: 200,
            headers: vec![("Referrer-Policy".to_owned(), policy.to_owned())],
            body: body.as_bytes().to_vec(),
            cut: false,
            elapsed: Duration::ZERO,
        }
    }

    #[test]
    fn the_policy_of_an_element_is_the_nearest_that_is_said() {
        let of = |policy: &str, body: &str| read(&page(policy, body), true).references[0].1.clone();
        assert_eq!(of("", "<img src=https://b/>"), "");
        assert_eq!(of("no-referrer, unsafe-url, new-one", "<img src=https://b/>"), "unsafe-url");
        assert_eq!(of("unsafe-url", "<meta name=referrer content=never><img src=https://b/>"), "no-referrer");
        assert_eq!(
            of("", "<a href=https://b/ rel='x noreferrer' referrerpolicy=unsafe-url>b</a>"),
            "no-referrer"
        );
        assert_eq!(of("origin", "<script src=//b/ referrerpolicy=unsafe-url></script>"), "unsafe-url");
        assert_eq!(of("no-referrer-when-downgrade", "<img src=http://b/>"), "no-referrer");
        assert_eq!(read(&page("", "<link rel=canonical href=https://b/>"), true), References::default());
    }

    #[test]
    fn the_link_of_a_letter_is_the_one_with_the_token() {
        let letter = "See https://a.example/help, then <https://a.example/reset?t=9f8e7d6c>.";
        assert_eq!(link(letter, "9f8e7d6c").unwrap().as_str(), "https://a.example/reset?t=9f8e7d6c");
        assert_eq!(link("Your code is 9f8e7d6c", "9f8e7d6c"), None);
    }
}
