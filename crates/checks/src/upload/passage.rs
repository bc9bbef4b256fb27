//! An upload on its way: read, held, judged, written anew.
//!
//! A file is held until it was judged as a whole: its beginning in memory, the rest in the spool. Name, declared type,
//! first bytes and length are judged at once, so that most refusals need no more than the beginning.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use gabion_model::{ByteSize, Rng, random};

use super::broken::Broken;
use super::content::{Content, Piece, WINDOW};
use super::judge::{self, Claim, Verdict};
use super::kind::Kind;
use super::outside::{Outside, Scan, Source, Spool, aside};
use super::rules::{Hold, Rules};
use super::sniff::SNIFFED_BYTES;
use super::text::Utf8;
use crate::check::{Passage, Passing};
use crate::denial::{Denial, Violation};
use crate::multipart::{self, Boundary, Event, Media, Parser, PartHead};

/// What one request's body is judged by.
#[derive(Debug)]
pub(super) struct Upload {
    rules: Arc<Rules>,
    outside: Option<Arc<dyn Outside>>,
    rng: Arc<dyn Rng>,
    form: Option<Form>,
    part: Option<Part>,
    /// Judged, and not yet given out.
    out: VecDeque<Segment>,
    /// Bytes of it in memory.
    held: usize,
    spool: Option<Box<dyn Spool>>,
    /// Bytes written to it.
    spooled: u64,
    files: u32,
    texts: u32,
    ended: bool,
}

/// A body of many parts.
#[derive(Debug)]
struct Form {
    parser: Parser,
    /// Under which it is written anew.
    boundary: Boundary,
    /// Which fields hold files.
    names: BTreeMap<String, bool>,
    parts: usize,
}

/// The part that is coming.
#[derive(Debug)]
struct Part {
    head: PartHead,
    number: usize,
    holds: Holds,
    /// Its beginning.
    memory: BytesMut,
    /// What is to be put into the spool next.
    pending: BytesMut,
    spool_at: u64,
    spooled: u64,
}

#[derive(Debug)]
enum Holds {
    /// A file input into which nothing was put.
    Nothing,
    /// Not yet looked at, or what it begins as.
    File(Claim, Option<Kind>),
    Text(Utf8),
}

/// A piece of what goes on.
#[derive(Debug)]
enum Segment {
    Memory(Bytes),
    Spooled { at: u64, length: u64 },
}

/// Where something is wrong.
type Fault = (Broken, Option<String>, String);

impl Upload {
    pub(super) fn form(
        rules: &Arc<Rules>,
        outside: Option<&Arc<dyn Outside>>,
        rng: &Arc<dyn Rng>,
        boundaries: (&Boundary, Boundary),
    ) -> Self {
        let parts =
            u64::from(rules.max_files).saturating_add(rules.max_fields.into()).saturating_add(SPARE_PARTS);
        let bounds = multipart::Bounds {
            parts: usize::try_from(parts).unwrap_or(usize::MAX),
            ..multipart::Bounds::default()
        };
        let form = Form {
            parser: Parser::new(boundaries.0, bounds),
            boundary: boundaries.1,
            names: BTreeMap::new(),
            parts: 0,
        };
        Self::new(rules, outside, rng, Some(form))
    }

    /// A body that is one file.
    pub(super) fn file(
        rules: &Arc<Rules>,
        outside: Option<&Arc<dyn Outside>>,
        rng: &Arc<dyn Rng>,
        media: Option<Media>,
    ) -> Self {
        let mut upload = Self::new(rules, outside, rng, None);
        let claim = Claim { name: None, media };
        upload.part = Some(Part::new(PartHead::default(), 0, Holds::File(claim, None)));
        upload
    }

    fn new(
        rules: &Arc<Rules>,
        outside: Option<&Arc<dyn Outside>>,
        rng: &Arc<dyn Rng>,
        form: Option<Form>,
    ) -> Self {
        Self {
            rules: Arc::clone(rules),
            outside: outside.cloned(),
            rng: Arc::clone(rng),
            form,
            part: None,
            out: VecDeque::new(),
            held: 0,
            spool: None,
            spooled: 0,
            files: 0,
            texts: 0,
            ended: false,
        }
    }

    async fn judge(&mut self, piece: Option<Bytes>) -> Result<(), Fault> {
        let Some(piece) = piece else { return self.finish().await };
        if self.form.is_none() {
            return self.data(piece).await;
        }
        if let Some(form) = &mut self.form {
            form.parser.feed(&piece);
        }
        while let Some(event) = self.next()? {
            match event {
                Event::Part(head) => self.begin(head)?,
                Event::Data(data) => self.data(data).await?,
                Event::PartEnd => self.end_part().await?,
                Event::End => {}
            }
        }
        Ok(())
    }

    fn next(&mut self) -> Result<Option<Event>, Fault> {
        let Some(form) = &mut self.form else { return Ok(None) };
        form.parser.next().map_err(|violation| (violation.into(), None, "body".to_owned()))
    }

    /// The head of a part.
    fn begin(&mut self, head: PartHead) -> Result<(), Fault> {
        let Some(form) = &mut self.form else { return Ok(()) };
        form.parts = form.parts.saturating_add(1);
        let number = form.parts;
        let at = |broken| (broken, None, place(&self.rules, &head.name, number));
        let is_file = head.file_name.is_some();
        let listed = self.rules.fields.as_ref().map(|fields| fields.contains(&head.name));
        // One name with two meanings is read as either.
        if listed.is_some_and(|listed| listed != is_file)
            || form.names.get(&head.name).is_some_and(|known| *known != is_file)
        {
            return Err(at(Broken::Place));
        }
        let holds = match &head.file_name {
            Some(name) if name.is_empty() => Holds::Nothing,
            Some(name) => {
                self.files = self.files.saturating_add(1);
                if self.files > self.rules.max_files {
                    return Err(at(Broken::FilesTooMany));
                }
                let claim = Claim { name: Some(name.clone()), media: head.media.clone() };
                super::name::judge(name).map_err(at)?;
                Holds::File(claim, None)
            }
            None => {
                self.texts = self.texts.saturating_add(1);
                if self.texts > self.rules.max_fields {
                    return Err(at(Broken::FieldsTooMany));
                }
                if let Some(media) = &head.media {
                    if !matches!(&*media.essence, "text/plain" | "application/json") {
                        return Err(at(Broken::Place));
                    }
                    if media.charset.as_deref().is_some_and(|charset| !Media::is_utf8(charset)) {
                        return Err(at(Broken::Body(multipart::Violation::Charset)));
                    }
                }
                Holds::Text(Utf8::default())
            }
        };
        form.names.insert(head.name.clone(), is_file);
        self.part = Some(Part::new(head, number, holds));
        Ok(())
    }

    /// Some of a part's content.
    async fn data(&mut self, data: Bytes) -> Result<(), Fault> {
        let Some(part) = &mut self.part else { return Ok(()) };
        let rules = Arc::clone(&self.rules);
        let name = (part.head.name.clone(), part.number);
        let at = |broken| (broken, None, place(&rules, &name.0, name.1));
        let length = part.length().saturating_add(data.len() as u64);
        match &mut part.holds {
            Holds::Nothing => return Err(at(Broken::NameSigns)),
            Holds::Text(checker) => {
                if length > rules.field_size {
                    return Err(at(Broken::FieldTooLong));
                }
                checker.feed(&data).map_err(|()| at(Broken::Text))?;
            }
            Holds::File(..) if length > rules.max_size => return Err(at(Broken::FileTooLong)),
            Holds::File(..) => {}
        }
        // All of a part stands in one order: once something went to the spool, so does what follows.
        let room = rules.memory.saturating_sub(self.held).saturating_sub(part.memory.len());
        // Enough to see what it begins as.
        let room = room.max(SNIFFED_BYTES.saturating_sub(part.memory.len()));
        let room = if part.spooled > 0 || !part.pending.is_empty() { 0 } else { room };
        let (first, rest) = data.split_at(room.min(data.len()));
        part.memory.extend_from_slice(first);
        part.pending.extend_from_slice(rest);
        if let Holds::File(claim, kind @ None) = &mut part.holds
            && part.memory.len() >= SNIFFED_BYTES
        {
            *kind = Some(judge::begin(&rules, claim, &part.memory).map_err(at)?);
        }
        if part.pending.len() >= SPOOLED_AT_ONCE {
            self.spool_pending().await.map_err(at)?;
        }
        Ok(())
    }

    /// Writes what waits for it to the spool.
    async fn spool_pending(&mut self) -> Result<(), Broken> {
        let Some(part) = &mut self.part else { return Ok(()) };
        if part.pending.is_empty() {
            return Ok(());
        }
        if part.spooled == 0 {
            part.spool_at = self.spooled;
        }
        let bytes = part.pending.split().freeze();
        part.spooled = part.spooled.saturating_add(bytes.len() as u64);
        self.append(bytes).await
    }

    async fn append(&mut self, bytes: Bytes) -> Result<(), Broken> {
        let mut spool = match self.spool.take() {
            Some(spool) => spool,
            None => self.outside.as_ref().ok_or(Broken::Room)?.spool().map_err(|_| Broken::Room)?,
        };
        self.spooled = self.spooled.saturating_add(bytes.len() as u64);
        let written = aside(self.outside.as_ref(), move || spool.append(&bytes).map(|()| spool)).await;
        match written {
            Some(Ok(spool)) => {
                self.spool = Some(spool);
                Ok(())
            }
            _ => Err(Broken::Room),
        }
    }

    /// A part is whole: it is judged, and what of it goes on is held until then.
    async fn end_part(&mut self) -> Result<(), Fault> {
        let Some((name, number)) = self.part.as_ref().map(|part| (part.head.name.clone(), part.number))
        else {
            return Ok(());
        };
        let rules = Arc::clone(&self.rules);
        let at = |broken| (broken, None, place(&rules, &name, number));
        self.spool_pending().await.map_err(at)?;
        let Some(part) = self.part.take() else { return Ok(()) };
        let Part { mut head, holds, memory, spool_at, spooled, .. } = part;
        let memory = memory.freeze();
        let whole = vec![Piece::Keep { at: 0, length: (memory.len() as u64).saturating_add(spooled) }];
        let pieces = match holds {
            Holds::Nothing => whole,
            Holds::Text(checker) => {
                checker.finish().map_err(|()| at(Broken::Text))?;
                // A default character set for all the others (RFC 7578 §4.6).
                let is_utf8 = spooled == 0 && std::str::from_utf8(&memory).is_ok_and(Media::is_utf8);
                if head.name.eq_ignore_ascii_case("_charset_") && !is_utf8 {
                    return Err(at(Broken::Body(multipart::Violation::Charset)));
                }
                whole
            }
            Holds::File(claim, _) => {
                let content = Content::new(memory.clone(), self.spool.take(), spool_at, spooled);
                let verdict = self
                    .verdict(claim, content)
                    .await
                    .map_err(|(broken, detail)| (broken, detail, place(&rules, &name, number)))?;
                let facts = verdict.kind.facts();
                if self.rules.rename && head.file_name.is_some() {
                    head.file_name = Some(self.random_name(facts.extensions.first().unwrap_or(&"bin")));
                }
                let media = facts.media.first().map(|essence| (*essence).to_owned());
                head.media = media.map(|essence| Media { essence, charset: None });
                verdict.pieces
            }
        };
        if let Some(form) = &self.form {
            let text = head.write(&form.boundary, number == 1);
            self.hold(text.into()).await.map_err(at)?;
        }
        for piece in pieces {
            match piece {
                Piece::New(bytes) => self.hold(bytes).await.map_err(at)?,
                Piece::Keep { at: from, length } => self.keep(&memory, spool_at, from, length),
            }
        }
        Ok(())
    }

    /// Judges a file where nobody waits for it, then asks the scanner.
    async fn verdict(
        &mut self,
        claim: Claim,
        mut content: Content,
    ) -> Result<Verdict, (Broken, Option<String>)> {
        let rules = Arc::clone(&self.rules);
        let is_long = content.length() > JUDGED_AT_ONCE || rules.reencode;
        let packed =
            content.up_to(0, 4).is_ok_and(|head| head.starts_with(b"PK") || head.starts_with(b"\x1f\x8b"));
        let is_pdf = content.up_to(0, 4).is_ok_and(|head| head == b"%PDF");
        let (judged, content) = if is_long || packed || is_pdf {
            let work = move || (judge::judge(&rules, &claim, &mut content), content);
            aside(self.outside.as_ref(), work).await.ok_or((Broken::Room, None))?
        } else {
            (judge::judge(&rules, &claim, &mut content), content)
        };
        let verdict = judged.map_err(|broken| (broken, None))?;
        let content = if self.rules.scanned { self.scan(content).await? } else { content };
        self.spool = content.into_parts().1;
        Ok(verdict)
    }

    async fn scan(&mut self, content: Content) -> Result<Content, (Broken, Option<String>)> {
        let scanner = self.outside.as_ref().and_then(|outside| outside.scanner());
        let Some(scanner) = scanner else { return Err((Broken::ScannerFailed, None)) };
        let source: Box<dyn Source> = Box::new(content);
        let (found, source) = scanner.scan(source).await;
        let tell = |text: &str| {
            let plain = text.chars().filter(|sign| sign.is_ascii_graphic() || *sign == ' ');
            Some(plain.take(LONGEST_TOLD).collect::<String>())
        };
        match found {
            Scan::Clean => {}
            Scan::Infected(name) => return Err((Broken::Infected, tell(&name))),
            Scan::Busy => return Err((Broken::ScannerBusy, None)),
            Scan::Failed(reason) => return Err((Broken::ScannerFailed, tell(&reason))),
        }
        let content = source.into_any().downcast::<Content>().map_err(|_| (Broken::ScannerFailed, None))?;
        Ok(*content)
    }

    fn random_name(&self, extension: &str) -> String {
        let drawn: [u8; 16] = random::bytes(&*self.rng);
        let name: String = drawn.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{name}.{extension}")
    }

    /// Holds bytes of our own, in memory or in the spool.
    async fn hold(&mut self, bytes: Bytes) -> Result<(), Broken> {
        if bytes.is_empty() {
            return Ok(());
        }
        if bytes.len() <= SMALL || self.held.saturating_add(bytes.len()) <= self.rules.memory {
            self.held = self.held.saturating_add(bytes.len());
            self.out.push_back(Segment::Memory(bytes));
            return Ok(());
        }
        let (at, length) = (self.spooled, bytes.len() as u64);
        self.append(bytes).await?;
        self.out.push_back(Segment::Spooled { at, length });
        Ok(())
    }

    /// Holds so much of what came.
    fn keep(&mut self, memory: &Bytes, spool_at: u64, from: u64, length: u64) {
        let end = from.saturating_add(length);
        let middle = memory.len() as u64;
        let index = |at: u64| usize::try_from(at.min(middle)).unwrap_or(usize::MAX).min(memory.len());
        let inside = memory.slice(index(from)..index(end));
        if !inside.is_empty() {
            self.held = self.held.saturating_add(inside.len());
            self.out.push_back(Segment::Memory(inside));
        }
        if end > middle {
            let at = spool_at.saturating_add(from.max(middle).saturating_sub(middle));
            let length = end.saturating_sub(from.max(middle));
            self.out.push_back(Segment::Spooled { at, length });
        }
    }

    async fn finish(&mut self) -> Result<(), Fault> {
        match &self.form {
            None => self.end_part().await?,
            Some(form) => {
                form.parser.finish().map_err(|violation| (violation.into(), None, "body".to_owned()))?;
                let end = form.boundary.end(form.parts == 0);
                self.hold(end.into()).await.map_err(|broken| (broken, None, "body".to_owned()))?;
            }
        }
        self.ended = true;
        Ok(())
    }

    fn releases(&self) -> bool {
        self.ended || self.rules.hold == Hold::File
    }

    /// The next of what was judged.
    async fn release(&mut self) -> Result<Vec<Bytes>, Fault> {
        let at = |broken| (broken, None, "body".to_owned());
        match self.out.pop_front() {
            None => Ok(Vec::new()),
            Some(Segment::Memory(bytes)) => {
                self.held = self.held.saturating_sub(bytes.len());
                Ok(vec![bytes])
            }
            Some(Segment::Spooled { at: from, length }) => {
                let now = length.min(RELEASED_AT_ONCE);
                if length > now {
                    let rest =
                        Segment::Spooled { at: from.saturating_add(now), length: length.saturating_sub(now) };
                    self.out.push_front(rest);
                }
                let mut spool = self.spool.take().ok_or_else(|| at(Broken::Room))?;
                let size = usize::try_from(now).unwrap_or(0);
                let work = move || {
                    let mut bytes = vec![0; size];
                    spool.read(from, &mut bytes).map(|()| (Bytes::from(bytes), spool))
                };
                let Some(Ok((bytes, spool))) = aside(self.outside.as_ref(), work).await else {
                    return Err(at(Broken::Room));
                };
                self.spool = Some(spool);
                Ok(vec![bytes])
            }
        }
    }
}

impl Passage for Upload {
    fn take(mut self: Box<Self>, piece: Option<Bytes>) -> Passing {
        Box::pin(async move {
            let judged = self.judge(piece).await;
            judged.map_err(|fault| denial(&self.rules, fault))?;
            Ok((self as Box<dyn Passage>, Vec::new()))
        })
    }

    fn has_more(&self) -> bool {
        self.releases() && !self.out.is_empty()
    }

    fn more(mut self: Box<Self>) -> Passing {
        Box::pin(async move {
            let released = self.release().await;
            let pieces = released.map_err(|fault| denial(&self.rules, fault))?;
            Ok((self as Box<dyn Passage>, pieces))
        })
    }

    fn rest(&self) -> Option<u64> {
        let length = |segment: &Segment| match segment {
            Segment::Memory(bytes) => bytes.len() as u64,
            Segment::Spooled { length, .. } => *length,
        };
        self.ended.then(|| self.out.iter().map(length).fold(0, u64::saturating_add))
    }
}

impl Part {
    fn new(head: PartHead, number: usize, holds: Holds) -> Self {
        Self {
            head,
            number,
            holds,
            memory: BytesMut::new(),
            pending: BytesMut::new(),
            spool_at: 0,
            spooled: 0,
        }
    }

    fn length(&self) -> u64 {
        (self.memory.len() as u64).saturating_add(self.pending.len() as u64).saturating_add(self.spooled)
    }
}

/// Names of fields are told only where the configuration has them.
fn place(rules: &Rules, name: &str, number: usize) -> String {
    let is_known = rules.fields.as_ref().is_some_and(|fields| fields.iter().any(|field| field == name));
    match (is_known, number) {
        (true, _) => format!("field {name}"),
        (false, 0) => "body".to_owned(),
        (false, number) => format!("part {number}"),
    }
}

fn denial(rules: &Rules, (broken, detail, place): Fault) -> Denial {
    let mut denial = broken.denial();
    let bound = match broken {
        Broken::Type | Broken::Declared | Broken::Extension => {
            let names: Vec<String> = rules.types.iter().map(|kind| kind.name()).collect();
            format!("; taken: {}", names.join(", "))
        }
        Broken::FileTooLong => format!("; at most {}", ByteSize::new(rules.max_size)),
        Broken::FieldTooLong => format!("; at most {}", ByteSize::new(rules.field_size)),
        Broken::FilesTooMany => format!("; at most {}", rules.max_files),
        Broken::FieldsTooMany => format!("; at most {}", rules.max_fields),
        Broken::ImageTooLarge => format!("; at most {} points", rules.image.max_pixels),
        _ => String::new(),
    };
    if let Some(detail) = detail {
        denial.detail = format!("{broken}: {detail}").into();
    }
    denial.with_violations(vec![Violation { place, rule: format!("{broken}{bound}") }])
}

/// Parts beside the files and fields that are counted: inputs into which nothing was put.
const SPARE_PARTS: u64 = 50;
/// Bytes gathered before the spool is asked to take them.
const SPOOLED_AT_ONCE: usize = 256 * 1024;
const RELEASED_AT_ONCE: u64 = 256 * 1024;
/// Files of so many bytes are judged where they are.
const JUDGED_AT_ONCE: u64 = WINDOW as u64;
/// What is always held in memory: heads of parts, delimiters.
const SMALL: usize = 2 * 1024;
/// Characters of what a scanner says.
const LONGEST_TOLD: usize = 120;
