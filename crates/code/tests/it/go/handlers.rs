//! Handlers of `net/http`, by what they do with a request.

use super::check;

const SQL: &str = "sql.injection";
const COMMAND: &str = "command.injection";
const PATH: &str = "path.traversal";
const XSS: &str = "xss.reflected";

#[test]
fn values_on_their_way() {
    check(&[
        ("", r#"db.Query("SELECT * FROM u WHERE n = '" + r.FormValue("n") + "'")"#, SQL),
        ("", r#"db.Query("SELECT * FROM u WHERE n = ?", r.FormValue("n"))"#, ""),
        (
            "fmt",
            r#"n := r.URL.Query().Get("n"); db.Exec(fmt.Sprintf("DELETE FROM u WHERE n = '%s'", n))"#,
            SQL,
        ),
        (
            "fmt strconv",
            r#"n, err := strconv.Atoi(r.URL.Query().Get("n")); if err != nil { return }; db.Exec(fmt.Sprintf("DELETE FROM u WHERE n = %d", n))"#,
            "",
        ),
        ("fmt", r#"db.Exec(fmt.Sprintf("DELETE FROM u WHERE n = %d", len(r.URL.Path)))"#, ""),
        (
            "",
            r#"q := "SELECT 1"; if r.FormValue("x") != "" { q = q + r.FormValue("x") }; db.QueryRow(q)"#,
            SQL,
        ),
        ("", r#"q := r.FormValue("x"); q = "SELECT 1"; db.QueryRow(q)"#, ""),
        ("", r#"q := ""; q += r.FormValue("x"); db.QueryRowContext(r.Context(), q)"#, SQL),
        ("", r#"db.QueryRowContext(r.Context(), "SELECT 1", r.FormValue("x"))"#, ""),
        (
            "strings",
            r#"var b strings.Builder; b.WriteString("SELECT "); b.WriteString(r.FormValue("x")); db.Query(b.String())"#,
            SQL,
        ),
        (
            "strings fmt",
            r#"var b strings.Builder; fmt.Fprintf(&b, "SELECT %s", r.FormValue("x")); db.Query(b.String())"#,
            SQL,
        ),
        ("strings", r#"db.Query(strings.Join([]string{"SELECT", r.FormValue("x")}, " "))"#, SQL),
        ("strings", r#"db.Query(strings.ToUpper(r.FormValue("x")))"#, SQL),
        (
            "strings",
            r#"parts := strings.Split(r.FormValue("x"), ","); for _, p := range parts { db.Query(p) }"#,
            SQL,
        ),
        ("", r#"for i := range r.FormValue("x") { db.Query("SELECT 1", i) }"#, ""),
        ("", r#"l := []string{"a", r.FormValue("x")}; db.Query(l[1])"#, SQL),
        ("", r#"l := []string{"a", r.FormValue("x")}; db.Query(l[0])"#, ""),
        ("", r#"l := []string{}; l = append(l, r.FormValue("x")); db.Query(l[0])"#, SQL),
        ("", r#"m := map[string]string{"a": r.FormValue("x"), "b": "SELECT 1"}; db.Query(m["a"])"#, SQL),
        ("", r#"m := map[string]string{"a": r.FormValue("x"), "b": "SELECT 1"}; db.Query(m["b"])"#, ""),
        ("", r#"m := map[string]string{}; m["a"] = r.FormValue("x"); db.Query(m["a"])"#, SQL),
        ("", r#"c, err := r.Cookie("x"); if err == nil { db.Query(c.Value) }"#, SQL),
        ("", r#"ids, ok := r.URL.Query()["id"]; if ok { db.Query(ids[0]) }"#, SQL),
        ("", r#"_, err := r.Cookie("x"); db.Query("SELECT 1" + err.Error())"#, ""),
        ("", r#"db.Query(r.Header.Get("X"))"#, SQL),
        ("", r#"db.Query(r.PathValue("x"))"#, SQL),
        ("", r#"u, p, _ := r.BasicAuth(); db.Query("SELECT 1", u); db.Query(p)"#, SQL),
        ("", r#"r.ParseForm(); db.Query(r.Form["x"][0])"#, SQL),
        ("io", r#"b, _ := io.ReadAll(r.Body); db.Query(string(b))"#, "go.body.unlimited sql.injection"),
        (
            "encoding/json",
            r#"var in struct{ Name string }; json.NewDecoder(r.Body).Decode(&in); db.Query(in.Name)"#,
            SQL,
        ),
        (
            "encoding/json",
            r#"var in struct{ Name string }; if err := json.NewDecoder(r.Body).Decode(&in); err != nil { return }; db.Query("SELECT 1", in.Name)"#,
            "",
        ),
        (
            "encoding/json",
            r#"d := json.NewDecoder(r.Body); var m map[string]string; d.Decode(&m); db.Query(m["a"])"#,
            SQL,
        ),
        (
            "encoding/json io",
            r#"b, _ := io.ReadAll(r.Body); var in map[string]string; json.Unmarshal(b, &in); db.Query(in["a"])"#,
            "go.body.unlimited sql.injection",
        ),
        ("", r#"ch := make(chan string, 1); go func() { ch <- r.FormValue("x") }(); db.Query(<-ch)"#, SQL),
        ("", r#"f := func(q string) { db.Query(q) }; f(r.FormValue("x"))"#, SQL),
        ("", r#"f := func(q string) string { return "SELECT 1" }; db.Query(f(r.FormValue("x")))"#, ""),
        ("", r#"defer func() { db.Exec(r.FormValue("x")) }()"#, SQL),
        ("", r#"p := &q{}; p.sql = r.FormValue("x"); db.Query(p.sql)"#, SQL),
        ("", r#"var x any = r.FormValue("x"); switch v := x.(type) { case string: db.Query(v) }"#, SQL),
        (
            "",
            r#"var x any = r.FormValue("x"); switch v := x.(type) { case int: db.Query("SELECT " + string(v)) }"#,
            "",
        ),
        ("", r#"x, ok := any(r.FormValue("x")).(string); if ok { db.Query(x) }"#, SQL),
        (
            "github.com/google/uuid",
            r#"id, err := uuid.Parse(r.FormValue("x")); if err != nil { return }; db.Query("SELECT '" + id.String() + "'")"#,
            "",
        ),
    ]);
}

#[test]
fn checks_before_use() {
    check(&[
        ("", r#"x := r.FormValue("x"); switch x { case "a", "b": default: return }; db.Query(x)"#, ""),
        ("", r#"x := r.FormValue("x"); if x != "a" && x != "b" { return }; db.Query(x)"#, ""),
        (
            "",
            r#"x := r.FormValue("x"); allowed := map[string]bool{"a": true}; if !allowed[x] { return }; db.Query(x)"#,
            "",
        ),
        (
            "",
            r#"x := r.FormValue("x"); allowed := map[string]string{"a": "name"}; c, ok := allowed[x]; if !ok { return }; db.Query("SELECT 1 ORDER BY " + c)"#,
            "",
        ),
        (
            "slices",
            r#"x := r.FormValue("x"); if !slices.Contains([]string{"a", "b"}, x) { return }; db.Query(x)"#,
            "",
        ),
        (
            "slices",
            r#"x := r.FormValue("x"); y := r.FormValue("y"); if !slices.Contains([]string{"a", "b"}, y) { return }; db.Query(x)"#,
            SQL,
        ),
        (
            "regexp",
            r#"x := r.FormValue("x"); if !regexp.MustCompile(`^[a-z]+$`).MatchString(x) { return }; db.Query(x)"#,
            "",
        ),
        (
            "regexp",
            r#"x := r.FormValue("x"); if !regexp.MustCompile(`[a-z]+`).MatchString(x) { return }; db.Query(x)"#,
            SQL,
        ),
        ("os path/filepath", r#"os.Open(filepath.Join("/srv", r.FormValue("x")))"#, PATH),
        ("os path/filepath", r#"os.Open(filepath.Join("/srv", filepath.Clean(r.FormValue("x"))))"#, PATH),
        ("os path/filepath", r#"os.Open(filepath.Join("/srv", filepath.Base(r.FormValue("x"))))"#, ""),
        (
            "os path/filepath",
            r#"x := r.FormValue("x"); if !filepath.IsLocal(x) { return }; os.Open(filepath.Join("/srv", x))"#,
            "",
        ),
        (
            "os path/filepath strings",
            r#"x := filepath.Join("/srv", r.FormValue("x")); if !strings.HasPrefix(x, "/srv/") { return }; os.Open(x)"#,
            "",
        ),
        (
            "os strings",
            r#"x := r.FormValue("x"); if strings.Contains(x, "..") { return }; os.ReadFile("/srv/" + x)"#,
            "",
        ),
        (
            "os strings",
            r#"x := r.FormValue("x"); if strings.Contains(x, "a") { return }; os.ReadFile("/srv/" + x)"#,
            PATH,
        ),
        ("os", r#"root, _ := os.OpenRoot("/srv"); root.Open(r.FormValue("x"))"#, ""),
        ("", r#"http.ServeFile(w, r, "/srv/" + r.FormValue("x"))"#, PATH),
        ("", r#"http.FileServer(http.Dir("/srv")).ServeHTTP(w, r)"#, ""),
        ("", r#"_, h, _ := r.FormFile("x"); w.Header().Set("X", h.Filename)"#, ""),
    ]);
}

#[test]
fn commands_and_addresses() {
    check(&[
        ("os/exec", r#"exec.Command("sh", "-c", "ping " + r.FormValue("x")).Run()"#, COMMAND),
        ("os/exec", r#"exec.Command("ping", "-c", "1", r.FormValue("x")).Run()"#, ""),
        ("os/exec", r#"exec.Command(r.FormValue("x")).Run()"#, COMMAND),
        (
            "os/exec",
            r#"exec.CommandContext(r.Context(), "/bin/bash", "-c", r.FormValue("x")).Output()"#,
            COMMAND,
        ),
        ("os/exec", r#"exec.CommandContext(r.Context(), "git", "show", r.FormValue("x")).Output()"#, ""),
        ("os/exec", r#"exec.Command("sh", "-c", "ls").Run()"#, ""),
        (
            "os/exec",
            r#"args := []string{"-c", r.FormValue("x")}; exec.Command("sh", args...).Run()"#,
            COMMAND,
        ),
        ("os/exec", r#"args := []string{"-n", r.FormValue("x")}; exec.Command("grep", args...).Run()"#, ""),
        ("", r#"http.Get(r.FormValue("u"))"#, "ssrf"),
        ("", r#"http.Get("https://api.example.com/items/" + r.FormValue("u"))"#, ""),
        ("", r#"http.Get("https://" + r.FormValue("u") + "/x")"#, "ssrf"),
        (
            "",
            r#"req, _ := http.NewRequest("GET", r.FormValue("u"), nil); http.DefaultClient.Do(req)"#,
            "ssrf",
        ),
        ("fmt", r#"c := &http.Client{}; c.Get(fmt.Sprintf("http://%s/x", r.FormValue("u")))"#, "ssrf"),
        ("fmt", r#"c := &http.Client{}; c.Get(fmt.Sprintf("http://svc/%s", r.FormValue("u")))"#, ""),
        ("", r#"http.Redirect(w, r, r.FormValue("next"), http.StatusFound)"#, "open-redirect"),
        ("", r#"http.Redirect(w, r, "/users/" + r.FormValue("next"), http.StatusFound)"#, ""),
        ("net/url", r#"http.Redirect(w, r, "/login?next=" + url.QueryEscape(r.URL.Path), 302)"#, ""),
    ]);
}

#[test]
fn markup() {
    check(&[
        ("fmt", r#"fmt.Fprintf(w, "<h1>%s</h1>", r.FormValue("x"))"#, XSS),
        ("fmt", r#"fmt.Fprintf(w, "Hello, %s", r.FormValue("x"))"#, ""),
        ("fmt", r#"fmt.Fprint(w, r.FormValue("x"))"#, XSS),
        ("fmt html", r#"fmt.Fprintf(w, "<h1>%s</h1>", html.EscapeString(r.FormValue("x")))"#, ""),
        ("fmt", r#"w.Header().Set("Content-Type", "application/json"); fmt.Fprint(w, r.FormValue("x"))"#, ""),
        ("fmt", r#"w.Header().Set("Content-Type", "text/html"); fmt.Fprint(w, r.FormValue("x"))"#, XSS),
        ("", r#"w.Write([]byte("<p>" + r.FormValue("x")))"#, XSS),
        ("", r#"w.Header().Set("Content-Type", "text/plain"); w.Write([]byte(r.FormValue("x")))"#, ""),
        ("encoding/json", r#"json.NewEncoder(w).Encode(r.FormValue("x"))"#, ""),
        ("encoding/json", r#"b, _ := json.Marshal(r.FormValue("x")); w.Write(b)"#, ""),
        ("io", r#"io.WriteString(w, "<p>"+r.FormValue("x"))"#, XSS),
        ("io", r#"io.Copy(w, r.Body)"#, XSS),
        ("fmt", r#"fmt.Println(r.FormValue("x")); fmt.Fprintf(w, "<p>ok")"#, ""),
        ("html/template", r#"t.Execute(w, template.HTML(r.FormValue("x")))"#, "xss.markup"),
        ("html/template", r#"t.Execute(w, r.FormValue("x"))"#, ""),
        ("html/template", r#"template.New("x").Parse("<p>" + r.FormValue("x"))"#, "template.injection"),
        ("html/template", r#"template.New("x").Parse("<p>{{.}}"); t.Execute(w, r.FormValue("x"))"#, ""),
        ("", r#"http.Error(w, "no "+r.FormValue("x"), 400)"#, ""),
    ]);
}
