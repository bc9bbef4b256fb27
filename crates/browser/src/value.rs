//! Reading the protocol's JSON: what is missing or of another type is empty, never an error.

use serde_json::Value;

/// Short ways into a message.
pub(crate) trait Read {
    /// The text at `key`, or nothing.
    fn text(&self, key: &str) -> &str;
    /// The text at `pointer` (`/a/b`), or nothing.
    fn text_at(&self, pointer: &str) -> &str;
    /// Whether `key` is true.
    fn is(&self, key: &str) -> bool;
    /// The members of the list at `key`.
    fn list(&self, key: &str) -> &[Value];
}

impl Read for Value {
    fn text(&self, key: &str) -> &str {
        self.get(key).and_then(Self::as_str).unwrap_or_default()
    }

    fn text_at(&self, pointer: &str) -> &str {
        self.pointer(pointer).and_then(Self::as_str).unwrap_or_default()
    }

    fn is(&self, key: &str) -> bool {
        self.get(key).and_then(Self::as_bool).unwrap_or_default()
    }

    fn list(&self, key: &str) -> &[Value] {
        self.get(key).and_then(Self::as_array).map(Vec::as_slice).unwrap_or_default()
    }
}
