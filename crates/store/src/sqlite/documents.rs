//! What engines remember as texts.

use gabion_identity::StorageError;
use gabion_model::{DocumentChange, DocumentError, Documents};

use super::Database;

impl Documents for Database {
    fn documents(&self, area: &str) -> Result<Vec<(String, String)>, DocumentError> {
        let read = self.read(|connection| {
            let mut statement = connection.prepare_cached(LIST)?;
            let rows = statement.query_map([area], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        });
        read.map_err(failed)
    }

    fn change_documents(&self, area: &str, changes: &[DocumentChange]) -> Result<(), DocumentError> {
        let written = self.write(|transaction| {
            for change in changes {
                match change {
                    DocumentChange::Put { id, text } => {
                        transaction.prepare_cached(PUT)?.execute([area, id, text])?;
                    }
                    DocumentChange::Remove { id } => {
                        transaction.prepare_cached(REMOVE)?.execute([area, id])?;
                    }
                }
            }
            Ok(())
        });
        written.map_err(failed)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "what `map_err` hands over")]
fn failed(error: StorageError) -> DocumentError {
    DocumentError(error.to_string())
}

const LIST: &str = "SELECT id, text FROM documents WHERE area = ?1 ORDER BY id";
const PUT: &str = "
    INSERT INTO documents (area, id, text) VALUES (?1, ?2, ?3)
    ON CONFLICT (area, id) DO UPDATE SET text = excluded.text";
const REMOVE: &str = "DELETE FROM documents WHERE area = ?1 AND id = ?2";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_area_is_kept_for_itself_and_survives() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gabion.db");
        let put = |id: &str, text: &str| DocumentChange::Put { id: id.to_owned(), text: text.to_owned() };
        {
            let database = Database::open(&path).unwrap();
            database.change_documents("a", &[put("2", "two"), put("1", "one"), put("3", "three")]).unwrap();
            database.change_documents("b", &[put("1", "other")]).unwrap();
            let changes = [put("1", "ONE"), DocumentChange::Remove { id: "3".to_owned() }];
            database.change_documents("a", &changes).unwrap();
        }
        let database = Database::open(&path).unwrap();
        let own = |id: &str, text: &str| (id.to_owned(), text.to_owned());
        assert_eq!(database.documents("a").unwrap(), [own("1", "ONE"), own("2", "two")]);
        assert_eq!(database.documents("b").unwrap(), [own("1", "other")]);
        assert_eq!(database.documents("c").unwrap(), []);
    }

    #[test]
    fn changes_that_do_not_fit_leave_no_trace() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("gabion.db")).unwrap();
        database.limit_pages(1).unwrap();
        let large = DocumentChange::Put { id: "2".to_owned(), text: "x".repeat(1 << 20) };
        let small = DocumentChange::Put { id: "1".to_owned(), text: String::new() };
        database.change_documents("a", &[small, large]).unwrap_err();
        assert_eq!(database.documents("a").unwrap(), []);
    }
}
