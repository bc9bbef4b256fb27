//! Dates, times and durations (RFC 3339).

/// The number of exactly so many ASCII digits.
fn digits(text: &str, count: usize) -> Option<u32> {
    (text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

/// `full-date` (§5.6).
pub(super) fn is_date(text: &str) -> bool {
    let mut parts = text.split('-');
    let (Some(year), Some(month), Some(day), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let (Some(year), Some(month), Some(day)) = (digits(year, 4), digits(month, 2), digits(day, 2)) else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(leap),
        _ => return false,
    };
    (1..=days).contains(&day)
}

/// `full-time` (§5.6): with an offset, and a leap second only where the day ends in UTC.
pub(super) fn is_time(text: &str) -> bool {
    let offset_at = text.find(['Z', 'z', '+', '-']);
    let Some((clock, offset)) = offset_at.and_then(|at| text.split_at_checked(at)) else { return false };
    let minutes = |hour: &str, minute: &str| {
        let (hour, minute) = (digits(hour, 2)?, digits(minute, 2)?);
        (hour < 24 && minute < 60).then_some(hour * 60 + minute)
    };
    let ahead = match offset {
        "Z" | "z" => Some(0),
        _ => match offset.get(1..).and_then(|rest| rest.split_once(':')) {
            Some((hour, minute)) => minutes(hour, minute)
                .map(|minutes| if offset.starts_with('-') { 1440 - minutes } else { minutes }),
            None => None,
        },
    };
    let (seconds, fraction) = match clock.split_once('.') {
        Some((seconds, fraction)) => (seconds, Some(fraction)),
        None => (clock, None),
    };
    if fraction.is_some_and(|text| text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit())) {
        return false;
    }
    let mut parts = seconds.split(':');
    let (Some(hour), Some(minute), Some(second), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let (Some(ahead), Some(local), Some(second)) = (ahead, minutes(hour, minute), digits(second, 2)) else {
        return false;
    };
    second < 60 || second == 60 && (local + 1440 * 2 - ahead) % 1440 == 1439
}

/// `date-time` (§5.6).
pub(super) fn is_date_time(text: &str) -> bool {
    match (text.get(..10), text.get(10..11), text.get(11..)) {
        (Some(date), Some("T" | "t"), Some(time)) => is_date(date) && is_time(time),
        _ => false,
    }
}

/// `duration` (appendix A): units in order, none left out between two.
pub(super) fn is_duration(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('P') else { return false };
    if let Some(weeks) = rest.strip_suffix('W') {
        return !weeks.is_empty() && weeks.bytes().all(|byte| byte.is_ascii_digit());
    }
    let (date, time) = match rest.split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None => (rest, None),
    };
    let date_fits = date.is_empty() || are_units(date, "YMD");
    date_fits && time.map_or(!date.is_empty(), |time| are_units(time, "HMS"))
}

/// Numbers, each with its unit; the units are next to each other in `order`.
fn are_units(text: &str, order: &str) -> bool {
    let mut units = String::new();
    let mut number = false;
    for character in text.chars() {
        if character.is_ascii_digit() {
            number = true;
        } else if number {
            units.push(character);
            number = false;
        } else {
            return false;
        }
    }
    !number && !units.is_empty() && order.contains(&units)
}
