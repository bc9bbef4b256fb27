//! `gabion ledger export --tenant ID --to DIRECTORY`, `gabion ledger prove RECORD --tenant ID`: what one tenant is given of the
//! ledger, and nothing of the others.

use std::fs::{self, DirBuilder, File};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use gabion_ledger::tenants::line;
use gabion_ledger::tenants::proof::TenantLog;
use gabion_ledger::{Position, Reader, Sealed, TenantTag};
use gabion_tlog::evidence::Evidence;
use gabion_tlog::{Checkpoint, Hash};
use gabion_verifier::{CARRIED, Files, RECORDS, tag};

use super::proof::{files, sealed, unread};
use crate::arguments::ConfigFile;
use crate::commands::for_data;
use crate::failure::{Exit, Failure};
use crate::gate::record_key;
use crate::output::{self, GOOD};

/// Makes the directory.
pub(super) fn export(file: &ConfigFile, tenant: &str, to: &Path) -> Result<Exit, Failure> {
    let config = for_data(file)?.config;
    let given = Given::open(&config.data.directory, tag(tenant))?;
    let reader = record_key::opened(&config, given.reader.clone())?;
    let failed = |error: io::Error| Failure::new(format!("cannot write `{}`", to.display())).because(&error);
    DirBuilder::new().mode(0o700).create(to).map_err(|error| {
        let taken = error.kind() == io::ErrorKind::AlreadyExists;
        let failure = failed(error);
        if taken { failure.hint("name a directory that does not exist yet") } else { failure }
    })?;
    let mut records = BufWriter::new(File::create(to.join(RECORDS)).map_err(failed)?);
    let own = given.log.checkpoint();
    let (mut written, mut index) = (0_u64, None);
    for record in reader.of_tenant(own.tag).map_err(|error| unread(&error))? {
        let (position, disclosed) = record.map_err(|error| unread(&error))?;
        if position.0 > own.through {
            break;
        }
        // The first that is there says how many were removed by age.
        let at = match index {
            Some(at) => at,
            None => {
                let first = given.log.index(Hash::leaf(&disclosed.stored)).map_err(|error| unread(&error))?;
                first.ok_or_else(|| {
                    Failure::new("the tenant's log has not the records that the ledger has")
                        .hint("`gabion ledger verify` says more")
                })?
            }
        };
        let mut text = line::write(at, &disclosed).map_err(|error| unread(&error))?;
        text.push(b'\n');
        records.write_all(&text).map_err(failed)?;
        (written, index) = (written.saturating_add(1), Some(at.saturating_add(1)));
    }
    records.into_inner().map_err(|error| failed(error.into_error()))?.sync_all().map_err(failed)?;
    for tile in given.log.tiles() {
        let (tile, hashes) = tile.map_err(|error| unread(&error))?;
        let path = to.join(tile.to_string());
        path.parent().map_or(Ok(()), fs::create_dir_all).map_err(failed)?;
        fs::write(path, hashes).map_err(failed)?;
    }
    fs::write(to.join(CARRIED), given.carried.to_string()).map_err(failed)?;
    fs::write(to.join("checkpoint"), given.log.note().to_string()).map_err(failed)?;
    output::note(format_args!(
        "{GOOD}exported{GOOD:#} {written} records of tenant `{tenant}`; they verify with `gabion-verify --key KEY --tenant ID DIRECTORY`"
    ));
    Ok(Exit::Success)
}

/// Prints the proof of one record: in the tenant's log, and that the node's log carries that.
pub(super) fn prove(file: &ConfigFile, record: Position, tenant: &str) -> Result<Exit, Failure> {
    let config = for_data(file)?.config;
    let given = Given::open(&config.data.directory, tag(tenant))?;
    let reader = record_key::opened(&config, given.reader.clone())?;
    let disclosed = reader.disclose(record).map_err(|error| unread(&error))?;
    let own = disclosed.filter(|own| own.tenant().is_some_and(|(tag, _)| tag == given.log.checkpoint().tag));
    let Some(disclosed) = own else {
        return Err(Failure::new(format!("record {record} is not one of tenant `{tenant}`"))
            .hint("`gabion ledger search --tenant ID --format json` tells positions"));
    };
    let index = given.log.index(Hash::leaf(&disclosed.stored)).map_err(|error| unread(&error))?;
    let path = index.map(|index| given.log.inclusion(index)).transpose().map_err(|error| unread(&error))?;
    let (Some(index), Some(path)) = (index, path.flatten()) else {
        return Err(
            Failure::new(format!("record {record} waits for its tenant's next checkpoint")).hint(WAIT)
        );
    };
    let checkpoint = given.log.note().clone();
    let evidence = Evidence { extra: Some(disclosed.encode()), index, path, checkpoint };
    output::data(format!("{evidence}{}", given.carried).trim_end_matches('\n'))?;
    Ok(Exit::Success)
}

const WAIT: &str = "a tenant's log is sealed every `tenants_every`, and the ledger each second";

/// What a tenant is given.
struct Given {
    log: TenantLog,
    /// That the node's log carries its checkpoint.
    carried: Evidence,
    reader: Reader,
}

impl Given {
    fn open(data: &Path, tenant: TenantTag) -> Result<Self, Failure> {
        let files = files(data)?;
        // Before the node's: a gate that is running goes on.
        let node = Checkpoint::parse(&files.checkpoint()?.text).map_err(|error| unread(&error))?.origin;
        let log = TenantLog::open(&*files.tenants, tenant, &node).map_err(|error| unread(&error))?;
        let log = log.ok_or_else(|| {
            Failure::new("the tenant has no log in this ledger").hint(
                "records of the default tenant have none of their own; a new tenant's begins within `tenants_every`",
            )
        })?;
        let (sealed, reader) = sealed(data)?;
        let carrier = log.carrier(&sealed).map_err(|error| unread(&error))?;
        let carrier = carrier.ok_or_else(|| {
            Failure::new("the ledger's checkpoint does not have the tenant's yet").hint(WAIT)
        })?;
        let carried = carried(&files, &sealed, carrier)?;
        Ok(Self { log, carried, reader })
    }
}

/// With the checkpoint that witnesses cosigned, where that has the record, and with the last one where it has not.
fn carried(files: &Files, sealed: &Sealed, carrier: Position) -> Result<Evidence, Failure> {
    let cosigned = files.cosigned()?.and_then(|note| {
        let size = Checkpoint::parse(&note.text).ok()?.size;
        (size >= carrier.0 && size <= sealed.checkpoint().size).then_some((note, size))
    });
    let (checkpoint, size) = cosigned.unwrap_or_else(|| (sealed.note().clone(), sealed.checkpoint().size));
    let path = sealed.inclusion_in(carrier, size).map_err(|error| unread(&error))?;
    let path = path.ok_or_else(|| unread(&gabion_ledger::SealError::Tree))?;
    Ok(Evidence { extra: None, index: carrier.0.saturating_sub(1), path, checkpoint })
}
