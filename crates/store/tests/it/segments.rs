use std::fs;
use std::os::unix::fs::PermissionsExt;

use gabion_ledger::{SegmentId, SegmentSource, SegmentStorage};
use gabion_store::SegmentFiles;

#[test]
fn files_behave_as_segments() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("ledger");
    let files = SegmentFiles::open(&path).unwrap();
    assert_eq!(files.list().unwrap(), []);
    for number in [2, 10, 1] {
        files.create(SegmentId(number), b"head").unwrap();
    }
    fs::write(path.join("notes.txt"), "not a segment").unwrap();
    fs::write(path.join("7.segment"), "nor this").unwrap();
    assert_eq!(files.list().unwrap(), [SegmentId(1), SegmentId(2), SegmentId(10)]);

    assert_eq!(files.append(SegmentId(2), b"one").unwrap(), 3);
    assert_eq!(files.append(SegmentId(10), b"other").unwrap(), 5);
    assert_eq!(files.append(SegmentId(2), b"two").unwrap(), 3);
    files.sync(SegmentId(2)).unwrap();
    assert_eq!(files.size(SegmentId(2)).unwrap(), 10);
    let mut buffer = [0; 20];
    assert_eq!(files.read(SegmentId(2), 4, &mut buffer).unwrap(), 6);
    assert_eq!(&buffer[..6], b"onetwo");
    assert_eq!(files.read(SegmentId(2), 10, &mut buffer).unwrap(), 0);
    assert_eq!(files.read(SegmentId(2), 3, &mut buffer[..2]).unwrap(), 2);

    files.truncate(SegmentId(2), 7).unwrap();
    files.append(SegmentId(2), b"!").unwrap();
    assert_eq!(fs::read(path.join("00000000000000000002.segment")).unwrap(), b"headone!");

    // Creating again replaces the whole, also for a file that is open.
    files.create(SegmentId(2), b"HEAD").unwrap();
    files.append(SegmentId(2), b"new").unwrap();
    assert_eq!(fs::read(path.join("00000000000000000002.segment")).unwrap(), b"HEADnew");

    files.remove(SegmentId(2)).unwrap();
    assert_eq!(files.list().unwrap(), [SegmentId(1), SegmentId(10)]);
    assert!(files.size(SegmentId(2)).is_err());
    assert!(files.append(SegmentId(2), b"x").is_err(), "an append makes no file");
    assert!(files.create(SegmentId(3), b"x").is_ok());

    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    assert_eq!(mode(&path.join("00000000000000000001.segment")), 0o600);
}

/// A crash while a header is replaced: its bytes are durable beside the segment, and written again.
#[test]
fn a_header_is_replaced_in_place_and_a_torn_one_is_mended() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("ledger");
    let files = SegmentFiles::open(&path).unwrap();
    files.create(SegmentId(1), b"head").unwrap();
    files.append(SegmentId(1), b"records").unwrap();
    files.replace_header(SegmentId(1), b"HEAD").unwrap();
    files.append(SegmentId(1), b"!").unwrap();
    let segment = path.join("00000000000000000001.segment");
    assert_eq!(fs::read(&segment).unwrap(), b"HEADrecords!");

    fs::write(&segment, b"HEadrecords!").unwrap();
    fs::write(path.join("00000000000000000001.header"), b"head").unwrap();
    fs::write(path.join("00000000000000000007.header"), b"head").unwrap();
    SegmentFiles::open(&path).unwrap().mend().unwrap();
    assert_eq!(fs::read(&segment).unwrap(), b"headrecords!");
    assert_eq!(fs::read_dir(&path).unwrap().count(), 1, "nothing is left of it");
}
