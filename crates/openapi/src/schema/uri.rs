//! References against a base (RFC 3986 §5.2), for names with and without a scheme.

/// A URI reference in its parts (RFC 3986 appendix B).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Parts<'a> {
    scheme: Option<&'a str>,
    authority: Option<&'a str>,
    path: &'a str,
    query: Option<&'a str>,
}

/// The part before `#`, and the fragment.
pub(super) fn split_fragment(reference: &str) -> (&str, &str) {
    reference.split_once('#').unwrap_or((reference, ""))
}

fn parts(text: &str) -> Parts<'_> {
    let (scheme, rest) = match text.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => (Some(scheme), rest),
        _ => (None, text),
    };
    let (rest, query) = match rest.split_once('?') {
        Some((rest, query)) => (rest, Some(query)),
        None => (rest, None),
    };
    let (authority, path) = match rest.strip_prefix("//") {
        Some(rest) => {
            let end = rest.find('/').unwrap_or(rest.len());
            let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
            (Some(authority), path)
        }
        None => (None, rest),
    };
    Parts { scheme, authority, path, query }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

/// `reference`, without a fragment, seen from `base`.
pub(super) fn resolve(base: &str, reference: &str) -> String {
    if reference.is_empty() {
        return base.to_owned();
    }
    let (base, reference) = (parts(base), parts(reference));
    if reference.scheme.is_some() {
        return joined(reference.scheme, reference.authority, &without_dots(reference.path), reference.query);
    }
    if reference.authority.is_some() {
        return joined(base.scheme, reference.authority, &without_dots(reference.path), reference.query);
    }
    if reference.path.is_empty() {
        return joined(base.scheme, base.authority, base.path, reference.query.or(base.query));
    }
    let path = if reference.path.starts_with('/') {
        without_dots(reference.path)
    } else if base.authority.is_some() && base.path.is_empty() {
        without_dots(&format!("/{}", reference.path))
    } else {
        let folder = base.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let slash = if base.path.contains('/') { "/" } else { "" };
        without_dots(&format!("{folder}{slash}{}", reference.path))
    };
    joined(base.scheme, base.authority, &path, reference.query)
}

fn joined(scheme: Option<&str>, authority: Option<&str>, path: &str, query: Option<&str>) -> String {
    let mut text = String::new();
    if let Some(scheme) = scheme {
        text.push_str(scheme);
        text.push(':');
    }
    if let Some(authority) = authority {
        text.push_str("//");
        text.push_str(authority);
    }
    text.push_str(path);
    if let Some(query) = query {
        text.push('?');
        text.push_str(query);
    }
    text
}

/// RFC 3986 §5.2.4; a relative path keeps no leading `..`.
fn without_dots(path: &str) -> String {
    if !path.split('/').any(|step| step == "." || step == "..") {
        return path.to_owned();
    }
    let rooted = path.starts_with('/');
    let mut steps: Vec<&str> = Vec::new();
    let mut open = false;
    for step in path.split('/').skip(usize::from(rooted)) {
        open = matches!(step, "." | "..");
        match step {
            "." => {}
            ".." => {
                steps.pop();
            }
            other => steps.push(other),
        }
    }
    let mut text = String::from(if rooted { "/" } else { "" });
    text.push_str(&steps.join("/"));
    if open && !text.ends_with('/') && !text.is_empty() {
        text.push('/');
    }
    text
}

/// A fragment without its percent-encoding (RFC 6901 §6). `None` where it is broken or not UTF-8.
pub(super) fn percent_decoded(text: &str) -> Option<String> {
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        bytes.push(u8::try_from(digit()? * 16 + digit()?).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_resolve_as_the_rfc_says() {
        // RFC 3986 §5.4.
        let base = "http://a/b/c/d;p?q";
        for (reference, expected) in [
            ("g:h", "g:h"),
            ("g", "http://a/b/c/g"),
            ("./g", "http://a/b/c/g"),
            ("g/", "http://a/b/c/g/"),
            ("/g", "http://a/g"),
            ("//g", "http://g"),
            ("?y", "http://a/b/c/d;p?y"),
            ("", "http://a/b/c/d;p?q"),
            (".", "http://a/b/c/"),
            ("..", "http://a/b/"),
            ("../g", "http://a/b/g"),
            ("../../g", "http://a/g"),
            ("../../../g", "http://a/g"),
        ] {
            assert_eq!(resolve(base, reference), expected, "{reference}");
        }
        assert_eq!(resolve("openapi.yaml", "schemas/pet.yaml"), "schemas/pet.yaml");
        assert_eq!(resolve("api/openapi.yaml", "../pet.yaml"), "pet.yaml");
        assert_eq!(resolve("openapi.yaml", ""), "openapi.yaml");
        assert_eq!(percent_decoded("a%25b%7E").as_deref(), Some("a%b~"));
        assert_eq!(percent_decoded("a%2"), None);
    }
}
