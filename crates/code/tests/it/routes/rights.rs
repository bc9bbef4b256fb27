//! Bodies of a type that holds rights, and objects that are taken by an id alone: Python, Java, Go, Rust.

use super::said;

const PYTHON: &str = "from fastapi import FastAPI, Depends, HTTPException, Body
from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.orm import Session
from .models import User, Order
from .db import get_db

app = FastAPI()

def get_current_user(token: str = Depends(oauth2)):
    user = verify_token(token)
    if user is None:
        raise HTTPException(status_code=401)
    return user

class NewUser(BaseModel):
    name: str
    is_admin: bool = False

class NewOrder(BaseModel):
    note: str
    balance: int = Field(0, exclude=True)
";

fn python(handler: &str) -> Vec<String> {
    let lines = said(&[("shop/__init__.py", ""), ("shop/main.py", &format!("{PYTHON}\n{handler}"))]);
    rules(&lines, &["authz.idor", "authz.mass-assignment", "authz.trust-client-identity"])
}

/// Of what is said, these rules.
fn rules(lines: &[String], of: &[&str]) -> Vec<String> {
    let rule = |line: &String| line.split(' ').next().unwrap_or_default().to_owned();
    lines.iter().map(rule).filter(|rule| of.contains(&rule.as_str())).collect()
}

#[test]
fn what_a_handler_of_fastapi_stores() {
    let cases: &[(&str, &[&str])] = &[
        (
            "@app.post('/users')\ndef f(body: NewUser, db: Session = Depends(get_db), user=Depends(get_current_user)):\n    db.add(User(**body.model_dump()))\n    db.commit()\n",
            &["authz.mass-assignment"],
        ),
        (
            "@app.post('/users')\ndef f(body: NewUser, db: Session = Depends(get_db), user=Depends(get_current_user)):\n    if not user.is_admin:\n        raise HTTPException(status_code=403)\n    db.add(User(**body.model_dump()))\n    db.commit()\n",
            &[],
        ),
        (
            "@app.post('/users')\ndef f(body: NewUser, db: Session = Depends(get_db), user=Depends(get_current_user)):\n    db.add(User(name=body.name))\n    db.commit()\n",
            &[],
        ),
        (
            "@app.post('/users')\ndef f(body: NewUser, db: Session = Depends(get_db), user=Depends(get_current_user)):\n    db.add(User(name=body.name, is_admin=body.is_admin))\n    db.commit()\n",
            &["authz.trust-client-identity"],
        ),
        (
            "@app.post('/orders')\ndef f(body: NewOrder, db: Session = Depends(get_db), user=Depends(get_current_user)):\n    db.add(Order(**body.model_dump()))\n    db.commit()\n",
            &[],
        ),
        (
            "@app.post('/orders')\ndef f(body: dict = Body(), db: Session = Depends(get_db), user=Depends(get_current_user)):\n    db.add(Order(**body))\n    db.commit()\n",
            &["authz.mass-assignment"],
        ),
        (
            "@app.post('/orders')\ndef f(note: str = Body(), db: Session = Depends(get_db), user=Depends(get_current_user)):\n    db.add(Order(note=note))\n    db.commit()\n",
            &[],
        ),
    ];
    for (handler, expected) in cases {
        assert_eq!(python(handler), *expected, "{handler}");
    }
}

#[test]
fn what_a_handler_of_fastapi_takes_by_id() {
    let cases: &[(&str, &[&str])] = &[
        (
            "@app.get('/orders/{order_id}')\ndef f(order_id: int, db: Session = Depends(get_db), user=Depends(get_current_user)):\n    return db.query(Order).filter(Order.id == order_id).first()\n",
            &["authz.idor"],
        ),
        (
            "@app.get('/orders/{order_id}')\ndef f(order_id: int, db: Session = Depends(get_db), user=Depends(get_current_user)):\n    return db.execute(select(Order).where(Order.id == order_id)).scalar()\n",
            &["authz.idor"],
        ),
        (
            "@app.get('/orders/{order_id}')\ndef f(order_id: int, db: Session = Depends(get_db), user=Depends(get_current_user)):\n    return db.query(Order).filter(Order.id == order_id, Order.owner_id == user.id).first()\n",
            &[],
        ),
        (
            "@app.get('/orders/{order_id}')\ndef f(order_id: int, db: Session = Depends(get_db), user=Depends(get_current_user)):\n    order = db.query(Order).filter(Order.id == order_id).first()\n    if order.customer != user.id:\n        raise HTTPException(status_code=404)\n    return order\n",
            &[],
        ),
        // Nobody owns a category.
        (
            "@app.get('/categories/{category_id}')\ndef f(category_id: int, db: Session = Depends(get_db), user=Depends(get_current_user)):\n    return db.query(Category).filter(Category.id == category_id).first()\n",
            &[],
        ),
    ];
    for (handler, expected) in cases {
        assert_eq!(python(handler), *expected, "{handler}");
    }
}

const GO: &str = "package main
import (
	\"encoding/json\"
	\"net/http\"
	\"github.com/gin-gonic/gin\"
	\"github.com/golang-jwt/jwt/v5\"
	\"gorm.io/gorm\"
)
type User struct { ID uint; Name string; IsAdmin bool }
type Account struct { ID uint; Name string; Balance int `json:\"-\"` }
type Note struct { ID uint; Text string }
type Order struct { ID uint; UserID uint }
var db *gorm.DB
func auth(c *gin.Context) {
	token, err := jwt.Parse(c.GetHeader(\"Authorization\"), key)
	if err != nil { c.AbortWithStatus(401); return }
	c.Set(\"user\", token)
}
";

fn go(body: &str) -> Vec<String> {
    let handler = format!("func handle(c *gin.Context) {{\n{body}\n}}\n");
    let main =
        "func main() {\n\tr := gin.New()\n\tg := r.Group(\"/api\", auth)\n\tg.PUT(\"/x/:id\", handle)\n}\n";
    let lines = said(&[("main.go", &format!("{GO}{handler}{main}"))]);
    rules(&lines, &["authz.idor", "authz.mass-assignment"])
}

#[test]
fn what_a_handler_of_go_stores_and_takes() {
    let cases: &[(&str, &[&str])] = &[
        ("var u User\nc.ShouldBindJSON(&u)\ndb.Create(&u)", &["authz.mass-assignment"]),
        (
            "u := User{}\nif err := c.BindJSON(&u); err != nil { return }\ndb.Save(&u)",
            &["authz.mass-assignment"],
        ),
        (
            "u := new(User)\njson.NewDecoder(c.Request.Body).Decode(u)\ndb.Create(u)",
            &["authz.mass-assignment"],
        ),
        ("var a Account\nc.ShouldBindJSON(&a)\ndb.Create(&a)", &[]),
        ("var n Note\nc.ShouldBindJSON(&n)\ndb.Create(&n)", &[]),
        ("var u User\nc.ShouldBindJSON(&u)\ndb.Create(&User{Name: u.Name})", &[]),
        ("var o Order\ndb.First(&o, c.Param(\"id\"))\nc.JSON(200, o)", &["authz.idor"]),
        (
            "var o Order\ndb.Where(\"user_id = ?\", c.GetUint(\"user\")).First(&o, c.Param(\"id\"))\nc.JSON(200, o)",
            &[],
        ),
    ];
    for (body, expected) in cases {
        assert_eq!(go(body), *expected, "{body}");
    }
}

const RUST: &str = "use axum::{extract::{Path, State, Json, Extension}, routing::{get, post}, Router};
use serde::Deserialize;
use sqlx::PgPool;
#[derive(Deserialize)]
struct NewUser { name: String, is_admin: bool }
#[derive(Deserialize)]
struct Guest { name: String, #[serde(skip_deserializing)] is_admin: bool }
#[derive(Clone)]
struct CurrentUser { id: i64 }
async fn require_auth(req: axum::extract::Request, next: axum::middleware::Next) -> axum::response::Response {
    if req.headers().get(\"authorization\").is_none() { return axum::http::StatusCode::UNAUTHORIZED.into_response(); }
    next.run(req).await
}
fn app() -> Router {
    Router::new().route(\"/x/{id}\", post(handle)).route_layer(axum::middleware::from_fn(require_auth))
}
";

fn rust(handler: &str) -> Vec<String> {
    let lines = said(&[("src/main.rs", &format!("{RUST}{handler}"))]);
    rules(&lines, &["authz.idor", "authz.mass-assignment"])
}

#[test]
fn what_a_handler_of_rust_stores_and_takes() {
    let cases: &[(&str, &[&str])] = &[
        (
            "async fn handle(Json(user): Json<NewUser>) { diesel::insert_into(users::table).values(&user).execute(&mut conn()); }",
            &["authz.mass-assignment"],
        ),
        (
            "async fn handle(Json(user): Json<Guest>) { diesel::insert_into(users::table).values(&user).execute(&mut conn()); }",
            &[],
        ),
        ("async fn handle(Json(user): Json<NewUser>) -> Json<NewUser> { Json(user) }", &[]),
        (
            "async fn handle(State(pool): State<PgPool>, Extension(user): Extension<CurrentUser>, Path(id): Path<i64>) -> Json<Order> {\n    Json(sqlx::query_as::<_, Order>(\"select * from orders where id = $1\").bind(id).fetch_one(&pool).await.unwrap())\n}",
            &["authz.idor"],
        ),
        (
            "async fn handle(State(pool): State<PgPool>, Extension(user): Extension<CurrentUser>, Path(id): Path<i64>) -> Json<Order> {\n    Json(sqlx::query_as::<_, Order>(\"select * from orders where id = $1 and user_id = $2\").bind(id).bind(user.id).fetch_one(&pool).await.unwrap())\n}",
            &[],
        ),
        (
            "async fn handle(State(pool): State<PgPool>, Path(id): Path<i64>) -> Json<Country> {\n    Json(sqlx::query_as::<_, Country>(\"select * from countries where id = $1\").bind(id).fetch_one(&pool).await.unwrap())\n}",
            &[],
        ),
    ];
    for (handler, expected) in cases {
        assert_eq!(rust(handler), *expected, "{handler}");
    }
}

const JAVA: &str = "package shop;
import org.springframework.web.bind.annotation.*;
import org.springframework.security.access.prepost.PreAuthorize;
import java.security.Principal;
@RestController
@PreAuthorize(\"isAuthenticated()\")
public class Api {
    private final OrderRepository orders;
    private final UserRepository users;
    Api(OrderRepository orders, UserRepository users) { this.orders = orders; this.users = users; }
";

fn java(methods: &str) -> Vec<String> {
    let user = "package shop;\n@Entity\npublic class User { @Id private Long id; private String name; private String role; }\n";
    let guest = "package shop;\n@Entity\npublic class Guest { @Id private Long id; private String name; @JsonIgnore private String role; }\n";
    let lines = said(&[
        ("src/main/java/shop/User.java", user),
        ("src/main/java/shop/Guest.java", guest),
        ("src/main/java/shop/Api.java", &format!("{JAVA}{methods}}}\n")),
    ]);
    rules(&lines, &["authz.idor", "authz.mass-assignment"])
}

#[test]
fn what_a_controller_stores_and_takes() {
    let cases: &[(&str, &[&str])] = &[
        (
            "@PostMapping(\"/users\") public User create(@RequestBody User user) { return users.save(user); }\n",
            &["authz.mass-assignment"],
        ),
        (
            "@PostMapping(\"/users\") @PreAuthorize(\"hasRole('ADMIN')\") public User create(@RequestBody User user) { return users.save(user); }\n",
            &[],
        ),
        (
            "@PostMapping(\"/guests\") public Guest create(@RequestBody Guest guest) { return guests.save(guest); }\n",
            &[],
        ),
        (
            "@GetMapping(\"/orders/{id}\") public Order one(@PathVariable Long id) { return orders.findById(id).orElseThrow(); }\n",
            &["authz.idor"],
        ),
        (
            "@GetMapping(\"/orders/{id}\") public Order one(@PathVariable Long id, Principal principal) { return orders.findByIdAndOwner(id, principal.getName()).orElseThrow(); }\n",
            &[],
        ),
        (
            "@GetMapping(\"/orders/{id}\") public Order one(@PathVariable Long id, Principal principal) { Order order = orders.findById(id).orElseThrow();\n if (!order.getOwner().equals(principal.getName())) throw new AccessDeniedException(\"no\");\n return order; }\n",
            &[],
        ),
    ];
    for (methods, expected) in cases {
        assert_eq!(java(methods), *expected, "{methods}");
    }
}
