//! Days as contracts write them, and as header fields want them.

use gabion_model::Timestamp;

/// The beginning of a day (`2026-12-31`, RFC 3339 `full-date`) in UTC, or a moment in UTC
/// (`2026-12-31T23:59:59Z`).
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let (date, time) = text.split_once(['T', 't']).map_or((text, None), |(date, time)| (date, Some(time)));
    let mut parts = date.splitn(3, '-');
    let (year, month, day) =
        (digits(parts.next()?, 4)?, digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let longest = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    if !(1..=longest).contains(&day) {
        return None;
    }
    let mut seconds = days(year, month, day) * 86_400;
    if let Some(time) = time {
        let mut parts = time.strip_suffix(['Z', 'z'])?.splitn(3, ':');
        let (hour, minute, second) =
            (digits(parts.next()?, 2)?, digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        seconds += hour * 3_600 + minute * 60 + second;
    }
    Some(Timestamp::from_secs(seconds))
}

/// An HTTP-date (RFC 9110 §5.6.7), for instance `Sun, 06 Nov 1994 08:49:37 GMT`.
pub(crate) fn http(moment: Timestamp) -> String {
    // `2026-01-02T03:04:05.…`
    let text = moment.to_string();
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    let weekday = moment.as_secs().div_euclid(86_400).rem_euclid(7);
    let weekday = usize::try_from(weekday).ok().and_then(|day| WEEKDAYS.get(day)).unwrap_or(&"Thu");
    let month = part(5, 7).parse::<usize>().ok().and_then(|month| MONTHS.get(month.saturating_sub(1)));
    let month = month.unwrap_or(&"Jan");
    format!("{weekday}, {} {month} {} {} GMT", part(8, 10), part(0, 4), part(11, 19))
}

fn digits(text: &str, length: usize) -> Option<i64> {
    let plain = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_become_moments_and_header_fields() {
        assert_eq!(parse("1994-11-06T08:49:37Z"), Some(Timestamp::from_secs(784_111_777)));
        assert_eq!(http(Timestamp::from_secs(784_111_777)), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(parse("1970-01-01"), Some(Timestamp::from_secs(0)));
        assert_eq!(parse("2024-02-29"), Some(Timestamp::from_secs(1_709_164_800)));
        for wrong in [
            "2023-02-29",
            "2023-13-01",
            "2023-1-1",
            "soon",
            "2023-01-01T25:00:00Z",
            "2023-01-01T00:00:00+01:00",
            "",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
