//! Signatures of requests to Amazon S3 and to what speaks like it (AWS Signature Version 4, algorithm `AWS4-HMAC-SHA256`, with
//! the signature in the field `Authorization`).
//!
//! The canonical request is method, path, query, fields, the fields' names and the SHA-256 of the body, a line each; what is
//! signed is the SHA-256 of that behind the time and the scope. Path and query are taken as they are sent: the caller has
//! encoded them once, and S3 does not encode a path again.

use gabion_model::{Secret, Timestamp};

use crate::digest::{hmac_sha256, sha256};
use crate::encoding::hex_encode;

/// An access key.
#[derive(Debug, Clone)]
pub struct Credentials {
    pub id: String,
    pub secret: Secret<String>,
}

/// Where a signature counts.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// For instance `eu-central-1`.
    pub region: &'a str,
    /// For instance `s3`.
    pub service: &'a str,
}

/// What is signed.
#[derive(Debug, Clone, Copy)]
pub struct Unsigned<'a> {
    pub method: &'a str,
    /// As it is sent.
    pub path: &'a str,
    /// As it is sent, without the question mark.
    pub query: &'a str,
    /// Every field that is signed, `host` and `x-amz-date` among them; names in lower case.
    pub fields: &'a [(String, String)],
    /// The SHA-256 of the body, in hexadecimal.
    pub body: &'a str,
}

/// The time as the field `x-amz-date` has it: `20150830T123600Z`.
#[must_use]
pub fn date(at: Timestamp) -> String {
    let text = at.to_string();
    let whole = text.split('.').next().unwrap_or_default();
    let mut date: String = whole.chars().filter(|char| !matches!(char, '-' | ':')).collect();
    date.push('Z');
    date
}

/// The value of the field `authorization`. `date` is what the field `x-amz-date` says.
#[must_use]
pub fn authorization(
    request: &Unsigned<'_>,
    credentials: &Credentials,
    scope: Scope<'_>,
    date: &str,
) -> String {
    let day = date.split('T').next().unwrap_or_default();
    let scoped = format!("{day}/{}/{}/aws4_request", scope.region, scope.service);
    let (canonical, names) = canonical(request);
    let text = format!("{ALGORITHM}\n{date}\n{scoped}\n{}", hex_encode(&sha256(canonical.as_bytes())));
    let first = Secret::new(format!("AWS4{}", credentials.secret.expose()).into_bytes());
    let parts = [day, scope.region, scope.service, "aws4_request"];
    let key = parts
        .iter()
        .fold(first, |key, part| Secret::new(hmac_sha256(key.expose(), part.as_bytes()).to_vec()));
    let signature = hex_encode(&hmac_sha256(key.expose(), text.as_bytes()));
    format!(
        "{ALGORITHM} Credential={}/{scoped}, SignedHeaders={names}, Signature={signature}",
        credentials.id
    )
}

/// The canonical request, and the names of its fields.
fn canonical(request: &Unsigned<'_>) -> (String, String) {
    let mut fields: Vec<(String, String)> = Vec::new();
    let mut sorted: Vec<&(String, String)> = request.fields.iter().collect();
    sorted.sort_by(|left, right| left.0.cmp(&right.0));
    for (name, value) in sorted {
        let value = value.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        match fields.last_mut() {
            Some((last, values)) if last == name => {
                values.push(',');
                values.push_str(&value);
            }
            _ => fields.push((name.clone(), value)),
        }
    }
    let names = fields.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(";");
    let lines: String = fields.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let mut parts: Vec<(&str, &str)> = request
        .query
        .split('&')
        .filter(|part| !part.is_empty())
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .collect();
    parts.sort_unstable();
    let query = parts.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
    let (method, path, body) = (request.method, request.path, request.body);
    (format!("{method}\n{path}\n{query}\n{lines}\n{names}\n{body}"), names)
}

/// A part of a path or a query, every byte that is not unreserved (RFC 3986, 2.3) as `%XX`.
#[must_use]
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&hex_encode(&[byte]).to_ascii_uppercase());
        }
    }
    out
}

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn signature(
        (method, path, query): (&str, &str, &str),
        fields: &[(&str, &str)],
        body: &str,
        (id, secret, service): (&str, &str, &str),
        date: &str,
    ) -> String {
        let fields: Vec<_> =
            fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let request = Unsigned { method, path, query, fields: &fields, body };
        let credentials = Credentials { id: id.to_owned(), secret: Secret::new(secret.to_owned()) };
        let scope = Scope { region: "us-east-1", service };
        let whole = authorization(&request, &credentials, scope, date);
        whole.rsplit_once("Signature=").unwrap().1.to_owned()
    }

    /// Name; method, path and query; headers; the signature.
    type Row = (&'static str, Asked, &'static [(&'static str, &'static str)], &'static str);
    type Asked = (&'static str, &'static str, &'static str);

    /// The signature suite that AWS publishes (`aws-sig-v4-test-suite`): the cases whose request is one S3 could be sent.
    #[test]
    fn the_published_suite() {
        let key = ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "service");
        let usual = [("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z")];
        let rows: &[Row] = &[
            (
                "get-vanilla",
                ("GET", "/", ""),
                &[],
                "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
            ),
            (
                "get-vanilla-query-order-key-case",
                ("GET", "/", "Param2=value2&Param1=value1"),
                &[],
                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
            ),
            (
                "get-header-value-trim",
                ("GET", "/", ""),
                &[("my-header1", " value1"), ("my-header2", " \"a   b   c\"")],
                "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
            ),
            (
                "post-vanilla",
                ("POST", "/", ""),
                &[],
                "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
            ),
        ];
        for (name, line, more, expected) in rows {
            let fields: Vec<_> = usual.iter().chain(*more).copied().collect();
            assert_eq!(signature(*line, &fields, NOTHING, key, "20150830T123600Z"), *expected, "{name}");
        }
    }

    /// The examples in Amazon's description of S3's API ("Authenticating requests: using the Authorization header").
    #[test]
    fn the_examples_of_the_s3_documentation() {
        let key = ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "s3");
        let at = "20130524T000000Z";
        let host = ("host", "examplebucket.s3.amazonaws.com");
        let usual = [host, ("x-amz-content-sha256", NOTHING), ("x-amz-date", at)];
        let get = |path, query, more: &[(&str, &str)]| {
            let fields: Vec<_> = usual.iter().chain(more).copied().collect();
            signature(("GET", path, query), &fields, NOTHING, key, at)
        };
        assert_eq!(
            get("/test.txt", "", &[("range", "bytes=0-9")]),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        );
        assert_eq!(
            get("/", "lifecycle", &[]),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
        );
        assert_eq!(
            get("/", "max-keys=2&prefix=J", &[]),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
        );
        let body = hex_encode(&sha256(b"Welcome to Amazon S3."));
        let fields = [
            ("date", "Fri, 24 May 2013 00:00:00 GMT"),
            host,
            ("x-amz-content-sha256", body.as_str()),
            ("x-amz-date", at),
            ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
        ];
        assert_eq!(
            signature(("PUT", "/test%24file.text", ""), &fields, &body, key, at),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
        );
    }

    #[test]
    fn dates_and_escapes_are_spelt_as_the_signature_wants_them() {
        assert_eq!(date(Timestamp::from_secs(1_440_938_160)), "20150830T123600Z");
        assert_eq!(encode("a b/ä~"), "a%20b%2F%C3%A4~");
    }
}
