//! What can be asked, and the verdict.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gabion_ledger::tenants::audit::{Audit, TenantFault, TenantVerified};
use gabion_ledger::verify::{Unproven, Verified, verify_with};
use gabion_ledger::{Disclosure, Position, TenantTag};
use gabion_tlog::evidence::Evidence;
use gabion_tlog::trust::Trust;
use gabion_tlog::{Note, VerifyingKey, note};
use serde_json::{Value, json};

use crate::tenant::{self, OfTenant};
use crate::{Files, Refusal, read};

/// A ledger is what its log signed: every record unchanged and in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whole {
    /// The log's name.
    pub origin: String,
    pub verified: Verified,
    /// Every tenant's own log.
    pub tenants: Vec<TenantVerified>,
    /// The tenants' own files are here.
    pub tenants_files: bool,
    /// The checkpoint with witnesses' lines that the gate keeps: its records, and how many of the witnesses that were asked for
    /// cosigned it. None when there is no such checkpoint, or another one was to be checked.
    pub cosigned: Option<(u64, usize)>,
}

/// One record is in a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Single {
    pub origin: String,
    pub record: Position,
    /// Records of the ledger the proof is about.
    pub size: u64,
    pub event: Value,
    /// Where it is in its tenant's log, where the proof is of that.
    pub tenant: Option<OfTenant>,
}

/// A key from its text; `flag` is what it was given as.
pub(crate) fn key(flag: &str, text: &str) -> Result<VerifyingKey, Refusal> {
    VerifyingKey::parse(text.trim()).map_err(|error| {
        Refusal::usage(format!("`{flag}`: {error}"))
            .hint("a key is `<name>+<id>+<base64>`, as `gabion ledger key` prints it")
    })
}

/// The key of a log, given as `--key`.
pub fn log_key(text: &str) -> Result<VerifyingKey, Refusal> {
    key("--key", text)
}

/// Whom to believe: a log and, of these witnesses, so many; all of them where nothing is said.
pub fn trust(log: VerifyingKey, witnesses: &[String], quorum: Option<usize>) -> Result<Trust, Refusal> {
    let witnesses: Vec<_> = witnesses.iter().map(|text| key("--witness", text)).collect::<Result<_, _>>()?;
    let quorum = quorum.unwrap_or(witnesses.len());
    if quorum > witnesses.len() {
        return Err(Refusal::usage(format!("`--quorum {quorum}`: there are {} witnesses", witnesses.len()))
            .hint("each is named with `--witness KEY`"));
    }
    Ok(Trust { log, witnesses, quorum })
}

/// The checkpoint in a file.
pub fn note(path: &Path) -> Result<Note, Refusal> {
    let bytes = read(path, note::LONGEST)?;
    Note::parse(&bytes)
        .map_err(|error| Refusal::new(format!("`{}` is no checkpoint", path.display())).because(&error))
}

/// Reads the whole ledger and compares it with a checkpoint, its own last one where none is given, and with former ones,
/// which it must be a continuation of. Where no checkpoint is given, one of the former is the last that witnesses cosigned,
/// as the gate keeps it beside its tree: it is the one that must have the witnesses' word, and what came after it has the
/// log's. `progress` is told the number of each record read, and of the last there is.
pub fn whole(
    files: &Files,
    trust: &Trust,
    checkpoint: Option<&Path>,
    after: &[PathBuf],
    mut progress: impl FnMut(u64, u64),
) -> Result<Whole, Refusal> {
    // First: the gate goes on, and what its tenants' checkpoints speak of is among what is read afterwards.
    let audit = Audit::begin(Arc::clone(&files.tenants), &trust.log);
    let mut audit = audit.map_err(|error| refuted(&error.into()))?;
    let mut former = after.iter().map(|path| note(path)).collect::<Result<Vec<_>, _>>()?;
    let (mut trust, mut cosigned) = (trust.clone(), None);
    let own = match checkpoint {
        Some(path) => note(path)?,
        None => {
            // In this order: the gate goes on, and its last checkpoint is never older than the cosigned one.
            let kept = files.cosigned()?;
            let own = files.checkpoint()?;
            if let Some(kept) = kept {
                let believed = trust.open(&kept).map_err(|error| refuted(&error.into()))?;
                cosigned = Some((believed.size, trust.cosigners(&kept)));
                former.push(kept);
                // The witnesses' word is there; what came since is the log's alone.
                (trust.witnesses, trust.quorum) = (Vec::new(), 0);
            }
            own
        }
    };
    let trust = &trust;
    let reader = files.reader()?;
    let last = reader.last().map_or(0, |last| last.0);
    let progress = |position| progress(position, last);
    let verified = verify_with(&reader, Some(&files.tree), trust, &own, &former, Some(&mut audit), progress)
        .map_err(|error| refuted(&error))?;
    let tenants_files = !audit.is_without_files();
    let tenants = audit.finish().map_err(|error| refuted(&error.into()))?;
    Ok(Whole { origin: trust.log.name().to_owned(), verified, tenants, tenants_files, cosigned })
}

/// Checks the proof of one record, as `gabion ledger prove` writes it.
pub fn single(path: &Path, trust: &Trust) -> Result<Single, Refusal> {
    let refused = || Refusal::new(format!("`{}` proves nothing", path.display()));
    let bytes = read(path, Evidence::LONGEST * 2)?;
    if let Some((record, carried)) = tenant::parts(&bytes) {
        return tenant::single(record, carried, trust).map_err(|error| refused().because(&*error));
    }
    let evidence = Evidence::parse(&bytes).map_err(|error| refused().because(&error))?;
    let checkpoint = trust.open(&evidence.checkpoint).map_err(|error| refused().because(&error))?;
    let Some(extra) = &evidence.extra else {
        return Err(Refusal::new(format!("`{}` does not hold the record", path.display()))
            .hint("`gabion ledger prove` writes it into the line `extra`"));
    };
    let disclosed = Disclosure::parse(extra).map_err(|error| refused().because(&error))?;
    evidence.check(&disclosed.stored, &checkpoint).map_err(|error| refused().because(&error))?;
    let record = Position(evidence.index).next();
    let json = disclosed.open(record).map_err(|error| refused().because(&error))?;
    let event: Value = serde_json::from_slice(&json).map_err(|error| refused().because(&error))?;
    Ok(Single { origin: checkpoint.origin, record, size: checkpoint.size, event, tenant: None })
}

impl Whole {
    /// One tenant's own log.
    ///
    /// # Errors
    /// When it has none.
    pub fn of(&self, tenant: TenantTag) -> Result<&TenantVerified, Refusal> {
        self.tenants.iter().find(|own| own.tenant == tenant).ok_or_else(|| {
            Refusal::new("the tenant has no records in this ledger").hint("is it the right id? case matters")
        })
    }

    /// The verdict, and what it says of one tenant's own log.
    ///
    /// # Errors
    /// When the tenant has none.
    pub fn told_of(&self, tenant: TenantTag) -> Result<(Value, String), Refusal> {
        let own = self.of(tenant)?;
        let mut told = format!("{self}");
        told.push_str(&format!(
            "tenant    {} of them are the tenant's, all there are among the first {}, root {}\n",
            own.size, own.through, own.root
        ));
        if own.behind > 0 {
            told.push_str(&format!("          {} newer ones wait for its next checkpoint\n", own.behind));
        }
        Ok((tenant_json(own), told))
    }

    #[must_use]
    pub fn json(&self) -> Value {
        let tenants = self.tenants.iter().map(tenant_json);
        json!({
            "tenants": tenants.collect::<Vec<_>>(),
            "tenants_files": self.tenants_files,
            "records": self.verified.size,
            "first": self.verified.first,
            "root": self.verified.root.to_string(),
            "behind": self.verified.behind,
            "origin": self.origin,
            "cosigned": self.cosigned.map(|(size, _)| size),
            "witnesses": self.cosigned.map(|(_, witnesses)| witnesses),
        })
    }
}

fn tenant_json(own: &TenantVerified) -> Value {
    json!({
        "tenant": own.tenant.to_string(),
        "records": own.size,
        "root": own.root.to_string(),
        "through": own.through,
        "behind": own.behind,
    })
}

impl fmt::Display for Whole {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, verified, cosigned, .. } = self;
        let (size, root, first) = (verified.size, verified.root, verified.first);
        writeln!(formatter, "{size} records are what `{origin}` signed, unchanged and in their order")?;
        writeln!(formatter, "root      {root}")?;
        if first > Position(1) {
            let told = "were removed by age; their hashes are in the tree";
            writeln!(formatter, "          records before {first} {told}")?;
        }
        match cosigned {
            Some((size, 0)) => {
                writeln!(
                    formatter,
                    "          a checkpoint of {size} is kept with witnesses' lines; none of them was asked for"
                )?;
            }
            Some((size, witnesses)) => {
                writeln!(
                    formatter,
                    "          the first {size} are cosigned, by {witnesses} of the witnesses asked for"
                )?;
            }
            None => {}
        }
        match self.tenants.as_slice() {
            [] => {}
            [one] => writeln!(
                formatter,
                "          1 tenant has a log of its own: its {} records, all of them, in their order",
                one.size
            )?,
            many => {
                let records = many.iter().map(|own| own.size).fold(0, u64::saturating_add);
                writeln!(
                    formatter,
                    "          {} tenants have logs of their own: their {records} records, each its own, all of them",
                    many.len()
                )?;
            }
        }
        if !self.tenants_files && !self.tenants.is_empty() {
            writeln!(formatter, "          (their own files are not here: by what records carry of them)")?;
        }
        if verified.behind > 0 {
            writeln!(formatter, "          {} newer ones wait for their checkpoint", verified.behind)?;
        }
        Ok(())
    }
}

impl Single {
    /// # Errors
    /// When the proof is not of this tenant's log.
    pub fn must_be_of(&self, tenant: TenantTag) -> Result<(), Refusal> {
        match &self.tenant {
            Some(own) if own.tenant == tenant => Ok(()),
            Some(_) => Err(Refusal::new("the record is another tenant's")),
            None => Err(Refusal::new("the proof is of the node's log, not of a tenant's")
                .hint("`gabion ledger prove RECORD --tenant ID` makes one")),
        }
    }

    #[must_use]
    pub fn json(&self) -> Value {
        let mut json = json!({ "record": self.record, "origin": self.origin, "records": self.size, "event": self.event });
        if let (Some(own), Some(members)) = (&self.tenant, json.as_object_mut()) {
            members.insert("tenant".to_owned(), own.json());
        }
        json
    }
}

impl fmt::Display for Single {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, record, size, event, tenant } = self;
        writeln!(formatter, "record {record} of the {size} that `{origin}` signed")?;
        if let Some(own) = tenant {
            writeln!(formatter, "          {own}")?;
        }
        writeln!(formatter, "{event:#}")
    }
}

/// What was there could not be read.
pub(crate) fn unread(error: &(dyn std::error::Error + 'static)) -> Refusal {
    Refusal::new("the ledger cannot be read").because(error)
}

fn refuted(error: &Unproven) -> Refusal {
    let hint = match error {
        Unproven::Checkpoint(_) | Unproven::Tenant(TenantFault::Unsigned(..)) => {
            "is it the right key? `gabion ledger key` prints the gate's own"
        }
        _ => "keep the files as they are: they are evidence",
    };
    Refusal::new("the ledger is not what was signed").because(error).hint(hint)
}
