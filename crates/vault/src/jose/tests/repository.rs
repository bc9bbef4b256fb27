//! rauthy's audit of 2025 (low): a private key in the repository.

use std::path::{Path, PathBuf};

#[test]
fn rauthy_audit_2025_the_repository_holds_no_private_key() {
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

/// rauthy's audit of 2025, low: a reachable `unwrap` that ended the process.
#[test]
fn rauthy_audit_2025_no_unwrap_reaches_a_request() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let workspace = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
    for lint in ["unwrap_used", "expect_used", "indexing_slicing", "string_slice", "panic", "unreachable"] {
        assert!(workspace.contains(&format!("\n{lint} = \"deny\"\n")), "{lint}");
    }
    for member in std::fs::read_dir(root.join("crates")).unwrap() {
        let manifest = member.unwrap().path().join("Cargo.toml");
        let text = std::fs::read_to_string(&manifest).unwrap();
        assert!(text.contains("[lints]\nworkspace = true\n"), "{}", manifest.display());
    }
}

/// kanidm 1.10.0: a secret compared byte by byte until the first that differs (CWE-208).
#[test]
fn kanidm_1_10_secrets_are_compared_in_constant_time() {
    let crates = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    for file in [
        "checks/src/csrf.rs",
        "identity/src/factors/totp.rs",
        "identity/src/oauth/client/secret.rs",
        "identity/src/oauth/refresh.rs",
        "identity/src/oauth/registration.rs",
        "identity/src/passkey/challenges.rs",
        "service/src/oauth/authorize.rs",
    ] {
        let text = std::fs::read_to_string(crates.join(file)).unwrap();
        assert!(text.contains("constant_time_eq("), "{file} compares a secret");
    }
    let (mut looked_at, mut found) = (0, Vec::new());
    compared(&crates, &mut looked_at, &mut found);
    assert!(looked_at > 200, "{looked_at}");
    assert!(found.is_empty(), "{found:#?}");
}

/// Lines of product code that compare what a secret exposes. Two passwords typed into one form are no guess.
fn compared(folder: &Path, looked_at: &mut usize, found: &mut Vec<String>) {
    let typed_twice =
        ["cli/src/commands/user.rs", "console/src/account/password.rs", "console/src/welcome.rs"];
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let name = path.to_string_lossy().into_owned();
        if path.is_dir() {
            if !name.ends_with("/tests") {
                compared(&path, looked_at, found);
            }
            continue;
        }
        if !name.ends_with(".rs")
            || name.ends_with("tests.rs")
            || typed_twice.iter().any(|own| name.ends_with(own))
        {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        *looked_at += 1;
        let product = text.split("#[cfg(test)]").next().unwrap_or_default();
        let compares = |line: &&str| {
            let operator = line.contains(" == ") || line.contains(" != ");
            let formats = line.contains("format!(");
            operator
                && !formats
                && line.contains(".expose()")
                && !line.contains(".len()")
                && !line.contains("is_empty()")
        };
        found.extend(product.lines().filter(compares).map(|line| format!("{name}: {}", line.trim())));
    }
}

/// kanidm 1.10.0: a picture somebody uploaded ended the process; rauthy's audit of 2025, elevated: one ran as a
/// script. Nobody uploads pictures here; those that pass to the application are read by the upload check alone, in
/// three formats, on request and under bounds, and none is ever drawn.
#[test]
fn kanidm_1_10_rauthy_audit_2025_pictures_are_read_in_one_place() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let lock = std::fs::read_to_string(root.join("Cargo.lock")).unwrap();
    for parser in ["gif", "jpeg-decoder", "tiff", "exr", "ravif", "dav1d", "resvg", "usvg"] {
        assert!(!lock.contains(&format!("\nname = \"{parser}\"\n")), "{parser}");
    }
    let crates = std::fs::read_dir(root.join("crates")).unwrap().map(|one| one.unwrap().path());
    let readers = crates.filter(|one| {
        let manifest = std::fs::read_to_string(one.join("Cargo.toml")).unwrap_or_default();
        manifest.lines().any(|line| line.starts_with("image"))
    });
    let readers: Vec<_> = readers.map(|one| one.file_name().unwrap().to_owned()).collect();
    assert_eq!(readers, ["checks"]);
}
