//! `gabion probe` at an application whose names are chosen to break its reports, and those reports under the tools they are for.

use std::fs;

use axum::Router;
use axum::http::{StatusCode, Uri, header};
use axum::response::{Html, IntoResponse as _};
use axum::routing::get;
use serde_json::Value;
use tempfile::TempDir;

use crate::clients::{self, node};
use crate::gate;

/// Paths that are no words in XML, JSON, Markdown or a shell.
const LINKS: &[&str] =
    &["/a b/%C3%BC%3C'&%3E.html", "/%1b%5B2J/]]%3E", "/%E2%80%AE/`x`|y", "/$(touch x)/{0}"];

fn application() -> Router {
    let links: String = LINKS.iter().map(|link| format!("<a href=\"{link}\">x</a>\n")).collect();
    let page = move |uri: Uri| {
        let links = links.clone();
        async move {
            let known = ["/", "/a%20b/", "/%1b", "/%E2", "/$("].iter().any(|start| match *start {
                "/" => uri.path() == "/",
                start => uri.path().starts_with(start),
            });
            let set = [(header::SET_COOKIE, "sid=0123456789abcdef0123; Path=/")];
            if known {
                (set, Html(format!("<!doctype html><title>x</title>{links}"))).into_response()
            } else {
                StatusCode::NOT_FOUND.into_response()
            }
        }
    };
    Router::new().fallback(get(page))
}

#[tokio::test]
async fn reports_are_what_their_readers_expect() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let server = tokio::spawn(async move { axum::serve(listener, application()).await });
    let folder = TempDir::new().expect("a temporary directory");
    let run = async |more: &[&str], code: i32| {
        let mut command = gate::command(folder.path());
        command
            .args(["probe", &url, "--only", "headers,cors,verbose-errors", "--fail-on", "medium"])
            .args(more);
        let output = command.output().await.expect("gabion runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(code), "{said}{}", String::from_utf8_lossy(&output.stderr));
        said
    };
    let said = run(&["--output", "sarif=first.sarif", "--output", "junit=report.junit"], 1).await;
    assert!(!said.contains('\u{1b}') && !said.contains('\u{202e}'), "{said}");
    // What is accepted, and what a run before had, are in the log too.
    run(&["--since", "last", "--output", "sarif=second.sarif"], 1).await;
    run(&["--write-baseline", "--reason", "it is <made> of \"straw\""], 0).await;
    run(&["--output", "sarif=third.sarif"], 0).await;
    server.abort();
    for name in ["first.sarif", "second.sarif", "third.sarif"] {
        let file = folder.path().join(name);
        let verdict = clients::run(&mut node("sarif_validate.mjs", &[&file.display().to_string()])).await;
        assert!(verdict.contains("0 errors"), "{verdict}");
        let log: Value = serde_json::from_str(&fs::read_to_string(&file).expect("a log")).expect("JSON");
        let results = log["runs"][0]["results"].as_array().expect("results");
        assert!(!results.is_empty());
        let suppressed = results.iter().filter(|result| result.get("suppressions").is_some()).count();
        assert_eq!(suppressed, if name == "third.sarif" { results.len() } else { 0 });
        let compared = results.iter().filter(|result| result["baselineState"] == "unchanged").count();
        assert_eq!(compared, if name == "second.sarif" { results.len() } else { 0 });
    }
    let count =
        "import sys, xml.dom.minidom as m; print(len(m.parse(sys.argv[1]).getElementsByTagName('failure')))";
    let mut parser = clients::program("python3");
    parser.args(["-c", count]).arg(folder.path().join("report.junit"));
    assert_ne!(clients::run(&mut parser).await.trim(), "0");
}
