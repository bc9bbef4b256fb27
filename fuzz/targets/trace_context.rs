//! What others say of a trace, and what collectors and search clusters answer: hostile bytes, read whole or not at all.
#![no_main]

use gabion_telemetry::bulk;
use gabion_telemetry::otlp::{Encoding, partial_success};
use gabion_telemetry::trace_context::{TraceParent, trace_state};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for encoding in [Encoding::Json, Encoding::Protobuf] {
        let _ = partial_success(encoding, bytes);
    }
    if let Ok(items) = bulk::answer(bytes, 3) {
        assert_eq!(items.len(), 3);
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(parent) = TraceParent::parse(text) {
        assert!(parent.trace != [0; 16] && parent.parent != [0; 8]);
        assert_eq!(TraceParent::parse(&parent.header()), Ok(parent));
    }
    if let Some(state) = trace_state(text.lines()) {
        assert!(state.len() <= 512);
        assert_eq!(trace_state([state.as_str()].into_iter()).as_ref(), Some(&state));
    }
});
