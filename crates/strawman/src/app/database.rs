//! The database: in memory, filled afresh at every start.

use gabion_model::Secret;
use gabion_vault::password::{Cost, hash};
use gabion_vault::{SystemRng, encoding};
use rusqlite::{Connection, params};

use crate::account::accounts;

/// A new database with the tables and what they begin with.
pub(super) fn open() -> Result<Connection, Box<dyn std::error::Error + Send + Sync>> {
    let connection = Connection::open_in_memory()?;
    connection.execute_batch(TABLES)?;
    let rng = SystemRng::new();
    for account in accounts() {
        let token = encoding::base64url_encode(&gabion_model::random::bytes::<12>(&rng));
        connection.execute(
            "INSERT INTO users (name, tenant, role, display_name, email, password_hash, api_token, credit) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0)",
            params![
                account.name,
                account.tenant,
                account.role,
                capitalised(&account.name),
                format!("{}@{}.example", account.name, account.tenant),
                hash(&Secret::new(account.password), Cost::default(), &rng)?,
                format!("straw_{token}"),
            ],
        )?;
    }
    connection.execute_batch(CONTENT)?;
    Ok(connection)
}

fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

const TABLES: &str = "
CREATE TABLE users (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, tenant TEXT NOT NULL, role TEXT NOT NULL,
    display_name TEXT NOT NULL, email TEXT NOT NULL, password_hash TEXT NOT NULL, api_token TEXT NOT NULL,
    credit INTEGER NOT NULL, subject TEXT
);
CREATE TABLE products (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, category TEXT NOT NULL, price INTEGER NOT NULL,
    description TEXT NOT NULL, listed INTEGER NOT NULL, supplier_key TEXT NOT NULL
);
CREATE TABLE cart (user_id INTEGER NOT NULL, product_id INTEGER NOT NULL, quantity INTEGER NOT NULL);
CREATE TABLE orders (
    id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL, tenant TEXT NOT NULL, product_id INTEGER NOT NULL,
    quantity INTEGER NOT NULL, status TEXT NOT NULL
);
CREATE TABLE notes (
    id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL, tenant TEXT NOT NULL, title TEXT NOT NULL,
    body TEXT NOT NULL, share_token TEXT
);
CREATE TABLE vouchers (document TEXT NOT NULL);
CREATE TABLE announcements (text TEXT NOT NULL);
CREATE TABLE payments (id TEXT PRIMARY KEY);
";

const CONTENT: &str = r#"
INSERT INTO products (name, category, price, description, listed, supplier_key) VALUES
    ('Reading lamp', 'lamps', 4900, 'A warm light for late chapters.', 1, 'sup-live-3f09c1'),
    ('Desk lamp', 'lamps', 3900, 'Bends where you need it.', 1, 'sup-live-71ba20'),
    ('Storm lantern', 'lamps', 5900, 'Stays lit in the wind.', 1, 'sup-live-0d55e7'),
    ('Linen notebook', 'paper', 1400, 'Two hundred blank pages, sewn.', 1, 'sup-live-a9c312'),
    ('Graph pad', 'paper', 600, 'Fifty sheets for ideas with corners.', 1, 'sup-live-b80f4e'),
    ('Brass pencil', 'pens', 2200, 'Heavier than it looks, in a good way.', 1, 'sup-live-44e1d9'),
    ('Blue ink', 'pens', 900, 'Dries fast, fades slowly.', 1, 'sup-live-5c6a70'),
    ('Prototype clock', 'unreleased', 99900, 'Announced next spring. Not for sale yet.', 0, 'sup-live-ee1007');
INSERT INTO orders (user_id, tenant, product_id, quantity, status) VALUES
    (1, 'acme', 1, 1, 'paid'),
    (2, 'acme', 4, 3, 'open'),
    (5, 'globex', 6, 12, 'paid'),
    (6, 'globex', 3, 2, 'open');
INSERT INTO notes (user_id, tenant, title, body) VALUES
    (1, 'acme', 'Window display', 'Lamps in front, paper behind.'),
    (2, 'acme', 'Salary talk', 'Ask for eight percent, accept five.'),
    (5, 'globex', 'Supplier terms', 'Thirty days net, ask for sixty.');
INSERT INTO vouchers (document) VALUES
    ('{"code":"WELCOME10","percent":10,"for":"everybody"}'),
    ('{"code":"STAFF-7Q4M-ZP2X","percent":90,"for":"staff"}');
INSERT INTO announcements (text) VALUES ('The storm lanterns are back.');
"#;
