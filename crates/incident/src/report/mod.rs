//! What is handed to others: Markdown and HTML for people, JSON for programs, STIX 2.1 for indicators.

mod html;
mod markdown;
pub mod stix;
mod svg;

use gabion_model::Timestamp;
use serde::Serialize;

use crate::due::{self, Due};
use crate::incident::Incident;
use crate::notify::{self, Standing};
use crate::timeline::Entry;

pub use html::html;
pub use markdown::markdown;

/// Everything there is to tell of an incident.
#[derive(Debug, Clone, Serialize)]
pub struct Material {
    pub name: String,
    #[serde(flatten)]
    pub incident: Incident,
    pub due: Vec<Due>,
    pub duties: Vec<Standing>,
    pub timeline: Vec<Entry>,
    /// There is more than the timeline shows.
    pub cut: bool,
    /// Whether the ledger has every step as it is kept, or the first it does not.
    pub agrees: Agreement,
    pub made: Timestamp,
}

/// What comes of holding the steps beside the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Agreement {
    /// Every step is in the ledger as it is kept.
    Yes,
    /// The first step the ledger does not have like this, or that the ledger has and the storage does not.
    Not { step: u64, reason: String },
}

impl Material {
    #[must_use]
    pub fn new(
        incident: Incident,
        timeline: Vec<Entry>,
        cut: bool,
        agrees: Agreement,
        made: Timestamp,
    ) -> Self {
        let (due, duties) = (due::of(&incident, made), notify::standing(&incident, made));
        Self { name: incident.name(), incident, due, duties, timeline, cut, agrees, made }
    }
}

/// A time for people: to the second, in UTC.
pub(crate) fn moment(at: Timestamp) -> String {
    let text = at.to_string();
    text.get(..19).unwrap_or(&text).replace('T', " ")
}

/// How long after the opening something was.
pub(crate) fn after(opened: Timestamp, at: Option<Timestamp>) -> String {
    at.map_or_else(
        || "not yet".to_owned(),
        |at| format!("{} ({} after the opening)", moment(at), span(at.saturating_since(opened).as_secs())),
    )
}

/// Seconds in the two largest units.
#[must_use]
pub fn span(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3600 % 24),
    }
}
