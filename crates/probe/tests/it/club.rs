//! A club: people register, sign in, set their passwords and look at what is theirs. Each hole has a name; without any it is whole.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use gabion_egress::{Dial as _, TcpDial};
use gabion_probe::{Chromium, Facts, Level, Report, Verdict, World, run};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::ground::{Silent, print, world};

#[derive(Debug, Clone)]
struct Member {
    id: u64,
    email: String,
    password: String,
    /// Whether the bonus was claimed.
    claimed: bool,
    likes: bool,
    credits: i64,
}

impl Member {
    fn new(id: u64, email: &str, password: String) -> Self {
        Self { id, email: email.to_owned(), password, claimed: false, likes: false, credits: 100 }
    }
}

#[derive(Debug, Default)]
struct Data {
    members: BTreeMap<String, Member>,
    /// By token: whose session it is.
    sessions: BTreeMap<String, String>,
    /// By name: tokens that were sent, the newest last.
    resets: BTreeMap<String, Vec<String>>,
    wrong: usize,
    /// By name: the code that signs in, and how many wrong ones were sent.
    codes: BTreeMap<String, (String, usize)>,
    orders: Vec<Value>,
    counter: u64,
}

#[derive(Debug, Clone)]
struct Club {
    holes: &'static [&'static str],
    data: Arc<Mutex<Data>>,
    mail: SocketAddr,
}

impl Club {
    fn has(&self, hole: &str) -> bool {
        self.holes.contains(&hole)
    }

    fn who(&self, headers: &HeaderMap) -> Result<String, StatusCode> {
        let field = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let token = field.strip_prefix("Bearer ").unwrap_or_default();
        self.data.lock().unwrap().sessions.get(token).cloned().ok_or(StatusCode::UNAUTHORIZED)
    }

    fn takes(&self, name: &str, password: &str) -> bool {
        (password.chars().count() >= 8 || self.has("short"))
            && (!["password123", "Password1"].contains(&password) || self.has("common"))
            && (password != name || self.has("name"))
            && (password.chars().count() <= 32 || !self.has("no-long"))
            && (password.is_ascii() || !self.has("ascii"))
    }

    fn kept(&self, password: &str) -> String {
        if self.has("truncated") { password.chars().take(72).collect() } else { password.to_owned() }
    }
}

fn text<'a>(body: &'a Value, name: &str) -> &'a str {
    body[name].as_str().unwrap_or_default()
}

async fn register(State(club): State<Club>, Json(body): Json<Value>) -> Response {
    let (name, password) = (text(&body, "username").to_owned(), text(&body, "password"));
    let mut data = club.data.lock().unwrap();
    if name.is_empty() || data.members.contains_key(&name) || !club.takes(&name, password) {
        return StatusCode::UNPROCESSABLE_ENTITY.into_response();
    }
    data.counter += 1;
    let id = data.counter + 40;
    let member = Member::new(id, text(&body, "email"), club.kept(password));
    data.members.insert(name.clone(), member);
    (StatusCode::CREATED, Json(json!({ "id": id, "username": name }))).into_response()
}

async fn login(State(club): State<Club>, Json(body): Json<Value>) -> Response {
    let name = text(&body, "username").to_owned();
    let password = club.kept(text(&body, "password"));
    let mut data = club.data.lock().unwrap();
    let right = data.members.get(&name).is_some_and(|member| member.password == password);
    let delivered = club.has("default") && name == "admin" && password == "admin";
    if !(right || delivered) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    data.counter += 1;
    let token = format!("t{:032x}", data.counter.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    data.sessions.insert(token.clone(), name);
    Json(json!({ "token": token })).into_response()
}

async fn me(State(club): State<Club>, headers: HeaderMap) -> Response {
    let name = match club.who(&headers) {
        Ok(name) => name,
        Err(status) => return status.into_response(),
    };
    let data = club.data.lock().unwrap();
    let member = data.members.get(&name).cloned();
    let member = member.unwrap_or(Member::new(1, "", String::new()));
    Json(json!({ "id": member.id, "username": name, "email": member.email, "credits": member.credits }))
        .into_response()
}

async fn set_password(
    State(club): State<Club>,
    Path(id): Path<u64>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Result<StatusCode, StatusCode> {
    let caller = club.who(&headers)?;
    let mut data = club.data.lock().unwrap();
    let whose = data.members.iter().find(|(_, member)| member.id == id).map(|(name, _)| name.clone());
    let whose = whose.ok_or(StatusCode::NOT_FOUND)?;
    if whose != caller && !club.has("other") {
        return Err(StatusCode::FORBIDDEN);
    }
    let old = data.members.get(&caller).map(|member| member.password.clone()).unwrap_or_default();
    if text(&body, "old_password") != old && !club.has("no-old") {
        return Err(StatusCode::FORBIDDEN);
    }
    let new = text(&body, "new_password");
    if !club.takes(&whose, new) {
        return Err(StatusCode::UNPROCESSABLE_ENTITY);
    }
    let new = club.kept(new);
    data.members.get_mut(&whose).unwrap().password = new;
    if !club.has("sessions") {
        data.sessions.retain(|_, own| *own != whose);
    }
    Ok(StatusCode::NO_CONTENT)
}

/// A letter, by SMTP.
async fn send(mail: SocketAddr, to: &str, text: &str) -> std::io::Result<()> {
    let mut stream = TcpDial.dial(mail).await?;
    let letter = format!("Subject: your password\r\nMessage-ID: <{text:p}@club>\r\n\r\n{text}\r\n.\r\n");
    let words =
        format!("EHLO club\r\nMAIL FROM:<club@example.com>\r\nRCPT TO:<{to}>\r\nDATA\r\n{letter}QUIT\r\n");
    stream.write_all(words.as_bytes()).await?;
    let mut answers = Vec::new();
    stream.read_to_end(&mut answers).await.map(drop)
}

async fn forgot(State(club): State<Club>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    let host = headers.get("x-forwarded-host").filter(|_| club.has("host"));
    let host = host.and_then(|value| value.to_str().ok()).unwrap_or("club.example").to_owned();
    let (token, email) = {
        let mut data = club.data.lock().unwrap();
        let found = data.members.iter().find(|(_, member)| member.email == text(&body, "email"));
        let Some((name, email)) = found.map(|(name, member)| (name.clone(), member.email.clone())) else {
            return StatusCode::ACCEPTED.into_response();
        };
        data.counter += 1;
        let counter = data.counter;
        let random = counter.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let token = match () {
            () if club.has("counted") => format!("77{counter:030}"),
            () if club.has("code") => format!("{:06}", random % 1_000_000),
            () => format!("{random:016x}{:016x}", random.rotate_left(31).wrapping_mul(counter | 1)),
        };
        let sent = data.resets.entry(name).or_default();
        if !club.has("old") {
            sent.clear();
        }
        sent.push(token.clone());
        (token, email)
    };
    let _ = send(club.mail, &email, &format!("Set it at https://{host}/reset?token={token} today.")).await;
    if club.has("answer") {
        return (StatusCode::ACCEPTED, Json(json!({ "token": token }))).into_response();
    }
    StatusCode::ACCEPTED.into_response()
}

/// Where the link of the letter leads. A picture of another site is on the page, or a link to one.
async fn reset_page(State(club): State<Club>) -> Response {
    let policy = match () {
        () if club.has("whole-address") || club.has("linked") => "unsafe-url",
        () if club.has("unsaid") => "",
        () => "no-referrer",
    };
    let outside = match () {
        () if club.has("linked") => "<a href='http://partner.example/'>our partner</a>",
        () => "<img src='http://pictures.example/logo.png'>",
    };
    let form = "<form method=post><input name=token><input type=password name=password></form>";
    let page = Html(format!("<!doctype html><title>A new password</title>{outside}{form}"));
    if policy.is_empty() {
        return page.into_response();
    }
    ([("referrer-policy", policy)], page).into_response()
}

async fn reset(State(club): State<Club>, Json(body): Json<Value>) -> StatusCode {
    let mut data = club.data.lock().unwrap();
    if data.wrong > 10 && club.has("code") && !club.has("guess") {
        return StatusCode::TOO_MANY_REQUESTS;
    }
    let token = text(&body, "token").to_owned();
    let sent = data.resets.iter().find(|(_, sent)| sent.contains(&token)).map(|(name, _)| name.clone());
    let Some(mut name) = sent else {
        data.wrong += 1;
        return StatusCode::FORBIDDEN;
    };
    if club.has("bound") {
        let named = data.members.iter().find(|(_, member)| member.email == text(&body, "email"));
        name = named.map(|(name, _)| name.clone()).unwrap_or(name);
    }
    let new = text(&body, "password");
    if !club.takes(&name, new) {
        return StatusCode::UNPROCESSABLE_ENTITY;
    }
    let new = club.kept(new);
    data.members.get_mut(&name).unwrap().password = new;
    if !club.has("reuse") {
        data.resets.retain(|_, sent| !sent.contains(&token));
    }
    if !club.has("reset-sessions") {
        data.sessions.retain(|_, own| *own != name);
    }
    StatusCode::NO_CONTENT
}

/// A letter with a code that signs in.
async fn ask_code(State(club): State<Club>, Json(body): Json<Value>) -> StatusCode {
    let (code, email) = {
        let mut data = club.data.lock().unwrap();
        let found = data.members.iter().find(|(_, member)| member.email == text(&body, "email"));
        let Some((name, email)) = found.map(|(name, member)| (name.clone(), member.email.clone())) else {
            return StatusCode::ACCEPTED;
        };
        data.counter += 1;
        let code = format!("{:06}", data.counter.wrapping_mul(0x9E37_79B9_7F4A_7C15) % 1_000_000);
        data.codes.insert(name, (code.clone(), 0));
        (code, email)
    };
    let _ = send(club.mail, &email, &format!("Your code is {code}, for ten minutes.")).await;
    StatusCode::ACCEPTED
}

/// Five tries, and once.
async fn enter_code(State(club): State<Club>, Json(body): Json<Value>) -> Response {
    let mut data = club.data.lock().unwrap();
    let found = data.members.iter().find(|(_, member)| member.email == text(&body, "email"));
    let Some(name) = found.map(|(name, _)| name.clone()) else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    let Some((code, wrong)) = data.codes.get_mut(&name) else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    if *wrong >= 5 && !club.has("code-guess") || *code != text(&body, "code") {
        *wrong += 1;
        return StatusCode::UNAUTHORIZED.into_response();
    }
    if !club.has("code-reuse") {
        data.codes.remove(&name);
    }
    data.counter += 1;
    let token = format!("t{:032x}", data.counter.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    data.sessions.insert(token.clone(), name);
    Json(json!({ "token": token })).into_response()
}

/// Ten credits, once for each member.
async fn claim(State(club): State<Club>, headers: HeaderMap) -> Result<Json<Value>, StatusCode> {
    let name = club.who(&headers)?;
    if club.data.lock().unwrap().members.get(&name).is_none_or(|member| member.claimed) {
        return Err(StatusCode::CONFLICT);
    }
    if club.has("race") {
        // Something takes its time between the look and the note.
        for _ in 0..500 {
            tokio::task::yield_now().await;
        }
    }
    let mut data = club.data.lock().unwrap();
    let member = data.members.get_mut(&name).ok_or(StatusCode::CONFLICT)?;
    if member.claimed && !club.has("race") {
        return Err(StatusCode::CONFLICT);
    }
    member.claimed = true;
    member.credits += 10;
    Ok(Json(json!({ "claimed": 10 })))
}

/// On and off.
async fn like(State(club): State<Club>, headers: HeaderMap) -> Result<Json<Value>, StatusCode> {
    let name = club.who(&headers)?;
    let mut data = club.data.lock().unwrap();
    let member = data.members.get_mut(&name).ok_or(StatusCode::CONFLICT)?;
    member.likes = !member.likes;
    Ok(Json(if member.likes { json!({ "liked": true }) } else { json!({ "gone": "again and for good" }) }))
}

/// What comes in and what goes out of a store.
async fn stock(
    State(club): State<Club>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Result<Json<Value>, StatusCode> {
    club.who(&headers)?;
    Ok(Json(json!({ "counted": true, "quantity": body["quantity"] })))
}

async fn order(
    State(club): State<Club>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Result<Json<Value>, StatusCode> {
    club.who(&headers)?;
    let quantity = body["quantity"].as_f64().unwrap_or(1.0);
    let (least, most) = if club.has("negative") { (-9.0, 10.0) } else { (1.0, 10.0) };
    let most = if club.has("above") { 99.0 } else { most };
    if quantity < least || quantity > most || quantity.fract() != 0.0 && !club.has("fraction") {
        return Err(StatusCode::UNPROCESSABLE_ENTITY);
    }
    let price = body["price"].as_f64().filter(|_| club.has("price")).unwrap_or(12.5);
    let mut data = club.data.lock().unwrap();
    let id = data.orders.len();
    let made = json!({ "id": id, "product_id": body["product_id"], "quantity": quantity, "price": price, "total": price * quantity });
    data.orders.push(made.clone());
    Ok(Json(made))
}

/// Credits go to the member with that number.
async fn give(
    State(club): State<Club>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Result<StatusCode, StatusCode> {
    let name = club.who(&headers)?;
    let points = body["points"].as_i64().unwrap_or(0);
    let mut data = club.data.lock().unwrap();
    let member = data.members.get_mut(&name).ok_or(StatusCode::NOT_FOUND)?;
    if (points <= 0 && !club.has("give")) || member.credits < points {
        return Err(StatusCode::UNPROCESSABLE_ENTITY);
    }
    member.credits -= points;
    Ok(StatusCode::NO_CONTENT)
}

fn document() -> Value {
    let texts = |names: &[&str]| {
        let fields: BTreeMap<&str, Value> =
            names.iter().map(|name| (*name, json!({ "type": "string" }))).collect();
        json!({ "content": { "application/json": { "schema": { "type": "object", "properties": fields } } } })
    };
    let numbers = |names: &[&str]| {
        let fields: BTreeMap<&str, Value> =
            names.iter().map(|name| (*name, json!({ "type": "integer" }))).collect();
        json!({ "content": { "application/json": { "schema": { "type": "object", "properties": fields } } } })
    };
    let ok = json!({ "200": { "description": "" } });
    let id = json!([{ "name": "id", "in": "path", "required": true, "schema": { "type": "integer" } }]);
    json!({ "openapi": "3.0.0", "security": [{ "token": [] }], "paths": {
        "/register": { "post": { "security": [], "requestBody": texts(&["username", "email", "password"]), "responses": ok } },
        "/login": { "post": { "security": [], "requestBody": texts(&["username", "password"]), "responses": ok } },
        "/me": { "get": { "responses": ok } },
        "/forgot": { "post": { "security": [], "requestBody": texts(&["email"]), "responses": ok } },
        "/reset": { "post": { "security": [], "requestBody": texts(&["token", "email", "password"]), "responses": ok } },
        "/code": { "post": { "security": [], "requestBody": texts(&["email"]), "responses": ok } },
        "/code/enter": { "post": { "security": [], "requestBody": texts(&["email", "code"]), "responses": ok } },
        "/bonus/claim": { "post": { "responses": ok } },
        "/posts/like": { "post": { "responses": ok } },
        "/stock": { "post": { "requestBody": numbers(&["quantity"]), "responses": ok } },
        "/orders": { "post": { "requestBody": numbers(&["product_id", "quantity", "price"]), "responses": ok } },
        "/give": { "post": { "requestBody": numbers(&["points"]), "responses": ok } },
        "/users/{id}/password": { "parameters": id, "put": { "requestBody": texts(&["old_password", "new_password"]), "responses": ok } },
    } })
}

/// Runs some tests against a club with some holes: two members sign in.
pub(crate) async fn probe(holes: &'static [&'static str], only: &[&str]) -> Report {
    probe_with(holes, only, |facts| facts).await
}

/// As [`probe`], with more facts.
pub(crate) async fn probe_with(
    holes: &'static [&'static str],
    only: &[&str],
    known: impl FnOnce(Facts) -> Facts,
) -> Report {
    probe_in(&world(only), holes, known).await
}

/// As [`probe`], with a browser.
pub(crate) async fn probe_in_browser(holes: &'static [&'static str], only: &[&str]) -> Report {
    probe_in(&World { browser: Some(Chromium::default()), ..world(only) }, holes, |facts| facts).await
}

async fn probe_in(
    world: &World,
    holes: &'static [&'static str],
    known: impl FnOnce(Facts) -> Facts,
) -> Report {
    let mut data = Data { counter: 7, ..Data::default() };
    for (id, name) in [(2, "alice"), (3, "bob")] {
        let password = format!("{name}-Harbour-41");
        let email = format!("{name}@club.example");
        data.members.insert(name.to_owned(), Member::new(id, &email, password));
    }
    // A port that was free just now.
    let mail = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let club = Club { holes, data: Arc::new(Mutex::new(data)), mail };
    let router = Router::new()
        .route("/openapi.json", get(|| async { Json(document()) }))
        .route("/register", post(register))
        .route("/login", post(login))
        .route("/me", get(me))
        .route("/users/{id}/password", put(set_password))
        .route("/forgot", post(forgot))
        .route("/reset", get(reset_page).post(reset))
        .route("/code", post(ask_code))
        .route("/code/enter", post(enter_code))
        .route("/bonus/claim", post(claim))
        .route("/posts/like", post(like))
        .route("/stock", post(stock))
        .route("/orders", post(order))
        .route("/give", post(give))
        .with_state(club);
    attack_in(world, router, |mut facts| {
        facts.accounts.mail = Some(mail);
        known(facts)
    })
    .await
}

/// Runs some tests against an application of two members, alice and bob.
pub(crate) async fn attack(router: Router, only: &[&str], known: impl FnOnce(Facts) -> Facts) -> Report {
    attack_in(&world(only), router, known).await
}

/// As [`attack`], in a world of one's own.
async fn attack_in(world: &World, router: Router, known: impl FnOnce(Facts) -> Facts) -> Report {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let mut facts = Facts::of(&base);
    for name in ["alice", "bob"] {
        facts = facts.with(name, &format!("{name}-Harbour-41"));
    }
    facts.target.level = Level::Destructive;
    facts.limits.rate = 2_000;
    let report = run(known(facts), world, &Silent).await.unwrap();
    server.abort();
    print(&report);
    report
}

/// Test and aspect of everything that was found for sure.
pub(crate) fn sure(report: &Report) -> Vec<String> {
    let sure = report.findings.iter().filter(|finding| finding.outcome.verdict > Verdict::Tentative);
    let mut all: Vec<String> =
        sure.map(|finding| format!("{} {}", finding.about.id, finding.outcome.aspect)).collect();
    all.sort();
    all.dedup();
    all
}

/// Aspects of one test that passed.
pub(crate) fn passed(report: &Report, test: &str) -> Vec<String> {
    let all = report.outcomes.iter();
    let own = all.filter(|outcome| outcome.test == test && outcome.verdict == Verdict::Passed);
    let mut all: Vec<String> = own.map(|outcome| outcome.aspect.clone()).collect();
    all.sort();
    all.dedup();
    all
}
