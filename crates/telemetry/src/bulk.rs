//! Elasticsearch and OpenSearch: the lines of a `_bulk` request, and its answer.
//!
//! Each record is one `create` into a data stream; the document is the event as OCSF JSON ([`ocsf`]) with `@timestamp`, which a
//! data stream asks for. The document's `_id` follows from what it holds, so one that is sent twice into the same index is
//! there once: the second `create` is answered with 409, which counts as taken.

use serde_json::{Value, json};

use gabion_model::Event;

use crate::{Source, ocsf, text};

/// The document: the event as OCSF JSON, one line.
#[must_use]
pub fn document(source: &Source<'_>, position: u64, event: &Event) -> String {
    let mut object = ocsf::event_object(source, position, event);
    if let Some(object) = object.as_object_mut() {
        object.insert("@timestamp".to_owned(), event.time.to_string().into());
    }
    text::json(&object)
}

/// The two lines by which it is created. `id` is what names it.
#[must_use]
pub fn lines(id: &str, document: &str) -> String {
    let action = text::json(&json!({ "create": { "_id": id } }));
    format!("{action}\n{document}\n")
}

/// What became of one document. Alphabetical.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// The server may take it later.
    Later,
    /// The server will never take it; the word is the error's type.
    Never(String),
    Taken,
}

/// Why an answer says nothing. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BulkFault {
    #[error("it says nothing of some documents")]
    Count,
    #[error("it is no answer to a bulk request")]
    Form,
}

/// What became of each of `count` documents, in their order. The word `errors` is not believed: every item is read.
///
/// # Errors
/// When the answer does not say it.
pub fn answer(bytes: &[u8], count: usize) -> Result<Vec<Item>, BulkFault> {
    let answer: Value = serde_json::from_slice(bytes).map_err(|_| BulkFault::Form)?;
    let items = answer.get("items").and_then(Value::as_array).ok_or(BulkFault::Form)?;
    if items.len() != count {
        return Err(BulkFault::Count);
    }
    let one = |item: &Value| {
        let result = item.get("create").ok_or(BulkFault::Form)?;
        let status = result.get("status").and_then(Value::as_u64).ok_or(BulkFault::Form)?;
        let word = result.get("error").and_then(|error| error.get("type")).and_then(Value::as_str);
        Ok(match status {
            200..=299 | 409 => Item::Taken,
            // The document: it cannot be parsed, or does not fit the mapping.
            400 | 413 | 422 => Item::Never(word_of(word)),
            // The server or its setting: full, not allowed, no such index yet.
            _ => Item::Later,
        })
    };
    items.iter().map(one).collect()
}

/// The type of an error, as far as it is a word.
fn word_of(word: Option<&str>) -> String {
    let word: String = word.unwrap_or_default().chars().take(64).collect();
    let is_word = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    if is_word { word } else { "rejected".to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_document_has_its_own_end() {
        let said = br#"{"errors":false,"items":[{"create":{"status":201}},{"create":{"status":409}},
            {"create":{"status":429,"error":{"type":"es_rejected_execution_exception"}}},{"create":{"status":503}},
            {"create":{"status":400,"error":{"type":"mapper_parsing_exception"}}},
            {"create":{"status":400,"error":{"type":"</script>\n"}}}]}"#;
        let never = |word: &str| Item::Never(word.to_owned());
        assert_eq!(
            answer(said, 6),
            Ok(vec![
                Item::Taken,
                Item::Taken,
                Item::Later,
                Item::Later,
                never("mapper_parsing_exception"),
                never("rejected")
            ])
        );
        assert_eq!(answer(said, 7), Err(BulkFault::Count));
        for nonsense in
            ["", "[]", "{}", r#"{"items":[{"index":{"status":201}}]}"#, r#"{"items":[{"create":{}}]}"#]
        {
            assert!(answer(nonsense.as_bytes(), 1).is_err(), "{nonsense}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_panics(bytes: Vec<u8>, count in 0_usize..10) {
            let _ = answer(&bytes, count);
        }
    }
}
