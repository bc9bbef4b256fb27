//! The browser that tests prove things in: one Chromium for the run, and a context for each visitor.
//!
//! 1. It reaches the target's origin, at the address that was judged, and nothing else. Pages of an attacker come out of memory,
//!    on another site ([`ATTACKER`]).
//! 2. A payload that runs calls a function whose name nobody else knows, with a number that is used once. A call counts only
//!    where its script ran in the target's own origin.
//! 3. Before anything is tested, a page of our own shows that a call is seen (the positive control); otherwise there is no
//!    browser, and the tests say so.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gabion_browser::{
    Answer, Browser, BrowserError, Context, Cookie, Exchange, ExploreOptions, Explored, Options, Page,
    Patience, Recorded, SameSite, Verdict,
};
use gabion_model::Rng;

use crate::field::Person;
use crate::session::{Session, SetCookie};
use crate::wire::Wire;

/// Where pages of the attacker are: no name of this machine, and another site than any target's.
pub const ATTACKER: &str = "http://attacker.example";

/// How a browser is started.
#[derive(Debug, Clone, Default)]
pub struct Chromium {
    /// The program; `chromium` and its relatives by name otherwise.
    pub program: Option<PathBuf>,
    /// Where it is looked for, as in `PATH`; the usual directories otherwise.
    pub search: Option<String>,
}

/// A running browser.
#[derive(Debug)]
pub struct Browsing {
    browser: Browser,
    wire: Arc<Wire>,
    /// `http://127.0.0.1:3000`.
    base: String,
    /// What payloads call.
    word: String,
    number: AtomicU64,
}

/// Somebody with a browser.
#[derive(Debug)]
pub struct Visitor<'a> {
    browsing: &'a Browsing,
    context: Context,
    page: Page,
}

impl Browsing {
    /// Starts it.
    ///
    /// # Errors
    /// Why there is none, for people.
    pub async fn launch(chromium: &Chromium, wire: &Arc<Wire>, rng: &dyn Rng) -> Result<Self, String> {
        let base = wire.origin().base();
        let inside = base.clone();
        let socket = base.replacen("http", "ws", 1);
        let mut options = Options::new(move |url: &str| {
            let ours = is_under(url, &inside) || is_under(url, &socket);
            if ours && !is_dress(url) { Verdict::Allow } else { Verdict::Refuse }
        });
        options.program.clone_from(&chromium.program);
        options.search.clone_from(&chromium.search);
        options.trust_any_certificate = wire.origin().is_tls();
        if let Some(address) = wire.addresses().first() {
            options.names = vec![(wire.origin().host().to_owned(), address.ip())];
        }
        let browser = Browser::launch(options).await.map_err(|error| one_line(&error))?;
        let digits: String =
            gabion_model::random::bytes::<4>(rng).iter().map(|byte| format!("{byte:02x}")).collect();
        let start = u32::from_le_bytes(gabion_model::random::bytes::<4>(rng)) % 900_000_000;
        let number = AtomicU64::new(u64::from(start).saturating_add(100_000_000));
        let browsing = Self { browser, wire: Arc::clone(wire), base, word: format!("gx{digits}"), number };
        browsing.check().await.map_err(|error| one_line(&error))?.then_some(browsing).ok_or_else(|| {
            "the browser does not tell what runs in it; hint: another version of chromium".to_owned()
        })
    }

    /// Whether a script that calls is seen.
    async fn check(&self) -> Result<bool, BrowserError> {
        let number = self.number();
        let page = format!("<!doctype html><title>x</title><script>{}</script>", self.call(number));
        let visitor = self.visitor(&Session::default(), &[], vec![("/".to_owned(), page)]).await?;
        visitor.go(&format!("{ATTACKER}/")).await?;
        let calls = visitor.context.recorded().calls;
        Ok(calls.iter().any(|call| call.payload == number.to_string()))
    }

    /// `Chrome/156.0.8078.79`.
    #[must_use]
    pub fn version(&self) -> &str {
        self.browser.version()
    }

    /// The name of the function that payloads call; with `_` behind it, of the one that takes any text.
    #[must_use]
    pub fn word(&self) -> &str {
        &self.word
    }

    /// `http://127.0.0.1:3000`.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// A number that no payload had before.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number.fetch_add(1, Ordering::Relaxed)
    }

    /// The script that says it ran.
    #[must_use]
    pub fn call(&self, number: u64) -> String {
        format!("{}({number})", self.word)
    }

    /// The same without parentheses.
    #[must_use]
    pub fn call_quoted(&self, number: u64) -> String {
        format!("{}`{number}`", self.word)
    }

    /// Somebody with the cookies and header fields of a person.
    ///
    /// # Errors
    /// When the browser is gone.
    pub async fn visit_as(&self, person: &Person) -> Result<Visitor<'_>, BrowserError> {
        self.lure(person, Vec::new()).await
    }

    /// The same, with pages of the attacker: path and HTML.
    ///
    /// # Errors
    /// When the browser is gone.
    pub async fn lure(
        &self,
        person: &Person,
        pages: Vec<(String, String)>,
    ) -> Result<Visitor<'_>, BrowserError> {
        self.visitor(&person.session(), &cookies_of(person), pages).await
    }

    /// Somebody who looks around, and stays away from paths with these beginnings.
    ///
    /// # Errors
    /// When the browser is gone.
    pub async fn explorer(&self, person: &Person, spare: &[String]) -> Result<Visitor<'_>, BrowserError> {
        let set: Vec<SetCookie> = cookies_of(person);
        self.visitor_sparing(&person.session(), &set, Vec::new(), spare).await
    }

    async fn visitor(
        &self,
        session: &Session,
        set: &[SetCookie],
        pages: Vec<(String, String)>,
    ) -> Result<Visitor<'_>, BrowserError> {
        self.visitor_sparing(session, set, pages, &[]).await
    }

    async fn visitor_sparing(
        &self,
        session: &Session,
        set: &[SetCookie],
        pages: Vec<(String, String)>,
        spare: &[String],
    ) -> Result<Visitor<'_>, BrowserError> {
        let pages: BTreeMap<String, String> = pages.into_iter().collect();
        let spare: Vec<String> = spare.iter().map(|path| format!("{}{path}", self.base)).collect();
        let context = self
            .browser
            .context_with(move |url: &str| {
                if spare.iter().any(|begin| url.starts_with(begin.as_str())) {
                    return Verdict::Refuse;
                }
                let Some(path) = url.strip_prefix(ATTACKER).filter(|_| is_under(url, ATTACKER)) else {
                    return Verdict::Allow;
                };
                let path = path.split(['?', '#']).next().unwrap_or_default();
                pages.get(path).map_or(Verdict::Refuse, |html| Verdict::Answer(Answer::html(html.clone())))
            })
            .await?;
        let bound = format!("{}_", self.word);
        context.binding(&bound);
        let word = &self.word;
        context.on_new_document(&format!("window.{word} = said => window.{bound}(String(said))"));
        for (name, value) in &session.headers {
            context.header(name, value);
        }
        let host = self.wire.origin().host().trim_matches(['[', ']']).to_owned();
        let cookies: Vec<Cookie> = session
            .cookies
            .iter()
            .map(|(name, value)| cookie(name, value, &host, set.iter().find(|set| set.name == *name)))
            .collect();
        if !cookies.is_empty() {
            context.set_cookies(&cookies).await?;
        }
        let page = context.page().await?;
        Ok(Visitor { browsing: self, context, page })
    }
}

impl Visitor<'_> {
    #[must_use]
    pub const fn page(&self) -> &Page {
        &self.page
    }

    #[must_use]
    pub const fn context(&self) -> &Context {
        &self.context
    }

    /// Opens a path of the target, or an address, and waits until the page is quiet.
    ///
    /// # Errors
    /// When the address does not answer, or the page is lost. The browser's other pages go on.
    pub async fn go(&self, to: &str) -> Result<(), BrowserError> {
        let url = if to.starts_with('/') { format!("{}{to}", self.browsing.base) } else { to.to_owned() };
        let before = self.asked();
        let landed = self.page.goto(&url, PATIENCE).await;
        self.spend(before);
        landed.map(drop)
    }

    /// Looks around from these addresses on.
    ///
    /// # Errors
    /// When the browser is gone, or the first address does not answer.
    pub async fn explore(
        &self,
        start: &[String],
        options: &ExploreOptions,
    ) -> Result<Explored, BrowserError> {
        let before = self.asked();
        let start: Vec<&str> = start.iter().map(String::as_str).collect();
        let explored = self.context.explore(&start, options).await;
        self.spend(before);
        explored
    }

    /// Waits until the page is quiet again.
    pub async fn wait(&self) {
        let before = self.asked();
        let _ = self.page.settle(PATIENCE).await;
        self.spend(before);
    }

    /// Opens a path, fires what waits for a person and has the number in it, and says whether the payload ran.
    ///
    /// # Errors
    /// As [`Visitor::go`].
    pub async fn runs(&self, to: &str, number: u64) -> Result<bool, BrowserError> {
        self.go(to).await?;
        if self.ran(number) {
            return Ok(true);
        }
        if self.page.provoke(&number.to_string()).await.unwrap_or_default() > 0 {
            self.wait().await;
        }
        Ok(self.ran(number))
    }

    /// Whether a payload ran in the target's origin.
    #[must_use]
    pub fn ran(&self, number: u64) -> bool {
        self.numbers().contains(&number)
    }

    /// The numbers of all payloads that ran in the target's origin.
    #[must_use]
    pub fn numbers(&self) -> Vec<u64> {
        let calls = self.context.recorded().calls;
        let own = calls.iter().filter(|call| call.origin == self.browsing.base);
        own.filter_map(|call| call.payload.parse().ok()).collect()
    }

    /// What happened since this was last asked.
    #[must_use]
    pub fn take(&self) -> Recorded {
        self.context.take_recorded()
    }

    /// The last request to the target with that method and path.
    #[must_use]
    pub fn last(&self, method: &str, path: &str) -> Option<Exchange> {
        let url = format!("{}{path}", self.browsing.base);
        let mut all = self.context.recorded().exchanges;
        all.reverse();
        all.into_iter().find(|one| one.method == method && one.url.split('?').next() == url.split('?').next())
    }

    /// How many requests it has sent.
    fn asked(&self) -> usize {
        self.context.recorded().exchanges.len()
    }

    /// Counts what reached the target after the first `before`: pages of the attacker come out of memory.
    fn spend(&self, before: usize) {
        let base = &self.browsing.base;
        for one in self.context.recorded().exchanges.iter().skip(before) {
            if let Some(path) = one.url.strip_prefix(base.as_str()).filter(|_| one.status.is_some()) {
                self.browsing.wire.spend(&one.method, path, one.status);
            }
        }
    }
}

/// The cookies that signed somebody in, as they were set.
fn cookies_of(person: &Person) -> Vec<SetCookie> {
    let answers = person.login.iter().map(|(_, answer)| answer);
    answers.flat_map(|answer| answer.fields("set-cookie").filter_map(SetCookie::parse)).collect()
}

/// How long one page is waited for.
pub(crate) const PATIENCE: Patience = Patience {
    whole: Duration::from_secs(10),
    quiet: Duration::from_millis(120),
    settle: Duration::from_secs(2),
};

/// Whether a URL is of an origin.
fn is_under(url: &str, base: &str) -> bool {
    url.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
}

/// Whether a URL is only for the looks of a page: the target is not asked for it.
fn is_dress(url: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    path.ends_with("/favicon.ico")
        || [".css", ".woff", ".woff2", ".ttf"].iter().any(|end| path.ends_with(end))
}

/// A cookie as the answer that set it wants it kept.
fn cookie(name: &str, value: &str, host: &str, set: Option<&SetCookie>) -> Cookie {
    let mut cookie = Cookie::new(name, value, host);
    let Some(set) = set else { return cookie };
    cookie.http_only = set.attribute("httponly").is_some();
    cookie.secure = set.attribute("secure").is_some();
    cookie.same_site = match set.attribute("samesite").map(str::to_ascii_lowercase).as_deref() {
        Some("strict") => Some(SameSite::Strict),
        Some("lax") => Some(SameSite::Lax),
        Some("none") => Some(SameSite::None),
        _ => None,
    };
    if let Some(path) = set.attribute("path").filter(|path| path.starts_with('/')) {
        path.clone_into(&mut cookie.path);
    }
    cookie
}

fn one_line(error: &BrowserError) -> String {
    error.to_string().replace("\nhint:", "; hint:").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_ends_where_its_path_begins() {
        let base = "http://127.0.0.1:80";
        assert!(is_under("http://127.0.0.1:80", base) && is_under("http://127.0.0.1:80/a", base));
        assert!(!is_under("http://127.0.0.1:8080/", base) && !is_under("http://127.0.0.1:80.evil/", base));
    }

    #[test]
    fn cookies_keep_what_was_said_of_them() {
        let set = SetCookie::parse("sid=1; Path=/app; HttpOnly; SameSite=lax").unwrap();
        let kept = cookie("sid", "2", "a", Some(&set));
        assert_eq!((kept.path.as_str(), kept.http_only, kept.same_site), ("/app", true, Some(SameSite::Lax)));
        assert_eq!(cookie("sid", "2", "a", None).same_site, None);
    }
}
