//! Bodies, answers and what is inside them.

use std::collections::BTreeMap;

use super::Loader;
use crate::body::{self, Body, FilePart, Media};
use crate::contract::{AnswerShape, Answers, Status};
use crate::json::{Number, Value};
use crate::kind::Kind;
use crate::media_type::{MediaType, is_json};
use crate::source::At;

impl<'s> Loader<'s> {
    pub(super) fn body(&mut self, written: At<'s>) -> Option<Body> {
        let at = self.resolved(written)?;
        let mut media = Vec::new();
        for (range, one) in at.members("content") {
            let Some(range) = self.range(range, &one) else { continue };
            media.push(self.media(range, &one));
        }
        if media.is_empty() {
            self.problem(&at, "a request body has `content`");
        }
        Some(Body { required: at.flag("required"), media })
    }

    /// Lower case; a type without its parameters.
    fn range(&mut self, range: &str, at: &At<'_>) -> Option<String> {
        let lower = range.to_ascii_lowercase();
        if matches!(lower.as_str(), "*/*" | "*") {
            return Some("*/*".to_owned());
        }
        match MediaType::parse(&lower) {
            Some(media_type) => Some(media_type.essence),
            None => {
                self.limit(at, format!("`{range}` is not a media type: no message has it"));
                None
            }
        }
    }

    fn media(&mut self, range: String, one: &At<'s>) -> Media {
        let schema = one.get("schema");
        let mut media = Media {
            kind: schema.as_ref().map_or(Kind::TEXT, |schema| Kind::of(self.sources, schema)),
            range,
            program: None,
            files: BTreeMap::new(),
            encodings: BTreeMap::new(),
            longest: None,
        };
        let Some(schema) = schema.and_then(|schema| self.resolved(schema)) else {
            self.limit(
                one,
                format!("a body of type `{}` has no schema: only its size is bounded", media.range),
            );
            return media;
        };
        media.longest = self.length(&schema, "maxLength").map(|most| most.saturating_mul(4));
        let wild = media.range.contains('*');
        if body::is_opaque(&media.range) {
            if media.range == "application/octet-stream" || is_binary(&schema) {
                media.longest = self.length(&schema, "maxLength");
            } else if !wild {
                self.limit(
                    one,
                    format!("what is inside a body of type `{}`: only its size is bounded", media.range),
                );
            }
            if !wild {
                return media;
            }
            self.limit(
                one,
                format!("what is inside a body of type `{}`, unless it is JSON, a form or text", media.range),
            );
        }
        media.program = self.requests.add(&schema);
        if media.range == "multipart/form-data" || wild {
            self.files(&schema, &mut media, 0);
            for (name, encoding) in one.members("encoding") {
                if let Some(types) = encoding.str("contentType") {
                    let types = types.split(',').map(|one| one.trim().to_ascii_lowercase());
                    media.encodings.insert(name.to_owned(), types.collect());
                }
                if let Some(headers) = encoding.get("headers") {
                    self.limit(&headers, format!("header fields of the part `{name}`"));
                }
            }
        } else if media.range == "application/x-www-form-urlencoded"
            && let Some(encoding) = one.get("encoding")
        {
            self.limit(&encoding, "`encoding` of a form: arrays are repeated fields, objects are JSON");
        }
        media
    }

    /// The properties that are files.
    fn files(&mut self, schema: &At<'s>, media: &mut Media, depth: usize) {
        for (name, property) in schema.members("properties") {
            let Ok(mut property) = self.sources.resolve(property) else { continue };
            let mut many = false;
            if property.str("type") == Some("array")
                && let Some(Ok(items)) = property.get("items").map(|items| self.sources.resolve(items))
            {
                (property, many) = (items, true);
            }
            if is_binary(&property) {
                let least = self.length(&property, "minLength").unwrap_or(0).min(1 << 16);
                let most = self.length(&property, "maxLength");
                media.files.insert(name.to_owned(), FilePart { many, least, most });
            }
        }
        if depth < 4 {
            for part in schema.items("allOf") {
                if let Ok(part) = self.sources.resolve(part) {
                    self.files(&part, media, depth.saturating_add(1));
                }
            }
        }
    }

    fn length(&self, schema: &At<'_>, key: &str) -> Option<usize> {
        let number = schema.value.get(key).and_then(Value::as_number).and_then(Number::as_u64)?;
        usize::try_from(number).ok()
    }

    pub(super) fn answers(&mut self, at: &At<'s>) -> BTreeMap<Status, AnswerShape> {
        let mut answers = BTreeMap::new();
        if self.options.answers == Answers::Off {
            return answers;
        }
        for (status, written) in at.members("responses") {
            if status.starts_with("x-") {
                continue;
            }
            let Some(key) = Status::named(status) else {
                self.problem(&written, format!("`{status}` is not a status"));
                continue;
            };
            let Some(one) = self.resolved(written) else { continue };
            let mut shape = AnswerShape::default();
            for (range, media) in one.members("content") {
                let Some(range) = self.range(range, &media) else { continue };
                let schema = media.get("schema").and_then(|schema| self.resolved(schema));
                let is_judged = is_json(&range) || range.contains('*');
                let program = match schema {
                    Some(schema) if is_judged => self.answers.add(&schema),
                    // Whatever comes is such a text.
                    Some(schema) if is_any_text(&schema) => None,
                    Some(_) => {
                        self.limit(&media, format!("what is inside an answer of type `{range}`"));
                        None
                    }
                    None => {
                        self.limit(
                            &media,
                            format!("an answer of type `{range}` has no schema: any content will do"),
                        );
                        None
                    }
                };
                shape.media.push((range, program));
            }
            answers.insert(key, shape);
        }
        answers
    }
}

impl Status {
    /// As a contract writes it, in letters of any case.
    fn named(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case("default") {
            return Some(Self::Default);
        }
        let (first, rest) = text.split_at_checked(1)?;
        let class = first.parse().ok().filter(|class| (1..=5).contains(class))?;
        if rest.eq_ignore_ascii_case("XX") {
            return Some(Self::Class(class));
        }
        let is_code = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|_| is_code).map(Self::Code)
    }
}

/// A string without a further rule.
fn is_any_text(schema: &At<'_>) -> bool {
    let says_nothing = |word: &str| {
        matches!(word, "type" | "title" | "description" | "default" | "example" | "examples" | "nullable")
            || word.starts_with("x-")
    };
    let plain = schema.value.as_object().is_some_and(|rows| {
        rows.iter()
            .all(|(word, value)| says_nothing(word) || word == "format" && value.as_str() == Some("binary"))
    });
    plain && schema.str("type") == Some("string")
}

fn is_binary(schema: &At<'_>) -> bool {
    let is_text = schema.str("type") == Some("string");
    let typeless = schema.value.get("type").is_none();
    let empty = schema.value.as_object().is_some_and(|object| object.is_empty());
    is_text && schema.str("format") == Some("binary")
        || (is_text || typeless)
            && schema.value.get("contentMediaType").is_some()
            && schema.value.get("contentEncoding").is_none()
        || empty
}
