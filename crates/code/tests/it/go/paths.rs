//! Paths that are cleaned, and templates that escape nothing.

use crate::world::found;

fn handler(body: &str) -> Vec<String> {
    let start = "package app\nimport (\n\t\"net/http\"\n\t\"os\"\n\t\"path/filepath\"\n\thtml \"html/template\"\n\t\"text/template\"\n)\nfunc handle(w http.ResponseWriter, r *http.Request) {\n\tname := r.URL.Query().Get(\"f\")\n";
    found(&[("app.go", &format!("{start}{body}\n}}\n"))])
}

#[test]
fn a_path_from_the_root_is_cleaned_of_all_that_leads_upwards() {
    let cases = [
        ("os.ReadFile(filepath.Join(\"/srv\", filepath.Clean(name)))", true),
        ("os.ReadFile(filepath.Join(\"/srv\", filepath.Clean(\"/\"+name)))", false),
        ("os.ReadFile(filepath.Clean(\"/srv/\" + name)[4:])", false),
        ("os.ReadFile(filepath.Join(\"/srv\", filepath.Clean(\"./\"+name)))", true),
        ("os.ReadFile(filepath.Join(\"/srv\", \"/\"+name))", true),
    ];
    for (body, expected) in cases {
        let expected: &[&str] = if expected { &["path.traversal app.go:11"] } else { &[] };
        assert_eq!(handler(body), expected, "{body}");
    }
}

#[test]
fn templates_of_text_that_answer() {
    let cases = [
        ("template.Must(template.New(\"a\").Parse(\"<p>{{.}}</p>\")).Execute(w, name)", true),
        ("t, _ := template.ParseFiles(\"a.html\"); t.Execute(w, name)", true),
        ("html.Must(html.New(\"a\").Parse(\"<p>{{.}}</p>\")).Execute(w, name)", false),
        ("template.Must(template.New(\"a\").Parse(\"{{.}}\")).Execute(os.Stdout, name)", false),
        ("template.Must(template.New(\"a\").Parse(\"<p>{{.}}</p>\")).Execute(w, 5)", false),
        (
            "template.Must(template.New(\"a\").Parse(\"<p>{{.}}</p>\")).Execute(w, template.HTMLEscapeString(name))",
            false,
        ),
    ];
    for (body, expected) in cases {
        let expected: &[&str] = if expected { &["xss.markup app.go:11"] } else { &[] };
        assert_eq!(handler(body), expected, "{body}");
    }
}
