//! The loader of contracts: any text is a contract or a list of problems with their places.
#![no_main]

use std::collections::BTreeMap;

use gabion_openapi::{Answers, Contract, Options, lint};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for name in ["fuzz.yaml", "fuzz.json"] {
        let files = BTreeMap::from([(name.to_owned(), text.to_owned())]);
        let options = Options { answers: Answers::Strip, ..Options::default() };
        let _ = Contract::missing(&files);
        let _ = lint::lint(&files, name);
        match Contract::load(&files, name, &options) {
            Ok(loaded) => assert!(!loaded.contract.operations().is_empty()),
            Err(problems) => {
                assert!(!problems.is_empty() && problems.iter().all(|one| one.path.starts_with(name)))
            }
        }
    }
});
