use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};

use gabion_ledger::Position;
use gabion_store::{Directory, DirectoryError};

use crate::child::{acknowledged, block_on, command, event, open, recorded};

#[test]
fn what_was_acknowledged_before_a_kill_is_there_after_it() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("data");
    let mut expected: BTreeMap<Position, String> = BTreeMap::new();
    for lines in [1, 7, 50, 200, 400, 3] {
        let mut child = command("", &path).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut text = String::new();
        while acknowledged(&text).len() < lines {
            assert_ne!(output.read_line(&mut text).unwrap(), 0, "the child ended by itself: {text}");
        }
        // Held by a live process, named in the refusal; free as soon as it is dead.
        match Directory::open(&path) {
            Err(DirectoryError::Locked { pid, .. }) => assert_eq!(pid, Some(child.id())),
            other => panic!("{other:?}"),
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let mut rest = Vec::new();
        output.read_to_end(&mut rest).unwrap();
        text.push_str(&String::from_utf8(rest).unwrap());
        expected.extend(acknowledged(&text));

        let directory = Directory::open(&path).unwrap();
        let ledger = open(&directory);
        let found: BTreeMap<_, _> = recorded(&ledger).into_iter().collect();
        for (position, text) in &expected {
            assert_eq!(found.get(position), Some(text), "acknowledged at {position}");
        }
        // What was written but not yet acknowledged may be there too: at most one a task.
        assert!(found.len() <= expected.len() + 4, "{} of {}", found.len(), expected.len());
        let position = block_on(ledger.record(event("after"))).unwrap();
        assert_eq!(position.0, found.len() as u64 + 1);
        block_on(ledger.close()).unwrap();
        expected = found;
        expected.insert(position, "after".to_owned());
    }
}
