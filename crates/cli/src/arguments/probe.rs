//! The words of `gabion probe`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};
use gabion_model::Period;
use gabion_probe::facts::Ports;

use super::{FailOn, OutputFormat};

#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Exit codes: 0 nothing as severe as `--fail-on`, 1 something is, 2 the command line or the facts are \
                        wrong, 3 nothing is, but the run ended early or could not do what it was asked"
)]
pub(crate) struct Probe {
    #[command(subcommand)]
    pub(crate) verb: Option<ProbeVerb>,

    #[command(flatten)]
    pub(crate) target: ProbeTarget,

    #[command(flatten)]
    pub(crate) choice: ProbeChoice,

    #[command(flatten)]
    pub(crate) report: ProbeReport,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProbeVerb {
    /// Look at an application, sign people in, and draft `probe.toml`; nothing is attacked
    Init(ProbeInit),
    /// List the tests there are
    Tests(ProbeTests),
    /// Look at one finding of a report again: is it still there?
    ///
    /// Signs in afresh, sends attack and twin again, and asks the finding's test where that decides nothing. Exit codes: 1 still
    /// there, 0 gone, 3 cannot say.
    Replay(ProbeReplay),
    /// Sign in and print the variables of the lines in reports that send requests again
    ///
    /// `eval "$(gabion probe login)"` sets them in a shell. What is printed are credentials.
    Login(ProbeLogin),
    /// Print the JSON Schema of reports
    #[command(hide = true)]
    ReportSchema,
}

/// What is attacked, and who signs in there.
#[derive(Debug, Clone, Args)]
pub(crate) struct ProbeTarget {
    /// The URL of an application, or a file of facts; without it, `probe.toml`
    #[arg(value_name = "TARGET", value_hint = ValueHint::AnyPath)]
    pub(crate) target: Option<String>,

    /// What is known of the application, written down
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) facts: Option<PathBuf>,

    /// Who signs in: a line `name password [role] [tenant]` each, `-` for standard input; or `auth.yaml` of Web Fuzzing Commons
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) logins: Option<PathBuf>,

    /// An OpenAPI document: a file, or a path at the target such as `/openapi.json`; can be repeated
    #[arg(long, value_name = "FILE|PATH", value_hint = ValueHint::FilePath)]
    pub(crate) openapi: Vec<String>,

    /// What `gabion scan --endpoints` wrote of the source; can be repeated
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) endpoints: Vec<PathBuf>,

    /// Recorded traffic, as browsers save it (HAR); can be repeated
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) har: Vec<PathBuf>,

    /// Tests of one's own, and templates: a file or a folder, instead of `probe.d` beside the facts; can be repeated
    #[arg(long, value_name = "PATH", visible_alias = "templates", value_hint = ValueHint::AnyPath)]
    pub(crate) tests: Vec<PathBuf>,

    /// Certificates to believe besides the machine's, in PEM form
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) ca_file: Option<PathBuf>,

    /// A proxy on this machine or near it through which everything goes, to look on: `127.0.0.1:8080`
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) proxy: Option<std::net::SocketAddr>,

    /// Look at other TCP ports of the host too: the usual ones, or a list: `22,8000-8010`
    #[arg(long, value_name = "PORTS", num_args = 0..=1, require_equals = true, default_missing_value = "usual", value_parser = ports)]
    pub(crate) ports: Option<Ports>,

    /// Ask UDP ports of the host too: the usual ones, or a list: `53,161`; without it as `--ports` says, where that is the usual ones
    #[arg(long, value_name = "PORTS", num_args = 0..=1, require_equals = true, default_missing_value = "usual", value_parser = ports)]
    pub(crate) udp_ports: Option<Ports>,

    /// Go on where the certificate of a target near by is not believed; the test `tls` says what is wrong with it
    #[arg(long, conflicts_with = "ca_file")]
    pub(crate) no_verify: bool,

    /// The most requests
    #[arg(long, value_name = "COUNT")]
    pub(crate) requests: Option<usize>,

    /// The most requests in one second
    #[arg(long, value_name = "COUNT")]
    pub(crate) rate: Option<u32>,

    /// The longest the run may take, such as `10m`
    #[arg(long, value_name = "PERIOD")]
    pub(crate) time: Option<Period>,
}

/// What is tried.
#[derive(Debug, Clone, Args)]
pub(crate) struct ProbeChoice {
    /// How far it goes, instead of `target.level`
    #[arg(long, value_name = "LEVEL")]
    pub(crate) level: Option<ProbeLevel>,

    /// Only these tests; can be repeated
    #[arg(long, value_name = "TEST", value_delimiter = ',')]
    pub(crate) only: Vec<String>,

    /// All but these tests; can be repeated
    #[arg(long, value_name = "TEST", value_delimiter = ',')]
    pub(crate) skip: Vec<String>,

    /// Go on with the tests that the last run did not come to: it was interrupted, or its bounds were reached
    #[arg(long)]
    pub(crate) resume: bool,

    /// Run the same attacks through a gate in front of the application too, and compare
    ///
    /// What fails the run is then what the gate does not stop.
    #[arg(long, value_name = "URL")]
    pub(crate) through: Option<String>,

    /// Who signs in at the gate, where it has other people; as `--logins`
    #[arg(long, value_name = "FILE", requires = "through", value_hint = ValueHint::FilePath)]
    pub(crate) through_logins: Option<PathBuf>,
}

/// What is told of it.
#[derive(Debug, Clone, Args)]
pub(crate) struct ProbeReport {
    /// How to print it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: ProbeForm,

    /// Write it to a file in another form as well, as `html=report.html`; can be repeated
    #[arg(long, short, value_name = "FORMAT=FILE")]
    pub(crate) output: Vec<ProbeOutput>,

    /// From which severity on the run fails; what is only tentative never does
    #[arg(long, value_name = "SEVERITY", default_value = "high")]
    pub(crate) fail_on: FailOn,

    /// Findings that were accepted, instead of `.gabion/probe-baseline.json` beside the facts
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) baseline: Option<PathBuf>,

    /// Compare with an earlier report in JSON, or with the `last` one: what is new, still there, gone
    #[arg(long, value_name = "FILE|last", value_hint = ValueHint::FilePath)]
    pub(crate) since: Option<String>,

    /// Accept everything that is found now, for the reason of `--reason`, and write it to the baseline
    #[arg(long, requires = "reason")]
    pub(crate) write_baseline: bool,

    /// Why the findings are accepted
    #[arg(long, value_name = "TEXT", requires = "write_baseline")]
    pub(crate) reason: Option<String>,

    /// Write every request to a file, a line of JSON each: who sent it for which test, and what came of it
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) trace: Option<PathBuf>,

    /// List every operation, every reason why something was not tested, and what was accepted
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProbeLevel {
    /// Only what any visitor does: nothing hostile is sent
    Passive,
    /// Attacks; writes only to what the probe made or what belongs to its own identities
    Active,
    /// Also deletes, of what the probe made, and ends sessions
    Destructive,
}

/// A form of the report
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProbeForm {
    /// For people
    Text,
    /// Everything, for programs; its schema is schema/probe.schema.json
    Json,
    /// A page of its own, without script
    Html,
    /// SARIF 2.1.0, for code hosts
    Sarif,
    /// JUnit's XML
    Junit,
    /// A page for a comment
    Markdown,
    /// Notes at a run of GitHub Actions
    Github,
}

/// Where a report goes besides.
#[derive(Debug, Clone)]
pub(crate) struct ProbeOutput {
    pub(crate) form: ProbeForm,
    pub(crate) file: PathBuf,
}

impl std::str::FromStr for ProbeOutput {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (form, file) = text.split_once('=').ok_or("write it as `html=report.html`")?;
        if file.is_empty() {
            return Err("the file has no name".to_owned());
        }
        Ok(Self { form: ProbeForm::from_str(form, false)?, file: file.into() })
    }
}

#[derive(Debug, Args)]
pub(crate) struct ProbeInit {
    #[command(flatten)]
    pub(crate) target: ProbeTarget,

    /// Where to write it; `-` for standard output
    #[arg(long, short, value_name = "FILE", default_value = "probe.toml", value_hint = ValueHint::FilePath)]
    pub(crate) output: PathBuf,

    /// Replace a file that is there
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ProbeReplay {
    /// The finding's id, or its beginning
    #[arg(value_name = "ID")]
    pub(crate) id: String,

    #[command(flatten)]
    pub(crate) target: ProbeTarget,

    /// The report in JSON that has it, instead of the last one
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) report: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) output: OutputFormat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProbeTestsVerb {
    /// Write a test of one's own to start from
    New(ProbeTestsNew),
    /// Check tests of one's own without sending anything
    Check(ProbeTestsCheck),
    /// Print the JSON Schema of tests of one's own
    #[command(hide = true)]
    Schema,
}

#[derive(Debug, Args)]
pub(crate) struct ProbeTestsNew {
    /// What it is called: small letters, digits and `-`
    #[arg(value_name = "ID")]
    pub(crate) id: String,

    /// Where to write it, instead of `probe.d/ID.yaml`; `-` for standard output
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ProbeTestsCheck {
    /// Files or folders; without one, `probe.d`
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub(crate) paths: Vec<PathBuf>,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct ProbeTests {
    #[command(subcommand)]
    pub(crate) verb: Option<ProbeTestsVerb>,

    /// Only those that attack this control, or controls of this family
    #[arg(value_name = "CONTROL")]
    pub(crate) control: Option<String>,

    #[command(flatten)]
    pub(crate) output: OutputFormat,
}

#[derive(Debug, Args)]
pub(crate) struct ProbeLogin {
    #[command(flatten)]
    pub(crate) target: ProbeTarget,
}

/// `usual`, or ports and ranges of them.
fn ports(text: &str) -> Result<Ports, String> {
    if text == "usual" {
        return Ok(Ports::Usual(true));
    }
    let mut all: Vec<u16> = Vec::new();
    for part in text.split(',').map(str::trim) {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let number = |text: &str| text.trim().parse::<u16>().ok().filter(|port| *port != 0);
        let (Some(from), Some(to)) = (number(from), number(to)) else {
            return Err(format!("`{part}` is no port and no range of them"));
        };
        if from > to {
            return Err(format!("`{part}` ends before it begins"));
        }
        all.extend(from..=to);
        if all.len() > MOST_PORTS {
            return Err(format!("that is more than {MOST_PORTS} ports"));
        }
    }
    Ok(Ports::These(all))
}

const MOST_PORTS: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_read_and_bounded() {
        assert_eq!(ports("usual"), Ok(Ports::Usual(true)));
        assert_eq!(ports("22, 8000-8002"), Ok(Ports::These(vec![22, 8000, 8001, 8002])));
        for wrong in ["", "0", "70000", "9-8", "1-2000", "a", "22,,80", "-5", "5-"] {
            assert!(ports(wrong).is_err(), "{wrong}");
        }
    }
}
