//! The table `[ledger.archive]`.

use std::path::PathBuf;

use gabion_model::{Period, Problem};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where finished segments are copied to: a directory, or a bucket of Amazon S3 or of a server that speaks like it. What was
/// copied is never written again.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ArchiveSettings {
    /// The directory, best on another machine's disk; nobody else writes there. A relative path counts from the configuration
    /// file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory: Option<PathBuf>,
    /// The server, for instance `https://s3.eu-central-1.amazonaws.com`; `https`, or `http` to this machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket: Option<String>,
    /// What the names of all objects begin with; a `/` is put behind it. Each gate has its own.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub prefix: String,
    /// For the signature of requests.
    pub region: String,
    /// Whether the bucket stands in the path (`https://server/bucket/`) and not in the name (`https://bucket.server/`).
    pub path_style: bool,
    /// The id of the access key. It needs `s3:GetObject`, `s3:PutObject` and `s3:ListBucket`, and nothing that deletes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_key_id: Option<String>,
    /// The file with the secret access key on one line. Read again each time something is copied. A relative path counts from
    /// the configuration file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_key_file: Option<PathBuf>,
    /// The file with the session token, for credentials that expire. Read again each time. A relative path counts from the
    /// configuration file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_token_file: Option<PathBuf>,
    /// Certificates in PEM form of authorities that are believed beside those of the machine. A relative path counts from
    /// the configuration file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// Whether `keep` removes a segment only once it is in the archive. While the archive cannot be reached, the disk fills.
    pub keep_until_archived: bool,
    /// Whether each object is read back and compared before a segment counts as archived.
    pub read_back: bool,
    /// How long each object is locked against removal by anybody (S3 Object Lock, mode compliance); the bucket must allow it.
    /// At most 100 years.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lock: Option<Period>,
    /// How long one answer may be waited for. A segment may take longer, by its size. Between 1 second and 5 minutes.
    pub timeout: Period,
    /// After how long without a copy that should be there an event says so. Between 10 seconds and 7 days.
    pub alarm: Period,
}

impl Default for ArchiveSettings {
    fn default() -> Self {
        Self {
            directory: None,
            endpoint: None,
            bucket: None,
            prefix: String::new(),
            region: "us-east-1".to_owned(),
            path_style: true,
            access_key_id: None,
            secret_key_file: None,
            session_token_file: None,
            ca_file: None,
            keep_until_archived: true,
            read_back: true,
            lock: None,
            timeout: Period::from_secs(30),
            alarm: Period::from_secs(3600),
        }
    }
}

impl ArchiveSettings {
    /// Everything that is wrong with the values but for the address, paths relative to this table.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let by_s3 = [
            ("endpoint", self.endpoint.is_some(), true),
            ("bucket", self.bucket.is_some(), true),
            ("access_key_id", self.access_key_id.is_some(), true),
            ("secret_key_file", self.secret_key_file.is_some(), true),
            ("prefix", !self.prefix.is_empty(), false),
            ("session_token_file", self.session_token_file.is_some(), false),
            ("ca_file", self.ca_file.is_some(), false),
            ("lock", self.lock.is_some(), false),
        ];
        if self.directory.is_some() {
            for (key, is_there, _) in by_s3 {
                if is_there {
                    problems.push(Problem::new(key, "means nothing for an archive in a `directory`"));
                }
            }
        } else if self.endpoint.is_none() {
            problems.push(
                Problem::new("", "does not say where: neither `directory` nor `endpoint`")
                    .hint("for instance `directory = \"/mnt/archive/ledger\"`"),
            );
        } else {
            for (key, is_there, is_asked) in by_s3 {
                if is_asked && !is_there {
                    problems.push(Problem::new(key, "is missing"));
                }
            }
        }
        if let Some(bucket) = &self.bucket
            && !is_bucket(bucket)
        {
            let problem = Problem::new("bucket", "is no name of a bucket");
            problems.push(problem.hint("3 to 63 lower-case letters, digits, `-` and `.`"));
        }
        if !is_prefix(&self.prefix) {
            let problem = Problem::new("prefix", "cannot be used");
            problems.push(
                problem.hint("letters, digits, `-`, `_`, `.` and `/` between them, for instance `gates/one`"),
            );
        }
        let is_word = |text: &str| {
            (1..=128).contains(&text.len())
                && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/')
        };
        if !is_word(&self.region) {
            problems.push(Problem::new("region", "is no region").hint("for instance `eu-central-1`"));
        }
        if self.access_key_id.as_deref().is_some_and(|id| !is_word(id) || id.contains(',')) {
            problems.push(Problem::new("access_key_id", "is no id of an access key"));
        }
        let day = 86_400;
        for (path, value, least, most) in [
            ("lock", self.lock, day, 36_525 * day),
            ("timeout", Some(self.timeout), 1, 300),
            ("alarm", Some(self.alarm), 10, 7 * day),
        ] {
            let (least, most) = (Period::from_secs(least), Period::from_secs(most));
            if let Some(value) = value.filter(|value| !(least..=most).contains(value)) {
                problems.push(Problem::new(path, format!("`{value}` is not between {least} and {most}")));
            }
        }
        problems
    }
}

fn is_bucket(name: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
    (3..=63).contains(&name.len())
        && name.bytes().all(is_part)
        && name.split('.').all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'))
}

fn is_prefix(prefix: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let is_segment = |segment: &str| {
        !segment.is_empty() && segment != "." && segment != ".." && segment.bytes().all(is_part)
    };
    prefix.is_empty() || (prefix.len() <= 200 && prefix.split('/').all(is_segment))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s3() -> ArchiveSettings {
        ArchiveSettings {
            endpoint: Some("https://s3.example".to_owned()),
            bucket: Some("ledger".to_owned()),
            access_key_id: Some("AKIDEXAMPLE".to_owned()),
            secret_key_file: Some(PathBuf::from("s3.secret")),
            ..ArchiveSettings::default()
        }
    }

    fn paths(settings: &ArchiveSettings) -> Vec<String> {
        settings.problems().into_iter().map(|problem| problem.path).collect()
    }

    #[test]
    fn an_archive_is_one_place_said_whole() {
        let none: Vec<String> = Vec::new();
        assert_eq!(paths(&s3()), none);
        let directory =
            ArchiveSettings { directory: Some(PathBuf::from("archive")), ..ArchiveSettings::default() };
        assert_eq!(paths(&directory), none);
        assert_eq!(paths(&ArchiveSettings::default()), [""]);
        assert_eq!(
            paths(&ArchiveSettings { bucket: None, access_key_id: None, ..s3() }),
            ["bucket", "access_key_id"]
        );
        let both = ArchiveSettings { directory: directory.directory, ..s3() };
        assert_eq!(paths(&both), ["endpoint", "bucket", "access_key_id", "secret_key_file"]);
    }

    #[test]
    fn names_that_mean_something_elsewhere_are_refused() {
        for prefix in ["/a", "a/", "a//b", "..", "a/../b", "a b", "ä", "a?b", "a%2f"] {
            assert_eq!(paths(&ArchiveSettings { prefix: prefix.to_owned(), ..s3() }), ["prefix"], "{prefix}");
        }
        for bucket in ["ab", "Ledger", "a..b", "-ab", "a/b", "a_b"] {
            let bucket = Some(bucket.to_owned());
            assert_eq!(paths(&ArchiveSettings { bucket, ..s3() }), ["bucket"]);
        }
        let wrong = ArchiveSettings {
            region: "a/b".to_owned(),
            timeout: Period::from_secs(0),
            lock: Some(Period::from_secs(1)),
            ..s3()
        };
        assert_eq!(paths(&wrong), ["region", "lock", "timeout"]);
    }
}
