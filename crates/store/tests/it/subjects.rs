//! Keys of personal data in the database, and that nothing of an erased one stays in any file.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use gabion_ledger::personal::{Mention, Standing, Subject, SubjectId, Subjects as _};
use gabion_model::Timestamp;
use gabion_model::random::SeededRng;
use gabion_store::sqlite::{Database, SubjectKeys};
use gabion_vault::SealingKey;

fn open(path: &Path) -> SubjectKeys {
    let tags = SealingKey::from_bytes(&SealingKey::generate(&SeededRng::new(1))).unwrap();
    SubjectKeys::new(Database::open(&path.join("gabion.db")).unwrap(), Arc::new(tags))
}

fn subject(number: u8) -> Subject {
    Subject { id: SubjectId([number; 16]), sealed: format!("sealed-key-of-subject-{number:03}").into_bytes() }
}

#[expect(clippy::panic, reason = "in a test that is how it fails")]
fn known(standing: std::io::Result<Standing>) -> u8 {
    match standing.unwrap() {
        Standing::Known(subject) => subject.id.0[0],
        other => panic!("{other:?}"),
    }
}

fn holds(directory: &Path, text: &[u8]) -> bool {
    let files = fs::read_dir(directory).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap());
    files.into_iter().any(|bytes| bytes.windows(text.len()).any(|part| part == text))
}

#[test]
fn a_name_is_looked_up_made_and_remembered_as_its_mention_says() {
    let directory = tempfile::tempdir().unwrap();
    let keys = open(directory.path());
    let named = |name: &str, mention, number| keys.named(name, mention, &|| Ok(subject(number)));
    assert_eq!(named("ann", Mention::Named, 1).unwrap(), Standing::Stranger);
    assert_eq!(known(named("ann", Mention::Created, 1)), 1);
    assert_eq!(known(named("ann", Mention::Named, 2)), 1);
    assert_eq!(known(named("ann", Mention::Created, 2)), 1, "a second try is the same account");
    assert_eq!(known(named("bob", Mention::Actor, 3)), 3);
    assert_eq!(known(named("anna", Mention::Alias(SubjectId([1; 16])), 9)), 1);
    assert!(!holds(directory.path(), b"anna"), "names stand nowhere");

    let again = open(directory.path());
    assert_eq!(again.sealed(SubjectId([1; 16])).unwrap(), Some(subject(1).sealed));
    assert_eq!(again.erase("anna").unwrap(), Some(SubjectId([1; 16])));
    assert_eq!(again.erase("anna").unwrap(), None);
    for name in ["ann", "anna"] {
        assert_eq!(
            again.named(name, Mention::Actor, &|| Ok(subject(4))).unwrap(),
            Standing::Erased,
            "{name}"
        );
    }
    assert_eq!(again.sealed(SubjectId([1; 16])).unwrap(), None);
    assert_eq!(known(again.named("ann", Mention::Created, &|| Ok(subject(5)))), 5, "somebody else");
}

#[test]
fn nothing_of_an_erased_key_stays_in_any_file() {
    let directory = tempfile::tempdir().unwrap();
    let keys = open(directory.path());
    for number in 1..40 {
        keys.named(&format!("name-{number}"), Mention::Created, &|| Ok(subject(number))).unwrap();
    }
    let path = directory.path();
    assert!(holds(path, b"sealed-key-of-subject-007") && holds(path, b"sealed-key-of-subject-008"));
    keys.erase("name-7").unwrap();
    assert!(!holds(path, b"sealed-key-of-subject-007"), "neither in the file nor in its log");
    assert!(holds(path, b"sealed-key-of-subject-008"));

    // When its time has come, and not before.
    let at = Timestamp::from_secs(1000);
    keys.erase_at("name-8", at).unwrap();
    let before = Timestamp::from_secs(999);
    assert_eq!((keys.due(before, &[]).unwrap(), keys.erase_due(before, &[]).unwrap()), (0, vec![]));
    assert_eq!(known(keys.named("name-8", Mention::Named, &|| Ok(subject(50)))), 8, "it reads until then");
    assert_eq!(
        known(keys.named("name-8", Mention::Created, &|| Ok(subject(51)))),
        51,
        "a new account is new"
    );
    let spared = [SubjectId([8; 16])];
    let left = (keys.due(at, &spared).unwrap(), keys.erase_due(at, &spared).unwrap());
    assert_eq!(left, (0, vec![]), "held");
    assert_eq!((keys.due(at, &[]).unwrap(), keys.erase_due(at, &[]).unwrap()), (1, vec![SubjectId([8; 16])]));
    assert!(!holds(path, b"sealed-key-of-subject-008") && holds(path, b"sealed-key-of-subject-051"));

    keys.reseal(&|subject| Ok([b"again:", &subject.sealed[..]].concat())).unwrap();
    assert_eq!(keys.sealed(SubjectId([9; 16])).unwrap().unwrap(), b"again:sealed-key-of-subject-009");
    let failing = keys.reseal(&|subject| {
        if subject.id.0[0] == 30 { Err(std::io::Error::other("no")) } else { Ok(b"gone".to_vec()) }
    });
    assert!(failing.is_err());
    assert_ne!(keys.sealed(SubjectId([9; 16])).unwrap().unwrap(), b"gone", "all or none");
}
