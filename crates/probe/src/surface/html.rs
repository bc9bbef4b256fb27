//! What a page has for a visitor: links and forms, read by the tokenizer of browsers, without building a tree.

use std::cell::RefCell;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};

/// What a page has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    pub title: String,
    /// Whether something runs in it: scripts, or handlers in attributes.
    pub scripted: bool,
    /// The program that made it, where it says so.
    pub generator: Option<String>,
    /// What references stand relative to, where the page says it.
    pub base: Option<String>,
    /// References as they stand: `href`, `src`, `data-url` and the like.
    pub links: Vec<String>,
    /// What may be references: they stand in comments.
    pub faint: Vec<String>,
    pub scripts: Vec<String>,
    /// The text of scripts in the page.
    pub inline: Vec<String>,
    pub forms: Vec<Form>,
}

/// A form, or the fields that stand in none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form {
    pub id: String,
    pub action: String,
    /// `GET` or `POST`.
    pub method: String,
    pub enctype: String,
    pub fields: Vec<Field>,
}

/// A field of a form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Field {
    pub name: String,
    /// `text`, `password`, `hidden`, `select`, `textarea`, `submit` …
    pub kind: String,
    pub value: String,
    pub autocomplete: String,
    /// What a list offers.
    pub options: Vec<String>,
}

/// Pages are read up to this size, in bytes.
const LONGEST: usize = 1 << 20;
/// The most of anything that is kept of one page.
const MOST: usize = 2_000;

/// Reads a page.
#[must_use]
pub fn read(text: &str) -> Page {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    let sink = Sink(RefCell::new(State::default()));
    let tokenizer = Tokenizer::new(sink, TokenizerOpts::default());
    let queue = BufferQueue::default();
    queue.push_back(StrTendril::from(text.get(..end).unwrap_or_default()));
    // The tokenizer pauses at each script; we run none.
    while !queue.is_empty() {
        let _ = tokenizer.feed(&queue);
    }
    tokenizer.end();
    tokenizer.sink.0.into_inner().finish()
}

struct Sink(RefCell<State>);

#[derive(Default)]
struct State {
    page: Page,
    form: Option<Form>,
    /// Fields outside of any form.
    loose: Form,
    /// Other places that buttons of this form send it to, and how.
    sends: Vec<(String, Option<String>)>,
    /// Fields that say by its id which form they belong to.
    apart: Vec<(String, Field)>,
    text: Option<Gathered>,
    buffer: String,
}

/// What the text that comes now belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gathered {
    Option,
    Script,
    Textarea,
    Title,
}

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut state = self.0.borrow_mut();
        match token {
            Token::TagToken(tag) if tag.kind == TagKind::StartTag => state.open(&tag),
            Token::TagToken(tag) => {
                state.close(&tag.name);
                TokenSinkResult::Continue
            }
            Token::CharacterTokens(text) => {
                if state.text.is_some() && state.buffer.len() < LONGEST {
                    state.buffer.push_str(&text);
                }
                TokenSinkResult::Continue
            }
            Token::CommentToken(text) => {
                state.comment(&text);
                TokenSinkResult::Continue
            }
            _ => TokenSinkResult::Continue,
        }
    }
}

impl State {
    /// References in a comment: of markup that was taken out, or written down.
    fn comment(&mut self, text: &str) {
        let pieces = text.split(|letter: char| letter.is_whitespace() || "\"'<>()".contains(letter));
        for piece in pieces {
            let piece = piece.trim_end_matches(['.', ',', ';', ':']);
            // An attribute without quotes.
            let piece = match piece.split_once('=') {
                Some(("href" | "src" | "action", value)) => value,
                _ => piece,
            };
            let path = piece.strip_prefix('/').is_some_and(|rest| {
                rest.starts_with(|letter: char| letter.is_ascii_alphanumeric() || letter == '_')
            });
            if (path || piece.starts_with("http")) && self.page.faint.len() < MOST && piece.len() < 500 {
                self.page.faint.push(piece.to_owned());
            }
        }
    }

    fn open(&mut self, tag: &Tag) -> TokenSinkResult<()> {
        use html5ever::tokenizer::states::RawKind;
        let attribute = |name: &str| {
            let own = tag.attrs.iter().find(|attribute| *attribute.name.local == *name);
            own.map(|attribute| attribute.value.to_string())
        };
        self.page.scripted |=
            &*tag.name == "script" || tag.attrs.iter().any(|own| own.name.local.starts_with("on"));
        if &*tag.name == "base" {
            self.page.base = self.page.base.take().or_else(|| attribute("href"));
            return TokenSinkResult::Continue;
        }
        for name in ["srcset", "imagesrcset"] {
            let set = attribute(name).unwrap_or_default();
            let all = set.split(',').filter_map(|one| one.split_whitespace().next());
            let room = MOST.saturating_sub(self.page.links.len());
            self.page.links.extend(all.map(str::to_owned).take(room.min(50)));
        }
        for name in [
            "href",
            "xlink:href",
            "src",
            "data-url",
            "data-href",
            "data-src",
            "hx-get",
            "data",
            "cite",
            "longdesc",
        ] {
            if let Some(link) = attribute(name)
                && self.page.links.len() < MOST
                && !link.is_empty()
            {
                let scripted = &*tag.name == "script" && name == "src";
                if scripted { self.page.scripts.push(link) } else { self.page.links.push(link) }
            }
        }
        match &*tag.name {
            "form" => {
                self.end_form();
                self.form = Some(Form {
                    id: attribute("id").unwrap_or_default(),
                    action: attribute("action").unwrap_or_default(),
                    method: attribute("method").unwrap_or_default().to_ascii_uppercase(),
                    enctype: attribute("enctype").unwrap_or_default().to_ascii_lowercase(),
                    fields: Vec::new(),
                });
            }
            "input" | "button" | "select" | "textarea" => {
                let kind = match &*tag.name {
                    "input" => attribute("type").unwrap_or_else(|| "text".to_owned()),
                    "button" => "submit".to_owned(),
                    other => other.to_owned(),
                };
                let field = Field {
                    name: attribute("name").unwrap_or_default(),
                    kind: kind.to_ascii_lowercase(),
                    value: attribute("value").unwrap_or_default(),
                    autocomplete: attribute("autocomplete").unwrap_or_default().to_ascii_lowercase(),
                    options: Vec::new(),
                };
                if let Some(to) = attribute("formaction").filter(|_| self.sends.len() < 20) {
                    self.sends.push((to, attribute("formmethod")));
                }
                if let Some(owner) = attribute("form").filter(|_| self.form.is_none())
                    && self.apart.len() < MOST
                {
                    self.apart.push((owner, field));
                    return TokenSinkResult::Continue;
                }
                let form = self.form.as_mut().unwrap_or(&mut self.loose);
                if form.fields.len() < MOST && !(field.name.is_empty() && field.kind == "submit") {
                    form.fields.push(field);
                }
                if &*tag.name == "textarea" {
                    self.gather(Gathered::Textarea);
                    return TokenSinkResult::RawData(RawKind::Rcdata);
                }
            }
            "option" => match attribute("value") {
                Some(value) => self.option(value),
                None => self.gather(Gathered::Option),
            },
            "title" => {
                self.gather(Gathered::Title);
                return TokenSinkResult::RawData(RawKind::Rcdata);
            }
            "script" => {
                self.gather(Gathered::Script);
                return TokenSinkResult::RawData(RawKind::ScriptData);
            }
            "style" | "xmp" | "iframe" | "noembed" | "noframes" => {
                return TokenSinkResult::RawData(RawKind::Rawtext);
            }
            "meta" => {
                let content = attribute("content").unwrap_or_default();
                if attribute("name").is_some_and(|name| name.eq_ignore_ascii_case("generator")) {
                    self.page.generator = self.page.generator.take().or_else(|| Some(content.clone()));
                }
                if let Some(at) = content.to_ascii_lowercase().find("url=") {
                    let link = content.get(at.saturating_add(4)..).unwrap_or_default();
                    if self.page.links.len() < MOST {
                        self.page.links.push(link.trim().trim_matches(['\'', '"']).to_owned());
                    }
                }
            }
            _ => {}
        }
        TokenSinkResult::Continue
    }

    fn close(&mut self, name: &str) {
        match (name, self.text) {
            ("form", _) => self.end_form(),
            ("title", Some(Gathered::Title)) => self.page.title = self.take().trim().to_owned(),
            ("script", Some(Gathered::Script)) => {
                let text = self.take();
                if self.page.inline.len() < MOST && !text.trim().is_empty() {
                    self.page.inline.push(text);
                }
            }
            ("textarea", Some(Gathered::Textarea)) => {
                let text = self.take();
                if let Some(field) = self.form.as_mut().unwrap_or(&mut self.loose).fields.last_mut() {
                    field.value = text;
                }
            }
            ("option" | "select", Some(Gathered::Option)) => {
                let text = self.take().trim().to_owned();
                self.option(text);
            }
            _ => {}
        }
    }

    fn option(&mut self, value: String) {
        if let Some(field) = self.form.as_mut().unwrap_or(&mut self.loose).fields.last_mut()
            && field.kind == "select"
            && field.options.len() < MOST
        {
            field.options.push(value);
        }
    }

    fn gather(&mut self, what: Gathered) {
        self.text = Some(what);
        self.buffer.clear();
    }

    fn take(&mut self) -> String {
        self.text = None;
        std::mem::take(&mut self.buffer)
    }

    fn end_form(&mut self) {
        let sends = std::mem::take(&mut self.sends);
        let Some(form) = self.form.take() else {
            self.page.links.extend(sends.into_iter().map(|(to, _)| to));
            return;
        };
        let all = sends.into_iter().map(|(action, method)| Form {
            action,
            method: method.unwrap_or_else(|| form.method.clone()).to_ascii_uppercase(),
            ..form.clone()
        });
        let room = MOST.saturating_sub(self.page.forms.len());
        let all: Vec<Form> = all.collect();
        self.page.forms.extend(std::iter::once(form).chain(all).take(room));
    }

    fn finish(mut self) -> Page {
        self.end_form();
        for (owner, field) in std::mem::take(&mut self.apart) {
            let own = self.page.forms.iter_mut().filter(|form| form.id == owner && !owner.is_empty());
            own.for_each(|form| form.fields.push(field.clone()));
        }
        self.page
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn links_and_forms_are_read_as_browsers_read_them() {
        let page = read(
            "<!doctype html><title>A &amp; B</title><a href='/x?a=1&amp;b=2'>x</a><!-- <a href=/no> -->\
             <script src=/app.js></script><script>var a = '<a href=/no2>'</script>\
             <form method=post action=/login><input name=user value=\"\"><input type=PASSWORD name=pw>\
             <select name=s><option value=1>one<option>two</select><textarea name=t>te&lt;xt</textarea>\
             <button>go</button></form><input name=loose><form><input name=q></form>",
        );
        assert_eq!(page.title, "A & B");
        assert_eq!(page.links, ["/x?a=1&b=2"]);
        assert_eq!(page.faint, ["/no"]);
        assert_eq!(page.scripts, ["/app.js"]);
        assert_eq!(page.forms.len(), 2);
        let names: Vec<_> = page.forms[0].fields.iter().map(|field| (&*field.name, &*field.kind)).collect();
        assert_eq!(names, [("user", "text"), ("pw", "password"), ("s", "select"), ("t", "textarea")]);
        assert_eq!(page.forms[0].fields[2].options, ["1", "two"]);
        assert_eq!(page.forms[0].fields[3].value, "te<xt");
        assert_eq!(page.forms[0].method, "POST");
        assert_eq!(page.forms[1].fields[0].name, "q");
    }

    #[test]
    fn forms_go_where_their_buttons_say() {
        let page = read(
            "<base href=/b/><form id=f action=/a method=post><input name=x><button formaction=/c formmethod=get>y</button></form>\
             <input name=far form=f><img srcset='/1.png 1x, /2.png 2x'>",
        );
        let forms: Vec<_> =
            page.forms.iter().map(|form| (&*form.action, &*form.method, form.fields.len())).collect();
        assert_eq!(forms, [("/a", "POST", 2), ("/c", "GET", 2)]);
        assert_eq!(page.base.as_deref(), Some("/b/"));
        assert_eq!(page.links, ["/1.png", "/2.png"]);
    }

    #[test]
    fn a_flood_of_brackets_ends() {
        let page = read(&"<".repeat(2 << 20));
        assert_eq!(page, Page::default());
        assert!(read(&"<form><input name=a>".repeat(50_000)).forms.len() <= MOST);
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "(<[a-z!/]{0,6}[ a-z='\"]{0,9}>?|[^<]{0,9}){0,40}") {
            let _ = read(&text);
        }
    }
}
