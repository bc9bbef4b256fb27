//! Any bytes are a pack of evidence or none; a pack that nobody signed proves nothing, whatever it holds; a step of an
//! incident is read or refused.
#![no_main]

use gabion_incident::Step;
use gabion_incident::evidence::{Disclosed, Pack, Revealed};
use gabion_incident::personal;
use gabion_model::Secret;
use gabion_tlog::SigningKey;
use gabion_tlog::note::Purpose;
use gabion_tlog::trust::Trust;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(step) = serde_json::from_slice::<Step>(bytes) {
        let again = serde_json::to_vec(&step).expect("a step is written");
        assert_eq!(serde_json::from_slice::<Step>(&again).ok(), Some(step.clone()));
        let _ = step.what.text();
    }
    if let Ok((step, parts)) = personal::read::<serde_json::Value>(bytes) {
        let again = personal::write(&step, &parts).expect("a step is written");
        assert_eq!(personal::read(&again).ok(), Some((step, parts)));
    }
    let Ok(pack) = Pack::parse(bytes) else { return };
    let key = SigningKey::new("gate.example/ledger", Purpose::Log, &Secret::new([1; 32])).expect("a key");
    // Whoever made it may say what they like of their records.
    let open = |_: u64, payload: &[u8]| Some(Disclosed { stored: payload.to_vec(), json: payload.to_vec() });
    let reveal = |_: &serde_json::Value, opened: Option<&str>| opened.map(|text| Revealed::Text(text.to_owned()));
    assert!(pack.verify(&Trust::in_log(key.verifying().clone()), &open, &reveal).is_err());
});
