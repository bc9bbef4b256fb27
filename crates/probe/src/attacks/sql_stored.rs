//! Whether a value that was stored becomes part of a later query (second order; CWE-89, OWASP A03:2021).
//!
//! What is written by parameters is safe on its way in, and is joined into a query when something reads it. For each write that
//! takes texts:
//! 1. Control: a plain word is written into all of them, and what people read (the operations that are known, what the write leads
//!    to, the object it made) answers without failing.
//! 2. The same with quotation marks. Where nothing that is read fails now, that is all.
//! 3. A function that changes nothing goes in between the marks, spelled right or (negative twin) wrong. It is proven when what is
//!    read fails for the wrong spelling and for no other, eight of eight times in random order: only a database tells them apart.
//!    Where it goes on failing, because what was written stays, it is firm by the words of a database alone.
//!
//! In the end the original value is written again; what a `POST` made is removed where that is known, or named as left behind.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use gabion_model::outbound::BoxFuture;

use super::leftovers::Leftovers;
use super::xss_stored::takes_text;
use super::{Attack, Phase, shuffled, usable};
use crate::account::is_needed;
use crate::call::{Call, Put};
use crate::field::{Field, Known};
use crate::harvest::id_of;
use crate::leak::database_error;
use crate::learn::{noun, works};
use crate::operation::{Operation, Point};
use crate::surface::{is_ending, is_spared};
use crate::verdict::{Exchange, Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

pub(super) struct SqlStored;

const ID: &str = "sql-stored";

impl Attack for SqlStored {
    fn id(&self) -> &'static str {
        ID
    }

    fn phase(&self) -> Phase {
        Phase::Write
    }

    fn run<'a>(&'a self, field: &'a Field) -> BoxFuture<'a, Result<(), WireError>> {
        Box::pin(run(field))
    }
}

/// Writes that are tried.
const WRITES: usize = 25;
/// What is read after each.
const READS: usize = 16;
/// Values of one write.
const POINTS: usize = 8;
const ROUNDS: usize = 8;

async fn run(field: &Field) -> Result<(), WireError> {
    // Whoever signs in stores nothing.
    if !field.has_first_turn() {
        return Ok(());
    }
    let mut tried = 0_usize;
    for known in field.examples().filter(|known| field.has_turn(known)) {
        let Some(operation) = field.operation(known.operation) else { continue };
        let skipped = is_ending(&operation.path) || is_spared(field, &operation.path) || operation.websocket;
        if operation.is_safe() || operation.method == "DELETE" || skipped || tried >= WRITES {
            continue;
        }
        let mut points = known.call.points();
        points.retain(|point| takes_text(&known.call, point) && !is_needed(field, &known.call, point));
        points.truncate(POINTS);
        if points.is_empty() {
            continue;
        }
        tried = tried.saturating_add(1);
        let made = Mutex::default();
        Write { field, known, operation: operation.id(), points, made }.attack().await?;
    }
    if tried == 0 {
        field.not_tested(ID, "nothing that could be written takes a text; hint: `target.openapi`");
    }
    Ok(())
}

/// A write, and the values of it that are texts.
struct Write<'a> {
    field: &'a Field,
    known: &'a Known,
    operation: String,
    points: Vec<Point>,
    /// What a `POST` made.
    made: Mutex<Leftovers>,
}

/// What was written, and what came of it.
struct Written {
    request: Request,
    answer: Answer,
}

/// Something that is read.
#[derive(Debug, Clone)]
struct Read {
    operation: String,
    request: Request,
}

/// How functions stand between quotation marks: before and behind.
const FORMS: &[(&str, &str)] = &[("'||", "||'"), ("'+", "+'"), ("\"||", "||\"")];
/// Functions that give the empty text, spelled right and wrong.
const FUNCTIONS: &[(&str, &str)] = &[
    ("COALESCE('','')", "OCALESCE('','')"),
    ("LOWER('')", "OLWER('')"),
    ("UPPER('')", "PUPER('')"),
    ("REPLACE('','','')", "ERPLACE('','','')"),
];

impl Write<'_> {
    async fn attack(mut self) -> Result<(), WireError> {
        let Some(plain) = self.plain().await? else {
            let says = "it takes no other text";
            self.field.say(Outcome::new(ID, &self.operation, Verdict::Inconclusive, says));
            return Ok(());
        };
        let reads = self.reads(&plain);
        let mut calm = Vec::new();
        for read in reads {
            if self.fails(&read).await?.is_none() {
                calm.push(read);
            }
        }
        let word = self.field.canary();
        let broken = self.write(&format!("{word}'\"")).await?;
        let mut found = false;
        if let Some(broken) = broken {
            for read in &calm {
                // What the write made is read at its own place.
                let read = self.again(read, &plain, &broken);
                let Some((answer, words)) = self.fails(&read).await? else { continue };
                if self.prove(&read, &plain).await? {
                    found = true;
                    break;
                }
                found |= self.suspect(&read, &broken, &answer, words);
            }
        }
        let mut made = std::mem::take(&mut *self.made.lock().unwrap_or_else(PoisonError::into_inner));
        if self.known.call.method != "POST" || found || made.is_change() {
            let restored = usable(self.field.exchange(self.known.who, &self.known.call).await)?;
            if let Some((request, answer)) = restored.filter(|_| self.known.call.method == "POST") {
                made.made(self.field, self.known.who, &request, &answer);
            }
        }
        made.clear(self.field, ID, &self.operation).await?;
        if !found {
            let says = "what is read does not fail on what was written";
            self.field.say(Outcome::new(ID, &self.operation, Verdict::Passed, says));
        }
        Ok(())
    }

    /// Writes a word: into all texts, or into those alone that take it.
    async fn plain(&mut self) -> Result<Option<Written>, WireError> {
        let word = self.field.canary();
        if let Some(written) = self.write(&word).await? {
            return Ok(Some(written));
        }
        for point in std::mem::take(&mut self.points) {
            self.points = vec![point];
            if let Some(written) = self.write(&word).await? {
                return Ok(Some(written));
            }
        }
        Ok(None)
    }

    async fn write(&self, text: &str) -> Result<Option<Written>, WireError> {
        let put = |call: Call, point: &Point| call.with(point, &Put::Text(text));
        let call = self.points.iter().fold(self.known.call.clone(), put);
        let sent = usable(self.field.exchange(self.known.who, &call).await)?;
        let sent = sent.filter(|(_, answer)| works(self.field, answer));
        if let Some((request, answer)) = sent.as_ref().filter(|_| self.known.call.method == "POST") {
            let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
            made.made(self.field, self.known.who, request, answer);
        }
        Ok(sent.map(|(request, answer)| Written { request, answer }))
    }

    /// What may show it, the likeliest first.
    fn reads(&self, plain: &Written) -> Vec<Read> {
        let field = self.field;
        let mut all: Vec<Read> = self.made(plain).into_iter().collect();
        let own = noun(words_of(&self.known.call.template).last().copied().unwrap_or_default());
        let mut known: Vec<&Known> = field
            .known
            .iter()
            .filter(|known| known.who == self.known.who)
            .filter(|known| {
                field.operation(known.operation).is_some_and(|operation| {
                    operation.method == "GET" && !is_ending(&operation.path) && !operation.websocket
                })
            })
            .collect();
        // What is called alike comes first.
        known.sort_by_key(|known| !words_of(&known.call.template).iter().any(|word| noun(word) == own));
        let mut met = BTreeSet::new();
        for known in known {
            if let Some(operation) = field.operation(known.operation).filter(|_| met.insert(known.operation))
            {
                all.push(Read { operation: operation.id(), request: known.call.request() });
            }
        }
        all.truncate(READS);
        all
    }

    /// Where the write leads to, or the object that it made.
    fn made(&self, written: &Written) -> Option<Read> {
        let path = written.request.target.split('?').next().unwrap_or_default();
        if written.answer.is_redirect() {
            let to = self.field.wire.origin().inside(path, written.answer.field("location")?)?;
            let operation = format!("GET {}", to.split('?').next().unwrap_or_default());
            return Some(Read { operation, request: Request::get(&to) });
        }
        let id = id_of(&written.answer.json()?, "")?;
        let begins = format!("{}/{{", self.known.call.template);
        let own = |operation: &&Operation| {
            let rest = operation.path.strip_prefix(&begins).and_then(|rest| rest.strip_suffix('}'));
            operation.method == "GET" && rest.is_some_and(|name| !name.contains('/'))
        };
        let operation = self.field.operations.iter().find(own)?;
        let id = percent_encoding::utf8_percent_encode(&id, percent_encoding::NON_ALPHANUMERIC);
        Some(Read { operation: operation.id(), request: Request::get(&format!("{path}/{id}")) })
    }

    /// The same read after another write: of what that one made, where it is of what the first one made.
    fn again(&self, read: &Read, first: &Written, now: &Written) -> Read {
        let is_made = self.made(first).is_some_and(|made| made.request.target == read.request.target);
        is_made.then(|| self.made(now)).flatten().unwrap_or_else(|| read.clone())
    }

    /// The answer to a read that fails, and what a database says in it.
    async fn fails(&self, read: &Read) -> Result<Option<(Answer, Option<&'static str>)>, WireError> {
        let Some(answer) = usable(self.field.request(self.known.who, &read.request).await)? else {
            return Ok(None);
        };
        let words = database_error(&answer);
        let failed = answer.status >= 500 && !answer.is_throttle() || words.is_some();
        Ok(failed.then_some((answer, words)))
    }

    /// Whether it fails for what is misspelled and for nothing else.
    async fn prove(&self, read: &Read, first: &Written) -> Result<bool, WireError> {
        for form in FORMS {
            if self.follows(read, first, *form).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn follows(&self, read: &Read, first: &Written, form: (&str, &str)) -> Result<bool, WireError> {
        let (field, who) = (self.field, self.known.who);
        let mut last: [Option<[Exchange; 2]>; 2] = [None, None];
        let rounds = std::iter::once(true).chain(shuffled(field, ROUNDS));
        for (at, right) in rounds.enumerate() {
            let (good, bad) = FUNCTIONS.iter().cycle().nth(at).copied().unwrap_or_default();
            let text = format!("{}{}{}{}", field.canary(), form.0, if right { good } else { bad }, form.1);
            let Some(written) = self.write(&text).await? else { return Ok(false) };
            let read = self.again(read, first, &written);
            let Some(answer) = usable(field.request(who, &read.request).await)? else { return Ok(false) };
            let failed = answer.status >= 500 || database_error(&answer).is_some();
            if failed == right || answer.is_throttle() {
                return Ok(false);
            }
            let shown = [
                field.evidence(who, &written.request, &written.answer),
                field.evidence(who, &read.request, &answer),
            ];
            let [good, bad] = &mut last;
            *(if right { good } else { bad }) = Some(shown);
        }
        let [Some([twin, fine]), Some([attack, failing])] = last else { return Ok(false) };
        let says = format!(
            "what was stored becomes part of a query of `{}`: it failed for names of functions that were misspelled and for no others, {ROUNDS} of {ROUNDS} times",
            read.operation
        );
        let evidence = format!("`{}` fails after the attack, and not after the twin", read.operation);
        let proof = Proof::new(attack, evidence).twin(twin).shown(failing).shown(fine).by_steps();
        field.say(
            Outcome::new(ID, &self.operation, Verdict::Proven, says).aspect(&read.operation).proof(proof),
        );
        Ok(true)
    }

    /// What the words of a database say, where nothing else can be shown any more.
    fn suspect(&self, read: &Read, written: &Written, answer: &Answer, words: Option<&str>) -> bool {
        let Some(words) = words else { return false };
        let (field, who) = (self.field, self.known.who);
        let says = format!("quotation marks that were stored make a query of `{}` fail", read.operation);
        let proof =
            Proof::new(field.evidence(who, &written.request, &written.answer), format!("it has `{words}`"))
                .shown(field.evidence(who, &read.request, answer))
                .by_steps();
        field
            .say(Outcome::new(ID, &self.operation, Verdict::Firm, says).aspect(&read.operation).proof(proof));
        true
    }
}

/// The words of a path that are no parameters.
fn words_of(template: &str) -> Vec<&str> {
    let template = template.split(['?', '#']).next().unwrap_or_default();
    template.split('/').filter(|word| !word.is_empty() && !word.contains('{')).collect()
}
