//! Packages, types and interfaces: ways through several files.

use crate::world::found;

const STORE: &str = r#"package db
import "database/sql"
type Store struct { db *sql.DB }
func New(db *sql.DB) *Store { return &Store{db: db} }
func (s *Store) ByName(name string) error {
	_, err := s.db.Query("SELECT * FROM u WHERE n = '" + name + "'")
	return err
}
"#;

#[test]
fn a_function_of_the_same_package() {
    let a = "package app\nimport \"net/http\"\nfunc handle(w http.ResponseWriter, r *http.Request) { run(r.FormValue(\"x\")) }\n";
    let b = "package app\nimport \"database/sql\"\nvar db *sql.DB\nfunc run(q string) {\n db.Query(q)\n}\n";
    assert_eq!(found(&[("app/a.go", a), ("app/b.go", b)]), ["sql.injection app/b.go:5"]);
    assert_eq!(found(&[("app/z.go", a), ("app/b.go", b)]), ["sql.injection app/b.go:5"]);
    assert!(found(&[("app/a.go", a), ("other/b.go", b)]).is_empty());
    let number = b.replace("db.Query(q)", "db.Query(\"SELECT 1\", q)");
    assert!(found(&[("app/a.go", a), ("app/b.go", &number)]).is_empty());
}

#[test]
fn a_method_of_another_package_through_a_field() {
    let web = r#"package web
import (
	"net/http"
	"example.com/shop/internal/db"
)
type Server struct { store *db.Store }
func (s *Server) users(w http.ResponseWriter, r *http.Request) {
	s.store.ByName(r.URL.Query().Get("name"))
}
"#;
    let files = [("internal/db/store.go", STORE), ("internal/web/server.go", web)];
    assert_eq!(found(&files), ["sql.injection internal/db/store.go:6"]);
    let safe = STORE.replace("'\" + name + \"'\"", "?\", name");
    assert!(found(&[("internal/db/store.go", &safe), ("internal/web/server.go", web)]).is_empty());
}

#[test]
fn a_constructor_and_its_method() {
    let main = r#"package main
import (
	"database/sql"
	"net/http"
	"example.com/shop/internal/db"
)
func main() {
	conn, err := sql.Open("postgres", "")
	if err != nil { panic(err) }
	store := db.New(conn)
	http.HandleFunc("/u", func(w http.ResponseWriter, r *http.Request) {
		store.ByName(r.FormValue("name"))
	})
}
"#;
    let files = [("internal/db/store.go", STORE), ("cmd/shop/main.go", main)];
    assert_eq!(found(&files), ["sql.injection internal/db/store.go:6"]);
}

#[test]
fn an_interface_is_what_implements_it() {
    let web = r#"package web
import "net/http"
type Finder interface { ByName(name string) error }
type Server struct { finder Finder }
func (s *Server) users(w http.ResponseWriter, r *http.Request) {
	s.finder.ByName(r.FormValue("name"))
}
"#;
    let files = [("db/store.go", STORE), ("web/server.go", web)];
    assert_eq!(found(&files), ["sql.injection db/store.go:6"]);
    let more = web.replace("ByName(name string) error }", "ByName(name string) error; Close() }");
    assert!(found(&[("db/store.go", STORE), ("web/server.go", &more)]).is_empty());
}

#[test]
fn methods_in_another_file_than_their_type() {
    let a = "package app\nimport \"database/sql\"\ntype Store struct { db *sql.DB }\n";
    let b = "package app\nimport \"net/http\"\nfunc (s *Store) list(w http.ResponseWriter, r *http.Request) {\n s.run(r.FormValue(\"x\"))\n}\n";
    let c = "package app\nfunc (s *Store) run(q string) {\n s.db.Exec(q)\n}\n";
    assert_eq!(found(&[("a.go", a), ("b.go", b), ("c.go", c)]), ["sql.injection c.go:3"]);
}

#[test]
fn what_is_embedded() {
    let a = r#"package app
import (
	"database/sql"
	"net/http"
)
type Base struct { *sql.DB }
type Store struct { Base }
func (s *Store) list(w http.ResponseWriter, r *http.Request) {
	s.Query(r.FormValue("x"))
}
"#;
    assert_eq!(found(&[("a.go", a)]), ["sql.injection a.go:9"]);
}

#[test]
fn pointers_that_a_function_fills() {
    let a = r#"package app
import (
	"database/sql"
	"encoding/json"
	"net/http"
)
type Input struct { Name string; Age int }
func read(r *http.Request, into *Input) error { return json.NewDecoder(r.Body).Decode(into) }
func handle(db *sql.DB) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in Input
		if err := read(r, &in); err != nil { return }
		db.Query("SELECT " + in.FIELD)
	}
}
"#;
    assert_eq!(found(&[("a.go", &a.replace("FIELD", "Name"))]), ["sql.injection a.go:13"]);
    assert!(found(&[("a.go", &a.replace("FIELD", "Age"))]).is_empty());
}

#[test]
fn frameworks() {
    let gin = |body: &str| {
        format!(
            "package app\nimport (\n\"github.com/gin-gonic/gin\"\n\"gorm.io/gorm\"\n)\ntype In struct {{ Name string; Age int }}\nfunc handle(db *gorm.DB) gin.HandlerFunc {{\nreturn func(c *gin.Context) {{\n{body}\n}}\n}}\n"
        )
    };
    let sql = ["sql.injection a.go:9"];
    assert_eq!(
        found(&[("a.go", &gin("db.Raw(\"SELECT * FROM u WHERE n = '\" + c.Query(\"n\") + \"'\")"))]),
        sql
    );
    assert_eq!(
        found(&[(
            "a.go",
            &gin("var in In; c.ShouldBindJSON(&in); db.Where(\"n = '\" + in.Name + \"'\").Find(nil)")
        )]),
        sql
    );
    assert_eq!(found(&[("a.go", &gin("db.Model(nil).Order(c.Query(\"sort\")).Find(nil)"))]), sql);
    assert!(
        found(&[("a.go", &gin("var in In; c.ShouldBindJSON(&in); db.Where(\"n = ?\", in.Name).Find(nil)"))])
            .is_empty()
    );
    assert_eq!(found(&[("a.go", &gin("db.Exec(c.Request.FormValue(\"x\"))"))]), sql);
    assert!(found(&[("a.go", &gin("c.JSON(200, gin.H{\"a\": c.Query(\"n\")})"))]).is_empty());
    let echo = "package app\nimport \"github.com/labstack/echo/v4\"\nfunc handle(c echo.Context) error {\n return c.HTML(200, \"<b>\"+c.QueryParam(\"x\"))\n}\n";
    assert_eq!(found(&[("a.go", echo)]), ["xss.reflected a.go:4"]);
    let fiber = "package app\nimport \"github.com/gofiber/fiber/v2\"\nfunc handle(c *fiber.Ctx) error {\n return c.Redirect(c.Query(\"next\"))\n}\n";
    assert_eq!(found(&[("a.go", fiber)]), ["open-redirect a.go:4"]);
    let mux = "package app\nimport (\n\"github.com/gorilla/mux\"\n\"net/http\"\n\"os\"\n)\nfunc handle(w http.ResponseWriter, r *http.Request) {\n vars := mux.Vars(r)\n os.Remove(\"/srv/\" + vars[\"name\"])\n}\n";
    assert_eq!(found(&[("a.go", mux)]), ["path.traversal a.go:9"]);
}
