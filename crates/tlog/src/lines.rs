//! Numbers and lines as all of these formats write them.

/// A number in decimal without a sign and without zeros in front.
pub(crate) fn number(text: &str) -> Option<u64> {
    let canonical = text == "0" || (!text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit()));
    if canonical { text.parse().ok() } else { None }
}

/// The text up to the next newline, and what follows it.
pub(crate) fn line(text: &str) -> Option<(&str, &str)> {
    text.split_once('\n')
}
