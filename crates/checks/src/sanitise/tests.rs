use super::*;
use proptest::prelude::*;

fn at(pointers: &[&str], text: &str) -> String {
    let pointers: Vec<_> = pointers.iter().map(|pointer| segments(pointer).unwrap()).collect();
    clean_at(json::parse(text.as_bytes(), &Bounds::default()).unwrap(), &pointers).to_string()
}

#[test]
fn scripts_go_and_formatting_stays() {
    let rows = [
        ("<b>hi</b><script>alert(1)</script>", "<b>hi</b>"),
        ("<p onclick=\"x()\">hi</p>", "<p>hi</p>"),
        ("<img src=x onerror=alert(1)>", "<img src=\"x\">"),
        ("<svg><script>alert(1)</script></svg>", ""),
        ("<iframe src=\"//evil.example\"></iframe>", ""),
        ("a < b & c", "a &lt; b &amp; c"),
        (
            "<a href=\"https://a.example\">x</a>",
            "<a href=\"https://a.example\" rel=\"noopener noreferrer\">x</a>",
        ),
        ("<a href=\"/here?a=1&b\">x</a>", "<a href=\"/here?a=1&amp;b\" rel=\"noopener noreferrer\">x</a>"),
        ("<a href=\"ssh://a.example\">x</a>", "<a rel=\"noopener noreferrer\">x</a>"),
        ("<ul><li>one<li>two</ul>", "<ul><li>one</li><li>two</li></ul>"),
        ("<table><tr><td>1", "<table><tbody><tr><td>1</td></tr></tbody></table>"),
        ("<!-- x --><p style=\"position:fixed\" class=\"modal\" id=\"root\">y</p>", "<p>y</p>"),
        ("<form action=\"//evil.example\"><input name=\"password\"></form>", ""),
        ("", ""),
    ];
    for (html, expected) in rows {
        assert_eq!(clean(html), expected, "{html}");
    }
}

/// Texts that become a script in a second reading, or in a reader that reads otherwise; written for this list.
const MUTATIONS: &[&str] = &[
    "<svg></p><style><a title=\"</style><img src=x onerror=alert(1)>\">",
    "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=x onerror=alert(1)&gt;\">",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<math><annotation-xml encoding=\"text/html\"><style><img src=x onerror=alert(1)></style></annotation-xml></math>",
    "<svg><foreignobject><p><style><!--</p><img src=x onerror=alert(1)>--></style></foreignobject></svg>",
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    "<textarea><p title=\"</textarea><img src=x onerror=alert(1)>\">",
    "<title><p title=\"</title><img src=x onerror=alert(1)>\">",
    "<xmp><p title=\"</xmp><img src=x onerror=alert(1)>\">",
    "<noembed><p title=\"</noembed><img src=x onerror=alert(1)>\">",
    "<plaintext><img src=x onerror=alert(1)>",
    "<select><style></select><img src=x onerror=alert(1)></style>",
    "<select><template><p></select><img src=x onerror=alert(1)>",
    "<template><p title=\"</template><script>alert(1)</script>\">",
    "<table><svg><style></table><img src=x onerror=alert(1)>",
    "<a href=\"jav&#x09;ascript:alert(1)\">x</a>",
    "<a href=\"&#1;javascript:alert(1)\">x</a>",
    "<a href=\"javascript&colon;alert(1)\">x</a>",
    "<a href=\" javascript:alert(1)\">x</a>",
    "<a href=\"JaVaScRiPt:alert(1)\">x</a>",
    "<a href=\"data:text/html;base64,PHNjcmlwdD4=\">x</a>",
    "<a href=\"vbscript:msgbox(1)\">x</a>",
    "<img src=\"data:image/svg+xml,<svg onload=alert(1)>\">",
    "<img/src=\"x\"/onerror=alert(1)>",
    "<img src=x:alert(1) onerror=eval(src)>",
    "<IMG SRC=x ONERROR=alert(1)>",
    "<img src=\"x\" onerror =alert(1)>",
    "<img src='x' title='`' onerror='alert(1)'>",
    "<<script>alert(1)//<</script>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<script\u{0}>alert(1)</script>",
    "<scr\u{0}ipt>alert(1)</script>",
    "<svg/onload=alert(1)>",
    "<svg><animate onbegin=alert(1) attributeName=x>",
    "<svg><a xlink:href=\"javascript:alert(1)\"><text y=9>x",
    "<details open ontoggle=alert(1)>",
    "<video><source onerror=alert(1)>",
    "<math href=\"javascript:alert(1)\">x</math>",
    "<isindex action=javascript:alert(1) type=image>",
    "<base href=\"//evil.example/\">",
    "<meta http-equiv=refresh content=\"0;url=javascript:alert(1)\">",
    "<link rel=stylesheet href=//evil.example>",
    "<style>@import '//evil.example'</style>",
    "<object data=\"javascript:alert(1)\"></object><embed src=\"//evil.example\">",
    "<body onload=alert(1)><frameset onload=alert(1)>",
    "<![CDATA[<img src=x onerror=alert(1)>]]>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<!--!><img src=x onerror=alert(1)>--!>",
    "<?xml version=\"1.0\"?><img src=x onerror=alert(1)>",
    "<% <img src=x onerror=alert(1)> %>",
    "<a title='\"><img src=x onerror=alert(1)>'>x</a>",
    "<p title=\"&quot;&gt;&lt;img src=x onerror=alert(1)&gt;\">x</p>",
    "<custom-element onclick=alert(1)>x</custom-element>",
    "<input autofocus onfocus=alert(1)>",
    "<button formaction=\"javascript:alert(1)\">x</button>",
    "<img srcset=\"x 1x, javascript:alert(1) 2x\">",
    "<div style=\"background:url(javascript:alert(1))\">x</div>",
    "<ruby><rt><svg><desc><rt><img src=x onerror=alert(1)>",
    "<table><caption><svg><desc></caption><img src=x onerror=alert(1)>",
];

/// Tags as a browser would see them, and whether one does more than show.
fn is_harmless(html: &str) -> bool {
    let lower = html.to_ascii_lowercase();
    let tags = lower.split('<').skip(1).map(|rest| rest.split('>').next().unwrap_or_default());
    tags.into_iter().all(|tag| {
        let name: String =
            tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
        let never = [
            "script",
            "style",
            "iframe",
            "object",
            "embed",
            "form",
            "input",
            "button",
            "svg",
            "math",
            "base",
            "meta",
            "link",
            "template",
            "noscript",
            "textarea",
            "title",
            "xmp",
            "plaintext",
            "frameset",
            "body",
        ];
        // Outside of quotes: what is quoted is a text. A cleaned text quotes every value.
        let outside: String = tag.split('"').step_by(2).collect();
        let handler =
            outside.split_ascii_whitespace().any(|word| word.starts_with("on") && word.contains('='));
        let values = tag.split('"').skip(1).step_by(2);
        let scheme = tag.contains("href=\"") || tag.contains("src=\"");
        let runs = scheme
            && values.into_iter().any(|value| {
                ["javascript:", "data:", "vbscript:"]
                    .iter()
                    .any(|scheme| value.trim_start().starts_with(scheme))
            });
        !name.is_empty() && !never.contains(&&*name) && !handler && !runs
    })
}

#[test]
fn nothing_comes_to_life_in_a_second_reading() {
    for html in MUTATIONS {
        let once = clean(html);
        assert!(is_harmless(&once), "{html}: {once}");
        assert_eq!(clean(&once), once, "{html}");
    }
    assert!(
        !is_harmless("<p onclick=x>") && !is_harmless("<b><script>") && !is_harmless("<a href=\"data:x\">")
    );
}

/// A few kilobytes that a parser makes gigabytes of, or minutes.
#[test]
fn what_costs_more_than_it_is_worth_leaves_as_text() {
    let count = 3_000_usize;
    let reopened: String = (0..count).map(|index| format!("<b a={index}>")).collect();
    let attributes: String = (0..count).map(|index| format!(" a{index}")).collect();
    let rows = [
        format!("{reopened}{}", "<p>x".repeat(count)),
        "<div>".repeat(count),
        "<b><p>".repeat(count),
        "<table><tr><td>".repeat(count),
        "<ul><li>".repeat(count),
        "<a><div>".repeat(count),
        format!("<p{attributes}>x</p>"),
        format!("<p{attributes}"),
        "<svg>".repeat(count),
        "<table>".repeat(count) + &"<b>".repeat(count),
        "<template>".repeat(count),
        "<option><select>".repeat(count),
        format!(
            "{}{}",
            (0..150).map(|index| format!("<b a={index}>")).collect::<String>(),
            "<p>x".repeat(count)
        ),
    ];
    for html in rows {
        let once = clean(&html);
        assert!(once.len() <= html.len() * 5, "{} from {}", once.len(), html.len());
        assert!(is_harmless(&once));
        assert_eq!(clean(&once), once);
    }
    assert_eq!(clean(&"<div>".repeat(300)), "&lt;div&gt;".repeat(300));
    let deep = format!("{}x{}", "<div>".repeat(150), "</div>".repeat(150));
    assert_eq!(clean(&deep), deep, "deep, but not too deep");
    let picture = format!("<p>a</p><img src=\"data:image/png;base64,{}\">", "iVBORw0KGgo/+A=".repeat(2_000));
    assert_eq!(clean(&picture), "<p>a</p><img>", "a pasted picture is only left out");
    let list: String =
        (0..3_000).map(|index| format!("<li><b>{index}</b> <a href=\"/{index}\">x</a></li>")).collect();
    assert!(clean(&list).starts_with("<li><b>0</b>"), "a long list of short things");
}

#[test]
fn only_what_was_named_is_cleaned_and_numbers_keep_their_digits() {
    let text = r#"{"n":12345678901234567890.10,"items":[{"html":"<i>a</i><script>x</script>","text":"<script>"},1],"html":"<s>"}"#;
    let expected =
        r#"{"n":12345678901234567890.10,"items":[{"html":"<i>a</i>","text":"<script>"},1],"html":"<s>"}"#;
    assert_eq!(at(&["/items/*/html"], text), expected);
    assert_eq!(at(&["/items/0/html"], text), expected);
    assert_eq!(at(&["/nothing", "/items/1/html"], text), text);
    assert_eq!(at(&[""], "\"<script>x</script>y\""), "\"y\"");
    assert_eq!(at(&["/a~1b"], r#"{"a/b":"<script>x</script>"}"#), r#"{"a/b":""}"#);
    assert_eq!(
        at(&["/html"], r#"{"html":["<script>x</script>a",{"b":"<script>x</script>c"}]}"#),
        r#"{"html":["a",{"b":"c"}]}"#,
        "a list in the place of a text hides nothing"
    );
    assert_eq!(at(&["/html"], "{\"html\":\"\\u003cscript\\u003ex\"}"), r#"{"html":""}"#);
    assert!(segments("items").is_none() && segments("/a~2").is_none());
}

#[test]
fn types_are_read_as_browsers_read_them() {
    let html = Wanted { html: true, pointers: Vec::new() };
    let json = Wanted { html: false, pointers: vec![Vec::new()] };
    let read = |wanted: &Wanted, kinds: &[&str]| {
        let mut headers = HeaderMap::new();
        for kind in kinds {
            headers.append(CONTENT_TYPE, HeaderValue::from_str(kind).unwrap());
        }
        wanted.markup(&headers)
    };
    for kind in ["text/html", "Text/HTML ; Charset=\"UTF-8\"", "html", "", "*/*"] {
        assert_eq!(read(&html, &[kind]), Ok(Some(Markup::Html)), "{kind}");
    }
    assert_eq!(read(&html, &[]), Ok(Some(Markup::Html)));
    for kind in ["application/json", "application/problem+json; charset=utf-8", "application/x-ndjson"] {
        assert_eq!(read(&json, &[kind]), Ok(Some(Markup::Json)), "{kind}");
        assert_eq!(read(&html, &[kind]), Ok(None), "{kind}");
    }
    assert_eq!(read(&json, &[]), Ok(Some(Markup::Json)));
    assert_eq!(read(&json, &["text/html"]), Ok(None));
    for kind in ["application/xhtml+xml", "image/svg+xml", "text/xml"] {
        assert_eq!(read(&html, &[kind]), Err(Violation::Language), "{kind}");
    }
    for kind in [
        "text/html; charset=iso-2022-jp",
        "text/html;charset=utf-7;charset=utf-8",
        "text/html; charset=\"utf-16\"",
    ] {
        assert_eq!(read(&html, &[kind]), Err(Violation::Charset), "{kind}");
    }
    assert_eq!(read(&html, &["text/plain", "text/html"]), Err(Violation::Repeated));
    assert_eq!(read(&html, &["image/png"]), Ok(None));
}

proptest! {
    #[test]
    fn no_markup_brings_a_script_through_and_clean_is_clean(
        html in "(<(b|p|a href=x|script|svg|style|img src=x onerror=y|/b|/p|/script|!--|math|title|table|td|select|template|mtext|mglyph|noscript|/table|/svg|/style|form|li|a title=\"<img onerror=x>\")>|-->|]]>|[a-z <>&\"'=/\u{0}\r\n-]){0,30}",
    ) {
        let once = clean(&html);
        prop_assert!(is_harmless(&once), "{}", once);
        prop_assert_eq!(clean(&once), once);
    }

    #[test]
    fn any_text_is_cleaned_to_what_stays(html in "\\PC{0,200}") {
        let once = clean(&html);
        prop_assert_eq!(clean(&once), once);
    }
}
