//! What was learned.

use gabion_model::Timestamp;
use serde::{Deserialize, Serialize};

use crate::text;

/// Most actions of a review.
pub const ACTIONS: usize = 50;

/// A review after the incident: what happened, why, and what is done about it. Not who is to blame.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Review {
    /// What happened and what it meant, in a few sentences.
    pub summary: String,
    /// Why it could happen.
    pub cause: String,
    pub impact: String,
    pub went_well: String,
    pub went_badly: String,
    pub actions: Vec<ReviewAction>,
}

/// Something that will be done so that it does not happen again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReviewAction {
    pub what: String,
    pub owner: String,
    /// A day, for instance `2026-12-24`.
    pub due: String,
}

impl Review {
    /// Bounds and cleans what somebody wrote.
    ///
    /// # Errors
    /// The field and the rule it breaks.
    pub fn checked(self) -> Result<Self, (String, String)> {
        let must = |name: &str, written: &str| {
            text::block(written, text::NOTE).map_err(|reason| (name.to_owned(), reason))
        };
        let may = |name: &str, written: &str| {
            if written.trim().is_empty() { Ok(String::new()) } else { must(name, written) }
        };
        if self.actions.len() > ACTIONS {
            return Err(("actions".to_owned(), format!("are more than {ACTIONS}")));
        }
        let mut actions = Vec::new();
        for (index, action) in self.actions.into_iter().enumerate() {
            let at = |name: &str| format!("actions[{index}].{name}");
            let line = |name: &str, written: &str| text::line(written).map_err(|reason| (at(name), reason));
            let (what, owner) = (line("what", &action.what)?, line("owner", &action.owner)?);
            if day(&action.due).is_none() {
                return Err((at("due"), "is no day such as `2026-12-24`".to_owned()));
            }
            actions.push(ReviewAction { what, owner, due: action.due });
        }
        Ok(Self {
            summary: must("summary", &self.summary)?,
            cause: must("cause", &self.cause)?,
            impact: may("impact", &self.impact)?,
            went_well: may("went_well", &self.went_well)?,
            went_badly: may("went_badly", &self.went_badly)?,
            actions,
        })
    }
}

/// The end of a day in UTC; none when it is no day.
#[must_use]
pub fn day(written: &str) -> Option<Timestamp> {
    let mut parts = written.splitn(3, '-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if (year.len(), month.len(), day.len()) != (4, 2, 2)
        || !written.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
    {
        return None;
    }
    let (year, month, day): (i64, i64, i64) = (year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
    let days = days(year, month, day)?;
    Some(Timestamp::from_secs((days + 1) * 86_400))
}

/// A moment in UTC, `2026-11-22T14:05Z` or with seconds (RFC 3339, 5.6); none when it is no such.
#[must_use]
pub fn moment(written: &str) -> Option<Timestamp> {
    let (date, time) = written.strip_suffix('Z')?.split_once('T')?;
    let midnight = day(date)?.as_secs() - 86_400;
    let mut parts = time.split(':');
    let mut part = |most: i64| {
        let text = parts.next()?;
        let number: i64 = text.parse().ok()?;
        (text.len() == 2 && (0..=most).contains(&number)).then_some(number)
    };
    let (hour, minute) = (part(23)?, part(59)?);
    let second = if time.len() > 5 { part(59)? } else { 0 };
    parts.next().is_none().then(|| Timestamp::from_secs(midnight + hour * 3600 + minute * 60 + second))
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar; none for a day there is not.
#[must_use]
pub(crate) fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1970..=9999).contains(&year) {
        return None;
    }
    let is_leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = |month: i64| match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if !(1..=length(month)).contains(&day) {
        return None;
    }
    let years: i64 = (1970..year).map(|year| if is_leap(year) { 366 } else { 365 }).sum();
    Some(years + (1..month).map(length).sum::<i64>() + day - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        assert_eq!(day("2026-11-22").unwrap().to_string(), "2026-11-23T00:00:00.000000Z");
        assert_eq!(day("2028-02-29").unwrap().to_string(), "2028-03-01T00:00:00.000000Z");
        for wrong in
            ["2027-02-29", "2026-13-01", "2026-00-01", "26-1-1", "2026-1-01", "tomorrow", "+026-11-22", ""]
        {
            assert!(day(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn moments_are_in_utc() {
        assert_eq!(moment("2026-11-22T14:05Z").unwrap().to_string(), "2026-11-22T14:05:00.000000Z");
        assert_eq!(moment("2026-11-22T14:05:09Z").unwrap().to_string(), "2026-11-22T14:05:09.000000Z");
        for wrong in [
            "2026-11-22T24:00Z",
            "2026-11-22T14:05",
            "2026-11-22 14:05Z",
            "2026-11-22T1:05Z",
            "2026-11-22T14:05:09:1Z",
            "now",
        ] {
            assert!(moment(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_review_says_what_and_why() {
        let action = |due: &str| ReviewAction {
            what: "mend".to_owned(),
            owner: "ann".to_owned(),
            due: due.to_owned(),
        };
        let whole = Review {
            summary: "s".to_owned(),
            cause: "c".to_owned(),
            actions: vec![action("2026-12-24")],
            ..Review::default()
        };
        assert!(whole.clone().checked().is_ok());
        assert_eq!(Review { cause: String::new(), ..whole.clone() }.checked().unwrap_err().0, "cause");
        assert_eq!(
            Review { actions: vec![action("soon")], ..whole.clone() }.checked().unwrap_err().0,
            "actions[0].due"
        );
        assert_eq!(
            Review { actions: vec![action("2026-12-24"); ACTIONS + 1], ..whole }.checked().unwrap_err().0,
            "actions"
        );
    }
}
