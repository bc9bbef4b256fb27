//! An archive in a bucket of Amazon S3, or of a server that speaks like it (`PutObject`, `GetObject`, `ListObjectsV2`; AWS
//! Signature Version 4).
//!
//! An object is put with `If-None-Match: *`, so that none is ever replaced; what it is, is signed (`x-amz-content-sha256`) and
//! kept with it (`x-amz-checksum-sha256`). A segment is at most 2 GiB and goes in one request. Redirects are not followed: a
//! bucket of another region is a wrong setting.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use gabion_egress::{
    Client, EgressSettings, Pieces, Scheme, Target as Address, Transfer, TransferMethod, TransferRequest,
};
use gabion_ledger::{ArchiveSettings, SegmentId};
use gabion_model::outbound::FetchError;
use gabion_model::{Clock, Period, Secret};
use gabion_vault::encoding::{base64_encode, hex_encode};
use gabion_vault::sha256;
use gabion_vault::sigv4::{self, Credentials, Scope, Unsigned};

use super::target::{MANIFESTS, Object, Put, Take, told};
use super::{ArchiveError, ArchiveSetupError};

#[derive(Debug)]
pub(super) struct S3Target {
    client: Client,
    clock: Arc<dyn Clock>,
    /// With the bucket, without a final `/`.
    base: String,
    prefix: String,
    region: String,
    id: String,
    secret_file: PathBuf,
    token_file: Option<PathBuf>,
    timeout: Duration,
    lock: Option<Duration>,
}

impl S3Target {
    pub(super) fn new(settings: &ArchiveSettings, clock: Arc<dyn Clock>) -> Result<Self, ArchiveSetupError> {
        let missing = ArchiveSetupError::Missing;
        let endpoint = settings.endpoint.as_deref().ok_or(missing("endpoint"))?;
        let bucket = settings.bucket.as_deref().ok_or(missing("bucket"))?;
        let base = base(endpoint, bucket, settings.path_style)?;
        let address = Address::parse(&base).map_err(|refusal| ArchiveSetupError::Url(refusal.to_string()))?;
        let egress = EgressSettings {
            allow: vec![address.authority.to_string()],
            ca_file: settings.ca_file.clone(),
            ..EgressSettings::default()
        };
        let prefix = &settings.prefix;
        Ok(Self {
            client: Client::new(&egress)?,
            clock,
            base,
            prefix: if prefix.is_empty() { String::new() } else { format!("{prefix}/") },
            region: settings.region.clone(),
            id: settings.access_key_id.clone().ok_or(missing("access_key_id"))?,
            secret_file: settings.secret_key_file.clone().ok_or(missing("secret_key_file"))?,
            token_file: settings.session_token_file.clone(),
            timeout: settings.timeout.as_duration(),
            lock: settings.lock.map(Period::as_duration),
        })
    }

    pub(super) fn name(&self) -> String {
        format!("{}/{}", self.base, self.prefix)
    }

    pub(super) async fn put(&self, name: &str, object: Object) -> Result<Put, ArchiveError> {
        let length = object.content.length();
        let mut fields = vec![
            ("content-type".to_owned(), "application/octet-stream".to_owned()),
            ("if-none-match".to_owned(), "*".to_owned()),
            ("x-amz-checksum-sha256".to_owned(), base64_encode(&object.sha256)),
        ];
        if let Some(lock) = self.lock {
            let until = self.clock.now().saturating_add(lock);
            fields.push(("x-amz-object-lock-mode".to_owned(), "COMPLIANCE".to_owned()));
            fields.push(("x-amz-object-lock-retain-until-date".to_owned(), seconds(until)));
        }
        let pieces = Pieces { length, pieces: object.content.stream() };
        let body = Some((pieces, hex_encode(&object.sha256)));
        let answer = self.send(name, "", fields, body, length).await?;
        match answer.status {
            200 | 201 | 204 => Ok(Put::Made),
            412 => Ok(Put::There),
            _ => Err(refused(answer).await),
        }
    }

    pub(super) async fn read(&self, name: &str, most: u64, take: Take<'_>) -> Result<bool, ArchiveError> {
        let mut answer = self.send(name, "", Vec::new(), None, most).await?;
        match answer.status {
            200 => {}
            404 => return Ok(false),
            _ => return Err(refused(answer).await),
        }
        if answer.headers.iter().any(|(name, value)| name == "content-encoding" && value != "identity") {
            return Err(ArchiveError::Wrong(name.to_owned()));
        }
        let mut left = most;
        while let Some(piece) = answer.next().await? {
            left =
                left.checked_sub(piece.len() as u64).ok_or_else(|| ArchiveError::Wrong(name.to_owned()))?;
            take(&piece)?;
        }
        Ok(true)
    }

    pub(super) async fn segments(&self) -> Result<Vec<SegmentId>, ArchiveError> {
        let folder = format!("{}{MANIFESTS}/", self.prefix);
        let mut segments: Vec<SegmentId> = Vec::new();
        loop {
            let mut query = format!("list-type=2&max-keys=1000&prefix={}", sigv4::encode(&folder));
            if let Some(last) = segments.last() {
                let behind = format!("{}{}", self.prefix, super::target::manifest(*last));
                query.push_str(&format!("&start-after={}", sigv4::encode(&behind)));
            }
            let answer = self.send("", &query, Vec::new(), None, LISTING as u64).await?;
            if answer.status != 200 {
                return Err(refused(answer).await);
            }
            let page = answer.whole(LISTING).await?;
            let before = segments.len();
            let mut new = listed(&page.body, &folder);
            new.retain(|segment| segments.last().is_none_or(|last| segment > last));
            segments.append(&mut new);
            if segments.len() == before || segments.len() > MOST {
                return Ok(segments);
            }
        }
    }

    async fn send(
        &self,
        name: &str,
        query: &str,
        mut fields: Vec<(String, String)>,
        body: Option<(Pieces, String)>,
        bytes: u64,
    ) -> Result<Transfer, ArchiveError> {
        let path = if name.is_empty() { String::new() } else { format!("{}{name}", self.prefix) };
        let question = if query.is_empty() { String::new() } else { format!("?{query}") };
        let url = format!("{}/{path}{question}", self.base);
        let address = Address::parse(&url).map_err(|refusal| FetchError::Forbidden(refusal.to_string()))?;
        let credentials = Credentials { id: self.id.clone(), secret: secret(&self.secret_file)? };
        let date = sigv4::date(self.clock.now());
        let (body, sum) =
            body.map_or_else(|| (None, hex_encode(&sha256(&[]))), |(body, sum)| (Some(body), sum));
        fields.push(("x-amz-content-sha256".to_owned(), sum.clone()));
        fields.push(("x-amz-date".to_owned(), date.clone()));
        let token = self.token_file.as_deref().map(secret).transpose()?;
        if let Some(token) = &token {
            fields.push(("x-amz-security-token".to_owned(), token.expose().clone()));
        }
        let mut signed = fields.clone();
        signed.push(("host".to_owned(), address.host()));
        let path = address.path.split('?').next().unwrap_or_default();
        let method = if body.is_some() { "PUT" } else { "GET" };
        let unsigned = Unsigned { method, path, query, fields: &signed, body: &sum };
        let scope = Scope { region: &self.region, service: "s3" };
        let authorization = sigv4::authorization(&unsigned, &credentials, scope, &date);
        let mut headers: Vec<_> =
            fields.into_iter().map(|(name, value)| (name, Secret::new(value))).collect();
        headers.push(("authorization".to_owned(), Secret::new(authorization)));
        let method = if body.is_some() { TransferMethod::Put } else { TransferMethod::Get };
        // Whoever is slower than this is as good as away.
        let slow = Duration::from_secs(bytes / SLOWEST);
        let deadline = self.timeout.saturating_add(slow);
        let request = TransferRequest { method, url, headers, body, silence: self.timeout, deadline };
        Ok(self.client.transfer(request).await?)
    }
}

/// Where the objects of a bucket are: in its path, or at a name of its own.
fn base(endpoint: &str, bucket: &str, path_style: bool) -> Result<String, ArchiveSetupError> {
    let wrong = |reason: &str| ArchiveSetupError::Url(reason.to_owned());
    let endpoint = endpoint.trim_end_matches('/');
    let address = Address::parse(endpoint).map_err(|refusal| ArchiveSetupError::Url(refusal.to_string()))?;
    if address.path != "/" || endpoint.contains(['?', '#']) {
        return Err(wrong("it has a path or a query: name the server alone"));
    }
    if address.scheme == Scheme::Http && !crate::sinks::is_this_machine(&address.authority.host) {
        return Err(wrong("it is not `https`"));
    }
    if path_style {
        return Ok(format!("{endpoint}/{bucket}"));
    }
    let (scheme, rest) = endpoint.split_once("://").ok_or_else(|| wrong("it has no scheme"))?;
    Ok(format!("{scheme}://{bucket}.{rest}"))
}

/// What is wrong with the address.
pub(super) fn problem(settings: &ArchiveSettings) -> Option<String> {
    let endpoint = settings.endpoint.as_deref()?;
    match base(endpoint, settings.bucket.as_deref().unwrap_or("bucket"), settings.path_style) {
        Err(ArchiveSetupError::Url(reason)) => Some(reason),
        _ => None,
    }
}

/// A secret on one line.
fn secret(path: &Path) -> Result<Secret<String>, ArchiveError> {
    let refused = |reason: String| ArchiveError::Secret { path: path.to_owned(), reason };
    let mut text = String::new();
    let file = fs::File::open(path).map_err(|error| refused(error.to_string()))?;
    file.take(LONGEST_SECRET).read_to_string(&mut text).map_err(|error| refused(error.to_string()))?;
    let text = Secret::new(text);
    let line = text.expose().trim();
    if line.is_empty() || !line.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(refused("one line of printable ASCII".to_owned()));
    }
    Ok(Secret::new(line.to_owned()))
}

/// `2026-01-02T03:04:05Z`
fn seconds(at: gabion_model::Timestamp) -> String {
    let text = at.to_string();
    format!("{}Z", text.split('.').next().unwrap_or_default())
}

async fn refused(answer: Transfer) -> ArchiveError {
    let status = answer.status;
    // Why is a courtesy; that it is refused is the answer.
    let body = answer.whole(ERROR).await.map(|answer| answer.body).unwrap_or_default();
    let text = String::from_utf8_lossy(&body).into_owned();
    let code = between(&text, "Code").next().unwrap_or_default();
    let is_word = code.len() <= 64 && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    ArchiveError::Status { status, code: if is_word { code.to_owned() } else { String::new() } }
}

/// The segments whose manifests a page of a listing names.
fn listed(page: &[u8], folder: &str) -> Vec<SegmentId> {
    let text = String::from_utf8_lossy(page);
    let mut segments: Vec<_> =
        between(&text, "Key").filter_map(|key| told(key.strip_prefix(folder)?)).collect();
    segments.sort_unstable();
    segments.dedup();
    segments
}

/// What stands between the tags of a name. Nothing here has a character that XML writes otherwise.
fn between<'a>(text: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let mut rest = text;
    std::iter::from_fn(move || {
        let (_, behind) = rest.split_once(&open)?;
        let (inside, behind) = behind.split_once(&close)?;
        rest = behind;
        Some(inside)
    })
}

/// Bytes in a second.
const SLOWEST: u64 = 64 << 10;
/// Bytes of a page of a listing, and of an error.
const LISTING: usize = 4 << 20;
const ERROR: usize = 64 << 10;
/// Segments in one archive.
const MOST: usize = 100_000;
const LONGEST_SECRET: u64 = 16 << 10;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_bucket_stands_in_the_path_or_in_the_name() {
        let at =
            |endpoint, path_style| base(endpoint, "ledger", path_style).map_err(|error| error.to_string());
        assert_eq!(at("https://s3.example/", true).unwrap(), "https://s3.example/ledger");
        assert_eq!(at("https://s3.example:8443", false).unwrap(), "https://ledger.s3.example:8443");
        assert_eq!(at("http://127.0.0.1:9000", true).unwrap(), "http://127.0.0.1:9000/ledger");
        for wrong in [
            "http://s3.example",
            "https://s3.example/path",
            "https://s3.example/?x",
            "https://a@s3.example",
            "s3.example",
            "ftp://s3.example",
        ] {
            assert!(at(wrong, true).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_listing_is_read_for_our_names_alone() {
        let page = "<?xml version=\"1.0\"?><ListBucketResult><Name>ledger</Name><Contents><Key>one/manifests/00000000000000000002.json</Key>\
                    <Size>3</Size></Contents><Contents><Key>one/manifests/00000000000000000001.json</Key></Contents>\
                    <Contents><Key>one/manifests/../x</Key></Contents><Contents><Key>two/manifests/00000000000000000009.json</Key>\
                    </Contents><Contents><Key>one/manifests/1.json</Key></Contents><Key>cut";
        assert_eq!(listed(page.as_bytes(), "one/manifests/"), [SegmentId(1), SegmentId(2)]);
    }

    proptest! {
        #[test]
        fn any_page_is_read(page in prop::collection::vec(any::<u8>(), 0..500), key in "(</?Key>|[0-9.a-z/]){0,20}") {
            let _ = listed(&page, "");
            let _ = listed(key.as_bytes(), "manifests/");
        }
    }
}
