//! The command line: its words and their help.

mod alert;
mod clients;
mod contract;
mod directory;
mod errors;
mod generate;
mod identity;
mod incident;
mod ledger;
mod passwords;
mod policy;
mod probe;
mod respond;
mod scan;
mod scan_db;
mod sink;
mod users;
mod watch;
mod webhook;
mod witness;

use std::path::PathBuf;

use anstyle::{AnsiColor, Style};
use clap::builder::Styles;
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use gabion_vault::jwt::Algorithm;

pub(crate) use alert::{Alert, AlertChannels, AlertId, AlertSilence, AlertTest};
pub(crate) use clients::{Client, ClientAdd, ClientChange, ClientList, ClientRotate};
pub(crate) use contract::{ContractFile, ContractLearn, ContractShadow, ContractVerb};
pub(crate) use directory::{Grant, Group, ServiceAccount, Session};
pub(crate) use errors::ErrorsVerb;
pub(crate) use generate::{
    CiService, Ecosystem, Framework, Generate, GenerateCi, GenerateDockerfile, GenerateIdentity,
    GenerateKubernetes, GenerateSchemas, Target, Way,
};
pub(crate) use identity::{IdentityApply, IdentityExport, IdentityHash, IdentityPlan, IdentityVerb};
pub(crate) use incident::{
    EvidenceAdd, EvidenceExport, EvidenceVerify, IncidentDo, IncidentEvidence, IncidentNotify,
    IncidentReview, IncidentVerb, IncidentWay, ReportFormat,
};
pub(crate) use ledger::{
    Ledger, LedgerArchive, LedgerArchiveFetch, LedgerArchiveList, LedgerArchiveVerify, LedgerCheckpoint,
    LedgerExport, LedgerFilters, LedgerHold, LedgerHoldAdd, LedgerProve, LedgerSearch, LedgerStatus,
    LedgerVerify,
};
pub(crate) use passwords::{Calibrate, Passwords};
pub(crate) use policy::{
    PolicyCheck, PolicyDiff, PolicyExplain, PolicyFolder, PolicyMatrix, PolicyReview, PolicyTest, PolicyVerb,
    ReviewFormat,
};
pub(crate) use probe::{
    Probe, ProbeChoice, ProbeForm, ProbeInit, ProbeLevel, ProbeLogin, ProbeReplay, ProbeReport, ProbeTarget,
    ProbeTests, ProbeTestsCheck, ProbeTestsNew, ProbeTestsVerb, ProbeVerb,
};
pub(crate) use respond::{MeasureId, Respond};
pub(crate) use scan::{Explain, FailOn, ReportForm, RulesList, RulesNew, RulesTest, RulesVerb, Scan, Sure};
pub(crate) use scan_db::{BomForm, DatabaseFile, DbImport, DbInfo, DbUpdate, DbVerb, OSV, Sbom, ScanVerb};
pub(crate) use sink::{Sink, SinkList, SinkTest};
pub(crate) use users::{
    PasswordFrom, User, UserAdd, UserEmail, UserImport, UserRemove, UserReset, UserRoles,
};
pub(crate) use watch::{WatchCheck, WatchReplay, WatchRules, WatchVerb};
pub(crate) use webhook::{Webhook, WebhookSign, WebhookVerify};
pub(crate) use witness::Witness;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default())
    .error(AnsiColor::Red.on_default().bold())
    .valid(AnsiColor::Cyan.on_default())
    .invalid(AnsiColor::Yellow.on_default());

/// Its parts look alike in every help text.
const HEAD: Style = AnsiColor::Green.on_default().bold();

fn closing() -> String {
    format!(
        "{HEAD}Start here:{HEAD:#}
  gabion demo                 a vulnerable application with the gate in front, to try
  gabion init                 write gabion.toml for the application on this machine
  gabion run                  protect it

{HEAD}Exit codes:{HEAD:#}
  0  done
  1  it was tried and failed, or what was examined is not in order
  2  the command line or the configuration is wrong; nothing was started
  3  another gate holds the data directory; `gabion scan`, `gabion probe`: nothing was found, but something could not be judged
  4  `gabion identity plan`, `gabion policy diff`: there is something to change"
    )
}

/// Stands in front of your application: signs people in, refuses what is not declared, and keeps a record
#[derive(Debug, Parser)]
#[command(
    name = "gabion",
    version,
    styles = STYLES,
    after_help = closing(),
    disable_help_subcommand = true,
    subcommand_required = true,
    arg_required_else_help = true,
    max_term_width = 100
)]
pub(crate) struct Arguments {
    /// When to use colour
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", display_order = 900)]
    pub(crate) color: Colour,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colour {
    Auto,
    Always,
    Never,
}

/// How data is printed
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

/// How records are printed
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RecordFormat {
    /// For people
    Text,
    /// As Gabion keeps them, one JSON object a line
    Json,
    /// Open Cybersecurity Schema Framework 1.8.0, one JSON object a line
    Ocsf,
    /// ArcSight Common Event Format, one event a line
    Cef,
    /// Syslog (RFC 5424) around OCSF, one message a line
    Syslog,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the gate at work in front of a deliberately vulnerable application
    Demo(Demo),
    /// Write a commented gabion.toml for the application on this machine
    Init(Init),
    /// Protect: start the gate
    Run(Run),
    /// Add, show, change, disable and remove the people who may sign in
    #[command(subcommand)]
    User(User),
    /// List, replace and revoke the keys that sign tokens
    #[command(subcommand)]
    Key(Key),
    /// Make, list, replace and revoke the keys by which programs come in
    #[command(subcommand)]
    ApiKey(ApiKey),
    /// Add, list, disable and remove the accounts of programs
    #[command(subcommand)]
    ServiceAccount(ServiceAccount),
    /// Make groups, give them roles, and put people into them
    #[command(subcommand)]
    Group(Group),
    /// See who is signed in, and end it
    #[command(subcommand)]
    Session(Session),
    /// See what people allow applications, and end it
    #[command(subcommand)]
    Grant(Grant),
    /// Register the applications whose users sign in here, and programs that ask for tokens
    #[command(subcommand)]
    Client(Client),
    /// Make people, groups and applications as identity.toml declares them
    #[command(subcommand)]
    Identity(IdentityVerb),
    /// Respond to what was noticed: incidents with clocks, checklists, evidence and reports
    #[command(subcommand)]
    Incident(IncidentVerb),
    /// Read the record of refusals and privileged acts
    #[command(subcommand)]
    Ledger(Ledger),
    /// See what goes wrong behind the gate, grouped, and say that it is over
    #[command(subcommand)]
    Errors(ErrorsVerb),
    /// Cosign the checkpoints of other machines' ledgers, so that nobody can rewrite them unnoticed
    Witness(Witness),
    /// List and check the detection rules, and see what they find in the record
    #[command(subcommand)]
    Watch(WatchVerb),
    /// What rang: who has it, who is told, who is not
    #[command(subcommand)]
    Alert(Alert),
    /// Measures against whoever attacks: block, slow down, undo
    #[command(subcommand)]
    Respond(Respond),
    /// Try out how letters leave
    #[command(subcommand)]
    Mail(MailVerb),
    /// The places the ledger's records go to besides
    #[command(subcommand)]
    Sink(Sink),
    /// Sign a webhook, or find out why one is refused
    #[command(subcommand)]
    Webhook(Webhook),
    /// Find the cost of hashing that suits this machine
    #[command(subcommand)]
    Passwords(Passwords),
    /// Read a repository: find what will hurt in code, secrets, dependencies and configuration
    Scan(Box<Scan>),
    /// Attack a running application the way a good tester does, and prove every finding
    Probe(Box<Probe>),
    /// List, test and begin the rules that `gabion scan` finds by
    #[command(subcommand)]
    Rules(RulesVerb),
    /// Teach what a rule or a test of `gabion probe` is about
    Explain(Explain),
    /// Make files for your repository: validators, identity, an image, manifests, CI
    #[command(subcommand)]
    Generate(Generate),
    /// List what Gabion promises and what enforces it
    Controls(Controls),
    /// Check, lint and draft the application's contract, and list what it does not know
    #[command(subcommand)]
    Contract(ContractVerb),
    /// Try, explain, compare and review who may do what
    #[command(subcommand)]
    Policy(PolicyVerb),
    /// Check and explain the configuration
    #[command(subcommand)]
    Config(ConfigVerb),
    /// Find out what is wrong with this installation
    Doctor(Doctor),
    /// Print the completion script of a shell
    Completions(Completions),
    /// Print the version
    Version(Version),
    /// Print the reference of all commands as Markdown
    #[command(hide = true)]
    Reference,
    /// Print the OpenAPI document of the admin API
    #[command(hide = true)]
    Openapi,
}

/// Which configuration
#[derive(Debug, Clone, Args)]
pub(crate) struct ConfigFile {
    /// The configuration file
    #[arg(
        long,
        short,
        value_name = "FILE",
        default_value = "gabion.toml",
        env = "GABION_CONFIG",
        hide_env_values = true,
        value_hint = ValueHint::FilePath
    )]
    pub(crate) config: PathBuf,

    /// The data directory, instead of `data.directory`
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) data: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct OutputFormat {
    /// How to print it
    #[arg(long, value_name = "FORMAT", default_value = "text", display_order = 800)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Exploit every hole of the application, directly and through the gate, and compare
    ///
    /// Exits with 1 when intended use fails through the gate, or when a hole that the gate closes is open.
    #[arg(long)]
    pub(crate) attack: bool,

    /// Try stolen passwords on the application's people until somebody is in, and answer it: alert, incident, containment,
    /// evidence, proof
    ///
    /// At a terminal everything stands afterwards to look around in. Exits with 1 when anything of it did not happen.
    #[arg(long, conflicts_with = "attack")]
    pub(crate) incident: bool,

    /// End when the story is told, also at a terminal
    #[arg(long, requires = "incident")]
    pub(crate) once: bool,

    /// Where the gate listens on 127.0.0.1; when it is taken, a free port is used
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    pub(crate) port: u16,

    #[command(flatten)]
    pub(crate) output: OutputFormat,
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The folder of your application; gabion.toml is written there
    #[arg(value_name = "DIR", default_value = ".", value_hint = ValueHint::DirPath)]
    pub(crate) directory: PathBuf,

    /// Where the application listens; without it, the ports your project names and then the usual ones are
    /// tried
    #[arg(long, value_name = "URL")]
    pub(crate) upstream: Option<String>,

    /// Replace a gabion.toml that is there
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) config: ConfigFile,

    /// Where to listen, instead of `gateway.listen`
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum MailVerb {
    /// Send one letter now, as `[mail]` says, and tell what the mail server answered
    Test(MailTest),
}

#[derive(Debug, Args)]
pub(crate) struct MailTest {
    /// Who gets it
    pub(crate) address: String,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ApiKey {
    /// Make a key and print it; it is shown this once and kept nowhere
    Create(ApiKeyCreate),
    /// List the keys there are
    List(ApiKeyList),
    /// Make the successor of a key; both work for a while
    Rotate(ApiKeyRotate),
    /// End a key now
    Revoke(ApiKeyRevoke),
}

#[derive(Debug, Args)]
pub(crate) struct ApiKeyCreate {
    /// Whose key it is: a service account's or a person's name
    #[arg(long, value_name = "NAME")]
    pub(crate) account: String,

    /// What the key may do; can be repeated
    #[arg(long = "scope", value_name = "SCOPE", required = true)]
    pub(crate) scopes: Vec<String>,

    /// What you call it
    #[arg(long, value_name = "TEXT", default_value = "made by the operator")]
    pub(crate) label: String,

    /// How long it lives, for instance `30d`, instead of `machines.api_key_life`
    #[arg(long, value_name = "PERIOD")]
    pub(crate) life: Option<gabion_model::Period>,

    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct ApiKeyList {
    /// Only those of one account
    #[arg(long, value_name = "NAME")]
    pub(crate) account: Option<String>,

    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct ApiKeyRotate {
    /// The key's id, as `gabion api-key list` shows it
    #[arg(allow_hyphen_values = true)]
    pub(crate) id: String,

    /// How long the former key works on, for instance `1h`, instead of `machines.api_key_overlap`
    #[arg(long, value_name = "PERIOD")]
    pub(crate) overlap: Option<gabion_model::Period>,

    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct ApiKeyRevoke {
    /// The key's id, as `gabion api-key list` shows it
    #[arg(allow_hyphen_values = true)]
    pub(crate) id: String,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Key {
    /// List the published keys: which sign, which will, which did
    List(KeyList),
    /// Announce successors of the signing keys ahead of the schedule
    ///
    /// A successor is published at once and signs after `tokens.announced`; the key it follows stays
    /// published for `tokens.retained`, so that nothing it signed becomes invalid.
    Rotate(KeyRotate),
    /// Take a key out at once, after a leak: nothing it signed is believed any more
    ///
    /// If it is the one that signs, a new one does from now on.
    Revoke(KeyRevoke),
}

#[derive(Debug, Args)]
pub(crate) struct KeyList {
    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct KeyRotate {
    /// Only the key for this algorithm: `ES256`, `RS256` or `EdDSA`
    #[arg(long, value_name = "ALGORITHM")]
    pub(crate) algorithm: Option<Algorithm>,

    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct KeyRevoke {
    /// The key's name, as `gabion key list` shows it
    #[arg(value_name = "KEY")]
    pub(crate) kid: String,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Controls {
    #[command(subcommand)]
    pub(crate) verb: Option<ControlsVerb>,

    #[command(flatten)]
    pub(crate) output: OutputFormat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ControlsVerb {
    /// Show one control: its promise, the requirements it meets, its evidence
    Show(ControlsShow),
}

#[derive(Debug, Args)]
pub(crate) struct ControlsShow {
    /// The control, for instance `session.cookies`
    #[arg(value_name = "CONTROL")]
    pub(crate) id: String,

    #[command(flatten)]
    pub(crate) output: OutputFormat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigVerb {
    /// Check a configuration and show everything that is wrong with it
    Check(ConfigCheck),
    /// Explain keys: meaning, type, default, and the present value with its origin
    Explain(ConfigExplain),
    /// Print the JSON Schema of gabion.toml
    Schema,
}

#[derive(Debug, Args)]
pub(crate) struct ConfigCheck {
    /// The configuration file
    #[arg(value_name = "FILE", default_value = "gabion.toml", env = "GABION_CONFIG", hide_env_values = true, value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,

    #[command(flatten)]
    pub(crate) output: OutputFormat,
}

#[derive(Debug, Args)]
pub(crate) struct ConfigExplain {
    /// A key or a table, for instance `checks.rate`; without it, the tables
    #[arg(value_name = "KEY")]
    pub(crate) key: Option<String>,

    #[command(flatten)]
    pub(crate) output: OutputFormat,

    /// The configuration file whose values to show, when it is there
    #[arg(long, short, value_name = "FILE", default_value = "gabion.toml", env = "GABION_CONFIG", hide_env_values = true, value_hint = ValueHint::FilePath)]
    pub(crate) config: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// For which shell
    pub(crate) shell: Shell,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    Bash,
    Fish,
    Zsh,
}

#[derive(Debug, Args)]
pub(crate) struct Version {
    #[command(flatten)]
    pub(crate) output: OutputFormat,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        super::Arguments::command().debug_assert();
    }
}
