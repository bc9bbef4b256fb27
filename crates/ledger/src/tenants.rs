//! A log of its own for every tenant, proved by the node's log.
//!
//! ```text
//!   node's log      …  A₀  B₀  ·  A₁  [A: 2, root]  [B: 1, root]  ·  A₂  …        one tree, cosigned by witnesses
//!                      │       │       ▲
//!   A's log            A₀──────A₁──────┘ checkpoint                               one tree for each tenant
//! ```
//!
//! The node's log is that of all records (`sealer`), and the log of the tenants' checkpoints: the super-log. A tenant's log
//! has the same leaves, those of its own records, in their order. Now and then ([`keeper`]) every tenant that has new records
//! gets a checkpoint, and its text is appended to the node's log as a record. So a witness that cosigned one checkpoint of
//! the node has cosigned all tenants, and an auditor of one tenant is shown its records and no others.
//!
//! **Which tenant.** The stored bytes of a tenant's record begin with its tag, the first 16 bytes of
//! SHA-256("gabion ledger tenant, version 1" | id). They are below the leaf: a record belongs to one tenant for ever, and that is
//! checked without any key. Whoever has the node's files can count the records of each tag, and try names; whoever is given a
//! tenant's log sees no other tag. Records of the default tenant, and of nobody, have none.
//!
//! **A tenant's checkpoint** (C2SP tlog-checkpoint) is signed with the node's key under the tenant's name:
//!
//! ```text
//! gate.example/ledger/tenant/4b1d…        the node's origin, and the tag in 32 hexadecimal digits
//! 2                                       records of the tenant
//! <root in base64>
//! through 4                               they are all there are among the first 4 of the node
//! ```
//!
//! **Files**, below `tenants/`: a folder for each tag with `checkpoint` and `tile/…` (C2SP tlog-tiles), and the file `through`:
//! how many of the node's records are in the trees, and how many tenants there are. All of it is made of the segments: what a
//! crash left behind is made again from there ([`keeper`]). Segments may be removed by age: the tiles stay.

pub mod audit;
mod growing;
#[cfg(feature = "write")]
pub(crate) mod keeper;
pub mod line;
pub mod proof;

use std::fmt;
use std::io;
use std::sync::Arc;

use gabion_model::{Actor, ControlId, Event, EventKind, Outcome, TenantId, Timestamp};
use gabion_tlog::note::MalformedKey;
use gabion_tlog::{Checkpoint, Hash, VerifyingKey};
use gabion_vault::encoding::{hex_decode, hex_encode};
use gabion_vault::sha256_of;

use crate::TreeStorage;
use crate::format::{CLASS_TENANT_CHECKPOINT, CLASS_TENANT_EVENT, CLASS_TENANT_SEALED};

/// Stands for a tenant in records and in names of files.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantTag(pub [u8; TenantTag::SIZE]);

const LABEL: &[u8] = b"gabion ledger tenant, version 1";
/// Bytes of a tenant's id that are written as they are.
const LONGEST_ID: usize = 128;
const PLACE: &str = "/tenant/";
const THROUGH: &str = "through ";

impl TenantTag {
    pub const SIZE: usize = 16;

    #[must_use]
    pub fn of(tenant: &TenantId) -> Self {
        let [tag @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] =
            sha256_of(&[LABEL, recorded(tenant).as_str().as_bytes()]);
        Self(tag)
    }

    /// From its 32 lower-case hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let tag = Self(hex_decode(text)?.try_into().ok()?);
        (tag.to_string() == text).then_some(tag)
    }

    /// The name of its log, where this is the node's.
    #[must_use]
    pub fn origin(&self, node: &str) -> String {
        format!("{node}{PLACE}{self}")
    }

    /// The key of its log: the node's, under the log's name.
    ///
    /// # Errors
    /// Never, where the node's key has a name.
    pub fn key(&self, node: &VerifyingKey) -> Result<VerifyingKey, MalformedKey> {
        node.named(&self.origin(node.name()))
    }
}

impl fmt::Display for TenantTag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&hex_encode(&self.0))
    }
}

impl fmt::Debug for TenantTag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "TenantTag({self})")
    }
}

/// The id as records have it: itself, or, where it is too long or would move a terminal, a word made of it. Never cut: two
/// tenants must not become one.
#[must_use]
pub fn recorded(tenant: &TenantId) -> TenantId {
    let text = tenant.as_str();
    let plain = |char: char| !char.is_control() && (char.is_ascii() || char.is_alphanumeric());
    if !text.is_empty() && text.len() <= LONGEST_ID && text.chars().all(plain) {
        return tenant.clone();
    }
    let digest = sha256_of(&[b"gabion ledger tenant id", text.as_bytes()]);
    TenantId::new(&format!("sha256:{}", hex_encode(&digest)))
}

/// What a tenant's log says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantCheckpoint {
    pub tag: TenantTag,
    /// Records of the tenant.
    pub size: u64,
    pub root: Hash,
    /// They are all there are among so many records of the node.
    pub through: u64,
}

impl TenantCheckpoint {
    /// From the text of a note, or of the record that carries it; none when it is not a tenant's of this node.
    #[must_use]
    pub fn parse(text: &str, node: &str) -> Option<Self> {
        let Checkpoint { origin, size, root, extensions } = Checkpoint::parse(text).ok()?;
        let tag = TenantTag::parse(origin.strip_prefix(node)?.strip_prefix(PLACE)?)?;
        let [through] = extensions.as_slice() else { return None };
        let through = through.strip_prefix(THROUGH)?.parse().ok()?;
        let own = Self { tag, size, root, through };
        // One spelling.
        (own.text(node) == text && size <= through).then_some(own)
    }

    /// As it is signed, and as a record carries it.
    #[must_use]
    pub fn checkpoint(&self, node: &str) -> Checkpoint {
        let extensions = vec![format!("{THROUGH}{}", self.through)];
        Checkpoint { origin: self.tag.origin(node), size: self.size, root: self.root, extensions }
    }

    #[must_use]
    pub fn text(&self, node: &str) -> String {
        self.checkpoint(node).to_string()
    }
}

/// Where the tenants' trees lie.
pub trait TenantStorage: Send + Sync + fmt::Debug {
    /// Every tenant that has a folder, ascending.
    fn list(&self) -> io::Result<Vec<TenantTag>>;

    /// The tiles and the checkpoint of one. Nothing is made by asking.
    fn tree(&self, tenant: TenantTag) -> Arc<dyn TreeStorage>;

    /// How far the trees are; none when nobody wrote it.
    fn mark(&self) -> io::Result<Option<Mark>>;

    /// Replaces it, whole or not at all, durable on return.
    fn put_mark(&self, mark: Mark) -> io::Result<()>;
}

/// How far the trees are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mark {
    /// So many records of the node are in them.
    pub through: u64,
    /// So many tenants there are.
    pub tenants: u64,
}

impl Mark {
    /// The most bytes of its file.
    pub const LONGEST: usize = 64;

    /// From the bytes of its file; none when they are none.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (through, tenants) = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?.split_once('\n')?;
        let own = Self { through: through.parse().ok()?, tenants: tenants.parse().ok()? };
        (own.to_string().as_bytes() == bytes).then_some(own)
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{}\n{}", self.through, self.tenants)
    }
}

/// The tag of a stored record and what follows it; none when it is nobody's.
pub(crate) fn tagged(class: u32, payload: &[u8]) -> Option<(TenantTag, &[u8])> {
    if !matches!(class & 0xff, CLASS_TENANT_EVENT | CLASS_TENANT_SEALED) {
        return None;
    }
    payload.split_first_chunk().map(|(tag, rest)| (TenantTag(*tag), rest))
}

/// The text of a stored record that carries a tenant's checkpoint; none when it is another record.
pub(crate) fn carried(class: u32, payload: &[u8]) -> Option<&[u8]> {
    (class == CLASS_TENANT_CHECKPOINT).then_some(payload)
}

/// The action of the event that such a record reads as.
pub const SEALED: &str = "ledger.tenant.sealed";

/// How such a record reads for people.
pub(crate) fn event(text: &str, time: Timestamp) -> Option<Event> {
    let Checkpoint { origin, size, root, .. } = Checkpoint::parse(text).ok()?;
    let control = ControlId::LEDGER_TAMPER_EVIDENCE;
    let mut event =
        Event::new(time, EventKind::Configuration, SEALED, Actor::Gate, Outcome::Success, control);
    event.resource = origin;
    event.metadata.insert("records".to_owned(), size.to_string());
    event.metadata.insert("root".to_owned(), root.to_string());
    Some(event)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_checkpoint_reads_as_it_was_written() {
        let tag = TenantTag::of(&TenantId::new("acme"));
        let own = TenantCheckpoint { tag, size: 2, root: Hash([7; 32]), through: 4 };
        let text = own.text("gate.example/ledger");
        assert_eq!(
            text,
            format!(
                "gate.example/ledger/tenant/{tag}\n2\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\nthrough 4\n"
            )
        );
        assert_eq!(TenantCheckpoint::parse(&text, "gate.example/ledger"), Some(own));
        assert_eq!(TenantCheckpoint::parse(&text, "gate.example"), None);
        for (from, to) in [
            ("through 4", "through 04"),
            ("through 4", "through 1"),
            ("through 4\n", ""),
            ("through 4\n", "through 4\nmore\n"),
            ("/tenant/", "/tenants/"),
            (&tag.to_string(), &tag.to_string().to_uppercase()),
            (&tag.to_string(), "4b1d"),
        ] {
            assert_eq!(TenantCheckpoint::parse(&text.replace(from, to), "gate.example/ledger"), None, "{to}");
        }
    }

    #[test]
    fn no_two_tenants_are_one() {
        let long = |end: &str| format!("{}{end}", "t".repeat(200));
        let ids =
            ["a", "b", "A", "a\u{202e}", "a\n", "", "../a", "a/b", &long("1"), &long("2"), "M\u{fc}ller AG"];
        let tags: std::collections::BTreeSet<_> =
            ids.iter().map(|id| TenantTag::of(&TenantId::new(id))).collect();
        assert_eq!(tags.len(), ids.len());
        for id in ids {
            let id = recorded(&TenantId::new(id));
            assert!(id.as_str().len() <= LONGEST_ID && !id.as_str().chars().any(char::is_control));
            assert_eq!(recorded(&id), id, "written once more it is the same");
            let name = TenantTag::of(&id).to_string();
            assert!(name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit()), "never a path");
        }
        assert_eq!(recorded(&TenantId::new("M\u{fc}ller AG")).as_str(), "M\u{fc}ller AG");
    }

    proptest! {
        #[test]
        fn any_text(text in "[a-z0-9/=\n ]{0,120}", bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            if let Some(own) = TenantCheckpoint::parse(&text, "g") {
                prop_assert_eq!(own.text("g"), text.clone());
            }
            if let Some(mark) = Mark::parse(&bytes) {
                prop_assert_eq!(mark.to_string().into_bytes(), bytes);
            }
            if let Some(tag) = TenantTag::parse(&text) {
                prop_assert_eq!(tag.to_string(), text);
            }
        }

        #[test]
        fn marks_round_trip(through: u64, tenants: u64) {
            let mark = Mark { through, tenants };
            prop_assert_eq!(Mark::parse(mark.to_string().as_bytes()), Some(mark));
        }
    }
}
