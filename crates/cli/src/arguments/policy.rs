//! The words of `gabion policy`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

use super::{ConfigFile, OutputFormat};

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyVerb {
    /// Load the policies as the gate would, and say what is wrong with them
    Check(PolicyCheck),
    /// Ask the policies every case of the team's files, and compare
    ///
    /// Ends with 1 when a case fails.
    Test(PolicyTest),
    /// Say why a question is answered as it is, and what would change the answer
    ///
    /// Ends with 1 when it is denied.
    Explain(PolicyExplain),
    /// Say which decisions of the past a change would alter
    ///
    /// Ends with 4 when one would come out differently.
    Diff(PolicyDiff),
    /// Say who can do what, for an access review
    Review(PolicyReview),
    /// Print every decision of a file of cases as a table to be committed
    Matrix(PolicyMatrix),
    /// Print the schema: what the gate knows, and the team's own part
    Schema(PolicyCheck),
}

/// Which policies
#[derive(Debug, Clone, Args)]
pub(crate) struct PolicyFolder {
    /// The folder of the policies, instead of `policy.directory`
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) policies: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct PolicyCheck {
    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) folder: PolicyFolder,
}

#[derive(Debug, Args)]
pub(crate) struct PolicyTest {
    /// Files of cases; without one, all `*.yaml` and `*.yml` in `tests` of the policies' folder
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) files: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) folder: PolicyFolder,
}

#[derive(Debug, Args)]
pub(crate) struct PolicyExplain {
    /// A question in YAML or JSON: `principal`, `action`, `resource`, `context`; instead of the flags
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with_all = ["principal", "action", "resource"])]
    pub(crate) question: Option<PathBuf>,

    /// Who asks: `alice`, `ServiceAccount::robot` or `Anonymous`
    #[arg(long, value_name = "PRINCIPAL", default_value = "Anonymous")]
    pub(crate) principal: String,

    /// A role of the principal; may be given several times
    #[arg(long = "role", value_name = "ROLE")]
    pub(crate) roles: Vec<String>,

    /// A group of the principal; may be given several times
    #[arg(long = "group", value_name = "GROUP")]
    pub(crate) groups: Vec<String>,

    /// The customer of the application the principal belongs to
    #[arg(long, value_name = "TENANT")]
    pub(crate) tenant: Option<String>,

    /// What is to be done, for instance `getOrder` or `GET`
    #[arg(long, value_name = "ACTION", required_unless_present = "question")]
    pub(crate) action: Option<String>,

    /// To what, for instance `Order::17` or `Route::/orders/{id}`
    #[arg(long, value_name = "RESOURCE", required_unless_present = "question")]
    pub(crate) resource: Option<String>,

    /// An attribute of the resource as `name=value`, the value in JSON or as it is; may be given several times
    #[arg(long = "attribute", value_name = "NAME=VALUE")]
    pub(crate) attributes: Vec<String>,

    /// A circumstance as `name=value`, for instance `ip=10.0.0.7` or `acr=2`; may be given several times
    #[arg(long = "context", value_name = "NAME=VALUE")]
    pub(crate) context: Vec<String>,

    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) folder: PolicyFolder,
}

#[derive(Debug, Args)]
pub(crate) struct PolicyDiff {
    /// The folder of the new policies, compared with the present ones
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) new: PathBuf,

    /// A file of cases or questions to ask, instead of the ledger's recorded decisions
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) questions: Option<PathBuf>,

    /// Decisions not older than this, for instance `24h` or `7d`
    #[arg(long, value_name = "PERIOD", default_value = "30d")]
    pub(crate) since: String,

    /// At most so many recorded decisions
    #[arg(long, value_name = "COUNT", default_value_t = 100_000)]
    pub(crate) limit: usize,

    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) folder: PolicyFolder,
}

/// How an access review is printed
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReviewFormat {
    /// For people
    Text,
    /// For programs
    Json,
    /// For spreadsheets
    Csv,
    /// A page that needs nothing else
    Html,
}

#[derive(Debug, Args)]
pub(crate) struct PolicyReview {
    /// The principals of a file of cases, instead of the accounts there are
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) principals: Option<PathBuf>,

    /// How to print it
    #[arg(long, value_name = "FORMAT", default_value = "text", display_order = 800)]
    pub(crate) format: ReviewFormat,

    #[command(flatten)]
    pub(crate) folder: PolicyFolder,
}

#[derive(Debug, Args)]
pub(crate) struct PolicyMatrix {
    /// The file of cases whose principals and resources make the table
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,

    #[command(flatten)]
    pub(crate) folder: PolicyFolder,
}
