//! What the fuzz target `decision_body` asks of the readers. Only in builds for fuzzing.

/// Reads `bytes` as each question an application can ask.
pub fn decision_body(bytes: &[u8]) {
    crate::access::fuzzed(bytes);
    crate::api::v1::authorize::fuzzed(bytes);
}
