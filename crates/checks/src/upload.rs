//! Files that people send: small, of the kind they say, nothing else besides, under a name of ours.
//!
//! Control: `input.uploads`
//!
//! **Standard.** RFC 7578 and RFC 2046 §5.1 (`multipart/form-data`); OWASP File Upload Cheat Sheet; ASVS 5.0
//! V5.1.1, V5.2.1–V5.2.3, V5.2.6, V5.3.1, V5.3.2, V5.4.3; WHATWG MIME Sniffing.
//!
//! **Threat.** Tampering, elevation of privilege and denial of service: CWE-434 (files of dangerous types), CWE-22
//! (names that lead elsewhere), CWE-409 (what unpacks to too much), CWE-79 (pages in pictures), CWE-400.
//!
//! **Rules.**
//! 1. A `multipart` body is exactly one `multipart/form-data`, read in one way or refused: see
//!    [`multipart`](crate::multipart). It goes to the application written anew, with a boundary nobody could know
//!    before. A body with a content coding is refused.
//! 2. Files and text fields are bounded in size and number. A name holds either files or text. Text is UTF-8 without
//!    control characters.
//! 3. A file's name holds no path, no control or shell characters, and among its extensions none that servers run.
//! 4. The kind a file is by its first bytes, its declared type and its extension agree, and the kind is one that is
//!    taken. Pages, scripts and programs are never taken, whatever they are called.
//! 5. A file is of one kind from its first byte to its last: pictures, sound, film and PDF are walked to their ends;
//!    what stands behind the end, or could be read as a page or an archive, is refused.
//! 6. A picture has at most `max_pixels` and `max_frames`, by its own header. What is not the picture,
//!    the film or the sound goes with `metadata = "strip"`: left out in JPEG, PNG, GIF, WebP and MP3, blanked in its place in
//!    AVIF, HEIC, MP4, M4A, MOV, FLAC, WAV and AVI. With `reencode` pictures are encoded anew.
//! 7. SVG runs, fetches and embeds nothing; PDF runs nothing and holds no files; documents hold no macros.
//! 8. Archives unpack within bounds, name nothing outside themselves, hold no links, are not encrypted, and say the
//!    same in their directory as in their entries.
//! 9. With `antivirus` somebody has looked at the file as it was sent. No answer in time is a refusal.
//! 10. With `rename` the application gets a random name with the extension of the file's kind, and always the type
//!     the file really has.
//! 11. A body that is a file itself (`PUT`) is taken only on routes with `upload = { raw = true }`, by the same rules.
//!
//! **Answer.** 400 (malformed), 413 (size, number), 415 (type), 422 (content), 503 with `Retry-After` (no room, no
//! scanner). The client learns which part broke which rule, and nothing is repeated to it. The rest of the body is
//! not read.
//!
//! **Default.** GIF, JPEG, PDF, PNG, WebP and plain text up to 5 MB, ten in a request, renamed, without metadata. The
//! application hears of a request when all of it was judged.
//!
//! **Caveat.** Metadata is left where it is in PDF, documents, WebM, Matroska and Ogg; dates stay in film. Archives this check cannot
//! look into (7z, rar, xz, bzip2, zstd) and old Office documents cannot be taken. A body of another type than
//! `multipart/form-data`, picture, sound, film, PDF or archive is not looked at on routes without `raw`: JSON with a
//! file in it is the contract's. Forward-auth sees no bodies.
//!
//! **Example.** `avatar.png` that begins with `<html>` is answered 422; one that begins with `%PDF-` 415.

use std::sync::Arc;

use gabion_model::{ControlId, Rng};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Version, request};

use crate::check::{Check, Mode, Stop};
use crate::exchange::Exchange;
use crate::limits::Framing;
use crate::multipart::{Boundary, Media};
use crate::order::{self, Needs};
use crate::pipeline::Step;

use broken::Broken;
use kind::Kind as FileKind;
use passage::Upload;
use rules::Rules;

pub use broken::Broken as Violation;
pub use kind::Kind;
pub use outside::{Outside, Scan, Scanner, Source, Spool};
pub use rules::{Antivirus, AntivirusProtocol, ArchiveSettings, Hold, Metadata, RouteUpload, Settings, Svg};
pub use sniff::{SNIFFED_BYTES, Sniffed, marker, sniff};

mod broken;
mod content;
#[cfg(fuzzing)]
pub mod fuzzing;
mod gzip;
mod hidden;
mod image;
mod judge;
mod kind;
mod media;
mod name;
mod outside;
mod passage;
mod pdf;
mod reencode;
mod rules;
mod sniff;
mod svg;
mod text;
mod zip;

pub(crate) fn step(needs: &Needs<'_, '_>) -> Option<Step> {
    let settings = &needs.settings.upload;
    let parts = needs.parts?;
    let routes = needs.routes.iter();
    let check = UploadCheck {
        general: Arc::new(settings.rules(None)),
        routes: routes
            .map(|route| {
                let rules = || Arc::new(settings.rules(route.declared.upload.as_ref()));
                (!route.is_own()).then(rules)
            })
            .collect(),
        changes: settings.mode == Mode::Enforce,
        outside: parts.outside.clone(),
        rng: Arc::clone(&parts.rng),
    };
    order::step(settings.mode, check)
}

/// The check.
#[derive(Debug)]
pub struct UploadCheck {
    general: Arc<Rules>,
    /// Per route; `None` for the gate's own.
    routes: Vec<Option<Arc<Rules>>>,
    /// What it finds out is told to the application.
    changes: bool,
    outside: Option<Arc<dyn Outside>>,
    rng: Arc<dyn Rng>,
}

impl Check for UploadCheck {
    fn name(&self) -> &'static str {
        "upload"
    }

    fn control(&self) -> ControlId {
        ControlId::INPUT_UPLOADS
    }

    fn request(&self, head: &mut request::Parts, exchange: &mut Exchange) -> Result<(), Stop> {
        let rules = match exchange.route.and_then(|route| self.routes.get(route)) {
            Some(None) => return Ok(()),
            Some(Some(rules)) => rules,
            None => &self.general,
        };
        // In HTTP/2 a body shows only when it comes.
        let has_none = match exchange.framing {
            Framing::Implicit => head.version != Version::HTTP_2,
            Framing::Length(length) => length == 0,
            Framing::Chunked => false,
        };
        let shape = shape(&head.headers, rules.raw).map_err(Broken::denial)?;
        let upload = match shape {
            Shape::Other => return Ok(()),
            Shape::File(_) if has_none => return Ok(()),
            Shape::File(_) if !rules.raw => return Err(Broken::Unexpected.denial().into()),
            Shape::File(media) => Upload::file(rules, self.outside.as_ref(), &self.rng, media),
            Shape::Form(boundary) => {
                let own = Boundary::draw(&*self.rng);
                if self.changes {
                    let value = HeaderValue::from_str(&own.content_type()).map_err(|_| {
                        Stop::from(crate::denial::Denial::internal("a boundary that is no header value"))
                    })?;
                    head.headers.insert(CONTENT_TYPE, value);
                }
                Upload::form(rules, self.outside.as_ref(), &self.rng, (&boundary, own))
            }
        };
        if self.changes {
            for name in OF_THE_BODY_THAT_CAME {
                head.headers.remove(name);
            }
        }
        exchange.watch_body(Box::new(upload))
    }
}

/// What a request's body is, by its head.
#[derive(Debug)]
enum Shape {
    Form(Boundary),
    /// With its declared type.
    File(Option<Media>),
    /// Nothing this check looks at.
    Other,
}

fn shape(headers: &HeaderMap, raw: bool) -> Result<Shape, Broken> {
    let mut fields = headers.get_all(CONTENT_TYPE).iter();
    let (field, more) = (fields.next(), fields.next().is_some());
    let is_form = headers.get_all(CONTENT_TYPE).iter().any(|field| {
        // Whoever reads carelessly finds it anywhere.
        let lower = field.as_bytes().to_ascii_lowercase();
        memchr::memmem::find(&lower, b"multipart").is_some()
    });
    let coded = || {
        let plain = |field: &HeaderValue| field.as_bytes().eq_ignore_ascii_case(b"identity");
        !headers.get_all(CONTENT_ENCODING).iter().all(plain)
    };
    if is_form {
        let boundary = Boundary::of(headers)?;
        return if coded() { Err(Broken::Encoded) } else { Ok(Shape::Form(boundary)) };
    }
    let media = field.and_then(|field| Media::parse(field.as_bytes()));
    let is_file = raw || media.as_ref().is_some_and(|media| is_file(&media.essence));
    match field {
        _ if !is_file => Ok(Shape::Other),
        _ if coded() => Err(Broken::Encoded),
        Some(_) if more || media.is_none() => Err(Broken::Declared),
        _ => Ok(Shape::File(media)),
    }
}

/// Types that only files have.
fn is_file(essence: &str) -> bool {
    ["image/", "audio/", "video/", "font/", "model/"].iter().any(|kind| essence.starts_with(kind))
        || FileKind::by_media(essence).is_some_and(|kind| !kind.is_text())
}

/// Sums of a body that may be another now.
const OF_THE_BODY_THAT_CAME: [HeaderName; 4] = [
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("content-md5"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("repr-digest"),
];

#[cfg(test)]
mod tests;
