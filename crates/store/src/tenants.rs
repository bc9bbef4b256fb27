//! The tenants' trees as files: a folder for each, named by its tag and laid out as the node's tree is, and beside them the file
//! `through`.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read as _};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gabion_ledger::TreeStorage;
use gabion_ledger::tenants::{Mark, TenantStorage, TenantTag};

use crate::TreeFiles;
use crate::directory::{replace, sync_directory};

/// The folders of all tenants in one directory.
#[derive(Debug)]
pub struct TenantFiles {
    directory: PathBuf,
}

const THROUGH: &str = "through";

impl TenantFiles {
    /// Opens the directory; it is made with the first file.
    #[must_use]
    pub fn open(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }
}

impl TenantStorage for TenantFiles {
    fn list(&self) -> io::Result<Vec<TenantTag>> {
        let entries = match fs::read_dir(&self.directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut tenants = Vec::new();
        for entry in entries {
            tenants.extend(entry?.file_name().to_str().and_then(TenantTag::parse));
        }
        tenants.sort_unstable();
        Ok(tenants)
    }

    fn tree(&self, tenant: TenantTag) -> Arc<dyn TreeStorage> {
        Arc::new(TreeFiles::open(&self.directory.join(tenant.to_string())))
    }

    fn mark(&self) -> io::Result<Option<Mark>> {
        let file = match File::open(self.directory.join(THROUGH)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let mut bytes = Vec::new();
        file.take(Mark::LONGEST as u64).read_to_end(&mut bytes)?;
        // What is no mark is none: everything is read again.
        Ok(Mark::parse(&bytes))
    }

    fn put_mark(&self, mark: Mark) -> io::Result<()> {
        if !self.directory.is_dir() {
            DirBuilder::new().recursive(true).mode(0o700).create(&self.directory)?;
            self.directory.parent().map_or(Ok(()), sync_directory)?;
        }
        replace(&self.directory, THROUGH, mark.to_string().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gabion_model::TenantId;

    #[test]
    fn tenants_have_folders_of_their_own_and_no_name_is_a_path() {
        let temporary = tempfile::tempdir().unwrap();
        let directory = temporary.path().join("ledger/tenants");
        let files = TenantFiles::open(&directory);
        assert_eq!((files.list().unwrap(), files.mark().unwrap()), (vec![], None));
        let tags = ["acme", "../../etc", "/", ""].map(|id| TenantTag::of(&TenantId::new(id)));
        for tag in tags {
            files.tree(tag).put_checkpoint(b"note").unwrap();
            assert!(directory.join(tag.to_string()).join("checkpoint").is_file());
        }
        let mark = Mark { through: 7, tenants: 4 };
        files.put_mark(mark).unwrap();
        fs::write(directory.join("notes.txt"), "no tenant").unwrap();
        let mut sorted = tags.to_vec();
        sorted.sort_unstable();
        assert_eq!((files.list().unwrap(), files.mark().unwrap()), (sorted, Some(mark)));
        assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 1, "nothing beside it");
        fs::write(directory.join(THROUGH), "nonsense").unwrap();
        assert_eq!(files.mark().unwrap(), None);
    }
}
