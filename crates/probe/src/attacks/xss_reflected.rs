//! What a link or a form puts on a page runs in the visitor's browser (CWE-79).
//!
//! 1. A word goes into each value of a query, a path and a form, alone or behind the value that works; pages that show it are
//!    read for where it stands ([`super::markup`]).
//! 2. Between two words signs are sent that markup is made of: which of them come back says what is worth sending. For each
//!    place what would run there is sent, a few forms of it; the answer is read again, and only where the script
//!    stands where scripts run the page is opened in the browser. What waits for a person is fired.
//! 3. **Proven**: the script ran in the target's origin, twice, with numbers of its own. **Twin**: the plain word, shown by the
//!    same page. **Control**: the browser was seen to report a script of our own (see [`crate::browser`]).
//! 4. What stands on the page and is stopped by the page's policy is tentative: the policy holds, the encoding does not.
//! 5. Without a browser a script where scripts run is firm at most. JSON is no page, whatever it shows.
//!
//! Values of forms and of JSON are sent from another site, as an attacker would have to. A cookie is set in the browser: somebody
//! has to be able to write it, so that weighs less.

use std::collections::{BTreeMap, BTreeSet};

use gabion_browser::Cookie;
use gabion_model::Severity;
use gabion_model::outbound::BoxFuture;

use super::lure::{self, Way};
use super::markup::{Code, Signs, is_live, payloads, spots};
use super::{Attack, Phase, usable};
use crate::browser::{ATTACKER, Browsing, Visitor};
use crate::call::{Call, Payload, Put};
use crate::control::Control;
use crate::field::Field;
use crate::operation::{Place, Point};
use crate::verdict::{Exchange, Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

const ID: &str = "xss-reflected";

pub(super) struct XssReflected;

impl Attack for XssReflected {
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

/// The template of a path that is not there.
const MISSING: &str = "/{page}";

async fn run(field: &Field) -> Result<(), WireError> {
    let mut tried = false;
    let calls = field.attempts().filter(|known| field.has_turn(known));
    let calls = calls.map(|known| (known.who, known.call.clone()));
    // What is not there is a page too.
    let missing = field.has_first_turn().then(|| {
        let mut missing = Call::new("GET", MISSING);
        missing.path.insert("page".to_owned(), serde_json::Value::String("page".to_owned()));
        (0, missing)
    });
    // One visitor for each person, made where there is something to open.
    let mut visitors: BTreeMap<usize, Visitor<'_>> = BTreeMap::new();
    for (who, call) in calls.chain(missing) {
        let missing_page = call.template == MISSING;
        for point in call.points() {
            let form = matches!(call.payload, Payload::Form(_)) && call.method == "POST";
            let reaches = match point.place {
                Place::Query | Place::Path | Place::Cookie => call.method == "GET",
                Place::Form => form,
                Place::Json => call.method == "POST",
                _ => false,
            };
            if !reaches {
                continue;
            }
            tried = true;
            let aim = Aim { field, who, call: &call, point: &point };
            let outcome = match aim.shown().await? {
                None => {
                    let says = "what is put into it is on no page that it leads to";
                    let outcome = Outcome::new(ID, "", Verdict::Passed, says);
                    match missing_page {
                        true => {
                            outcome.control(Control::new("the page of a path that is not there was read"))
                        }
                        false => outcome,
                    }
                }
                Some(shown) => {
                    if let (false, Ok(browsing)) = (visitors.contains_key(&who), &field.browser)
                        && let Ok(visitor) = browsing.visit_as(field.person(who)).await
                    {
                        visitors.insert(who, visitor);
                    }
                    let back = Control::shown(
                        "what is put into it comes back",
                        field.evidence(who, &shown.2.request, &shown.2.answer),
                    );
                    let visitor = field.browser.as_ref().ok().zip(visitors.get(&who));
                    aim.attack(shown, visitor).await?.control(back)
                }
            };
            let operation = format!("{} {}", call.method, call.template);
            field.say(Outcome { operation, ..outcome }.at(&point));
        }
    }
    if !tried {
        field.not_tested(ID, "no page takes a value; hint: `target.openapi` or `target.start`");
    }
    Ok(())
}

struct Aim<'a> {
    field: &'a Field,
    who: usize,
    call: &'a Call,
    point: &'a Point,
}

/// What came back for a value.
struct Shown {
    request: Request,
    answer: Answer,
}

impl Aim<'_> {
    async fn send(&self, text: &str) -> Result<Option<Shown>, WireError> {
        let call = self.call.with(self.point, &Put::Text(text));
        let sent = usable(self.field.exchange(self.who, &call).await)?;
        Ok(sent.map(|(request, answer)| Shown { request, answer }))
    }

    fn evidence(&self, shown: &Shown) -> Exchange {
        self.field.evidence(self.who, &shown.request, &shown.answer)
    }

    async fn attack(
        &self,
        (before, word, plain): (String, String, Shown),
        browser: Option<(&Browsing, &Visitor<'_>)>,
    ) -> Result<Outcome, WireError> {
        let say = |verdict, says: &str| Outcome::new(ID, "", verdict, says);
        let mut stopped = None;
        let mut tries = 0;
        let mut met = BTreeSet::new();
        let signs = self.signs(&before).await?;
        for spot in spots(&plain.answer.text(), &word) {
            let code = Code::new("a", "b");
            let count = payloads(&spot, &code, signs).len().min(PAYLOADS);
            for form in 0..count {
                let make = |number: u64| {
                    let (call, quoted) = match browser {
                        Some((browsing, _)) => (browsing.call(number), browsing.call_quoted(number)),
                        None => (format!("gxran({number})"), format!("gxran`{number}`")),
                    };
                    let all = payloads(&spot, &Code::new(&call, &quoted), signs);
                    let one = all.into_iter().nth(form).map(|one| (one.text, one.run)).unwrap_or_default();
                    (format!("{before}{}", one.0), one.1)
                };
                if !met.insert(make(1).0) {
                    continue;
                }
                tries += 1;
                if tries > TRIES {
                    break;
                }
                let number = browser.map_or(1, |(browsing, _)| browsing.number());
                let (text, call) = make(number);
                let Some(sent) = self.send(&text).await? else { continue };
                if !is_page(&sent.answer) || !is_live(&sent.answer.text(), &call) {
                    continue;
                }
                let Some((browsing, visitor)) = browser else {
                    let policy = sent.answer.field("content-security-policy").is_some();
                    let verdict = if policy { Verdict::Tentative } else { Verdict::Firm };
                    let says = format!(
                        "a script that is put into {} stands where scripts run; no browser showed it run",
                        self.point
                    );
                    let proof = Proof::new(
                        self.evidence(&sent),
                        format!("`{text}` stands on the page as it was sent"),
                    );
                    return Ok(say(verdict, &says).proof(proof.twin(self.evidence(&plain))));
                };
                if !self.runs(browsing, visitor, &text, number).await {
                    let forbidden = visitor.take().violations.iter().any(|one| !one.report_only);
                    stopped = stopped.or(Some((sent, text, forbidden)));
                    continue;
                }
                let again = browsing.number();
                let (text_again, _) = make(again);
                if !self.runs(browsing, visitor, &text_again, again).await {
                    continue;
                }
                let says = format!("a script that is put into {} runs in the visitor's browser", self.point);
                let evidence = format!(
                    "`{text}` and `{text_again}` ran in the application's own origin; `{word}` was shown and did nothing"
                );
                let mut proof = Proof::new(self.evidence(&sent), evidence).twin(self.evidence(&plain));
                if let Some(second) = self.send(&text_again).await? {
                    proof = proof.shown(self.evidence(&second));
                }
                let found = say(Verdict::Proven, &says).proof(proof);
                let weak = self.point.place == Place::Cookie;
                return Ok(if weak { found.severity(Severity::Medium) } else { found });
            }
        }
        Ok(match stopped {
            Some((sent, text, true)) => {
                let says = format!(
                    "markup that is put into {} stands on the page; the page's policy kept its script from running",
                    self.point
                );
                let proof =
                    Proof::new(self.evidence(&sent), format!("`{text}` stands on the page as it was sent"));
                say(Verdict::Tentative, &says)
                    .aspect("policy")
                    .severity(Severity::Low)
                    .proof(proof.twin(self.evidence(&plain)))
            }
            Some((_, text, false)) => {
                say(Verdict::Inconclusive, &format!("`{text}` stands on the page, and did not run"))
            }
            None => say(Verdict::Passed, "what is put into it is shown as text"),
        })
    }

    /// Which signs come back; all of them where that cannot be told.
    async fn signs(&self, before: &str) -> Result<Signs, WireError> {
        let (first, last) = (self.field.canary(), self.field.canary());
        let sent = self.send(&format!("{before}{first}{}{last}", Signs::SENT)).await?;
        let read = sent.and_then(|sent| Signs::read(&sent.answer.text(), &first, &last));
        Ok(read.unwrap_or(Signs::ALL))
    }

    /// What goes before a word so that a page shows it, the word, and that page.
    async fn shown(&self) -> Result<Option<(String, String, Shown)>, WireError> {
        let original = self.call.value(self.point).unwrap_or_default();
        for before in [String::new(), original] {
            let word = self.field.canary();
            let Some(plain) = self.send(&format!("{before}{word}")).await? else { continue };
            if !is_page(&plain.answer) {
                // Whoever answers in another way than by pages does so for every value.
                if plain.answer.is_success() && plain.answer.json().is_some() {
                    break;
                }
                continue;
            }
            // Some pages write everything in capitals.
            for word in [word.to_ascii_uppercase(), word] {
                if plain.answer.has(&word) {
                    return Ok(Some((before, word, plain)));
                }
            }
        }
        Ok(None)
    }

    async fn runs(&self, browsing: &Browsing, visitor: &Visitor<'_>, text: &str, number: u64) -> bool {
        let call = self.call.with(self.point, &Put::Text(text));
        let person = self.field.person(self.who);
        let way = match self.point.place {
            Place::Form => Way::Form,
            Place::Json => Way::PlainText,
            Place::Cookie => {
                let host = self.field.wire.origin().host().trim_matches(['[', ']']).to_owned();
                let value = call.cookie_text(&self.point.name).unwrap_or_default();
                let Ok(other) = browsing.visit_as(person).await else { return false };
                let cookie = Cookie::new(&self.point.name, &value, &host);
                return other.context().set_cookies(&[cookie]).await.is_ok()
                    && other.runs(&call.request().target, number).await.unwrap_or(false);
            }
            _ => return visitor.runs(&call.request().target, number).await.unwrap_or(false),
        };
        let page = lure::page(&self.field.wire.origin().base(), &call, way);
        let Ok(lured) = browsing.lure(person, vec![("/".to_owned(), page)]).await else { return false };
        lured.runs(&format!("{ATTACKER}/"), number).await.unwrap_or(false)
    }
}

/// What is sent for one value, and for one place of it.
const TRIES: usize = 30;
const PAYLOADS: usize = 20;

/// Whether browsers read an answer as a page.
pub(super) fn is_page(answer: &Answer) -> bool {
    let sniffed =
        !answer.field("x-content-type-options").is_some_and(|value| value.eq_ignore_ascii_case("nosniff"));
    match answer.media_type().as_str() {
        "text/html" | "application/xhtml+xml" | "image/svg+xml" => !is_download(answer),
        "" => sniffed && !is_download(answer),
        _ => false,
    }
}

fn is_download(answer: &Answer) -> bool {
    answer
        .field("content-disposition")
        .is_some_and(|value| value.to_ascii_lowercase().starts_with("attachment"))
}
