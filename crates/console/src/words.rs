//! Times as people say them.

use std::time::Duration;

use gabion_model::Timestamp;

/// A time twice: exact for machines and tooltips, in words for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moment {
    /// RFC 3339, whole seconds, UTC.
    pub(crate) exact: String,
    pub(crate) words: String,
}

impl Moment {
    /// `time` as seen at `now`, whichever comes first.
    pub(crate) fn new(time: Timestamp, now: Timestamp) -> Self {
        let words = if time > now {
            match period(time.saturating_since(now)) {
                Some(period) => format!("in {period}"),
                None => "in a moment".to_owned(),
            }
        } else {
            match period(now.saturating_since(time)) {
                Some(period) => format!("{period} ago"),
                None => "just now".to_owned(),
            }
        };
        Self { exact: Timestamp::from_secs(time.as_secs()).to_string().replace(".000000Z", "Z"), words }
    }
}

impl Moment {
    /// `YYYY-MM-DD`, UTC.
    pub(crate) fn day(&self) -> &str {
        self.exact.split('T').next().unwrap_or_default()
    }
}

/// How long to wait, rounded up, so that nobody comes back too early.
pub(crate) fn wait(duration: Duration) -> String {
    let seconds = seconds_up(duration);
    if seconds < 60 { count(seconds.max(1), "second") } else { count(seconds.div_ceil(60), "minute") }
}

/// Whole seconds, rounded up, at least one: what `Retry-After` says.
pub(crate) fn seconds_up(duration: Duration) -> u64 {
    duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0)).max(1)
}

/// A length of time, rounded down.
pub(crate) fn length(duration: Duration) -> String {
    period(duration).unwrap_or_else(|| "less than a minute".to_owned())
}

/// `1 key`, `2 keys`.
pub(crate) fn number_of(number: usize, one: &str, more: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { more })
}

/// `use a date` → `Use a date.`
pub(crate) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), letters.as_str()),
        None => String::new(),
    }
}

/// The largest unit that fits, rounded down; none below a minute.
fn period(duration: Duration) -> Option<String> {
    let minutes = duration.as_secs() / 60;
    match minutes {
        0 => None,
        1..60 => Some(count(minutes, "minute")),
        60..1440 => Some(count(minutes / 60, "hour")),
        _ => Some(count(minutes / 1440, "day")),
    }
}

fn count(number: u64, unit: &str) -> String {
    if number == 1 { format!("1 {unit}") } else { format!("{number} {unit}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_words() {
        let now = Timestamp::from_micros(1_795_286_828_654_321);
        let seen = |seconds| Moment::new(Timestamp::from_secs(now.as_secs() + seconds), now).words;
        assert_eq!(
            [0, -59, -60, -119, -120, -3599, -3600, -86_399, -86_400, -200_000].map(seen),
            [
                "just now",
                "just now",
                "1 minute ago",
                "1 minute ago",
                "2 minutes ago",
                "59 minutes ago",
                "1 hour ago",
                "23 hours ago",
                "1 day ago",
                "2 days ago"
            ]
        );
        assert_eq!([30, 61, 172_801].map(seen), ["in a moment", "in 1 minute", "in 2 days"]);
        assert_eq!(
            [59, 86_400, 172_799].map(|secs| length(Duration::from_secs(secs))),
            ["less than a minute", "1 day", "1 day"]
        );
        assert_eq!([1, 2].map(|number| number_of(number, "key", "keys")), ["1 key", "2 keys"]);
        assert_eq!(Moment::new(now, now).exact, "2026-11-21T18:47:08Z");
        assert_eq!(Moment::new(now, now).day(), "2026-11-21");
    }

    #[test]
    fn waiting_is_rounded_up() {
        assert_eq!(wait(Duration::ZERO), "1 second");
        assert_eq!(wait(Duration::from_millis(29_100)), "30 seconds");
        assert_eq!(wait(Duration::from_secs(61)), "2 minutes");
        assert_eq!(seconds_up(Duration::from_millis(1)), 1);
    }
}
