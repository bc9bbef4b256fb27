//! `gabion scan db`: what packages are judged by.

mod fetch;

use std::path::{Path, PathBuf};

use gabion_dependencies::Database;
use gabion_model::{Clock as _, SystemClock, Timestamp};
use gabion_scan::advisories::{self, Import, ImportError, LoadError};
use gabion_scan::{shown, visible};
use serde::Serialize;

use crate::arguments::{DatabaseFile, DbImport, DbInfo, DbVerb};
use crate::commands::block_on;
use crate::failure::{Exit, Failure};
use crate::output::{self, GOOD, STRONG};

pub(super) fn run(verb: &DbVerb) -> Result<Exit, Failure> {
    match verb {
        DbVerb::Update(arguments) => block_on(fetch::update(arguments)),
        DbVerb::Import(arguments) => import(arguments),
        DbVerb::Info(arguments) => info(arguments),
    }
}

/// Where the database lies; none where nobody's home is known.
pub(super) fn file(arguments: &DatabaseFile) -> Option<PathBuf> {
    arguments.db.clone().or_else(|| {
        let folder = super::folder("XDG_DATA_HOME", ".local/share")?;
        Some(folder.join("gabion").join(advisories::FILE))
    })
}

fn wanted(arguments: &DatabaseFile) -> Result<PathBuf, Failure> {
    file(arguments).ok_or_else(|| {
        Failure::usage("there is no home to keep the advisories in").hint("name a file with `--db`")
    })
}

fn import(arguments: &DbImport) -> Result<Exit, Failure> {
    let file = wanted(&arguments.database)?;
    let now = SystemClock.now();
    let as_of = arguments.as_of.as_deref().map(day).transpose()?;
    let former =
        if arguments.add { advisories::read(&file).map_err(|error| unusable(&file, &error))? } else { None };
    let mut import = match &former {
        Some(database) => Import::upon(database)
            .map_err(|error| Failure::new(format!("cannot add to `{}`", shown(&file))).because(&error))?,
        None => Import::default(),
    };
    for path in &arguments.paths {
        import.add(path).map_err(|error| unread(&error))?;
    }
    warn_of(&import);
    let imported = import.imported();
    let scored = import.scored();
    if imported.packages == 0 && !(former.is_some() && (scored.0 > 0 || scored.1 > 0)) {
        return Err(Failure::new("there is no advisory in it about packages that are judged here").hint(
            "archives and folders of OSV (`all.zip`), RustSec and PyPA; scores alone say nothing, `--add` puts them to the others",
        ));
    }
    let written = as_of.or(imported.written).unwrap_or(now.as_secs()).min(now.as_secs());
    // What was there before does not get younger by what came.
    let written = former.as_ref().map_or(written, |former| written.min(former.fetched()));
    let named = || {
        let names: Vec<String> = arguments.paths.iter().map(|path| shown(path)).collect();
        let earlier = former.as_ref().map(|former| former.source().to_owned());
        earlier.into_iter().chain(names).collect::<Vec<_>>().join(", ")
    };
    let source: String = arguments.source.clone().unwrap_or_else(named).chars().take(200).collect();
    keep(&file, &import.build(&source, written), now)?;
    Ok(Exit::Success)
}

/// Files that are no advisories: a few lie in every such database, and many are a wrong path.
fn warn_of(import: &Import) {
    let imported = import.imported();
    for broken in &imported.broken {
        output::warn(visible(broken));
    }
    let named = u64::try_from(imported.broken.len()).unwrap_or(u64::MAX);
    if imported.broken_files > named {
        output::warn(format_args!(
            "{} more files were no advisories",
            imported.broken_files.saturating_sub(named)
        ));
    }
}

fn keep(file: &Path, database: &Database, now: Timestamp) -> Result<(), Failure> {
    let failed =
        |error: std::io::Error| Failure::new(format!("cannot keep `{}`", shown(file))).because(&error);
    advisories::store(file, database).map_err(failed)?;
    let parts: Vec<String> = database
        .covered()
        .iter()
        .map(|(ecosystem, count)| format!("{count} of {}", ecosystem.as_str()))
        .collect();
    output::note(format_args!(
        "{GOOD}kept{GOOD:#} {STRONG}{}{STRONG:#}: {}, of {}",
        shown(file),
        parts.join(", "),
        today(database.fetched(), now)
    ));
    Ok(())
}

fn today(fetched: i64, now: Timestamp) -> String {
    let day: String = Timestamp::from_secs(fetched).to_string().chars().take(10).collect();
    let today: String = now.to_string().chars().take(10).collect();
    if day == today { "today".to_owned() } else { day }
}

/// `2026-01-31`, as seconds since 1970.
fn day(text: &str) -> Result<i64, Failure> {
    let time = advisories::day(text);
    time.ok_or_else(|| {
        Failure::usage(format!("`{}` is no day", visible(text))).hint("write it as `2026-01-31`")
    })
}

fn unusable(file: &Path, error: &LoadError) -> Failure {
    Failure::new(format!("the advisories in `{}` cannot be used", shown(file)))
        .because(error)
        .hint("`gabion scan db update` fetches them anew")
}

fn unread(error: &ImportError) -> Failure {
    Failure::usage(visible(&error.to_string())).because(error)
}

#[derive(Serialize)]
struct Info<'a> {
    file: String,
    source: &'a str,
    /// RFC 3339.
    fetched: String,
    age_days: u32,
    stale: bool,
    checksum: String,
    advisories: u64,
    ecosystems: std::collections::BTreeMap<&'static str, u64>,
}

fn info(arguments: &DbInfo) -> Result<Exit, Failure> {
    let file = wanted(&arguments.database)?;
    let database = advisories::read(&file).map_err(|error| unusable(&file, &error))?.ok_or_else(|| {
        Failure::new(format!("there are no advisories in `{}`", shown(&file)))
            .hint("`gabion scan db update` fetches them, `gabion scan db import` takes files")
    })?;
    let age_days = database.age_days(SystemClock.now().as_secs());
    let info = Info {
        file: shown(&file),
        source: database.source(),
        fetched: Timestamp::from_secs(database.fetched()).to_string(),
        age_days,
        stale: age_days > arguments.age.db_max_age,
        checksum: database.checksum(),
        advisories: database.advisories(),
        ecosystems: database.covered().iter().map(|(it, count)| (it.as_str(), *count)).collect(),
    };
    output::value(arguments.output.format, &info, || {
        let age = match info.age_days {
            0 => "today".to_owned(),
            1 => "1 day old".to_owned(),
            u32::MAX => "from the future: one of two clocks is wrong".to_owned(),
            days => format!("{days} days old"),
        };
        let mut text = format!(
            "{STRONG}{}{STRONG:#}\nfrom       {}\nfetched    {} ({age})\nadvisories {}\n",
            info.file,
            visible(info.source),
            info.fetched,
            info.advisories
        );
        for (ecosystem, count) in &info.ecosystems {
            text.push_str(&format!("  {ecosystem:<9}{count:>8}\n"));
        }
        text
    })?;
    if info.stale {
        output::warn(format_args!(
            "older than {} days: a scan gives no whole verdict; `gabion scan db update` fetches them anew",
            arguments.age.db_max_age
        ));
        return Ok(Exit::Failed);
    }
    Ok(Exit::Success)
}
