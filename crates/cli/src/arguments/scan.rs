//! The words of `gabion scan`, `gabion rules` and `gabion explain`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand, ValueEnum, ValueHint};
use gabion_model::ByteSize;

use super::OutputFormat;
use super::scan_db::{DatabaseAge, DatabaseFile, ScanVerb};

#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Exit codes: 0 nothing as severe as `--fail-on`, 1 something is, 2 the command line is wrong, \
                        3 nothing is, but the scan is incomplete"
)]
pub(crate) struct Scan {
    #[command(subcommand)]
    pub(crate) verb: Option<ScanVerb>,

    /// A folder or a file
    #[arg(value_name = "PATH", default_value = ".", value_hint = ValueHint::AnyPath)]
    pub(crate) path: PathBuf,

    /// Only what stands on lines that changed since a revision of git, such as `origin/main`
    #[arg(long, value_name = "REVISION")]
    pub(crate) diff: Option<String>,

    /// Write the checklist for the security review of what changed since a revision of git, as Markdown or, with `--format json`,
    /// as JSON
    ///
    /// It names what the change touches (routes, guards, queries, cryptography, input, secrets, dependencies and more), with
    /// places, lines that were taken out included, and what the reviewer has to answer.
    #[arg(long, value_name = "REVISION", conflicts_with_all = ["diff", "history", "write_baseline", "fix"])]
    pub(crate) review: Option<String>,

    /// Look through the whole history of the repository for secrets, too
    #[arg(long)]
    pub(crate) history: bool,

    /// Look into archives (zip, jar, wheel, tar, gzip) for secrets, too
    #[arg(long)]
    pub(crate) archives: bool,

    /// Ask whoever issued them whether secrets still work: GitHub, Stripe and others
    ///
    /// The secret itself is sent to its issuer's own address and nowhere else, in a request that changes nothing.
    #[arg(long)]
    pub(crate) live: bool,

    /// How to print it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: ReportForm,

    /// Write it to a file in another form as well, as `sarif=report.sarif`; can be repeated
    #[arg(long, short, value_name = "FORMAT=FILE")]
    pub(crate) output: Vec<Target>,

    /// From which severity on the scan fails
    ///
    /// High and critical findings are holes; what is below is advice, and a first scan that fails on advice is soon switched
    /// off. A team that is through with those sets `medium`.
    #[arg(long, value_name = "SEVERITY", default_value = "high")]
    pub(crate) fail_on: FailOn,

    /// How sure a finding must be to be shown
    #[arg(long, value_name = "CONFIDENCE", default_value = "medium")]
    pub(crate) confidence: Sure,

    /// Only these scanners, rules or families of rules; can be repeated
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) only: Vec<String>,

    /// All but these scanners, rules or families of rules; can be repeated
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) skip: Vec<String>,

    /// A folder of your own rules, with a folder for each scanner in it
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) rules: Option<PathBuf>,

    /// Only the rules of `--rules`, none of those that come with the program
    #[arg(long, requires = "rules")]
    pub(crate) only_rules: bool,

    /// Findings that were accepted, instead of `.gabion/baseline.json` of PATH
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) baseline: Option<PathBuf>,

    /// Accept everything that is found now, for the reason of `--reason`, and write it to the baseline
    #[arg(long, requires = "reason", conflicts_with_all = ["diff", "fix"])]
    pub(crate) write_baseline: bool,

    /// Why the findings are accepted
    #[arg(long, value_name = "TEXT", requires = "write_baseline")]
    pub(crate) reason: Option<String>,

    /// Make the changes that findings propose, then scan again
    #[arg(long)]
    pub(crate) fix: bool,

    /// Only show the changes of `--fix`
    #[arg(long, requires = "fix")]
    pub(crate) dry_run: bool,

    /// Earlier reports in JSON, oldest first, for the trend of `html`; can be repeated
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) previous: Vec<PathBuf>,

    /// Write what the program answers, as its code says it, to a file in JSON
    ///
    /// Method and path, what answers, what runs before it, which parameters it reads, and evidence that it asks who is there.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) endpoints: Option<PathBuf>,

    /// List what was not read and what was allowed
    #[arg(long)]
    pub(crate) all: bool,

    /// Everything that was left unread makes the scan incomplete, except other people's code, links and what is no text
    #[arg(long)]
    pub(crate) strict: bool,

    /// Also what `.gitignore` and `.gabionignore` name
    #[arg(long)]
    pub(crate) ignored: bool,

    /// Also folders of other people's code, such as `node_modules`
    #[arg(long)]
    pub(crate) vendored: bool,

    /// Longer files are not read; lock files may be 32 MiB long
    #[arg(long, value_name = "SIZE", default_value = "2MiB")]
    pub(crate) largest: ByteSize,

    /// How many threads; as many as there are processors, if not given
    #[arg(long, value_name = "COUNT")]
    pub(crate) threads: Option<usize>,

    /// Neither use nor keep results of scans
    #[arg(long)]
    pub(crate) no_cache: bool,

    #[command(flatten)]
    pub(crate) database: DatabaseFile,

    #[command(flatten)]
    pub(crate) age: DatabaseAge,

    /// Judge no package by advisories; lock files are read for everything else
    #[arg(long)]
    pub(crate) no_advisories: bool,
}

/// A form of the report
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportForm {
    /// For people
    Text,
    /// Everything, for programs; its schema is schema/scan.schema.json
    Json,
    /// SARIF 2.1.0, for code hosts and editors
    Sarif,
    /// Notes at the lines of a change on GitHub
    Github,
    /// GitLab's report of static analysis, without the secrets
    GitlabSast,
    /// GitLab's report of secret detection
    GitlabSecrets,
    /// JUnit's XML
    Junit,
    /// A page for a comment
    Markdown,
    /// A page of its own, without script
    Html,
}

/// Where a report goes besides.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) form: ReportForm,
    pub(crate) file: PathBuf,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (form, file) = text.split_once('=').ok_or("write it as `sarif=report.sarif`")?;
        if file.is_empty() {
            return Err("the file has no name".to_owned());
        }
        Ok(Self { form: ReportForm::from_str(form, false)?, file: file.into() })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    Critical,
    High,
    Medium,
    Low,
    Informational,
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Sure {
    Low,
    Medium,
    High,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The rule, for instance `scan.allow.reason`, or the test, for instance `sql-injection`
    #[arg(value_name = "RULE")]
    pub(crate) rule: String,

    /// Examples in this language only, where there are some, for instance `python`
    #[arg(long, value_name = "LANGUAGE")]
    pub(crate) language: Option<String>,

    /// A folder of your own rules
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) rules: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) output: OutputFormat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RulesVerb {
    /// List the rules there are, all or those of a scanner, a family or a control
    List(RulesList),
    /// Show one rule; as `gabion explain`
    Show(Explain),
    /// Run the examples of rules: each fires on what is vulnerable and not on what is repaired
    ///
    /// Ends with 1 when one does not.
    Test(RulesTest),
    /// Print a rule to begin with
    New(RulesNew),
    /// Print the JSON Schema of files of rules
    #[command(hide = true)]
    Schema,
    /// Print the JSON Schema of reports
    #[command(hide = true)]
    ReportSchema,
    /// Print the JSON Schema of inventories of endpoints
    #[command(hide = true)]
    EndpointsSchema,
}

#[derive(Debug, Args)]
pub(crate) struct RulesList {
    /// A scanner, a family such as `docker`, or a control
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,

    /// A folder of your own rules
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) rules: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) output: OutputFormat,
}

#[derive(Debug, Args)]
pub(crate) struct RulesTest {
    /// A file of rules or a folder of them; without it, the rules of the program
    ///
    /// A file stands in a folder named after its scanner.
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub(crate) path: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct RulesNew {
    /// Its id: words with dots between them, for instance `acme.token`
    #[arg(value_name = "ID")]
    pub(crate) id: String,

    /// The scanner it is for
    #[arg(long, value_name = "SCANNER", default_value = "secrets")]
    pub(crate) scanner: String,
}
