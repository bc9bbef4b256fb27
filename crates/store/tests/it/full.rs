use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gabion_ledger::{Ledger, LedgerError, SegmentId, SegmentSource, SegmentStorage, Settings, Status};
use gabion_model::{ManualClock, Timestamp};
use gabion_store::{Directory, SegmentFiles};

use crate::child::{acknowledged, block_on, command, event, open, recorded};

/// Segment files whose appends go to `/dev/full` while `full` is set: the kernel's own error.
#[derive(Debug)]
struct DevFull {
    files: SegmentFiles,
    device: File,
    full: AtomicBool,
}

impl SegmentSource for DevFull {
    fn list(&self) -> io::Result<Vec<SegmentId>> {
        self.files.list()
    }

    fn size(&self, segment: SegmentId) -> io::Result<u64> {
        self.files.size(segment)
    }

    fn read(&self, segment: SegmentId, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.files.read(segment, offset, buffer)
    }
}

impl SegmentStorage for DevFull {
    fn create(&self, segment: SegmentId, header: &[u8]) -> io::Result<()> {
        self.files.create(segment, header)
    }

    fn append(&self, segment: SegmentId, bytes: &[u8]) -> io::Result<usize> {
        if self.full.load(Ordering::SeqCst) {
            // Half of it reaches the disk first.
            self.files.append(segment, &bytes[..bytes.len() / 2])?;
            return (&self.device).write(bytes);
        }
        self.files.append(segment, bytes)
    }

    fn sync(&self, segment: SegmentId) -> io::Result<()> {
        self.files.sync(segment)
    }

    fn truncate(&self, segment: SegmentId, size: u64) -> io::Result<()> {
        self.files.truncate(segment, size)
    }

    fn replace_header(&self, segment: SegmentId, header: &[u8]) -> io::Result<()> {
        self.files.replace_header(segment, header)
    }

    fn remove(&self, segment: SegmentId) -> io::Result<()> {
        self.files.remove(segment)
    }
}

#[test]
fn a_full_device_refuses_and_recovers_without_damage() {
    let temporary = tempfile::tempdir().unwrap();
    let storage = Arc::new(DevFull {
        files: SegmentFiles::open(&temporary.path().join("ledger")).unwrap(),
        device: OpenOptions::new().write(true).open("/dev/full").unwrap(),
        full: AtomicBool::new(false),
    });
    let clock = Arc::new(ManualClock::at(Timestamp::from_secs(7)));
    let (ledger, _) = Ledger::open(Arc::clone(&storage) as _, &Settings::default(), clock).unwrap();
    block_on(ledger.record(event("before"))).unwrap();
    storage.full.store(true, Ordering::SeqCst);
    assert!(matches!(block_on(ledger.record(event("lost"))), Err(LedgerError::Full)));
    assert_eq!(ledger.status(), Status::Full);
    storage.full.store(false, Ordering::SeqCst);
    block_on(ledger.record(event("after"))).unwrap();
    assert_eq!(ledger.status(), Status::Ready);
    let texts: Vec<_> = recorded(&ledger).into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, ["before", "after"]);
}

/// The kernel refuses to let files grow: `ulimit -f`, in blocks of 512 bytes.
#[test]
fn a_limit_on_file_sizes_refuses_and_keeps_what_was_acknowledged() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("data");
    let output = command("trap '' XFSZ; ulimit -f 40;", &path).output().unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    assert!(output.contains("\nfull\n"), "{output}");
    let acknowledged = acknowledged(&output);
    assert!(acknowledged.len() > 10);
    let directory = Directory::open(&path).unwrap();
    let ledger = open(&directory);
    let mut sorted = acknowledged;
    sorted.sort();
    assert_eq!(recorded(&ledger), sorted);
    block_on(ledger.record(event("after"))).unwrap();
    assert_eq!(recorded(&ledger).len(), sorted.len() + 1);
}
