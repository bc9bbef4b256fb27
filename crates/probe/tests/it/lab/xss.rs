//! Values on pages, in every place that HTML and scripts have for them, through every kind of half a filter; and pages that
//! encode as they should.

use std::sync::Arc;

use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use super::{Page, Where, examine, sample};
use crate::browser::had_browser;

type Filter = fn(&str) -> String;

/// Places of a page where anything that is put in runs, one way or another.
const PLACES: &[(&str, &str)] = &[
    ("between tags", "<p>You said {}</p>"),
    ("in a table", "<table><tr><td>{}</td></tr></table>"),
    ("in a choice", "<select><option>{}</option></select>"),
    ("value in double quotes", "<input value=\"{}\">"),
    ("value in single quotes", "<input value='{}'>"),
    ("value without quotes", "<input value={}>"),
    ("value of a hidden field", "<form><input type=\"hidden\" name=\"a\" value=\"{}\"></form>"),
    ("title of an element", "<p title='{}'>x</p>"),
    ("a handler's text", "<button onclick=\"go('{}')\">x</button>"),
    ("a handler's number", "<button onclick=\"go({})\">x</button>"),
    ("address of a link", "<a href=\"{}\">x</a>"),
    ("address of a link without quotes", "<a href={}>x</a>"),
    ("address of a frame", "<iframe src=\"{}\"></iframe>"),
    ("address of a script", "<script src=\"{}\"></script>"),
    ("address of a picture", "<img src=\"{}\">"),
    ("address of a form", "<form action=\"{}\"><button>x</button></form>"),
    ("address of a button", "<form><button formaction=\"{}\">x</button></form>"),
    ("address of an object", "<object data=\"{}\"></object>"),
    ("document of a frame", "<iframe srcdoc=\"{}\"></iframe>"),
    ("style of an element", "<p style=\"color: {}\">x</p>"),
    ("address in a style", "<p style='background: url({})'>x</p>"),
    ("refresh", "<meta http-equiv=\"refresh\" content=\"900;url={}\">"),
    ("a description", "<meta name=\"description\" content=\"{}\">"),
    ("comment", "<!-- {} -->x"),
    ("title", "<title>{}</title>"),
    ("textarea", "<textarea>{}</textarea>"),
    ("noscript", "<noscript>{}</noscript>"),
    ("template", "<template>{}</template>"),
    ("picture of lines", "<svg><text>{}</text></svg>"),
    ("formula", "<math><mi>{}</mi></math>"),
    ("frame's text", "<iframe>{}</iframe>"),
    ("xmp", "<xmp>{}</xmp>"),
    ("style sheet", "<style>p { color: {} }</style>"),
    ("style sheet's text", "<style>p { font-family: '{}' }</style>"),
    ("script's text, single", "<script>var a = '{}';</script>"),
    ("script's text, double", "<script>var a = \"{}\";</script>"),
    ("script's template", "<script>var a = `x {}`;</script>"),
    ("script's text in a call", "<script>(function (a) { })('{}', 1);</script>"),
    ("script's number", "<script>var a = {};</script>"),
    ("script's line comment", "<script>// {}\nvar a = 1;</script>"),
    ("script's block comment", "<script>/* {} */var a = 1;</script>"),
    ("script's expression", "<script>var a = /{}/;</script>"),
    ("script's object", "<script>var a = {\"b\": \"{}\", \"c\": 1};</script>"),
    ("script's condition", "<script>if (1) { var a = '{}'; }</script>"),
    ("data in a script", "<script type=\"application/json\">{\"a\": \"{}\"}</script>"),
    ("name of a tag", "<{}>x"),
    ("name of an attribute", "<p {}>x</p>"),
];

fn html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

fn without(text: &str, word: &str) -> String {
    let at = text.to_ascii_lowercase().find(word);
    let parts = at.and_then(|at| Some((text.get(..at)?, text.get(at + word.len()..)?)));
    parts.map_or_else(|| text.to_owned(), |(before, behind)| format!("{before}{behind}"))
}

fn without_all(text: &str, word: &str) -> String {
    let mut text = text.to_owned();
    while text.to_ascii_lowercase().contains(word) {
        text = without(&text, word);
    }
    text
}

/// Half filters: name, what they do, and the places where they do not help.
const FILTERS: &[(&str, Filter, &[&str])] = &[
    (
        "angles are encoded",
        |text| text.replace('<', "&lt;").replace('>', "&gt;"),
        &[
            "value in double quotes",
            "value in single quotes",
            "value without quotes",
            "a handler's text",
            "address of a link",
            "script's text, single",
            "script's template",
            "script's number",
            "name of an attribute",
            "document of a frame",
        ],
    ),
    (
        "all but single quotes are encoded",
        |text| html(text).replace("&#39;", "'"),
        &[
            "value in single quotes",
            "title of an element",
            "a handler's text",
            "script's text, single",
            "script's condition",
        ],
    ),
    (
        "all is encoded",
        html,
        &[
            "a handler's text",
            "a handler's number",
            "address of a link",
            "address of a frame",
            "address of a script",
            "address of a form",
            "address of a button",
            "document of a frame",
            "script's number",
            "script's template",
            "value without quotes",
            "name of an attribute",
            "script's line comment",
            "script's block comment",
        ],
    ),
    (
        "double quotes are encoded",
        |text| text.replace('"', "&quot;"),
        &["between tags", "value in single quotes", "document of a frame", "comment"],
    ),
    (
        "quotes get a backslash",
        |text| text.replace('\'', "\\'").replace('"', "\\\""),
        &[
            "script's text, single",
            "script's text, double",
            "script's template",
            "between tags",
            "value without quotes",
        ],
    ),
    (
        "quotes and backslashes get a backslash",
        |text| text.replace('\\', "\\\\").replace('\'', "\\'").replace('"', "\\\""),
        &["script's text, single", "script's object", "script's template"],
    ),
    ("the tag of scripts is taken out once", |text| without(text, "<script>"), &["between tags", "textarea"]),
    ("the tag of scripts is taken out", |text| without_all(text, "<script"), &["between tags", "title"]),
    (
        "the word is taken out",
        |text| without_all(text, "script"),
        &["between tags", "value in double quotes", "comment"],
    ),
    (
        "capitals",
        str::to_uppercase,
        &["between tags", "value in double quotes", "script's text, single", "textarea"],
    ),
    (
        "small letters",
        str::to_lowercase,
        &["between tags", "value in double quotes", "script's text, single"],
    ),
    (
        "spaces are taken out",
        |text| text.replace(char::is_whitespace, ""),
        &["between tags", "value in double quotes", "comment", "script's text, single"],
    ),
    (
        "spaces end it",
        |text| text.split(' ').next().unwrap_or_default().to_owned(),
        &["between tags", "value in double quotes"],
    ),
    (
        "parentheses are taken out",
        |text| text.replace(['(', ')'], ""),
        &["between tags", "value in double quotes", "script's text, single", "address of a link"],
    ),
    (
        "parentheses and backticks are taken out",
        |text| text.replace(['(', ')', '`'], ""),
        &["between tags", "value in double quotes"],
    ),
    (
        "quotes are taken out",
        |text| text.replace(['\'', '"'], ""),
        &["between tags", "value without quotes", "address of a link", "script's number"],
    ),
    (
        "equals signs are taken out",
        |text| text.replace('=', ""),
        &["between tags", "textarea", "script's text, single"],
    ),
    (
        "slashes are taken out",
        |text| text.replace('/', ""),
        &["between tags", "value in double quotes", "script's text, single"],
    ),
    (
        "handlers are taken out",
        |text| {
            let mut out = text.to_owned();
            for name in ["onerror", "onload", "onclick", "onmouseover", "onfocus", "ontoggle"] {
                out = without_all(&out, name);
            }
            out
        },
        &["between tags", "value in double quotes"],
    ),
    (
        "closed tags are taken out",
        |text| {
            let mut out = String::new();
            let mut rest = text;
            while let Some((before, after)) = rest.split_once('<') {
                out.push_str(before);
                match after.split_once('>') {
                    Some((_, behind)) => rest = behind,
                    None => {
                        out.push('<');
                        rest = after;
                    }
                }
            }
            out.push_str(rest);
            out
        },
        &["between tags", "value in double quotes", "script's text, single"],
    ),
    (
        "the first angle is encoded",
        |text| text.replacen('<', "&lt;", 1).replacen('>', "&gt;", 1),
        &["between tags", "textarea"],
    ),
    (
        "no longer than 48",
        |text| text.chars().take(48).collect(),
        &["between tags", "value in double quotes", "script's text, single"],
    ),
    (
        "decoded once more behind the filter",
        |text| percent_encoding::percent_decode_str(&html(text)).decode_utf8_lossy().into_owned(),
        &["between tags", "value in double quotes"],
    ),
    (
        "entities are read behind the filter",
        |text| {
            text.replace(['<', '>'], "")
                .replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&quot;", "\"")
                .replace("&amp;", "&")
        },
        &["between tags"],
    ),
    (
        "line ends are taken out",
        |text| text.replace(['\r', '\n'], ""),
        &["script's block comment", "between tags"],
    ),
    ("the scheme is taken out once", |text| html(&without(text, "javascript:")), &["address of a link"]),
    (
        "a list of tags",
        |text| {
            let mut out = text.to_owned();
            for name in ["<script", "<img", "<iframe", "<svg", "<body", "<object", "<embed"] {
                out = without_all(&out, name);
            }
            out
        },
        &["between tags"],
    ),
];

fn template(name: &str) -> &'static str {
    PLACES.iter().find(|(own, _)| *own == name).map(|(_, text)| *text).unwrap()
}

fn shown(template: &str, value: &str) -> String {
    format!(
        "<!doctype html><html><body><script>function go() {{ }}</script><h1>A page</h1>{}</body></html>",
        template.replace("{}", value)
    )
}

fn pages() -> Vec<Page> {
    let mut all = Vec::new();
    for (name, text) in PLACES {
        let page = Page::new(Where::Query, "lamp", move |value| Html(shown(text, value)).into_response());
        all.push(page.is("stands", name).is("filter", "none"));
    }
    for (filter, apply, places) in FILTERS {
        for name in *places {
            let page = Page::new(Where::Query, "lamp", move |value| {
                Html(shown(template(name), &apply(value))).into_response()
            });
            all.push(page.is("stands", name).is("filter", filter));
        }
    }
    for place in [Where::Path, Where::Form, Where::Json, Where::Cookie] {
        for name in ["between tags", "value in double quotes", "script's text, single"] {
            let page =
                Page::new(place, "lamp", move |value| Html(shown(template(name), value)).into_response());
            all.push(page.is("stands", name).is("filter", "none"));
        }
    }
    // An error that is a page.
    let error = |value: &str| {
        (StatusCode::BAD_REQUEST, Html(format!("<h1>No such thing: {value}</h1>"))).into_response()
    };
    all.push(Page::new(Where::Query, "lamp", error).is("stands", "an error").is("filter", "none"));
    let error = |value: &str| {
        (StatusCode::INTERNAL_SERVER_ERROR, format!("{{\"error\": \"{value}\"}}")).into_response()
    };
    let untyped = move |value: &str| {
        let mut answer = error(value);
        answer.headers_mut().insert(header::CONTENT_TYPE, "text/html".parse().unwrap());
        answer
    };
    all.push(
        Page::new(Where::Query, "lamp", untyped)
            .is("stands", "an error of JSON that says it is a page")
            .is("filter", "none"),
    );
    all
}

fn alike() -> Vec<Page> {
    let mut all = Vec::new();
    let mut add = |word: &str, answer: Arc<dyn Fn(&str) -> Response + Send + Sync>| {
        for place in [Where::Query, Where::Path] {
            let answer = Arc::clone(&answer);
            all.push(Page::new(place, "lamp", move |value| answer(value)).alike(word));
        }
    };
    for name in [
        "between tags",
        "value in double quotes",
        "value in single quotes",
        "title",
        "textarea",
        "noscript",
        "template",
        "comment",
        "script's text, single",
        "script's text, double",
        "a description",
        "style sheet",
        "picture of lines",
        "xmp",
        "data in a script",
    ] {
        add(
            &format!("encoded: {name}"),
            Arc::new(move |value| Html(shown(template(name), &html(value))).into_response()),
        );
    }
    let escaped = |text: &str| {
        let digits = |letter: char| {
            if letter.is_alphanumeric() {
                letter.to_string()
            } else {
                format!("\\u{:04x}", u32::from(letter))
            }
        };
        text.chars().map(digits).collect::<String>()
    };
    for name in ["script's text, single", "script's template", "script's object", "script's condition"] {
        add(
            &format!("escaped: {name}"),
            Arc::new(move |value| Html(shown(template(name), &escaped(value))).into_response()),
        );
    }
    add(
        "an address with a scheme",
        Arc::new(|value| {
            let to = if value.starts_with("http://") || value.starts_with("https://") {
                html(value)
            } else {
                format!("/go?to={}", html(value))
            };
            Html(shown(template("address of a link"), &to)).into_response()
        }),
    );
    let typed = |kind: &'static str| {
        move |value: &str| ([(header::CONTENT_TYPE, kind)], shown("<p>{}</p>", value)).into_response()
    };
    add("plain text", Arc::new(typed("text/plain")));
    add("a type nobody knows", Arc::new(typed("application/octet-stream")));
    add("a style sheet of its own", Arc::new(typed("text/css")));
    add("JSON", Arc::new(|value| axum::Json(serde_json::json!({ "said": value })).into_response()));
    add(
        "JSON that is not sniffed",
        Arc::new(|value| {
            (
                [(header::X_CONTENT_TYPE_OPTIONS, "nosniff"), (header::CONTENT_TYPE, "application/json")],
                format!("{{\"said\": \"{value}\"}}"),
            )
                .into_response()
        }),
    );
    add(
        "a file to keep",
        Arc::new(|value| {
            ([(header::CONTENT_DISPOSITION, "attachment; filename=a.html")], Html(shown("<p>{}</p>", value)))
                .into_response()
        }),
    );
    for (word, policy) in [
        ("a policy without scripts", "script-src 'none'"),
        ("a policy with a nonce", "script-src 'nonce-c2VjcmV0'; object-src 'none'; base-uri 'none'"),
        ("a policy of a sandbox", "sandbox"),
        ("a policy of defaults", "default-src 'self'"),
    ] {
        add(
            word,
            Arc::new(move |value| {
                ([(header::CONTENT_SECURITY_POLICY, policy)], Html(shown("<p>{}</p>", value))).into_response()
            }),
        );
    }
    add(
        "letters and digits only",
        Arc::new(|value| {
            if value.chars().all(char::is_alphanumeric) {
                return Html(shown("<p>{}</p>", value)).into_response();
            }
            (StatusCode::BAD_REQUEST, Html("<p>letters and digits only</p>")).into_response()
        }),
    );
    add(
        "letters that are left over",
        Arc::new(|value| {
            Html(shown(
                "<script>var a = '{}';</script>",
                &value.replace(|letter: char| !letter.is_alphanumeric(), ""),
            ))
            .into_response()
        }),
    );
    add(
        "a redirect",
        Arc::new(|value| {
            (StatusCode::FOUND, [(header::LOCATION, "/")], Html(shown("<p>{}</p>", value))).into_response()
        }),
    );
    add(
        "in a frame's document, encoded twice",
        Arc::new(|value| Html(shown(template("document of a frame"), &html(&html(value)))).into_response()),
    );
    all
}

async fn all_is_found(every: usize) {
    let mut pages = pages();
    pages.extend(alike());
    let table = examine(sample(pages, every), &["xss-reflected"], &["xss-reflected"]).await;
    if !had_browser(&table.report, "xss-reflected") {
        return;
    }
    table.print();
    let (part, alarms) = table.score();
    assert_eq!(alarms, 0);
    assert!(part >= 95.0, "{part}");
}

#[tokio::test]
async fn scripts_that_run_are_proven_and_nothing_else_is() {
    all_is_found(5).await;
}
