//! What the identity file made: kept beside the things themselves, so that only those are ever pruned.

use std::fmt;

use super::StorageError;

/// Remembers what came of the identity file.
pub trait DeclaredStorage: Send + Sync + fmt::Debug {
    /// All of it, by kind and name.
    ///
    /// # Errors
    /// When the storage cannot be read.
    fn declarations(&self) -> Result<Vec<Declaration>, StorageError>;

    /// Writes it down, in place of what was written of the same kind and name.
    ///
    /// # Errors
    /// When the storage cannot be written.
    fn declare(&self, declaration: &Declaration) -> Result<(), StorageError>;

    /// Forgets it; what was never written is no error.
    ///
    /// # Errors
    /// When the storage cannot be written.
    fn undeclare(&self, kind: DeclaredKind, name: &str) -> Result<(), StorageError>;
}

/// Something the identity file names, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    pub kind: DeclaredKind,
    /// What the file calls it, as names are compared.
    pub name: String,
    /// The id of the thing. Another thing of the same name, made later, is not this one.
    pub id: String,
    /// The file made it; otherwise it was there already, and is never pruned.
    pub made: bool,
    /// Its initial password was set once, and is not set again.
    pub password_given: bool,
}

/// What a declaration is about. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeclaredKind {
    Account,
    Client,
    Group,
}

impl DeclaredKind {
    pub const ALL: &[Self] = &[Self::Account, Self::Client, Self::Group];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Client => "client",
            Self::Group => "group",
        }
    }
}
