//! How what somebody else writes comes to a page: in its address, as the referrer, as a name, as a message, out of what the
//! browser keeps.

use serde_json::{Map, Value};

use super::Subject;
use crate::browser::{ATTACKER, Browsing, Visitor};
use crate::field::Person;

/// What brings it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Carrier {
    /// Behind the question mark as a whole, or as the parameter of a name.
    Query(String),
    /// A parameter that the page's script asks for by name; in the query or in the fragment.
    Parameter(String),
    /// Behind `#` and what stands before it.
    Fragment(String),
    /// As a fragment, and not encoded beyond what a browser does.
    Plain(String),
    Referrer,
    /// The window's name.
    Name,
    /// A message: the text itself, or a member of an object by its path.
    Message(String),
    /// The same, as the text of JSON.
    Written(String),
    /// What the browser keeps by a name: always, or for a tab.
    Kept(String),
    Tab(String),
}

impl Carrier {
    /// Reads what stands behind the word, and gives the rest.
    pub(super) fn read(text: &str) -> (Option<Self>, &str) {
        let mut letters = text.char_indices();
        let Some((_, letter)) = letters.next() else { return (None, text) };
        let behind = text.get(1..).unwrap_or_default();
        let (name, rest) = match behind.split_once('z') {
            Some((digits, rest)) if digits.len() <= 800 && digits.len().is_multiple_of(4) => {
                match unhex(digits) {
                    Some(name) => (name, rest),
                    None => (String::new(), behind),
                }
            }
            _ => (String::new(), behind),
        };
        let carrier = match letter {
            'q' => Self::Query(name),
            'p' => Self::Parameter(name),
            'h' => Self::Fragment(name),
            'r' => Self::Referrer,
            'w' => Self::Name,
            'm' => Self::Message(name),
            'k' => Self::Kept(name),
            't' => Self::Tab(name),
            _ => return (None, text),
        };
        (Some(carrier), rest)
    }

    pub(super) fn aspect(&self) -> String {
        match self {
            Self::Query(name) | Self::Parameter(name) if !name.is_empty() => format!("query {name}"),
            Self::Query(_) | Self::Parameter(_) => "query".to_owned(),
            Self::Fragment(_) | Self::Plain(_) => "fragment".to_owned(),
            Self::Referrer => "referrer".to_owned(),
            Self::Name => "name".to_owned(),
            Self::Message(_) | Self::Written(_) => "message".to_owned(),
            Self::Kept(_) | Self::Tab(_) => "storage".to_owned(),
        }
    }

    /// What is easier for an attacker goes first.
    pub(super) const fn weight(&self) -> u8 {
        match self {
            Self::Query(_) | Self::Parameter(_) | Self::Fragment(_) | Self::Plain(_) => 0,
            Self::Referrer | Self::Name | Self::Message(_) | Self::Written(_) => 1,
            Self::Kept(_) | Self::Tab(_) => 2,
        }
    }

    pub(super) fn words(&self) -> String {
        match self {
            Self::Query(name) | Self::Parameter(name) if !name.is_empty() => {
                format!("the parameter `{name}` of the address")
            }
            Self::Query(_) | Self::Parameter(_) => "the query of the address".to_owned(),
            Self::Fragment(_) | Self::Plain(_) => "the fragment of the address".to_owned(),
            Self::Referrer => "the address of the page that leads here".to_owned(),
            Self::Name => "the window's name".to_owned(),
            Self::Message(_) | Self::Written(_) => "a message of another site".to_owned(),
            Self::Kept(name) | Self::Tab(name) => format!("what the browser keeps as `{name}`"),
        }
    }
}

/// Other ways in which the same may be brought, the likeliest first.
pub(super) fn carriers(carrier: &Carrier) -> Vec<Carrier> {
    match carrier {
        Carrier::Parameter(name) => {
            let fragment = |before: &str| Carrier::Fragment(format!("{before}{name}="));
            vec![Carrier::Query(name.clone()), fragment("#"), fragment("#?"), fragment("#/?")]
        }
        Carrier::Fragment(before) => vec![carrier.clone(), Carrier::Plain(before.clone())],
        Carrier::Message(name) => vec![carrier.clone(), Carrier::Written(name.clone())],
        other => vec![other.clone()],
    }
}

fn hex(text: &str) -> String {
    text.chars().map(|letter| format!("{:04x}", u32::from(letter))).collect()
}

fn unhex(digits: &str) -> Option<String> {
    let bytes = digits.as_bytes();
    let (chunks, []) = bytes.as_chunks::<4>() else { return None };
    chunks
        .iter()
        .map(|four| {
            std::str::from_utf8(four)
                .ok()
                .and_then(|four| u32::from_str_radix(four, 16).ok())
                .and_then(char::from_u32)
        })
        .collect()
}

/// Where the page is opened with the word in it: by itself, and from the attacker's page.
pub(super) fn planted(subject: &Subject, word: &str) -> Vec<String> {
    let mut fields: Vec<String> =
        subject.query.iter().map(|(name, _)| format!("{}={word}q{}z", encoded(name), hex(name))).collect();
    let mut all = Vec::new();
    let mut open = |fields: &[String], before: &str| {
        let query = if fields.is_empty() { String::new() } else { format!("?{}", fields.join("&")) };
        all.push(format!("{}{query}{before}{word}h{}z", subject.path, hex(before)));
    };
    let new =
        names(&subject.code).into_iter().filter(|name| subject.query.iter().all(|(own, _)| own != name));
    fields.extend(new.take(8).map(|name| format!("{}={word}q{}z", encoded(&name), hex(&name))));
    fields.push(format!("{word}qz"));
    open(&fields, "#");
    let mut prefixes = Vec::new();
    if subject.code.contains("hash") || subject.code.contains("URL") || subject.code.contains("href") {
        prefixes.extend(["#/".to_owned(), "#!/".to_owned()]);
        prefixes.extend(names(&subject.code).into_iter().take(3).map(|name| format!("#{name}=")));
    }
    // Another query each time: with the same one only the fragment would change, and nothing would be opened.
    for (at, before) in prefixes.iter().enumerate() {
        let mut fields = fields.clone();
        fields.push(format!("n={at}"));
        open(&fields, before);
    }
    if subject.code.contains("referrer") {
        all.push(format!("{ATTACKER}/?{word}rz"));
    }
    all
}

/// Names that a script seems to look for in an address: `[?&#]name=`.
fn names(code: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for (at, _) in code.match_indices('=').take(20_000) {
        let before = code.get(..at).unwrap_or_default();
        let name: String = before
            .chars()
            .rev()
            .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
            .take(30)
            .collect();
        let name: String = name.chars().rev().collect();
        let behind = before.len().saturating_sub(name.len());
        let mark = before.get(..behind).and_then(|text| text.chars().next_back());
        let opened = mark.is_some_and(|mark| matches!(mark, '?' | '&' | '#' | '"' | '\'' | '`' | ']' | '/'));
        let closed = code.get(at..).is_some_and(|rest| {
            rest.starts_with("=\"")
                || rest.starts_with("='")
                || rest.starts_with("=(")
                || rest.starts_with("=[")
        });
        if opened && closed && !name.is_empty() && !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

/// The attacker's page that leads on to a path of the target, and lets it see its whole address.
pub(super) fn leading(browsing: &Browsing, path: &str) -> String {
    let to = literal(&format!("{}{path}", browsing.base()));
    format!("<!doctype html><meta name=referrer content=unsafe-url><script>location = {to}</script>")
}

/// Brings a payload to the page as an attacker would, in a browser without a past; whether it ran.
pub(super) async fn runs(
    browsing: &Browsing,
    person: &Person,
    subject: &Subject,
    carrier: &Carrier,
    payload: &str,
    number: u64,
) -> bool {
    let lure = match carrier {
        Carrier::Referrer => leading(browsing, &subject.path),
        _ => framing(browsing, subject, carrier, payload),
    };
    let send = format!("<!doctype html><script>opener.postMessage({}, '*')</script>", data(carrier, payload));
    let pages = vec![("/".to_owned(), lure), ("/send".to_owned(), send)];
    let Ok(visitor) = browsing.lure(person, pages).await else { return false };
    let address = address(subject, carrier, payload);
    match carrier {
        Carrier::Query(_) | Carrier::Parameter(_) | Carrier::Fragment(_) | Carrier::Plain(_) => {
            visitor.runs(&address, number).await.unwrap_or(false)
        }
        Carrier::Referrer => visitor.runs(&format!("{ATTACKER}/?{payload}"), number).await.unwrap_or(false),
        Carrier::Kept(name) | Carrier::Tab(name) => {
            let owner = if matches!(carrier, Carrier::Kept(_)) { "localStorage" } else { "sessionStorage" };
            let set = format!("{owner}.setItem({}, {}); 1", literal(name), literal(payload));
            begun(&visitor, subject, &set).await
                && visitor.runs(&format!("{}?n=1", subject.path), number).await.unwrap_or(false)
        }
        // A window keeps the name that whoever opened it gave it.
        Carrier::Name => {
            let set = format!("window.name = {}; 1", literal(payload));
            begun(&visitor, subject, &set).await
                && visitor.runs(&format!("{}?n=1", subject.path), number).await.unwrap_or(false)
        }
        Carrier::Message(_) | Carrier::Written(_) => {
            // A window of the attacker's sends it; where only who frames the page is listened to, that one does.
            let open = format!("window.open('{ATTACKER}/send'); 1");
            if begun(&visitor, subject, &open).await {
                visitor.wait().await;
                if !visitor.ran(number)
                    && visitor.page().provoke(&number.to_string()).await.unwrap_or_default() > 0
                {
                    visitor.wait().await;
                }
            }
            visitor.ran(number) || visitor.runs(&format!("{ATTACKER}/"), number).await.unwrap_or(false)
        }
    }
}

/// Opens the page, and runs a script of ours on it.
async fn begun(visitor: &Visitor<'_>, subject: &Subject, script: &str) -> bool {
    visitor.go(&subject.path).await.is_ok() && visitor.page().evaluate(script, PATIENCE).await.is_ok()
}

const PATIENCE: std::time::Duration = std::time::Duration::from_secs(3);

/// What a person reads of it.
pub(super) fn shown(browsing: &Browsing, subject: &Subject, carrier: &Carrier, payload: &str) -> String {
    match carrier {
        Carrier::Query(_) | Carrier::Parameter(_) | Carrier::Fragment(_) | Carrier::Plain(_) => {
            format!("`{}{}`", browsing.base(), address(subject, carrier, payload))
        }
        Carrier::Message(_) | Carrier::Written(_) => format!("the message `{}`", data(carrier, payload)),
        _ => format!("`{payload}`"),
    }
}

fn address(subject: &Subject, carrier: &Carrier, payload: &str) -> String {
    let fields = |but: &str| -> Vec<String> {
        let others = subject.query.iter().filter(|(name, _)| name != but);
        others.map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect()
    };
    let query = |fields: Vec<String>| {
        if fields.is_empty() { String::new() } else { format!("?{}", fields.join("&")) }
    };
    let path = &subject.path;
    match carrier {
        Carrier::Query(name) if name.is_empty() => format!("{path}?{}", encoded(payload)),
        Carrier::Query(name) => {
            let mut all = fields(name);
            all.push(format!("{}={}", encoded(name), encoded(payload)));
            format!("{path}{}", query(all))
        }
        Carrier::Fragment(before) => format!("{path}{}{before}{}", query(fields("")), encoded(payload)),
        Carrier::Plain(before) => format!("{path}{}{before}{payload}", query(fields(""))),
        _ => format!("{path}{}", query(fields(""))),
    }
}

/// The message as a literal of a script.
fn data(carrier: &Carrier, payload: &str) -> String {
    let path = match carrier {
        Carrier::Message(path) | Carrier::Written(path) => path.as_str(),
        _ => "",
    };
    let mut value = Value::String(payload.to_owned());
    for name in path.rsplit('.').filter(|name| !name.is_empty()) {
        value = Value::Object(Map::from_iter([(name.to_owned(), value)]));
    }
    let text = value.to_string();
    let text = if matches!(carrier, Carrier::Written(_)) { Value::String(text).to_string() } else { text };
    text.replace('<', "\\u003c")
}

/// The attacker's page with the target's page in a frame.
fn framing(browsing: &Browsing, subject: &Subject, carrier: &Carrier, payload: &str) -> String {
    let to = literal(&format!("{}{}", browsing.base(), address(subject, carrier, payload)));
    format!(
        "<!doctype html><body><script>const f = document.createElement('iframe'); f.onload = () => f.contentWindow.postMessage({}, '*'); f.src = {to}; document.body.append(f)</script>",
        data(carrier, payload),
    )
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// A text in a script of a page.
fn literal(text: &str) -> String {
    Value::String(text.to_owned()).to_string().replace('<', "\\u003c")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_and_read_back() {
        let text = format!("h{}zrest", hex("#a="));
        assert_eq!(Carrier::read(&text), (Some(Carrier::Fragment("#a=".to_owned())), "rest"));
        assert_eq!(Carrier::read("m"), (Some(Carrier::Message(String::new())), ""));
        assert_eq!(Carrier::read("kzoo").0, Some(Carrier::Kept(String::new())));
        assert_eq!(Carrier::read("").0, None);
    }

    #[test]
    fn names_of_addresses_are_found_in_code() {
        let code =
            "const m = /[?&]lang=([^&]*)/.exec(location.search); if (a === 'x') { s.split('tab=')[1] }";
        assert_eq!(names(code), ["lang", "tab"]);
    }

    #[test]
    fn messages_are_objects_by_their_path() {
        assert_eq!(data(&Carrier::Message("a.b".to_owned()), "x"), "{\"a\":{\"b\":\"x\"}}");
        assert_eq!(data(&Carrier::Written("a".to_owned()), "x"), "\"{\\\"a\\\":\\\"x\\\"}\"");
        assert_eq!(data(&Carrier::Message(String::new()), "<x"), "\"\\u003cx\"");
    }
}
