//! What becomes of Go.

use crate::{Language, check};

fn dump(text: &str) -> String {
    let parsed = check::parse(Language::Go, text);
    assert_eq!(parsed.problems, []);
    crate::dump(&parsed.module)
}

/// Of statements in a function.
fn statements(text: &str) -> String {
    let dumped = dump(&format!("func f() {{\n{text}\n}}"));
    dumped.split_once("#1 def f()\n").map(|(_, rest)| rest.to_owned()).unwrap()
}

#[test]
fn packages_imports_and_variables() {
    insta::assert_snapshot!(dump(
        r#"package main

import (
	"database/sql"
	_ "github.com/lib/pq"
	. "fmt"
	mx "github.com/gorilla/mux"
	"github.com/labstack/echo/v4"
	"gopkg.in/yaml.v3"
)
import "net/http"

const (
	A = iota
	B
	Secret string = "s\x41"
)
var x, y = 1, 2
var (
	z, err = f()
	h, g http.Handler
)
"#
    ));
}

#[test]
fn types_and_methods() {
    insta::assert_snapshot!(dump(
        r#"package a
func (Early) before() {}
type (
	ID string
	Fn func(a int) error
	Alias = pkg.Other
)
type User[T any] struct {
	ID   int `json:"id" db:"id"`
	A, B string
	*Base
	pkg.Other
	m map[string][]*T
	c <-chan func(int)
}
type Store interface {
	Get(ctx context.Context, id string) (*User, error)
	io.Closer
	~int | string
}
type Early struct{}
func (u *User[T]) Name(first, last string, rest ...int) (n int, err error) { u.x = first; return }
func (s Elsewhere) m() (a, b int) { return 1, 2 }
func Map[T, U any](l []T, f func(T) U) []U { return nil }
"#
    ));
}

#[test]
fn conditions_and_loops() {
    insta::assert_snapshot!(statements(
        r#"
	if rows, err := db.Query(q); err != nil { return } else if x := 1; x > 2 { a() } else { b() }
	for i := 0; i < 10; i++ { continue }
	for i, j = 0, 1; ; i, j = j, i { }
	for k, v := range m { use(k, v) }
	for _, v := range m {}
	for i := range m {}
	for a.b = range m {}
	for range 10 {}
	for x > 1 { break }
	for { break }
outer:
	for { continue outer; break outer }
	goto outer
"#
    ));
}

#[test]
fn switches() {
    insta::assert_snapshot!(statements(
        r#"
	switch v := x.(type) { case int, *pkg.T: a(v); case []string: b(); case nil: default: c() }
	switch x.(type) { case error: a() }
	switch n := f(); n { case 1, 2: fallthrough; case 3: default: c() }
	switch { case v > 1: d() }
	select { case v, ok := <-ch: use(v); case ch <- 2: case <-done: case x = <-ch: default: e() }
"#
    ));
}

#[test]
fn assignments_and_calls() {
    insta::assert_snapshot!(statements(
        r#"
	id, ok := r.URL.Query()["id"]
	a, _ := 1, 2
	a, b = b, a
	a[0], p.X = f()
	x += 1; y &^= 2; n--
	*ptr = 3
	_ = v
	defer rows.Close()
	defer func() { recover() }()
	go work(func(a, b int, rest ...string) (int, error) { return a, nil })
	ch <- 1
	got := <-ch
	var q struct{ a int }
	type local struct{ b int }
	{ inner() }
"#
    ));
}

#[test]
fn expressions() {
    insta::assert_snapshot!(statements(
        r#"
	q := "SELECT " + id + `raw\n` + fmt.Sprintf("%s", args...)
	u := &User{ID: 1, A: "x"}
	p, e := Point{1, 2}, T{}
	l, none := []string{"a", id}, []int{}
	m := map[string]int{"k": 1, key: 2}
	n := []Point{{1, 2}, {X: 3}}
	o := map[string]Point{"a": {X: 1}}
	i := [...]int{0: 1}
	b := []byte(id)
	c := make([]byte, 16)
	d := new(T)
	t := v.(string)
	s := b[1:2]
	s = b[:]
	g := Map[int, string](l)
	f := a[i].b(!x, -y, ^z, (1 + 2) * 3 &^ 4)
	r := 'x' + 0x1F + 017 + 1.5e3 + 2i
	k := &tls.Config{InsecureSkipVerify: true, Nested: pkg.T[int]{A: nil}}
"#
    ));
}

#[test]
fn what_stands_around_errors_is_read() {
    let parsed = check::parse(
        Language::Go,
        "package a\nfunc f() { a(; b(\"x\") }\nfunc g(p string) string { return p }\n",
    );
    assert!(!parsed.problems.is_empty());
    insta::assert_snapshot!(crate::dump(&parsed.module));
}

#[test]
fn spans_are_exact() {
    let text = "package a\nfunc f() { return g(a, \"é\").b }";
    let parsed = check::parse(Language::Go, text);
    let function = &parsed.module.functions[1];
    assert_eq!(function.span.of(text), "func f() { return g(a, \"é\").b }");
    assert_eq!(function.head.of(text), "f");
    assert_eq!(function.body[0].span.of(text), "return g(a, \"é\").b");
}
