//! Whether a password can be reset by who must not (CWE-640; OWASP ASVS 2.5), by the letters that the application sends.
//!
//! Letters arrive at the probe (`accounts.mail` of the facts), for accounts that the probe made. What a letter has that the next
//! one has not is its token. What counts is who signs in afterwards.
//!
//! Control: a token of now sets a password, which then signs in.
//!
//! `answer`: the answer to who asked for the letter has the token in it. `host`: a host that the request named stands in the
//! letter. `old`: a token goes on after a newer one was sent. `reuse`: it sets a password a second time. `bound`: a token of A's
//! sets B's password. `sessions`: a session from before goes on. `short`: a token of less than 64 bits is judged after twenty wrong
//! ones; `referrer`: the page of the letter's link tells its token to other sites ([`super::reset_page`]); `predictable`: tokens have a beginning in common and differ in a few last characters.

use std::collections::BTreeSet;
use std::time::Duration;

use gabion_model::Severity;
use gabion_model::outbound::BoxFuture;

use super::{Attack, Phase, usable};
use crate::account::{Meaning, Step, Values, draft, meanings};
use crate::field::Field;
use crate::mail::{Letter, MailSink};
use crate::operation::Operation;
use crate::sacrifice::{Sacrifice, SignIn, make, strong, submit};
use crate::session::Session;
use crate::verdict::{Exchange, Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

pub(super) struct PasswordReset;

const ID: &str = "password-reset";

impl Attack for PasswordReset {
    fn id(&self) -> &'static str {
        ID
    }

    fn phase(&self) -> Phase {
        Phase::Sessions
    }

    fn run<'a>(&'a self, field: &'a Field) -> BoxFuture<'a, Result<(), WireError>> {
        Box::pin(run(field))
    }
}

/// How long a letter may take.
pub(super) const WITHIN: Duration = Duration::from_secs(5);
/// Wrong tokens that are tried before the right one.
pub(super) const WRONG: usize = 20;
const WORDS: &[&str] = &["forgot", "reset", "recover", "lost"];

/// What everything here needs.
struct Reset<'a> {
    field: &'a Field,
    sink: &'a MailSink,
    forgot: Step,
    reset: Step,
    operation: String,
}

async fn run(field: &Field) -> Result<(), WireError> {
    let Some(forgot) = forgot(field) else {
        field.not_tested(ID, "nothing looks like asking for a reset; hint: `[accounts.forgot]`");
        return Ok(());
    };
    let Some(sink) = &field.mail else {
        field.not_tested(ID, "no letters arrive here; hint: `accounts.mail = \"127.0.0.1:2525\"`, and let the application send its mail there");
        return Ok(());
    };
    let Some(reset) = reset(field) else {
        field.not_tested(ID, "nothing looks like setting a password by a token; hint: `[accounts.reset]`");
        return Ok(());
    };
    let operation = reset.id();
    let own = Reset { field, sink, forgot, reset, operation };
    let (one, two) = match (make(field).await?, make(field).await?) {
        (Ok(one), Ok(two)) => (one, two),
        (Err(reason), _) | (_, Err(reason)) => {
            field.not_tested(ID, reason);
            return Ok(());
        }
    };
    own.attack(one, two).await
}

fn forgot(field: &Field) -> Option<Step> {
    if let Some(template) = &field.facts.accounts.forgot {
        return Some(Step::Declared(template.clone()));
    }
    find(field, &|path, meanings| {
        let has = |meaning| meanings.contains(&meaning);
        let named = has(Meaning::Mail) || has(Meaning::User);
        named && !has(Meaning::Password) && !has(Meaning::New) && !has(Meaning::Token) && says(path)
    })
}

fn reset(field: &Field) -> Option<Step> {
    if let Some(template) = &field.facts.accounts.reset {
        return Some(Step::Declared(template.clone()));
    }
    find(field, &|path, meanings| {
        let has = |meaning| meanings.contains(&meaning);
        (has(Meaning::New) || has(Meaning::Password))
            && has(Meaning::Token)
            && (says(path) || path.contains("passw"))
    })
}

fn says(path: &str) -> bool {
    WORDS.iter().any(|word| path.contains(word))
}

pub(super) fn find(field: &Field, fits: &dyn Fn(&str, &[Meaning]) -> bool) -> Option<Step> {
    let writes = |operation: &&Operation| matches!(operation.method.as_str(), "POST" | "PUT" | "PATCH");
    field.operations.iter().filter(writes).find_map(|operation| {
        let call = draft(field, operation);
        fits(&operation.path.to_ascii_lowercase(), &meanings(&call)).then_some(Step::Found(call))
    })
}

impl Reset<'_> {
    fn say(&self, verdict: Verdict, aspect: &str, says: impl Into<String>) {
        self.field.say(Outcome::new(ID, &self.operation, verdict, says).aspect(aspect));
    }

    fn found(&self, aspect: &str, severity: Severity, says: &str, proof: Proof) {
        let outcome = Outcome::new(ID, &self.operation, Verdict::Proven, says);
        self.field.say(outcome.aspect(aspect).severity(severity).proof(proof));
    }

    /// Asks for a letter, and takes it.
    async fn letter(
        &self,
        who: &Sacrifice,
        headers: &[(&str, &str)],
    ) -> Result<Option<(Request, Answer, Letter)>, WireError> {
        let before = self.sink.letters(&who.email).len();
        let mut call = self.forgot.call(&who.values("", ""));
        call.headers.extend(headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let Some((request, answer)) = usable(submit(self.field, &mut Session::default(), &call).await)?
        else {
            return Ok(None);
        };
        let letter = self.sink.wait(&who.email, before, WITHIN).await;
        Ok(letter.map(|letter| (request, answer, letter)))
    }

    /// Sets a password by a token, for whoever is named.
    async fn set(
        &self,
        who: &Sacrifice,
        token: &str,
        new: &str,
    ) -> Result<Option<(Request, Answer)>, WireError> {
        let values = Values { token, password: new, ..who.values("", new) };
        usable(submit(self.field, &mut Session::default(), &self.reset.call(&values)).await)
    }

    /// Sets one, and tells whether it signs in then.
    async fn works(
        &self,
        whose: &Sacrifice,
        named: &Sacrifice,
        token: &str,
    ) -> Result<Option<(String, Exchange, Exchange)>, WireError> {
        let new = strong(self.field);
        let Some((request, answer)) = self.set(named, token, &new).await? else { return Ok(None) };
        Ok(match whose.sign_in(self.field, &new).await? {
            SignIn::In { request: asked, answer: answered, .. } => {
                let set = Exchange::new("anonymous", &request, &answer);
                Some((new, set, whose.evidence(&asked, &answered)))
            }
            _ => None,
        })
    }

    async fn attack(&self, one: Sacrifice, two: Sacrifice) -> Result<(), WireError> {
        let (Some(first), Some(second)) = (self.letter(&one, &[]).await?, self.letter(&one, &[]).await?)
        else {
            self.field.not_tested(ID, "no letter arrived within five seconds");
            return Ok(());
        };
        let Some((older, newer)) = tokens(&first.2.text, &second.2.text) else {
            self.say(Verdict::NotTested, "", "letters have nothing in them that the next one has not");
            return Ok(());
        };
        // A session from before, to be looked at afterwards.
        let before = one.session.clone();
        let old = self.works(&one, &one, &older).await?;
        let mut current = newer.clone();
        if old.is_some() {
            // Whoever took the old one may have ended the other.
            let Some(third) = self.letter(&one, &[]).await? else { return Ok(()) };
            let Some((_, token)) = tokens(&second.2.text, &third.2.text) else { return Ok(()) };
            current = token;
        }
        let Some((password, control, signed_in)) = self.works(&one, &one, &current).await? else {
            self.say(Verdict::Inconclusive, "", "a token of now sets no password that signs in");
            return Ok(());
        };
        match old {
            Some((_, set, shown)) => {
                let proof =
                    Proof::new(set, "the password that it set signs in").twin(control.clone()).shown(shown);
                self.found("old", Severity::Low, "an old token goes on after a newer one was sent", proof);
            }
            None => self.say(Verdict::Passed, "old", "the newest token alone is good"),
        }
        self.told(&second, &newer, &control);
        self.sessions(&one, &before, &password, &control).await?;
        match self.works(&one, &one, &current).await? {
            Some((_, set, shown)) => {
                let proof =
                    Proof::new(set, "the password that it set signs in").twin(control.clone()).shown(shown);
                self.found("reuse", Severity::High, "a token sets a password a second time", proof);
            }
            None => self.say(Verdict::Passed, "reuse", "a token is good once"),
        }
        self.bound(&one, &two, (&second.2.text, &control)).await?;
        self.hosts(&one, &signed_in).await?;
        self.quality(&one, vec![older, newer, current], &control).await?;
        self.page(&one, &second.2.text).await
    }

    /// What the page of a link tells others of its token: one that was used for nothing.
    async fn page(&self, one: &Sacrifice, former: &str) -> Result<(), WireError> {
        let Some((_, _, letter)) = self.letter(one, &[]).await? else { return Ok(()) };
        let Some((_, token)) = tokens(former, &letter.text) else { return Ok(()) };
        super::reset_page::referrer(self.field, (ID, &self.operation), &letter.text, &token).await
    }

    /// Whether who asks is told what the letter alone should tell.
    fn told(&self, asked: &(Request, Answer, Letter), token: &str, control: &Exchange) {
        let (request, answer, _) = asked;
        let header = answer.headers.iter().any(|(_, value)| value.contains(token));
        if answer.has(token) || header {
            let proof =
                Proof::new(Exchange::new("anonymous", request, answer), "the token of the letter is in it")
                    .twin(control.clone());
            let says = "whoever asks for a reset is answered with its token";
            self.found("answer", Severity::Critical, says, proof);
        } else {
            self.say(Verdict::Passed, "answer", "the token is in the letter alone");
        }
    }

    async fn sessions(
        &self,
        one: &Sacrifice,
        before: &Session,
        password: &str,
        control: &Exchange,
    ) -> Result<(), WireError> {
        let SignIn::In { session, .. } = one.sign_in(self.field, password).await? else { return Ok(()) };
        let now = one.opens(self.field, &session).await?;
        match (one.opens(self.field, before).await?, now) {
            (Some(true), Some(true)) => {
                let Some((request, answer)) = one.at_door(self.field, before).await? else { return Ok(()) };
                let proof =
                    Proof::new(one.evidence(&request, &answer), "a session from before the reset opens it")
                        .shown(control.clone());
                self.found(
                    "sessions",
                    Severity::Medium,
                    "a session goes on after the password was reset",
                    proof,
                );
            }
            (Some(false), Some(true)) => self.say(Verdict::Passed, "sessions", "sessions end with a reset"),
            _ => self.say(
                Verdict::NotTested,
                "sessions",
                "nothing is known that only people get who signed in",
            ),
        }
        Ok(())
    }

    /// A's token for B.
    async fn bound(
        &self,
        one: &Sacrifice,
        two: &Sacrifice,
        (former, control): (&str, &Exchange),
    ) -> Result<(), WireError> {
        let named =
            [Meaning::Mail, Meaning::User, Meaning::Id].into_iter().any(|meaning| self.reset.has(meaning));
        let declared = matches!(&self.reset, Step::Declared(template) if {
            let whole = format!("{} {:?} {:?}", template.operation, template.form, template.json);
            whole.contains("{email}") || whole.contains("{user}")
        });
        if !named && !declared {
            self.say(Verdict::Passed, "bound", "whose password it is, is told by the token alone");
            return Ok(());
        }
        let Some(letter) = self.letter(one, &[]).await? else { return Ok(()) };
        let Some((_, token)) = tokens(former, &letter.2.text) else { return Ok(()) };
        match self.works(two, two, &token).await? {
            Some((_, set, shown)) => {
                let says = "a token that was sent to one account sets the password of another";
                let proof =
                    Proof::new(set, format!("`{}` signs in with what `{}` chose", two.user, one.user))
                        .twin(control.clone())
                        .shown(shown);
                self.found("bound", Severity::Critical, says, proof);
            }
            None => self.say(Verdict::Passed, "bound", "a token is good for its account alone"),
        }
        Ok(())
    }

    async fn hosts(&self, one: &Sacrifice, control: &Exchange) -> Result<(), WireError> {
        let word = self.field.canary();
        let host = format!("{word}.example");
        for header in ["X-Forwarded-Host", "Host"] {
            let Some((request, answer, letter)) = self.letter(one, &[(header, &host)]).await? else {
                continue;
            };
            if letter.text.contains(&host) {
                let says = format!("the link in the letter leads to the host that `{header}` names");
                let proof = Proof::new(
                    Exchange::new("anonymous", &request, &answer),
                    format!("the letter has `{host}` in it"),
                )
                .twin(control.clone());
                self.found("host", Severity::High, &says, proof);
                return Ok(());
            }
        }
        self.say(Verdict::Passed, "host", "links in letters lead where they always do");
        Ok(())
    }

    async fn quality(
        &self,
        one: &Sacrifice,
        mut all: Vec<String>,
        control: &Exchange,
    ) -> Result<(), WireError> {
        let Some(letter) = self.letter(one, &[]).await? else { return Ok(()) };
        let Some(next) = self.letter(one, &[]).await? else { return Ok(()) };
        let Some((older, token)) = tokens(&letter.2.text, &next.2.text) else { return Ok(()) };
        all.extend([older, token.clone()]);
        all.dedup();
        if is_counted(&all) {
            let says = format!("tokens are alike but for their last characters: {}", all.join(", "));
            let proof = Proof::new(control.clone(), says.clone());
            let outcome = Outcome::new(ID, &self.operation, Verdict::Firm, says).aspect("predictable");
            self.field.say(outcome.severity(Severity::High).proof(proof));
        } else {
            self.say(Verdict::Passed, "predictable", "tokens have nothing in common");
        }
        let bits = bits(&token);
        if bits >= 64 {
            self.say(Verdict::Passed, "short", format!("a token has about {bits} bits"));
            return Ok(());
        }
        let mut wrong: Option<(Request, Answer)> = None;
        for at in 0..WRONG {
            let guess = like(&token, at, self.field);
            let Some((request, answer)) = self.set(one, &guess, &strong(self.field)).await? else { break };
            let limited = answer.is_throttle()
                || wrong.as_ref().is_some_and(|(_, first)| first.status != answer.status);
            wrong.get_or_insert((request, answer));
            if limited {
                self.say(Verdict::Passed, "short", "tokens are short, and tries of them are limited");
                return Ok(());
            }
        }
        match self.works(one, one, &token).await? {
            Some((_, set, shown)) => {
                let says = format!("a token has about {bits} bits, and {WRONG} wrong ones do not end it");
                let mut proof = Proof::new(set, "the right one sets a password after them").shown(shown);
                if let Some((request, answer)) = wrong {
                    proof = proof.twin(Exchange::new("anonymous", &request, &answer));
                }
                self.found("short", Severity::High, &says, proof);
            }
            None => self.say(Verdict::Passed, "short", "tokens are short, and end after wrong tries"),
        }
        Ok(())
    }
}

/// What two letters have that the other has not: the longest word of each that could be a token.
pub(super) fn tokens(one: &str, two: &str) -> Option<(String, String)> {
    let words = |text: &str| -> BTreeSet<String> {
        let apart = |letter: char| !(letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.'));
        text.split(apart).map(|word| word.trim_matches(['.', '-']).to_owned()).collect()
    };
    let (first, second) = (words(one), words(two));
    let best = |own: &BTreeSet<String>, other: &BTreeSet<String>| {
        let fresh = own
            .difference(other)
            .filter(|word| word.len() >= 4 && word.bytes().any(|byte| byte.is_ascii_digit()));
        fresh.max_by_key(|word| word.len()).cloned()
    };
    Some((best(&first, &second)?, best(&second, &first)?))
}

/// About how many bits a token has: by its letters and its length.
pub(super) fn bits(token: &str) -> usize {
    let has = |test: fn(&u8) -> bool| token.bytes().any(|byte| test(&byte));
    let (digit, upper, lower) =
        (has(u8::is_ascii_digit), has(u8::is_ascii_uppercase), has(u8::is_ascii_lowercase));
    let hexadecimal = token.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    let tenths: usize = match (digit, upper, lower) {
        (true, false, false) => 33,
        _ if hexadecimal => 40,
        (_, true, true) => 59,
        _ => 51,
    };
    token.len().saturating_mul(tenths) / 10
}

/// Whether tokens were counted: as long as each other, and the same but for four last characters.
fn is_counted(tokens: &[String]) -> bool {
    let Some((first, rest)) = tokens.split_first() else { return false };
    let begin = first.get(..first.len().saturating_sub(4)).unwrap_or_default();
    begin.len() >= 2
        && rest.len() >= 2
        && rest.iter().all(|own| own.len() == first.len() && own.starts_with(begin))
}

/// A wrong token of the same kind.
pub(super) fn like(token: &str, at: usize, field: &Field) -> String {
    let turned: String = token
        .chars()
        .map(|letter| match letter {
            '0'..='9' => char::from(b'0'.saturating_add(u8::try_from(field.number(10)).unwrap_or(0))),
            'a'..='f' => char::from(b'a'.saturating_add(u8::try_from(field.number(6)).unwrap_or(0))),
            'A'..='F' => char::from(b'A'.saturating_add(u8::try_from(field.number(6)).unwrap_or(0))),
            'g'..='z' => char::from(b'g'.saturating_add(u8::try_from(field.number(20)).unwrap_or(0))),
            'G'..='Z' => char::from(b'G'.saturating_add(u8::try_from(field.number(20)).unwrap_or(0))),
            other => other,
        })
        .collect();
    if turned == token { format!("{at}{}", turned.get(1..).unwrap_or_default()) } else { turned }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_what_the_next_letter_has_not() {
        let letter = |token: &str| format!("Dear gx1, visit <http://a/reset?token={token}> until 5 o'clock.");
        let found = tokens(&letter("9f8e7d6c5b4a"), &letter("0a1b2c3d4e5f")).unwrap();
        assert_eq!(found, ("9f8e7d6c5b4a".to_owned(), "0a1b2c3d4e5f".to_owned()));
        assert_eq!(tokens("the same", "the same"), None);
    }

    #[test]
    fn tokens_are_measured() {
        assert!(bits("493021") < 64 && bits("9f8e7d6c5b4a39281706f5e4d3c2b1a0") == 128);
        let own = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
        assert!(is_counted(&own(&["10000441", "10000442", "10000443"])));
        assert!(!is_counted(&own(&["493021", "103922", "880013"])));
        assert!(!is_counted(&own(&["493021"])));
    }
}
