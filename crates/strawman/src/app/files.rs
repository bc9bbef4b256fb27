//! The application's files: a temporary directory that goes when the application goes.

use std::path::PathBuf;

use gabion_vault::{SystemRng, encoding};
use tempfile::TempDir;

/// `documents/` is for everybody who signed in, `uploads/` holds what people sent, `secrets/` is nobody's.
pub(super) struct Files(TempDir);

impl Files {
    pub(super) fn create() -> std::io::Result<Self> {
        let root = tempfile::Builder::new().prefix("gabion-strawman-").tempdir()?;
        for directory in ["documents", "uploads", "secrets"] {
            std::fs::create_dir(root.path().join(directory))?;
        }
        let secret = encoding::base64url_encode(&gabion_model::random::bytes::<18>(&SystemRng::new()));
        std::fs::write(root.path().join("documents/guide.txt"), GUIDE)?;
        std::fs::write(root.path().join("documents/returns.txt"), RETURNS)?;
        std::fs::write(root.path().join("secrets/master.key"), format!("strawman-master-key {secret}\n"))?;
        Ok(Self(root))
    }

    pub(super) fn documents(&self) -> PathBuf {
        self.0.path().join("documents")
    }

    pub(super) fn uploads(&self) -> PathBuf {
        self.0.path().join("uploads")
    }
}

const GUIDE: &str = "Straw & Co., a guide for new colleagues\n\nThe kettle is on the second floor.\n";
const RETURNS: &str = "Returns\n\nThirty days, no questions, keep the box.\n";
