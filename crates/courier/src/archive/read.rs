//! An archive from the other side: what is in it, fetched into a directory, and verified without keeping it. Needs no gate, no
//! data directory and no key but the ledger's public one.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gabion_ledger::archive::{self, Growing, Intake, Manifest, Taken};
use gabion_ledger::{ArchiveSettings, Position, SegmentId};
use gabion_model::Clock;
use gabion_tlog::tile::{Level, Tile, WIDTH};
use gabion_tlog::{Hash, VerifyingKey};
use serde::Serialize;
use tokio::task::JoinSet;

use super::target::{self, Put, Target};
use super::{ArchiveError, ArchiveSetupError, directory, target_tile};

/// An archive to be read.
#[derive(Debug)]
pub struct ArchiveReader {
    target: Arc<Target>,
}

/// Which records; the default is all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Range {
    pub first: Option<Position>,
    pub last: Option<Position>,
}

/// Takes a piece of a copy and the leaves of the records in it.
type Each<'a> = &'a mut (dyn FnMut(&[u8], &[Hash]) -> Result<(), ArchiveError> + Send);

/// What was fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fetched {
    pub segments: u64,
    pub first: Position,
    pub last: Position,
    pub bytes: u64,
}

/// Every copy is what the log signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ArchiveVerified {
    pub segments: u64,
    pub first: Position,
    pub last: Position,
    pub bytes: u64,
    /// Tiles that were compared.
    pub tiles: u64,
    /// Of the tree that ends with the last record, in base64.
    pub root: String,
}

impl ArchiveReader {
    /// # Errors
    /// When the place cannot be used.
    pub fn open(settings: &ArchiveSettings, clock: Arc<dyn Clock>) -> Result<Self, ArchiveSetupError> {
        Ok(Self { target: Arc::new(Target::new(settings, clock)?) })
    }

    /// Where it is.
    #[must_use]
    pub fn place(&self) -> String {
        self.target.name()
    }

    /// What is said of each copy, in order. Nobody has checked the signatures yet.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn list(&self) -> Result<Vec<Manifest>, ArchiveError> {
        let mut manifests = Vec::new();
        for segment in self.target.segments().await? {
            manifests.push(self.manifest(segment).await?);
        }
        Ok(manifests)
    }

    async fn manifest(&self, segment: SegmentId) -> Result<Manifest, ArchiveError> {
        let name = target::manifest(segment);
        let bytes = self.target.whole(&name, Manifest::LONGEST).await?;
        let bytes = bytes.ok_or_else(|| ArchiveError::Missing(name.clone()))?;
        let parsed = Manifest::parse(&bytes).and_then(|manifest| {
            let own = manifest.segment == segment;
            if own { Ok(manifest) } else { Err(archive::MalformedManifest::Numbers) }
        });
        parsed.map_err(|reason| ArchiveError::Manifest { name, reason })
    }

    /// Fetches the segments that have records of the range, with the tree that ends with the last of them, into a directory
    /// that a verifier reads as it is. What is there from a former try is compared and not fetched again. `progress` is told
    /// of each record's number.
    ///
    /// # Errors
    /// [`ArchiveError`]; what was fetched before is left.
    pub async fn fetch(
        &self,
        range: Range,
        directory: &Path,
        log: &VerifyingKey,
        mut progress: impl FnMut(u64) + Send,
    ) -> Result<Fetched, ArchiveError> {
        let mut manifests = self.list().await?;
        manifests.retain(|manifest| {
            range.first.is_none_or(|first| manifest.last >= first)
                && range.last.is_none_or(|last| manifest.first <= last)
        });
        let (Some(first), Some(newest)) = (manifests.first(), manifests.last()) else {
            return Err(ArchiveError::Nothing);
        };
        whole(&manifests)?;
        fs::create_dir_all(directory)?;
        let mut bytes = 0_u64;
        for manifest in &manifests {
            self.root(manifest, log)?;
            self.fetch_segment(manifest, directory).await?;
            bytes = bytes.saturating_add(manifest.size);
            progress(manifest.last.0);
        }
        self.fetch_tiles(newest, directory).await?;
        let tree = directory.join("tree");
        fs::create_dir_all(&tree)?;
        let checkpoint = tree.join("checkpoint");
        write(&checkpoint, newest.checkpoint.as_bytes())?;
        let (segments, first, last) = (manifests.len() as u64, first.first, newest.last);
        Ok(Fetched { segments, first, last, bytes })
    }

    fn root(&self, manifest: &Manifest, log: &VerifyingKey) -> Result<Hash, ArchiveError> {
        let name = || target::manifest(manifest.segment);
        manifest.root(log).map_err(|reason| ArchiveError::Manifest { name: name(), reason })
    }

    async fn fetch_segment(&self, manifest: &Manifest, folder: &Path) -> Result<(), ArchiveError> {
        let path = folder.join(manifest.segment.file_name());
        if path.try_exists()? {
            let same = taken_of(&path, manifest)?.is_some_and(|taken| taken.is_told_by(manifest));
            return if same { Ok(()) } else { Err(ArchiveError::InTheWay(path)) };
        }
        let beside = folder.join(format!(".{}.part", manifest.segment.file_name()));
        let mut file = made(&beside)?;
        let taken = self
            .copy(manifest, &mut |piece, _| Ok(file.write_all(piece)?))
            .await
            .and_then(|taken| file.sync_all().map(|()| taken).map_err(Into::into));
        if let Err(error) = taken {
            // What did not come whole is nothing.
            let _ = fs::remove_file(&beside);
            return Err(error);
        }
        Ok(fs::rename(&beside, &path)?)
    }

    /// Reads a copy; it must be the one its manifest tells of. `each` is told of every piece and of the leaves in it.
    async fn copy(&self, manifest: &Manifest, each: Each<'_>) -> Result<Taken, ArchiveError> {
        let name = target::copy(manifest.segment);
        let none = |reason| ArchiveError::Copy { name: name.clone(), reason };
        let mut intake = Intake::new(manifest.size);
        let mut leaves = Vec::new();
        let mut take = |piece: &[u8]| {
            intake.push(piece, |_, leaf| leaves.push(leaf)).map_err(none)?;
            each(piece, &leaves)?;
            leaves.clear();
            Ok(())
        };
        if !self.target.read(&name, manifest.size, &mut take).await? {
            return Err(ArchiveError::Missing(name));
        }
        let taken = intake.finish(|_, leaf| leaves.push(leaf)).map_err(none)?;
        each(&[], &leaves)?;
        if taken.is_told_by(manifest) { Ok(taken) } else { Err(ArchiveError::Wrong(name)) }
    }

    async fn fetch_tiles(&self, newest: &Manifest, folder: &Path) -> Result<(), ArchiveError> {
        let mut wanted = archive::tiles(Position(0), newest.last);
        let mut asked: JoinSet<Result<(), ArchiveError>> = JoinSet::new();
        loop {
            while asked.len() < super::AT_ONCE
                && let Some(tile) = wanted.next()
            {
                let (target, path) = (Arc::clone(&self.target), folder.join(target_tile(tile)));
                asked.spawn(async move {
                    let hashes = tile_of(&target, tile).await?;
                    if path.try_exists()? {
                        let same = fs::read(&path)? == hashes;
                        return if same { Ok(()) } else { Err(ArchiveError::InTheWay(path)) };
                    }
                    directory::put(&path, |take| take(hashes)).map(drop).map_err(Into::into)
                });
            }
            match asked.join_next().await {
                None => return Ok(()),
                Some(done) => done.map_err(io::Error::other)??,
            }
        }
    }

    /// Reads every copy and every tile, and compares them with what the log signed. Keeps nothing. `progress` is told the
    /// number of each record that was read, and of the last there is.
    ///
    /// # Errors
    /// [`ArchiveError`]: the first thing that is not as it was.
    pub async fn verify(
        &self,
        log: &VerifyingKey,
        mut progress: impl FnMut(u64, u64) + Send,
    ) -> Result<ArchiveVerified, ArchiveError> {
        let manifests = self.list().await?;
        let (Some(first), Some(newest)) = (manifests.first(), manifests.last()) else {
            return Err(ArchiveError::Nothing);
        };
        whole(&manifests)?;
        let mut growing = self.before(first).await?;
        let (mut bytes, mut compared, mut root) = (0_u64, 0_u64, Hash::of_nothing());
        for manifest in &manifests {
            root = self.root(manifest, log)?;
            self.copy(manifest, &mut |_, leaves| {
                leaves.iter().for_each(|leaf| growing.push(*leaf));
                progress(growing.size(), newest.last.0);
                Ok(())
            })
            .await?;
            if growing.size() != manifest.last.0 || growing.root() != root {
                return Err(ArchiveError::Root(manifest.segment));
            }
            bytes = bytes.saturating_add(manifest.size);
            compared = compared.saturating_add(self.compare(growing.tiles()).await?);
        }
        let (segments, first, last) = (manifests.len() as u64, first.first, newest.last);
        Ok(ArchiveVerified { segments, first, last, bytes, tiles: compared, root: root.to_string() })
    }

    /// The tree of the records before the first copy, from tiles: they were removed before there was an archive.
    async fn before(&self, first: &Manifest) -> Result<Growing, ArchiveError> {
        let mut growing = Growing::default();
        let gone = first.first.0.saturating_sub(1);
        while growing.size() < gone {
            let tile = Tile::holding(Level::Hashes(0), growing.size(), first.last.0);
            let tile = tile.ok_or(ArchiveError::Root(first.segment))?;
            let hashes = tile_of(&self.target, tile).await?;
            let hashes = tile.hashes(&hashes).ok_or_else(|| ArchiveError::Wrong(target_tile(tile)))?;
            let left = usize::try_from(gone.saturating_sub(tile.index.saturating_mul(WIDTH)));
            hashes.into_iter().take(left.unwrap_or(usize::MAX)).for_each(|hash| growing.push(hash));
        }
        Ok(growing)
    }

    async fn compare(&self, tiles: Vec<(Tile, Vec<u8>)>) -> Result<u64, ArchiveError> {
        let count = tiles.len() as u64;
        let mut tiles = tiles.into_iter();
        let mut asked: JoinSet<Result<(), ArchiveError>> = JoinSet::new();
        loop {
            while asked.len() < super::AT_ONCE
                && let Some((tile, own)) = tiles.next()
            {
                let target = Arc::clone(&self.target);
                asked.spawn(async move {
                    let kept = tile_of(&target, tile).await?;
                    if kept == own { Ok(()) } else { Err(ArchiveError::Wrong(target_tile(tile))) }
                });
            }
            match asked.join_next().await {
                None => return Ok(count),
                Some(done) => done.map_err(io::Error::other)??,
            }
        }
    }
}

/// Copies follow each other without a gap.
fn whole(manifests: &[Manifest]) -> Result<(), ArchiveError> {
    let pairs = manifests.iter().zip(manifests.iter().skip(1));
    for (own, next) in pairs {
        if next.first != own.last.next() {
            return Err(ArchiveError::Gap(own.last.next()));
        }
    }
    Ok(())
}

async fn tile_of(target: &Target, tile: Tile) -> Result<Vec<u8>, ArchiveError> {
    let name = target_tile(tile);
    let hashes = target.whole(&name, usize::from(tile.width).saturating_mul(Hash::SIZE)).await?;
    hashes.ok_or(ArchiveError::Missing(name))
}

/// What a file that is there already is; none when it is no segment.
fn taken_of(path: &PathBuf, manifest: &Manifest) -> io::Result<Option<Taken>> {
    use std::io::Read as _;
    if fs::metadata(path)?.len() != manifest.size {
        return Ok(None);
    }
    let (mut file, mut intake) = (fs::File::open(path)?, Intake::new(manifest.size));
    let mut piece = vec![0; 256 << 10];
    loop {
        let count = file.read(&mut piece)?;
        if count == 0 {
            return Ok(intake.finish(|_, _| {}).ok());
        }
        if intake.push(piece.get(..count).unwrap_or_default(), |_, _| {}).is_err() {
            return Ok(None);
        }
    }
}

fn made(path: &Path) -> io::Result<fs::File> {
    fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

/// Replaces a file.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let bytes = bytes.to_vec();
    match directory::put(path, |take| take(bytes))? {
        Put::Made => Ok(()),
        Put::There => Err(io::ErrorKind::AlreadyExists.into()),
    }
}
