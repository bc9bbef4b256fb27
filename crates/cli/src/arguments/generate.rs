//! The words of `gabion generate`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

use super::ConfigFile;

#[derive(Debug, Subcommand)]
pub(crate) enum Generate {
    /// Validators for TypeScript (Zod 4) from a contract, and of the environment from its examples
    Zod(GenerateSchemas),
    /// Validators for Python (Pydantic 2) from a contract, and of the environment from its examples
    Pydantic(GenerateSchemas),
    /// The code by which an application verifies `Gabion-Identity`
    Identity(GenerateIdentity),
    /// A Dockerfile in which nothing runs as root
    Dockerfile(GenerateDockerfile),
    /// Kubernetes manifests of an application that only the gate reaches
    Kubernetes(GenerateKubernetes),
    /// What a CI service asks of Gabion
    Ci(GenerateCi),
}

/// Where it goes
#[derive(Debug, Clone, Args)]
pub(crate) struct Target {
    /// The folder the files go to; without it they are printed
    ///
    /// A file that is there and differs is shown as a difference and left as it is.
    #[arg(long, short, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) output: Option<PathBuf>,

    /// Replace files that are there
    #[arg(long, requires = "output")]
    pub(crate) force: bool,

    /// Write nothing; end with 1 when a file is missing or stale
    #[arg(long, requires = "output", conflicts_with = "force")]
    pub(crate) check: bool,
}

#[derive(Debug, Args)]
pub(crate) struct GenerateSchemas {
    /// The OpenAPI document; without it, the contract of the configuration
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: Option<PathBuf>,

    /// Which way the documents go: `readOnly` members are no part of a request, `writeOnly` ones of a response
    #[arg(long, value_name = "DIRECTION", default_value = "request")]
    pub(crate) direction: Way,

    /// The examples of the environment, for instance `.env.example`: one `NAME=example` a line
    ///
    /// A line `# NAME=example` is a variable that may be missing.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) env: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) target: Target,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Way {
    Request,
    Response,
}

#[derive(Debug, Args)]
pub(crate) struct GenerateIdentity {
    /// Where the code runs
    #[arg(value_name = "FRAMEWORK")]
    pub(crate) framework: Framework,

    /// The application, as under `[upstreams]`; may be left out where there is one
    #[arg(long, value_name = "NAME")]
    pub(crate) upstream: Option<String>,

    /// Where the application fetches the gate's keys, when that is not the gate's public address
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) keys: Option<String>,

    #[command(flatten)]
    pub(crate) target: Target,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Framework {
    Express,
    Next,
    Fastapi,
}

#[derive(Debug, Args)]
pub(crate) struct GenerateDockerfile {
    /// What the application is written in
    #[arg(value_name = "LANGUAGE")]
    pub(crate) ecosystem: Ecosystem,

    /// What is started: a file (node), a module (python), the name of the program (rust, go) or of the JAR (java)
    #[arg(long, value_name = "NAME")]
    pub(crate) entry: String,

    /// Where the application listens
    #[arg(long, value_name = "PORT", default_value_t = 3000)]
    pub(crate) port: u16,

    /// The path that answers while all is well
    #[arg(long, value_name = "PATH", default_value = "/healthz")]
    pub(crate) health: String,

    #[command(flatten)]
    pub(crate) target: Target,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Ecosystem {
    Go,
    Java,
    Node,
    Python,
    Rust,
}

#[derive(Debug, Args)]
pub(crate) struct GenerateKubernetes {
    /// What the application is called there
    #[arg(value_name = "NAME")]
    pub(crate) name: String,

    /// Its image, with the digest
    #[arg(long, value_name = "IMAGE")]
    pub(crate) image: String,

    /// Its namespace; as the application, if not given
    #[arg(long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,

    /// Where the application listens
    #[arg(long, value_name = "PORT", default_value_t = 3000)]
    pub(crate) port: u16,

    /// The path that answers while all is well
    #[arg(long, value_name = "PATH", default_value = "/healthz")]
    pub(crate) health: String,

    /// The namespace of the gate
    #[arg(long, value_name = "NAME", default_value = "gabion")]
    pub(crate) gate_namespace: String,

    /// Where the gate's pods listen
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    pub(crate) gate_port: u16,

    #[command(flatten)]
    pub(crate) target: Target,
}

#[derive(Debug, Args)]
pub(crate) struct GenerateCi {
    /// Which CI service
    #[arg(value_name = "SERVICE")]
    pub(crate) service: CiService,

    /// Also a pipeline that probes the running application at these times and says what changed, as `0 3 * * *`
    #[arg(long, value_name = "CRON")]
    pub(crate) schedule: Option<String>,

    #[command(flatten)]
    pub(crate) target: Target,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CiService {
    Github,
    Gitlab,
}
