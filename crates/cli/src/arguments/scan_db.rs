//! The words of `gabion scan db` and `gabion scan sbom`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

use super::OutputFormat;

/// The database of advisories that packages are judged by.
#[derive(Debug, Args)]
pub(crate) struct DatabaseFile {
    /// The database of advisories, instead of `gabion/advisories.db` of your data directory (`$XDG_DATA_HOME`)
    #[arg(long, value_name = "FILE", env = "GABION_ADVISORIES", hide_env_values = true, value_hint = ValueHint::FilePath)]
    pub(crate) db: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct DatabaseAge {
    /// From which age of the advisories on there is no verdict on packages, in days
    #[arg(long, value_name = "DAYS", default_value_t = gabion_scan::advisories::OLDEST)]
    pub(crate) db_max_age: u32,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ScanVerb {
    /// The advisories that packages are judged by: fetch, import, look at them
    #[command(subcommand)]
    Db(DbVerb),
    /// List what a project is built of: CycloneDX, SPDX, licences
    Sbom(Sbom),
}

#[derive(Debug, Subcommand)]
pub(crate) enum DbVerb {
    /// Fetch the advisories of OSV, how likely attacks are (EPSS) and which are known (CISA), and keep them
    ///
    /// The only verb of `gabion scan` that opens connections. What was kept before stands until everything has come.
    Update(DbUpdate),
    /// Make the database of files: archives of OSV, folders, single advisories of OSV, RustSec and PyPA
    ///
    /// Also EPSS's scores (`epss_scores-….csv.gz`) and CISA's catalogue (`known_exploited_vulnerabilities.json`).
    Import(DbImport),
    /// Say where the database is from, how old it is, and what it covers
    ///
    /// Ends with 1 when there is none, or it is too old.
    Info(DbInfo),
}

#[derive(Debug, Args)]
pub(crate) struct DbUpdate {
    /// Where `ECOSYSTEM/all.zip` lies, as OSV publishes it: a mirror of yours
    #[arg(long, value_name = "URL", default_value = OSV)]
    pub(crate) from: String,

    /// Only these ecosystems, as OSV names them; can be repeated. A scan says of others that nothing is known
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) ecosystem: Vec<String>,

    /// EPSS's scores, in CSV, packed or not; those of FIRST, if OSV's own advisories are fetched
    #[arg(long, value_name = "URL")]
    pub(crate) epss: Option<String>,

    /// CISA's catalogue of flaws that are used by attackers; CISA's own, if OSV's own advisories are fetched
    #[arg(long, value_name = "URL")]
    pub(crate) kev: Option<String>,

    /// Certificates in PEM form of authorities that are believed beside those of the machine
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) ca_file: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) database: DatabaseFile,
}

/// Where OSV publishes.
pub(crate) const OSV: &str = "https://osv-vulnerabilities.storage.googleapis.com";

#[derive(Debug, Args)]
pub(crate) struct DbImport {
    /// Archives, folders, files
    #[arg(value_name = "PATH", required = true, value_hint = ValueHint::AnyPath)]
    pub(crate) paths: Vec<PathBuf>,

    /// Keep what the database has already, and its age
    #[arg(long)]
    pub(crate) add: bool,

    /// Of which day it is, as `2026-01-31`; of the day the newest file was written, if not given
    #[arg(long, value_name = "DAY")]
    pub(crate) as_of: Option<String>,

    /// Where it is from, for reports; the paths, if not given
    #[arg(long, value_name = "TEXT")]
    pub(crate) source: Option<String>,

    #[command(flatten)]
    pub(crate) database: DatabaseFile,
}

#[derive(Debug, Args)]
pub(crate) struct DbInfo {
    #[command(flatten)]
    pub(crate) database: DatabaseFile,

    #[command(flatten)]
    pub(crate) age: DatabaseAge,

    #[command(flatten)]
    pub(crate) output: OutputFormat,
}

#[derive(Debug, Args)]
pub(crate) struct Sbom {
    /// A folder or a file
    #[arg(value_name = "PATH", default_value = ".", value_hint = ValueHint::AnyPath)]
    pub(crate) path: PathBuf,

    /// In which form
    #[arg(long, value_name = "FORM", default_value = "cyclonedx", conflicts_with = "licenses")]
    pub(crate) format: BomForm,

    /// Only which licence each package has, as far as lock files say
    #[arg(long)]
    pub(crate) licenses: bool,

    /// What the project is called; the name of the folder, if not given
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,

    /// Which version of the project it is
    #[arg(long, value_name = "VERSION", default_value = "unspecified")]
    pub(crate) release: String,

    /// Also what `.gitignore` and `.gabionignore` name
    #[arg(long)]
    pub(crate) ignored: bool,
}

/// A form of a list of components
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum BomForm {
    /// CycloneDX 1.6, JSON
    Cyclonedx,
    /// SPDX 2.3, JSON
    Spdx,
    /// SPDX 3.0, JSON-LD
    Spdx3,
}
