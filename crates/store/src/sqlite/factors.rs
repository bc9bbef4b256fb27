//! Second factors.

use gabion_identity::StorageError;
use gabion_identity::factors::FactorId;
use gabion_identity::factors::totp::Totp;
use gabion_identity::passkey::Passkey;
use gabion_identity::storage::{FactorStorage, Factors, PasskeyUse, Removal};
use gabion_model::{AccountId, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, named_params, params};

use super::{Database, Failure};

impl FactorStorage for Database {
    fn factors(&self, account: &AccountId) -> Result<Factors, StorageError> {
        self.read(|connection| {
            let account = account.as_str();
            let mut totps = connection.prepare_cached(TOTPS)?;
            let totps = totps.query_map([account], totp)?.collect::<Result<_, _>>()?;
            let mut passkeys = connection.prepare_cached(PASSKEYS)?;
            let passkeys = passkeys.query_map([account], passkey)?.collect::<Result<_, _>>()?;
            let codes: i64 =
                connection.prepare_cached(COUNT_CODES)?.query_row([account], |row| row.get(0))?;
            Ok(Factors { totps, passkeys, recovery_codes: usize::try_from(codes).unwrap_or_default() })
        })
    }

    fn add_totp(&self, totp: &Totp) -> Result<(), StorageError> {
        let totp = totp.clone();
        self.write(move |transaction| {
            known(transaction, &totp.account)?;
            transaction.prepare_cached(INSERT_TOTP)?.execute(named_params! {
                ":id": totp.id.as_str(),
                ":account": totp.account.as_str(),
                ":name": totp.name,
                ":sealed": totp.sealed,
                ":last_step": i64::try_from(totp.last_step).unwrap_or(i64::MAX),
                ":created": totp.created.as_micros(),
                ":last_used": totp.last_used.map(Timestamp::as_micros),
            })?;
            Ok(())
        })
    }

    fn use_totp(&self, id: &FactorId, step: u64, now: Timestamp) -> Result<bool, StorageError> {
        let (id, step) = (id.clone(), i64::try_from(step).unwrap_or(i64::MAX));
        self.write(move |transaction| {
            let parameters = params![id.as_str(), step, now.as_micros()];
            Ok(transaction.prepare_cached(USE_TOTP)?.execute(parameters)? == 1)
        })
    }

    fn add_passkey(&self, passkey: &Passkey) -> Result<(), StorageError> {
        let passkey = passkey.clone();
        self.write(move |transaction| {
            known(transaction, &passkey.account)?;
            transaction.prepare_cached(INSERT_PASSKEY)?.execute(named_params! {
                ":id": passkey.id.as_str(),
                ":account": passkey.account.as_str(),
                ":name": passkey.name,
                ":credential": passkey.credential,
                ":public_key": passkey.public_key,
                ":sign_count": passkey.sign_count,
                ":backup_eligible": passkey.backup_eligible,
                ":backed_up": passkey.backed_up,
                ":transports": passkey.transports.join(" "),
                ":aaguid": passkey.aaguid,
                ":created": passkey.created.as_micros(),
                ":last_used": passkey.last_used.map(Timestamp::as_micros),
            })?;
            Ok(())
        })
    }

    fn passkey(&self, credential: &[u8]) -> Result<Option<Passkey>, StorageError> {
        self.read(|connection| {
            Ok(connection.prepare_cached(PASSKEY)?.query_row([credential], passkey).optional()?)
        })
    }

    fn use_passkey(&self, id: &FactorId, used: &PasskeyUse) -> Result<bool, StorageError> {
        let (id, used) = (id.clone(), *used);
        self.write(move |transaction| {
            let changed = transaction.prepare_cached(USE_PASSKEY)?.execute(named_params! {
                ":id": id.as_str(),
                ":before": used.before,
                ":sign_count": used.sign_count,
                ":backed_up": used.backed_up,
                ":now": used.now.as_micros(),
            })?;
            Ok(changed == 1)
        })
    }

    fn rename_factor(&self, account: &AccountId, id: &FactorId, name: &str) -> Result<bool, StorageError> {
        let (account, id, name) = (account.clone(), id.clone(), name.to_owned());
        self.write(move |transaction| {
            let mut changed = 0;
            for sql in [RENAME_TOTP, RENAME_PASSKEY] {
                let parameters = params![account.as_str(), id.as_str(), name];
                changed += transaction.prepare_cached(sql)?.execute(parameters)?;
            }
            Ok(changed > 0)
        })
    }

    fn remove_factor(
        &self,
        account: &AccountId,
        id: &FactorId,
        keep_last: bool,
    ) -> Result<Removal, StorageError> {
        let (account, id) = (account.clone(), id.clone());
        self.write(move |transaction| {
            let owned = params![account.as_str(), id.as_str()];
            let has: bool = transaction.prepare_cached(HAS)?.query_row(owned, |row| row.get(0))?;
            if !has {
                return Ok(Removal::NotThere);
            }
            let last = count(transaction, &account)? == 1;
            if last && keep_last {
                return Ok(Removal::Last);
            }
            for sql in [REMOVE_TOTP, REMOVE_PASSKEY] {
                transaction.prepare_cached(sql)?.execute(params![account.as_str(), id.as_str()])?;
            }
            if last {
                transaction.prepare_cached(CLEAR_CODES)?.execute([account.as_str()])?;
            }
            Ok(Removal::Removed)
        })
    }

    fn clear_factors(&self, account: &AccountId) -> Result<usize, StorageError> {
        let account = account.clone();
        self.write(move |transaction| {
            let count = count(transaction, &account)?;
            for sql in [CLEAR_TOTPS, CLEAR_PASSKEYS, CLEAR_CODES] {
                transaction.prepare_cached(sql)?.execute([account.as_str()])?;
            }
            Ok(usize::try_from(count).unwrap_or_default())
        })
    }

    fn set_recovery_codes(&self, account: &AccountId, hashes: &[[u8; 32]]) -> Result<(), StorageError> {
        let (account, hashes) = (account.clone(), hashes.to_vec());
        self.write(move |transaction| {
            known(transaction, &account)?;
            transaction.prepare_cached(CLEAR_CODES)?.execute([account.as_str()])?;
            for hash in &hashes {
                transaction.prepare_cached(INSERT_CODE)?.execute(params![account.as_str(), hash])?;
            }
            Ok(())
        })
    }

    fn use_recovery_code(&self, account: &AccountId, hash: &[u8; 32]) -> Result<bool, StorageError> {
        let (account, hash) = (account.clone(), *hash);
        self.write(move |transaction| {
            Ok(transaction.prepare_cached(USE_CODE)?.execute(params![account.as_str(), hash])? == 1)
        })
    }
}

fn known(transaction: &Connection, account: &AccountId) -> Result<(), Failure> {
    let found = transaction.prepare_cached(KNOWN)?.query_row([account.as_str()], |_| Ok(())).optional()?;
    found.ok_or_else(|| StorageError::NotFound.into())
}

fn count(connection: &Connection, account: &AccountId) -> Result<i64, Failure> {
    Ok(connection.prepare_cached(COUNT)?.query_row([account.as_str()], |row| row.get(0))?)
}

fn totp(row: &Row<'_>) -> rusqlite::Result<Totp> {
    Ok(Totp {
        id: FactorId::new(&row.get::<_, String>("id")?),
        account: AccountId::new(&row.get::<_, String>("account")?),
        name: row.get("name")?,
        sealed: row.get("sealed")?,
        last_step: u64::try_from(row.get::<_, i64>("last_step")?).unwrap_or(u64::MAX),
        created: Timestamp::from_micros(row.get("created")?),
        last_used: row.get::<_, Option<i64>>("last_used")?.map(Timestamp::from_micros),
    })
}

fn passkey(row: &Row<'_>) -> rusqlite::Result<Passkey> {
    let transports: String = row.get("transports")?;
    Ok(Passkey {
        id: FactorId::new(&row.get::<_, String>("id")?),
        account: AccountId::new(&row.get::<_, String>("account")?),
        name: row.get("name")?,
        credential: row.get("credential")?,
        public_key: row.get("public_key")?,
        sign_count: row.get("sign_count")?,
        backup_eligible: row.get("backup_eligible")?,
        backed_up: row.get("backed_up")?,
        transports: transports.split_whitespace().map(str::to_owned).collect(),
        aaguid: row.get("aaguid")?,
        created: Timestamp::from_micros(row.get("created")?),
        last_used: row.get::<_, Option<i64>>("last_used")?.map(Timestamp::from_micros),
    })
}

const KNOWN: &str = "SELECT 1 FROM accounts WHERE id = ?1";
const TOTPS: &str = "
    SELECT id, account, name, sealed, last_step, created, last_used
    FROM totps WHERE account = ?1 ORDER BY number";
const PASSKEYS: &str = "
    SELECT id, account, name, credential, public_key, sign_count, backup_eligible, backed_up, transports,
        aaguid, created, last_used
    FROM passkeys WHERE account = ?1 ORDER BY number";
const PASSKEY: &str = "
    SELECT id, account, name, credential, public_key, sign_count, backup_eligible, backed_up, transports,
        aaguid, created, last_used
    FROM passkeys WHERE credential = ?1";
const COUNT_CODES: &str = "SELECT count(*) FROM recovery_codes WHERE account = ?1";
const INSERT_TOTP: &str = "
    INSERT INTO totps (id, account, name, sealed, last_step, created, last_used)
    VALUES (:id, :account, :name, :sealed, :last_step, :created, :last_used)";
const USE_TOTP: &str = "UPDATE totps SET last_step = ?2, last_used = ?3 WHERE id = ?1 AND last_step < ?2";
const INSERT_PASSKEY: &str = "
    INSERT INTO passkeys (id, account, name, credential, public_key, sign_count, backup_eligible, backed_up,
        transports, aaguid, created, last_used)
    VALUES (:id, :account, :name, :credential, :public_key, :sign_count, :backup_eligible, :backed_up,
        :transports, :aaguid, :created, :last_used)";
const USE_PASSKEY: &str = "
    UPDATE passkeys SET sign_count = :sign_count, backed_up = :backed_up, last_used = :now
    WHERE id = :id AND sign_count = :before";
const RENAME_TOTP: &str = "UPDATE totps SET name = ?3 WHERE account = ?1 AND id = ?2";
const RENAME_PASSKEY: &str = "UPDATE passkeys SET name = ?3 WHERE account = ?1 AND id = ?2";
const HAS: &str = "
    SELECT EXISTS (SELECT 1 FROM totps WHERE account = ?1 AND id = ?2)
        OR EXISTS (SELECT 1 FROM passkeys WHERE account = ?1 AND id = ?2)";
const COUNT: &str = "
    SELECT (SELECT count(*) FROM totps WHERE account = ?1) + (SELECT count(*) FROM passkeys WHERE account = ?1)";
const REMOVE_TOTP: &str = "DELETE FROM totps WHERE account = ?1 AND id = ?2";
const REMOVE_PASSKEY: &str = "DELETE FROM passkeys WHERE account = ?1 AND id = ?2";
const CLEAR_TOTPS: &str = "DELETE FROM totps WHERE account = ?1";
const CLEAR_PASSKEYS: &str = "DELETE FROM passkeys WHERE account = ?1";
const CLEAR_CODES: &str = "DELETE FROM recovery_codes WHERE account = ?1";
const INSERT_CODE: &str = "INSERT INTO recovery_codes (account, hash) VALUES (?1, ?2)";
const USE_CODE: &str = "DELETE FROM recovery_codes WHERE account = ?1 AND hash = ?2";
