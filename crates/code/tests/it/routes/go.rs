//! Go: groups, sub-routers and handlers around handlers, with guards on parents, at routes, and missing.

use super::{inventory, said};

const GIN: &[(&str, &str)] = &[
    ("go.mod", "module shop\n"),
    (
        "main.go",
        r#"package main

import (
	"shop/orders"

	"github.com/gin-gonic/gin"
)

func main() {
	r := gin.Default()
	r.GET("/health", func(c *gin.Context) { c.String(200, "ok") })
	api := r.Group("/api")
	orders.Register(api)
	admin := api.Group("/admin", requireAdmin())
	admin.DELETE("/orders/:id", orders.Remove)
	r.Run()
}

func requireAdmin() gin.HandlerFunc {
	return func(c *gin.Context) {
		if c.GetString("role") != "admin" {
			c.AbortWithStatus(403)
			return
		}
		c.Next()
	}
}
"#,
    ),
    (
        "orders/routes.go",
        r#"package orders

import (
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/golang-jwt/jwt/v5"
)

func Register(api *gin.RouterGroup) {
	api.POST("/import", Import)
	signed := api.Group("/orders")
	signed.Use(check)
	{
		signed.GET("", List)
		signed.POST("", Add)
	}
}

func check(c *gin.Context) {
	token, err := jwt.Parse(c.GetHeader("Authorization"), key)
	if err != nil || !token.Valid {
		c.AbortWithStatusJSON(http.StatusUnauthorized, nil)
		return
	}
	c.Set("user", token)
	c.Next()
}

func List(c *gin.Context) { c.JSON(200, db.Find(c.Query("page"))) }

func Add(c *gin.Context) {
	var order Order
	if err := c.ShouldBindJSON(&order); err != nil {
		return
	}
	db.Create(&order)
}

func Import(c *gin.Context) {
	db.Create(&Order{Item: c.PostForm("item")})
}

func Remove(c *gin.Context) { db.Delete(&Order{}, c.Param("id")) }
"#,
    ),
];

/// Files without `go.mod`, which is no code.
fn code<'a>(files: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    files.iter().copied().filter(|(path, _)| !path.ends_with(".mod")).collect()
}

#[test]
fn gin() {
    let files = code(GIN);
    assert_eq!(
        inventory(&files),
        [
            "DELETE /api/admin/orders/{id} Remove; requireAdmin(); authentication authorization maybe-authentication mutation",
            "POST /api/import Import; ; mutation",
            "GET /api/orders List; check; authentication",
            "POST /api/orders Add; check; authentication mutation validation",
            "GET /health; ; ",
        ]
    );
    assert_eq!(said(&files), ["authz.route.missing orders/routes.go:11"]);
}

const CHI: &str = r#"package main

import (
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
)

func main() {
	r := chi.NewRouter()
	r.Use(middleware.Logger)
	r.Get("/", home)
	r.Route("/api", func(r chi.Router) {
		r.Post("/notes", add)
		r.Group(func(r chi.Router) {
			r.Use(signedIn)
			r.Get("/notes/{id}", show)
			r.With(limit).Delete("/notes/{id}", remove)
		})
		r.Mount("/users", users())
	})
	http.ListenAndServe(":80", r)
}

func users() http.Handler {
	r := chi.NewRouter()
	r.Use(signedIn)
	r.Put("/{id}", change)
	return r
}

func signedIn(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cookie, err := r.Cookie("session")
		if err != nil || !sessions.Known(cookie.Value) {
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func limit(next http.Handler) http.Handler { return throttle.Limit(next) }

func home(w http.ResponseWriter, r *http.Request)   { w.Write([]byte("hi")) }
func show(w http.ResponseWriter, r *http.Request)   { notes.Find(chi.URLParam(r, "id")) }
func add(w http.ResponseWriter, r *http.Request)    { notes.Insert(r.FormValue("text")) }
func remove(w http.ResponseWriter, r *http.Request) { notes.Delete(chi.URLParam(r, "id")) }
func change(w http.ResponseWriter, r *http.Request) { users.Update(chi.URLParam(r, "id")) }
"#;

#[test]
fn chi() {
    let files = [("main.go", CHI)];
    let log = "github.com/go-chi/chi/v5/middleware.Logger";
    assert_eq!(
        inventory(&files),
        [
            format!("GET / home; {log}; "),
            format!("POST /api/notes add; {log}; mutation"),
            format!(
                "DELETE /api/notes/{{id}} remove; {log} > signedIn > limit; authentication mutation rate-limit"
            ),
            format!("GET /api/notes/{{id}} show; {log} > signedIn; authentication"),
            format!("PUT /api/users/{{id}} change; {log} > signedIn; authentication mutation"),
        ]
    );
    assert_eq!(said(&files), ["authz.idor main.go:49", "authz.route.missing main.go:15"]);
}

const PLAIN: &str = r#"package main

import "net/http"

func main() {
	admin := http.NewServeMux()
	admin.HandleFunc("POST /admin/flush", flush)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /items/{id}", show)
	mux.HandleFunc("DELETE /items/{id}", remove)
	mux.Handle("PUT /items/{id}", signedIn(http.HandlerFunc(change)))
	mux.Handle("/", signedIn(admin))
	http.ListenAndServe(":80", traced(mux))
}

func traced(next http.Handler) http.Handler { return next }

func signedIn(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, _, ok := r.BasicAuth(); !ok {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func show(w http.ResponseWriter, r *http.Request)   { store.Find(r.PathValue("id")) }
func remove(w http.ResponseWriter, r *http.Request) { store.Delete(r.PathValue("id")) }
func change(w http.ResponseWriter, r *http.Request) { store.Update(r.PathValue("id")) }
func flush(w http.ResponseWriter, r *http.Request)  { store.DeleteAll() }
"#;

#[test]
fn the_standard_library() {
    let files = [("main.go", PLAIN)];
    assert_eq!(
        inventory(&files),
        [
            "POST /admin/flush flush; traced() > signedIn(); authentication mutation",
            "DELETE /items/{id} remove; traced(); mutation",
            "GET /items/{id} show; traced(); ",
            "PUT /items/{id} change; traced() > signedIn(); authentication mutation",
        ]
    );
    let said = said(&files);
    assert!(said.contains(&"authz.route.missing main.go:10".to_owned()), "{said:?}");
}

#[test]
fn gorilla_says_methods_behind_the_path() {
    let files = [(
        "main.go",
        r#"package main

import (
	"net/http"

	"github.com/gorilla/mux"
)

func main() {
	r := mux.NewRouter()
	r.HandleFunc("/login", login).Methods("POST")
	api := r.PathPrefix("/api").Subrouter()
	api.Use(check)
	api.HandleFunc("/items/{id:[0-9]+}", show).Methods("GET", "HEAD").Name("item")
	api.Path("/items").Methods(http.MethodPost).HandlerFunc(add)
	r.HandleFunc("/reindex", reindex)
}

func check(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !tokens.Valid(r.Header.Get("Authorization")) {
			http.Error(w, "forbidden", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func login(w http.ResponseWriter, r *http.Request)   { r.FormValue("password") }
func show(w http.ResponseWriter, r *http.Request)    {}
func add(w http.ResponseWriter, r *http.Request)     { db.Exec("INSERT INTO items VALUES ($1)", r.FormValue("name")) }
func reindex(w http.ResponseWriter, r *http.Request) { db.Exec("DELETE FROM search") }
"#,
    )];
    assert_eq!(
        inventory(&files),
        [
            "POST /api/items add; check; authentication mutation",
            "GET /api/items/{id} show; check; authentication",
            "HEAD /api/items/{id} show; check; authentication",
            "POST /login login; ; ",
            "ANY /reindex reindex; ; mutation",
        ]
    );
    assert_eq!(said(&files), ["authz.route.missing main.go:16"]);
}

#[test]
fn echo_and_fiber() {
    let echo = [(
        "main.go",
        r#"package main

import (
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
)

func main() {
	e := echo.New()
	e.POST("/public", add)
	g := e.Group("/admin", middleware.BasicAuth(check))
	g.POST("/items", add, limit)
	e.Use(middleware.Logger())
}

func add(c echo.Context) error { return db.Create(c.FormValue("name")) }
"#,
    )];
    let log = "github.com/labstack/echo/v4/middleware.Logger()";
    let basic = "github.com/labstack/echo/v4/middleware.BasicAuth()";
    assert_eq!(
        inventory(&echo),
        [
            format!(
                "POST /admin/items add; {log} > {basic} > limit; authentication maybe-authentication mutation rate-limit"
            ),
            format!("POST /public add; {log}; mutation"),
        ]
    );
    let fiber = [(
        "main.go",
        r#"package main

import "github.com/gofiber/fiber/v2"

func main() {
	app := fiber.New()
	app.Get("/", home)
	api := app.Group("/api", signedIn)
	api.Post("/items/:id", add)
	app.Post("/items", add)
}

func signedIn(c *fiber.Ctx) error {
	if c.Get("Authorization") != "Bearer "+key {
		return c.SendStatus(401)
	}
	return c.Next()
}

func home(c *fiber.Ctx) error { return c.SendString("hi") }
func add(c *fiber.Ctx) error  { return db.Create(c.FormValue("name")) }
"#,
    )];
    assert_eq!(
        inventory(&fiber),
        [
            "GET / home; ; ",
            "POST /api/items/{id} add; signedIn; authentication mutation",
            "POST /items add; ; mutation",
        ]
    );
    assert_eq!(said(&fiber), ["authz.route.missing main.go:10"]);
}

#[test]
fn an_object_of_somebody_else() {
    let main = |guarded: &str| {
        format!(
            r#"package main

import "github.com/gin-gonic/gin"

func main() {{
	r := gin.Default()
	r.Use(signedIn)
	r.DELETE("/orders/:id", remove)
}}

func signedIn(c *gin.Context) {{
	if _, ok := c.Get("user"); !ok {{
		c.AbortWithStatus(401)
	}}
}}

func remove(c *gin.Context) {{
	{guarded}
}}
"#
        )
    };
    let open = main(r#"db.Delete(&Order{}, c.Param("id"))"#);
    assert_eq!(said(&[("main.go", &open)]), ["authz.idor main.go:18"]);
    let owned = main(r#"db.Where("user_id = ?", c.GetInt("user_id")).Delete(&Order{}, c.Param("id"))"#);
    assert_eq!(said(&[("main.go", &owned)]), [""; 0]);
}
