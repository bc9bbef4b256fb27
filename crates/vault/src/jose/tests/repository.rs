//! rauthy's audit of 2025 (low): a private key in the repository.

use std::path::{Path, PathBuf};

#[test]
fn the_repository_holds_no_private_key() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let (mut looked_at, mut found) = (0, Vec::new());
    for folder in ["bench", "catalogue", "conformance", "crates", "docs", "e2e", "examples", "fuzz", "xtask"]
    {
        search(&root.join(folder), &mut looked_at, &mut found);
    }
    assert!(looked_at > 200, "{looked_at}");
    assert!(found.is_empty(), "{found:?}");
}

/// A heading alone may stand in a test; a heading with a body is a key.
fn search(folder: &Path, looked_at: &mut usize, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() && !["target", "node_modules", "corpus", "artifacts"].contains(&&*name) {
            search(&path, looked_at, found);
        } else if let Ok(text) = std::fs::read_to_string(&path) {
            *looked_at += 1;
            let body = |rest: &str| {
                let letters = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=\n\r\" \\n".contains(byte);
                rest.bytes().take_while(letters).filter(u8::is_ascii_alphanumeric).count() > 40
            };
            let heading = concat!("PRIVATE", " KEY-----");
            if text.split(heading).skip(1).any(body) {
                found.push(path);
            }
        }
    }
}
