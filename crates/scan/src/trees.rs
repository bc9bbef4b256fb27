//! What scanners say of all files together, and what still holds of what they said the last time.
//!
//! What a scanner says of a tree is kept by everything it could see. One that looks at parts of a tree by themselves
//! ([`Scanner::parts`]) is asked again only about the parts in which a file changed.

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use gabion_finding::{Scanner, Tree, Use, Verdict};
use gabion_vault::Sha256;

use crate::cache::Pack;
use crate::engine::{Done, failed};
use crate::walk::WalkedFile;

/// What there is to look at.
pub(crate) struct Trees<'a> {
    pub(crate) scanners: &'a [Box<dyn Scanner>],
    pub(crate) pack: &'a Pack,
    pub(crate) files: &'a [&'a WalkedFile],
    pub(crate) done: &'a [Done],
    pub(crate) paths: &'a [Arc<str>],
}

/// What all scanners said.
#[derive(Debug, Default)]
pub(crate) struct Looked {
    pub(crate) verdicts: Vec<Verdict>,
    /// What stands for everything a verdict was made of, and the verdict.
    pub(crate) kept_as: Vec<(Key, Vec<u8>)>,
    /// Whether all of it was kept already.
    pub(crate) kept: bool,
    pub(crate) judged_by: Vec<(&'static str, String)>,
}

const KEY: usize = 32;
type Key = [u8; KEY];
type Facts = (Arc<str>, Arc<[u8]>);

impl Trees<'_> {
    pub(crate) fn run(&self) -> Looked {
        let mut looked = Looked { kept: true, ..Looked::default() };
        for (number, scanner) in self.scanners.iter().enumerate() {
            let whole = self.key(number, scanner.as_ref());
            if self.take(&whole, &mut looked).is_some() {
                continue;
            }
            looked.kept = false;
            let facts = self.facts(number);
            let uses = if scanner.asks_uses() && !facts.is_empty() { self.uses() } else { Vec::new() };
            let tree = Tree { paths: self.paths, facts: &facts, uses: &uses };
            let parts = catch_unwind(AssertUnwindSafe(|| scanner.parts(&tree)));
            match parts {
                Ok(Some(parts)) => self.parts(number, scanner.as_ref(), &whole, &tree, parts, &mut looked),
                Ok(None) => {
                    let verdict = careful(scanner.as_ref(), &tree);
                    looked.keep_whole(whole, &[], &verdict);
                    looked.verdicts.push(verdict);
                }
                Err(_) => looked.verdicts.push(failed(&"".into(), scanner.name())),
            }
        }
        looked.judged_by = self.judged_by();
        looked
    }

    /// Takes over what was kept of a tree: what was said of it as a whole, and of each of its parts; none where one is missing.
    fn take(&self, whole: &Key, looked: &mut Looked) -> Option<()> {
        let kept = self.pack.tree(whole)?;
        let (count, rest) = kept.split_first_chunk::<4>()?;
        let end = usize::try_from(u32::from_le_bytes(*count)).ok()?.checked_mul(KEY)?;
        let (keys, rest) = rest.split_at_checked(end)?;
        let mut verdicts = vec![serde_json::from_slice::<Verdict>(rest).ok()?];
        let mut kept_as = vec![(*whole, kept.to_vec())];
        for key in keys.as_chunks::<KEY>().0 {
            let (verdict, bytes) = self.part(key)?;
            verdicts.push(verdict);
            kept_as.push((*key, bytes));
        }
        looked.verdicts.extend(verdicts);
        looked.kept_as.extend(kept_as);
        Some(())
    }

    /// What was kept of a part.
    fn part(&self, key: &Key) -> Option<(Verdict, Vec<u8>)> {
        let bytes = self.pack.tree(key)?;
        Some((serde_json::from_slice(bytes).ok()?, bytes.to_vec()))
    }

    /// Asks about the parts that are new, and about what is in none.
    fn parts(
        &self,
        number: usize,
        scanner: &dyn Scanner,
        whole: &Key,
        tree: &Tree<'_>,
        parts: Vec<Vec<usize>>,
        looked: &mut Looked,
    ) {
        let digests: HashMap<&str, &Key> = self
            .done
            .iter()
            .filter_map(|done| Some((&*self.files.get(done.at)?.path, &done.row.parts.get(number)?.digest)))
            .collect();
        let mut keys = Vec::with_capacity(parts.len());
        let (mut wanted, mut wanted_keys) = (Vec::new(), Vec::new());
        for part in parts {
            let mut hash = start(scanner);
            hash.update(b"\npart");
            for (path, _) in part.iter().filter_map(|file| tree.facts.get(*file)) {
                hash.update(b"\n");
                hash.update(path.as_bytes());
                digests.get(&**path).iter().for_each(|digest| hash.update(digest.as_slice()));
            }
            let key = hash.finish();
            keys.push(key);
            match self.part(&key) {
                Some((verdict, bytes)) => {
                    looked.kept_as.push((key, bytes));
                    looked.verdicts.push(verdict);
                }
                None => {
                    wanted.push(part);
                    wanted_keys.push(key);
                }
            }
        }
        let verdicts = catch_unwind(AssertUnwindSafe(|| scanner.look_at(tree, &wanted))).unwrap_or_default();
        if verdicts.len() != wanted.len() {
            looked.verdicts.push(failed(&"".into(), scanner.name()));
            return;
        }
        for (key, verdict) in wanted_keys.into_iter().zip(verdicts) {
            looked.keep_part(key, &verdict);
            looked.verdicts.push(verdict);
        }
        let rest = careful(scanner, &Tree { facts: &[], ..*tree });
        looked.keep_whole(*whole, &keys, &rest);
        looked.verdicts.push(rest);
    }

    /// What a scanner kept of each file.
    fn facts(&self, number: usize) -> Vec<Facts> {
        let facts = |done: &Done| {
            let facts = done.entry.facts(number)?;
            Some((Arc::clone(&self.files.get(done.at)?.path), Arc::clone(facts)))
        };
        self.done.iter().filter_map(facts).collect()
    }

    /// Of the scanners that had something to judge.
    fn judged_by(&self) -> Vec<(&'static str, String)> {
        let has_facts = |number: usize| self.done.iter().any(|done| done.entry.facts(number).is_some());
        let judging = self.scanners.iter().enumerate().filter(|(number, _)| has_facts(*number));
        judging.filter_map(|(_, scanner)| Some((scanner.name(), scanner.judged_by()?))).collect()
    }

    /// What all scanners saw used, in order.
    fn uses(&self) -> Vec<Use> {
        let mut texts = HashSet::new();
        let mut uses = Vec::new();
        for done in self.done {
            let Some(file) = self.files.get(done.at) else { continue };
            for part in &done.row.parts {
                uses.extend(part.uses(&done.entry.row, &file.path, &mut texts));
            }
        }
        uses.sort();
        uses
    }

    /// Over everything a scanner's `tree` could see.
    fn key(&self, number: usize, scanner: &dyn Scanner) -> Key {
        let mut hash = start(scanner);
        for path in self.paths {
            hash.update(b"\n");
            hash.update(path.as_bytes());
        }
        for done in self.done {
            hash.update(&u64::try_from(done.at).unwrap_or(u64::MAX).to_le_bytes());
            done.row.parts.get(number).iter().for_each(|part| hash.update(&part.digest));
            if scanner.asks_uses() {
                done.row.parts.iter().for_each(|part| hash.update(&part.uses_digest));
            }
        }
        hash.finish()
    }
}

impl Looked {
    /// What was said of a tree, behind the keys of its parts.
    fn keep_whole(&mut self, key: Key, parts: &[Key], verdict: &Verdict) {
        let (Ok(count), Ok(verdict)) = (u32::try_from(parts.len()), serde_json::to_vec(verdict)) else {
            return;
        };
        self.kept_as.push((key, [&count.to_le_bytes(), parts.as_flattened(), &verdict].concat()));
    }

    fn keep_part(&mut self, key: Key, verdict: &Verdict) {
        self.kept_as.extend(serde_json::to_vec(verdict).ok().map(|verdict| (key, verdict)));
    }
}

/// The beginning of every key of a scanner.
fn start(scanner: &dyn Scanner) -> Sha256 {
    let mut hash = Sha256::default();
    for word in [scanner.name(), &scanner.version(), &scanner.tree_version()] {
        hash.update(word.as_bytes());
        hash.update(b"\n");
    }
    hash
}

/// No fault of a scanner ends the scan; it is said.
fn careful(scanner: &dyn Scanner, tree: &Tree<'_>) -> Verdict {
    let verdict = catch_unwind(AssertUnwindSafe(|| scanner.tree(tree)));
    verdict.unwrap_or_else(|_| failed(&"".into(), scanner.name()))
}
