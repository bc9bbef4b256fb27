//! Values that reach a database in every way that queries are written, and pages that only look so. The databases are real: SQLite, and
//! PostgreSQL where it is installed.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use rusqlite::Connection;

use super::postgres::Postgres;
use super::{Page, Where, examine, sample};

type Database = Arc<Mutex<Connection>>;

fn database() -> Database {
    let connection = Connection::open_in_memory().unwrap();
    let rows = "CREATE TABLE things (id INTEGER, name TEXT, made TEXT, kind TEXT, price INTEGER);
        INSERT INTO things VALUES (1, 'desk', '2024-03-02', 'wood', 9), (2, 'lamp', '2024-05-01', 'light', 12),
        (3, 'torch', '2024-06-11', 'light', 4), (4, 'chair', '2024-07-21', 'wood', 7), (5, 'bulb', '2024-08-19', 'light', 2);
        CREATE TABLE log (id INTEGER, number INTEGER, text TEXT, at TEXT);
        INSERT INTO log VALUES (1, 1, 'lamp', '2024-05-01');";
    connection.execute_batch(rows).unwrap();
    Arc::new(Mutex::new(connection))
}

/// A database that pages ask.
#[derive(Clone)]
enum Store {
    Sqlite(Database),
    Postgres(Arc<Postgres>),
}

impl Store {
    async fn ask(&self, query: &str) -> Result<Vec<String>, String> {
        match self {
            Self::Sqlite(database) => ask(database, query),
            Self::Postgres(database) => database.ask_only(query).await,
        }
    }

    /// Whether it reads a literal so: in PostgreSQL what stands in double quotes is a name.
    fn has(&self, literal: &str) -> bool {
        matches!(self, Self::Sqlite(_)) || literal != "text in double quotes"
    }
}

/// The rows that a query gives, as lines; what it writes is taken back.
fn ask(database: &Database, query: &str) -> Result<Vec<String>, String> {
    let connection = database.lock().unwrap();
    connection.execute_batch("BEGIN").unwrap();
    let rows = rows(&connection, query).map_err(|error| error.to_string());
    connection.execute_batch("ROLLBACK").unwrap();
    rows
}

fn rows(connection: &Connection, query: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare(query)?;
    let columns = statement.column_count();
    if columns == 0 {
        let changed = statement.execute([])?;
        return Ok(if changed == 0 { Vec::new() } else { vec!["written".to_owned()] });
    }
    let mut all = Vec::new();
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let cells = (0..columns).map(|at| match row.get_unwrap::<_, rusqlite::types::Value>(at) {
            rusqlite::types::Value::Text(text) => text,
            rusqlite::types::Value::Integer(number) => number.to_string(),
            _ => String::new(),
        });
        all.push(cells.collect::<Vec<_>>().join(" / "));
    }
    Ok(all)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;").replace('\'', "&#39;")
}

/// What becomes of rows and of errors.
fn page(way: &str, value: &str, rows: Result<Vec<String>, String>) -> Response {
    let list = |rows: &[String]| {
        let items: String = rows.iter().map(|row| format!("<li>{}</li>", escaped(row))).collect();
        Html(format!("<h1>Results for {}</h1><ul>{items}</ul>", escaped(value))).into_response()
    };
    let sorry = || Html("<p>Something went wrong, try again later</p>");
    let to = |place: &'static str| (StatusCode::FOUND, [(header::LOCATION, place)]).into_response();
    match (way, rows) {
        ("redirect", Ok(rows)) => to(if rows.is_empty() { "/none" } else { "/found" }),
        ("redirect", Err(_)) => to("/error"),
        ("exists", Ok(rows)) if !rows.is_empty() => Html("<p>Welcome, it is there</p>").into_response(),
        ("exists", _) => Html("<p>There is no such thing</p>").into_response(),
        ("empty", Ok(rows)) if !rows.is_empty() => list(&rows),
        ("empty", _) => Html("<p>Nothing was found</p>").into_response(),
        (_, Ok(rows)) => list(&rows),
        ("error", Err(error)) => (StatusCode::INTERNAL_SERVER_ERROR, error).into_response(),
        ("error in 200", Err(error)) => Html(format!("<p>Database: {}</p>", escaped(&error))).into_response(),
        ("generic 500", Err(_)) => (StatusCode::INTERNAL_SERVER_ERROR, sorry()).into_response(),
        (_, Err(_)) => sorry().into_response(),
    }
}

const WAYS: &[&str] = &["error", "error in 200", "generic 500", "generic 200", "empty", "exists", "redirect"];

/// Name, how it stands in the query, the column it is compared with, a value that is there and one that is not.
const LITERALS: &[(&str, &str, &str, &str, &str)] = &[
    ("number", "{}", "id", "2", "77"),
    ("number in parentheses", "(({}))", "id", "2", "77"),
    ("text", "'{}'", "name", "lamp", "gabion"),
    ("text in double quotes", "\"{}\"", "name", "lamp", "gabion"),
    ("text in parentheses", "('{}')", "name", "lamp", "gabion"),
    ("text in a function", "lower(trim('{}'))", "name", "lamp", "gabion"),
    ("date", "date('{}')", "made", "2024-05-01", "2019-01-01"),
];

const READS: &[(&str, &str)] = &[
    ("where", "SELECT id, name FROM things WHERE {c} = {l}"),
    ("where and more", "SELECT id, name FROM things WHERE {c} = {l} AND price > 0 ORDER BY id"),
    ("where nested", "SELECT id, name FROM things WHERE (kind = 'x' OR ({c} = {l})) AND price > 0"),
    ("where in a list", "SELECT id, name FROM things WHERE {c} IN ({l}, {l})"),
    ("having", "SELECT kind, name FROM things GROUP BY id HAVING max({c}) = {l}"),
];

/// Statements of their own: name, text, value.
const OTHERS: &[(&str, &str, &str)] = &[
    ("like", "SELECT id, name FROM things WHERE name LIKE '%{}%'", "lam"),
    (
        "like in parentheses",
        "SELECT id, name FROM things WHERE (kind = 'light' AND (name LIKE '{}%'))",
        "lam",
    ),
    ("limit", "SELECT id, name FROM things ORDER BY id LIMIT {}", "2"),
    ("offset", "SELECT id, name FROM things ORDER BY id LIMIT 3 OFFSET {}", "1"),
    ("order by", "SELECT id, name FROM things ORDER BY {}", "name"),
    ("order by and direction", "SELECT id, name FROM things ORDER BY {} DESC", "name"),
    ("direction", "SELECT id, name FROM things ORDER BY name {}", "desc"),
    ("column", "SELECT id, {} FROM things", "name"),
    ("table", "SELECT * FROM {} WHERE id > 0", "things"),
];

const WRITES: &[(&str, &str)] = &[
    ("insert first", "INSERT INTO log (text, number) VALUES ({l}, 1)"),
    ("insert last", "INSERT INTO log (number, text) VALUES (1, {l})"),
    ("update set", "UPDATE log SET text = {l} WHERE id = 1"),
    ("update where", "UPDATE things SET price = price + 1 WHERE {c} = {l}"),
    ("delete where", "DELETE FROM things WHERE {c} = {l}"),
];

fn pages(database: &Store) -> Vec<Page> {
    let mut all = Vec::new();
    let mut add = |statement: &str,
                   literal: &str,
                   query: String,
                   value: &str,
                   way: &'static str,
                   place: Where,
                   there: &str| {
        let database = database.clone();
        let page = Page::later(place, value, move |value: &str| {
            let (database, query, value) = (database.clone(), query.replace("{}", value), value.to_owned());
            Box::pin(async move { page(way, &value, database.ask(&query).await) })
        });
        all.push(page.is("statement", statement).is("literal", literal).is("answer", way).is("value", there));
    };
    let query = |text: &str, literal: &str, column: &str| text.replace("{l}", literal).replace("{c}", column);
    for way in WAYS {
        for (literal, form, column, there, absent) in LITERALS.iter().filter(|one| database.has(one.0)) {
            for (statement, text) in READS {
                add(statement, literal, query(text, form, column), there, way, Where::Query, "there");
            }
            add("where", literal, query(READS[0].1, form, column), absent, way, Where::Query, "absent");
            for (statement, text) in WRITES {
                // A write says nothing of rows: it went well or it did not.
                if !matches!(*way, "empty" | "exists") {
                    add(statement, literal, query(text, form, column), there, way, Where::Form, "there");
                }
            }
        }
        for (statement, text, value) in OTHERS {
            if *statement == "order by and direction" && *way == "exists" {
                continue;
            }
            add(statement, "as it is", (*text).to_owned(), value, way, Where::Query, "there");
        }
        for (statement, text) in [WRITES[0], WRITES[2]] {
            // A visit is counted whether anybody asks or not.
            if !matches!(*way, "empty" | "exists") {
                add(statement, "text", query(text, "'{}'", "name"), "probe", way, Where::Agent, "there");
            }
        }
        for place in Where::ALL {
            for (literal, form, column, there, _) in [LITERALS[0], LITERALS[2]] {
                add("where", literal, query(READS[0].1, form, column), there, way, place, "there");
            }
        }
    }
    all
}

/// Pages without the mistake.
fn alike() -> Vec<Page> {
    let database = database();
    let safe = {
        let database = Arc::clone(&database);
        move |value: &str| {
            let connection = database.lock().unwrap();
            let mut statement =
                connection.prepare("SELECT name FROM things WHERE name = ?1 OR id = ?1").unwrap();
            let rows = statement.query_map([value], |row| row.get::<_, String>(0)).unwrap();
            rows.filter_map(Result::ok).collect::<Vec<_>>()
        }
    };
    let count = Arc::new(AtomicUsize::new(0));
    let mut all = Vec::new();
    {
        let database = Arc::clone(&database);
        let counted = Page::new(Where::Agent, "probe", move |value| {
            let connection = database.lock().unwrap();
            let written = connection.execute("INSERT INTO log (text) VALUES (?1)", [value]);
            page("error", "", written.map(|_| Vec::new()).map_err(|error| error.to_string()))
        });
        all.push(counted.alike("a visit that is counted"));
        let wall = Page::new(Where::Agent, "probe", |value| {
            if value.contains('\'') {
                (StatusCode::FORBIDDEN, "blocked").into_response()
            } else {
                "welcome".into_response()
            }
        });
        all.push(wall.alike("a wall that reads the head"));
    }
    let mut add = |word: &str, values: &[&str], answer: Arc<dyn Fn(&str) -> Response + Send + Sync>| {
        for value in values {
            for place in [Where::Query, Where::Form, Where::Path] {
                let answer = Arc::clone(&answer);
                all.push(Page::new(place, value, move |value: &str| answer(value)).alike(word));
            }
        }
    };
    let both = ["lamp", "2"];
    for way in ["error", "generic 200", "empty", "exists", "redirect"] {
        let safe = safe.clone();
        add("a parameter of the query", &both, Arc::new(move |value| page(way, value, Ok(safe(value)))));
    }
    {
        let safe = safe.clone();
        add(
            "quotation marks are taken out",
            &["lamp"],
            Arc::new(move |value| page("error", value, Ok(safe(&value.replace(['\'', '"'], ""))))),
        );
    }
    {
        let database = Arc::clone(&database);
        add(
            "quotation marks are doubled",
            &["lamp"],
            Arc::new(move |value| {
                let query = format!("SELECT name FROM things WHERE name = '{}'", value.replace('\'', "''"));
                page("error", value, ask(&database, &query))
            }),
        );
    }
    {
        let safe = safe.clone();
        add(
            "a number or an error",
            &["2"],
            Arc::new(move |value| match value.parse::<i64>() {
                Ok(_) => page("error", value, Ok(safe(value))),
                Err(_) => (
                    StatusCode::INTERNAL_SERVER_ERROR,
                    format!("Conversion failed: `{value}` is not a number; near SQL syntax"),
                )
                    .into_response(),
            }),
        );
    }
    {
        let safe = safe.clone();
        add(
            "the digits at the front",
            &["2"],
            Arc::new(move |value| {
                let digits: String = value.chars().take_while(char::is_ascii_digit).collect();
                page("error", value, Ok(safe(&digits)))
            }),
        );
    }
    {
        let safe = safe.clone();
        add(
            "words of databases on the page",
            &both,
            Arc::new(move |value| {
                let rows = safe(value).join(", ");
                Html(format!("<h1>How to read: You have an error in your SQL syntax</h1><p>ORA-00933, SQLSTATE[42000]</p>{rows}")).into_response()
            }),
        );
    }
    {
        let safe = safe.clone();
        add(
            "500 at every quotation mark",
            &both,
            Arc::new(move |value| {
                if value.contains(['\'', '"']) {
                    return (StatusCode::INTERNAL_SERVER_ERROR, "You have an error in your SQL syntax")
                        .into_response();
                }
                page("error", value, Ok(safe(value)))
            }),
        );
    }
    {
        let safe = safe.clone();
        add(
            "a wall that knows words",
            &both,
            Arc::new(move |value| {
                let lower = value.to_ascii_lowercase();
                let bad = [" and ", " or ", "union", "select", "--", "sleep", "lower(", "upper(", "case "];
                if bad.iter().any(|word| lower.contains(word)) {
                    return (StatusCode::FORBIDDEN, "blocked").into_response();
                }
                page("error", value, Ok(safe(value)))
            }),
        );
    }
    {
        let safe = safe.clone();
        add(
            "a wall that knows words and says nothing",
            &both,
            Arc::new(move |value| {
                let lower = value.to_ascii_lowercase();
                let bad = ["and", "or ", "union", "select", "'", "sleep", "lower", "coalesce", "case "];
                let value = if bad.iter().any(|word| lower.contains(word)) { "2" } else { value };
                page("empty", value, Ok(safe(value)))
            }),
        );
    }
    {
        let count = Arc::clone(&count);
        add(
            "answers that change by themselves",
            &both,
            Arc::new(move |value| {
                let now = count.fetch_add(1, Ordering::Relaxed);
                let words: String = (0..30).map(|at| format!("w{} ", now * 7919 + at)).collect();
                Html(format!("<p>{}</p>{words}", escaped(value))).into_response()
            }),
        );
    }
    {
        let count = Arc::clone(&count);
        add(
            "an answer that is another one now and then",
            &both,
            Arc::new(move |value| {
                let now = count.fetch_add(1, Ordering::Relaxed);
                let more = if now.is_multiple_of(5) { "<p>an offer of the day</p>" } else { "" };
                Html(format!("<p>{}</p>{more}", escaped(value))).into_response()
            }),
        );
    }
    {
        let count = Arc::clone(&count);
        add(
            "every second answer is another",
            &both,
            Arc::new(move |value| {
                let now = count.fetch_add(1, Ordering::Relaxed);
                let more = if now.is_multiple_of(2) { "<p>even</p>" } else { "<p>odd</p>" };
                Html(format!("<p>{}</p>{more}", escaped(value))).into_response()
            }),
        );
    }
    add(
        "an echo",
        &both,
        Arc::new(|value| Html(format!("<p>you said {}</p>", escaped(value))).into_response()),
    );
    add(
        "letters are counted",
        &both,
        Arc::new(|value| {
            Html(format!("<p>{} letters, {} quotation marks</p>", value.len(), value.matches('\'').count()))
                .into_response()
        }),
    );
    add(
        "a calculator",
        &["2"],
        Arc::new(|value| match reckon(value) {
            Some(sum) => Html(format!("<p>thing {sum}</p>")).into_response(),
            None => (StatusCode::BAD_REQUEST, "cannot read that").into_response(),
        }),
    );
    {
        let safe = safe.clone();
        add(
            "a search of words",
            &["lamp"],
            Arc::new(move |value| {
                let words =
                    value.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
                page("empty", value, Ok(words.flat_map(&safe).collect()))
            }),
        );
    }
    {
        let safe = safe.clone();
        add(
            "phrases in quotation marks",
            &["lamp"],
            Arc::new(move |value| {
                if value.matches('"').count() % 2 == 1 || value.matches('\'').count() % 2 == 1 {
                    return (StatusCode::BAD_REQUEST, "a phrase is not closed").into_response();
                }
                let plain = value.replace(['"', '\''], "");
                page("empty", value, Ok(safe(plain.split("||").next().unwrap_or_default().trim())))
            }),
        );
    }
    {
        let safe = safe.clone();
        add(
            "long values are cut",
            &both,
            Arc::new(move |value| {
                let first: String = value.chars().take(4).collect();
                page("empty", value, Ok(safe(if first.starts_with("lamp") { "lamp" } else { &first })))
            }),
        );
    }
    {
        let safe = safe.clone();
        add(
            "a list of columns",
            &["name", "lamp"],
            Arc::new(move |value| {
                let rows = match value {
                    "name" | "price" | "lamp" => safe("lamp"),
                    _ => Vec::new(),
                };
                page("error", value, Ok(rows))
            }),
        );
    }
    add(
        "slow now and then",
        &["lamp"],
        Arc::new(|value| {
            if value.len().is_multiple_of(3) {
                std::thread::sleep(std::time::Duration::from_millis(30));
            }
            Html(format!("<p>{}</p>", escaped(value))).into_response()
        }),
    );
    all
}

/// Sums and products of whole numbers, and nothing else.
fn reckon(text: &str) -> Option<i64> {
    let mut sum = 0_i64;
    for part in text.replace('-', "+-").split('+').filter(|part| !part.is_empty()) {
        let mut product = 1_i64;
        for factor in part.split('*') {
            product = product.checked_mul(factor.trim().parse().ok()?)?;
        }
        sum = sum.checked_add(product)?;
    }
    Some(sum)
}

async fn all_is_found(pages: Vec<Page>, every: usize) {
    let table = examine(sample(pages, every), &["sql-injection"], &["sql-injection"]).await;
    table.print();
    let (part, alarms) = table.score();
    assert_eq!(alarms, 0);
    assert!(part >= 97.0, "{part}");
}

#[tokio::test]
async fn queries_of_every_kind_are_found_and_nothing_else_is() {
    let mut pages = pages(&Store::Sqlite(database()));
    pages.extend(alike());
    all_is_found(pages, 4).await;
}

/// The same rows, of the kinds that PostgreSQL holds its columns to.
const ROWS: &str = "CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT, made DATE, kind TEXT, price INTEGER);
    INSERT INTO things VALUES (1, 'desk', '2024-03-02', 'wood', 9), (2, 'lamp', '2024-05-01', 'light', 12),
    (3, 'torch', '2024-06-11', 'light', 4), (4, 'chair', '2024-07-21', 'wood', 7), (5, 'bulb', '2024-08-19', 'light', 2);
    CREATE TABLE log (id INTEGER, number INTEGER, text TEXT, at TEXT);
    INSERT INTO log VALUES (1, 1, 'lamp', '2024-05-01');";

/// Pages that ask PostgreSQL as they should, or let nothing through that a query could read.
fn alike_in(database: &Arc<Postgres>) -> Vec<Page> {
    let mut all = Vec::new();
    for way in ["error", "generic 200", "empty", "exists", "redirect"] {
        for (value, query) in [
            ("lamp", "SELECT name FROM things WHERE name = $1"),
            // Whoever compares texts gets no error of a number that is none.
            ("2", "SELECT name FROM things WHERE id::text = $1"),
            // Whoever has the database read the number does.
            ("2", "SELECT name FROM things WHERE id = $1::text::integer"),
        ] {
            for place in [Where::Query, Where::Form, Where::Path] {
                let database = Arc::clone(database);
                let page = Page::later(place, value, move |value: &str| {
                    let (database, value) = (Arc::clone(&database), value.to_owned());
                    Box::pin(async move { page(way, &value, database.ask_with(query, &value).await) })
                });
                all.push(page.alike("a parameter of the query"));
            }
        }
        let database = Arc::clone(database);
        let doubled = Page::later(Where::Query, "lamp", move |value: &str| {
            let database = Arc::clone(&database);
            let query = format!("SELECT name FROM things WHERE name = '{}'", value.replace('\'', "''"));
            let value = value.to_owned();
            Box::pin(async move { page(way, &value, database.ask_only(&query).await) })
        });
        all.push(doubled.alike("quotation marks are doubled"));
    }
    all
}

#[tokio::test]
async fn queries_of_every_kind_are_found_in_postgresql_too() {
    let Some(server) = Postgres::start(ROWS).await else { return };
    let server = Arc::new(server);
    let mut pages = pages(&Store::Postgres(Arc::clone(&server)));
    pages.extend(alike_in(&server));
    all_is_found(pages, 12).await;
}
