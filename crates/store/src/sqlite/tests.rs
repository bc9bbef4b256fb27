use std::sync::Arc;

use gabion_identity::storage::{AccountChange, AccountStorage, SessionStorage};
use gabion_identity::{
    Accounts, BeginSession, Invitations, LoginSettings, NewAccount, Purpose, SessionSettings, Sessions,
};
use gabion_model::random::SeededRng;
use gabion_model::{Methods, TenantId, Timestamp};
use tempfile::TempDir;

use super::*;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

fn open(directory: &TempDir) -> Database {
    Database::open(&directory.path().join("gabion.db")).unwrap()
}

fn account(name: &str) -> NewAccount {
    NewAccount::person(name.parse().unwrap())
}

fn engines(database: &Database) -> (Arc<Sessions>, Accounts) {
    let storage: Arc<Database> = Arc::new(database.clone());
    let sessions = Sessions::open(storage.clone(), &SessionSettings::default(), NOW).unwrap();
    let accounts = Accounts::new(storage, Arc::clone(&sessions));
    (sessions, accounts)
}

fn begin() -> BeginSession {
    BeginSession { methods: Methods::PASSWORD, address: None, user_agent: None, now: NOW }
}

#[test]
fn conforms() {
    // The directories live as long as the cases.
    let directories = std::cell::RefCell::new(Vec::new());
    gabion_identity::storage::conformance::run(|| {
        let directory = tempfile::tempdir().unwrap();
        let database = open(&directory);
        directories.borrow_mut().push(directory);
        database
    });
}

#[test]
fn everything_outlives_a_restart_but_what_was_revoked() {
    let (directory, rng) = (tempfile::tempdir().unwrap(), SeededRng::new(1));
    let (kept, revoked, token) = {
        let database = open(&directory);
        let (sessions, accounts) = engines(&database);
        let ada = accounts.create(account("ada"), NOW, &rng).unwrap();
        let (kept, _) = sessions.begin(&ada, begin(), &rng).unwrap();
        let (revoked, session) = sessions.begin(&ada, begin(), &rng).unwrap();
        assert!(sessions.revoke(&session.id).unwrap());
        let invitations = Invitations::new(Arc::new(database.clone()), LoginSettings::default());
        let (token, _) = invitations.issue(&ada.id, Purpose::Reset, NOW, &rng).unwrap();
        (kept, revoked, token)
    };
    let database = open(&directory);
    let (sessions, accounts) = engines(&database);
    assert_eq!(accounts.list().unwrap().len(), 1);
    assert!(sessions.resolve(kept.expose(), NOW).is_some());
    assert!(sessions.resolve(revoked.expose(), NOW).is_none());
    let invitations = Invitations::new(Arc::new(database), LoginSettings::default());
    assert!(invitations.take(&token, NOW).unwrap().is_some());
}

/// What the disk holds while another process has the file open and never closed it: as after `kill -9`.
#[test]
fn a_copy_taken_without_closing_has_all_that_was_acknowledged() {
    let (directory, copy, rng) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), SeededRng::new(1));
    let database = open(&directory);
    let (sessions, accounts) = engines(&database);
    let ada = accounts.create(account("ada"), NOW, &rng).unwrap();
    let mut tickets = Vec::new();
    for _ in 0..5 {
        tickets.push(sessions.begin(&ada, begin(), &rng).unwrap().0);
        for file in ["gabion.db", "gabion.db-wal"] {
            std::fs::copy(directory.path().join(file), copy.path().join(file)).unwrap();
        }
        let survivor = open(&copy);
        survivor.check().unwrap();
        let (sessions, _) = engines(&survivor);
        assert!(tickets.iter().all(|ticket| sessions.resolve(ticket.expose(), NOW).is_some()));
        drop((survivor, sessions));
        for file in ["gabion.db-wal", "gabion.db-shm"] {
            let _ = std::fs::remove_file(copy.path().join(file));
        }
    }
}

#[test]
fn a_full_disk_is_told_and_damages_nothing() {
    let (directory, rng) = (tempfile::tempdir().unwrap(), SeededRng::new(1));
    let database = open(&directory);
    let (_, accounts) = engines(&database);
    database.limit_pages(24).unwrap();
    let mut made = 0;
    let full = loop {
        match accounts.create(account(&format!("account-{made}")), NOW, &rng) {
            Ok(_) => made += 1,
            Err(error) => break error,
        }
        assert!(made < 10_000, "the limit does not hold");
    };
    assert_eq!(full, gabion_identity::AccountError::Storage(StorageError::Full));
    assert!(made > 10);
    database.check().unwrap();
    assert_eq!(accounts.list().unwrap().len(), made, "nothing half done, nothing lost");
    // What needs no room still works, and room makes everything work again.
    let first = accounts.list().unwrap().remove(0);
    assert!(accounts.disable(&first.id).unwrap().disabled);
    database.limit_pages(10_000).unwrap();
    accounts.create(account("one-more"), NOW, &rng).unwrap();
    drop((database, accounts));
    let database = open(&directory);
    database.check().unwrap();
    assert_eq!(AccountStorage::list(&database).unwrap().len(), made + 1);
}

#[test]
fn a_failed_change_changes_nothing() {
    let (directory, rng) = (tempfile::tempdir().unwrap(), SeededRng::new(1));
    let database = open(&directory);
    let (sessions, accounts) = engines(&database);
    let ada = accounts.create(account("ada"), NOW, &rng).unwrap();
    let (ticket, _) = sessions.begin(&ada, begin(), &rng).unwrap();
    let ada = database.by_id(&ada.id).unwrap().unwrap();
    database.limit_pages(1).unwrap();
    // A hash too large for the page it stands on needs another page.
    let phc = "x".repeat(100_000);
    let refused = database.update(&ada.id, &AccountChange::Password { phc, now: NOW, keep: None });
    assert_eq!(refused, Err(StorageError::Full));
    assert_eq!(database.by_id(&ada.id).unwrap(), Some(ada));
    assert_eq!(database.load().unwrap().len(), 1);
    assert!(sessions.resolve(ticket.expose(), NOW).is_some());
}

#[test]
fn a_newer_database_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("gabion.db");
    drop(Database::open(&path).unwrap());
    let raw = Connection::open(&path).unwrap();
    raw.pragma_update(None, "user_version", 99).unwrap();
    drop(raw);
    let refused = Database::open(&path).unwrap_err();
    assert!(matches!(refused, DatabaseError::Newer { found: 99, known: 2.. }), "{refused}");
    assert!(refused.to_string().ends_with("use the newer gabion"), "{refused}");
}

#[test]
fn what_is_not_our_database_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("gabion.db");
    let raw = Connection::open(&path).unwrap();
    raw.execute_batch("CREATE TABLE bookmarks (url TEXT)").unwrap();
    drop(raw);
    assert_eq!(Database::open(&path).unwrap_err(), DatabaseError::NotOurs);

    let rubbish = directory.path().join("rubbish.db");
    std::fs::write(
        &rubbish,
        b"this is a text file, and a rather long one at that, but no database\n".repeat(100),
    )
    .unwrap();
    assert!(matches!(Database::open(&rubbish), Err(DatabaseError::Damaged(_))));
    assert!(std::fs::read(&rubbish).unwrap().starts_with(b"this is a text file"));

    let missing = directory.path().join("no/such/folder.db");
    assert!(matches!(Database::open(&missing), Err(DatabaseError::Io(_))));
}

#[test]
fn no_ticket_token_or_unsalted_secret_is_in_the_file() {
    let (directory, rng) = (tempfile::tempdir().unwrap(), SeededRng::new(9));
    let database = open(&directory);
    let (sessions, accounts) = engines(&database);
    let ada = accounts.create(account("ada"), NOW, &rng).unwrap();
    let (ticket, _) = sessions.begin(&ada, begin(), &rng).unwrap();
    let invitations = Invitations::new(Arc::new(database.clone()), LoginSettings::default());
    let (token, invitation) = invitations.issue(&ada.id, Purpose::Reset, NOW, &rng).unwrap();
    let mut content = Vec::new();
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        content.extend(std::fs::read(entry.unwrap().path()).unwrap());
    }
    let holds = |needle: &[u8]| content.windows(needle.len()).any(|window| window == needle);
    assert!(holds(&invitation.token_hash), "the search finds what is there");
    for secret in [ticket, token] {
        assert!(!holds(secret.expose().as_bytes()));
        assert!(!holds(&gabion_vault::encoding::base64url_decode(secret.expose()).unwrap()));
    }
}

#[test]
fn only_the_owner_can_read_the_files() {
    let (directory, rng) = (tempfile::tempdir().unwrap(), SeededRng::new(1));
    drop(open(&directory));
    // A backup restored with another program's idea of who may read it.
    let readable = Permissions::from_mode(0o644);
    std::fs::set_permissions(directory.path().join("gabion.db"), readable).unwrap();
    let database = open(&directory);
    let (_, accounts) = engines(&database);
    accounts.create(account("ada"), NOW, &rng).unwrap();
    let mut seen = 0;
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
        seen += 1;
    }
    assert!(seen >= 3, "the database and its side files");
}

#[test]
fn names_with_sql_in_them_are_just_names() {
    let (directory, rng) = (tempfile::tempdir().unwrap(), SeededRng::new(1));
    let database = open(&directory);
    let (_, accounts) = engines(&database);
    let tenant = TenantId::new("x'); DROP TABLE accounts; --");
    let new = NewAccount { tenant: tenant.clone(), ..account("ada") };
    let ada = accounts.create(new, NOW, &rng).unwrap();
    assert_eq!(AccountStorage::by_id(&database, &ada.id).unwrap().unwrap().tenant, tenant);
    assert_eq!(accounts.list().unwrap(), [ada]);
}

#[test]
fn statements_are_prepared_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("gabion.db");
    drop(Database::open(&path).unwrap());
    let connection = connect(&path).unwrap();
    let texts = [
        "SELECT id FROM totps WHERE account = ?1 ORDER BY number",
        "DELETE FROM devices WHERE account = ?1 AND device NOT IN
            (SELECT device FROM devices WHERE account = ?1 ORDER BY seen DESC LIMIT 3)",
        "SELECT id FROM accounts WHERE email = ?1 AND email_verified IS NOT NULL",
    ];
    for text in texts {
        for account in ["ada", "bob", "eve"] {
            let mut statement = connection.prepare_cached(text).unwrap();
            let mut rows = statement.query([account]).unwrap();
            while rows.next().unwrap().is_some() {}
            drop(rows);
            assert_eq!(statement.get_status(rusqlite::StatementStatus::RePrepare), 0, "{text}");
        }
    }
}
