use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;

use gabion_store::{Directory, DirectoryError};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn is_made_private_and_locked_for_one() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("some/where");
    let directory = Directory::open(&path).unwrap();
    assert_eq!(mode(&path), 0o700);
    assert_eq!(mode(&path.join("lock")), 0o600);
    let error = Directory::open(&path).unwrap_err();
    let own = std::process::id();
    assert!(matches!(error, DirectoryError::Locked { pid: Some(pid), .. } if pid == own));
    let text = error.to_string();
    assert!(text.contains(&format!("is in use by process {own} (hint: ")), "{text}");
    let clone = directory.clone();
    drop(directory);
    assert!(Directory::open(&path).is_err(), "a clone still holds it");
    drop(clone);
    // The file stays, and means nothing without the lock.
    assert!(path.join("lock").exists());
    Directory::open(&path).unwrap();
    fs::write(path.join("lock"), "rubbish").unwrap();
    Directory::open(&path).unwrap();
}

#[test]
fn is_refused_when_others_may_write_to_it() {
    let temporary = tempfile::tempdir().unwrap();
    for (wrong, fine) in [(0o770, 0o750), (0o702, 0o700), (0o1777, 0o755)] {
        fs::set_permissions(temporary.path(), Permissions::from_mode(wrong)).unwrap();
        let error = Directory::open(temporary.path()).unwrap_err();
        assert!(matches!(error, DirectoryError::Writable { mode, .. } if mode == wrong), "{error}");
        assert!(error.to_string().contains("hint: `chmod 700 "), "{error}");
        fs::set_permissions(temporary.path(), Permissions::from_mode(fine)).unwrap();
        Directory::open(temporary.path()).unwrap();
    }
}

#[test]
fn is_refused_when_it_is_a_file_or_somebody_elses() {
    let temporary = tempfile::tempdir().unwrap();
    let file = temporary.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(Directory::open(&file).is_err());

    let foreign = temporary.path().join("foreign");
    fs::create_dir(&foreign).unwrap();
    fs::set_permissions(&foreign, Permissions::from_mode(0o700)).unwrap();
    // What its owner laid in wait there is not written through.
    let precious = temporary.path().join("precious");
    fs::write(&precious, "precious").unwrap();
    for name in ["lock", "gabion.db", "control.sock"] {
        symlink(&precious, foreign.join(name)).unwrap();
    }
    if chown(&foreign, Some(54_321), None).is_err() {
        println!("skipped: is_refused_when_it_is_a_file_or_somebody_elses: only root gives directories away");
        return;
    }
    let error = Directory::open(&foreign).unwrap_err();
    assert!(matches!(error, DirectoryError::ForeignOwner { owner: 54_321, .. }), "{error}");
    assert_eq!(fs::read_to_string(&precious).unwrap(), "precious");
    assert_eq!(fs::read_dir(&foreign).unwrap().count(), 3, "nothing was left there");
}

#[test]
fn files_are_replaced_whole_and_private() {
    let temporary = tempfile::tempdir().unwrap();
    let directory = Directory::open(&temporary.path().join("data")).unwrap();
    assert_eq!(directory.read_file("signing.key").unwrap(), None);
    for content in [b"first".as_slice(), b"", &[7; 100_000]] {
        directory.write_file("signing.key", content).unwrap();
        assert_eq!(directory.read_file("signing.key").unwrap().as_deref(), Some(content));
    }
    let path = directory.path().join("signing.key");
    assert_eq!(mode(&path), 0o600);
    let names: Vec<_> =
        fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "only the lock and the key: {names:?}");

    // A leftover of a crash is in nobody's way, whatever its mode or target.
    symlink("/dev/full", directory.path().join(".signing.key.new")).unwrap();
    directory.write_file("signing.key", b"again").unwrap();
    assert_eq!(directory.read_file("signing.key").unwrap().unwrap(), b"again");

    fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    let error = directory.read_file("signing.key").unwrap_err();
    assert!(matches!(error, DirectoryError::ExposedFile { mode: 0o640, .. }), "{error}");
}

#[test]
fn a_name_stays_in_the_directory() {
    let temporary = tempfile::tempdir().unwrap();
    let directory = Directory::open(&temporary.path().join("data")).unwrap();
    for name in ["", ".", "..", "../x", "/etc/passwd", "a/b", ".hidden", "a\0b", "a/", "./a"] {
        assert!(matches!(directory.write_file(name, b""), Err(DirectoryError::BadName { .. })), "{name:?}");
        assert!(matches!(directory.read_file(name), Err(DirectoryError::BadName { .. })), "{name:?}");
    }
}
