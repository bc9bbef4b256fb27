//! Incidents, over the control socket. An answer is one document, in as many parts as it takes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gabion_incident::evidence;
use gabion_incident::report::{self, Material};
use gabion_incident::{Incident, notify};
use gabion_model::{Clock as _, SystemClock};
use gabion_service::incidents::{Change, Changed, IncidentError, NewEvidence, NewIncident};
use gabion_service::{Caller, Service};
use gabion_vault::encoding::base64_decode;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::operation::{Refusal, Reply};
use crate::incident as form;

/// What can be asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum IncidentRequest {
    Change {
        id: u64,
        change: Box<Change>,
        shape: Shape,
    },
    Collect {
        id: u64,
        shape: Shape,
    },
    /// A duty's draft, or all duties.
    Duties {
        id: u64,
        duty: Option<String>,
        shape: Shape,
    },
    Export {
        id: u64,
        purpose: String,
    },
    /// The file that was sent in parts.
    Keep {
        id: u64,
        name: String,
        source: String,
        upload: String,
        shape: Shape,
    },
    List {
        all: bool,
        shape: Shape,
    },
    Metrics {
        shape: Shape,
    },
    Open {
        new: NewIncident,
        shape: Shape,
    },
    /// A part of a file, in base64.
    Part {
        upload: String,
        content: String,
    },
    /// A review to fill in.
    ReviewTemplate {
        id: u64,
    },
    Show {
        id: u64,
        shape: Shape,
    },
}

/// How a document is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Shape {
    Html,
    Json,
    Markdown,
    Stix,
    /// For a terminal.
    Text,
}

/// Files that are being sent, by a name the sender chose at random.
#[derive(Debug, Clone, Default)]
pub(crate) struct Uploads(Arc<Mutex<BTreeMap<String, Vec<u8>>>>);

impl Uploads {
    fn add(&self, upload: &str, part: &[u8]) -> Result<(), Refusal> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.contains_key(upload) && all.len() >= AT_ONCE {
            // Somebody gave up in the middle.
            all.pop_first();
        }
        let own = all.entry(upload.to_owned()).or_default();
        if own.len() + part.len() > evidence::LONGEST {
            all.remove(upload);
            return Err(Refusal::new(format!("a piece of evidence has at most {} bytes", evidence::LONGEST)));
        }
        own.extend_from_slice(part);
        Ok(())
    }

    fn take(&self, upload: &str) -> Option<Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(upload)
    }
}

/// Files that are sent at the same time.
const AT_ONCE: usize = 4;
/// Bytes of a document in one frame: escaped as JSON it is at most six times as long.
const PART: usize = 32 << 10;

pub(crate) async fn act(
    service: &Service,
    uploads: &Uploads,
    request: IncidentRequest,
    answers: &mpsc::Sender<Reply>,
) -> Result<Reply, Refusal> {
    let document = document(service, uploads, request).await?;
    let mut rest = document.as_str();
    while !rest.is_empty() {
        let (part, after) = rest.split_at(rest.floor_char_boundary(PART.min(rest.len())));
        if answers.send(Reply::Document { part: part.to_owned() }).await.is_err() {
            break;
        }
        rest = after;
    }
    Ok(Reply::End)
}

async fn document(service: &Service, uploads: &Uploads, request: IncidentRequest) -> Result<String, Refusal> {
    let caller = Caller::operator();
    let now = SystemClock.now();
    Ok(match request {
        IncidentRequest::Open { new, shape } => {
            let incident = service.open_incident(&caller, new).await?;
            brief(&incident, None, shape)
        }
        IncidentRequest::Change { id, change, shape } => {
            let Changed { incident, failure } = service.change_incident(&caller, id, *change).await?;
            brief(&incident, failure, shape)
        }
        IncidentRequest::List { all, shape } => {
            let rows = service.incidents(&caller, !all, None, 200).await?;
            if shape == Shape::Json { json(&rows) } else { form::list(&rows, now) }
        }
        IncidentRequest::Show { id, shape } => {
            let material = service.incident(&caller, id).await?;
            shown(&material, service.organisation().as_deref(), shape)
        }
        IncidentRequest::Metrics { shape } => {
            let metrics = service.incident_metrics(&caller).await?;
            if shape == Shape::Json { json(&metrics) } else { form::metrics(&metrics) }
        }
        IncidentRequest::Duties { id, duty, shape } => {
            let material = service.incident(&caller, id).await?;
            match duty {
                Some(duty) => {
                    notify::draft(&material.incident, &duty, service.organisation().as_deref(), now)
                        .ok_or_else(|| {
                            Refusal::new("there is no such duty")
                                .hint("`gabion incident notify ID` lists them")
                        })?
                }
                None if shape == Shape::Json => json(&material.duties),
                None => form::duties(&material, now),
            }
        }
        IncidentRequest::ReviewTemplate { id } => {
            form::review_template(&service.incident(&caller, id).await?)
        }
        IncidentRequest::Part { upload, content } => {
            let part =
                base64_decode(&content).map_err(|_| Refusal::new("a part of the file is no base64"))?;
            uploads.add(&upload, &part)?;
            String::new()
        }
        IncidentRequest::Keep { id, name, source, upload, shape } => {
            let content = uploads.take(&upload).ok_or_else(|| Refusal::new("the file was not sent"))?;
            let taken = service.keep_evidence(&caller, id, NewEvidence { name, source, content }).await?;
            if shape == Shape::Json { json(&taken) } else { form::taken(id, &taken) }
        }
        IncidentRequest::Collect { id, shape } => {
            let taken = service.collect_evidence(&caller, id).await?;
            if shape == Shape::Json { json(&taken) } else { form::taken(id, &taken) }
        }
        IncidentRequest::Export { id, purpose } => {
            // The ledger signs every second what was recorded, and what is taken out is on record.
            let mut tries = 0;
            let pack = loop {
                match service.export_evidence(&caller, id, &purpose).await {
                    Err(IncidentError::Unsealed) if tries < TRIES => {
                        tries += 1;
                        tokio::time::sleep(Duration::from_millis(250)).await;
                    }
                    other => break other?,
                }
            };
            serde_json::to_string(&pack).unwrap_or_default()
        }
    })
}

const TRIES: usize = 40;

fn brief(incident: &Incident, failure: Option<String>, shape: Shape) -> String {
    match shape {
        Shape::Json => json(&Changed { incident: incident.clone(), failure }),
        _ => form::brief(incident, failure.as_deref(), SystemClock.now()),
    }
}

/// An incident in the shape that was asked for.
pub(crate) fn shown(material: &Material, organisation: Option<&str>, shape: Shape) -> String {
    match shape {
        Shape::Html => report::html(material),
        Shape::Json => json(material),
        Shape::Markdown => report::markdown(material),
        Shape::Stix => json(&report::stix::bundle(material, organisation)),
        Shape::Text => form::show(material),
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

impl From<IncidentError> for Refusal {
    fn from(error: IncidentError) -> Self {
        let text = error.to_string();
        let (reason, hint) = match text.rsplit_once(" (hint: ") {
            Some((reason, hint)) => (reason.to_owned(), Some(hint.trim_end_matches(')').to_owned())),
            None => (text, None),
        };
        match error {
            IncidentError::Act(error) => error.into(),
            IncidentError::Damaged { incident, .. } => Self::new(reason).hint(&format!(
                "the database was changed behind the gate's back; the ledger has every step: `gabion ledger search --kind incident --text INC-{incident}`"
            )),
            IncidentError::Invalid(problem) => {
                let refusal = Self::new(format!("{}: {}", problem.path, problem.reason));
                match problem.hint {
                    Some(hint) => refusal.hint(&hint),
                    None => refusal,
                }
            }
            IncidentError::NotFound => Self::new(reason).hint("`gabion incident list --all` shows them"),
            IncidentError::Refused(_) | IncidentError::Unsealed => Self { hint, ..Self::new(reason) },
        }
    }
}
