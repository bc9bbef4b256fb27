//! Field values of the configuration, kept for as long as the process lives.
//!
//! A value made from owned text counts its references in memory that all cores share: cloned and dropped
//! a dozen times per answer, it makes them wait for each other. One that lives for ever needs no count.
//! Each text is kept once, so a reload with the same settings keeps nothing more.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::HeaderValue;

static KEPT: Mutex<Option<HashSet<&'static str>>> = Mutex::new(None);

/// The text as a field value; `None` when it has characters that a field cannot have.
pub(crate) fn value(text: &str) -> Option<HeaderValue> {
    HeaderValue::from_maybe_shared(Bytes::from_static(keep(text).as_bytes())).ok()
}

fn keep(text: &str) -> &'static str {
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let kept = kept.get_or_insert_default();
    if let Some(text) = kept.get(text) {
        return text;
    }
    let text: &'static str = Box::leak(text.into());
    kept.insert(text);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_kept_once_and_judged_as_ever() {
        let (first, second) = (value("default-src 'none'").unwrap(), value("default-src 'none'").unwrap());
        assert_eq!(first, "default-src 'none'");
        assert_eq!(first.as_bytes().as_ptr(), second.as_bytes().as_ptr());
        assert_eq!(value("two\r\nlines"), None);
    }
}
