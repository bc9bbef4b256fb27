//! What the identity file made.

use gabion_identity::StorageError;
use gabion_identity::storage::{Declaration, DeclaredKind, DeclaredStorage};
use rusqlite::{Row, named_params};

use super::Database;

impl DeclaredStorage for Database {
    fn declarations(&self) -> Result<Vec<Declaration>, StorageError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(LIST)?;
            Ok(statement.query_map([], declaration)?.collect::<Result<_, _>>()?)
        })
    }

    fn declare(&self, declaration: &Declaration) -> Result<(), StorageError> {
        self.write(|transaction| {
            transaction.prepare_cached(PUT)?.execute(named_params! {
                ":kind": declaration.kind.as_str(),
                ":name": declaration.name,
                ":id": declaration.id,
                ":made": declaration.made,
                ":password_given": declaration.password_given,
            })?;
            Ok(())
        })
    }

    fn undeclare(&self, kind: DeclaredKind, name: &str) -> Result<(), StorageError> {
        self.write(|transaction| {
            transaction.prepare_cached(REMOVE)?.execute([kind.as_str(), name])?;
            Ok(())
        })
    }
}

fn declaration(row: &Row<'_>) -> rusqlite::Result<Declaration> {
    let word: String = row.get("kind")?;
    let kind = DeclaredKind::ALL.iter().copied().find(|kind| kind.as_str() == word);
    Ok(Declaration {
        // The table takes no other word.
        kind: kind.unwrap_or(DeclaredKind::Group),
        name: row.get("name")?,
        id: row.get("id")?,
        made: row.get("made")?,
        password_given: row.get("password_given")?,
    })
}

const LIST: &str = "SELECT kind, name, id, made, password_given FROM declared ORDER BY kind, name";
const PUT: &str = "
    INSERT INTO declared (kind, name, id, made, password_given)
    VALUES (:kind, :name, :id, :made, :password_given)
    ON CONFLICT (kind, name)
    DO UPDATE SET id = excluded.id, made = excluded.made, password_given = excluded.password_given";
const REMOVE: &str = "DELETE FROM declared WHERE kind = ?1 AND name = ?2";
