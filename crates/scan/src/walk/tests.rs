use std::os::unix::fs::symlink;

use super::*;

fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::TempDir::new().unwrap();
    for (path, text) in files {
        let at = folder.path().join(path);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        fs::write(at, text).unwrap();
    }
    folder
}

fn paths(walked: &Walked) -> Vec<&str> {
    walked.files.iter().map(|file| &*file.path).collect()
}

fn unread(walked: &Walked) -> Vec<(&str, &str)> {
    walked.unread.iter().map(|one| (&*one.path, one.reason.as_str())).collect()
}

#[test]
fn hidden_files_are_read_and_ignored_ones_are_not() {
    let folder = tree(&[
        (".env", ""),
        (".github/workflows/ci.yml", ""),
        (".git/config", ""),
        (".gitignore", "*.log\n!keep.log\n/build/\n"),
        ("a.log", ""),
        ("keep.log", ""),
        ("build/out.js", ""),
        ("src/build/in.js", ""),
        ("src/.gitignore", "secret.txt\n"),
        ("src/secret.txt", ""),
        (".gabionignore", "third/\n"),
        ("third/x.js", ""),
    ]);
    let walked = walk(folder.path(), &WalkOptions::default(), &[]).unwrap();
    assert_eq!(
        paths(&walked),
        [
            ".env",
            ".gabionignore",
            ".github/workflows/ci.yml",
            ".gitignore",
            "keep.log",
            "src/.gitignore",
            "src/build/in.js"
        ]
    );
    let everything = WalkOptions { ignored: true, ..WalkOptions::default() };
    assert_eq!(walk(folder.path(), &everything, &[]).unwrap().files.len(), 11);
    // The rules above a folder hold in it.
    let below = walk(&folder.path().join("src"), &WalkOptions::default(), &[]).unwrap();
    assert_eq!(paths(&below), [".gitignore", "build/in.js"]);
}

#[test]
fn what_git_has_is_read_though_a_rule_names_it() {
    let folder = tree(&[
        (".git/x", ""),
        (".gitignore", ".env\nnode_modules\n"),
        (".env", ""),
        ("node_modules/a.js", ""),
    ]);
    let tracked = [".env", "node_modules/a.js", "../outside", "gone", ".git/x"].map(str::to_owned);
    let walked = walk(folder.path(), &WalkOptions::default(), &tracked).unwrap();
    assert_eq!(paths(&walked), [".env", ".gitignore"]);
}

#[test]
fn folders_of_others_are_named_once() {
    let folder = tree(&[
        ("node_modules/a/index.js", ""),
        ("web/node_modules/b/index.js", ""),
        ("vendor/own.go", ""),
        ("lib/vendor/modules.txt", ""),
        ("env/pyvenv.cfg", ""),
        ("target/own.rs", ""),
    ]);
    let walked = walk(folder.path(), &WalkOptions::default(), &[]).unwrap();
    assert_eq!(paths(&walked), ["target/own.rs", "vendor/own.go"]);
    let left = ["env", "lib/vendor", "node_modules", "web/node_modules"].map(|path| (path, "vendored"));
    assert_eq!(unread(&walked), left);
    let all = walk(folder.path(), &WalkOptions { vendored: true, ..WalkOptions::default() }, &[]).unwrap();
    assert_eq!(all.files.len(), 6);
}

#[test]
fn links_and_what_is_no_file_are_said_and_never_opened() {
    let outside = tree(&[("secret", "x")]);
    let folder = tree(&[("a/b.txt", ""), ("c.txt", "")]);
    symlink(outside.path(), folder.path().join("out")).unwrap();
    symlink("..", folder.path().join("a/up")).unwrap();
    symlink("self", folder.path().join("self")).unwrap();
    symlink("nothing", folder.path().join("dangling")).unwrap();
    symlink("c.txt", folder.path().join("fine")).unwrap();
    let pipe = |name: &str| {
        let made = std::process::Command::new("mkfifo").arg(folder.path().join(name)).status().unwrap();
        assert!(made.success());
    };
    pipe("pipe");
    // Whoever opened this one to read rules would wait for ever.
    pipe("a/.gitignore");
    let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("socket")).unwrap();
    let walked = walk(folder.path(), &WalkOptions::default(), &[]).unwrap();
    assert_eq!(paths(&walked), ["a/b.txt", "c.txt"]);
    assert_eq!(
        unread(&walked),
        [
            ("a/.gitignore", "io"),
            ("a/up", "link"),
            ("dangling", "link"),
            ("out", "link"),
            ("pipe", "io"),
            ("self", "link"),
            ("socket", "io")
        ]
    );
}

#[test]
fn names_that_are_no_text_and_trees_that_are_too_deep_end_well() {
    use std::os::unix::ffi::OsStrExt as _;
    let folder = tree(&[("a.txt", "")]);
    fs::write(folder.path().join(std::ffi::OsStr::from_bytes(b"na\xEFve")), "").unwrap();
    let mut deep = folder.path().join("d");
    for _ in 0..140 {
        deep.push("d");
    }
    fs::create_dir_all(&deep).unwrap();
    let walked = walk(folder.path(), &WalkOptions::default(), &[]).unwrap();
    assert_eq!(paths(&walked), ["a.txt", "na\\xEFve"]);
    assert_eq!(walked.unread.len(), 1);
    let few = walk(folder.path(), &WalkOptions { most_files: 1, ..WalkOptions::default() }, &[]).unwrap();
    assert!(unread(&few).contains(&("", "budget")));
    let one = walk(&folder.path().join("a.txt"), &WalkOptions::default(), &[]).unwrap();
    assert_eq!(paths(&one), ["a.txt"]);
}
