//! Segment files as a crash, a disk or an intruder may leave them.
#![no_main]

use std::sync::Arc;

use gabion_ledger::{Disclosure, Keys, MemorySegments, Position, Query, Reader, SegmentId};
use gabion_model::Secret;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(given) = Disclosure::parse(bytes) {
        assert_eq!(given.encode(), bytes, "a disclosed record has one spelling");
        let _ = given.open(Position(1));
    }
    let segments = MemorySegments::new();
    segments.put(SegmentId(1), bytes.to_vec());
    let Ok(reader) = Reader::open(Arc::new(segments)) else { return };
    let Ok(keys) = Keys::parse("a file", &Secret::new(vec![7; 32])) else { return };
    let _ = reader.clone().with_keys(Arc::new(keys)).search(Query::default()).take(64).count();
    let _ = reader.verify();
    let _ = reader.tail(8);
    let _ = reader.search(Query::default()).take(64).count();
});
