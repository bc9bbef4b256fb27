//! Rust: layers run before what was put on their router before them; types among the parameters refuse.

use super::{inventory, said};

const MAIN: &str = r#"mod auth;
mod notes;

use axum::{middleware, routing::{get, post}, Router};

#[tokio::main]
async fn main() {
    let api = Router::new()
        .nest("/notes", notes::router())
        .route("/me", get(notes::me));
    let app = Router::new()
        .route("/flush", post(notes::flush))
        .nest("/api", api)
        .route_layer(middleware::from_fn(auth::check))
        .route("/reset-all", post(notes::flush))
        .layer(tower_http::trace::TraceLayer::new_for_http());
    axum::serve(listener, app).await.unwrap();
}
"#;

const AUTH: &str = r#"use axum::extract::{FromRequestParts, Request};
use axum::http::{header, request::Parts, StatusCode};
use axum::middleware::Next;
use axum::response::Response;

pub struct CurrentAccount(pub i64);

impl<S: Send + Sync> FromRequestParts<S> for CurrentAccount {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        let token = parts.headers.get(header::AUTHORIZATION).ok_or(StatusCode::UNAUTHORIZED)?;
        tokens::account(token).map(CurrentAccount).ok_or(StatusCode::UNAUTHORIZED)
    }
}

pub async fn check(request: Request, next: Next) -> Result<Response, StatusCode> {
    match request.headers().get("authorization") {
        Some(token) if tokens::known(token) => Ok(next.run(request).await),
        _ => Err(StatusCode::UNAUTHORIZED),
    }
}
"#;

const NOTES: &str = r#"use axum::extract::{Path, Query, State};
use axum::routing::{delete, get};
use axum::{Json, Router};

use crate::auth::CurrentAccount;

pub fn router() -> Router<App> {
    Router::new().route("/", get(list).post(add)).route("/{id}", delete(remove))
}

async fn list(Query(page): Query<Page>) -> String {
    page.number.to_string()
}

async fn add(State(app): State<App>, Json(note): Json<Note>) {
    sqlx::query("INSERT INTO notes (text) VALUES ($1)").bind(note.text).execute(&app.db).await;
}

async fn remove(account: CurrentAccount, Path(id): Path<i64>, State(app): State<App>) {
    sqlx::query("DELETE FROM notes WHERE id = $1 AND owner_id = $2").bind(id).bind(account.0).execute(&app.db).await;
}

pub async fn me(account: CurrentAccount) -> String {
    account.0.to_string()
}

pub async fn flush(State(app): State<App>) {
    sqlx::query("DELETE FROM notes").execute(&app.db).await;
}
"#;

const FILES: &[(&str, &str)] = &[("src/auth.rs", AUTH), ("src/main.rs", MAIN), ("src/notes.rs", NOTES)];

#[test]
fn layers_cover_what_stands_before_them() {
    let trace = "tower_http.trace.TraceLayer.new_for_http()";
    let check = format!("check > {trace}");
    assert_eq!(
        inventory(FILES),
        [
            format!("GET /api/me me; {check} > CurrentAccount; authentication"),
            format!("GET /api/notes list; {check}; authentication"),
            format!("POST /api/notes add; {check}; authentication mutation validation"),
            format!(
                "DELETE /api/notes/{{id}} remove; {check} > CurrentAccount; authentication mutation ownership"
            ),
            format!("POST /flush flush; {check}; authentication mutation"),
            format!("POST /reset-all flush; {trace}; mutation"),
        ]
    );
    let said = said(FILES);
    assert!(!said.iter().any(|line| line.contains("flush:")), "{said:?}");
}

#[test]
fn a_route_behind_the_layer_is_said() {
    let main = MAIN.replace("/reset-all", "/wipe");
    let files = [("src/auth.rs", AUTH), ("src/main.rs", &main), ("src/notes.rs", NOTES)];
    assert_eq!(said(&files), ["authz.route.missing src/main.rs:15"]);
}

const ACTIX: &str = r#"use actix_web::{delete, get, web, App, HttpServer};
use actix_web_httpauth::middleware::HttpAuthentication;

#[get("/notes/{id}")]
async fn show(path: web::Path<i64>) -> String {
    path.to_string()
}

#[delete("/notes/{id}")]
async fn remove(path: web::Path<i64>, db: web::Data<Db>) -> String {
    sqlx::query("DELETE FROM notes WHERE id = $1").bind(*path).execute(&db).await;
    String::new()
}

async fn add(db: web::Data<Db>, note: web::Json<Note>) -> String {
    sqlx::query("INSERT INTO notes VALUES ($1)").bind(&note.text).execute(&db).await;
    String::new()
}

fn open(config: &mut web::ServiceConfig) {
    config.service(web::resource("/notes").route(web::post().to(add)));
}

async fn check(request: ServiceRequest, token: BearerAuth) -> Result<ServiceRequest, Error> {
    if tokens::known(token.token()) { Ok(request) } else { Err(ErrorUnauthorized("no")) }
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    HttpServer::new(|| {
        App::new()
            .configure(open)
            .service(
                web::scope("/api")
                    .wrap(HttpAuthentication::bearer(check))
                    .service(show)
                    .service(remove)
                    .route("/notes", web::put().to(add)),
            )
    })
    .bind("127.0.0.1:80")?
    .run()
    .await
}
"#;

#[test]
fn actix_scopes_and_functions_that_say_their_path() {
    let files = [("src/main.rs", ACTIX)];
    let bearer = "actix_web_httpauth.middleware.HttpAuthentication.bearer()";
    assert_eq!(
        inventory(&files),
        [
            format!("PUT /api/notes add; {bearer}; authentication maybe-authentication mutation validation"),
            format!(
                "DELETE /api/notes/{{id}} remove; {bearer}; authentication maybe-authentication mutation"
            ),
            format!("GET /api/notes/{{id}} show; {bearer}; authentication maybe-authentication"),
            "POST /notes add; ; mutation validation".to_owned(),
        ]
    );
    let said = said(&files);
    assert!(said.contains(&"authz.route.missing src/main.rs:21".to_owned()), "{said:?}");
}

const ROCKET: &str = r#"#[macro_use]
extern crate rocket;

use rocket::http::Status;
use rocket::request::{FromRequest, Outcome, Request};

struct Member(i64);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Member {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ()> {
        match request.headers().get_one("Authorization").and_then(tokens::member) {
            Some(id) => Outcome::Success(Member(id)),
            None => Outcome::Error((Status::Unauthorized, ())),
        }
    }
}

#[post("/notes?<tag>", data = "<text>")]
async fn add(member: Member, tag: &str, text: String) {
    db::insert("INSERT INTO notes VALUES ($1)", text).await;
}

#[delete("/notes/<id>")]
async fn remove(id: i64) {
    db::run("DELETE FROM notes WHERE id = $1", id).await;
}

#[launch]
fn start() -> _ {
    rocket::build().mount("/api", routes![add, remove])
}
"#;

#[test]
fn rocket_guards_are_parameters() {
    let files = [("src/main.rs", ROCKET)];
    assert_eq!(
        inventory(&files),
        [
            "POST /api/notes add; Member; authentication maybe-authentication mutation",
            "DELETE /api/notes/{id} remove; ; mutation",
        ]
    );
    assert_eq!(said(&files), ["authz.route.missing src/main.rs:26"]);
}
