//! What becomes of files that are uploaded (OWASP A04:2021, CWE-434, CWE-79): whether one runs in the application's origin when
//! somebody opens it, and whether one replaces another's.
//!
//! 1. Positive control: a plain text, or else a picture, with a word of its own is taken and found again: where the answer says,
//!    or where an operation gives files by name.
//! 2. A page, an SVG picture with a script, a script, and a page that begins like a picture are uploaded. It is a finding when
//!    one comes back unchanged, at the application's own origin, with a type that browsers run, and neither as a download
//!    (`Content-Disposition: attachment`) nor in a sandbox (`Content-Security-Policy: sandbox`). It is repeated.
//! 3. A name with `../` in it is a finding when the file is then found a directory higher.
//! 4. Two files of one name, of two people where there are two: a finding when the first one's place gives the second's content.
//!    Negative twin: a file of another name leaves it alone.
//!
//! That a hostile file is taken is no finding by itself: what counts is how it is given back.

use gabion_model::Severity;
use gabion_model::outbound::BoxFuture;

use super::{Attack, Phase, usable};
use crate::attempt::{Attempt, attempts};
use crate::call::{Call, Payload};
use crate::field::Field;
use crate::operation::{Place, names_of};
use crate::surface::{html, strings};
use crate::verdict::{Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

pub(super) struct Uploads;

const ID: &str = "uploads";

impl Attack for Uploads {
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
        aim.attack().await?;
    }
    Ok(())
}

/// An operation that takes a file.
pub(super) struct Aim<'a> {
    pub(super) field: &'a Field,
    pub(super) attempt: Attempt<'a>,
    /// The name of the part that is the file.
    pub(super) part: String,
}

/// Every operation that takes a file; a test says so where there is none.
pub(super) fn aims<'a>(field: &'a Field, test: &'static str) -> Vec<Aim<'a>> {
    let aim = |attempt: Attempt<'a>| {
        let file = attempt.call.points().into_iter().find(|point| point.place == Place::File)?;
        let multipart = matches!(attempt.call.payload, Payload::Multipart(_));
        multipart.then_some(Aim { field, attempt, part: file.name })
    };
    let all: Vec<Aim<'a>> = attempts(field).into_iter().filter_map(aim).collect();
    if all.is_empty() {
        field.not_tested(test, "no operation takes a file");
    }
    all
}

/// A file to upload; the word makes it one of a kind.
pub(super) struct File {
    pub(super) name: String,
    pub(super) media_type: &'static str,
    pub(super) content: Vec<u8>,
    pub(super) word: String,
}

/// An upload that was found again.
pub(super) struct Kept {
    pub(super) request: Request,
    pub(super) answer: Answer,
    /// Where it is.
    pub(super) path: String,
    pub(super) got: Answer,
}

/// A kind of file: how the finding is called, its ending, and what the sender says it is.
const KINDS: &[(&str, &str, &str)] = &[
    ("page", "html", "text/html"),
    ("picture", "svg", "image/svg+xml"),
    ("disguised", "html", "image/png"),
    ("script", "js", "text/javascript"),
];

/// The smallest PNG there is.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\0\0\0\rIDATx\x9cc\xf8\xcf\xc0\xf0\x1f\0\x05\0\x01\xff\x89\x99=\x1d\0\0\0\0IEND\xaeB`\x82";

impl Aim<'_> {
    pub(super) fn operation(&self) -> String {
        self.attempt.operation.id()
    }

    async fn attack(&self) -> Result<(), WireError> {
        let (control, ending) = match self.control().await? {
            Ok(control) => control,
            Err(says) => {
                self.field.say(Outcome::new(ID, &self.operation(), Verdict::Inconclusive, says));
                return Ok(());
            }
        };
        let mut refused = 0_usize;
        for (aspect, extension, media_type) in KINDS {
            let Some(kept) = self.keep(&self.hostile(aspect, extension, media_type)).await? else {
                refused = refused.saturating_add(1);
                continue;
            };
            if !runs(&kept.got, aspect) {
                continue;
            }
            // Once more, with another word in it.
            let again = self.keep(&self.hostile(aspect, extension, media_type)).await?;
            if !again.is_some_and(|again| runs(&again.got, aspect)) {
                continue;
            }
            let kind = kept.got.field("content-type").unwrap_or("no type").to_owned();
            let (severity, says) = match *aspect {
                "script" => (
                    Severity::Low,
                    format!(
                        "an uploaded script comes back as `{kind}`: what may load scripts of this origin runs it"
                    ),
                ),
                _ => (
                    Severity::High,
                    format!(
                        "an uploaded {} comes back as `{kind}` and runs when it is opened",
                        if *aspect == "picture" { "SVG picture with a script" } else { "page" }
                    ),
                ),
            };
            self.found(aspect, severity, &says, &kept, &control);
        }
        self.higher(&control, ending).await?;
        self.replaced(ending).await?;
        let says = format!(
            "an honest file is kept; {refused} of {} hostile ones are refused, the others looked at",
            KINDS.len()
        );
        self.field.say(Outcome::new(ID, &self.operation(), Verdict::Passed, says));
        Ok(())
    }

    fn found(&self, aspect: &str, severity: Severity, says: &str, kept: &Kept, control: &Kept) {
        let who = self.attempt.who;
        let twin = &control.request;
        let proof = Proof::new(
            self.field.evidence(who, &kept.request, &kept.answer),
            format!("it is at `{}`", kept.path),
        )
        .twin(self.field.evidence(who, twin, &control.answer))
        .shown(self.field.evidence(who, &Request::get(&kept.path), &kept.got));
        let outcome = Outcome::new(ID, &self.operation(), Verdict::Proven, says);
        self.field.say(outcome.aspect(aspect).severity(severity).proof(proof));
    }

    /// An honest file that is found again, and its ending; or why there is none.
    pub(super) async fn control(&self) -> Result<Result<(Kept, &'static str), &'static str>, WireError> {
        let mut taken = false;
        for ending in ["txt", "png"] {
            let file = self.honest(ending);
            let Some((request, answer)) = self.send(self.attempt.who, &file).await? else { continue };
            if !answer.is_success() && !answer.is_redirect() {
                continue;
            }
            taken = true;
            if let Some(kept) = self.found_again(self.attempt.who, request, answer, &file).await? {
                return Ok(Ok((kept, ending)));
            }
        }
        Ok(Err(if taken {
            "an honest file is taken and not found again, where the answer says nor where files are given by name"
        } else {
            "neither a plain text nor a picture is taken"
        }))
    }

    pub(super) fn honest(&self, ending: &str) -> File {
        let word = self.field.canary();
        let (media_type, content) = match ending {
            // Readers of pictures stop at the end; what comes behind it makes the file one of a kind.
            "png" => ("image/png", [PNG, word.as_bytes()].concat()),
            _ => ("text/plain", format!("notes of {word}\n").into_bytes()),
        };
        File { name: format!("{}.{ending}", self.field.canary()), media_type, content, word }
    }

    fn hostile(&self, aspect: &str, extension: &str, media_type: &'static str) -> File {
        let word = self.field.canary();
        let page = format!("<!doctype html><title>{word}</title><script>document.title='{word}'</script>");
        let content = match aspect {
            "picture" => {
                format!("<svg xmlns=\"http://www.w3.org/2000/svg\"><script>/*{word}*/</script></svg>")
                    .into_bytes()
            }
            "script" => format!("/*{word}*/").into_bytes(),
            "disguised" => [b"\x89PNG\r\n\x1a\n".as_slice(), page.as_bytes()].concat(),
            _ => page.into_bytes(),
        };
        File { name: format!("{}.{extension}", self.field.canary()), media_type, content, word }
    }

    async fn keep(&self, file: &File) -> Result<Option<Kept>, WireError> {
        let Some((request, answer)) = self.send(self.attempt.who, file).await? else { return Ok(None) };
        if !answer.is_success() && !answer.is_redirect() {
            return Ok(None);
        }
        self.found_again(self.attempt.who, request, answer, file).await
    }

    pub(super) async fn send(&self, who: usize, file: &File) -> Result<Option<(Request, Answer)>, WireError> {
        usable(self.field.exchange(who, &self.call(file)).await)
    }

    /// The request that uploads a file.
    pub(super) fn call(&self, file: &File) -> Call {
        let mut call: Call = self.attempt.call.clone();
        if let Payload::Multipart(parts) = &mut call.payload {
            for part in parts.iter_mut().filter(|part| part.name == self.part) {
                part.file = Some((file.name.clone(), file.media_type.to_owned()));
                part.content.clone_from(&file.content);
            }
        }
        call
    }

    /// Looks where the answer says, and where operations give files by name.
    async fn found_again(
        &self,
        who: usize,
        request: Request,
        answer: Answer,
        file: &File,
    ) -> Result<Option<Kept>, WireError> {
        for path in self.places(&answer, &file.name) {
            let Some(got) = usable(self.field.request(who, &Request::get(&path)).await)? else { continue };
            if got.is_success() && got.has(&file.word) && contains(&got.body, &file.content) {
                return Ok(Some(Kept { request, answer, path, got }));
            }
        }
        Ok(None)
    }

    pub(super) fn places(&self, answer: &Answer, name: &str) -> Vec<String> {
        let origin = self.field.wire.origin();
        let mut names = vec![name.to_owned()];
        let mut all: Vec<String> = Vec::new();
        let mut lead = |text: &str| {
            let path = text.starts_with('/') || text.starts_with("http://") || text.starts_with("https://");
            if path && text.len() < 2_000 {
                all.extend(origin.inside("/", text));
            } else if text.contains('.') && text.len() < 200 && !text.contains(char::is_whitespace) {
                if text.contains('/') {
                    all.extend(origin.inside("/", text));
                }
                names.push(text.rsplit('/').next().unwrap_or(text).to_owned());
            }
        };
        if let Some(location) = answer.field("location") {
            lead(location);
        }
        if let Some(body) = answer.json() {
            strings(&body, &mut |text| lead(text));
        } else if answer.is_html() {
            html::read(&answer.text())
                .links
                .iter()
                .filter(|link| link.contains('.'))
                .for_each(|link| lead(link));
        } else {
            answer.text().split_whitespace().take(100).for_each(&mut lead);
        }
        for operation in &self.field.operations {
            let mut holes = names_of(&operation.path);
            let (Some(hole), None) = (holes.next(), holes.next()) else { continue };
            let about = ["file", "upload", "media", "attachment", "image", "avatar", "document", "static"];
            if operation.method == "GET" && about.iter().any(|word| operation.path.contains(word)) {
                let filled =
                    names.iter().take(3).map(|name| operation.path.replace(&format!("{{{hole}}}"), name));
                all.extend(filled);
            }
        }
        for directory in ["/uploads", "/files", "/static/uploads", "/media"] {
            all.push(format!("{directory}/{name}"));
        }
        let mut met = std::collections::BTreeSet::new();
        all.retain(|path| met.insert(path.clone()));
        all.truncate(12);
        all
    }

    /// A name that climbs.
    async fn higher(&self, control: &Kept, ending: &str) -> Result<(), WireError> {
        let mut file = self.honest(ending);
        let plain = file.name.clone();
        file.name = format!("../{plain}");
        let Some((request, answer)) = self.send(self.attempt.who, &file).await? else { return Ok(()) };
        let Some((directory, _)) = control.path.rsplit_once('/') else { return Ok(()) };
        let Some((above, _)) = directory.rsplit_once('/') else { return Ok(()) };
        let path = format!("{above}/{plain}");
        let Some(got) = usable(self.field.request(self.attempt.who, &Request::get(&path)).await)? else {
            return Ok(());
        };
        if answer.is_success() && got.is_success() && contains(&got.body, &file.content) {
            let kept = Kept { request, answer, path, got };
            self.found(
                "higher",
                Severity::High,
                "a name with `../` in it puts the file a directory higher",
                &kept,
                control,
            );
        }
        Ok(())
    }

    /// Two files of one name.
    async fn replaced(&self, ending: &str) -> Result<(), WireError> {
        let first = self.honest(ending);
        let Some(kept) = self.keep(&first).await? else { return Ok(()) };
        // The twin: another name leaves it alone.
        let Some((twin_request, twin)) = self.send(self.attempt.who, &self.honest(ending)).await? else {
            return Ok(());
        };
        let look = async || usable(self.field.request(self.attempt.who, &Request::get(&kept.path)).await);
        let Some(still) = look().await?.filter(|still| contains(&still.body, &first.content)) else {
            return Ok(());
        };
        let other =
            self.field.signed_in().find(|other| *other != self.attempt.who).unwrap_or(self.attempt.who);
        let second = File { name: first.name.clone(), ..self.honest(ending) };
        let Some((request, answer)) = self.send(other, &second).await? else { return Ok(()) };
        let Some(now) = look().await?.filter(|now| contains(&now.body, &second.content)) else {
            return Ok(());
        };
        let (severity, whose) = match other == self.attempt.who {
            true => (Severity::Low, "the same person's"),
            false => (Severity::High, "somebody else's"),
        };
        let says = format!("a file replaces {whose} of the same name");
        let who = self.attempt.who;
        let look = Request::get(&kept.path);
        let proof = Proof::new(
            self.field.evidence(other, &request, &answer),
            format!("`{}` has the second content", kept.path),
        )
        .twin(self.field.evidence(who, &twin_request, &twin))
        .shown(self.field.evidence(who, &look, &still))
        .shown(self.field.evidence(who, &look, &now));
        let outcome = Outcome::new(ID, &self.operation(), Verdict::Proven, says);
        self.field.say(outcome.aspect("replaced").severity(severity).proof(proof));
        Ok(())
    }
}

fn contains(body: &[u8], content: &[u8]) -> bool {
    memchr::memmem::find(body, content).is_some()
}

/// Whether a browser runs what it is given when it is opened; a script is run when it is loaded.
fn runs(got: &Answer, aspect: &str) -> bool {
    let disposition = got.field("content-disposition").unwrap_or_default().trim().to_ascii_lowercase();
    let policy: Vec<String> = got.fields("content-security-policy").map(str::to_ascii_lowercase).collect();
    let sandboxed = policy.iter().flat_map(|policy| policy.split(';')).any(|one| {
        let mut words = one.split_whitespace();
        words.next() == Some("sandbox") && !words.any(|word| word == "allow-scripts")
    });
    let kind = got.media_type();
    if aspect == "script" {
        return matches!(
            kind.as_str(),
            "text/javascript" | "application/javascript" | "application/x-javascript"
        );
    }
    if disposition.starts_with("attachment") || sandboxed {
        return false;
    }
    let active = matches!(
        kind.as_str(),
        "text/html" | "application/xhtml+xml" | "image/svg+xml" | "text/xml" | "application/xml"
    );
    // Without a type a browser looks for itself, unless it is told not to.
    let sniffed =
        kind.is_empty() && got.field("x-content-type-options") != Some("nosniff") && aspect == "page";
    active || sniffed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_run_pages_that_are_no_downloads() {
        let got = |fields: &[(&str, &str)]| runs(&Answer::made(200, fields, ""), "page");
        assert!(got(&[("content-type", "text/html; charset=utf-8")]) && got(&[]));
        assert!(got(&[("content-type", "image/svg+xml"), ("content-disposition", "inline; filename=\"a\"")]));
        assert!(got(&[("content-type", "text/html"), ("content-security-policy", "sandbox allow-scripts")]));
        for safe in [
            [("content-type", "text/plain"), ("x", "")],
            [("content-type", "text/html"), ("content-disposition", "Attachment; filename=x")],
            [("content-type", "text/html"), ("content-security-policy", "default-src 'none'; sandbox")],
            [("x-content-type-options", "nosniff"), ("x", "")],
        ] {
            assert!(!got(&safe), "{safe:?}");
        }
    }
}
