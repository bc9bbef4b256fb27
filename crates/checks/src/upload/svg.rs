//! SVG (SVG 2, SVG Integration §3): written anew from what draws; what runs, fetches or embeds is refused or
//! left out.

use std::borrow::Cow;
use std::fmt::Write as _;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::broken::Broken;

/// The drawing without anything that is none. With `clean` the rest is left out silently, otherwise it is refused;
/// editors' own data and comments are left out either way.
pub(super) fn svg(bytes: &[u8], clean: bool) -> Result<String, Broken> {
    let text = std::str::from_utf8(bytes).map_err(|_| Broken::Malformed)?;
    let mut reader = Reader::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
    reader.config_mut().check_end_names = true;
    let mut drawing = Drawing { out: String::with_capacity(text.len()), clean, ..Drawing::default() };
    loop {
        match reader.read_event().map_err(|_| Broken::Malformed)? {
            Event::Eof => return drawing.finish(),
            event => drawing.event(&event)?,
        }
    }
}

#[derive(Debug, Default)]
struct Drawing {
    out: String,
    clean: bool,
    depth: u32,
    elements: u32,
    /// At this depth something is left out.
    skipping: Option<u32>,
    /// In a style sheet: what it says so far, since comments may stand between.
    styles: Option<String>,
    ended: bool,
}

impl Drawing {
    fn event(&mut self, event: &Event<'_>) -> Result<(), Broken> {
        match event {
            Event::Start(start) => {
                self.begin(start, false)?;
                self.depth = self.depth.saturating_add(1);
                if self.depth > DEEPEST {
                    return Err(Broken::Malformed);
                }
            }
            Event::Empty(start) => {
                self.begin(start, true)?;
                self.ended = self.ended || self.depth == 0;
            }
            Event::End(end) => {
                self.depth = self.depth.checked_sub(1).ok_or(Broken::Malformed)?;
                if let Some(styles) = self.styles.take() {
                    if is_plain_style(&styles) { self.out.push_str(&styles) } else { self.active()? }
                }
                if self.skipping.is_none() {
                    let _ = write!(self.out, "</{}>", name_of(end.name().as_ref())?);
                }
                if self.skipping == Some(self.depth) {
                    self.skipping = None;
                }
                self.ended = self.ended || self.depth == 0;
            }
            Event::Text(text) => self.text(text.as_ref())?,
            Event::CData(data) => {
                let text: &str = data.as_ref();
                self.text(&text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"))?;
            }
            Event::GeneralRef(reference) => {
                let inner: &str = reference.as_ref();
                let known = ["amp", "lt", "gt", "quot", "apos"].contains(&inner);
                let is_sign = inner.starts_with('#') && reference.resolve_char_ref().is_ok();
                if (!known && !is_sign) || self.styles.is_some() {
                    return Err(Broken::Active);
                }
                if self.skipping.is_none() {
                    let _ = write!(self.out, "&{inner};");
                }
            }
            // Entities: what a reader makes of them is not what stands here.
            Event::DocType(_) => return Err(Broken::Active),
            Event::PI(_) => self.active()?,
            Event::Comment(_) | Event::Decl(_) | Event::Eof => {}
        }
        Ok(())
    }

    fn begin(&mut self, start: &BytesStart<'_>, empty: bool) -> Result<(), Broken> {
        self.elements = self.elements.saturating_add(1);
        let root = self.depth == 0;
        if self.elements > MOST_ELEMENTS || (root && (self.ended || self.elements > 1)) {
            return Err(Broken::Malformed);
        }
        let full = start.name();
        let name = name_of(full.as_ref())?;
        if root && name != "svg" {
            return Err(Broken::Malformed);
        }
        if self.skipping.is_some() {
            return Ok(());
        }
        if self.styles.is_some() {
            return Err(Broken::Active);
        }
        if !ELEMENTS.contains(&name) {
            let local = name.rsplit(':').next().unwrap_or(name);
            // A prefix is an editor's, unless it hides something.
            if local == name || ACTIVE.contains(&local.to_ascii_lowercase().as_str()) {
                self.active()?;
            }
            if !empty {
                self.skipping = Some(self.depth);
            }
            return Ok(());
        }
        let mut tag = format!("<{name}");
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|_| Broken::Malformed)?;
            let key = name_of(attribute.key.as_ref())?;
            let raw: &str = attribute.value.as_ref();
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|_| Broken::Active)?;
            match judge(key, &value) {
                Fate::Keep => {
                    let _ = write!(tag, " {key}=\"{}\"", raw.replace('"', "&quot;").replace('<', "&lt;"));
                }
                Fate::Drop => {}
                Fate::Active => {
                    self.active()?;
                    // An animation of nothing.
                    if key.eq_ignore_ascii_case("attributeName") {
                        self.skipping = (!empty).then_some(self.depth);
                        return Ok(());
                    }
                }
            }
        }
        self.out.push_str(&tag);
        self.out.push_str(if empty { "/>" } else { ">" });
        self.styles = (name == "style" && !empty).then(String::new);
        Ok(())
    }

    /// `text` is escaped as XML asks.
    fn text(&mut self, text: &str) -> Result<(), Broken> {
        if self.depth == 0 && !text.trim().is_empty() {
            return Err(Broken::Malformed);
        }
        if self.skipping.is_some() {
            return Ok(());
        }
        self.styles.as_mut().unwrap_or(&mut self.out).push_str(text);
        Ok(())
    }

    fn active(&self) -> Result<(), Broken> {
        if self.clean { Ok(()) } else { Err(Broken::Active) }
    }

    fn finish(self) -> Result<String, Broken> {
        if self.ended && self.depth == 0 { Ok(self.out) } else { Err(Broken::Malformed) }
    }
}

enum Fate {
    Keep,
    Drop,
    Active,
}

fn judge(key: &str, value: &str) -> Fate {
    let lower = key.to_ascii_lowercase();
    let squeezed: String = value
        .chars()
        .filter(|sign| !sign.is_whitespace() && !sign.is_control())
        .collect::<String>()
        .to_ascii_lowercase();
    if lower.starts_with("on") || squeezed.contains("javascript:") || squeezed.contains("vbscript:") {
        return Fate::Active;
    }
    match &*lower {
        "href" | "xlink:href" | "src" => {
            let inner = squeezed.starts_with('#');
            let picture = ["png", "jpeg", "gif", "webp"]
                .iter()
                .any(|kind| squeezed.starts_with(&format!("data:image/{kind};base64,")));
            if (inner || picture) && lower != "src" { Fate::Keep } else { Fate::Active }
        }
        "xmlns" if value == "http://www.w3.org/2000/svg" => Fate::Keep,
        "xmlns:xlink" if value == "http://www.w3.org/1999/xlink" => Fate::Keep,
        "xmlns" | "xmlns:xlink" => Fate::Active,
        "xml:space" | "xml:lang" => Fate::Keep,
        "attributename" if squeezed.contains("href") || squeezed.starts_with("on") => Fate::Active,
        "target" | "formaction" | "srcdoc" | "xml:base" | "base" => Fate::Active,
        _ if lower.contains(':') => Fate::Drop,
        _ if !is_plain_style(value) => Fate::Active,
        _ => Fate::Keep,
    }
}

/// Neither fetches nor hides: references lead into the drawing itself.
fn is_plain_style(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let squeezed: Cow<'_, str> = lower.chars().filter(|sign| !sign.is_whitespace()).collect();
    let leads_out = squeezed.match_indices("url(").any(|(at, found)| {
        let target = squeezed.get(at.saturating_add(found.len())..).unwrap_or_default();
        !target.trim_start_matches(['"', '\'']).starts_with('#')
            && !target.starts_with("&quot;#")
            && !target.starts_with("&apos;#")
    });
    let never = [
        "@import",
        "@font-face",
        "@namespace",
        "expression(",
        "image-set(",
        "image(",
        "-moz-binding",
        "behavior:",
        "\\",
        "/*",
        "javascript:",
    ];
    !leads_out && !never.iter().any(|word| squeezed.contains(word))
}

fn name_of(name: &str) -> Result<&str, Broken> {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_:.".contains(&byte));
    if plain && !name.is_empty() { Ok(name) } else { Err(Broken::Malformed) }
}

const DEEPEST: u32 = 64;
const MOST_ELEMENTS: u32 = 50_000;

/// What runs, fetches, links or embeds, under any prefix.
const ACTIVE: &[&str] = &[
    "a",
    "audio",
    "canvas",
    "embed",
    "foreignobject",
    "form",
    "frame",
    "handler",
    "html",
    "iframe",
    "image",
    "img",
    "link",
    "listener",
    "meta",
    "object",
    "script",
    "set",
    "svg",
    "use",
    "video",
];

/// What draws. `set` and the animations may change no reference; see the rule on `attributeName`.
const ELEMENTS: &[&str] = &[
    "animate",
    "animateMotion",
    "animateTransform",
    "circle",
    "clipPath",
    "defs",
    "desc",
    "ellipse",
    "feBlend",
    "feColorMatrix",
    "feComponentTransfer",
    "feComposite",
    "feConvolveMatrix",
    "feDiffuseLighting",
    "feDisplacementMap",
    "feDistantLight",
    "feDropShadow",
    "feFlood",
    "feFuncA",
    "feFuncB",
    "feFuncG",
    "feFuncR",
    "feGaussianBlur",
    "feMerge",
    "feMergeNode",
    "feMorphology",
    "feOffset",
    "fePointLight",
    "feSpecularLighting",
    "feSpotLight",
    "feTile",
    "feTurbulence",
    "filter",
    "g",
    "image",
    "line",
    "linearGradient",
    "marker",
    "mask",
    "metadata",
    "mpath",
    "path",
    "pattern",
    "polygon",
    "polyline",
    "radialGradient",
    "rect",
    "set",
    "stop",
    "style",
    "svg",
    "switch",
    "symbol",
    "text",
    "textPath",
    "title",
    "tspan",
    "use",
    "view",
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wrap(inner: &str) -> String {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\">{inner}</svg>"
        )
    }

    #[test]
    fn drawings_pass_as_they_are() {
        let drawing = wrap(
            "<defs><linearGradient id=\"a\"><stop offset=\"0\" style=\"stop-color:#f00\"/></linearGradient></defs>\
             <style>.x{fill:url(#a)}</style><rect class=\"x\" width=\"5\" fill=\"url(#a)\"/><use xlink:href=\"#a\"/>\
             <text x=\"1\">a &amp; b &#169;</text><image href=\"data:image/png;base64,iVBORw0KGgo=\"/>",
        );
        assert_eq!(svg(drawing.as_bytes(), false), Ok(drawing.clone()));
        let edited = wrap(
            "<!-- made by --><sodipodi:namedview pagecolor=\"#fff\"><x/></sodipodi:namedview><g inkscape:label=\"L\"/>",
        );
        assert_eq!(svg(edited.as_bytes(), false), Ok(wrap("<g/>")));
    }

    #[test]
    fn what_runs_is_refused_or_left_out() {
        let rows = [
            "<script>alert(1)</script>",
            "<svg:script xmlns:svg=\"http://www.w3.org/2000/svg\">alert(1)</svg:script>",
            "<h:script xmlns:h=\"http://www.w3.org/1999/xhtml\">alert(1)</h:script>",
            "<rect onload=\"alert(1)\"/>",
            "<rect ONCLICK='alert(1)'/>",
            "<foreignObject><iframe src=\"https://evil.example\"/></foreignObject>",
            "<a href=\"javascript:alert(1)\"><rect/></a>",
            "<use href=\"https://evil.example/x.svg#a\"/>",
            "<use xlink:href=\" java\tscript:alert(1)\"/>",
            "<use href=\"&#106;avascript:alert(1)\"/>",
            "<use href=\"data:image/svg+xml;base64,PHN2Zz4=\"/>",
            "<image href=\"//evil.example/x.png\"/>",
            "<animate attributeName=\"href\" to=\"javascript:alert(1)\"/>",
            "<set attributeName=\"onmouseover\" to=\"alert(1)\"/>",
            "<style>@im<!-- -->port 'https://evil.example'</style>",
            "<style>@import url(https://evil.example)</style>",
            "<style>rect{fill:\\75rl(https://evil.example)}</style>",
            "<rect style=\"fill:url(https://evil.example/x)\"/>",
            "<rect fill=\"url('//evil.example')\"/>",
            "<?xml-stylesheet href=\"https://evil.example/x.css\"?>",
            "<g xmlns=\"http://www.w3.org/1999/xhtml\"/>",
        ];
        for inner in rows {
            let hostile = wrap(inner);
            assert_eq!(svg(hostile.as_bytes(), false), Err(Broken::Active), "{inner}");
            let clean = svg(hostile.as_bytes(), true).unwrap();
            for bad in ["script", "evil", "alert", "onload", "onclick", "onmouseover", "svg+xml", "xhtml"] {
                assert!(!clean.to_lowercase().contains(bad), "{inner}: {clean}");
            }
            assert_eq!(svg(clean.as_bytes(), false), Ok(clean.clone()), "clean is clean");
        }
        let entities = "<!DOCTYPE svg [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><svg>&x;</svg>";
        assert_eq!(svg(entities.as_bytes(), true), Err(Broken::Active));
        for bad in
            ["<svg>", "<html/>", "<svg/><svg/>", "<svg/>x", "<svg><g></svg></g>", "", "<svg><g a=1/></svg>"]
        {
            assert!(svg(bad.as_bytes(), true).is_err(), "{bad}");
        }
        let deep = format!("{}{}", "<svg>".repeat(70), "</svg>".repeat(70));
        assert_eq!(svg(deep.as_bytes(), true), Err(Broken::Malformed));
    }

    proptest! {
        #[test]
        fn what_was_cleaned_stays_so(pieces in prop::collection::vec(prop::sample::select(vec![
            "<g>", "</g>", "<script>", "</script>", "<rect onload='x'/>", "<!--", "-->", "<![CDATA[", "]]>", "&amp;", "&x;", "text",
            "<style>", "</style>", "<use href='#a'/>", "<x:y>", "</x:y>", "\"", "<",
        ]), 0..10)) {
            if let Ok(clean) = svg(wrap(&pieces.concat()).as_bytes(), true) {
                prop_assert!(!clean.contains("<script") && !clean.contains("<rect onload"));
                prop_assert_eq!(svg(clean.as_bytes(), false), Ok(clean.clone()));
            }
        }
    }
}
