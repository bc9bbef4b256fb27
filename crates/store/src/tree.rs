//! The ledger's tree as files, laid out as C2SP tlog-tiles serves them: `checkpoint`, `tile/0/000`,
//! `tile/0/001.p/17`, …, modes 0600 and 0700.
//!
//! The checkpoint appears whole and durable, a full tile whole; `settled` is the checkpoint whose full tiles are durable, too.
//! A tile that is not full yet gives way to the next one of its place. On level 0 it is durable as well: where records are
//! removed by age it alone has their hashes. Above it is a convenience for readers and not synced.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use gabion_ledger::TreeStorage;
use gabion_tlog::tile::{Level, Tile};

use crate::directory::{place, replace, sync_directory};

/// Tiles and checkpoint in one directory.
#[derive(Debug)]
pub struct TreeFiles {
    directory: PathBuf,
}

const CHECKPOINT: &str = "checkpoint";
const COSIGNED: &str = "cosigned";
const SETTLED: &str = "settled";

impl TreeFiles {
    /// Opens the directory; it is made with the first file.
    #[must_use]
    pub fn open(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    /// The directory a file lies in, made where there is none, and the file's name.
    fn make(&self, path: &str) -> io::Result<(PathBuf, String)> {
        let path = self.directory.join(path);
        let (Some(parent), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str()))
        else {
            return Err(io::ErrorKind::InvalidFilename.into());
        };
        if !parent.is_dir() {
            DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
            // Every directory on the way may be new.
            for above in parent.ancestors().skip(1).take_while(|above| above.starts_with(&self.directory)) {
                sync_directory(above)?;
            }
        }
        Ok((parent.to_owned(), name.to_owned()))
    }

    /// A full tile takes the place of those that were less wide.
    fn remove_partials(&self, tile: Tile) -> io::Result<()> {
        match fs::remove_dir_all(self.directory.join(partials(tile))) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    }
}

/// The path of the directory with the tiles of this place that are not full.
fn partials(tile: Tile) -> String {
    format!("{}.p", Tile { width: 256, ..tile })
}

impl TreeStorage for TreeFiles {
    fn tile(&self, tile: Tile) -> io::Result<Option<Vec<u8>>> {
        read(&self.directory.join(tile.to_string()))
    }

    fn put_tile(&self, tile: Tile, hashes: &[u8]) -> io::Result<()> {
        let (directory, name) = self.make(&tile.to_string())?;
        if tile.is_full() {
            replace(&directory, &name, hashes)?;
            return self.remove_partials(tile);
        }
        if tile.level == Level::Hashes(0) {
            replace(&directory, &name, hashes)?;
        } else {
            place(&directory, &name, hashes)?;
        }
        for other in fs::read_dir(&directory)? {
            let other = other?;
            if other.file_name().to_str() != Some(&name) {
                fs::remove_file(other.path())?;
            }
        }
        Ok(())
    }

    fn place_tile(&self, tile: Tile, hashes: &[u8]) -> io::Result<()> {
        let (directory, name) = self.make(&tile.to_string())?;
        place(&directory, &name, hashes)
    }

    fn sync_tiles(&self, tiles: &[Tile]) -> io::Result<()> {
        let mut directories = BTreeSet::new();
        for tile in tiles {
            let path = self.directory.join(tile.to_string());
            File::open(&path)?.sync_all()?;
            directories.extend(path.parent().map(Path::to_owned));
        }
        directories.iter().try_for_each(|directory| sync_directory(directory))?;
        tiles.iter().try_for_each(|tile| self.remove_partials(*tile))
    }

    fn partial_tile(&self, tile: Tile) -> io::Result<Option<(Tile, Vec<u8>)>> {
        let path = partials(tile);
        let entries = match fs::read_dir(self.directory.join(&path)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            entries => entries?,
        };
        let mut widest: Option<Tile> = None;
        for entry in entries {
            let found =
                entry?.file_name().to_str().and_then(|name| Tile::from_path(&format!("{path}/{name}")));
            if let Some(found) = found
                && widest.is_none_or(|widest| widest.width < found.width)
            {
                widest = Some(found);
            }
        }
        let Some(tile) = widest else { return Ok(None) };
        Ok(self.tile(tile)?.map(|hashes| (tile, hashes)))
    }

    fn settled(&self) -> io::Result<Option<Vec<u8>>> {
        read(&self.directory.join(SETTLED))
    }

    fn put_settled(&self, note: &[u8]) -> io::Result<()> {
        let (directory, name) = self.make(SETTLED)?;
        replace(&directory, &name, note)
    }

    fn checkpoint(&self) -> io::Result<Option<Vec<u8>>> {
        read(&self.directory.join(CHECKPOINT))
    }

    fn put_checkpoint(&self, note: &[u8]) -> io::Result<()> {
        let (directory, name) = self.make(CHECKPOINT)?;
        replace(&directory, &name, note)
    }

    fn cosigned(&self) -> io::Result<Option<Vec<u8>>> {
        read(&self.directory.join(COSIGNED))
    }

    fn put_cosigned(&self, note: &[u8]) -> io::Result<()> {
        let (directory, name) = self.make(COSIGNED)?;
        replace(&directory, &name, note)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_lie_where_readers_of_such_logs_look_for_them() {
        let folder = tempfile::tempdir().unwrap();
        let files = TreeFiles::open(&folder.path().join("tree"));
        let tile = |width| Tile { level: Level::Hashes(0), index: 1_234_067, width };
        assert_eq!(files.tile(tile(3)).unwrap(), None);
        assert_eq!(files.checkpoint().unwrap(), None);
        for width in [3, 7, 256] {
            let hashes = vec![7; usize::from(width) * 32];
            files.put_tile(tile(width), &hashes).unwrap();
            assert_eq!(files.tile(tile(width)).unwrap(), Some(hashes));
        }
        assert_eq!(files.tile(tile(7)).unwrap(), None, "gave way to the full one");
        assert!(folder.path().join("tree/tile/0/x001/x234/067").is_file());
        assert!(!folder.path().join("tree/tile/0/x001/x234/067.p").exists());
        for note in ["one", "two"] {
            files.put_checkpoint(note.as_bytes()).unwrap();
            assert_eq!(files.checkpoint().unwrap().as_deref(), Some(note.as_bytes()));
        }
    }
}
