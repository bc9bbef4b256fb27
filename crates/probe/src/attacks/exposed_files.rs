//! Whether files lie open that belong to developers and operators: version control, settings, backups, dumps, keys, source maps,
//! pages of monitoring (CWE-538, CWE-552, OWASP A05:2021).
//!
//! 1. Well-known places are asked as nobody, and beside each script its source map, beside the first pages their backups.
//! 2. A status tells nothing: many an application answers 200 to everything. The content must be of the kind: a `.git/HEAD`
//!    names a branch, an `.env` has lines of names and values, an archive begins as one.
//! 3. Negative twin: a name beside it that nobody has must not have content of that kind. It is repeated.

use std::sync::LazyLock;

use gabion_model::Severity;
use gabion_model::outbound::BoxFuture;
use regex::bytes::Regex;

use super::{Attack, Phase, usable};
use crate::field::Field;
use crate::surface::html;
use crate::verdict::{Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

pub(super) struct ExposedFiles;

const ID: &str = "exposed-files";

impl Attack for ExposedFiles {
    fn id(&self) -> &'static str {
        ID
    }

    fn phase(&self) -> Phase {
        Phase::Look
    }

    fn run<'a>(&'a self, field: &'a Field) -> BoxFuture<'a, Result<(), WireError>> {
        Box::pin(run(field))
    }
}

/// A file: where it may be, what it is, how bad that is, and how its content looks.
struct Kind {
    paths: &'static [&'static str],
    what: &'static str,
    severity: Severity,
    content: Regex,
}

static KINDS: LazyLock<Vec<Kind>> = LazyLock::new(|| {
    let kind =
        |(paths, what, severity, content): &(&'static [&'static str], &'static str, Severity, &str)| {
            #[expect(clippy::expect_used, reason = "the expressions are constants and a test compiles them")]
            let content = Regex::new(content).expect("the expressions are well formed");
            Kind { paths, what, severity: *severity, content }
        };
    TABLE.iter().map(kind).collect()
});

/// Where nothing but the beginning counts: how archives, dumps and databases begin.
const ARCHIVE: &str = r"^(?-u:PK\x03\x04|\x1f\x8b\x08|BZh[1-9]1AY|\xFD7zXZ|7z\xBC\xAF|Rar!\x1A\x07)";

type Row = (&'static [&'static str], &'static str, Severity, &'static str);

const TABLE: &[Row] = &[
    (
        &["/.git/HEAD"],
        "the history of the source (git)",
        Severity::High,
        r"^(?:ref: refs/heads/[^\s]+|[0-9a-f]{40})\s*$",
    ),
    (
        &["/.git/config"],
        "the settings of the source's repository (git)",
        Severity::High,
        r"^\s*\[core\]\s*\n",
    ),
    (
        &["/.svn/entries", "/.svn/wc.db"],
        "the history of the source (Subversion)",
        Severity::High,
        r"^(?:\d+\s*\n\s*dir\n|SQLite format 3\x00)",
    ),
    (
        &["/.hg/requires"],
        "the history of the source (Mercurial)",
        Severity::High,
        r"^(?:dotencode|fncache|generaldelta|revlogv1|store)\n",
    ),
    (
        &["/.env", "/.env.local", "/.env.production", "/.env.bak", "/.env.old", "/api/.env"],
        "settings of the environment",
        Severity::Critical,
        r"(?m)^(?:export )?[A-Z][A-Z0-9_]{2,60}[ \t]*=[ \t]*[^\r\n<]*\r?$",
    ),
    (
        &["/.aws/credentials"],
        "keys of a cloud",
        Severity::Critical,
        r"(?m)^aws_(?:access_key_id|secret_access_key)\s*=",
    ),
    (
        &["/id_rsa", "/.ssh/id_rsa", "/server.key", "/privkey.pem"],
        "a private key",
        Severity::Critical,
        r"^-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----",
    ),
    (
        &["/.htpasswd"],
        "names and password hashes",
        Severity::High,
        r"(?m)^[^:\s<]{1,64}:(?:\$apr1\$|\$2[aby]\$|\{SHA\}|[./A-Za-z0-9]{13}\r?$)",
    ),
    (
        &["/.npmrc"],
        "a token of a package registry",
        Severity::High,
        r"(?m)^//[^\s]+:_(?:authToken|password)=",
    ),
    (
        &["/.docker/config.json", "/.dockercfg"],
        "credentials of an image registry",
        Severity::High,
        r#"^\s*\{[\s\S]{0,500}"auth"\s*:\s*""#,
    ),
    (
        &["/backup.zip", "/backup.tar.gz", "/backup.sql.gz", "/www.zip", "/site.tar.gz"],
        "a backup",
        Severity::High,
        ARCHIVE,
    ),
    (
        &["/dump.sql", "/backup.sql", "/database.sql", "/db.sql"],
        "a dump of the database",
        Severity::Critical,
        r"(?mi)^(?:-- (?:MySQL|PostgreSQL|MariaDB|phpMyAdmin|Dump)|CREATE TABLE |INSERT INTO |PRAGMA foreign_keys)",
    ),
    (
        &["/db.sqlite3", "/database.sqlite", "/data.db"],
        "a database",
        Severity::Critical,
        r"^SQLite format 3\x00",
    ),
    (
        &["/config.php.bak", "/wp-config.php.bak", "/index.php.bak", "/index.php~", "/web.config.bak"],
        "a backup of source code",
        Severity::High,
        r"^\s*<(?:\?php|\?xml[^>]*>\s*<configuration|configuration)",
    ),
    (&["/.DS_Store"], "a list of the files of a directory", Severity::Low, r"^\x00\x00\x00\x01Bud1"),
    (
        &["/phpinfo.php", "/info.php"],
        "the settings of PHP",
        Severity::Medium,
        r"<title>(?:PHP [^<]{0,30}- )?phpinfo\(\)</title>",
    ),
    (
        &["/server-status"],
        "the requests of others (Apache)",
        Severity::Medium,
        r"<h1>Apache Server Status for ",
    ),
    (
        &["/actuator/env"],
        "the environment (Spring Boot)",
        Severity::High,
        r#"^\s*\{[\s\S]{0,200}"(?:activeProfiles|propertySources)"\s*:"#,
    ),
    (
        &["/actuator/heapdump"],
        "the memory of the application (Spring Boot)",
        Severity::Critical,
        r"^(?-u:JAVA PROFILE 1\.|\x1f\x8b\x08)",
    ),
    (
        &["/actuator", "/manage"],
        "the operators' pages (Spring Boot)",
        Severity::Low,
        r#"^\s*\{"_links"\s*:\s*\{\s*"self""#,
    ),
    (&["/debug/pprof/"], "the profiler (Go)", Severity::Medium, r"<title>/debug/pprof/</title>"),
    (&["/debug/vars"], "variables of the process (Go)", Severity::Medium, r#"^\s*\{\s*"cmdline"\s*:\s*\["#),
    (
        &["/metrics", "/actuator/prometheus"],
        "metrics",
        Severity::Low,
        r"(?m)^# (?:HELP|TYPE) [a-zA-Z_:][a-zA-Z0-9_:]* ",
    ),
    (
        &["/telescope/requests"],
        "the requests of others (Laravel)",
        Severity::High,
        r"<title>Telescope</title>",
    ),
    (&["/_profiler/"], "the profiler (Symfony)", Severity::Medium, r"<title>Symfony Profiler</title>"),
    (&["/elmah.axd"], "errors of others (ASP.NET)", Severity::High, r"<title>[^<]*Error Log for "),
];

async fn run(field: &Field) -> Result<(), WireError> {
    let mut asked = 0_usize;
    let mut answers: std::collections::BTreeMap<String, Answer> = std::collections::BTreeMap::new();
    for kind in KINDS.iter() {
        for path in kind.paths {
            asked = asked.saturating_add(1);
            let Some(answer) = usable(field.request(0, &Request::get(path)).await)? else { continue };
            if fits(&answer, &kind.content)
                && look(field, path, kind.what, kind.severity, &kind.content, &answer).await?
            {
                break;
            }
            answers.insert((*path).to_owned(), answer);
        }
    }
    asked = asked.saturating_add(source_maps(field).await?);
    field.say(Outcome::new(ID, "", Verdict::Passed, format!("{asked} places have nothing of their kind")));
    Ok(())
}

fn fits(answer: &Answer, content: &Regex) -> bool {
    answer.status == 200 && content.is_match(&answer.body)
}

/// Looks again, and at a name beside it.
async fn look(
    field: &Field,
    path: &str,
    what: &str,
    severity: Severity,
    content: &Regex,
    answer: &Answer,
) -> Result<bool, WireError> {
    let beside = beside(path, &field.canary());
    let Some(twin) = usable(field.request(0, &Request::get(&beside)).await)? else { return Ok(false) };
    let Some(again) = usable(field.request(0, &Request::get(path)).await)? else { return Ok(false) };
    if fits(&twin, content) || !fits(&again, content) {
        return Ok(false);
    }
    let text =
        content.find(&answer.body).map(|found| String::from_utf8_lossy(found.as_bytes()).trim().to_owned());
    // Enough to know it by, and no value of a secret.
    let text: String =
        text.unwrap_or_default().split('=').next().unwrap_or_default().chars().take(40).collect();
    let proof = Proof::new(
        field.evidence(0, &Request::get(path), answer),
        format!("its content is of that kind: `{}`", text.escape_debug()),
    )
    .twin(field.evidence(0, &Request::get(&beside), &twin));
    let outcome =
        Outcome::new(ID, &format!("GET {path}"), Verdict::Proven, format!("anybody gets {what} at `{path}`"));
    field.say(outcome.severity(severity).proof(proof));
    Ok(true)
}

/// A name in the same place, with the same ending.
fn beside(path: &str, word: &str) -> String {
    let (directory, name) = path.trim_end_matches('/').rsplit_once('/').unwrap_or(("", path));
    match name.split_once('.').filter(|(stem, _)| !stem.is_empty()) {
        Some((_, ending)) => format!("{directory}/{word}.{ending}"),
        None => format!("{directory}/{word}"),
    }
}

/// Source maps of the scripts that pages load.
async fn source_maps(field: &Field) -> Result<usize, WireError> {
    #[expect(clippy::expect_used, reason = "the expression is a constant and a test compiles it")]
    static MAP: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"^\s*\{[\s\S]{0,100000}"sourcesContent"\s*:\s*\["#).expect("it is well formed")
    });
    let mut scripts: Vec<String> = Vec::new();
    for (who, path) in field.pages.iter().filter(|(who, _)| *who == 0).take(3) {
        let Some(page) = usable(field.request(*who, &Request::get(path)).await)? else { continue };
        for script in html::read(&page.text()).scripts {
            let own = field
                .wire
                .origin()
                .inside(path, &script)
                .map(|own| own.split('?').next().unwrap_or_default().to_owned());
            scripts.extend(own.filter(|own| own.ends_with(".js") && !scripts.contains(own)));
        }
    }
    scripts.truncate(8);
    for script in &scripts {
        let path = format!("{script}.map");
        let Some(answer) = usable(field.request(0, &Request::get(&path)).await)? else { continue };
        if fits(&answer, &MAP) {
            look(field, &path, "the source of a script", Severity::Low, &MAP, &answer).await?;
        }
    }
    Ok(scripts.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind_of(path: &str, content: &[u8]) -> bool {
        let kind = KINDS.iter().find(|kind| kind.paths.contains(&path)).unwrap();
        kind.content.is_match(content)
    }

    #[test]
    fn files_are_known_by_their_content() {
        assert!(kind_of("/.git/HEAD", b"ref: refs/heads/main\n"));
        assert!(kind_of("/.env", b"# settings\nDB_PASSWORD=x\n"));
        assert!(kind_of("/backup.zip", b"PK\x03\x04rest"));
        assert!(kind_of("/.DS_Store", b"\0\0\0\x01Bud1"));
        assert!(kind_of("/db.sqlite3", b"SQLite format 3\0"));
        for (path, page) in [
            ("/.git/HEAD", "<!doctype html><title>Shop</title>"),
            ("/.env", "<!doctype html>\n<a href=\"/?A=b\">x</a>"),
            ("/.env", "{\"error\":\"not found\"}"),
            ("/dump.sql", "<p>Insert into the cart</p>"),
            ("/metrics", "# Heading of a text"),
            ("/actuator/env", "{\"message\":\"env\"}"),
            ("/.htpasswd", "<a href=\"http://x\">home</a>"),
        ] {
            assert!(!kind_of(path, page.as_bytes()), "{path} {page}");
        }
    }

    #[test]
    fn a_name_beside_it_has_the_same_ending() {
        assert_eq!(beside("/backup.tar.gz", "x"), "/x.tar.gz");
        assert_eq!(beside("/.git/HEAD", "x"), "/.git/x");
        assert_eq!(beside("/.env", "x"), "/x");
    }
}
