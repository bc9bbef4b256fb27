//! XML as build files use it: elements, attributes and their text. Nothing is fetched, no entity but the five of the standard and
//! numbers is replaced, so that neither XXE nor an expansion has a place.

use gabion_finding::Span;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::{Malformed, short};
use crate::bounds;

#[derive(Debug, Clone, Default)]
pub(crate) struct Element {
    /// Without its prefix.
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) children: Vec<Element>,
    /// Trimmed.
    pub(crate) text: String,
    pub(crate) span: Span,
}

impl Element {
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    pub(crate) fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |element, name| element.child(name))
    }

    pub(crate) fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str()).filter(|text| !text.is_empty())
    }

    /// Names of attributes in MSBuild do not care for case.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Every element below, in order, itself first.
    pub(crate) fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Self)) {
        visit(self);
        for child in &self.children {
            child.walk(visit);
        }
    }
}

/// The outermost element.
pub(crate) fn read(text: &str) -> Result<Element, Malformed> {
    if text.len() > bounds::FILE {
        return Err(Malformed::bound(0, "the document is larger than 32 MiB"));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Element> = Vec::new();
    let mut count = 0_usize;
    loop {
        let start = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        let event = reader.read_event().map_err(|error| Malformed::new(start, error.to_string()))?;
        let end = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        match event {
            Event::Start(tag) => {
                count += 1;
                if open.len() >= bounds::DEPTH || count > bounds::NODES {
                    return Err(Malformed::bound(
                        start,
                        "the document is nested too deep, or has too much in it",
                    ));
                }
                open.push(element(&tag, start, end));
            }
            Event::Empty(tag) => {
                count += 1;
                if count > bounds::NODES {
                    return Err(Malformed::bound(start, "the document has too many elements"));
                }
                let done = element(&tag, start, end);
                match open.last_mut() {
                    Some(parent) => parent.children.push(done),
                    None => return Ok(done),
                }
            }
            Event::End(_) => {
                let Some(mut done) = open.pop() else {
                    return Err(Malformed::new(start, "nothing is open here"));
                };
                done.span.end = short(end);
                done.text = done.text.trim().to_owned();
                match open.last_mut() {
                    Some(parent) => parent.children.push(done),
                    None => return Ok(done),
                }
            }
            Event::Text(it) => add(&mut open, &it.xml10_content()),
            Event::CData(it) => add(&mut open, &it.xml10_content()),
            Event::GeneralRef(it) => {
                let name = it.xml10_content();
                let letter = match &*name {
                    "amp" => Some('&'),
                    "lt" => Some('<'),
                    "gt" => Some('>'),
                    "quot" => Some('"'),
                    "apos" => Some('\''),
                    _ => it.resolve_char_ref().ok().flatten(),
                };
                if let Some(letter) = letter {
                    add(&mut open, letter.encode_utf8(&mut [0; 4]));
                }
            }
            Event::Eof => return Err(Malformed::new(start, "the document ends within an element")),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
}

fn add(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

fn element(tag: &BytesStart<'_>, start: usize, end: usize) -> Element {
    let mut pairs = tag.attributes();
    let attributes = pairs
        .with_checks(false)
        .flatten()
        .take(256)
        .map(|attribute| {
            let key: &str = attribute.key.as_ref();
            (key.to_owned(), unescape(&attribute.value))
        })
        .collect();
    let qualified = tag.name();
    let name: &str = qualified.as_ref();
    let name = name.rsplit(':').next().unwrap_or(name).to_owned();
    Element { name, attributes, span: Span::new(short(start), short(end)), ..Element::default() }
}

fn unescape(text: &str) -> String {
    quick_xml::escape::unescape(text).map_or_else(|_| text.to_owned(), std::borrow::Cow::into_owned)
}
