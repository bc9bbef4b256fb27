//! `gabion scan`, `gabion rules` and `gabion explain`: exit codes, forms, comments, the baseline, and that no secret is printed.

use std::fs;

use tempfile::TempDir;

use crate::harness::{files, gabion, succeed, told};
use crate::scanned::{ends, json, scan, write};

/// Put together, so that no scan of this repository finds it.
fn secret() -> String {
    ["sk_", "live_", "lFanagcDObwFZHbKoIFxYjzuK9"].concat()
}

fn project() -> TempDir {
    let folder = TempDir::new().expect("a temporary directory");
    write(folder.path(), "settings.py", &format!("import os\nSTRIPE_SECRET_KEY = \"{}\"\n", secret()));
    folder
}

#[test]
fn a_secret_fails_the_scan_and_is_not_printed() {
    let folder = project();
    let text = ends(&scan(folder.path(), &[]), 1);
    assert!(
        text.contains("critical[stripe.secret-key]") && text.contains("STRIPE_SECRET_KEY = \"…\""),
        "{text}"
    );
    let forms =
        ["json", "sarif", "github", "gitlab-sast", "gitlab-secrets", "junit", "markdown", "html", "text"];
    let targets: Vec<String> = forms.iter().map(|form| format!("{form}=out/{form}")).collect();
    fs::create_dir(folder.path().join("out")).expect("made");
    let mut arguments = vec!["--all", "--confidence", "low", "--history"];
    arguments.extend(targets.iter().flat_map(|target| ["--output", target]));
    // There is no repository yet.
    assert_eq!(scan(folder.path(), &arguments).status.code(), Some(2));
    arguments.retain(|word| *word != "--history");
    ends(&scan(folder.path(), &arguments), 1);
    for form in forms {
        let text = fs::read_to_string(folder.path().join("out").join(form)).expect("a report");
        assert!(!text.is_empty() && !text.contains(&secret()) && !text.contains('\u{1b}'), "{form}: {text}");
    }
    for path in files(&folder.path().join(".git")) {
        let bytes = fs::read(&path).expect("readable");
        assert!(
            !bytes.windows(secret().len()).any(|window| window == secret().as_bytes()),
            "{}",
            path.display()
        );
    }
}

#[test]
fn exit_codes_are_as_documented() {
    let folder = project();
    let code = |arguments: &[&str]| scan(folder.path(), arguments).status.code();
    assert_eq!(code(&[]), Some(1));
    assert_eq!(code(&["--fail-on", "never"]), Some(0));
    assert_eq!(code(&["--skip", "stripe"]), Some(0));
    assert_eq!(code(&["--only", "stripe.secret-key"]), Some(1));
    assert_eq!(code(&["nowhere"]), Some(2));
    assert_eq!(code(&["--only", "stripe.secret-keys"]), Some(2));
    assert_eq!(code(&["--diff", "main"]), Some(2));
    assert_eq!(code(&["--baseline", "nowhere.json"]), Some(2));
    let empty = TempDir::new().expect("a temporary directory");
    let output = scan(empty.path(), &[]);
    assert!(ends(&output, 3).contains("incomplete: there was no file to read"), "{}", told(&output));
    let output = scan(folder.path(), &["--only", "strpe.secret-key"]);
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("did you mean `stripe.secret-key`"),
        "{}",
        told(&output)
    );
}

#[test]
fn what_is_accepted_or_allowed_is_told_with_its_reason() {
    let folder = project();
    let output = scan(folder.path(), &["--write-baseline"]);
    assert_eq!(output.status.code(), Some(2));
    ends(&scan(folder.path(), &["--write-baseline", "--reason", "revoked in March"]), 0);
    let kept = fs::read_to_string(folder.path().join(".gabion/baseline.json")).expect("a baseline");
    assert!(kept.contains("revoked in March") && !kept.contains(&secret()));
    let text = ends(&scan(folder.path(), &["--all"]), 0);
    assert!(text.contains("allowed by the baseline") && text.contains("revoked in March"), "{text}");
    write(folder.path(), ".gabion/baseline.json", "{}");
    assert_eq!(scan(folder.path(), &[]).status.code(), Some(2));
    fs::remove_dir_all(folder.path().join(".gabion")).expect("removed");
    let line = format!("KEY = \"{}\"  # gabion:allow stripe the account is closed\n", secret());
    write(folder.path(), "settings.py", &line);
    let text = ends(&scan(folder.path(), &["--all"]), 0);
    assert!(text.contains("allowed by a comment") && text.contains("the account is closed"), "{text}");
}

#[test]
fn rules_are_listed_explained_begun_and_tested() {
    let folder = TempDir::new().expect("a temporary directory");
    let run = |arguments: &[&str]| gabion(folder.path()).args(arguments).output().expect("gabion runs");
    let list = ends(&run(&["rules", "list", "stripe"]), 0);
    assert!(list.contains("stripe.secret-key") && !list.contains("openai"), "{list}");
    let text = ends(&run(&["explain", "stripe.secret-key", "--language", "python"]), 0);
    assert!(text.contains("Vulnerable") && text.contains("Repaired") && text.contains("CWE-798"), "{text}");
    assert_eq!(run(&["explain", "stripe.secret-kex"]).status.code(), Some(2));
    let begun = ends(&run(&["rules", "new", "acme.token"]), 0);
    write(folder.path(), "mine/secrets/acme.toml", &begun);
    assert!(ends(&run(&["rules", "test", "mine"]), 0).contains("1 rules hold"));
    let broken = begun.replace("{32}", "{33}");
    write(folder.path(), "mine/secrets/acme.toml", &broken);
    assert!(ends(&run(&["rules", "test", "mine"]), 1).contains("does not fire on the vulnerable side"));
    write(folder.path(), "mine/secrets/acme.toml", &begun.replace("entropy", "entrapy"));
    assert!(String::from_utf8_lossy(&run(&["rules", "test", "mine"]).stderr).contains("entrapy"));
    write(folder.path(), "mine/secrets/acme.toml", &begun);
    write(folder.path(), "app.py", "token = \"acme_9vKq2LxT7bRw4ZsN8mJd3HfY6cPg1VtA\"\n");
    let text = ends(&scan(folder.path(), &["--rules", "mine", "--skip", "scan", "app.py"]), 1);
    assert!(text.contains("high[acme.token]"), "{text}");
}

#[test]
fn the_same_tree_gives_the_same_report_from_the_cache() {
    let folder = project();
    let report = || {
        let text = ends(&scan(folder.path(), &["--format", "json"]), 1);
        let lines: Vec<String> =
            text.lines().filter(|line| !line.contains("\"at\":")).map(str::to_owned).collect();
        lines
    };
    assert_eq!(report(), report());
}

#[test]
fn a_fix_is_shown_then_made_and_then_nothing_is_left() {
    let folder = TempDir::new().expect("a temporary directory");
    let before = "import yaml\n\ndef read(file):\n    return yaml.load(file, Loader=yaml.Loader)\n";
    write(folder.path(), "settings.py", before);
    let read = || fs::read_to_string(folder.path().join("settings.py")).expect("readable");
    let run = |more: &[&str]| {
        let mut arguments = vec!["settings.py", "--only", "python.yaml-load", "--fail-on", "medium"];
        arguments.extend(more);
        scan(folder.path(), &arguments)
    };
    let shown = run(&["--fix", "--dry-run"]);
    ends(&shown, 1);
    assert!(told(&shown).contains("+    return yaml.safe_load(file)"), "{}", told(&shown));
    assert_eq!(read(), before);
    let made = run(&["--fix"]);
    ends(&made, 0);
    assert!(told(&made).contains("changed"), "{}", told(&made));
    assert_eq!(read(), "import yaml\n\ndef read(file):\n    return yaml.safe_load(file)\n");
    assert!(told(&run(&["--fix"])).contains("no finding proposes a change"));
}

#[test]
fn a_rule_of_ones_own_finds_in_every_language() {
    let folder = TempDir::new().expect("a temporary directory");
    let begun = gabion(folder.path())
        .args(["rules", "new", "acme.connect", "--scanner", "code"])
        .output()
        .expect("gabion runs");
    let begun = ends(&begun, 0);
    let rule = begun.replace(
        "languages = [\"python\"]",
        "languages = [\"go\", \"java\", \"javascript\", \"python\", \"rust\", \"typescript\"]",
    );
    let rule = rule
        .replace(
            "path = \"acme.connect()\"",
            "path = [\"**.acme.connect()\", \"acme.connect()\", \"example.com/acme.connect()\"]",
        )
        .replace(
            "when = [{ named = \"token\", constant = true }]",
            "when = [{ argument = 0, named = \"token\", constant = true }]",
        );
    write(folder.path(), "mine/code/acme.toml", &rule);
    let files = [
        ("a.py", "import acme\nacme.connect(token='abc')\n", 2),
        ("a.js", "const acme = require('acme');\nacme.connect('abc');\n", 2),
        ("a.ts", "import acme from 'acme';\nacme.connect('abc');\n", 2),
        ("A.java", "import com.acme;\nclass A {\n  void f() { acme.connect(\"abc\"); }\n}\n", 3),
        ("a.go", "package a\n\nimport \"example.com/acme\"\n\nfunc f() { acme.connect(\"abc\") }\n", 5),
        ("a.rs", "fn f() {\n    acme::connect(\"abc\");\n}\n", 2),
    ];
    for (path, text, _) in files {
        write(folder.path(), &format!("src/{path}"), text);
    }
    let report =
        json(&scan(folder.path(), &["src", "--rules", "mine", "--only", "acme", "--format", "json"]), 1);
    let findings = report["findings"].as_array().expect("findings");
    let mut found: Vec<String> = findings
        .iter()
        .map(|one| format!("{}:{}", one["place"]["path"].as_str().unwrap_or_default(), one["place"]["line"]))
        .collect();
    found.sort();
    let mut expected: Vec<String> = files.iter().map(|(path, _, line)| format!("{path}:{line}")).collect();
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn archives_are_looked_into_when_asked_and_packs_are_names() {
    let folder = TempDir::new().expect("a temporary directory");
    write(folder.path(), "index.js", "console.log(1)\n");
    let file = fs::File::create(folder.path().join("release.zip")).expect("made");
    let mut archive = zip::ZipWriter::new(file);
    archive.start_file("config/app.py", zip::write::SimpleFileOptions::default()).expect("begun");
    std::io::Write::write_all(&mut archive, format!("STRIPE_SECRET_KEY = \"{}\"\n", secret()).as_bytes())
        .expect("written");
    archive.finish().expect("ended");
    ends(&scan(folder.path(), &["--no-advisories"]), 0);
    let text = ends(&scan(folder.path(), &["--archives"]), 1);
    assert!(text.contains("release.zip!/config/app.py:1:22") && !text.contains(&secret()), "{text}");
    assert!(text.contains("looked through for secrets: 1 texts in 1 archive"), "{text}");
    let report = json(&scan(folder.path(), &["--archives", "--format", "json"]), 1);
    assert_eq!(report["findings"][0]["properties"]["archive"], "release.zip");

    let listed = succeed(folder.path(), &["rules", "list", "nextjs-validator"]);
    for rule in ["nextjs.api.method-not-validated", "xss.markup", "crypto.weak-hash", "stripe.secret-key"] {
        assert!(listed.contains(rule), "{rule} in {listed}");
    }
    write(
        folder.path(),
        "app.js",
        "const crypto = require('crypto');\ncrypto.createHash('md5').update('x');\neval(location.hash);\n",
    );
    let report = json(
        &scan(folder.path(), &["--only", "nextjs-validator", "--format", "json", "--fail-on", "never"]),
        0,
    );
    let rules: Vec<_> =
        report["findings"].as_array().expect("a list").iter().map(|one| one["rule"].as_str()).collect();
    assert_eq!(rules, [Some("crypto.weak-hash")]);
}
