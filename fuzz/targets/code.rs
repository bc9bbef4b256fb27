//! Two scripts that import each other, one in Python or Java, and what stands beside Java: looking at them ends, whatever they say.
#![no_main]

use std::sync::{Arc, LazyLock};

use gabion_code::CodeScanner;
use gabion_finding::{Scanner as _, Source, Tree};
use libfuzzer_sys::fuzz_target;

static SCANNER: LazyLock<CodeScanner> = LazyLock::new(|| CodeScanner::new(&[]).expect("the rules of the program are read"));

fuzz_target!(|text: &str| {
    let (first, second) = text.split_once('\u{0}').unwrap_or((text, ""));
    let files = [("a.js", first), ("b.ts", second), ("c.py", first), ("d.java", first), ("e.xml", first), ("f.properties", second)];
    let mut facts: Vec<(Arc<str>, Arc<[u8]>)> = Vec::new();
    for (path, text) in files {
        facts.push((path.into(), SCANNER.file(&Source::new(path, text)).facts.into()));
    }
    let paths: Vec<Arc<str>> = files.iter().map(|(path, _)| Arc::from(*path)).collect();
    let tree = Tree { paths: &paths, facts: &facts, uses: &[] };
    let verdict = SCANNER.tree(&tree);
    assert_eq!(verdict, SCANNER.tree(&tree), "the same input, the same output");
});
