//! Grants, pending requests and consents.

use gabion_identity::StorageError;
use gabion_identity::oauth::client::ClientId;
use gabion_identity::oauth::grant::{Consent, Grant, LastAnswer, Refresh};
use gabion_identity::oauth::request::Progress;
use gabion_identity::oauth::storage::{Ending, Extension, OAuthStorage, Pending, Redeemed};
use gabion_identity::oauth::token::Confirmation;
use gabion_identity::oauth::{GrantId, Scopes};
use gabion_model::{AccountId, SessionId, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, named_params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::accounts::{epoch_to_integer, malformed};
use super::{Database, Failure};

impl OAuthStorage for Database {
    fn insert_pending(&self, pending: &Pending) -> Result<(), StorageError> {
        self.write(|transaction| {
            transaction.prepare_cached(INSERT_PENDING)?.execute(named_params! {
                ":id": pending.id,
                ":browser": pending.browser,
                ":request": to_json(&pending.request)?,
                ":begun": pending.progress.begun.as_micros(),
                ":selected": pending.progress.selected,
                ":stepped_up": pending.progress.stepped_up,
                ":expires": pending.expires.as_micros(),
            })?;
            Ok(())
        })
    }

    fn pending(&self, id: &[u8; 32], now: Timestamp) -> Result<Option<Pending>, StorageError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(PENDING)?;
            Ok(statement.query_row((id, now.as_micros()), pending).optional()?)
        })
    }

    fn set_progress(&self, id: &[u8; 32], progress: Progress) -> Result<(), StorageError> {
        self.write(|transaction| {
            let mut statement = transaction.prepare_cached(SET_PROGRESS)?;
            statement.execute((id, progress.begun.as_micros(), progress.selected, progress.stepped_up))?;
            Ok(())
        })
    }

    fn take_pending(&self, id: &[u8; 32]) -> Result<bool, StorageError> {
        self.write(|transaction| Ok(transaction.prepare_cached(TAKE_PENDING)?.execute([id])? == 1))
    }

    fn insert_grant(&self, grant: &Grant) -> Result<(), StorageError> {
        self.write(|transaction| {
            let row = (grant.account.as_str(), epoch_to_integer(grant.epoch));
            let allowed = transaction.prepare_cached(ALLOWED)?.query_row(row, |_| Ok(())).optional()?;
            if allowed.is_none() {
                return Err(StorageError::Stale.into());
            }
            let last = grant.refresh.as_ref().and_then(|refresh| refresh.last.as_ref());
            transaction.prepare_cached(INSERT_GRANT)?.execute(named_params! {
                ":id": grant.id.as_str(),
                ":client": grant.client.as_str(),
                ":account": grant.account.as_str(),
                ":epoch": epoch_to_integer(grant.epoch),
                ":session": grant.session.as_ref().map(SessionId::as_str),
                ":offline": grant.offline,
                ":terms": to_json(&grant.terms)?,
                ":code_hash": grant.code_hash,
                ":redeemed": grant.redeemed.map(Timestamp::as_micros),
                ":created": grant.created.as_micros(),
                ":last_used": grant.last_used.as_micros(),
                ":expires": grant.expires.as_micros(),
                ":latest": grant.latest.as_micros(),
                ":ended": grant.ended.map(Timestamp::as_micros),
                ":refresh_key": grant.refresh.as_ref().map(|refresh| &refresh.key),
                ":counter": grant.refresh.as_ref().map_or(0, |refresh| counter_to_integer(refresh.counter)),
                ":last_time": last.map(|last| last.time.as_micros()),
                ":last_asked": last.map(|last| last.asked),
                ":last_answer": last.map(|last| &last.answer),
            })?;
            Ok(())
        })
    }

    fn grant(&self, id: &GrantId) -> Result<Option<Grant>, StorageError> {
        self.read(|connection| {
            Ok(connection.prepare_cached(GRANT)?.query_row([id.as_str()], grant).optional()?)
        })
    }

    fn redeem(
        &self,
        code: &[u8; 32],
        bind: &Confirmation,
        until: Extension,
        now: Timestamp,
    ) -> Result<Redeemed, StorageError> {
        self.write(|transaction| {
            let taken = transaction
                .prepare_cached(REDEEM)?
                .query_row(
                    (
                        code,
                        now.as_micros(),
                        until.access.as_micros(),
                        until.refresh.as_micros(),
                        &bind.jkt,
                        &bind.x5t_s256,
                    ),
                    grant,
                )
                .optional()?;
            if let Some(taken) = taken {
                return Ok(Redeemed::Now(Box::new(taken)));
            }
            let known = transaction.prepare_cached(GRANT_BY_CODE)?.query_row([code], grant).optional()?;
            Ok(match known {
                Some(known) if known.redeemed.is_some() || known.ended.is_some() => {
                    Redeemed::Again(Box::new(known))
                }
                _ => Redeemed::Unknown,
            })
        })
    }

    fn rotate(
        &self,
        id: &GrantId,
        from: u64,
        last: &LastAnswer,
        expires: Timestamp,
    ) -> Result<bool, StorageError> {
        self.write(|transaction| {
            let changed = transaction.prepare_cached(ROTATE)?.execute(named_params! {
                ":id": id.as_str(),
                ":from": counter_to_integer(from),
                ":time": last.time.as_micros(),
                ":asked": last.asked,
                ":answer": last.answer,
                ":expires": expires.as_micros(),
            })?;
            Ok(changed == 1)
        })
    }

    fn end_grants(&self, which: &Ending<'_>, now: Timestamp) -> Result<Vec<GrantId>, StorageError> {
        let now = now.as_micros();
        self.write(|transaction| match which {
            Ending::Account(account) => end(transaction, END_OF_ACCOUNT, (now, account.as_str())),
            Ending::AccountClient(account, client) => {
                let pair = (account.as_str(), client.as_str());
                transaction.prepare_cached(REMOVE_CONSENT)?.execute(pair)?;
                end(transaction, END_OF_ACCOUNT_CLIENT, (now, pair.0, pair.1))
            }
            Ending::Client(client) => end(transaction, END_OF_CLIENT, (now, client.as_str())),
            Ending::One(id) => end(transaction, END_ONE, (now, id.as_str())),
            Ending::Session(session) => end(transaction, END_OF_SESSION, (now, session.as_str())),
            Ending::Stale => end(transaction, END_STALE, [now]),
        })
    }

    fn grants_of(&self, account: &AccountId, now: Timestamp) -> Result<Vec<Grant>, StorageError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(GRANTS_OF)?;
            let rows = statement.query_map((account.as_str(), now.as_micros()), grant)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    fn ended_since(&self, since: Timestamp) -> Result<Vec<(GrantId, Timestamp)>, StorageError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(ENDED_SINCE)?;
            let rows = statement.query_map([since.as_micros()], |row| {
                let id = GrantId::new(row.get_ref(0)?.as_str()?);
                Ok((id, Timestamp::from_micros(row.get(1)?)))
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    fn bound_grants(&self) -> Result<Vec<(SessionId, GrantId)>, StorageError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(BOUND)?;
            let rows = statement.query_map([], |row| {
                Ok((SessionId::new(row.get_ref(0)?.as_str()?), GrantId::new(row.get_ref(1)?.as_str()?)))
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    fn clients_of_session(&self, session: &SessionId) -> Result<Vec<ClientId>, StorageError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(CLIENTS_OF_SESSION)?;
            let rows = statement.query_map([session.as_str()], |row| {
                row.get_ref(0)?.as_str()?.parse().map_err(|error| malformed("client", error))
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    fn put_consent(&self, consent: &Consent) -> Result<(), StorageError> {
        self.write(|transaction| {
            let account = consent.account.as_str();
            let known = transaction.prepare_cached(KNOWN)?.query_row([account], |_| Ok(())).optional()?;
            if known.is_none() {
                return Err(StorageError::NotFound.into());
            }
            transaction.prepare_cached(PUT_CONSENT)?.execute(named_params! {
                ":account": account,
                ":client": consent.client.as_str(),
                ":scope": consent.scope.to_string(),
                ":claims": to_json(&consent.claims)?,
                ":granted": consent.granted.as_micros(),
            })?;
            Ok(())
        })
    }

    fn consent(&self, account: &AccountId, client: &ClientId) -> Result<Option<Consent>, StorageError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(CONSENT)?;
            Ok(statement.query_row((account.as_str(), client.as_str()), consent).optional()?)
        })
    }

    fn consents(&self, account: &AccountId) -> Result<Vec<Consent>, StorageError> {
        self.read(|connection: &Connection| {
            let mut statement = connection.prepare_cached(CONSENTS)?;
            let rows = statement.query_map([account.as_str()], consent)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    fn purge_oauth(&self, now: Timestamp, before: Timestamp) -> Result<(), StorageError> {
        self.write(|transaction| {
            transaction.prepare_cached(PURGE_PENDING)?.execute([now.as_micros()])?;
            transaction.prepare_cached(PURGE_GRANTS)?.execute([before.as_micros()])?;
            Ok(())
        })
    }
}

fn end(
    transaction: &Connection,
    sql: &str,
    parameters: impl rusqlite::Params,
) -> Result<Vec<GrantId>, Failure> {
    let mut statement = transaction.prepare_cached(sql)?;
    let rows = statement.query_map(parameters, |row| Ok(GrantId::new(row.get_ref(0)?.as_str()?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn pending(row: &Row<'_>) -> rusqlite::Result<Pending> {
    Ok(Pending {
        id: row.get("id")?,
        browser: row.get("browser")?,
        request: from_json(row, "request")?,
        progress: Progress {
            begun: Timestamp::from_micros(row.get("begun")?),
            selected: row.get("selected")?,
            stepped_up: row.get("stepped_up")?,
        },
        expires: Timestamp::from_micros(row.get("expires")?),
    })
}

fn grant(row: &Row<'_>) -> rusqlite::Result<Grant> {
    let time = |column| Ok::<_, rusqlite::Error>(Timestamp::from_micros(row.get(column)?));
    let maybe =
        |column| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_micros));
    let last = match (maybe("last_time")?, row.get("last_asked")?, row.get("last_answer")?) {
        (Some(time), Some(asked), Some(answer)) => Some(LastAnswer { time, asked, answer }),
        _ => None,
    };
    let key: Option<Vec<u8>> = row.get("refresh_key")?;
    let counter = u64::try_from(row.get::<_, i64>("counter")?).unwrap_or(0);
    Ok(Grant {
        id: GrantId::new(row.get_ref("id")?.as_str()?),
        client: client(row)?,
        account: AccountId::new(row.get_ref("account")?.as_str()?),
        epoch: u64::try_from(row.get::<_, i64>("epoch")?).unwrap_or(0),
        session: row.get_ref("session")?.as_str_or_null()?.map(SessionId::new),
        offline: row.get("offline")?,
        terms: from_json(row, "terms")?,
        code_hash: row.get("code_hash")?,
        redeemed: maybe("redeemed")?,
        created: time("created")?,
        last_used: time("last_used")?,
        expires: time("expires")?,
        latest: time("latest")?,
        ended: maybe("ended")?,
        refresh: key.map(|key| Refresh { key, counter, last }),
    })
}

fn consent(row: &Row<'_>) -> rusqlite::Result<Consent> {
    let scope = row.get_ref("scope")?.as_str()?;
    Ok(Consent {
        account: AccountId::new(row.get_ref("account")?.as_str()?),
        client: client(row)?,
        scope: Scopes::parse(scope)
            .ok_or_else(|| malformed("scope", StorageError::Io("not a scope".to_owned())))?,
        claims: from_json(row, "claims")?,
        granted: Timestamp::from_micros(row.get("granted")?),
    })
}

fn client(row: &Row<'_>) -> rusqlite::Result<ClientId> {
    row.get_ref("client")?.as_str()?.parse().map_err(|error| malformed("client", error))
}

fn to_json(value: &impl Serialize) -> Result<String, StorageError> {
    serde_json::to_string(value).map_err(|error| StorageError::Io(error.to_string()))
}

fn from_json<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    serde_json::from_str(row.get_ref(column)?.as_str()?).map_err(|error| malformed(column, error))
}

fn counter_to_integer(counter: u64) -> i64 {
    i64::try_from(counter).unwrap_or(i64::MAX)
}

macro_rules! grant_columns {
    () => {
        "id, client, account, epoch, session, offline, terms, code_hash, redeemed, created, last_used, expires, \
         latest, ended, refresh_key, counter, last_time, last_asked, last_answer"
    };
}

const INSERT_PENDING: &str = "
    INSERT INTO oauth_pending (id, browser, request, begun, selected, stepped_up, expires)
    VALUES (:id, :browser, :request, :begun, :selected, :stepped_up, :expires)";
const PENDING: &str = "
    SELECT id, browser, request, begun, selected, stepped_up, expires FROM oauth_pending
    WHERE id = ?1 AND expires > ?2";
const SET_PROGRESS: &str =
    "UPDATE oauth_pending SET begun = ?2, selected = ?3, stepped_up = ?4 WHERE id = ?1";
const TAKE_PENDING: &str = "DELETE FROM oauth_pending WHERE id = ?1";
const ALLOWED: &str = "SELECT 1 FROM accounts WHERE id = ?1 AND disabled = 0 AND epoch = ?2";
const KNOWN: &str = "SELECT 1 FROM accounts WHERE id = ?1";
const INSERT_GRANT: &str = concat!(
    "INSERT INTO oauth_grants (",
    grant_columns!(),
    ") VALUES (:id, :client, :account, :epoch, :session, :offline, :terms, :code_hash, :redeemed, :created, \
     :last_used, :expires, :latest, :ended, :refresh_key, :counter, :last_time, :last_asked, :last_answer)"
);
const GRANT: &str = concat!("SELECT ", grant_columns!(), " FROM oauth_grants WHERE id = ?1");
const GRANT_BY_CODE: &str = concat!("SELECT ", grant_columns!(), " FROM oauth_grants WHERE code_hash = ?1");
/// What is there already stays.
macro_rules! bound_to_key {
    () => {
        "CASE WHEN ?5 IS NULL THEN terms ELSE json_insert(terms, '$.dpop_jkt', ?5) END"
    };
}

const REDEEM: &str = concat!(
    "UPDATE oauth_grants SET redeemed = ?2, last_used = ?2, \
     expires = CASE WHEN refresh_key IS NULL THEN ?3 ELSE min(latest, ?4) END, \
     terms = CASE WHEN ?6 IS NULL THEN ",
    bound_to_key!(),
    " ELSE json_insert(",
    bound_to_key!(),
    ", '$.x5t_s256', ?6) END \
     WHERE code_hash = ?1 AND redeemed IS NULL AND ended IS NULL AND expires > ?2 RETURNING ",
    grant_columns!()
);
const ROTATE: &str = "
    UPDATE oauth_grants
    SET counter = counter + 1, last_time = :time, last_asked = :asked, last_answer = :answer,
        last_used = :time, expires = min(latest, :expires)
    WHERE id = :id AND counter = :from AND ended IS NULL AND refresh_key IS NOT NULL";
const END_OF_ACCOUNT: &str =
    "UPDATE oauth_grants SET ended = ?1 WHERE account = ?2 AND ended IS NULL RETURNING id";
const END_OF_ACCOUNT_CLIENT: &str =
    "UPDATE oauth_grants SET ended = ?1 WHERE account = ?2 AND client = ?3 AND ended IS NULL RETURNING id";
const END_OF_CLIENT: &str =
    "UPDATE oauth_grants SET ended = ?1 WHERE client = ?2 AND ended IS NULL RETURNING id";
const END_ONE: &str = "UPDATE oauth_grants SET ended = ?1 WHERE id = ?2 AND ended IS NULL RETURNING id";
const END_OF_SESSION: &str = "
    UPDATE oauth_grants SET ended = ?1 WHERE session = ?2 AND offline = 0 AND ended IS NULL RETURNING id";
const END_STALE: &str = "
    UPDATE oauth_grants SET ended = ?1
    WHERE ended IS NULL AND NOT EXISTS (
        SELECT 1 FROM accounts
        WHERE accounts.id = oauth_grants.account AND disabled = 0 AND accounts.epoch = oauth_grants.epoch)
    RETURNING id";
const GRANTS_OF: &str = concat!(
    "SELECT ",
    grant_columns!(),
    " FROM oauth_grants WHERE account = ?1 AND redeemed IS NOT NULL AND ended IS NULL AND expires > ?2 \
     ORDER BY created, id"
);
const ENDED_SINCE: &str = "SELECT id, ended FROM oauth_grants WHERE ended >= ?1";
const CLIENTS_OF_SESSION: &str = "
    SELECT DISTINCT client FROM oauth_grants WHERE session = ?1 AND redeemed IS NOT NULL ORDER BY client";
const BOUND: &str =
    "SELECT session, id FROM oauth_grants WHERE session IS NOT NULL AND offline = 0 AND ended IS NULL";
const PUT_CONSENT: &str = "
    INSERT INTO oauth_consents (account, client, scope, claims, granted)
    VALUES (:account, :client, :scope, :claims, :granted)
    ON CONFLICT (account, client) DO UPDATE
    SET scope = excluded.scope, claims = excluded.claims, granted = excluded.granted";
const CONSENT: &str =
    "SELECT account, client, scope, claims, granted FROM oauth_consents WHERE account = ?1 AND client = ?2";
const CONSENTS: &str =
    "SELECT account, client, scope, claims, granted FROM oauth_consents WHERE account = ?1 ORDER BY client";
const REMOVE_CONSENT: &str = "DELETE FROM oauth_consents WHERE account = ?1 AND client = ?2";
const PURGE_PENDING: &str = "DELETE FROM oauth_pending WHERE expires <= ?1";
const PURGE_GRANTS: &str = "DELETE FROM oauth_grants WHERE coalesce(ended, expires) < ?1";
