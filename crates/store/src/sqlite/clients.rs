//! OAuth clients and their secrets.

use gabion_identity::StorageError;
use gabion_identity::oauth::client::{Client, ClientId, ClientSecret, ClientStorage, Registration};
use gabion_model::{AccountId, TenantId, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, named_params};

use super::accounts::malformed;
use super::{Database, Failure};

impl ClientStorage for Database {
    fn insert_client(&self, client: &Client) -> Result<(), StorageError> {
        self.write(|transaction| {
            transaction.prepare_cached(INSERT)?.execute(named_params! {
                ":id": client.id.as_str(),
                ":tenant": client.tenant.as_str(),
                ":metadata": metadata_to_json(client)?,
                ":account": client.account.as_ref().map(AccountId::as_str),
                ":registration": registration_to_text(client.registration)?,
                ":registration_token": client.registration_token,
                ":disabled": client.disabled,
                ":created": client.created.as_micros(),
                ":updated": client.updated.as_micros(),
                ":revision": revision_to_integer(client.revision),
            })?;
            insert_secrets(transaction, client)
        })
    }

    fn client(&self, id: &ClientId) -> Result<Option<Client>, StorageError> {
        self.read(|connection| {
            let found = connection.prepare_cached(BY_ID)?.query_row([id.as_str()], client).optional()?;
            found.map(|one| with_secrets(connection, one)).transpose()
        })
    }

    fn clients(&self) -> Result<Vec<Client>, StorageError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(LIST)?;
            let found: Vec<Client> = statement.query_map([], client)?.collect::<Result<_, _>>()?;
            found.into_iter().map(|one| with_secrets(connection, one)).collect()
        })
    }

    fn count_clients(&self) -> Result<usize, StorageError> {
        self.read(|connection| {
            let count: i64 = connection.prepare_cached(COUNT)?.query_row([], |row| row.get(0))?;
            Ok(usize::try_from(count).unwrap_or(0))
        })
    }

    fn replace_client(&self, client: &Client) -> Result<(), StorageError> {
        self.write(|transaction| {
            let id = client.id.as_str();
            let revision: Option<i64> =
                transaction.prepare_cached(REVISION)?.query_row([id], |row| row.get(0)).optional()?;
            let revision = revision.ok_or(StorageError::NotFound)?;
            if revision.saturating_add(1) != revision_to_integer(client.revision) {
                return Err(StorageError::Stale.into());
            }
            transaction.prepare_cached(REPLACE)?.execute(named_params! {
                ":id": id,
                ":tenant": client.tenant.as_str(),
                ":metadata": metadata_to_json(client)?,
                ":account": client.account.as_ref().map(AccountId::as_str),
                ":registration": registration_to_text(client.registration)?,
                ":registration_token": client.registration_token,
                ":disabled": client.disabled,
                ":created": client.created.as_micros(),
                ":updated": client.updated.as_micros(),
                ":revision": revision_to_integer(client.revision),
            })?;
            transaction.prepare_cached(REMOVE_SECRETS)?.execute([id])?;
            insert_secrets(transaction, client)
        })
    }

    fn remove_client(&self, id: &ClientId) -> Result<bool, StorageError> {
        self.write(|transaction| Ok(transaction.prepare_cached(REMOVE)?.execute([id.as_str()])? > 0))
    }
}

fn insert_secrets(transaction: &Connection, client: &Client) -> Result<(), Failure> {
    let mut statement = transaction.prepare_cached(INSERT_SECRET)?;
    for (position, secret) in (0_i64..).zip(&client.secrets) {
        statement.execute(named_params! {
            ":client": client.id.as_str(),
            ":position": position,
            ":id": secret.id,
            ":hash": secret.hash,
            ":created": secret.created.as_micros(),
            ":expires": secret.expires.map(Timestamp::as_micros),
        })?;
    }
    Ok(())
}

fn with_secrets(connection: &Connection, mut client: Client) -> Result<Client, Failure> {
    let mut statement = connection.prepare_cached(SECRETS)?;
    client.secrets = statement.query_map([client.id.as_str()], secret)?.collect::<Result<_, _>>()?;
    Ok(client)
}

/// A client but for its secrets.
fn client(row: &Row<'_>) -> rusqlite::Result<Client> {
    let (id, metadata): (String, String) = (row.get("id")?, row.get("metadata")?);
    Ok(Client {
        id: id.parse().map_err(|error| malformed("id", error))?,
        metadata: serde_json::from_str(&metadata).map_err(|error| malformed("metadata", error))?,
        tenant: TenantId::new(&row.get::<_, String>("tenant")?),
        secrets: Vec::new(),
        account: row.get::<_, Option<String>>("account")?.map(|id| AccountId::new(&id)),
        registration: match row.get_ref("registration")?.as_str()? {
            "dynamic" => Registration::Dynamic,
            _ => Registration::Operator,
        },
        registration_token: row.get("registration_token")?,
        disabled: row.get("disabled")?,
        created: Timestamp::from_micros(row.get("created")?),
        updated: Timestamp::from_micros(row.get("updated")?),
        revision: u64::try_from(row.get::<_, i64>("revision")?).unwrap_or(0),
    })
}

fn secret(row: &Row<'_>) -> rusqlite::Result<ClientSecret> {
    Ok(ClientSecret {
        id: row.get("id")?,
        hash: row.get("hash")?,
        created: Timestamp::from_micros(row.get("created")?),
        expires: row.get::<_, Option<i64>>("expires")?.map(Timestamp::from_micros),
    })
}

fn metadata_to_json(client: &Client) -> Result<String, StorageError> {
    serde_json::to_string(&client.metadata).map_err(|error| StorageError::Io(error.to_string()))
}

fn registration_to_text(registration: Registration) -> Result<&'static str, StorageError> {
    match registration {
        Registration::Dynamic => Ok("dynamic"),
        Registration::Operator => Ok("operator"),
        Registration::Document => Err(StorageError::Io("a document's client is not stored".to_owned())),
    }
}

fn revision_to_integer(revision: u64) -> i64 {
    i64::try_from(revision).unwrap_or(i64::MAX)
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, tenant, metadata, account, registration, registration_token, disabled, created, ",
            "updated, revision FROM clients ",
            $rest
        )
    };
}

const BY_ID: &str = select!("WHERE id = ?1");
const COUNT: &str = "SELECT count(*) FROM clients";
const LIST: &str = select!("ORDER BY id");
const REVISION: &str = "SELECT revision FROM clients WHERE id = ?1";
const INSERT: &str = "
    INSERT INTO clients
        (id, tenant, metadata, account, registration, registration_token, disabled, created, updated, revision)
    VALUES
        (:id, :tenant, :metadata, :account, :registration, :registration_token, :disabled, :created, :updated,
        :revision)";
const REPLACE: &str = "
    UPDATE clients
    SET tenant = :tenant, metadata = :metadata, account = :account, registration = :registration,
        registration_token = :registration_token, disabled = :disabled, created = :created,
        updated = :updated, revision = :revision
    WHERE id = :id";
const REMOVE: &str = "DELETE FROM clients WHERE id = ?1";
const INSERT_SECRET: &str = "
    INSERT INTO client_secrets (client, position, id, hash, created, expires)
    VALUES (:client, :position, :id, :hash, :created, :expires)";
const SECRETS: &str =
    "SELECT id, hash, created, expires FROM client_secrets WHERE client = ?1 ORDER BY position";
const REMOVE_SECRETS: &str = "DELETE FROM client_secrets WHERE client = ?1";
