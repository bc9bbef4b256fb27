//! Sessions.

use gabion_identity::storage::{SessionStorage, StoredSession};
use gabion_identity::{Account, StorageError};
use gabion_model::{AccountId, Methods, SessionId, Timestamp};
use rusqlite::{Row, named_params};

use super::Database;
use super::accounts::{account, account_columns, epoch_to_integer, malformed};

impl SessionStorage for Database {
    fn insert(&self, session: &StoredSession, epoch: u64) -> Result<(), StorageError> {
        self.write(|transaction| {
            let mut signed_in = transaction.prepare_cached(SIGNED_IN)?;
            let account = session.account.as_str();
            if signed_in.execute((account, epoch_to_integer(epoch), session.started.as_micros()))? == 0 {
                return Err(StorageError::Stale.into());
            }
            transaction.prepare_cached(INSERT)?.execute(named_params! {
                ":id": session.id.as_str(),
                ":ticket_hash": session.ticket_hash,
                ":account": session.account.as_str(),
                ":started": session.started.as_micros(),
                ":authenticated": session.authenticated.as_micros(),
                ":methods": session.methods.bits(),
                ":last_seen": session.last_seen.as_micros(),
                ":address": session.address.map(|address| address.to_string()),
                ":user_agent": session.user_agent,
            })?;
            Ok(())
        })
    }

    fn load(&self) -> Result<Vec<(StoredSession, Account)>, StorageError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(LOAD)?;
            let rows = statement.query_map([], |row| Ok((session(row)?, account(row)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    fn remove(&self, ids: &[SessionId]) -> Result<(), StorageError> {
        self.write(|transaction| {
            let mut statement = transaction.prepare_cached(REMOVE)?;
            for id in ids {
                statement.execute([id.as_str()])?;
            }
            Ok(())
        })
    }

    fn touch(&self, seen: &[(SessionId, Timestamp)]) -> Result<(), StorageError> {
        self.write(|transaction| {
            let mut statement = transaction.prepare_cached(TOUCH)?;
            for (id, time) in seen {
                statement.execute((id.as_str(), time.as_micros()))?;
            }
            Ok(())
        })
    }
}

fn session(row: &Row<'_>) -> rusqlite::Result<StoredSession> {
    let address: Option<String> = row.get("address")?;
    let address =
        address.map(|text| text.parse()).transpose().map_err(|error| malformed("address", error))?;
    Ok(StoredSession {
        id: SessionId::new(&row.get::<_, String>("session_id")?),
        ticket_hash: row.get("ticket_hash")?,
        account: AccountId::new(&row.get::<_, String>("account_id")?),
        started: Timestamp::from_micros(row.get("started")?),
        authenticated: Timestamp::from_micros(row.get("authenticated")?),
        methods: Methods::from_bits(row.get("methods")?),
        last_seen: Timestamp::from_micros(row.get("last_seen")?),
        address,
        user_agent: row.get("user_agent")?,
    })
}

const SIGNED_IN: &str = "
    UPDATE accounts SET last_sign_in = max(coalesce(last_sign_in, ?3), ?3)
    WHERE id = ?1 AND disabled = 0 AND epoch = ?2";
const INSERT: &str = "
    INSERT INTO sessions (id, ticket_hash, account, started, authenticated, methods, last_seen, address, user_agent)
    VALUES (:id, :ticket_hash, :account, :started, :authenticated, :methods, :last_seen, :address, :user_agent)";
const LOAD: &str = concat!(
    "SELECT sessions.id AS session_id, ticket_hash, started, authenticated, methods, last_seen, address, \
    user_agent, ",
    account_columns!(),
    " FROM sessions JOIN accounts ON accounts.id = sessions.account WHERE disabled = 0"
);
const REMOVE: &str = "DELETE FROM sessions WHERE id = ?1";
const TOUCH: &str = "UPDATE sessions SET last_seen = ?2 WHERE id = ?1";
