//! The cart and the orders.

use std::fmt::Write;

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use http::StatusCode;
use rusqlite::{OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::App;
use super::caller::{SignedIn, User};
use super::page::{escape, page, price};
use super::refusal::{Answer, Refusal};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/cart", get(cart).post(add))
        .route("/cart/checkout", post(checkout))
        .route("/orders", get(list_page))
        .route("/orders/{id}", get(order_page))
        .route("/api/orders", get(list_json).post(create))
        .route("/api/orders/{id}", get(order_json))
        .route("/api/orders/{id}/invoice", get(invoice))
}

#[derive(Debug, Serialize)]
struct Order {
    id: i64,
    tenant: String,
    customer: String,
    product: String,
    quantity: i64,
    total: i64,
    status: String,
}

impl Order {
    const QUERY: &str = "SELECT orders.id, orders.tenant, users.email, products.name, quantity, \
         quantity * products.price, status FROM orders JOIN users ON users.id = orders.user_id \
         JOIN products ON products.id = orders.product_id WHERE ";

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            tenant: row.get(1)?,
            customer: row.get(2)?,
            product: row.get(3)?,
            quantity: row.get(4)?,
            total: row.get(5)?,
            status: row.get(6)?,
        })
    }
}

#[derive(Deserialize)]
struct Line {
    product: i64,
    #[serde(default = "one")]
    quantity: i64,
}

const fn one() -> i64 {
    1
}

async fn cart(State(app): State<App>, SignedIn(user): SignedIn) -> Answer {
    let query = "SELECT products.name, cart.quantity, cart.quantity * products.price FROM cart \
                 JOIN products ON products.id = cart.product_id WHERE cart.user_id = ?1";
    let run = || {
        let database = app.database();
        let mut statement = database.prepare(query)?;
        let mut rows = statement.query([user.id])?;
        let mut table = String::new();
        while let Some(row) = rows.next()? {
            let (name, quantity, total): (String, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let _ = write!(
                table,
                "<tr><td>{}</td><td>{quantity}</td><td class=\"price\">{}</td></tr>",
                escape(&name),
                price(total)
            );
        }
        Ok::<_, rusqlite::Error>(table)
    };
    let table = run().map_err(|error| app.broken(query, error))?;
    let body = format!(
        "<h1>Your cart</h1><table><tr><th>Product</th><th>Quantity</th><th>Total</th></tr>{table}</table>\
         <form method=\"post\" action=\"/cart/checkout\"><button>Order</button></form>"
    );
    Ok(page("Cart", Some(&user), &body))
}

async fn add(State(app): State<App>, SignedIn(user): SignedIn, Form(line): Form<Line>) -> Answer {
    check(&app, &line)?;
    let query = "INSERT INTO cart (user_id, product_id, quantity) VALUES (?1, ?2, ?3)";
    app.database()
        .execute(query, params![user.id, line.product, line.quantity])
        .map_err(|error| app.broken(query, error))?;
    Ok(Redirect::to("/cart").into_response())
}

async fn checkout(State(app): State<App>, SignedIn(user): SignedIn) -> Answer {
    let run = || {
        let database = app.database();
        database.execute(
            "INSERT INTO orders (user_id, tenant, product_id, quantity, status) \
             SELECT user_id, ?2, product_id, quantity, 'open' FROM cart WHERE user_id = ?1",
            params![user.id, user.tenant],
        )?;
        database.execute("DELETE FROM cart WHERE user_id = ?1", [user.id])
    };
    run().map_err(|error| app.broken("INSERT INTO orders", error))?;
    Ok(Redirect::to("/orders").into_response())
}

async fn create(State(app): State<App>, SignedIn(user): SignedIn, Json(line): Json<Line>) -> Answer {
    check(&app, &line)?;
    let query =
        "INSERT INTO orders (user_id, tenant, product_id, quantity, status) VALUES (?1, ?2, ?3, ?4, 'open')";
    let id = {
        let database = app.database();
        database
            .execute(query, params![user.id, user.tenant, line.product, line.quantity])
            .map_err(|error| app.broken(query, error))?;
        database.last_insert_rowid()
    };
    let order = find(&app, &user, &id.to_string())?;
    Ok((StatusCode::CREATED, Json(order)).into_response())
}

#[derive(Deserialize)]
struct Filter {
    tenant: Option<String>,
}

async fn list_page(State(app): State<App>, SignedIn(user): SignedIn) -> Answer {
    let mut table = String::new();
    for order in list(&app, &user, None)? {
        let _ = write!(
            table,
            "<tr><td><a href=\"/orders/{0}\">#{0}</a></td><td>{1}</td><td>{2}</td><td class=\"price\">{3}</td>\
             <td>{4}</td></tr>",
            order.id,
            escape(&order.product),
            order.quantity,
            price(order.total),
            order.status,
        );
    }
    let body = format!(
        "<h1>Orders</h1><table><tr><th>Order</th><th>Product</th><th>Quantity</th><th>Total</th><th>Status</th></tr>\
         {table}</table>"
    );
    Ok(page("Orders", Some(&user), &body))
}

async fn order_page(State(app): State<App>, SignedIn(user): SignedIn, Path(id): Path<String>) -> Answer {
    let order = find(&app, &user, &id)?;
    let body = format!(
        "<h1>Order #{}</h1><p>{} × {} for {} ({})</p><p class=\"price\">{}</p><p>Status: {}</p>",
        order.id,
        order.quantity,
        escape(&order.product),
        escape(&order.customer),
        escape(&order.tenant),
        price(order.total),
        order.status,
    );
    Ok(page("Order", Some(&user), &body))
}

async fn list_json(
    State(app): State<App>,
    SignedIn(user): SignedIn,
    Query(Filter { tenant }): Query<Filter>,
) -> Answer {
    Ok(Json(list(&app, &user, tenant.as_deref())?).into_response())
}

async fn order_json(State(app): State<App>, SignedIn(user): SignedIn, Path(id): Path<String>) -> Answer {
    Ok(Json(find(&app, &user, &id)?).into_response())
}

/// What the customer has to pay, and where from.
async fn invoice(State(app): State<App>, SignedIn(user): SignedIn, Path(id): Path<String>) -> Answer {
    let order = find(&app, &user, &id)?;
    Ok(Json(json!({
        "number": format!("{}-{:05}", order.tenant.to_uppercase(), order.id),
        "billed_to": order.customer,
        "tenant": order.tenant,
        "lines": [{ "product": order.product, "quantity": order.quantity, "amount": order.total }],
        "total": order.total,
        "iban": "DE02 1203 0000 0000 2020 51",
    }))
    .into_response())
}

/// The orders of the user; an administrator sees the tenant's.
fn list(app: &App, user: &User, tenant: Option<&str>) -> Result<Vec<Order>, Refusal> {
    let run = |condition: &str, values: &[&dyn rusqlite::ToSql]| {
        let database = app.database();
        let mut statement = database.prepare(&format!("{}{condition} ORDER BY orders.id", Order::QUERY))?;
        statement.query_map(values, Order::read)?.collect::<rusqlite::Result<Vec<_>>>()
    };
    let orders = match tenant {
        // HOLE idor-tenant: whichever tenant the address names.
        Some(tenant) if !app.repaired => run("orders.tenant = ?1", &[&tenant]),
        _ if user.is_admin() => run("orders.tenant = ?1", &[&user.tenant]),
        _ => run("orders.user_id = ?1", &[&user.id]),
    };
    orders.map_err(|error| app.broken(Order::QUERY, error))
}

/// The order with the id in the path, if the user may see it.
fn find(app: &App, user: &User, id: &str) -> Result<Order, Refusal> {
    let number: i64 = id.parse().map_err(|error| app.malformed(Order::QUERY, error))?;
    let run = |condition: &str, values: &[&dyn rusqlite::ToSql]| {
        app.database().query_row(&format!("{}{condition}", Order::QUERY), values, Order::read).optional()
    };
    let found = if !app.repaired {
        // HOLE idor-tenant: knowing the number is enough.
        run("orders.id = ?1", &[&number])
    } else if user.is_admin() {
        run("orders.id = ?1 AND orders.tenant = ?2", &[&number, &user.tenant])
    } else {
        run("orders.id = ?1 AND orders.user_id = ?2", &[&number, &user.id])
    };
    found.map_err(|error| app.broken(Order::QUERY, error))?.ok_or_else(Refusal::not_found)
}

/// Refuses what cannot be ordered.
fn check(app: &App, line: &Line) -> Result<(), Refusal> {
    let query = "SELECT count(*) FROM products WHERE id = ?1 AND listed = 1";
    let known: i64 = app
        .database()
        .query_row(query, [line.product], |row| row.get(0))
        .map_err(|error| app.broken(query, error))?;
    if known == 1 && (1..=99).contains(&line.quantity) {
        Ok(())
    } else {
        Err(Refusal::bad_request("We cannot sell that."))
    }
}
