//! The one connection that writes, and group commit: callers that arrive while another one writes share
//! its transaction, and so its synchronisation with the disk, which is what a commit costs.
//!
//! The first caller begins a transaction; each later one works inside a savepoint, so that its failure
//! takes back nothing of the others'. Whoever is the last inside commits for all of them and tells them.
//! A caller gets its answer only after the commit, whatever the answer is: it may rest on what another
//! one of the group wrote. One caller alone does what it did without groups: begin, work, commit.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use gabion_identity::StorageError;
use rusqlite::{Connection, DropBehavior, TransactionBehavior};

use super::Failure;

pub(super) struct Writer {
    /// Callers that have not done their part yet.
    ///
    /// INVARIANT: while a group is open and the connection is free, this is not zero: somebody will come
    /// who closes the group.
    inside: AtomicUsize,
    shared: Mutex<Shared>,
}

struct Shared {
    connection: Connection,
    group: Option<Group>,
}

/// An open transaction and those whose work is in it.
struct Group {
    members: u32,
    verdict: Arc<OnceLock<Result<(), StorageError>>>,
}

impl Writer {
    pub(super) fn new(connection: Connection) -> Self {
        Self { inside: AtomicUsize::new(0), shared: Mutex::new(Shared { connection, group: None }) }
    }

    /// The connection for what is no transaction.
    pub(super) fn with<T>(&self, act: impl FnOnce(&Connection) -> T) -> T {
        act(&self.lock().connection)
    }

    /// Runs `act` in a transaction that is committed when this returns, and leaves no trace of `act` when
    /// it fails.
    pub(super) fn run<T>(
        &self,
        act: impl FnOnce(&Connection) -> Result<T, Failure>,
    ) -> Result<T, StorageError> {
        self.inside.fetch_add(1, Ordering::AcqRel);
        let mut shared = self.lock();
        // A caller that unwinds would leave the others waiting.
        let part = catch_unwind(AssertUnwindSafe(|| shared.part(act)));
        let last = self.inside.fetch_sub(1, Ordering::AcqRel) == 1;
        let verdict = shared.leave(last);
        drop(shared);
        let result = part.unwrap_or_else(|panic| resume_unwind(panic));
        if let Some(verdict) = verdict {
            verdict.wait().clone()?;
        }
        result.map_err(|Failure(error)| error)
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// One caller's part of the group's transaction, which is begun for the first.
    fn part<T>(&mut self, act: impl FnOnce(&Connection) -> Result<T, Failure>) -> Result<T, Failure> {
        if let Some(group) = &mut self.group {
            group.members += 1;
            let savepoint = self.connection.savepoint()?;
            let value = act(&savepoint)?;
            savepoint.commit()?;
            return Ok(value);
        }
        let mut transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let value = act(&transaction)?;
        // It stays open for the group; `leave` ends it.
        transaction.set_drop_behavior(DropBehavior::Ignore);
        drop(transaction);
        self.group = Some(Group { members: 1, verdict: Arc::default() });
        Ok(value)
    }

    /// Where the group's verdict will stand, which is made here when it is time; none without a group.
    fn leave(&mut self, last: bool) -> Option<Arc<OnceLock<Result<(), StorageError>>>> {
        let group = self.group.as_ref()?;
        let verdict = Arc::clone(&group.verdict);
        let result = if self.connection.is_autocommit() {
            // A full disk can make SQLite take the whole transaction back.
            Err(StorageError::Full)
        } else if last || group.members >= LARGEST_GROUP {
            self.commit()
        } else {
            return Some(verdict);
        };
        self.group = None;
        // Nobody else sets it: the group was taken out under the lock.
        let _ = verdict.set(result);
        Some(verdict)
    }

    fn commit(&self) -> Result<(), StorageError> {
        let committed = self.connection.execute_batch("COMMIT").map_err(Failure::from);
        if committed.is_err() && !self.connection.is_autocommit() {
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        committed.map_err(|Failure(error)| error)
    }
}

/// So that the first of an endless stream of callers gets its answer.
const LARGEST_GROUP: u32 = 256;

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::thread;

    use rusqlite::Connection;
    use tempfile::TempDir;

    use super::*;
    use crate::sqlite::connect;

    fn writer() -> (TempDir, Writer) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("group.db");
        drop(Connection::open(&path).unwrap());
        let connection = connect(&path).unwrap();
        connection
            .execute_batch(
                "CREATE TABLE parents (id INTEGER PRIMARY KEY) STRICT;
                 CREATE TABLE stones (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parents (id)) STRICT;",
            )
            .unwrap();
        (directory, Writer::new(connection))
    }

    fn add(writer: &Writer, id: u32) -> Result<u32, StorageError> {
        writer.run(|connection| {
            connection.prepare_cached("INSERT INTO stones (id) VALUES (?1)")?.execute([id])?;
            Ok(connection.query_row("SELECT id FROM stones WHERE id = ?1", [id], |row| row.get(0))?)
        })
    }

    fn count(directory: &TempDir) -> u32 {
        let other = Connection::open(directory.path().join("group.db")).unwrap();
        other.query_row("SELECT count(*) FROM stones", [], |row| row.get(0)).unwrap()
    }

    /// Holds the connection until `callers` wait for it, so that they are one group.
    fn together<T: Send>(
        writer: &Writer,
        callers: u32,
        call: impl Fn(u32) -> T + Sync,
    ) -> Vec<thread::Result<T>> {
        thread::scope(|scope| {
            let held = writer.lock();
            let threads: Vec<_> = (0..callers)
                .map(|own| {
                    let call = &call;
                    scope.spawn(move || call(own))
                })
                .collect();
            while writer.inside.load(Ordering::Acquire) < callers as usize {
                thread::yield_now();
            }
            drop(held);
            threads.into_iter().map(thread::ScopedJoinHandle::join).collect()
        })
    }

    #[test]
    fn everybody_sees_their_own_result_and_it_is_there_for_others() {
        let (directory, writer) = writer();
        let barrier = Barrier::new(16);
        thread::scope(|scope| {
            for own in 0..16 {
                let (writer, barrier, directory) = (&writer, &barrier, &directory);
                scope.spawn(move || {
                    barrier.wait();
                    for round in 0..50 {
                        assert_eq!(add(writer, own * 1000 + round), Ok(own * 1000 + round));
                    }
                    assert!(count(directory) >= 50, "what was answered is committed");
                });
            }
        });
        assert_eq!(count(&directory), 800);
        assert_eq!(writer.inside.load(Ordering::Acquire), 0);
        assert!(writer.lock().group.is_none());
    }

    #[test]
    fn callers_that_wait_share_one_commit() {
        let (directory, writer) = writer();
        for result in together(&writer, 40, |own| add(&writer, own)) {
            result.unwrap().unwrap();
        }
        assert_eq!(count(&directory), 40);
        // Every commit writes the page it changed again.
        let frames = std::fs::metadata(directory.path().join("group.db-wal")).unwrap().len() / 4096;
        assert!(frames < 12, "{frames} pages were logged for 40 callers");
    }

    #[test]
    fn a_failing_caller_leaves_no_trace_and_fails_alone() {
        let (directory, writer) = writer();
        add(&writer, 7).unwrap();
        let results = together(&writer, 20, |own| {
            writer.run(|connection| {
                connection.execute("INSERT INTO stones (id) VALUES (?1)", [100 + own])?;
                if own % 2 == 0 {
                    connection.execute("INSERT INTO stones (id) VALUES (7)", [])?;
                }
                Ok(())
            })
        });
        for (own, result) in (0..).zip(results) {
            let expected = if own % 2 == 0 { Err(StorageError::Taken) } else { Ok(()) };
            assert_eq!(result.unwrap(), expected, "{own}");
        }
        assert_eq!(count(&directory), 11);
    }

    #[test]
    fn a_caller_that_panics_takes_only_its_own_part_along() {
        let (directory, writer) = writer();
        let results = together(&writer, 12, |own| {
            writer.run(|connection| {
                connection.execute("INSERT INTO stones (id) VALUES (?1)", [own])?;
                assert!(own % 3 != 0, "as planned");
                Ok(())
            })
        });
        for (own, result) in (0..).zip(results) {
            match result {
                Ok(result) => assert_eq!(result, Ok(()), "{own}"),
                Err(_) => assert_eq!(own % 3, 0),
            }
        }
        assert_eq!(count(&directory), 8);
        add(&writer, 99).unwrap();
    }

    #[test]
    fn a_failed_commit_reaches_the_whole_group_and_nobody_after_it() {
        let (directory, writer) = writer();
        let results = together(&writer, 10, |own| {
            writer.run(|connection| {
                // A broken reference that is looked at only when the group commits.
                connection.pragma_update(None, "defer_foreign_keys", true)?;
                let parent = (own == 4).then_some(1);
                connection.execute("INSERT INTO stones (id, parent) VALUES (?1, ?2)", (own, parent))?;
                Ok(())
            })
        });
        for result in results {
            assert_eq!(result.unwrap(), Err(StorageError::Taken));
        }
        assert_eq!(count(&directory), 0);
        assert_eq!(add(&writer, 1), Ok(1), "the next group is not affected");
        assert_eq!(count(&directory), 1);
    }

    #[test]
    fn a_transaction_that_sqlite_took_back_is_told_to_all_of_it() {
        let (directory, writer) = writer();
        let results = together(&writer, 10, |own| {
            writer.run(|connection| {
                connection.execute("INSERT INTO stones (id) VALUES (?1)", [own])?;
                if own == 4 {
                    // What SQLite does by itself when it cannot do otherwise.
                    connection.execute_batch("ROLLBACK")?;
                }
                Ok(())
            })
        });
        let told = results.into_iter().filter(|result| matches!(result, Ok(Err(_)))).count() as u32;
        let kept = count(&directory);
        assert!(told >= 1);
        assert_eq!(told + kept, 10, "whoever was told that it is done has it");
        add(&writer, 99).unwrap();
    }

    #[test]
    fn a_group_has_an_end() {
        let (directory, writer) = writer();
        for result in together(&writer, LARGEST_GROUP + 40, |own| add(&writer, own)) {
            result.unwrap().unwrap();
        }
        assert_eq!(count(&directory), LARGEST_GROUP + 40);
    }
}
