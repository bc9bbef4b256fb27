use std::io::Cursor;

use gabion_finding::Ecosystem;
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;

fn osv(id: &str, ecosystem: &str, name: &str) -> String {
    format!(
        r#"{{"id": "{id}", "affected": [{{"package": {{"ecosystem": "{ecosystem}", "name": "{name}"}},
        "ranges": [{{"type": "SEMVER", "events": [{{"introduced": "0"}}, {{"fixed": "2.0.0"}}]}}]}}]}}"#
    )
}

fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn everything_that_is_published_becomes_one_database() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (one, two) = (osv("A-1", "npm", "a"), osv("B-1", "PyPI", "b"));
    std::fs::create_dir_all(at("more/npm")).unwrap();
    std::fs::create_dir_all(at("more/.git")).unwrap();
    let files: &[(&str, &[u8])] =
        &[("A-1.json", one.as_bytes()), ("B-1.json", two.as_bytes()), ("x.json", b"{"), ("note.txt", b"x")];
    std::fs::write(at("more/npm/all.zip"), archive(files)).unwrap();
    std::fs::write(at("more/.git/z.json"), "{").unwrap();
    let rustsec = "```toml\n[advisory]\nid = \"RUSTSEC-2020-1\"\npackage = \"c\"\n[versions]\npatched = []\n```\n# Title\n";
    std::fs::write(at("more/RUSTSEC-2020-1.md"), rustsec).unwrap();
    let python =
        "id: PYSEC-2024-1\naffected:\n- package:\n    ecosystem: PyPI\n    name: d\n  versions: ['1.0']\n";
    std::fs::write(at("PYSEC-2024-1.yaml"), python).unwrap();
    let mut epss = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    epss.write_all(b"#model\ncve,epss,percentile\nCVE-2024-1,0.5,0.9\n").unwrap();
    std::fs::write(at("epss.csv.gz"), epss.finish().unwrap()).unwrap();
    let mut import = Import::default();
    for path in [at("more"), at("PYSEC-2024-1.yaml"), at("epss.csv.gz")] {
        import.add(&path).unwrap();
    }
    let imported = import.imported().clone();
    assert_eq!((imported.packages, imported.files, imported.broken_files), (4, 6, 1));
    assert!(imported.broken[0].contains("x.json") && imported.written.is_some(), "{imported:?}");
    assert_eq!(import.scored(), (1, 0));
    let database = import.build("a test", 1_700_000_000);
    assert_eq!(database.covered(), [(Ecosystem::Cargo, 1), (Ecosystem::Npm, 1), (Ecosystem::PyPi, 2)]);

    let file = at("data/db");
    assert!(read(&file).unwrap().is_none());
    store(&file, &database).unwrap();
    assert_eq!(read(&file).unwrap().unwrap().checksum(), database.checksum());
    let now = |days: i64| Timestamp::from_secs(1_700_000_000 + days * 86_400);
    assert!(matches!(load(&file, now(14), OLDEST), Advisories::Ready { days: 14, .. }));
    assert!(matches!(load(&file, now(15), OLDEST), Advisories::Stale { days: 15, .. }));
    assert!(matches!(load(&at("none"), now(0), OLDEST), Advisories::Missing));
    std::fs::write(&file, &database.bytes()[..database.bytes().len() - 1]).unwrap();
    assert!(matches!(load(&file, now(0), OLDEST), Advisories::Unusable(_)));
    // More upon what is there: the same name is the same advisory.
    let mut import = Import::upon(&database).unwrap();
    std::fs::write(at("A-1.json"), osv("A-1", "npm", "a")).unwrap();
    std::fs::write(at("A-2.json"), osv("A-2", "npm", "a")).unwrap();
    import.add(&at("A-1.json")).unwrap();
    import.add(&at("A-2.json")).unwrap();
    assert_eq!(import.build("a test", 0).advisories(), 5);
}

#[test]
fn hostile_archives_are_bounded_and_said() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.zip");
    let bomb = vec![b' '; (8 << 20) + 1];
    let good = osv("A-1", "npm", "a");
    let packed = archive(&[("bomb.json", &bomb), ("../../A-1.json", good.as_bytes()), ("in.zip", b"PK")]);
    assert!(packed.len() < 64 << 10);
    std::fs::write(&path, &packed).unwrap();
    let mut import = Import::default();
    import.add(&path).unwrap();
    assert_eq!((import.imported().packages, import.imported().broken_files), (1, 1));
    assert!(import.imported().broken[0].contains("larger than 8 MiB"));
    // Every byte of one may be another, and it may end anywhere.
    let packed = archive(&[("A-1.json", good.as_bytes())]);
    for at in 0..packed.len() {
        let mut damaged = packed.clone();
        damaged[at] ^= 0xFF;
        for bytes in [&damaged[..], &packed[..at]] {
            std::fs::write(&path, bytes).unwrap();
            let _ = Import::default().add(&path);
        }
    }
    std::fs::write(&path, b"no archive").unwrap();
    assert!(matches!(Import::default().add(&path), Err(ImportError::Zip { .. })));
    assert!(matches!(Import::default().add(&folder.path().join("none")), Err(ImportError::Io { .. })));
}
