//! `gabion ledger checkpoint`, `gabion ledger key`, `gabion ledger prove`, `gabion ledger verify`: what an auditor is given, and what they do with it.
//!
//! They read files and take no lock, so that they work beside a running gate and on a copy.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use gabion_ledger::verify::{Unproven, verify};
use gabion_ledger::{Position, Reader, Sealed, SegmentSource, TreeStorage};
use gabion_store::{Directory, SegmentFiles, TreeFiles};
use gabion_tlog::evidence::Evidence;
use gabion_tlog::trust::Trust;
use gabion_tlog::witness::AddCheckpoint;
use gabion_tlog::{Note, VerifyingKey};
use serde_json::{Value, json};

use crate::arguments::{ConfigFile, LedgerCheckpoint, LedgerProve, LedgerVerify};
use crate::commands::for_data;
use crate::failure::{Exit, Failure};
use crate::gate::state::LEDGER_PUBLIC_KEY;
use crate::output::progress::Progress;
use crate::output::{self, GOOD, STRONG};

/// Prints the key by which the ledger's checkpoints are verified.
pub(super) fn key(file: &ConfigFile) -> Result<Exit, Failure> {
    output::data(own_key(&for_data(file)?.config.data.directory)?)?;
    Ok(Exit::Success)
}

/// Prints the proof that one record is in the ledger.
pub(super) fn prove(arguments: &LedgerProve) -> Result<Exit, Failure> {
    let files = Files::open(&for_data(&arguments.config)?.config.data.directory)?;
    let wanted = Position(arguments.record);
    let sealed = files.sealed()?;
    let path = sealed.inclusion(wanted).map_err(|error| unread(&error))?;
    let payload = files.reader.payload(wanted).map_err(|error| unread(&error))?;
    let (Some(path), Some(payload)) = (path, payload) else {
        let size = sealed.checkpoint().size;
        return Err(Failure::new(format!("record {wanted} is not there")).hint(format!(
            "{size} records are sealed; `gabion ledger search --format json` tells positions"
        )));
    };
    let index = arguments.record.saturating_sub(1);
    let evidence = Evidence { extra: Some(payload), index, path, checkpoint: sealed.note().clone() };
    output::data(evidence.to_string().trim_end_matches('\n'))?;
    Ok(Exit::Success)
}

/// Prints what a witness is sent: the last checkpoint, and that it is a continuation of the one it knows.
pub(super) fn checkpoint(arguments: &LedgerCheckpoint) -> Result<Exit, Failure> {
    let files = Files::open(&for_data(&arguments.config)?.config.data.directory)?;
    let sealed = files.sealed()?;
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
    match &arguments.proof {
        Some(file) => check_proof(arguments, file),
        None => check_ledger(arguments),
    }
}

fn check_ledger(arguments: &LedgerVerify) -> Result<Exit, Failure> {
    let directory = for_data(&arguments.config)?.config.data.directory;
    let trust = trust(arguments, Some(&directory))?;
    let files = Files::open(&directory)?;
    let note = match &arguments.checkpoint {
        Some(path) => read_note(path)?,
        None => {
            let bytes = files.tree.checkpoint().map_err(|error| unread(&error))?;
            let bytes = bytes.ok_or_else(|| {
                Failure::new("the ledger has no checkpoint, so nothing vouches for it")
                    .hint("a gate writes one each second; was the directory `ledger/tree` copied, too?")
            })?;
            Note::parse(&bytes).map_err(|error| unread(&error))?
        }
    };
    let former = arguments.after.iter().map(|path| read_note(path)).collect::<Result<Vec<_>, _>>()?;
    let last = files.reader.last().map_or(0, |last| last.0);
    let progress = Progress::of(usize::try_from(last).unwrap_or(usize::MAX));
    progress.say("reading records");
    let mut told = 0;
    let verified = verify(&files.reader, Some(&files.tree), &trust, &note, &former, |position| {
        if position.saturating_sub(told) >= STEP {
            progress.set(position);
            told = position;
        }
    });
    progress.finish();
    let verified = verified.map_err(|error| refuted(&error))?;
    let value = json!({
        "records": verified.size,
        "first": verified.first,
        "root": verified.root.to_string(),
        "behind": verified.behind,
        "origin": trust.log.name(),
    });
    output::value(arguments.output.format, &value, || {
        let mut text = format!(
            "{GOOD}verified{GOOD:#}  {STRONG}{}{STRONG:#} records are what `{}` signed, unchanged and in their order\n\
             root      {}\n",
            verified.size,
            trust.log.name(),
            verified.root,
        );
        if verified.first > Position(1) {
            text.push_str(&format!(
                "          records before {} were removed by age; their hashes are in the tree\n",
                verified.first
            ));
        }
        if verified.behind > 0 {
            text.push_str(&format!("          {} newer ones wait for their checkpoint\n", verified.behind));
        }
        text
    })?;
    Ok(Exit::Success)
}

fn check_proof(arguments: &LedgerVerify, file: &Path) -> Result<Exit, Failure> {
    let directory = arguments.key.is_none().then(|| for_data(&arguments.config)).transpose()?;
    let directory = directory.map(|loaded| loaded.config.data.directory);
    let trust = trust(arguments, directory.as_deref())?;
    let refused = |reason: &dyn std::error::Error| {
        Failure::new(format!("`{}` proves nothing", file.display())).because_text(reason.to_string())
    };
    let bytes = read(file, Evidence::LONGEST)?;
    let evidence = Evidence::parse(&bytes).map_err(|error| refused(&error))?;
    let checkpoint = trust.open(&evidence.checkpoint).map_err(|error| refused(&error))?;
    let Some(entry) = &evidence.extra else {
        return Err(Failure::new(format!("`{}` does not hold the record", file.display()))
            .hint("`gabion ledger prove` writes it into the line `extra`"));
    };
    evidence.check(entry, &checkpoint).map_err(|error| refused(&error))?;
    let record = evidence.index.saturating_add(1);
    let event: Value = serde_json::from_slice(entry).map_err(|error| refused(&error))?;
    let value =
        json!({ "record": record, "origin": checkpoint.origin, "records": checkpoint.size, "event": event });
    output::value(arguments.output.format, &value, || {
        let event = serde_json::to_string_pretty(&event).unwrap_or_default();
        format!(
            "{GOOD}verified{GOOD:#}  record {STRONG}{record}{STRONG:#} of the {} that `{}` signed\n{event}\n",
            checkpoint.size, checkpoint.origin
        )
    })?;
    Ok(Exit::Success)
}

/// The files of a ledger, for reading.
struct Files {
    reader: Reader,
    tree: Arc<dyn TreeStorage>,
}

impl Files {
    fn open(data: &Path) -> Result<Self, Failure> {
        let directory = data.join(Directory::LEDGER);
        if !directory.is_dir() {
            return Err(Failure::new(format!("there is no ledger at `{}`", directory.display()))
                .hint("`--data DIR` names the directory that has the folder `ledger`"));
        }
        let segments = SegmentFiles::open(&directory).map_err(|error| unread(&error))?;
        let reader =
            Reader::open(Arc::new(segments) as Arc<dyn SegmentSource>).map_err(|error| unread(&error))?;
        let tree = Arc::new(TreeFiles::open(&directory.join(Directory::TREE)));
        Ok(Self { reader, tree })
    }

    fn sealed(&self) -> Result<Sealed, Failure> {
        let sealed = Sealed::open(Arc::clone(&self.tree), &self.reader).map_err(|error| unread(&error))?;
        sealed.ok_or_else(|| {
            Failure::new("the ledger has no checkpoint yet").hint("a gate writes one each second")
        })
    }
}

/// Whom the command line says to believe; the directory's own key where it says nothing.
fn trust(arguments: &LedgerVerify, data: Option<&Path>) -> Result<Trust, Failure> {
    let parse = |flag: &str, text: &str| {
        VerifyingKey::parse(text.trim()).map_err(|error| {
            Failure::usage(format!("`{flag}`: {error}"))
                .hint("a key is `<name>+<id>+<base64>`, as `gabion ledger key` prints it")
        })
    };
    let log = match (&arguments.key, data) {
        (Some(key), _) => parse("--key", key)?,
        (None, Some(data)) => {
            output::note(
                "the key is the directory's own; with `--key`, one you kept elsewhere is believed instead",
            );
            parse("ledger.pub", &own_key(data)?)?
        }
        (None, None) => return Err(Failure::usage("`--key` is missing")),
    };
    let witnesses: Vec<_> =
        arguments.witness.iter().map(|key| parse("--witness", key)).collect::<Result<_, _>>()?;
    let quorum = arguments.quorum.unwrap_or(witnesses.len());
    Ok(Trust { log, witnesses, quorum })
}

fn own_key(data: &Path) -> Result<String, Failure> {
    let path = data.join(LEDGER_PUBLIC_KEY);
    let bytes = read(&path, 1024).map_err(|failure| failure.hint("a gate writes it when it starts"))?;
    String::from_utf8(bytes)
        .map(|text| text.trim().to_owned())
        .map_err(|_| Failure::new(format!("`{}` is not text", path.display())))
}

fn read_note(path: &Path) -> Result<Note, Failure> {
    let bytes = read(path, gabion_tlog::note::LONGEST)?;
    Note::parse(&bytes)
        .map_err(|error| Failure::new(format!("`{}` is no checkpoint", path.display())).because(&error))
}

/// A file of at most so many bytes.
fn read(path: &Path, most: usize) -> Result<Vec<u8>, Failure> {
    use std::io::Read as _;
    let unread = |error: std::io::Error| {
        Failure::new(format!("cannot read `{}`", PathBuf::from(path).display())).because(&error)
    };
    let mut bytes = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    std::fs::File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes)).map_err(unread)?;
    if bytes.len() > most {
        return Err(Failure::new(format!("`{}` has more than {most} bytes", path.display())));
    }
    Ok(bytes)
}

fn unread(error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::new("the ledger cannot be read").because(error)
}

fn refuted(error: &Unproven) -> Failure {
    let hint = match error {
        Unproven::Checkpoint(_) => "is it the right key? `gabion ledger key` prints the gate's own",
        _ => "keep the files as they are: they are evidence",
    };
    Failure::new("the ledger is not what was signed").because(error).hint(hint)
}

/// Records between two movements of the bar.
const STEP: u64 = 10_000;
