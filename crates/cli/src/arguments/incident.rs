//! The words of `gabion incident`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};
use gabion_incident::incident::{Resolution, State};
use gabion_incident::notify::Regime;
use gabion_incident::{Action, Class, Role};

use super::{ConfigFile, OutputFormat};

#[derive(Debug, Subcommand)]
pub(crate) enum IncidentVerb {
    /// Open an incident, by hand or from an alert
    Open(IncidentOpen),
    /// List the incidents that are open
    List(IncidentList),
    /// Show what is due next, the checklist and the timeline
    Show(IncidentOne),
    /// Say that you look after it
    Ack(IncidentOne),
    /// Write down what was seen or decided
    Note(IncidentNote),
    /// Settle a task of the checklist, or have the gate do something
    Do(IncidentDo),
    /// Give a role or a task to somebody
    Assign(IncidentAssign),
    /// Say that it is worse, or less bad, than it seemed
    Classify(IncidentClassify),
    /// Say how far the response is
    Move(IncidentMove),
    /// Say whom or what it is about; the timeline then includes them
    Subject(IncidentSubject),
    /// Keep, list, take out and verify evidence
    #[command(subcommand)]
    Evidence(IncidentEvidence),
    /// See who must be told until when, print drafts, and say that it was done
    Notify(IncidentNotify),
    /// Write the review, and settle its actions
    Review(IncidentReview),
    /// Close it; one that was P0, P1 or P2 needs a review
    Close(IncidentClose),
    /// Write a report
    Report(IncidentReport),
    /// Print how long detecting, acknowledging, containing and resolving took
    Metrics(IncidentMetrics),
}

fn id(text: &str) -> Result<u64, String> {
    let digits = text.strip_prefix("INC-").or_else(|| text.strip_prefix("inc-")).unwrap_or(text);
    digits.parse().map_err(|_| "an incident is named by its number, `7` or `INC-7`".to_owned())
}

#[derive(Debug, Args)]
pub(crate) struct IncidentTarget {
    /// The incident, as `gabion incident list` shows it
    #[arg(value_name = "ID", value_parser = id)]
    pub(crate) id: u64,
}

#[derive(Debug, Args)]
pub(crate) struct IncidentWay {
    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct IncidentOne {
    #[command(flatten)]
    pub(crate) target: IncidentTarget,
    #[command(flatten)]
    pub(crate) way: IncidentWay,
}

#[derive(Debug, Args)]
pub(crate) struct IncidentOpen {
    /// What happened, in a line; may be left out with `--alert`
    #[arg(value_name = "TITLE")]
    pub(crate) title: Option<String>,
    /// P0: somebody is in or nothing works; P1: something was broken; P2: it may succeed; P3: worth a look
    #[arg(long, value_name = "CLASS")]
    pub(crate) class: Option<Class>,
    /// The procedure: general, credential-stuffing, account-takeover, data-exposure, key-compromise, probing, or your own
    #[arg(long, value_name = "KIND")]
    pub(crate) kind: Option<String>,
    /// The record of an alert it begins with (`gabion ledger search --kind alert`)
    #[arg(long, value_name = "RECORD")]
    pub(crate) alert: Option<u64>,
    /// Whom or what it is about: account:NAME, address:IP, network:CIDR, api-key:ID, key:ID
    #[arg(long = "about", value_name = "SUBJECT")]
    pub(crate) about: Vec<String>,
    #[command(flatten)]
    pub(crate) way: IncidentWay,
}

#[derive(Debug, Args)]
pub(crate) struct IncidentList {
    /// Those that are closed, too
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) way: IncidentWay,
}

#[derive(Debug, Args)]
pub(crate) struct IncidentNote {
    #[command(flatten)]
    pub(crate) target: IncidentTarget,
    /// The note; `-` reads it from standard input
    #[arg(value_name = "TEXT")]
    pub(crate) text: String,
    #[command(flatten)]
    pub(crate) way: IncidentWay,
}

#[derive(Debug, Args)]
pub(crate) struct IncidentDo {
    #[command(flatten)]
    pub(crate) target: IncidentTarget,
    /// The task, as `gabion incident show` names it
    #[arg(value_name = "TASK", required_unless_present = "action")]
    pub(crate) task: Option<String>,
    /// Have the gate do it to this account, address, network, API key, route or signing key
    #[arg(long = "target", value_name = "NAME")]
    pub(crate) on: Option<String>,
    /// What the gate does: end-sessions, disable-account, enable-account, revoke-api-key, revoke-key; for a time and until
    /// `lift`: block-address, block-network, slow-down, require-step-up, disable-api-key, strict-route; that of the task when
    /// not given
    #[arg(long, value_name = "ACTION", requires = "on")]
    pub(crate) action: Option<Action>,
    /// What came of it
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["skip", "on"])]
    pub(crate) result: Option<String>,
    /// The task is not needed, and why
    #[arg(long, value_name = "REASON", conflicts_with = "on")]
    pub(crate) skip: Option<String>,
    #[command(flatten)]
    pub(crate) way: IncidentWay,
}

#[derive(Debug, Args)]
pub(crate) struct IncidentAssign {
    #[command(flatten)]
    pub(crate) target: IncidentTarget,
    /// Who
    #[arg(value_name = "NAME")]
    pub(crate) to: String,
    /// commander, scribe, comms or liaison
    #[arg(long, value_name = "ROLE", required_unless_present = "task", conflicts_with = "task")]
    pub(crate) role: Option<Role>,
    /// A task of the checklist
    #[arg(long, value_name = "TASK")]
    pub(crate) task: Option<String>,
    #[command(flatten)]
    pub(crate) way: IncidentWay,
}

#[derive(Debug, Args)]
pub(crate) struct IncidentClassify {
    #[command(flatten)]
    pub(crate) target: IncidentTarget,
    #[arg(value_name = "CLASS")]
    pub(crate) class: Class,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    #[command(flatten)]
    pub(crate) way: IncidentWay,
}

#[derive(Debug, Args)]
pub(crate) struct IncidentMove {
    #[command(flatten)]
    pub(crate) target: IncidentTarget,
    /// contained, remediating, recovering, review; `open` opens it again
    #[arg(value_name = "STATE")]
    pub(crate) state: State,
    /// Why; needed to go back to `open`
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) reason: String,
    #[command(flatten)]
    pub(crate) way: IncidentWay,
}

#[derive(Debug, Args)]
pub(crate) struct IncidentSubject {
    #[command(flatten)]
    pub(crate) target: IncidentTarget,
    /// account:NAME, address:IP, network:CIDR, api-key:ID, key:ID
    #[arg(value_name = "SUBJECT", required = true)]
    pub(crate) subjects: Vec<String>,
    #[command(flatten)]
    pub(crate) way: IncidentWay,
}

#[derive(Debug, Subcommand)]
pub(crate) enum IncidentEvidence {
    /// Seal a copy of every record of the ledger that belongs to the incident, with its proof
    Collect(IncidentOne),
    /// Keep a file, at most 8 MiB
    Add(EvidenceAdd),
    /// Write everything into one file that proves itself; that it was taken out is on record
    Export(EvidenceExport),
    /// Verify such a file, with nothing but the ledger's public key
    Verify(EvidenceVerify),
}

#[derive(Debug, Args)]
pub(crate) struct EvidenceAdd {
    #[command(flatten)]
    pub(crate) target: IncidentTarget,
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    /// Where it is from: a machine, a person; its path when not given
    #[arg(long, value_name = "TEXT")]
    pub(crate) source: Option<String>,
    #[command(flatten)]
    pub(crate) way: IncidentWay,
}

#[derive(Debug, Args)]
pub(crate) struct EvidenceExport {
    #[command(flatten)]
    pub(crate) target: IncidentTarget,
    /// Where to; it must not exist
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    /// For whom and what for
    #[arg(long, value_name = "TEXT")]
    pub(crate) purpose: String,
    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct EvidenceVerify {
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    /// The ledger's public key, as `gabion ledger key` prints it
    #[arg(long, value_name = "KEY")]
    pub(crate) key: String,
    #[command(flatten)]
    pub(crate) output: OutputFormat,
}

#[derive(Debug, Args)]
pub(crate) struct IncidentNotify {
    #[command(flatten)]
    pub(crate) target: IncidentTarget,
    /// Print the draft of this duty: gdpr-33, gdpr-34, hipaa-404, hipaa-406, hipaa-408, pci-12.10
    #[arg(value_name = "DUTY")]
    pub(crate) duty: Option<String>,
    /// Start the clocks of this law: gdpr, hipaa, pci
    #[arg(long = "regime", value_name = "LAW", conflicts_with_all = ["sent", "waive"])]
    pub(crate) regimes: Vec<Regime>,
    /// Since when it is known: `now`, or a time such as 2026-11-22T14:05Z
    #[arg(long, value_name = "TIME", requires = "regimes", default_value = "now")]
    pub(crate) aware: String,
    /// Something a notification says, for instance people=1200
    #[arg(long = "fact", value_name = "NAME=TEXT")]
    pub(crate) facts: Vec<String>,
    /// The duty is done: who was told, how, under which reference
    #[arg(long, value_name = "TEXT", requires = "duty", conflicts_with = "waive")]
    pub(crate) sent: Option<String>,
    /// The duty does not apply, and why
    #[arg(long, value_name = "REASON", requires = "duty")]
    pub(crate) waive: Option<String>,
    #[command(flatten)]
    pub(crate) way: IncidentWay,
}

#[derive(Debug, Args)]
pub(crate) struct IncidentReview {
    #[command(flatten)]
    pub(crate) target: IncidentTarget,
    /// The review, in TOML; without it, one to fill in is printed
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: Option<PathBuf>,
    /// An action of the review is done
    #[arg(long, value_name = "NUMBER", conflicts_with = "file")]
    pub(crate) done: Option<u64>,
    /// What came of the action
    #[arg(long, value_name = "TEXT", requires = "done", default_value = "")]
    pub(crate) result: String,
    /// Print one to fill in
    #[arg(long, conflicts_with_all = ["file", "done"])]
    pub(crate) template: bool,
    #[command(flatten)]
    pub(crate) way: IncidentWay,
}

#[derive(Debug, Args)]
pub(crate) struct IncidentClose {
    #[command(flatten)]
    pub(crate) target: IncidentTarget,
    /// How it ended
    #[arg(value_name = "TEXT")]
    pub(crate) text: String,
    /// resolved, false-alarm or duplicate
    #[arg(long, value_name = "WORD", default_value = "resolved")]
    pub(crate) resolution: Resolution,
    #[command(flatten)]
    pub(crate) way: IncidentWay,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    Markdown,
    Html,
    Json,
    /// Indicators for other tools (STIX 2.1)
    Stix,
}

#[derive(Debug, Args)]
pub(crate) struct IncidentReport {
    #[command(flatten)]
    pub(crate) target: IncidentTarget,
    #[arg(long, value_name = "FORMAT", default_value = "markdown")]
    pub(crate) format: ReportFormat,
    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct IncidentMetrics {
    #[command(flatten)]
    pub(crate) way: IncidentWay,
}
