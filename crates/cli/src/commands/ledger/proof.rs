//! `gabion ledger checkpoint`, `gabion ledger key`, `gabion ledger prove`, `gabion ledger verify`: what an auditor is given, and what they do with it.
//!
//! They read files and take no lock, so that they work beside a running gate and on a copy. The verdicts are those of the
//! crate `verifier`, which an auditor can build alone.

use std::path::Path;
use std::sync::Arc;

use gabion_ledger::{Position, Reader, SealError, Sealed};
use gabion_store::Directory;
use gabion_tlog::evidence::Evidence;
use gabion_tlog::trust::Trust;
use gabion_tlog::witness::AddCheckpoint;
use gabion_verifier::{Files, Refusal, export, log_key, read, single, tag, trust, whole};

use super::tenant;
use crate::arguments::{ConfigFile, LedgerCheckpoint, LedgerProve, LedgerVerify};
use crate::commands::for_data;
use crate::failure::{Exit, Failure};
use crate::gate::record_key;
use crate::gate::state::LEDGER_PUBLIC_KEY;
use crate::output::progress::Progress;
use crate::output::{self, GOOD};

/// Prints the key by which the ledger's checkpoints are verified.
pub(super) fn key(file: &ConfigFile) -> Result<Exit, Failure> {
    output::data(own_key(&for_data(file)?.config.data.directory)?)?;
    Ok(Exit::Success)
}

/// Prints the proof that one record is in the ledger.
pub(super) fn prove(arguments: &LedgerProve) -> Result<Exit, Failure> {
    if let Some(tenant) = &arguments.tenant {
        return tenant::prove(&arguments.config, Position(arguments.record), tenant);
    }
    let config = for_data(&arguments.config)?.config;
    let (sealed, reader) = sealed(&config.data.directory)?;
    let reader = record_key::opened(&config, reader)?;
    let wanted = Position(arguments.record);
    let path = sealed.inclusion(wanted).map_err(|error| unread(&error))?;
    let disclosed = reader.disclose(wanted).map_err(|error| unread(&error))?;
    let (Some(path), Some(disclosed)) = (path, disclosed) else {
        let size = sealed.checkpoint().size;
        return Err(Failure::new(format!("record {wanted} is not there")).hint(format!(
            "{size} records are sealed; `gabion ledger search --format json` tells positions"
        )));
    };
    let index = arguments.record.saturating_sub(1);
    let evidence =
        Evidence { extra: Some(disclosed.encode()), index, path, checkpoint: sealed.note().clone() };
    output::data(evidence.to_string().trim_end_matches('\n'))?;
    Ok(Exit::Success)
}

/// Prints what a witness is sent: the last checkpoint, and that it is a continuation of the one it knows.
pub(super) fn checkpoint(arguments: &LedgerCheckpoint) -> Result<Exit, Failure> {
    let (sealed, _) = sealed(&for_data(&arguments.config)?.config.data.directory)?;
    let proof = sealed.consistency(arguments.old).map_err(|error| unread(&error))?.ok_or_else(|| {
        let size = sealed.checkpoint().size;
        Failure::usage(format!("`--old {}`: the last checkpoint has {size} records", arguments.old))
            .hint("a witness that knows a larger one knows another ledger, or a newer copy of this one")
    })?;
    let request = AddCheckpoint { old: arguments.old, proof, checkpoint: sealed.note().clone() };
    output::data(request.to_string().trim_end_matches('\n'))?;
    Ok(Exit::Success)
}

/// Checks the whole ledger, or one record's proof.
pub(super) fn check(arguments: &LedgerVerify) -> Result<Exit, Failure> {
    match (&arguments.proof, &arguments.export) {
        (Some(file), _) => check_proof(arguments, file),
        (None, Some(directory)) => check_export(arguments, directory),
        (None, None) => check_ledger(arguments),
    }
}

fn check_ledger(arguments: &LedgerVerify) -> Result<Exit, Failure> {
    let config = for_data(&arguments.config)?.config;
    let mut trust = believed(arguments, Some(&config.data.directory))?;
    let files = files(&config.data.directory)?;
    if arguments.witness.is_empty() && arguments.checkpoint.is_none() && !config.ledger.witnesses.is_empty() {
        if files.cosigned()?.is_some() {
            let keys = config.ledger.witnesses.iter().map(|witness| witness.verifying_key());
            trust.witnesses = keys.collect::<Result<_, _>>().map_err(Failure::usage)?;
            trust.quorum = config.ledger.quorum();
        } else {
            output::note("no checkpoint was cosigned yet by enough of the witnesses of `[ledger]`");
        }
    }
    let progress = Progress::of(1);
    progress.say("reading records");
    let mut told = 0;
    let verdict =
        whole(&files, &trust, arguments.checkpoint.as_deref(), &arguments.after, |position, last| {
            if position.saturating_sub(told) >= STEP {
                progress.set(position, last);
                told = position;
            }
        });
    progress.finish();
    let verdict = verdict?;
    let (json, text) = match &arguments.tenant {
        Some(tenant) => verdict.told_of(tag(tenant))?,
        None => (verdict.json(), verdict.to_string()),
    };
    output::value(arguments.output.format, &json, || format!("{GOOD}verified{GOOD:#}  {text}"))?;
    Ok(Exit::Success)
}

fn check_export(arguments: &LedgerVerify, directory: &Path) -> Result<Exit, Failure> {
    let data = arguments.key.is_none().then(|| for_data(&arguments.config)).transpose()?;
    let data = data.map(|loaded| loaded.config.data.directory);
    let trust = believed(arguments, data.as_deref())?;
    let verdict = export(directory, &trust, arguments.tenant.as_deref(), &arguments.after)?;
    output::value(arguments.output.format, &verdict.json(), || format!("{GOOD}verified{GOOD:#}  {verdict}"))?;
    Ok(Exit::Success)
}

fn check_proof(arguments: &LedgerVerify, file: &Path) -> Result<Exit, Failure> {
    let directory = arguments.key.is_none().then(|| for_data(&arguments.config)).transpose()?;
    let directory = directory.map(|loaded| loaded.config.data.directory);
    let verdict = single(file, &believed(arguments, directory.as_deref())?)?;
    if let Some(tenant) = &arguments.tenant {
        verdict.must_be_of(tag(tenant))?;
    }
    output::value(arguments.output.format, &verdict.json(), || format!("{GOOD}verified{GOOD:#}  {verdict}"))?;
    Ok(Exit::Success)
}

/// The files of a gate's ledger, for reading.
pub(super) fn files(data: &Path) -> Result<Files, Failure> {
    let directory = data.join(Directory::LEDGER);
    if !directory.is_dir() {
        return Err(Failure::new(format!("there is no ledger at `{}`", directory.display()))
            .hint("`--data DIR` names the directory that has the folder `ledger`"));
    }
    Ok(Files::open(&directory)?)
}

/// The tree of the last checkpoint, and records that reach that far.
pub(super) fn sealed(data: &Path) -> Result<(Sealed, Reader), Failure> {
    let files = files(data)?;
    let mut attempts = 0;
    loop {
        let reader = files.reader()?;
        match Sealed::open(Arc::clone(&files.tree), &reader) {
            Ok(Some(sealed)) => return Ok((sealed, reader)),
            Ok(None) => {
                let none = Failure::new("the ledger has no checkpoint yet");
                return Err(none.hint("a gate writes one each second"));
            }
            // The gate signed between the two looks.
            Err(SealError::RolledBack { .. }) if attempts < ATTEMPTS => attempts += 1,
            Err(error) => return Err(unread(&error)),
        }
    }
}

/// Whom the command line says to believe; the directory's own key where it says nothing.
fn believed(arguments: &LedgerVerify, data: Option<&Path>) -> Result<Trust, Failure> {
    let log = match (&arguments.key, data) {
        (Some(key), _) => log_key(key)?,
        (None, Some(data)) => {
            output::note(
                "the key is the directory's own; with `--key`, one you kept elsewhere is believed instead",
            );
            log_key(&own_key(data)?)?
        }
        (None, None) => return Err(Failure::usage("`--key` is missing")),
    };
    Ok(trust(log, &arguments.witness, arguments.quorum)?)
}

pub(super) fn own_key(data: &Path) -> Result<String, Failure> {
    let path = data.join(LEDGER_PUBLIC_KEY);
    let bytes = read(&path, 1024).map_err(|refusal| refusal.hint("a gate writes it when it starts"))?;
    String::from_utf8(bytes)
        .map(|text| text.trim().to_owned())
        .map_err(|_| Failure::new(format!("`{}` is not text", path.display())))
}

pub(super) fn unread(error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::new("the ledger cannot be read").because(error)
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let Refusal { usage, message, causes, hint } = refusal;
        let failure = if usage { Self::usage(message) } else { Self::new(message) };
        let failure = causes.into_iter().fold(failure, Self::because_text);
        hint.into_iter().fold(failure, Self::hint)
    }
}

/// Records between two movements of the bar.
const STEP: u64 = 10_000;
/// How often a gate that signs meanwhile is looked at again.
const ATTEMPTS: u32 = 5;
