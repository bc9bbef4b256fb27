//! One file, judged: first by its beginning, then as a whole.

use bytes::Bytes;

use super::broken::Broken;
use super::content::{Content, Piece, WINDOW};
use super::gzip::gzip;
use super::hidden;
use super::kind::Kind;
use super::media;
use super::name;
use super::pdf::pdf;
use super::reencode::reencode;
use super::rules::Rules;
use super::sniff::{self, SNIFFED_BYTES, Sniffed, sniff};
use super::svg::svg;
use super::text;
use super::zip::{Tally, zip};
use crate::multipart::Media;

/// What is said of a file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Claim {
    /// As sent; a body that is a file itself has none.
    pub(crate) name: Option<String>,
    pub(crate) media: Option<Media>,
}

/// What a file is, and what the application gets of it.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) kind: Kind,
    pub(crate) pieces: Vec<Piece>,
}

/// Judges a file by its name and its first bytes: [`SNIFFED_BYTES`] of them, or all. For a zip archive the kind is
/// known only in the end.
pub(crate) fn begin(rules: &Rules, claim: &Claim, head: &[u8]) -> Result<Kind, Broken> {
    let extension = match &claim.name {
        Some(name) => name::judge(name)?,
        None => None,
    };
    let kind = match sniff(head) {
        Sniffed::Active(_) => return Err(Broken::Active),
        Sniffed::Never(_) => return Err(Broken::Type),
        Sniffed::Kind(Kind::Zip) if rules.types.iter().any(|kind| kind.is_zip()) => return Ok(Kind::Zip),
        Sniffed::Kind(kind) => kind,
        Sniffed::Xml => Kind::Svg,
        Sniffed::Unknown => claimed_text(extension.as_deref(), claim.media.as_ref()),
    };
    agree(rules, claim, extension.as_deref(), kind).map(|()| kind)
}

/// Judges the whole file.
pub(crate) fn judge(rules: &Rules, claim: &Claim, content: &mut Content) -> Result<Verdict, Broken> {
    let head = content.up_to(0, SNIFFED_BYTES)?.to_vec();
    let kind = begin(rules, claim, &head)?;
    let length = content.length();
    let whole = vec![Piece::Keep { at: 0, length }];
    if !kind.is_text() && !kind.is_zip() {
        no_archive_behind(content)?;
    }
    let mut tally = Tally::default();
    let pieces = match kind {
        Kind::Jpeg => rules.image.jpeg(content)?,
        Kind::Png => rules.image.png(content)?,
        Kind::Gif => rules.image.gif(content)?,
        Kind::Webp => rules.image.webp(content)?,
        Kind::Bmp => rules.image.bmp(content)?,
        Kind::Avif | Kind::Heic => {
            for (width, height) in media::boxes(content, b"meta")? {
                rules.image.boxed(width, height)?;
            }
            if rules.image.strip { hidden::picture(content)? } else { whole }
        }
        Kind::M4a | Kind::Mov | Kind::Mp4 => {
            media::boxes(content, b"moov")?;
            if rules.image.strip { hidden::film(content)? } else { whole }
        }
        Kind::Avi | Kind::Wav => {
            media::riff(content)?;
            if rules.image.strip { hidden::riff(content)? } else { whole }
        }
        Kind::Ogg => {
            media::ogg(content)?;
            whole
        }
        Kind::Matroska | Kind::Webm => {
            media::matroska(content)?;
            whole
        }
        // Neither says where it ends.
        Kind::Flac if rules.image.strip => hidden::flac(content)?,
        Kind::Mp3 if rules.image.strip => hidden::mp3(content)?,
        Kind::Flac | Kind::Mp3 => whole,
        Kind::Pdf => {
            if sniff::marker(&head).is_some() {
                return Err(Broken::Active);
            }
            pdf(content, rules.passive_pdf)?;
            whole
        }
        Kind::Gzip => {
            gzip(content, &rules.archive, &mut tally, 1)?;
            whole
        }
        Kind::Svg => {
            let bytes = content.all(LARGEST_SVG)?;
            vec![Piece::New(svg(&bytes, rules.clean_svg)?.into())]
        }
        Kind::Csv | Kind::Text => {
            text::plain(content)?;
            whole
        }
        Kind::Json => {
            text::json(content)?;
            whole
        }
        Kind::Docx | Kind::Epub | Kind::Odp | Kind::Ods | Kind::Odt | Kind::Pptx | Kind::Xlsx | Kind::Zip => {
            let kind = zip(content, &rules.archive, &mut tally, 1)?;
            let extension = claim.name.as_deref().map(name::judge).transpose()?.flatten();
            agree(rules, claim, extension.as_deref(), kind)?;
            return Ok(Verdict { kind, pieces: whole });
        }
    };
    if has_no_text(kind) {
        no_markers(content)?;
    }
    if rules.reencode && kind.can_be_made_anew() {
        let bytes = content.all(LARGEST_MADE_ANEW)?;
        let anew = reencode(kind, &bytes, &rules.image)?;
        return Ok(Verdict { kind, pieces: vec![Piece::New(Bytes::from(anew))] });
    }
    Ok(Verdict { kind, pieces })
}

/// The kind must be taken here, and be what the name and the sender say.
fn agree(rules: &Rules, claim: &Claim, extension: Option<&str>, kind: Kind) -> Result<(), Broken> {
    if !rules.types.contains(&kind) {
        return Err(Broken::Type);
    }
    let facts = kind.facts();
    match extension {
        Some(extension) if !facts.extensions.contains(&extension) => return Err(Broken::Extension),
        None if claim.name.is_some() && !rules.rename => return Err(Broken::Extension),
        _ => {}
    }
    let Some(media) = &claim.media else { return Ok(()) };
    let says_nothing = media.essence == "application/octet-stream";
    if !says_nothing && !facts.media.contains(&&*media.essence) {
        return Err(Broken::Declared);
    }
    if media.charset.as_deref().is_some_and(|charset| !Media::is_utf8(charset)) {
        return Err(Broken::Declared);
    }
    Ok(())
}

fn claimed_text(extension: Option<&str>, media: Option<&Media>) -> Kind {
    let by_name = extension.and_then(Kind::by_extension);
    let by_media = media.and_then(|media| Kind::by_media(&media.essence));
    let by_name = by_name.filter(|kind| kind.is_text() && *kind != Kind::Svg);
    let by_media = by_media.filter(|kind| kind.is_text() && *kind != Kind::Svg);
    match by_name {
        Some(kind) => kind,
        // `text/plain` is many things.
        None => by_media
            .filter(|_| media.is_some_and(|media| media.essence != "text/plain"))
            .unwrap_or(Kind::Text),
    }
}

/// Kinds in whose bytes no page stands by accident.
const fn has_no_text(kind: Kind) -> bool {
    !kind.is_text() && !kind.is_zip() && !matches!(kind, Kind::Pdf | Kind::Gzip)
}

fn no_markers(content: &mut Content) -> Result<(), Broken> {
    let (mut at, length) = (0_u64, content.length());
    while at < length {
        let bytes = content.up_to(at, WINDOW)?;
        if sniff::marker(bytes).is_some() {
            return Err(Broken::Active);
        }
        let read = bytes.len();
        if at.saturating_add(read as u64) >= length {
            break;
        }
        at = at.saturating_add(read.saturating_sub(sniff::LONGEST_MARKER).max(1) as u64);
    }
    Ok(())
}

/// Readers of zip archives look for one from the end of a file, whatever its beginning is.
fn no_archive_behind(content: &mut Content) -> Result<(), Broken> {
    let length = content.length();
    let mut at = length.saturating_sub(LONGEST_END_RECORD);
    while at < length {
        let bytes = content.up_to(at, WINDOW)?;
        let read = bytes.len();
        let found = memchr::memmem::find_iter(bytes, b"PK\x05\x06").any(|found| {
            let comment = bytes.get(found.saturating_add(20)..found.saturating_add(22));
            let comment = comment.and_then(|comment| comment.try_into().ok()).map(u16::from_le_bytes);
            let end = comment
                .map(|comment| at.saturating_add(found as u64).saturating_add(22 + u64::from(comment)));
            end.is_none_or(|end| end <= length)
        });
        if found {
            return Err(Broken::Polyglot);
        }
        at = at.saturating_add(
            read.saturating_sub(if at.saturating_add(read as u64) < length { 24 } else { 0 }).max(1) as u64,
        );
    }
    Ok(())
}

/// Bytes of a zip archive's end record with the longest comment.
const LONGEST_END_RECORD: u64 = 22 + 65_535;
const LARGEST_SVG: u64 = 2 * 1024 * 1024;
/// Bytes of a picture that is decoded.
const LARGEST_MADE_ANEW: u64 = 32 * 1024 * 1024;
