//! Whether a secret still works: whoever issued it is asked. This says what is asked and what an answer means; who sends it is
//! somebody else, and only where a person wished it.
//!
//! Issuers are data (`rules/issuers.toml`). A question is one request that changes nothing, to one address that stands in that file.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use gabion_finding::{Confidence, Finding};
use gabion_model::outbound::{FetchError, FetchMethod, FetchRequest, FetchResponse};
use gabion_model::{Secret, Severity};
use gabion_vault::encoding::base64_encode;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use regex::Regex;
use serde::Deserialize;

/// All issuers that are asked.
#[derive(Debug, Clone)]
pub struct Issuers {
    all: Vec<Issuer>,
    by_rule: BTreeMap<String, usize>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Issuer {
    name: String,
    rules: Vec<String>,
    #[serde(default)]
    method: Method,
    url: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: String,
    #[serde(default)]
    works: Vec<u16>,
    #[serde(default)]
    revoked: Vec<u16>,
    /// Forms of an answer with status 200.
    works_where: Option<String>,
    revoked_where: Option<String>,
    #[expect(dead_code, reason = "for readers of the file")]
    source: String,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
enum Method {
    #[default]
    #[serde(rename = "GET")]
    Get,
    #[serde(rename = "POST")]
    Post,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    issuer: Vec<Issuer>,
}

/// What is asked about one secret.
#[derive(Clone)]
pub struct Question {
    /// Who is asked.
    pub issuer: String,
    pub request: FetchRequest,
    number: usize,
}

/// The request is not shown: the secret may stand in its address.
impl fmt::Debug for Question {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Question").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// What is known then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Live {
    Works,
    Revoked,
    /// Why nobody knows.
    Unknown(String),
}

/// What an answer has at most, in bytes: a profile, a list of models.
const LARGEST: usize = 1 << 20;
const PATIENCE: Duration = Duration::from_secs(15);
/// What a secret has at most that is sent.
const LONGEST: usize = 4096;
/// What is written otherwise in a part of a path (RFC 3986, section 3.3).
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b':').remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const SHIPPED: &str = include_str!("../../../rules/issuers.toml");

impl Issuers {
    /// Those that come with the program.
    ///
    /// # Errors
    /// What is wrong with the file, which tests do not let happen.
    pub fn shipped() -> Result<Self, String> {
        Self::read(SHIPPED)
    }

    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        let mut by_rule = BTreeMap::new();
        for (number, issuer) in file.issuer.iter().enumerate() {
            for form in issuer.works_where.iter().chain(&issuer.revoked_where) {
                Regex::new(form).map_err(|error| format!("`{}`: {error}", issuer.name))?;
            }
            if issuer.works.iter().any(|status| issuer.revoked.contains(status)) {
                return Err(format!("`{}` says the same of secrets that work and of others", issuer.name));
            }
            for rule in &issuer.rules {
                if by_rule.insert(rule.clone(), number).is_some() {
                    return Err(format!("two issuers are asked about `{rule}`"));
                }
            }
        }
        Ok(Self { all: file.issuer, by_rule })
    }

    /// The rules whose secrets somebody can be asked about.
    pub fn rules(&self) -> impl Iterator<Item = &str> {
        self.by_rule.keys().map(String::as_str)
    }

    /// Where questions go.
    pub fn addresses(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|issuer| issuer.url.as_str())
    }

    /// What is asked about a secret; none where nobody is known to ask, or where it cannot be sent.
    #[must_use]
    pub fn question(&self, rule: &str, secret: &str) -> Option<Question> {
        let number = *self.by_rule.get(rule)?;
        let issuer = self.all.get(number)?;
        let plain = !secret.is_empty() && secret.bytes().all(|byte| byte.is_ascii_graphic());
        if !plain || secret.len() > LONGEST {
            return None;
        }
        let filled = |text: &str| {
            let basic = || base64_encode(format!("api:{secret}").as_bytes());
            let text =
                if text.contains("{basic}") { text.replace("{basic}", &basic()) } else { text.to_owned() };
            Secret::new(text.replace("{secret}", secret))
        };
        let headers = issuer.headers.iter().map(|(name, value)| (name.clone(), filled(value)));
        let escaped = utf8_percent_encode(secret, IN_PATH).to_string();
        let request = FetchRequest {
            method: match issuer.method {
                Method::Get => FetchMethod::Get,
                Method::Post => FetchMethod::Post,
            },
            url: issuer.url.replace("{secret}", &escaped),
            headers: headers.collect(),
            body: Secret::new(issuer.body.clone().into_bytes()),
            largest: LARGEST,
            deadline: PATIENCE,
            redirects: 0,
        };
        Some(Question { issuer: issuer.name.clone(), request, number })
    }

    /// What an answer means.
    #[must_use]
    pub fn meaning(&self, question: &Question, answer: &Result<FetchResponse, FetchError>) -> Live {
        let Some(issuer) = self.all.get(question.number) else {
            return Live::Unknown("nobody was asked".to_owned());
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return Live::Unknown(reason(error).to_owned()),
        };
        let has = |form: &Option<String>| {
            let body = String::from_utf8_lossy(&answer.body);
            let form = form.as_ref().and_then(|form| Regex::new(form).ok());
            answer.status == 200 && form.is_some_and(|form| form.is_match(&body))
        };
        if issuer.works.contains(&answer.status) || has(&issuer.works_where) {
            Live::Works
        } else if issuer.revoked.contains(&answer.status) || has(&issuer.revoked_where) {
            Live::Revoked
        } else {
            Live::Unknown(format!("{} answered with {}", issuer.name, answer.status))
        }
    }
}

/// Without the address: the secret may stand in it.
const fn reason(error: &FetchError) -> &'static str {
    match error {
        FetchError::TimedOut => "no answer in time",
        FetchError::TooLarge => "the answer is too long",
        _ => "its issuer cannot be reached",
    }
}

/// Says it of a finding: a secret that works is sure and never less than high, one that was revoked hurts nobody any more.
pub fn apply(finding: &mut Finding, live: &Live) {
    let word = match live {
        Live::Works => {
            finding.confidence = Confidence::High;
            finding.severity = finding.severity.max(Severity::High);
            finding.message.push_str("; it works: its issuer was asked");
            "works"
        }
        Live::Revoked => {
            finding.severity = finding.severity.min(Severity::Low);
            finding.message.push_str("; it was revoked: its issuer was asked");
            "revoked"
        }
        Live::Unknown(why) => {
            finding.properties.insert("live_unknown".to_owned(), why.clone());
            "unknown"
        }
    };
    finding.properties.insert("live".to_owned(), word.to_owned());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Result<FetchResponse, FetchError> {
        Ok(FetchResponse { status, headers: Vec::new(), body: body.as_bytes().to_vec() })
    }

    #[test]
    fn every_issuer_is_asked_by_https_about_rules_that_exist() {
        let issuers = Issuers::shipped().unwrap();
        let book =
            crate::rules::RuleBook::new(&crate::kit::scanners(&crate::kit::RuleFolder::default()).unwrap());
        for rule in issuers.rules() {
            assert_eq!(book.find(rule).map(|entry| entry.scanner), Some("secrets"), "{rule}");
            let question = issuers.question(rule, "abc:DEF/1").unwrap();
            assert!(question.request.url.starts_with("https://"), "{rule}");
            let sent = question.request.headers.iter().any(|(_, value)| value.expose().contains("abc:DEF/1"));
            let sent = sent
                || question
                    .request
                    .headers
                    .iter()
                    .any(|(_, value)| value.expose().contains("YXBpOmFiYzpERUYvMQ=="));
            assert!(sent || question.request.url.contains("abc:DEF%2F1"), "{rule}: the secret is not sent");
            assert!(!format!("{question:?}").contains("abc"), "{rule}");
        }
    }

    #[test]
    fn only_what_an_issuer_says_plainly_is_believed() {
        let issuers = Issuers::shipped().unwrap();
        let asked = |rule: &str, answer| issuers.meaning(&issuers.question(rule, "x").unwrap(), &answer);
        assert_eq!(asked("github.token.personal", answer(200, "{}")), Live::Works);
        assert_eq!(asked("github.token.personal", answer(401, "{}")), Live::Revoked);
        for status in [302, 403, 404, 429, 500] {
            let live = asked("github.token.personal", answer(status, "{}"));
            assert_eq!(live, Live::Unknown(format!("GitHub answered with {status}")));
        }
        // There are others that issue such tokens.
        assert!(matches!(asked("gitlab.token.personal", answer(401, "")), Live::Unknown(_)));
        assert_eq!(asked("slack.token.bot", answer(200, r#"{"ok": true}"#)), Live::Works);
        assert_eq!(
            asked("slack.token.bot", answer(200, r#"{"ok":false,"error":"token_revoked"}"#)),
            Live::Revoked
        );
        let limited = asked("slack.token.bot", answer(200, r#"{"ok":false,"error":"ratelimited"}"#));
        assert!(matches!(limited, Live::Unknown(_)));
        let hidden =
            asked("telegram.bot-token", Err(FetchError::Unreachable("https://host/botx/getMe".to_owned())));
        assert_eq!(hidden, Live::Unknown("its issuer cannot be reached".to_owned()));
    }

    #[test]
    fn what_could_break_out_of_a_request_is_not_sent() {
        let issuers = Issuers::shipped().unwrap();
        for secret in ["", "a b", "a\r\nhost: evil", "\u{1F600}", &"x".repeat(LONGEST + 1)] {
            assert!(issuers.question("github.token.personal", secret).is_none());
        }
        let question = issuers.question("telegram.bot-token", "1:a/../../x?y#z@evil.example").unwrap();
        assert_eq!(
            question.request.url,
            "https://api.telegram.org/bot1:a%2F..%2F..%2Fx%3Fy%23z%40evil.example/getMe"
        );
        assert!(issuers.question("generic.password", "x").is_none());
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        let two = "[[issuer]]\nname='A'\nrules=['r']\nurl='https://a/'\nsource=''\n";
        assert!(Issuers::read(&format!("{two}{two}")).unwrap_err().contains("two issuers"));
        assert!(
            Issuers::read(&format!("{two}works=[200]\nrevoked=[200]\n")).unwrap_err().contains("the same")
        );
        assert!(Issuers::read(&format!("{two}works_where='('\n")).is_err());
    }
}
