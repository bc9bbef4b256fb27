//! How the answers to a request react to one of its values: asked once, for all tests that want to know.

use serde_json::{Map, Value};

use crate::aim::{Aim, Sent};
use crate::compare::Profile;
use crate::leak::database_error;
use crate::operation::Place;
use crate::wire::WireError;

/// What answers show of a value at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reaction {
    /// The status of the answer to the value itself.
    pub plain: u16,
    /// Of the answer to quotation marks and such signs.
    pub status: u16,
    /// Whether another value gets another answer.
    pub matters: bool,
    /// Whether quotation marks and signs that no query ends with get another answer.
    pub breaks: bool,
    /// Whether that answer is a refusal, as of a check or of a wall before the application.
    pub is_refused: bool,
    /// Whether it is a failure.
    pub is_failure: bool,
    /// Whether it has the words of a database.
    pub is_database: bool,
    /// Whether what was written is kept as it was sent, quotation marks and all.
    pub is_kept: bool,
}

impl Aim<'_> {
    /// How answers react to the value; nothing where there is no answer.
    ///
    /// # Errors
    /// When the run is over.
    pub async fn reaction(&self, base: &Profile) -> Result<Option<Reaction>, WireError> {
        let (operation, point) = (self.known.operation, &self.point);
        // Where the plain request is answered in another way by now, so is the rest.
        if let Some(reaction) = self.field.memory.reaction(operation, point)
            && reaction.plain == base.status()
        {
            return Ok(Some(reaction));
        }
        let number = self.original.parse::<f64>().is_ok();
        let word = self.field.canary();
        let another = if number { format!("9{:07}", self.field.number(10_000_000)) } else { word.clone() };
        let broken =
            if number { format!("{} {word}", self.original) } else { format!("{}'\"", self.original) };
        let (Some(other), Some(broken)) = (self.text(&another).await?, self.text(&broken).await?) else {
            return Ok(None);
        };
        let matters = !self.fits(base, &other);
        let mut last = broken;
        let mut breaks = !self.fits(base, &last);
        if number && !breaks {
            // A number may stand in quotation marks.
            let Some(quoted) = self.text(&format!("{}'\"", self.original)).await? else { return Ok(None) };
            breaks = !self.fits(base, &quoted);
            last = quoted;
        }
        let status = last.answer.status;
        let reaction = Reaction {
            plain: base.status(),
            status,
            matters,
            breaks,
            is_refused: breaks && matches!(status, 400 | 403 | 406 | 422),
            is_failure: breaks && status >= 500,
            is_database: database_error(&last.answer).is_some(),
            is_kept: !breaks && !matters && !self.is_safe() && self.keeps(&last),
        };
        self.field.memory.keep_reaction(operation, point, reaction);
        Ok(Some(reaction))
    }

    /// Whether the answer says that something was made of it, or has the value as it was sent among what is there now. An answer that
    /// also tells of nothing that was found may be that of a search.
    fn keeps(&self, sent: &Sent) -> bool {
        let written = matches!(self.point.place, Place::Json | Place::Form);
        if !written || !sent.answer.is_success() {
            return false;
        }
        let body = sent.answer.json();
        let all: Vec<&Value> =
            body.as_ref().and_then(Value::as_object).into_iter().flat_map(Map::values).collect();
        let inner = all.iter().filter_map(|value| value.as_object()).flat_map(Map::values);
        let shows = all.iter().copied().chain(inner).any(|value| value.as_str() == Some(sent.text.as_str()));
        sent.answer.status == 201 || (shows && !all.into_iter().any(is_nothing))
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::String(_) | Value::Bool(true) => false,
    }
}
