//! One tenant's log: what its auditor was given, and the proof of one of its records.
//!
//! An export is a directory with no more than the tenant's:
//!
//! | file | what |
//! |---|---|
//! | `checkpoint`, `tile/…` | its log (C2SP tlog-tiles), signed with the node's key under the tenant's name |
//! | `records.jsonl` | its records, one a line, each with the key that opens it and no other (`gabion_ledger::tenants::line`) |
//! | `carried.tlog-proof` | that the node's log carries this checkpoint (C2SP tlog-proof), with what witnesses cosigned |

use std::error::Error;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};

use gabion_ledger::tenants::proof::root_of_tiles;
use gabion_ledger::tenants::{TenantCheckpoint, line};
use gabion_ledger::{Disclosure, Position, TenantTag, TreeStorage};
use gabion_model::TenantId;
use gabion_tlog::evidence::Evidence;
use gabion_tlog::note::NoteError;
use gabion_tlog::tile::{Level, Tile, TileNodes, WIDTH};
use gabion_tlog::trust::Trust;
use gabion_tlog::{Checkpoint, Hash, Note, Tree, tree};
use serde_json::{Value, json};

use crate::files::{Tree as Files, plain};
use crate::{Refusal, Single, read};

/// The file of an export with its records.
pub const RECORDS: &str = "records.jsonl";
/// The file of an export with the proof that the node carries its checkpoint.
pub const CARRIED: &str = "carried.tlog-proof";

/// Where a record is in its tenant's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfTenant {
    pub tenant: TenantTag,
    /// Its number there, from 1.
    pub number: u64,
    /// Records of the tenant.
    pub size: u64,
}

/// What a tenant was given is its log, all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// As its records have it; none when all were removed by age.
    pub id: Option<String>,
    pub tenant: TenantTag,
    /// The node's log.
    pub origin: String,
    /// Records of the tenant.
    pub size: u64,
    pub root: Hash,
    /// The number of the first that is there, from 1: earlier ones were removed by age, or left out by whoever handed it over;
    /// of them there are the hashes.
    pub first: u64,
    /// They are all of its records among so many of the node.
    pub through: u64,
    /// The record of the node that carries the checkpoint.
    pub carrier: Position,
    /// How many of the witnesses that were asked for cosigned.
    pub witnesses: usize,
}

/// The tag of a tenant that was named.
#[must_use]
pub fn tag(tenant: &str) -> TenantTag {
    TenantTag::of(&TenantId::new(tenant))
}

/// Whether the directory is what a tenant was given, and no node's ledger.
#[must_use]
pub fn is_export(directory: &Path) -> bool {
    directory.join(RECORDS).is_file()
}

/// Checks all of it: every record is there, unchanged and in its place, the checkpoint is signed, and the node's log carries
/// it. `tenant`: whose it must be. `after`: former checkpoints of the tenant, of which it must be a continuation.
///
/// # Errors
/// What is wrong, the first of it.
pub fn export(
    directory: &Path,
    trust: &Trust,
    tenant: Option<&str>,
    after: &[PathBuf],
) -> Result<Export, Refusal> {
    let named = |text: String| Refusal::new(text).hint("keep the files as they are: they are evidence");
    let refused = |error: &(dyn Error + 'static)| {
        named(format!("`{}` is not what was signed", directory.display())).because(error)
    };
    let (own, text) = opened(&crate::note(&directory.join("checkpoint"))?, trust).map_err(|error| {
        refused(&error).hint("is it the right key? `gabion ledger key` prints the gate's own")
    })?;
    if tenant.is_some_and(|tenant| tag(tenant) != own.tag) {
        return Err(Refusal::new("this is another tenant's log").hint("case matters in a tenant's id"));
    }
    let proof = read(&directory.join(CARRIED), Evidence::LONGEST)?;
    let (carrier, witnesses) = carried(&proof, &own, &text, trust).map_err(|error| refused(&*error))?;
    let tiles = Files { directory: directory.to_owned() };
    let Records { tree, first, id, wrong } = records(directory, &own, &tiles)?;
    let by_tiles = root_of_tiles(&tiles, own.size).map_err(|error| refused(&error))? == Some(own.root);
    match wrong {
        _ if tree.root() == own.root && by_tiles => {}
        Some(number) if by_tiles => {
            return Err(named(format!("record {number} is not the one that was sealed")));
        }
        _ if tree.root() == own.root => {
            return Err(named("the tiles do not come to the root that was signed".to_owned()));
        }
        _ => return Err(named("the records do not come to the root that was signed".to_owned())),
    }
    for path in after {
        let (former, _) = opened(&crate::note(path)?, trust).map_err(|error| refused(&error))?;
        let same = former.tag == own.tag && former.size <= own.size;
        if !same || root(&tiles, former.size).map_err(|error| refused(&error))? != Some(former.root) {
            let size = former.size;
            return Err(named(format!("the log of {size} records is not the beginning of this one")));
        }
    }
    Ok(Export {
        id,
        tenant: own.tag,
        origin: trust.log.name().to_owned(),
        size: own.size,
        root: own.root,
        first,
        through: own.through,
        carrier,
        witnesses,
    })
}

/// A tenant's checkpoint that the node signed.
fn opened(note: &Note, trust: &Trust) -> Result<(TenantCheckpoint, String), NoteError> {
    let node = trust.log.name();
    let own = TenantCheckpoint::parse(&note.text, node)
        .ok_or(NoteError::Malformed("the checkpoint is of no tenant of this node"))?;
    let key = own.tag.key(&trust.log).map_err(|_| NoteError::Unsigned)?;
    Checkpoint::open(note, &key)?;
    Ok((own, note.text.clone()))
}

/// Which record of the node carries a tenant's checkpoint, and how many witnesses cosigned that.
fn carried(
    proof: &[u8],
    own: &TenantCheckpoint,
    text: &str,
    trust: &Trust,
) -> Result<(Position, usize), Box<dyn Error>> {
    let evidence = Evidence::parse(proof)?;
    let node = trust.open(&evidence.checkpoint)?;
    evidence.check(text.as_bytes(), &node)?;
    let carrier = Position(evidence.index).next();
    if carrier.0 <= own.through {
        return Err(
            "the record that carries the checkpoint is older than what the checkpoint speaks of".into()
        );
    }
    Ok((carrier, trust.cosigners(&evidence.checkpoint)))
}

/// What the lines come to.
struct Records {
    tree: Tree,
    /// The number of the first that is there.
    first: u64,
    id: Option<String>,
    /// The number of the first that is not what the tiles have.
    wrong: Option<u64>,
}

fn records(directory: &Path, own: &TenantCheckpoint, tiles: &Files) -> Result<Records, Refusal> {
    let path = directory.join(RECORDS);
    let unread = |error: &io::Error| Refusal::new(format!("cannot read `{}`", path.display())).because(error);
    let mut lines = BufReader::new(plain(&path).map_err(|error| unread(&error))?);
    let (mut tree, mut first, mut id) = (None::<Tree>, own.size.saturating_add(1), None);
    let (mut before, mut buffer, mut first_wrong) = (0, Vec::new(), None);
    let mut leaves = Leaves { tiles, size: own.size, at: None };
    loop {
        buffer.clear();
        let most = (line::LONGEST as u64).saturating_add(2);
        (&mut lines).take(most).read_until(b'\n', &mut buffer).map_err(|error| unread(&error))?;
        if buffer.is_empty() {
            break;
        }
        let told = tree.as_ref().map_or(0, Tree::size);
        let wrong = |reason: &dyn fmt::Display| {
            Refusal::new(format!("`{}`, behind record {told}: {reason}", path.display()))
                .hint("keep the files as they are: they are evidence")
        };
        let text = buffer.strip_suffix(b"\n").ok_or_else(|| wrong(&"the line has no end, or is too long"))?;
        let read = line::parse(text).map_err(|error| wrong(&error))?;
        if read.tenant != own.tag {
            return Err(wrong(&"the record is another tenant's"));
        }
        let tree = match &mut tree {
            Some(tree) => tree,
            None => {
                first = read.index.saturating_add(1);
                tree.insert(earlier(tiles, read.index)?)
            }
        };
        if read.index != tree.size() || read.position.0 <= before || read.position.0 > own.through {
            return Err(wrong(&"the next one is not in its place"));
        }
        let leaf = Hash::leaf(&read.disclosed.stored);
        if first_wrong.is_none() && leaves.of(read.index) != Some(leaf) {
            first_wrong = Some(read.index.saturating_add(1));
        }
        before = read.position.0;
        tree.push(leaf, |_, _, _| {});
        if id.is_none() {
            let event: Option<Value> = serde_json::from_slice(&read.json).ok();
            id = event.and_then(|event| Some(event.get("tenant")?.as_str()?.to_owned()));
        }
    }
    let tree = match tree {
        Some(tree) => tree,
        None => earlier(tiles, own.size)?,
    };
    if tree.size() != own.size {
        let (there, size) = (tree.size(), own.size);
        return Err(Refusal::new(format!("the records end with {there}, and {size} were sealed"))
            .hint("keep the files as they are: they are evidence"));
    }
    Ok(Records { tree, first, id, wrong: first_wrong })
}

/// The tree of the records that were removed by age, of which the tiles have the hashes.
fn earlier(tiles: &Files, size: u64) -> Result<Tree, Refusal> {
    let unread = |error: &io::Error| Refusal::new("the tiles cannot be read").because(error);
    let wanted = nodes(tiles, size);
    Tree::restore(&wanted, size).map_err(|error| {
        let error = io::Error::other(error);
        unread(&error).hint("records are missing, and no tile stands for them")
    })
}

fn nodes(tiles: &Files, size: u64) -> TileNodes<impl Fn(Tile) -> io::Result<Vec<u8>> + '_> {
    let fetch = move |tile: Tile| wider(tiles, tile)?.ok_or_else(|| io::ErrorKind::NotFound.into());
    TileNodes::new(fetch, size)
}

/// A tile, cut from a wider one of its place where that is what there is.
fn wider(tiles: &Files, tile: Tile) -> io::Result<Option<Vec<u8>>> {
    for width in [tile.width, 256].into_iter().chain(tile.width.saturating_add(1)..256) {
        if let Some(mut file) = tiles.tile(Tile { width, ..tile })? {
            file.truncate(usize::from(tile.width).saturating_mul(Hash::SIZE));
            return Ok(Some(file));
        }
    }
    Ok(None)
}

fn root(tiles: &Files, size: u64) -> io::Result<Option<Hash>> {
    Ok(tree::root(&nodes(tiles, size), size).ok())
}

/// Leaves as the tiles have them, read one tile after the other.
struct Leaves<'a> {
    tiles: &'a Files,
    size: u64,
    at: Option<(Tile, Vec<Hash>)>,
}

impl Leaves<'_> {
    fn of(&mut self, index: u64) -> Option<Hash> {
        let tile = Tile::holding(Level::Hashes(0), index, self.size)?;
        if self.at.as_ref().is_none_or(|(at, _)| *at != tile) {
            let file = wider(self.tiles, tile).ok().flatten().unwrap_or_default();
            self.at = Some((tile, tile.hashes(&file).unwrap_or_default()));
        }
        let (_, hashes) = self.at.as_ref()?;
        hashes.get(usize::try_from(index % WIDTH).ok()?).copied()
    }
}

/// The two parts of a proof of a tenant's record; none when it is one of the node's.
pub(crate) fn parts(file: &[u8]) -> Option<(&[u8], &[u8])> {
    const BEGIN: &[u8] = b"\nc2sp.org/tlog-proof@v1\n";
    let at = file.windows(BEGIN.len()).position(|window| window == BEGIN)?;
    file.split_at_checked(at.saturating_add(1))
}

/// Checks the proof of one record of a tenant: that it is in the tenant's log, and that the node's log carries that.
pub(crate) fn single(record: &[u8], carrying: &[u8], trust: &Trust) -> Result<Single, Box<dyn Error>> {
    let evidence = Evidence::parse(record)?;
    let (own, text) = opened(&evidence.checkpoint, trust)?;
    let disclosed = Disclosure::parse(evidence.extra.as_deref().ok_or("it does not hold the record")?)?;
    evidence.check(&disclosed.stored, &own.checkpoint(trust.log.name()))?;
    let (tenant, position) = disclosed.tenant().ok_or("the record is no tenant's")?;
    if tenant != own.tag || position.0 > own.through {
        return Err("the record is another tenant's, or a later one".into());
    }
    carried(carrying, &own, &text, trust)?;
    let node = trust.open(&Evidence::parse(carrying)?.checkpoint)?;
    let event: Value = serde_json::from_slice(&disclosed.open(position)?)?;
    let number = evidence.index.saturating_add(1);
    let tenant = Some(OfTenant { tenant, number, size: own.size });
    Ok(Single { origin: node.origin, record: position, size: node.size, event, tenant })
}

impl OfTenant {
    pub(crate) fn json(&self) -> Value {
        json!({ "tenant": self.tenant.to_string(), "record": self.number, "records": self.size })
    }
}

impl fmt::Display for OfTenant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "record {} of the {} of its tenant's log", self.number, self.size)
    }
}

impl Export {
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "tenant": self.tenant.to_string(),
            "id": self.id,
            "records": self.size,
            "first": self.first,
            "root": self.root.to_string(),
            "through": self.through,
            "origin": self.origin,
            "carrier": self.carrier,
            "witnesses": self.witnesses,
        })
    }
}

impl fmt::Display for Export {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, size, origin, root, through, carrier, first, .. } = self;
        let whose = id.as_ref().map_or_else(|| "a tenant".to_owned(), |id| format!("tenant `{id}`"));
        let signed = format!("`{origin}` signed for {whose}");
        match *first {
            1 => writeln!(formatter, "{size} records are all that {signed}, unchanged and in their order")?,
            first if first > *size => {
                writeln!(formatter, "none of the {size} records that {signed} is here, only their hashes")?;
            }
            first => {
                writeln!(
                    formatter,
                    "records {first} to {size} of the {size} that {signed}, unchanged and in their order"
                )?;
                writeln!(
                    formatter,
                    "          earlier ones are not here, removed by age or left out; their hashes are"
                )?;
            }
        }
        writeln!(formatter, "root      {root}")?;
        writeln!(
            formatter,
            "          as of the node's record {through}; its record {carrier} carries the checkpoint"
        )?;
        if self.witnesses > 0 {
            writeln!(formatter, "          cosigned by {} of the witnesses asked for", self.witnesses)?;
        }
        Ok(())
    }
}
