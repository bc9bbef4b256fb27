//! What has been evaluated: of one array or object ([`Marks`]), and of a whole document ([`Tracker`]).

use smallvec::{SmallVec, smallvec};

/// Which items or members of one value have been evaluated by the schemas beside `unevaluated…`.
#[derive(Debug, Clone, Default)]
pub(super) struct Marks {
    all: bool,
    bits: SmallVec<[u64; 2]>,
}

impl Marks {
    #[inline]
    pub(super) fn set(&mut self, index: usize) {
        let word = index / 64;
        if word >= self.bits.len() {
            self.bits.resize(word + 1, 0);
        }
        if let Some(bits) = self.bits.get_mut(word) {
            *bits |= 1 << (index % 64);
        }
    }

    pub(super) const fn set_all(&mut self) {
        self.all = true;
    }

    pub(super) fn has(&self, index: usize) -> bool {
        self.all || self.bits.get(index / 64).is_some_and(|bits| bits >> (index % 64) & 1 == 1)
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.all |= other.all;
        if other.bits.len() > self.bits.len() {
            self.bits.resize(other.bits.len(), 0);
        }
        for (mine, theirs) in self.bits.iter_mut().zip(&other.bits) {
            *mine |= theirs;
        }
    }
}

/// A member that some schema evaluated.
pub(super) const KNOWN: u8 = 1;
/// An object whose members some schema names, and that has others.
pub(super) const DESCRIBED: u8 = 2;
/// A member to take out.
pub(super) const DROPPED: u8 = 4;
/// A member that some schema names, so that its name may be said.
pub(super) const NAMED: u8 = 8;

/// Four marks for each node of a document. What a schema marked that turns out not to fit is taken back.
#[derive(Debug)]
pub(super) struct Tracker {
    /// Up to 768 nodes without an allocation.
    bits: SmallVec<[u64; 48]>,
    /// Nodes and marks set since the outermost attempt began.
    log: Vec<(u32, u8)>,
    attempts: u32,
    /// Whether anything was ever described or dropped: if not, there is nothing to look for.
    remarkable: bool,
}

impl Tracker {
    pub(super) fn new(nodes: usize) -> Self {
        Self { bits: smallvec![0; nodes / 16 + 1], log: Vec::new(), attempts: 0, remarkable: false }
    }

    #[inline]
    pub(super) fn set(&mut self, node: usize, marks: u8) {
        if let Some(bits) = self.bits.get_mut(node / 16) {
            let shift = node % 16 * 4;
            let fresh = u64::from(marks) << shift & !*bits;
            if self.attempts > 0 && fresh != 0 {
                self.log.push((node as u32, (fresh >> shift) as u8));
            }
            *bits |= fresh;
        }
        self.remarkable |= marks & (DESCRIBED | DROPPED) != 0;
    }

    #[inline]
    pub(super) fn has(&self, node: usize, mark: u8) -> bool {
        self.bits.get(node / 16).is_some_and(|bits| bits >> (node % 16 * 4) & u64::from(mark) != 0)
    }

    pub(super) const fn is_remarkable(&self) -> bool {
        self.remarkable
    }

    pub(super) fn begin(&mut self) -> usize {
        self.attempts += 1;
        self.log.len()
    }

    /// Ends the attempt that began with `begun`.
    pub(super) fn end(&mut self, begun: usize, keep: bool) {
        if !keep {
            for (node, marks) in self.log.drain(begun.min(self.log.len())..) {
                if let Some(bits) = self.bits.get_mut(node as usize / 16) {
                    *bits &= !(u64::from(marks) << (node % 16 * 4));
                }
            }
        }
        self.attempts = self.attempts.saturating_sub(1);
        if self.attempts == 0 {
            self.log.clear();
        }
    }
}
