//! Who sends a request: cookies and header fields of one identity.

use std::fmt;

use crate::wire::{Answer, Request};

/// What an identity sends along.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Session {
    pub cookies: Vec<(String, String)>,
    pub headers: Vec<(String, String)>,
    /// What the application's own scripts send along beside that: tokens against request forgery.
    pub companions: Vec<Companion>,
    /// The application's own, `http://127.0.0.1:3000`: a browser says with what it sends that it is a page of this that sends it
    /// (Fetch Metadata).
    pub origin: Option<String>,
}

/// A header field that goes along and says nothing of who asks.
#[derive(Clone, PartialEq, Eq)]
pub enum Companion {
    Fixed {
        name: String,
        value: String,
    },
    /// What a cookie holds now.
    OfCookie {
        name: String,
        cookie: String,
    },
}

/// A cookie as an answer sets it (RFC 6265, section 5.2).
#[derive(Clone, PartialEq, Eq)]
pub struct SetCookie {
    pub name: String,
    pub value: String,
    /// In lower case, with their values as they stand.
    pub attributes: Vec<(String, String)>,
}

/// Names, never values: whoever has them is that person.
impl fmt::Debug for Session {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names =
            |pairs: &[(String, String)]| pairs.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        formatter
            .debug_struct("Session")
            .field("cookies", &names(&self.cookies))
            .field("headers", &names(&self.headers))
            .field("companions", &self.companions)
            .finish()
    }
}

impl fmt::Debug for Companion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl Companion {
    /// The name of its field.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Fixed { name, .. } | Self::OfCookie { name, .. } => name,
        }
    }

    /// What it holds now.
    pub(crate) fn value<'a>(&'a self, cookies: &'a [(String, String)]) -> Option<std::borrow::Cow<'a, str>> {
        match self {
            Self::Fixed { value, .. } => Some(value.into()),
            Self::OfCookie { cookie, .. } => {
                let (_, value) = cookies.iter().find(|(name, _)| name == cookie)?;
                Some(percent_encoding::percent_decode_str(value).decode_utf8_lossy())
            }
        }
    }
}

impl fmt::Debug for SetCookie {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SetCookie").field("name", &self.name).finish_non_exhaustive()
    }
}

impl SetCookie {
    /// Nothing where it has no name.
    #[must_use]
    pub fn parse(field: &str) -> Option<Self> {
        let mut parts = field.split(';');
        let (name, value) = parts.next()?.split_once('=')?;
        let attributes = parts.map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (name.trim().to_ascii_lowercase(), value.trim().to_owned())
        });
        let name = name.trim();
        (!name.is_empty()).then(|| Self {
            name: name.to_owned(),
            value: value.trim().trim_matches('"').to_owned(),
            attributes: attributes.collect(),
        })
    }

    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// Whether it takes the cookie away.
    #[must_use]
    pub fn is_removal(&self) -> bool {
        let over =
            self.attribute("max-age").and_then(|age| age.parse::<i64>().ok()).is_some_and(|age| age <= 0);
        over || self.value.is_empty() || self.attribute("expires").is_some_and(|date| date.contains("1970"))
    }
}

impl Session {
    /// The request as this identity sends it. What the request sets itself stays.
    #[must_use]
    pub fn apply(&self, request: &Request) -> Request {
        let mut request = request.clone();
        for (name, value) in &self.headers {
            if request.field(name).is_none() {
                request = request.header(name, value);
            }
        }
        for companion in &self.companions {
            if request.field(companion.name()).is_none()
                && let Some(value) = companion.value(&self.cookies)
            {
                request = request.header(companion.name(), &value);
            }
        }
        let own = request.field("cookie").unwrap_or_default().to_owned();
        let has = |name: &str| own.split(';').any(|pair| pair.trim().split('=').next() == Some(name));
        let mut all: Vec<String> = self
            .cookies
            .iter()
            .filter(|(name, _)| !has(name))
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if all.is_empty() {
            return request;
        }
        if !own.is_empty() {
            all.push(own);
        }
        let request = request.with("Cookie", &all.join("; "));
        match &self.origin {
            Some(origin) if !request.is_safe() => request.from_page_of(origin),
            _ => request,
        }
    }

    /// Keeps the cookies that an answer sets. One that takes a cookie away is left to whoever signs out.
    pub fn learn(&mut self, answer: &Answer) {
        for cookie in answer.fields("set-cookie").filter_map(SetCookie::parse) {
            if cookie.is_removal() {
                continue;
            }
            let room = self.cookies.len() < MOST;
            match self.cookies.iter_mut().find(|(name, _)| *name == cookie.name) {
                Some((_, value)) => *value = cookie.value,
                None if room => self.cookies.push((cookie.name, cookie.value)),
                None => {}
            }
        }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cookies.is_empty() && self.headers.is_empty()
    }

    /// The header fields that say who it is, as a request has them.
    #[must_use]
    pub fn credentials(&self) -> Vec<String> {
        let request = self.apply(&Request::get("/"));
        request.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect()
    }
}

/// The most cookies that are kept.
const MOST: usize = 50;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn cookies_are_kept_and_sent() {
        let mut session = Session::default();
        let set = |value: &str| Answer {
            status: 200,
            headers: vec![("Set-Cookie".to_owned(), value.to_owned())],
            body: Vec::new(),
            cut: false,
            elapsed: Duration::ZERO,
        };
        session.learn(&set("sid=1; Path=/; HttpOnly"));
        session.learn(&set("lang=de"));
        session.learn(&set("sid=2"));
        session.learn(&set("lang=; Max-Age=0"));
        let request = session.apply(&Request::get("/"));
        let cookie = SetCookie::parse("sid=hidden");
        session.headers.push(("Authorization".to_owned(), "hidden".to_owned()));
        let shown = format!("{session:?} {:?} {cookie:?}", session.apply(&Request::get("/?t=hidden")));
        assert!(
            shown.contains("sid") && shown.contains("Authorization") && !shown.contains("hidden"),
            "{shown}"
        );
        assert_eq!(request.field("cookie"), Some("sid=2; lang=de"));
        let mirror = Companion::OfCookie { name: "X-Token".to_owned(), cookie: "sid".to_owned() };
        session.companions.push(mirror);
        assert_eq!(session.apply(&Request::get("/")).field("x-token"), Some("2"));
        let request = session.apply(&Request::get("/").header("Cookie", "sid=other"));
        assert_eq!(request.field("cookie"), Some("lang=de; sid=other"));
        let cookie = SetCookie::parse("sid=1; Path=/; HttpOnly; SameSite=Lax").unwrap();
        assert_eq!((cookie.attribute("samesite"), cookie.attribute("httponly")), (Some("Lax"), Some("")));
    }
}
