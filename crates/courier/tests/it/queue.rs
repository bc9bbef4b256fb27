use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use gabion_courier::{Counts, Courier, MailSettings};
use gabion_model::outbound::{MailError, Mailer as _};

use crate::{courier, letter, to_files};

fn letters(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    entries.map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap()).collect()
}

async fn until(courier: &Courier, done: impl Fn(Counts) -> bool) {
    while !done(courier.counts()) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_letter_becomes_a_file_its_owner_can_read() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("mail");
    let courier = courier(&to_files(&directory));
    courier.start();
    courier.send(letter("ada@example.org")).unwrap();
    until(&courier, |counts| counts.sent == 1).await;
    let [letter] = letters(&directory).try_into().unwrap();
    assert!(letter.contains("To: ada@example.org\r\n") && letter.contains("<p>One</p>"), "{letter}");
    for entry in fs::read_dir(&directory).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert!(entry.file_name().to_str().unwrap().ends_with(".eml"));
    }
    assert_eq!(fs::metadata(&directory).unwrap().permissions().mode() & 0o777, 0o700);
}

#[tokio::test(start_paused = true)]
async fn what_fails_is_tried_again_until_it_works() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("mail");
    // No folder can be made where a file is.
    fs::write(&directory, "in the way").unwrap();
    let courier = courier(&to_files(&directory));
    courier.start();
    courier.send(letter("ada@example.org")).unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(courier.counts(), Counts { waiting: 1, sent: 0, dead: 0 });
    fs::remove_file(&directory).unwrap();
    until(&courier, |counts| counts.waiting == 0).await;
    assert_eq!(courier.counts(), Counts { waiting: 0, sent: 1, dead: 0 });
    assert_eq!(letters(&directory).len(), 1, "once");
}

#[tokio::test(start_paused = true)]
async fn what_never_works_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("mail");
    fs::write(&directory, "in the way").unwrap();
    let courier = courier(&to_files(&directory));
    courier.start();
    courier.send(letter("ada@example.org")).unwrap();
    courier.send(letter("this is no address")).unwrap();
    until(&courier, |counts| counts.waiting == 0).await;
    assert_eq!(courier.counts(), Counts { waiting: 0, sent: 0, dead: 2 });
}

#[tokio::test]
async fn the_end_delivers_what_waits_and_takes_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let courier = courier(&to_files(folder.path()));
    for _ in 0..20 {
        courier.send(letter("ada@example.org")).unwrap();
    }
    courier.start();
    courier.close(Duration::from_secs(30)).await;
    assert_eq!(courier.counts(), Counts { waiting: 0, sent: 20, dead: 0 });
    assert_eq!(letters(folder.path()).len(), 20);
    assert_eq!(courier.send(letter("ada@example.org")), Err(MailError::QueueFull));
}

#[tokio::test(start_paused = true)]
async fn the_end_does_not_wait_for_the_next_try() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("mail");
    fs::write(&directory, "in the way").unwrap();
    let courier = courier(&to_files(&directory));
    courier.start();
    courier.send(letter("ada@example.org")).unwrap();
    tokio::time::sleep(Duration::from_secs(30)).await;
    let before = tokio::time::Instant::now();
    courier.close(Duration::from_secs(5)).await;
    assert!(before.elapsed() < Duration::from_secs(5));
    assert_eq!(courier.counts(), Counts { waiting: 0, sent: 0, dead: 1 });
}

/// A flood of requests for letters fills no memory, and whoever sends never waits.
#[test]
fn the_queue_is_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let courier = courier(&to_files(folder.path()));
    for _ in 0..1000 {
        courier.send(letter("ada@example.org")).unwrap();
    }
    assert_eq!(courier.send(letter("ada@example.org")), Err(MailError::QueueFull));
    assert_eq!(courier.counts().waiting, 1000);
}

#[test]
fn without_a_transport_nothing_is_taken() {
    let courier = courier(&MailSettings::default());
    assert!(!courier.is_configured());
    assert_eq!(courier.send(letter("ada@example.org")), Err(MailError::NotConfigured));
}
