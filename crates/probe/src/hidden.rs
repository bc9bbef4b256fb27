//! What no report shows: credentials and passwords, and the names of the variables that stand for them.
//!
//! Hidden are what identities send along now and sent earlier, their passwords, the secrets of the facts, and every cookie the
//! target set that is long enough to be one. A request keeps its form: `$ALICE` stands where the credential of `alice` was.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::field::{Field, Person};
use crate::session::Session;
use crate::wire::Request;

/// Names for what is not shown.
#[derive(Debug, Clone, Default)]
pub struct Hidden {
    /// Whole header lines: `Cookie: sid=…`, and the variable.
    lines: Vec<(String, String)>,
    /// Parts of texts, the longest first.
    values: Vec<(String, String)>,
}

/// Shorter ones are words that stand anywhere.
const SHORTEST: usize = 6;
/// The shortest cookie of anybody that is taken for a credential.
const COOKIE: usize = 16;

impl Hidden {
    /// Of everything that is known at the end of a run.
    #[must_use]
    pub fn of(field: &Field) -> Self {
        let mut own = Self::default();
        for person in &field.people {
            own.session(&person.name, &person.session());
        }
        for identity in &field.facts.identities {
            let name = variable(&identity.name);
            for (what, text) in
                [("PASSWORD", &identity.password), ("TOKEN", &identity.token), ("TOTP", &identity.totp)]
            {
                let text = text.as_ref().map_or("", |text| text.expose());
                if text != identity.name && text != identity.user() {
                    own.value(text, &format!("{name}_{what}"));
                }
            }
            let codes = identity.recovery.iter();
            codes.for_each(|code| own.value(code.expose(), &format!("{name}_RECOVERY")));
            identity.headers.values().for_each(|text| own.value(text.expose(), &name));
        }
        field.facts.webhooks.iter().for_each(|webhook| own.value(webhook.secret.expose(), "WEBHOOK_SECRET"));
        let client = field.facts.oauth.as_ref().and_then(|oauth| oauth.secret.as_ref());
        client.into_iter().for_each(|secret| own.value(secret.expose(), "CLIENT_SECRET"));
        field.facts.tokens.key.iter().for_each(|key| own.value(key.expose(), "TOKEN_KEY"));
        let others = field.facts.tokens.others.iter().enumerate();
        others.for_each(|(at, text)| {
            own.value(text.expose(), &format!("OTHER_TOKEN_{}", at.saturating_add(1)))
        });
        field.facts.secrets.iter().for_each(|secret| own.value(secret.expose(), "SECRET"));
        for person in &field.people {
            person.past().iter().for_each(|session| own.former(person, session));
        }
        field.others().iter().for_each(|session| own.parts("OTHER", session));
        for cookie in field.wire.issued() {
            // What a test made the target set is the evidence itself.
            if cookie.len() >= COOKIE && !cookie.contains("gx") {
                own.value(&cookie, "SESSION");
            }
        }
        own.sorted()
    }

    /// Of sessions that began just now: by names of identities.
    #[must_use]
    pub fn of_sessions<'a>(sessions: impl IntoIterator<Item = (&'a str, &'a Session)>) -> Self {
        let mut own = Self::default();
        sessions.into_iter().for_each(|(name, session)| own.session(name, session));
        own.sorted()
    }

    /// Whole header lines and the variables that stand for them.
    #[must_use]
    pub fn lines(&self) -> &[(String, String)] {
        &self.lines
    }

    /// What a variable stands for: a whole header line, or a value.
    #[must_use]
    pub fn stands_for(&self, name: &str) -> Option<&str> {
        let of = |pairs: &'_ [(String, String)]| pairs.iter().position(|(_, own)| own == name);
        match of(&self.lines) {
            Some(at) => self.lines.get(at).map(|(line, _)| line.as_str()),
            None => self.values.get(of(&self.values)?).map(|(value, _)| value.as_str()),
        }
    }

    /// Every variable and what it stands for, whole lines first.
    pub fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        self.lines.iter().chain(&self.values).map(|(text, name)| (name.as_str(), text.as_str()))
    }

    /// A text without what is hidden.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        let mut text = unsigned(text);
        for (value, name) in &self.values {
            if text.contains(value.as_str()) {
                text = text.replace(value.as_str(), &format!("${name}"));
            }
        }
        text
    }

    /// A request without what is hidden: a header line of somebody has the name of its variable as value.
    #[must_use]
    pub fn request(&self, request: &Request) -> Request {
        self.put(
            request,
            &|line, name, _| format!("{}: ${name}", line.split(':').next().unwrap_or_default()),
            &|name| format!("${name}"),
        )
    }

    /// The line by which a person sends it again.
    #[must_use]
    pub fn curl(&self, base: &str, request: &Request) -> String {
        let marked = self.put(request, &|line, _, _| line.to_owned(), &|name| format!("{MARK}{name}{MARK}"));
        expanded(&marked.curl(base, &self.lines))
    }

    fn put(
        &self,
        request: &Request,
        line: &dyn Fn(&str, &str, usize) -> String,
        value: &dyn Fn(&str) -> String,
    ) -> Request {
        let masked = |text: &str| {
            let mut text = text.to_owned();
            for (own, name) in &self.values {
                if text.contains(own.as_str()) {
                    text = text.replace(own.as_str(), &value(name));
                }
            }
            text
        };
        let mut out = request.clone();
        out.target = masked(&request.target);
        for (name, text) in &mut out.headers {
            let whole = format!("{name}: {text}");
            *text = match self.lines.iter().position(|(own, _)| *own == whole) {
                Some(at) => {
                    let variable = self.lines.get(at).map_or("", |(_, variable)| variable.as_str());
                    let put = line(&whole, variable, at);
                    put.split_once(": ").map_or_else(String::new, |(_, text)| text.to_owned())
                }
                None => masked(text),
            };
        }
        if let Ok(text) = std::str::from_utf8(&request.body) {
            out.body = masked(text).into_bytes();
        }
        out
    }

    fn session(&mut self, name: &str, session: &Session) {
        let name = variable(name);
        for (at, line) in session.credentials().into_iter().enumerate() {
            let name = if at == 0 { name.clone() } else { format!("{name}_{}", at.saturating_add(1)) };
            self.lines.push((line, name));
        }
        self.parts(&name, session);
    }

    /// What they sent along once; the whole line is no longer the right one.
    fn former(&mut self, person: &Person, session: &Session) {
        self.parts(&variable(&person.name), session);
    }

    fn parts(&mut self, name: &str, session: &Session) {
        for (cookie, value) in &session.cookies {
            self.value(value, &format!("{name}_{}", variable(cookie)));
        }
        for (_, value) in &session.headers {
            let token = value.rsplit(' ').next().unwrap_or(value);
            self.value(token, &format!("{name}_TOKEN"));
        }
        for companion in &session.companions {
            if let Some(value) = companion.value(&session.cookies) {
                self.value(&value, &format!("{name}_{}", variable(companion.name())));
            }
        }
    }

    fn value(&mut self, value: &str, name: &str) {
        if value.chars().count() < SHORTEST {
            return;
        }
        let mut forms: BTreeSet<String> = BTreeSet::from([value.to_owned()]);
        forms.insert(utf8_percent_encode(value, NON_ALPHANUMERIC).to_string());
        forms.insert(utf8_percent_encode(value, UNRESERVED).to_string());
        forms.insert(utf8_percent_encode(value, UNRESERVED).to_string().replace("%20", "+"));
        let json = serde_json::Value::from(value).to_string();
        forms.insert(json.trim_matches('"').to_owned());
        for form in forms {
            let name = if form == value { name.to_owned() } else { format!("{name}_ENCODED") };
            if !self.values.iter().any(|(own, _)| *own == form) {
                self.values.push((form, name));
            }
        }
    }

    fn sorted(mut self) -> Self {
        self.values.sort_by(|(one, _), (two, _)| two.len().cmp(&one.len()).then_with(|| one.cmp(two)));
        self
    }
}

const UNRESERVED: &percent_encoding::AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Around the name of a variable in a line that is not quoted yet: what any quoting leaves as it is.
const MARK: &str = "gxvariablexg";

/// The name of a variable: `ANN_B` for `ann.b`.
#[must_use]
pub fn variable(name: &str) -> String {
    let letter =
        |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { '_' };
    name.chars().map(letter).collect()
}

/// How a shell reads what comes next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quotes {
    None,
    Single,
    Dollar,
    Double,
}

/// Marked names as a shell expands them, whatever quotes they stand in.
fn expanded(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut quotes = Quotes::None;
    let mut pieces = line.split(MARK);
    while let Some(piece) = pieces.next() {
        let mut letters = piece.chars().peekable();
        while let Some(letter) = letters.next() {
            out.push(letter);
            quotes = match (quotes, letter) {
                (Quotes::None, '\'') => Quotes::Single,
                (Quotes::None, '"') => Quotes::Double,
                (Quotes::None, '$') if letters.peek() == Some(&'\'') => {
                    out.extend(letters.next());
                    Quotes::Dollar
                }
                (Quotes::None | Quotes::Dollar, '\\') => {
                    out.extend(letters.next());
                    quotes
                }
                (Quotes::Single | Quotes::Dollar, '\'') | (Quotes::Double, '"') => Quotes::None,
                _ => quotes,
            };
        }
        if let Some(name) = pieces.next() {
            let _ = match quotes {
                Quotes::None => write!(out, "\"${name}\""),
                Quotes::Single => write!(out, "'\"${name}\"'"),
                Quotes::Dollar => write!(out, "'\"${name}\"$'"),
                Quotes::Double => write!(out, "${{{name}}}"),
            };
        }
    }
    out
}

/// Signed tokens (RFC 7515) without their signatures: what they say can be read, and nobody can use them.
fn unsigned(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("eyJ") {
        let (before, token) = rest.split_at(at);
        out.push_str(before);
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
        let end = token.find(|letter| !is_part(letter)).unwrap_or(token.len());
        let (token, after) = token.split_at(end);
        let mut parts = token.splitn(3, '.');
        match (parts.next(), parts.next(), parts.next()) {
            (Some(head), Some(body), Some(signature)) if body.len() > 8 && signature.len() > 8 => {
                let _ = write!(out, "{head}.{body}.[signature]");
            }
            _ => out.push_str(token),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Companion;

    fn hidden() -> Hidden {
        let session = Session {
            cookies: vec![("sid".to_owned(), "0123456789abcdef".to_owned())],
            ..Session::default()
        };
        let mut hidden = Hidden::of_sessions([("alice", &session)]);
        hidden.value("pass word&1", "ALICE_PASSWORD");
        hidden.sorted()
    }

    #[test]
    fn a_line_of_somebody_is_a_variable() {
        let request = Request::get("/a").header("Cookie", "sid=0123456789abcdef");
        let curl = hidden().curl("http://h", &request);
        assert_eq!(curl, "curl -sS -i -H \"$ALICE\" http://h/a");
        assert_eq!(hidden().request(&request).field("cookie"), Some("$ALICE"));
    }

    #[test]
    fn a_value_is_one_in_any_quotes() {
        let hidden = hidden();
        let plain = Request::get("/a").header("X", "0123456789abcdef");
        assert_eq!(hidden.curl("http://h", &plain), "curl -sS -i -H 'X: '\"$ALICE_SID\"'' http://h/a");
        let form = Request::new("POST", "/a").body("text/plain", "p=pass%20word%261");
        assert!(hidden.curl("http://h", &form).contains("--data-binary p=\"$ALICE_PASSWORD_ENCODED\""));
        let lines = Request::new("POST", "/a").body("text/plain", "it's\npass word&1");
        let curl = hidden.curl("http://h", &lines);
        assert!(curl.contains("$'it\\'s\\n'\"$ALICE_PASSWORD\"$''"), "{curl}");
    }

    /// A token against request forgery is theirs as a cookie is.
    #[test]
    fn what_goes_along_with_a_session_is_a_variable() {
        let fixed = Companion::Fixed { name: "X-CSRF-Token".to_owned(), value: "0123456789token".to_owned() };
        let mirror = Companion::OfCookie { name: "X-XSRF".to_owned(), cookie: "xsrf".to_owned() };
        let session = Session {
            cookies: vec![("xsrf".to_owned(), "a%2Bbcdefghijk%3D".to_owned())],
            companions: vec![fixed, mirror],
            ..Session::default()
        };
        let hidden = Hidden::of_sessions([("alice", &session)]);
        let request = session.apply(&Request::new("POST", "/a"));
        let curl = hidden.curl("http://h", &request);
        assert!(!curl.contains("0123456789token") && !curl.contains("bcdefghijk"), "{curl}");
        let page = hidden.text("csrf=0123456789token&again=a+bcdefghijk=");
        assert_eq!(page, "csrf=$ALICE_X_CSRF_TOKEN&again=$ALICE_X_XSRF");
    }

    #[test]
    fn texts_hide_them_in_every_form() {
        let hidden = hidden();
        for text in ["sid=0123456789abcdef;", "pass word&1", "pass%20word%261", "pass+word%261"] {
            assert!(hidden.text(text).contains('$'), "{text}");
        }
        let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0xx.c2lnbmF0dXJlc2ln";
        assert_eq!(hidden.text(token), "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0xx.[signature]");
    }
}
