//! Contracts from files, and the inventory of what was seen of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use gabion_checks::{ContractSettings, Contracts};
use gabion_model::{Problem, Timestamp};
use gabion_openapi::inventory::{Inventory, Report};
use gabion_openapi::learn::{Draft, Drafts};
use gabion_openapi::{Contract, Loaded};
use gabion_service::Interfaces;
use gabion_store::Directory;

use crate::config::Config;

/// The files of a contract: text by name relative to the folder of the first, whose name comes with them.
pub(crate) type Files = (BTreeMap<String, String>, String);

/// Where the inventory lies in the data directory.
pub(crate) const INVENTORY: &str = "contract-inventory.json";

/// Where the drafts that routes learn lie in the data directory.
pub(crate) const DRAFTS: &str = "contract-drafts.json";

/// A contract's file and all it refers to, those in its folder or below.
pub(crate) fn files(path: &Path) -> Result<Files, Vec<Problem>> {
    let unreadable = |path: &Path, error: &std::io::Error| {
        vec![Problem::new(path.display().to_string(), format!("cannot be read: {error}"))]
    };
    let root = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
    let mut files = BTreeMap::from([(root.clone(), text)]);
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut tried = BTreeSet::new();
    loop {
        let missing: Vec<String> =
            Contract::missing(&files)?.into_iter().filter(|name| tried.insert(name.clone())).collect();
        if missing.is_empty() || files.len() > MOST_FILES {
            return Ok((files, root));
        }
        for name in missing {
            // A file that is not there is told by whoever needs it, with the place of the reference.
            if let Ok(text) = std::fs::read_to_string(folder.join(&name)) {
                files.insert(name, text);
            }
        }
    }
}

/// A contract of the configuration. Its problems name file and line.
pub(crate) fn load(settings: &ContractSettings) -> Result<Loaded, Vec<Problem>> {
    let (files, root) = files(&settings.file)?;
    let options = gabion_openapi::Options { written: written(&settings.file), ..settings.options() };
    Contract::load(&files, &root, &options)
}

/// When a file was last written.
fn written(path: &Path) -> Option<Timestamp> {
    let moment = std::fs::metadata(path).and_then(|about| about.modified()).ok()?;
    let since = moment.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(Timestamp::from_secs(i64::try_from(since.as_secs()).ok()?))
}

/// All contracts of the configuration.
pub(crate) fn contracts(config: &Config, interfaces: &Interfaces) -> Result<Contracts, Vec<Problem>> {
    let (mut loaded, mut problems) = (BTreeMap::new(), Vec::new());
    for (name, settings) in &config.contracts {
        match load(settings) {
            Ok(one) => {
                let limit = usize::try_from(settings.answer_limit.bytes()).unwrap_or(usize::MAX);
                if !one.not_enforced.is_empty() {
                    let parts = one.not_enforced.len();
                    tracing::warn!(
                        contract = name,
                        parts,
                        "parts of a contract are not enforced; `gabion contract check` lists them"
                    );
                }
                loaded.insert(name.clone(), (Arc::new(one.contract), limit));
            }
            Err(found) => {
                problems.extend(found.into_iter().map(|problem| problem.under(&format!("contracts.{name}"))))
            }
        }
    }
    let names: Vec<&str> = config.contracts.keys().map(String::as_str).collect();
    interfaces.inventory.retain(&names);
    if problems.is_empty() {
        let Interfaces { inventory, drafts } = interfaces.clone();
        Ok(Contracts { loaded, inventory, drafts })
    } else {
        Err(problems)
    }
}

/// What an earlier start saw; begun anew where nothing of it can be read.
pub(crate) fn restore(directory: &Directory) -> Interfaces {
    Interfaces {
        inventory: Arc::new(restore_inventory(directory)),
        drafts: Arc::new(Drafts::restore(restore_drafts(directory))),
    }
}

fn restore_drafts(directory: &Directory) -> BTreeMap<String, Draft> {
    let kept = directory.read_file(DRAFTS).ok().flatten();
    let drafts = kept.and_then(|bytes| match serde_json::from_slice(&bytes) {
        Ok(drafts) => Some(drafts),
        Err(error) => {
            tracing::warn!(%error, "the drafts of contracts cannot be read and are begun anew");
            None
        }
    });
    drafts.unwrap_or_default()
}

fn restore_inventory(directory: &Directory) -> Inventory {
    let kept = directory.read_file(INVENTORY).ok().flatten();
    let report = kept.and_then(|bytes| match serde_json::from_slice::<Report>(&bytes) {
        Ok(report) => Some(report),
        Err(error) => {
            tracing::warn!(%error, "the inventory of contracts cannot be read and is begun anew");
            None
        }
    });
    Inventory::restore(report.unwrap_or_default())
}

/// Writes inventory and drafts where they have changed.
pub(crate) fn keep(directory: &Directory, interfaces: &Interfaces) {
    if let Some(drafts) = interfaces.drafts.changed()
        && let Ok(bytes) = serde_json::to_vec(&drafts)
        && let Err(error) = directory.write_file(DRAFTS, &bytes)
    {
        tracing::error!(%error, "the drafts of contracts were not written");
    }
    keep_inventory(directory, &interfaces.inventory);
}

fn keep_inventory(directory: &Directory, inventory: &Inventory) {
    let report = inventory.report();
    if report == Report::default() {
        return;
    }
    let Ok(bytes) = serde_json::to_vec(&report) else { return };
    let same = directory.read_file(INVENTORY).ok().flatten().is_some_and(|kept| kept == bytes);
    if !same && let Err(error) = directory.write_file(INVENTORY, &bytes) {
        tracing::error!(%error, "the inventory of contracts was not written");
    }
}

const MOST_FILES: usize = 256;
