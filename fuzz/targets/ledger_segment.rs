//! Segment files as a crash, a disk or an intruder may leave them.
#![no_main]

use std::sync::Arc;

use gabion_ledger::{MemorySegments, Query, Reader, SegmentId};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let segments = MemorySegments::new();
    segments.put(SegmentId(1), bytes.to_vec());
    let Ok(reader) = Reader::open(Arc::new(segments)) else { return };
    let _ = reader.verify();
    let _ = reader.tail(8);
    let _ = reader.search(Query::default()).take(64).count();
});
