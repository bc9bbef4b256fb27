//! `gabion ledger archive`, `gabion ledger hold`, `gabion ledger status`: what is elsewhere, what is kept, how it stands.

use std::sync::Arc;

use gabion_courier::{ArchiveError, ArchiveReader, Range};
use gabion_ledger::Position;
use gabion_ledger::hold::Hold;
use gabion_model::{SystemClock, Timestamp};
use gabion_service::NewHold;
use gabion_tlog::VerifyingKey;
use gabion_verifier::log_key;

use super::proof::own_key;
use crate::arguments::{
    LedgerArchive, LedgerArchiveFetch, LedgerArchiveList, LedgerArchiveVerify, LedgerHold, LedgerHoldAdd,
    LedgerStatus,
};
use crate::commands::{block_on, for_data};
use crate::config::Config;
use crate::control::door::Door;
use crate::control::operation::{HoldRequest, LedgerStanding, Reply, Request};
use crate::failure::{Exit, Failure};
use crate::output::progress::Progress;
use crate::output::table::{Cell, styled, table};
use crate::output::{self, FAINT, GOOD, STRONG, WARN};

pub(super) fn run(verb: &LedgerArchive) -> Result<Exit, Failure> {
    match verb {
        LedgerArchive::List(arguments) => list(arguments),
        LedgerArchive::Fetch(arguments) => fetch(arguments),
        LedgerArchive::Verify(arguments) => verify(arguments),
    }
}

fn open(config: &Config) -> Result<ArchiveReader, Failure> {
    let settings = config.ledger.archive.as_ref().ok_or_else(|| {
        Failure::usage("there is no archive").hint("a table `[ledger.archive]` says where it is")
    })?;
    ArchiveReader::open(settings, Arc::new(SystemClock))
        .map_err(|error| Failure::new("the archive cannot be used").because(&error))
}

fn list(arguments: &LedgerArchiveList) -> Result<Exit, Failure> {
    let config = for_data(&arguments.config)?.config;
    let archive = open(&config)?;
    let manifests = block_on(async { archive.list().await.map_err(|error| unread(&archive, &error)) })?;
    output::value(arguments.output.format, &manifests, || {
        let row = |manifest: &gabion_ledger::archive::Manifest| -> Vec<Cell> {
            vec![
                styled(manifest.segment.to_string(), STRONG),
                format!("{} to {}", manifest.first, manifest.last).into(),
                short(manifest.earliest).into(),
                short(manifest.latest).into(),
                manifest.size.to_string().into(),
                manifest.sha256.clone().into(),
            ]
        };
        let rows: Vec<_> = manifests.iter().map(row).collect();
        table(&["segment", "records", "from", "to", "bytes", "sha-256"], &rows)
    })?;
    if manifests.is_empty() {
        output::note(format_args!("{FAINT}nothing is in {} yet{FAINT:#}", archive.place()));
    }
    Ok(Exit::Success)
}

fn fetch(arguments: &LedgerArchiveFetch) -> Result<Exit, Failure> {
    let config = for_data(&arguments.config)?.config;
    let (archive, key) = (open(&config)?, key(&config, arguments.key.as_deref())?);
    let range = Range { first: arguments.first.map(Position), last: arguments.last.map(Position) };
    let (progress, directory) = (Progress::of(1), &arguments.directory);
    progress.say("fetching segments");
    let fetched = block_on(async {
        let told = |_| progress.say("fetching segments");
        archive.fetch(range, directory, &key, told).await.map_err(|error| unread(&archive, &error))
    });
    progress.finish();
    let fetched = fetched?;
    output::value(arguments.output.format, &fetched, || {
        format!(
            "{GOOD}fetched{GOOD:#}  {} segments with the records {} to {}, {} bytes",
            fetched.segments, fetched.first, fetched.last, fetched.bytes
        )
    })?;
    let place = directory.display();
    output::note(format_args!("{FAINT}gabion-verify --key '{key}' {place}{FAINT:#}"));
    Ok(Exit::Success)
}

fn verify(arguments: &LedgerArchiveVerify) -> Result<Exit, Failure> {
    let config = for_data(&arguments.config)?.config;
    let (archive, key) = (open(&config)?, key(&config, arguments.key.as_deref())?);
    let progress = Progress::of(1);
    progress.say("reading segments");
    let mut told = 0;
    let verified = block_on(async {
        let each = |record: u64, last: u64| {
            if record.saturating_sub(told) >= STEP {
                progress.set(record, last);
                told = record;
            }
        };
        archive.verify(&key, each).await.map_err(|error| unread(&archive, &error))
    });
    progress.finish();
    let verified = verified?;
    output::value(arguments.output.format, &verified, || {
        let (segments, first, last) = (verified.segments, verified.first, verified.last);
        format!(
            "{GOOD}verified{GOOD:#}  {segments} segments with the records {first} to {last} are what `{}` signed\nroot      {}",
            key.name(),
            verified.root
        )
    })?;
    Ok(Exit::Success)
}

fn key(config: &Config, given: Option<&str>) -> Result<VerifyingKey, Failure> {
    match given {
        Some(key) => Ok(log_key(key)?),
        None => Ok(log_key(&own_key(&config.data.directory)?)?),
    }
}

fn unread(archive: &ArchiveReader, error: &ArchiveError) -> Failure {
    let failure = Failure::new(format!("the archive {} cannot be read", archive.place()));
    let failure = failure.because(error);
    match error {
        ArchiveError::Fetch(_)
        | ArchiveError::Io(_)
        | ArchiveError::Status { .. }
        | ArchiveError::Secret { .. } => {
            failure.hint("see the table `[ledger.archive]`; the place is made with the first copy")
        }
        ArchiveError::InTheWay(_) => failure.hint("name an empty directory, or move the file away"),
        ArchiveError::Nothing => failure.hint("`gabion ledger archive list` shows what there is"),
        _ => failure.hint("keep everything as it is: it is evidence"),
    }
}

pub(super) fn hold(verb: LedgerHold) -> Result<Exit, Failure> {
    match verb {
        LedgerHold::Add(arguments) => add(arguments),
        LedgerHold::List(arguments) => holds(&arguments),
        LedgerHold::Remove(arguments) => {
            let config = for_data(&arguments.config)?.config;
            let request = Request::Hold { hold: HoldRequest::Remove { name: arguments.name.clone() } };
            block_on(async { Door::open(&config, false).await?.ask(request, |_| Ok(())).await })?;
            output::note(format_args!("{GOOD}removed{GOOD:#} the hold {STRONG}{}{STRONG:#}", arguments.name));
            Ok(Exit::Success)
        }
    }
}

fn add(arguments: LedgerHoldAdd) -> Result<Exit, Failure> {
    let config = for_data(&arguments.config)?.config;
    let LedgerHoldAdd { name, reason, since, until, first, last, principal, .. } = arguments;
    let time = |flag: &str, text: Option<String>, day: i64| {
        text.map(|text| {
            let end = |text: &str| gabion_incident::review::day(text);
            let of_day = |text: &str| Some(Timestamp::from_secs(end(text)?.as_secs().saturating_sub(day)));
            gabion_incident::review::moment(&text).or_else(|| of_day(&text)).ok_or_else(|| {
                Failure::usage(format!("`{flag} {text}`: no time"))
                    .hint("for instance `2026-01-31` or `2026-01-31T09:00:00Z`, in UTC")
            })
        })
        .transpose()
    };
    let new = NewHold {
        // A day counts whole.
        since: time("--since", since, 86_400)?,
        until: time("--until", until, 0)?,
        first: first.map(Position),
        last: last.map(Position),
        name,
        reason,
        principal,
    };
    let request = Request::Hold { hold: HoldRequest::Add { new } };
    block_on(async {
        Door::open(&config, false)
            .await?
            .ask(request, |reply| {
                if let Reply::Hold(hold) = reply {
                    output::note(format_args!(
                        "{GOOD}set{GOOD:#} the hold {STRONG}{}{STRONG:#}: it keeps {}",
                        hold.name,
                        range(&hold)
                    ));
                }
                Ok(())
            })
            .await
    })?;
    Ok(Exit::Success)
}

fn holds(arguments: &LedgerStatus) -> Result<Exit, Failure> {
    let config = for_data(&arguments.config)?.config;
    let mut holds: Vec<Hold> = Vec::new();
    let request = Request::Hold { hold: HoldRequest::List };
    block_on(async {
        Door::open(&config, false)
            .await?
            .ask(request, |reply| {
                if let Reply::Hold(hold) = reply {
                    holds.push(*hold);
                }
                Ok(())
            })
            .await
    })?;
    output::value(arguments.output.format, &holds, || {
        let row = |hold: &Hold| -> Vec<Cell> {
            vec![
                styled(hold.name.clone(), STRONG),
                range(hold).into(),
                short(hold.set).into(),
                hold.by.clone().into(),
                hold.reason.clone().into(),
            ]
        };
        let rows: Vec<_> = holds.iter().map(row).collect();
        table(&["name", "keeps", "since", "set by", "reason"], &rows)
    })?;
    if holds.is_empty() {
        output::note(format_args!("{FAINT}nothing is held{FAINT:#}"));
    }
    Ok(Exit::Success)
}

/// What a hold keeps, in words.
fn range(hold: &Hold) -> String {
    let mut parts = Vec::new();
    parts.extend(hold.principal.as_ref().map(|principal| format!("records of {principal}")));
    parts.extend(hold.first.map(|first| format!("from record {first}")));
    parts.extend(hold.last.map(|last| format!("up to record {last}")));
    parts.extend(hold.since.map(|since| format!("from {}", short(since))));
    parts.extend(hold.until.map(|until| format!("before {}", short(until))));
    if parts.is_empty() { "everything".to_owned() } else { parts.join(", ") }
}

pub(super) fn status(arguments: &LedgerStatus) -> Result<Exit, Failure> {
    let config = for_data(&arguments.config)?.config;
    let mut found = None;
    block_on(async {
        Door::open(&config, false)
            .await?
            .ask(Request::LedgerStatus, |reply| {
                if let Reply::LedgerStatus(standing) = reply {
                    found = Some(*standing);
                }
                Ok(())
            })
            .await
    })?;
    let standing = found.ok_or_else(|| Failure::new("the gate did not say how its ledger stands"))?;
    output::value(arguments.output.format, &standing, || told(&standing))?;
    Ok(Exit::Success)
}

fn told(standing: &LedgerStanding) -> String {
    let LedgerStanding { status, first, last, segments, bytes, sealed, holds, archive } = standing;
    let look = if status == "ready" { GOOD } else { WARN };
    let mut lines = vec![
        format!("state     {look}{status}{look:#}"),
        format!("records   {first} to {last}, of which {sealed} are under a checkpoint"),
        format!("segments  {segments}, {bytes} bytes"),
        format!("holds     {holds}"),
    ];
    match archive {
        None => lines.push("archive   none".to_owned()),
        Some(archive) => {
            lines.push(format!("archive   {}", archive.place));
            lines.push(match (archive.segment, archive.record) {
                (Some(segment), Some(record)) => {
                    format!("          has segment {segment} and those before, up to record {record}")
                }
                _ => "          has nothing yet".to_owned(),
            });
            if archive.waiting > 0 {
                lines.push(format!("          {} segments wait", archive.waiting));
            }
            if let Some(reason) = &archive.failing {
                lines.push(format!("          {WARN}fails{WARN:#}: {reason}"));
            }
        }
    }
    lines.join("\n")
}

fn short(at: Timestamp) -> String {
    let text = at.to_string();
    text.get(..19).unwrap_or(&text).replace('T', " ")
}

/// Records between two movements of the bar.
const STEP: u64 = 10_000;
