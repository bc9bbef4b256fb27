//! Where to go after signing in: a path of this very site and nothing else (CWE-601).

/// `candidate` when it is a local path, otherwise `/`.
///
/// Browsers drop tabs and newlines from addresses and read `\` as `/` (WHATWG URL, 4.4), so `/\t/evil`
/// and `/\evil` leave the site just as `//evil` does. What is not printable ASCII has no business in
/// a request target either.
pub(crate) fn local(candidate: &str) -> &str {
    let local = candidate.starts_with('/')
        && !candidate.starts_with("//")
        && candidate.len() <= LONGEST
        && candidate.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if local { candidate } else { "/" }
}

const LONGEST: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_this_site_stay() {
        for path in
            ["/", "/notes", "/notes/7?tab=a&b=%2F%2Fx#c", "/a//b", "/.gabion/account", "/@evil.example"]
        {
            assert_eq!(local(path), path);
        }
    }

    #[test]
    fn pomerium_go_2022_0783_everything_else_goes_home() {
        let long = format!("/{}", "a".repeat(LONGEST));
        for path in [
            "",
            "notes",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "/a\r\nSet-Cookie: x=y",
            "/a\0b",
            " /notes",
            "/no tes",
            "https://evil.example/",
            "javascript:alert(1)",
            "/ü",
            "/\u{85}/evil.example",
            &long,
        ] {
            assert_eq!(local(path), "/", "{path:?}");
        }
    }
}
