//! `gabion incident evidence`.

use std::fs::OpenOptions;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use gabion_incident::evidence::{self, Disclosed, Pack, Revealed, Verified};
use gabion_ledger::Position;
use gabion_ledger::attached::{Attached, Opening};
use gabion_ledger::disclosure::Disclosure;
use gabion_model::random;
use gabion_tlog::VerifyingKey;
use gabion_tlog::trust::Trust;
use gabion_vault::SystemRng;
use gabion_vault::encoding::{base64_encode, hex_encode};
use rustix::fs::OFlags;

use super::{ask, ask_all, print, shape};
use crate::arguments::{EvidenceAdd, EvidenceExport, EvidenceVerify, IncidentEvidence};
use crate::control::incidents::IncidentRequest;
use crate::failure::{Exit, Failure};
use crate::output::{self, FAINT, GOOD, STRONG};

pub(super) fn run(verb: IncidentEvidence) -> Result<Exit, Failure> {
    match verb {
        IncidentEvidence::Collect(asked) => {
            let shape = shape(asked.way.output.format);
            print(&asked.way.config, IncidentRequest::Collect { id: asked.target.id, shape })
        }
        IncidentEvidence::Add(asked) => add(asked),
        IncidentEvidence::Export(asked) => export(&asked),
        IncidentEvidence::Verify(asked) => verify(&asked),
    }
}

fn add(asked: EvidenceAdd) -> Result<Exit, Failure> {
    let content = read(&asked.file, evidence::LONGEST)?;
    if content.is_empty() {
        return Err(Failure::new(format!("`{}` is empty", asked.file.display())));
    }
    let upload = hex_encode(&random::bytes::<16>(&SystemRng::new()));
    let part = |part: &[u8]| IncidentRequest::Part { upload: upload.clone(), content: base64_encode(part) };
    let mut requests: Vec<_> = content.chunks(PART).map(part).collect();
    let name = asked.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let source = asked.source.unwrap_or_else(|| asked.file.display().to_string());
    let shape = shape(asked.way.output.format);
    requests.push(IncidentRequest::Keep { id: asked.target.id, name, source, upload, shape });
    output::data(ask_all(&asked.way.config, requests)?.trim_end_matches('\n'))?;
    Ok(Exit::Success)
}

fn export(asked: &EvidenceExport) -> Result<Exit, Failure> {
    let path = &asked.file;
    let unwritten =
        |error: std::io::Error| Failure::new(format!("cannot write `{}`", path.display())).because(&error);
    // Before anything is on record; what is there already is evidence, perhaps.
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(unwritten)?;
    let request = IncidentRequest::Export { id: asked.target.id, purpose: asked.purpose.clone() };
    let pack = ask(&asked.config, request).inspect_err(|_| {
        let _ = std::fs::remove_file(path);
    })?;
    file.write_all(pack.as_bytes()).and_then(|()| file.sync_all()).map_err(unwritten)?;
    output::note(format_args!(
        "{GOOD}written{GOOD:#} {STRONG}{}{STRONG:#}\n{FAINT}whoever has the ledger's public key verifies it: gabion incident evidence verify {0} --key KEY{FAINT:#}",
        path.display()
    ));
    Ok(Exit::Success)
}

fn verify(asked: &EvidenceVerify) -> Result<Exit, Failure> {
    let key = VerifyingKey::parse(asked.key.trim()).map_err(|error| {
        Failure::usage(format!("`--key`: {error}"))
            .hint("a key is `<name>+<id>+<base64>`, as `gabion ledger key` prints it")
    })?;
    let bytes = read(&asked.file, evidence::LONGEST_PACK)?;
    let verified = Pack::parse(&bytes).and_then(|pack| pack.verify(&Trust::in_log(key), &opened, &revealed));
    let verified = verified.map_err(|error| {
        Failure::new(format!("`{}` is not what was kept", asked.file.display())).because(&error)
    })?;
    output::value(asked.output.format, &verified, || told(&verified))?;
    Ok(Exit::Success)
}

/// A record as the ledger discloses it.
fn opened(record: u64, disclosed: &[u8]) -> Option<Disclosed> {
    let disclosure = Disclosure::parse(disclosed).ok()?;
    let json = disclosure.open(Position(record)).ok()?;
    Some(Disclosed { stored: disclosure.stored, json })
}

/// A sealed text of a step: what was committed to, or what stands for it.
pub(in crate::commands) fn revealed(sealed: &serde_json::Value, opened: Option<&str>) -> Option<Revealed> {
    let attached: Attached = serde_json::from_value(sealed.clone()).ok()?;
    let Some(opened) = opened else {
        return Some(Revealed::Erased(attached.stand_in(gabion_ledger::personal::ERASED)));
    };
    let opening = Opening::parse(opened).filter(|opening| opening.opens(&attached))?;
    String::from_utf8(opening.text).ok().map(Revealed::Text)
}

fn told(verified: &Verified) -> String {
    let mut text = format!(
        "{GOOD}verified{GOOD:#}  INC-{} {STRONG}{}{STRONG:#}\n{} steps, {} pieces of evidence and {} records are what `{}` signed\n",
        verified.incident,
        verified.title,
        verified.steps,
        verified.evidence.len(),
        verified.records,
        verified.origin,
    );
    for piece in &verified.erased {
        text.push_str(&format!("  {FAINT}evidence {piece} was erased with an account it named{FAINT:#}\n"));
    }
    for held in &verified.custody {
        let from = held.from.as_ref().map(|from| format!(" from {from}")).unwrap_or_default();
        text.push_str(&format!("  {FAINT}{}{FAINT:#} {}{from}  {}\n", held.at, held.by, held.text));
    }
    text
}

/// A file of at most so many bytes. Neither a link, which may lead anywhere, nor a pipe, which may never end.
pub(super) fn read(path: &Path, most: usize) -> Result<Vec<u8>, Failure> {
    let unread =
        |error: std::io::Error| Failure::new(format!("cannot read `{}`", path.display())).because(&error);
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).unwrap_or(0);
    let opened = OpenOptions::new().read(true).custom_flags(flags).open(path);
    let file = opened.map_err(|error| {
        let failure = unread(error);
        if path.is_symlink() { failure.hint("it is a symbolic link: name the file itself") } else { failure }
    })?;
    if !file.metadata().map_err(unread)?.is_file() {
        return Err(Failure::new(format!("`{}` is no file", path.display())));
    }
    let mut bytes = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    file.take(limit).read_to_end(&mut bytes).map_err(unread)?;
    if bytes.len() > most {
        return Err(Failure::new(format!("`{}` has more than {most} bytes", path.display())));
    }
    Ok(bytes)
}

/// Bytes of one frame; in base64 fewer than it may have.
const PART: usize = 128 << 10;
