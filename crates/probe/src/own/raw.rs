//! A request as a text: request line, fields, an empty line, the body.

use crate::wire::Request;

/// The most fields.
const FIELDS: usize = 200;

/// Reads it. Lines end with `\n` or `\r\n`; what stands in them is kept as it is. The version is left out, and so is the length of
/// the body where it is said: it is counted anew, since values were filled in meanwhile.
///
/// # Errors
/// In words.
pub(crate) fn read(text: &[u8]) -> Result<Request, String> {
    let start = text.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(text.len());
    let text = text.get(start..).unwrap_or_default();
    let (head, body) = split(text);
    let head = String::from_utf8_lossy(head);
    let mut lines = head.lines();
    let first = lines.next().unwrap_or_default().trim_end();
    let (method, rest) =
        first.split_once(' ').ok_or_else(|| format!("`{}` is no request line", brief(first)))?;
    let target = match rest.trim_end().rsplit_once(' ') {
        Some((target, version)) if version.starts_with("HTTP/") => target,
        _ => rest,
    };
    // Templates leave it out for the first page.
    let target = Some(target.trim()).filter(|target| !target.is_empty()).unwrap_or("/");
    if method.is_empty() {
        return Err(format!("`{}` is no request line", brief(first)));
    }
    let mut request = Request::new(method, target);
    for line in lines {
        if request.headers.len() >= FIELDS {
            return Err(format!("it has more than {FIELDS} fields"));
        }
        let Some((name, value)) = line.split_once(':') else {
            return Err(format!("`{}` is no field", brief(line)));
        };
        if !name.eq_ignore_ascii_case("content-length") {
            request.headers.push((name.to_owned(), value.trim().to_owned()));
        }
    }
    // The last line end is that of the file.
    request.body = body.strip_suffix(b"\n").unwrap_or(body).to_vec();
    Ok(request)
}

fn split(text: &[u8]) -> (&[u8], &[u8]) {
    for end in [&b"\r\n\r\n"[..], b"\n\n"] {
        if let Some(at) = memchr::memmem::find(text, end) {
            let (head, rest) = text.split_at(at.min(text.len()));
            return (head, rest.get(end.len()..).unwrap_or_default());
        }
    }
    (text, &[])
}

fn brief(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_as_they_stand() {
        let request =
            read(b"POST /a/../b?x=1 2 HTTP/1.1\nHost: other\nX: 1\nX: 2\nContent-Length: 99\n\na=1\n\nb\n")
                .unwrap();
        assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/a/../b?x=1 2"));
        assert_eq!(request.headers.len(), 3);
        assert_eq!(request.body, b"a=1\n\nb");
        assert_eq!(read(b"GET /").unwrap().target, "/");
        assert_eq!(read(b"GET  HTTP/1.1\nHost: a").unwrap().target, "/");
        for text in ["", "GET", "GET / HTTP/1.1\nno field"] {
            assert!(read(text.as_bytes()).is_err(), "{text}");
        }
    }
}
