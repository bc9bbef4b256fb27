//! The file of the key that the ledger's records are sealed with.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use gabion_ledger::keys::KeyFile;
use gabion_ledger::{Keys, Reader, SegmentSource};
use gabion_model::{Rng, Secret};
use gabion_store::directory::{read_secret, write_secret};
use gabion_store::sqlite::{Database, SubjectKeys};
use gabion_vault::{SealingKey, SystemRng};

use super::state::{SEALING_KEY, refused};
use crate::config::Config;
use crate::failure::Failure;

/// Its name in the data directory, where the configuration names no other place.
const FILE: &str = "ledger-sealing.key";

/// A reader of the ledger's records that opens what is sealed: with the records' key, and personal data with the keys of
/// accounts in the database, as far as both are there. For commands beside a running gate: they write nothing.
pub(crate) fn opened(config: &Config, reader: Reader) -> Result<Reader, Failure> {
    let Some(keys) = RecordKeyFile::of(config).kept()? else { return Ok(reader) };
    let directory = &config.data.directory;
    let (database, sealing) = (directory.join("gabion.db"), directory.join(SEALING_KEY));
    let sealing = read_secret(&sealing).map_err(|error| refused(&sealing, &error))?.map(Secret::new);
    let Some(sealing) = sealing.filter(|_| database.is_file()) else { return Ok(reader.with_keys(keys)) };
    let unread = |error: &(dyn std::error::Error + 'static)| {
        Failure::new(format!("the keys of personal data in `{}` cannot be read", database.display()))
            .because(error)
    };
    let tags = SealingKey::from_bytes(&sealing).map_err(|error| unread(&error))?;
    let read = Database::open_to_read(&database).map_err(|error| unread(&error))?;
    let subjects = Arc::new(SubjectKeys::new(read, Arc::new(tags)));
    Ok(reader.with_subjects(keys, subjects, Arc::new(SystemRng::new())))
}

/// The file, to be read and replaced.
#[derive(Debug)]
pub(crate) struct RecordKeyFile(PathBuf);

impl RecordKeyFile {
    pub(crate) fn of(config: &Config) -> Self {
        Self(config.ledger.key_file.clone().unwrap_or_else(|| config.data.directory.join(FILE)))
    }

    /// The keys, for whoever reads; none where there is no such file.
    pub(crate) fn kept(&self) -> Result<Option<Arc<Keys>>, Failure> {
        let bytes = read_secret(&self.0).map_err(|error| refused(&self.0, &error))?;
        let Some(bytes) = bytes.map(Secret::new) else { return Ok(None) };
        let keys = Keys::parse(self.0.display().to_string(), &bytes);
        keys.map(|keys| Some(Arc::new(keys)))
            .map_err(|error| Failure::new("the key of the ledger's records cannot be used").because(&error))
    }

    /// The keys, for a gate; made where there are none and no record needs one.
    ///
    /// # Errors
    /// When segments are sealed and the file is not there: a new key beside them would hide that they cannot be read.
    pub(crate) fn open(
        &self,
        segments: &Arc<dyn SegmentSource>,
        rng: &dyn Rng,
    ) -> Result<Arc<Keys>, Failure> {
        if let Some(keys) = self.kept()? {
            return Ok(keys);
        }
        let path = self.0.display();
        let sealed = Reader::open(Arc::clone(segments)).and_then(|reader| reader.is_sealed());
        let sealed = sealed.map_err(|error| Failure::new("the ledger cannot be opened").because(&error))?;
        if sealed {
            return Err(Failure::new(format!(
                "the ledger's records are sealed, and the file of their key, `{path}`, is not there"
            ))
            .hint(
                "put it back from a backup, or set `ledger.key_file` to where it lies; if it is lost, the records can be \
                 proved and not read: move the folder `ledger` away, and a new one begins",
            ));
        }
        let bytes = Keys::generate(rng);
        write_secret(&self.0, bytes.expose()).map_err(|error| refused(&self.0, &error))?;
        let keys = Keys::parse(path.to_string(), &bytes);
        keys.map(Arc::new)
            .map_err(|error| Failure::new("the key of the ledger's records cannot be used").because(&error))
    }
}

impl KeyFile for RecordKeyFile {
    fn place(&self) -> String {
        self.0.display().to_string()
    }

    fn read(&self) -> io::Result<Secret<Vec<u8>>> {
        let bytes = read_secret(&self.0).map_err(io::Error::other)?;
        bytes.map(Secret::new).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn write(&self, keys: &Secret<Vec<u8>>) -> io::Result<()> {
        write_secret(&self.0, keys.expose()).map_err(io::Error::other)
    }
}
