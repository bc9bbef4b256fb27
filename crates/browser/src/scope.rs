//! Who may be asked: the judge of every request a page makes.

use std::fmt;
use std::sync::Arc;

/// Judges every URL before it is asked for. Called from the task that reads the browser's messages: it answers at
/// once, from memory.
pub trait Scope: Send + Sync {
    /// What becomes of a request for `url`: `http:`, `https:`, `ws:` or `wss:`.
    fn judge(&self, url: &str) -> Verdict;
}

impl<F: Fn(&str) -> Verdict + Send + Sync> Scope for F {
    fn judge(&self, url: &str) -> Verdict {
        self(url)
    }
}

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is sent.
    Allow,
    /// It fails, as if an extension had blocked it.
    Refuse,
    /// It is not sent; the page gets this. So a caller serves pages of another site out of memory.
    Answer(Answer),
}

/// An answer out of memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
}

impl Answer {
    /// A page of HTML.
    #[must_use]
    pub fn html(body: impl Into<String>) -> Self {
        Self {
            status: 200,
            headers: vec![("content-type".into(), "text/html; charset=utf-8".into())],
            body: body.into().into_bytes(),
        }
    }
}

/// The scope of a context: what itself refuses or answers, and what the whole browser's allows.
pub(crate) struct Narrowed {
    pub(crate) browser: Arc<dyn Scope>,
    pub(crate) own: Option<Arc<dyn Scope>>,
}

impl Scope for Narrowed {
    fn judge(&self, url: &str) -> Verdict {
        match self.own.as_ref().map_or(Verdict::Allow, |own| own.judge(url)) {
            Verdict::Allow => self.browser.judge(url),
            other => other,
        }
    }
}

impl fmt::Debug for dyn Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scope")
    }
}

/// Whether a request with this URL leaves the browser at all.
pub(crate) fn leaves(url: &str) -> bool {
    ["http:", "https:", "ws:", "wss:"].iter().any(|scheme| begins(url, scheme))
}

/// Whether a page may have this address.
pub(crate) fn is_for_pages(url: &str) -> bool {
    url.is_empty()
        || ["http:", "https:", "about:", "data:", "blob:", "chrome-error:"]
            .iter()
            .any(|scheme| begins(url, scheme))
}

/// Whether `url` begins with `scheme`, in any case.
fn begins(url: &str, scheme: &str) -> bool {
    url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_narrows_and_never_widens() {
        let browser: Arc<dyn Scope> =
            Arc::new(
                |url: &str| {
                    if url.starts_with("http://in.test/") { Verdict::Allow } else { Verdict::Refuse }
                },
            );
        let answer = Verdict::Answer(Answer::html("x"));
        let given = answer.clone();
        let own: Arc<dyn Scope> = Arc::new(move |url: &str| match url {
            "http://in.test/no" => Verdict::Refuse,
            "http://other.test/" => given.clone(),
            _ => Verdict::Allow,
        });
        let scope = Narrowed { browser, own: Some(own) };
        assert_eq!(scope.judge("http://in.test/"), Verdict::Allow);
        assert_eq!(scope.judge("http://in.test/no"), Verdict::Refuse);
        assert_eq!(scope.judge("http://out.test/"), Verdict::Refuse);
        assert_eq!(scope.judge("http://other.test/"), answer);
    }

    #[test]
    fn addresses_of_pages() {
        assert!(is_for_pages("HTTPS://a/"));
        assert!(!is_for_pages("file:///etc/passwd"));
        assert!(!is_for_pages("view-source:http://a/"));
        assert!(!is_for_pages("chrome://version"));
        assert!(leaves("ws://a/") && !leaves("data:text/html,x"));
    }
}
