//! What a tenant's auditor is handed: any bytes are a line of its records, a checkpoint, a disclosed record or none of them, and
//! each has one spelling.
#![no_main]

use gabion_ledger::Disclosure;
use gabion_ledger::tenants::{Mark, TenantCheckpoint, TenantTag, line};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(read) = line::parse(bytes) {
        assert_eq!(line::write(read.index, &read.disclosed).as_deref(), Ok(bytes));
    }
    if let Ok(read) = Disclosure::parse(bytes) {
        assert_eq!(read.encode(), bytes);
        if let Some((_, position)) = read.tenant() {
            let _ = read.open(position);
        }
    }
    if let Some(mark) = Mark::parse(bytes) {
        assert_eq!(mark.to_string().as_bytes(), bytes);
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Some(own) = TenantCheckpoint::parse(text, "gate.example/ledger") {
        assert_eq!(own.text("gate.example/ledger"), text);
    }
    if let Some(tag) = TenantTag::parse(text) {
        assert_eq!(tag.to_string(), text);
    }
});
