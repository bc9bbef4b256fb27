//! `gabion demo --incident`: stolen passwords are tried, somebody gets in, and what happens then.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use gabion_incident::evidence::{Disclosed, Pack};
use gabion_incident::report::{Agreement, span};
use gabion_incident::{Action, Class, Incident, Role};
use gabion_ledger::disclosure::Disclosure;
use gabion_ledger::{Position, Query};
use gabion_model::{EventKind, random};
use gabion_service::Caller;
use gabion_service::incidents::{Change, IncidentError};
use gabion_service::respond::{Measure, State};
use gabion_store::Directory;
use gabion_strawman::Stuffer;
use gabion_tlog::VerifyingKey;
use gabion_tlog::trust::Trust;
use gabion_vault::SystemRng;
use gabion_vault::encoding::base64_encode;
use gabion_verifier::{Files, whole};
use serde::Serialize;

use super::receivers::Receivers;
use super::stage::Stage;
use crate::commands::incident::evidence::revealed;
use crate::failure::Exit;
use crate::gate::state::LEDGER_PUBLIC_KEY;
use crate::output::progress::Progress;
use crate::output::{BAD, FAINT, GOOD, PLACE, STRONG};

/// Who reused a password.
const VICTIM: &str = "bob";
/// Who did not, and whose day must go on.
const OTHER: &str = "alice";
/// Where the attempts come from (RFC 5737).
const NETWORK: &str = "203.0.113";
const HOME: &str = "198.51.100.7";
/// Where the attacker goes on from when the network is blocked.
const ELSEWHERE: &str = "192.0.2.77";
/// What is asked for with a session.
const PAGE: &str = "/notes";

/// The rule that rings when somebody gets in.
const ENTERED: &str = "credential-stuffing-succeeded";

/// What is sent where, and what is done by itself: whoever got in is shut out, with all of its network.
pub(super) fn configuration(receivers: &Receivers) -> String {
    format!(
        "\n[mail]\ntransport = \"smtp\"\nfrom = \"gate@example.net\"\nhost = \"127.0.0.1\"\nport = {}\nsecurity = \"plain\"\n\
         \n[sinks.team]\ntype = \"webhook\"\nurl = \"http://{}/events\"\nsecret_file = \"team.secret\"\nfrom_start = true\n\
         \n[incidents]\nletters_to = [\"security@example.net\"]\norganisation = \"The Shop\"\n\
         \n[checks.client_address]\ntrusted_proxies = [\"127.0.0.0/8\"]\n\
         \n[[alerts.channels]]\nname = \"team\"\ntype = \"webhook\"\nurl = \"http://{}/alerts\"\nkey_file = \"team.secret\"\n\
         \n[respond]\nmode = \"on\"\nbudget = {{ floor = 256 }}\n\
         \n[respond.rules.credential-stuffing]\nactions = []\n\
         \n[respond.rules.{ENTERED}]\nactions = [\"block_network\"]\n",
        receivers.mail.port(),
        receivers.hook,
        receivers.hook,
    )
}

/// A key for the webhook.
pub(super) fn secret() -> String {
    format!("whsec_{}", base64_encode(&random::bytes::<32>(&SystemRng::new())))
}

/// What came of it.
#[derive(Debug, Serialize)]
pub(super) struct Story {
    /// `json-v1`: a later change of meaning gets another name.
    format: &'static str,
    steps: Vec<Told>,
    /// The incident, while everything stands.
    incident: Option<u64>,
}

/// One step of the story.
#[derive(Debug, Serialize)]
struct Told {
    id: &'static str,
    title: &'static str,
    happened: bool,
    detail: String,
}

impl Story {
    pub(super) fn exit(&self) -> Exit {
        let whole = self.steps.len() == STEPS && self.steps.iter().all(|step| step.happened);
        if whole { Exit::Success } else { Exit::Failed }
    }

    pub(super) fn incident(&self) -> Option<u64> {
        self.incident
    }

    pub(super) fn to_text(&self) -> String {
        let mut text = format!("{STRONG}Stolen passwords, from the first try to the proof{STRONG:#}\n");
        for (number, step) in (1..).zip(&self.steps) {
            let (mark, style) = if step.happened { ("✓", GOOD) } else { ("✗", BAD) };
            let _ = writeln!(text, "\n{style}{mark}{style:#} {STRONG}{number}. {}{STRONG:#}", step.title);
            for line in step.detail.lines() {
                let _ = writeln!(text, "     {line}");
            }
        }
        if self.exit() == Exit::Success {
            let _ = writeln!(text, "\n{GOOD}all of it happened{GOOD:#}, on this machine, just now");
        } else {
            let _ = writeln!(text, "\n{BAD}not all of it happened{BAD:#}");
        }
        text
    }
}

/// Commands to look further, while the gate stands.
pub(super) fn further(stage: &Stage, incident: u64) -> String {
    let data = stage.gate.state.directory.path().display();
    let gabion = super::tour::own_name();
    let mut text = format!(
        "\n{STRONG}Look further{STRONG:#} {FAINT}in another terminal; Ctrl-C here removes everything{FAINT:#}\n"
    );
    for (what, how) in [
        ("what somebody reads at 3 am", format!("incident show {incident}")),
        (
            "the report, with the timeline as a picture",
            format!("incident report {incident} --format html > report.html"),
        ),
        ("indicators for other tools", format!("incident report {incident} --format stix")),
        ("who must be told, if personal data were seen", format!("incident notify {incident} --regime gdpr")),
        ("the review, to fill in", format!("incident review {incident}")),
        ("what is done against the attacker", "respond list".to_owned()),
        ("every record about the attacker", format!("ledger search --text {NETWORK}")),
        ("the proof again", "ledger verify".to_owned()),
    ] {
        let _ = writeln!(text, "  {FAINT}{what}{FAINT:#}\n    {PLACE}{gabion} {how} --data {data}{PLACE:#}");
    }
    text
}

struct Teller<'a> {
    steps: Vec<Told>,
    progress: &'a Progress,
}

impl Teller<'_> {
    /// Whether the story goes on.
    fn tell(&mut self, id: &'static str, title: &'static str, outcome: Result<String, String>) -> bool {
        self.progress.step(title);
        let happened = outcome.is_ok();
        let detail = outcome.unwrap_or_else(|reason| reason);
        self.steps.push(Told { id, title, happened, detail });
        happened
    }
}

const STEPS: usize = 12;

pub(super) async fn run(stage: &Stage, receivers: &Receivers) -> Story {
    let progress = Progress::of(STEPS);
    progress.say("attack and answer");
    let mut teller = Teller { steps: Vec::new(), progress: &progress };
    let incident = tell(stage, receivers, &mut teller).await;
    let steps = teller.steps;
    progress.finish();
    Story { format: "json-v1", steps, incident }
}

/// Ends early when a step did not happen; the rest would say nothing.
async fn tell(stage: &Stage, receivers: &Receivers, teller: &mut Teller<'_>) -> Option<u64> {
    let attacker = Stuffer::new(&stage.gate.origin());
    let password = |name: &str| {
        let found = stage.people.iter().find(|person| person.name == name);
        found.map(|person| person.password.clone()).unwrap_or_default()
    };
    let own = match attacker.try_one(HOME, OTHER, &password(OTHER)).await {
        Ok(cookie) => cookie,
        Err(status) => {
            teller.tell("day", "An ordinary day", Err(format!("{OTHER} could not sign in: {status}")));
            return None;
        }
    };
    let works = attacker.visit(HOME, &own, PAGE).await;
    let day = format!("{OTHER} signs in from {HOME} and reads {PAGE}: {works}");
    if !teller.tell("day", "An ordinary day", if works == 200 { Ok(day) } else { Err(day) }) {
        return None;
    }

    let entered = stuff(&attacker, &password(VICTIM)).await;
    let (stolen, attack) = match entered {
        Ok((cookie, tried)) => {
            let seen = attacker.visit(&format!("{NETWORK}.9"), &cookie, PAGE).await;
            let detail = format!(
                "{tried} names from a list that was stolen elsewhere, from {NETWORK}.0/24: refused\n\
                 {VICTIM} used the same password twice: the attacker is in, {PAGE} answers {seen}"
            );
            (cookie, if seen == 200 { Ok(detail) } else { Err(detail) })
        }
        Err(reason) => (String::new(), Err(reason)),
    };
    if !teller.tell("attack", "Somebody tries stolen passwords", attack) {
        return None;
    }
    if !teller.tell("alert", "The alert rings", alert(stage).await) {
        return None;
    }
    if !teller.tell("block", "The response acts by itself", block(stage, &attacker, &stolen, &own).await) {
        return None;
    }
    let told = receivers.alert(ENTERED).await;
    let told =
        told.map(|_| "signed, to the team's webhook for alerts; tried again until it is taken".to_owned());
    teller.tell("told", "The alert reaches people", told.ok_or_else(|| "no signed alert came".to_owned()));
    let opened = opened(stage).await;
    let id = opened.as_ref().ok().map(|incident| incident.id);
    let words = opened.map(|incident| {
        let tasks = incident.tasks.len();
        format!(
            "{} {}: {}\n{tasks} tasks with times; to be acknowledged within {}",
            incident.class,
            incident.name(),
            incident.title,
            span(incident.clocks.acknowledge.as_duration().as_secs()),
        )
    });
    if !teller.tell("incident", "An incident stands open", words) {
        return None;
    }
    let id = id?;
    let letter = receivers.letter(&format!("INC-{id}")).await;
    let letter = letter.map(|subject| format!("to security@example.net: {subject}"));
    teller.tell("letter", "A letter arrives", letter.ok_or_else(|| "no letter came".to_owned()));
    let (finding, raised) = (receivers.event(2005).await, receivers.event(2004).await);
    let message = match (finding, raised) {
        (Some(finding), Some(_)) => {
            let title = finding.get("class_name").and_then(|name| name.as_str()).unwrap_or_default();
            Ok(format!("signed, to the team's webhook: Detection Finding and {title} (OCSF)"))
        }
        _ => Err("no signed message with the alert and the incident came".to_owned()),
    };
    teller.tell("message", "A signed message arrives", message);
    if !teller.tell("response", "People do the rest", respond(stage, id, &attacker, &stolen, &own).await) {
        return Some(id);
    }
    let pack = evidence(stage, id).await;
    let words = pack.as_ref().map(|(_, words)| words.clone()).map_err(Clone::clone);
    teller.tell("evidence", "Evidence is kept", words);
    if let Ok((pack, _)) = &pack {
        teller.tell("proof", "The evidence proves itself", proof(stage, pack));
    }
    teller.tell("ledger", "The record proves that nobody edited it", ledger(stage).await);
    Some(id)
}

/// Names nobody has, then one somebody has: the cookie, and how many were refused.
async fn stuff(attacker: &Stuffer, password: &str) -> Result<(String, usize), String> {
    const NAMES: &[&str] =
        &["j.meyer", "katie88", "sales", "m.rossi", "petra", "olivier", "dchen", "admin2", "nadia", "tomasz"];
    for (number, name) in (10..).zip(NAMES) {
        match attacker.try_one(&format!("{NETWORK}.{number}"), name, "Sommer2026!").await {
            Err(403) => {}
            other => return Err(format!("{name} was answered {other:?}")),
        }
    }
    let entered = attacker.try_one(&format!("{NETWORK}.9"), VICTIM, password).await;
    let cookie = entered.map_err(|status| format!("{VICTIM} could not sign in: {status}"))?;
    Ok((cookie, NAMES.len()))
}

async fn alert(stage: &Stage) -> Result<String, String> {
    let query = Query { kind: Some(EventKind::Alert), ..Query::default() };
    for _ in 0..TRIES {
        let alerts: Vec<_> = stage.gate.state.ledger.search(query.clone()).flatten().collect();
        let is_it = |name: &str| alerts.iter().find(|alert| alert.event.resource == name);
        if let (Some(first), Some(last)) = (is_it("credential-stuffing"), is_it(ENTERED)) {
            let words = [first, last].map(|alert| {
                let level = alert.event.severity.map_or("", gabion_model::Severity::as_str);
                let reason = alert.event.reason.as_deref().unwrap_or_default();
                format!("{level}: {}", reason.split(": ").next().unwrap_or_default())
            });
            return Ok(words.join("\n"));
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err("no alert rang in a minute".to_owned())
}

/// What the rule did; nobody was asked.
async fn block(stage: &Stage, attacker: &Stuffer, stolen: &str, own: &str) -> Result<String, String> {
    let network = format!("{NETWORK}.0/24");
    for _ in 0..TRIES {
        let measures = stage.gate.state.service.measures(&Caller::operator()).await;
        let measures = measures.map_err(|error| error.to_string())?;
        let is_it =
            |measure: &&Measure| measure.target.to_string() == network && measure.state == State::Active;
        let Some(measure) = measures.iter().find(is_it) else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let theirs = attacker.visit(&format!("{NETWORK}.9"), stolen, PAGE).await;
        let again = attacker.try_one(&format!("{NETWORK}.11"), VICTIM, "anything").await;
        let others = attacker.visit(HOME, own, PAGE).await;
        let moved = attacker.visit(ELSEWHERE, stolen, PAGE).await;
        let lasts = span(measure.until.saturating_since(measure.from).as_secs());
        let words = format!(
            "{network} is blocked for {lasts}, by the rule {ENTERED}; nobody was asked\n\
             the attacker: {PAGE} answers {theirs}; {OTHER} works on: {others}\n\
             from {ELSEWHERE} the stolen session still works: {moved}"
        );
        let is_right = (theirs, others, moved) == (403, 200, 200) && again == Err(403);
        return if is_right { Ok(words) } else { Err(words) };
    }
    Err("nothing was blocked in a minute".to_owned())
}

async fn opened(stage: &Stage) -> Result<Incident, String> {
    for _ in 0..TRIES {
        let open = stage.gate.state.service.incidents(&Caller::operator(), true, None, 10).await;
        let open = open.map_err(|error| error.to_string())?;
        if let Some(found) = open.iter().find(|summary| summary.class == Class::P0) {
            let material = stage.gate.state.service.incident(&Caller::operator(), found.id).await;
            return material.map(|material| material.incident).map_err(|error| error.to_string());
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err("no incident was opened in a minute".to_owned())
}

async fn respond(
    stage: &Stage,
    id: u64,
    attacker: &Stuffer,
    stolen: &str,
    own: &str,
) -> Result<String, String> {
    let service = &stage.gate.state.service;
    let operator = Caller::operator();
    let act = |action, task: &str| Change::Act {
        action: Some(action),
        target: VICTIM.to_owned(),
        task: Some(task.to_owned()),
    };
    let note = "The network tried ten names nobody has before it came in as bob.".to_owned();
    for change in [
        Change::Acknowledge,
        Change::Assign { to: "you".to_owned(), role: Some(Role::Commander), task: None },
        act(Action::EndSessions, "end-entered-sessions"),
        act(Action::DisableAccount, "lock-entered-accounts"),
        Change::Note { text: note },
        Change::Move { to: gabion_incident::State::Contained, reason: "nobody is in any more".to_owned() },
    ] {
        let changed =
            service.change_incident(&operator, id, change).await.map_err(|error| error.to_string())?;
        if let Some(failure) = changed.failure {
            return Err(failure);
        }
    }
    let (theirs, others) =
        (attacker.visit(ELSEWHERE, stolen, PAGE).await, attacker.visit(HOME, own, PAGE).await);
    let again = attacker.try_one(ELSEWHERE, VICTIM, "anything").await;
    let words = format!(
        "the sessions of {VICTIM} are ended and the account is disabled until its owner is reached\n\
         the stolen session, from {ELSEWHERE}: {PAGE} answers {theirs}; {OTHER} works on: {others}"
    );
    if theirs == 401 && others == 200 && again.is_err() { Ok(words) } else { Err(words) }
}

async fn evidence(stage: &Stage, id: u64) -> Result<(Pack, String), String> {
    let service = &stage.gate.state.service;
    let operator = Caller::operator();
    // The ledger signs every second what was recorded.
    tokio::time::sleep(SIGNED).await;
    let taken = service.collect_evidence(&operator, id).await.map_err(|error| error.to_string())?;
    for _ in 0..TRIES {
        match service.export_evidence(&operator, id, "the demo").await {
            Err(IncidentError::Unsealed) => tokio::time::sleep(PAUSE).await,
            Err(error) => return Err(error.to_string()),
            Ok(pack) => {
                let material = service.incident(&operator, id).await.map_err(|error| error.to_string())?;
                if material.agrees != Agreement::Yes {
                    return Err(format!("{:?}", material.agrees));
                }
                let words = format!(
                    "{} records with their proofs, SHA-256 {}…\n{} lines of timeline, every step of the incident in the ledger",
                    taken.item.records.unwrap_or_default(),
                    taken.item.sha256.get(..16).unwrap_or_default(),
                    material.timeline.len(),
                );
                return Ok((pack, words));
            }
        }
    }
    Err("the ledger did not sign it in a minute".to_owned())
}

fn trust(stage: &Stage) -> Result<Trust, String> {
    let path = stage.gate.state.directory.path().join(LEDGER_PUBLIC_KEY);
    let key = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    VerifyingKey::parse(key.trim()).map(Trust::in_log).map_err(|error| error.to_string())
}

/// Verified as an auditor would, then with one byte changed.
fn proof(stage: &Stage, pack: &Pack) -> Result<String, String> {
    let trust = trust(stage)?;
    let bytes = serde_json::to_vec(pack).map_err(|error| error.to_string())?;
    let verify =
        |bytes: &[u8]| Pack::parse(bytes).and_then(|pack| pack.verify(&trust, &opened_record, &revealed));
    let verified = verify(&bytes).map_err(|error| error.to_string())?;
    let mut changed = pack.clone();
    if let Some(link) = changed.custody.last_mut() {
        link.step = link.step.replace("the demo", "the Demo");
    }
    let Err(broken) = serde_json::to_vec(&changed).map_or(Ok(()), |bytes| verify(&bytes).map(drop)) else {
        return Err("a changed byte was not found".to_owned());
    };
    Ok(format!(
        "{} steps and {} records verified with the public key alone\nwith one letter changed: {broken}",
        verified.steps, verified.records
    ))
}

fn opened_record(record: u64, disclosed: &[u8]) -> Option<Disclosed> {
    let disclosure = Disclosure::parse(disclosed).ok()?;
    let json = disclosure.open(Position(record)).ok()?;
    Some(Disclosed { stored: disclosure.stored, json })
}

async fn ledger(stage: &Stage) -> Result<String, String> {
    let (trust, path) = (trust(stage)?, stage.gate.state.directory.path().join(Directory::LEDGER));
    let verify = |path: &Path| {
        let files = Files::open(path).map_err(|error| error.to_string())?;
        let verdict = whole(&files, &trust, None, &[], |_, _| {}).map_err(|error| error.to_string())?;
        Ok::<_, String>(verdict.to_string())
    };
    // While records are written the files are now and then ahead of the checkpoint that is read with them.
    let mut last = Err(String::new());
    for _ in 0..10 {
        last = verify(&path);
        if last.is_ok() {
            break;
        }
        tokio::time::sleep(PAUSE).await;
    }
    last
}

/// Together a minute: nothing waits so long when all is well.
const TRIES: usize = 600;
const PAUSE: Duration = Duration::from_millis(100);
/// Longer than the ledger takes to sign.
const SIGNED: Duration = Duration::from_millis(1_500);
