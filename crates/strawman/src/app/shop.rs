//! The shop window: start page, categories, product pages, search, and the products as JSON.

use std::fmt::Write;

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::header;
use rusqlite::{OptionalExtension, Row};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::App;
use super::caller::Visitor;
use super::page::{escape, page, price};
use super::refusal::{Answer, Refusal};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/", get(home))
        .route("/style.css", get(style))
        .route("/favicon.ico", get(icon))
        .route("/shop", get(shop))
        .route("/product/{id}", get(product))
        .route("/search", get(search))
        .route("/api/products", get(products_json))
        .route("/api/products/{id}", get(product_json))
}

/// What a visitor may see of a product.
pub(super) struct Product {
    pub(super) id: i64,
    pub(super) name: String,
    category: String,
    pub(super) price: i64,
    description: String,
}

impl Product {
    const COLUMNS: &str = "id, name, category, price, description";

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            name: row.get(1)?,
            category: row.get(2)?,
            price: row.get(3)?,
            description: row.get(4)?,
        })
    }

    fn json(&self) -> Map<String, Value> {
        let Self { id, name, category, price, description } = self;
        let mut object = Map::new();
        object.insert("id".to_owned(), json!(id));
        object.insert("name".to_owned(), json!(name));
        object.insert("category".to_owned(), json!(category));
        object.insert("price".to_owned(), json!(price));
        object.insert("description".to_owned(), json!(description));
        object
    }
}

async fn home(State(app): State<App>, Visitor(user): Visitor) -> Answer {
    let news: String = app
        .database()
        .query_row("SELECT text FROM announcements ORDER BY rowid DESC LIMIT 1", [], |row| row.get(0))
        .map_err(|error| app.broken("SELECT text FROM announcements", error))?;
    let products = listed(&app, "1 = 1", &[])?;
    let body = format!(
        "<h1>Light, paper, ink.</h1><p class=\"notice\">{}</p>{}<h2>Where to next</h2>\
         <p><a href=\"/go?to=/shop\">All products</a> · <a href=\"/openapi.yaml\">The API</a></p>",
        escape(&news),
        cards(&products),
    );
    Ok(page("Home", user.as_ref(), &body))
}

async fn style() -> Response {
    let fields = [(header::CONTENT_TYPE, "text/css"), (header::CACHE_CONTROL, "public, max-age=3600")];
    (fields, include_str!("style.css")).into_response()
}

/// What browsers ask for unasked.
async fn icon() -> Response {
    let fields = [(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, "public, max-age=3600")];
    (fields, include_str!("icon.svg")).into_response()
}

#[derive(Deserialize)]
struct Category {
    #[serde(default)]
    category: String,
}

async fn shop(State(app): State<App>, Visitor(user): Visitor, Query(query): Query<Category>) -> Answer {
    let category = query.category;
    let products = if category.is_empty() {
        listed(&app, "1 = 1", &[])?
    } else {
        listed(&app, "category = ?1", &[&category])?
    };
    // HOLE reflected-xss: the category stands on the page as it came.
    let shown = if app.repaired { escape(&category) } else { category.clone() };
    let heading = if category.is_empty() { "Everything".to_owned() } else { shown };
    let body = format!(
        "<h1>{heading}</h1><p><a href=\"/shop\">All</a> · <a href=\"/shop?category=lamps\">Lamps</a> · \
         <a href=\"/shop?category=paper\">Paper</a> · <a href=\"/shop?category=pens\">Pens</a></p>{}",
        cards(&products)
    );
    Ok(page("Shop", user.as_ref(), &body))
}

async fn product(State(app): State<App>, Visitor(user): Visitor, Path(id): Path<String>) -> Answer {
    let product = product_by_id(&app, &id)?;
    let body = format!(
        "<h1>{}</h1><p>{}</p><p class=\"price\">{}</p><form method=\"post\" action=\"/cart\" class=\"row\">\
         <input type=\"hidden\" name=\"product\" value=\"{}\"><input name=\"quantity\" type=\"number\" value=\"1\" \
         min=\"1\" max=\"99\" aria-label=\"Quantity\"><button>Into the cart</button></form>",
        escape(&product.name),
        escape(&product.description),
        price(product.price),
        product.id,
    );
    Ok(page(&product.name, user.as_ref(), &body))
}

#[derive(Deserialize)]
struct Search {
    #[serde(default)]
    q: String,
}

async fn search(
    State(app): State<App>,
    Visitor(user): Visitor,
    Query(Search { q }): Query<Search>,
) -> Answer {
    let products = if app.repaired {
        let pattern = format!("%{}%", q.replace(['%', '_'], ""));
        listed(&app, "name LIKE ?1", &[&pattern])?
    } else {
        // HOLE sql-injection: the words become part of the query.
        listed(&app, &format!("name LIKE '%{q}%'"), &[])?
    };
    let body = format!(
        "<h1>Search</h1><form class=\"row\" action=\"/search\"><input name=\"q\" value=\"{}\" aria-label=\"Search for\">\
         <button>Search</button></form><p class=\"soft\">{} found</p>{}",
        escape(&q),
        products.len(),
        cards(&products),
    );
    Ok(page("Search", user.as_ref(), &body))
}

#[derive(Deserialize)]
struct Sorting {
    #[serde(default)]
    sort: String,
}

async fn products_json(State(app): State<App>, Query(Sorting { sort }): Query<Sorting>) -> Answer {
    let order = if sort.is_empty() { "id" } else { &sort };
    // HOLE sql-injection: and HOLE verbose-errors, when the column does not exist.
    if app.repaired && !matches!(order, "id" | "name" | "price") {
        return Err(Refusal::bad_request("Sort by id, name or price."));
    }
    let products = listed(&app, &format!("1 = 1 ORDER BY {order}"), &[])?;
    let list: Vec<Value> = products.iter().map(|product| Value::Object(product.json())).collect();
    Ok(Json(list).into_response())
}

async fn product_json(State(app): State<App>, Path(id): Path<String>) -> Answer {
    let product = product_by_id(&app, &id)?;
    let mut object = product.json();
    // HOLE secrets-in-answer: the whole row, the supplier's key with it.
    if !app.repaired {
        let query = "SELECT supplier_key FROM products WHERE id = ?1";
        let key: String = app
            .database()
            .query_row(query, [product.id], |row| row.get(0))
            .map_err(|error| app.broken(query, error))?;
        object.insert("supplier_key".to_owned(), json!(key));
    }
    Ok(Json(object).into_response())
}

/// The listed product with the id in the path.
fn product_by_id(app: &App, id: &str) -> Result<Product, Refusal> {
    let query = format!("SELECT {} FROM products WHERE listed = 1 AND id = ?1", Product::COLUMNS);
    let number: i64 = id.parse().map_err(|error| app.malformed(&query, error))?;
    app.database()
        .query_row(&query, [number], Product::read)
        .optional()
        .map_err(|error| app.broken(&query, error))?
        .ok_or_else(Refusal::not_found)
}

/// The listed products that meet a condition.
fn listed(app: &App, condition: &str, values: &[&dyn rusqlite::ToSql]) -> Result<Vec<Product>, Refusal> {
    let query = format!("SELECT {} FROM products WHERE listed = 1 AND {condition}", Product::COLUMNS);
    let run = || {
        let database = app.database();
        let mut statement = database.prepare(&query)?;
        statement.query_map(values, Product::read)?.collect::<rusqlite::Result<Vec<_>>>()
    };
    run().map_err(|error| app.broken(&query, error))
}

fn cards(products: &[Product]) -> String {
    let mut list = String::from("<ul class=\"grid\">");
    for product in products {
        let _ = write!(
            list,
            "<li class=\"card\"><b><a href=\"/product/{}\">{}</a></b>{}<br><span class=\"price\">{}</span></li>",
            product.id,
            escape(&product.name),
            escape(&product.description),
            price(product.price),
        );
    }
    list.push_str("</ul>");
    list
}
