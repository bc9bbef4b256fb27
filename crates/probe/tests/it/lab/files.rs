//! Names of files that climb out of their directory, past every kind of half a check; and names that stay.

use std::path::{Path, PathBuf};

use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use super::{Page, Where, examine};

type Filter = fn(&str) -> Option<String>;

/// A directory of documents, for as long as the test runs.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("gabion-lab-{}", std::process::id()));
        std::fs::create_dir_all(path.join("docs")).unwrap();
        std::fs::write(path.join("docs/guide.txt"), "How to use the lamp\n").unwrap();
        std::fs::write(path.join("guide.txt"), "How to use the lamp\n").unwrap();
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Half checks: name, what they let through, and the value that works.
const FILTERS: &[(&str, Filter, &str)] = &[
    ("none", |name| Some(name.to_owned()), "guide.txt"),
    ("in a directory", |name| Some(name.to_owned()), "docs/guide.txt"),
    ("climbing is taken out once", |name| Some(name.replace("../", "")), "guide.txt"),
    ("nothing from the root", |name| (!name.starts_with('/')).then(|| name.to_owned()), "guide.txt"),
    ("slashes at the front are taken off", |name| Some(name.trim_start_matches('/').to_owned()), "guide.txt"),
    (
        "begins with its directory",
        |name| name.starts_with("docs/").then(|| name.to_owned()),
        "docs/guide.txt",
    ),
    ("no climbing, and decoded after", |name| (!name.contains("../")).then(|| decoded(name)), "guide.txt"),
    ("no slash, and decoded after", |name| (!name.contains('/')).then(|| decoded(name)), "guide.txt"),
    (
        "no climbing, and backslashes are slashes",
        |name| (!name.contains("../")).then(|| name.replace('\\', "/")),
        "guide.txt",
    ),
    ("small letters", |name| Some(name.to_lowercase()), "guide.txt"),
    ("does not begin with a dot", |name| (!name.starts_with('.')).then(|| name.to_owned()), "docs/guide.txt"),
    ("no climbing, but from the root", |name| (!name.contains("..")).then(|| name.to_owned()), "guide.txt"),
];

const WAYS: &[&str] = &["text", "page", "json", "failure", "redirect"];

fn answer(way: &str, name: &str, read: Option<String>) -> Response {
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;");
    match (way, read) {
        ("page", Some(text)) => {
            Html(format!("<h1>{}</h1><pre>{}</pre>", escaped(name), escaped(&text))).into_response()
        }
        ("json", Some(text)) => {
            axum::Json(serde_json::json!({ "name": name, "content": text })).into_response()
        }
        (_, Some(text)) => text.into_response(),
        ("page", None) => Html(format!("<p>There is no {}</p>", escaped(name))).into_response(),
        ("failure", None) => (StatusCode::INTERNAL_SERVER_ERROR, "something went wrong").into_response(),
        ("redirect", None) => (StatusCode::FOUND, [(header::LOCATION, "/")]).into_response(),
        _ => (StatusCode::NOT_FOUND, format!("no such file: {name}")).into_response(),
    }
}

/// The file of a name: beside the others, or wherever the name says.
fn read(base: &Path, joined: bool, name: &str) -> Option<String> {
    let name = name.strip_prefix("file://").unwrap_or(name);
    // A text is put behind another, as most languages do it; a path from the root is another path, as some libraries do it.
    let path = if joined { PathBuf::from(format!("{}/{name}", base.display())) } else { base.join(name) };
    std::fs::read(path).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn pages(base: &Path) -> Vec<Page> {
    let mut all = Vec::new();
    for (name, filter, value) in FILTERS {
        for joined in [true, false] {
            // A text behind another is never one from the root.
            if joined && *name == "no climbing, but from the root" {
                continue;
            }
            for (at, way) in WAYS.iter().enumerate() {
                let places =
                    if at == 0 { vec![Where::Query, Where::Form, Where::Json] } else { vec![Where::Query] };
                for place in places {
                    let base = base.to_owned();
                    let page = Page::new(place, value, move |name| {
                        answer(way, name, filter(name).and_then(|name| read(&base, joined, &name)))
                    });
                    let join = if joined { "behind the directory" } else { "as a path" };
                    all.push(page.is("filter", name).is("answer", way).is("join", join));
                }
            }
        }
    }
    for place in [Where::Path, Where::Cookie, Where::Header] {
        let base = base.to_owned();
        let page = Page::new(place, "guide.txt", move |name| answer("text", name, read(&base, true, name)));
        all.push(page.is("filter", "none").is("answer", "text").is("join", "behind the directory"));
    }
    all
}

fn alike(base: &Path) -> Vec<Page> {
    let mut all = Vec::new();
    let own = |name: &str| {
        Path::new(name).file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned()
    };
    for way in WAYS {
        let there = base.to_owned();
        let page = Page::new(Where::Query, "guide.txt", move |name| {
            answer(way, name, read(&there, true, &own(name)))
        });
        all.push(page.alike("the last part of the name"));
        let there = base.to_owned();
        let page = Page::new(Where::Query, "guide.txt", move |name| {
            let whole = there.join(name).canonicalize().ok().filter(|whole| whole.starts_with(&there));
            answer(way, name, whole.and_then(|whole| std::fs::read_to_string(whole).ok()))
        });
        all.push(page.alike("the whole path is within"));
        let there = base.to_owned();
        let page = Page::new(Where::Query, "guide.txt", move |name| {
            answer(way, name, (name == "guide.txt").then(|| read(&there, true, name)).flatten())
        });
        all.push(page.alike("a list of names"));
    }
    let page = Page::new(Where::Query, "guide.txt", |name| {
        format!("You asked for {name}; /etc/passwd is not here").into_response()
    });
    all.push(page.alike("an echo"));
    let page = Page::new(Where::Query, "guide.txt", |name| {
        format!("{name}: a line of such a file is root:x:0:0:root:/root:/bin/sh").into_response()
    });
    all.push(page.alike("a page about such files"));
    let page = Page::new(Where::Query, "guide.txt", |name| {
        if name.contains("passwd") {
            "root: 0 hits, daemon: 0 hits".into_response()
        } else {
            "guide: 1 hit".into_response()
        }
    });
    all.push(page.alike("a search"));
    all
}

#[tokio::test]
async fn files_outside_are_read_past_half_a_check_and_nothing_else_is_said() {
    let directory = Directory::new();
    let mut pages = pages(&directory.0);
    pages.extend(alike(&directory.0));
    let table = examine(pages, &["path-traversal"], &["path-traversal"]).await;
    table.print();
    let (part, alarms) = table.score();
    assert_eq!(alarms, 0);
    assert!(part >= 97.0, "{part}");
}
