//! Any bytes are an archive, or said not to be: what is found stands in it, and what is looked at is bounded.
#![no_main]

use std::sync::LazyLock;

use gabion_finding::Scanner;
use gabion_scan::{ArchiveOptions, archive, kit};
use libfuzzer_sys::fuzz_target;

static SCANNERS: LazyLock<Vec<Box<dyn Scanner>>> = LazyLock::new(|| {
    let mut scanners = kit::scanners(&kit::RuleFolder::default()).expect("they come with the program");
    scanners.retain(|scanner| scanner.name() == "secrets");
    scanners
});

// First byte: which kind of archive.
fuzz_target!(|bytes: &[u8]| {
    let [which, bytes @ ..] = bytes else { return };
    let names = ["a.zip", "a.tar", "a.tgz", "a.txt.gz"];
    let name = names.get(usize::from(*which) % names.len()).expect("one of them");
    let options =
        ArchiveOptions { members: 100, unpacked: 1 << 20, largest: 16 << 10, ..ArchiveOptions::default() };
    let found = archive(name, bytes, &SCANNERS, &options);
    assert_eq!(found.archives, 1);
    assert!(found.texts <= 100);
    for one in &found.findings {
        assert!(one.finding.place.path.starts_with(name) && one.finding.fix.is_none());
    }
});
