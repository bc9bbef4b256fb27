//! Which passwords are taken at registration (CWE-521; NIST SP 800-63B section 5.1.1.2, OWASP ASVS 2.1).
//!
//! Accounts are made, each with another password. What counts is whether it then signs in. Control: a strong one does, and a
//! wrong one does not.
//!
//! `short`: seven random characters. `common`: from the top of every list of leaked passwords. `name`: the account's own name.
//! These must not sign in. `long`: sixty-four characters with spaces; `unicode`: letters of several scripts. These must be
//! taken: who refuses them refuses the best ones. `truncated`: eighty characters, of which another ending signs in too.

use gabion_model::Severity;
use gabion_model::outbound::BoxFuture;

use super::{Attack, Phase};
use crate::field::Field;
use crate::sacrifice::{NotMade, Recipe, Sacrifice, SignIn, recipe, register, strong};
use crate::verdict::{Exchange, Outcome, Proof, Verdict};
use crate::wire::WireError;

pub(super) struct PasswordPolicy;

const ID: &str = "password-policy";

impl Attack for PasswordPolicy {
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

/// From the top of lists of leaked passwords that have eight letters or more; the second one has capitals and digits, too.
const COMMON: [&str; 2] = ["password123", "Password1"];

async fn run(field: &Field) -> Result<(), WireError> {
    let recipe = match recipe(field).await? {
        Ok(recipe) => recipe,
        Err(reason) => {
            field.not_tested(ID, reason);
            return Ok(());
        }
    };
    let control = match register(field, &recipe, None, &strong(field)).await? {
        Ok(control) => control,
        Err(not) => {
            let says = format!("a strong password was not taken this time: {}", not.why);
            field.say(Outcome::new(ID, &recipe.step.id(), Verdict::Inconclusive, says));
            return Ok(());
        }
    };
    let name = field.canary();
    let weak = [
        ("short", None, short(field), "seven characters"),
        ("common", None, COMMON[0].to_owned(), "one of the most used passwords"),
        ("common", None, COMMON[1].to_owned(), "one of the most used passwords"),
        ("name", Some(name.as_str()), name.clone(), "the account's own name"),
    ];
    let mut found = std::collections::BTreeSet::new();
    for (aspect, named, password, what) in weak {
        if !found.contains(aspect) && refuse(field, &recipe, &control, aspect, named, &password, what).await?
        {
            found.insert(aspect);
        }
    }
    let long = format!("{} of the old harbour, and a lamp above each door at night", field.canary());
    let unicode = format!("Größe-日本-мост-{}-4Z", short(field));
    accept(field, &recipe, &control, "long", &long, "a long one with spaces").await?;
    accept(field, &recipe, &control, "unicode", &unicode, "one with letters of several scripts").await?;
    truncated(field, &recipe, &control).await
}

/// Seven characters of four kinds that no list has.
fn short(field: &Field) -> String {
    format!("{}Z-7", field.canary().chars().rev().take(4).collect::<String>())
}

/// Whether a weak password was taken.
async fn refuse(
    field: &Field,
    recipe: &Recipe,
    control: &Sacrifice,
    aspect: &'static str,
    named: Option<&str>,
    password: &str,
    what: &str,
) -> Result<bool, WireError> {
    let operation = recipe.step.id();
    let say = |verdict, says: String| field.say(Outcome::new(ID, &operation, verdict, says).aspect(aspect));
    match register(field, recipe, named, password).await? {
        Ok(weak) => {
            let says = format!("it takes {what} as a password");
            let mut proof = Proof::new(made(&weak), format!("{what} signs in: `{password}`"));
            proof = proof.twin(made(control));
            if let SignIn::In { request, answer, .. } = weak.sign_in(field, password).await? {
                proof = proof.shown(weak.evidence(&request, &answer));
            }
            field.say(Outcome::new(ID, &operation, Verdict::Proven, says).aspect(aspect).proof(proof));
            Ok(true)
        }
        Err(NotMade { throttled: true, why, .. }) => {
            say(Verdict::Inconclusive, why);
            Ok(false)
        }
        Err(NotMade { exchange: None, why, .. }) => {
            say(Verdict::Inconclusive, why);
            Ok(false)
        }
        Err(_) => {
            say(Verdict::Passed, format!("{what} is refused as a password"));
            Ok(false)
        }
    }
}

/// Whether a good password was refused, twice.
async fn accept(
    field: &Field,
    recipe: &Recipe,
    control: &Sacrifice,
    aspect: &'static str,
    password: &str,
    what: &str,
) -> Result<(), WireError> {
    let operation = recipe.step.id();
    let outcome = |verdict, says: String| Outcome::new(ID, &operation, verdict, says).aspect(aspect);
    let mut refused = None;
    for _ in 0..2 {
        match register(field, recipe, None, password).await? {
            Ok(_) => {
                field.say(outcome(Verdict::Passed, format!("{what} is taken as a password")));
                return Ok(());
            }
            Err(NotMade { throttled: false, exchange: Some((request, answer)), .. }) => {
                refused = Some(Exchange::new("anonymous", &request, &answer));
            }
            Err(not) => {
                field.say(outcome(Verdict::Inconclusive, not.why));
                return Ok(());
            }
        }
    }
    if let Some(refused) = refused {
        let says = format!("{what} is no password here");
        let proof = Proof::new(refused, "no account with it signs in; the twin's does").twin(made(control));
        field.say(outcome(Verdict::Firm, says).severity(Severity::Low).proof(proof));
    }
    Ok(())
}

async fn truncated(field: &Field, recipe: &Recipe, control: &Sacrifice) -> Result<(), WireError> {
    let operation = recipe.step.id();
    let outcome = |verdict, says: &str| Outcome::new(ID, &operation, verdict, says).aspect("truncated");
    let begin: String = format!("{}-{}-{}-Harbour-41-", field.canary(), field.canary(), field.canary());
    let begin = format!("{begin:-<72}");
    let (password, twisted) = (format!("{begin}eastward"), format!("{begin}westward"));
    let account = match register(field, recipe, None, &password).await? {
        Ok(account) => account,
        Err(NotMade { throttled: true, why, .. }) => {
            field.say(outcome(Verdict::Inconclusive, &why));
            return Ok(());
        }
        Err(_) => {
            // Refusing is honest: nobody believes in characters that do not count.
            field.say(outcome(Verdict::Passed, "passwords of eighty characters are refused"));
            return Ok(());
        }
    };
    match account.sign_in(field, &twisted).await? {
        SignIn::In { request, answer, .. } => {
            let says = "what stands after the first 72 characters of a password does not count";
            let proof = Proof::new(
                account.evidence(&request, &answer),
                "another ending of the same password signs in; another beginning does not",
            )
            .twin(made(control))
            .shown(made(&account));
            field.say(outcome(Verdict::Proven, says).severity(Severity::Low).proof(proof));
        }
        SignIn::Refused { .. } => field.say(outcome(Verdict::Passed, "every character counts")),
        SignIn::Unknown => field.say(outcome(Verdict::Inconclusive, "signing in was asked too often")),
    }
    Ok(())
}

fn made(account: &Sacrifice) -> Exchange {
    Exchange::new("anonymous", &account.made.0, &account.made.1)
}
