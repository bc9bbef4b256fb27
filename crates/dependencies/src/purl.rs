//! Package URLs: `pkg:npm/%40babel/core@7.0.0` (<https://github.com/package-url/purl-spec>).

use std::fmt::Write as _;

use gabion_finding::Ecosystem;

/// The address of a package in one line.
#[must_use]
pub fn write(ecosystem: Ecosystem, name: &str, version: &str) -> String {
    let (kind, name) = match ecosystem {
        Ecosystem::Cargo => ("cargo", name.to_owned()),
        Ecosystem::Composer => ("composer", name.to_owned()),
        Ecosystem::Go => ("golang", name.to_owned()),
        Ecosystem::Maven => ("maven", name.replacen(':', "/", 1)),
        Ecosystem::Npm => ("npm", name.to_owned()),
        Ecosystem::NuGet => ("nuget", name.to_owned()),
        Ecosystem::PyPi => ("pypi", name.to_owned()),
        Ecosystem::RubyGems => ("gem", name.to_owned()),
    };
    let mut out = format!("pkg:{kind}");
    for part in name.split('/') {
        out.push('/');
        encode(part, &mut out);
    }
    if !version.is_empty() {
        out.push('@');
        encode(version, &mut out);
    }
    out
}

/// Ecosystem, name and version. None for what is none of our ecosystems, or no package URL. Qualifiers and subpath are left out.
#[must_use]
pub fn read(text: &str) -> Option<(Ecosystem, String, String)> {
    if text.len() > 4 * crate::bounds::NAME {
        return None;
    }
    let rest = text.strip_prefix("pkg:")?.trim_start_matches('/');
    let rest = rest.split(['?', '#']).next()?;
    let (kind, rest) = rest.split_once('/')?;
    let (name, version) = match rest.rsplit_once('@') {
        // `@` of a scope that was not encoded.
        Some((name, version)) if !name.is_empty() && !version.contains('/') => (name, version),
        _ => (rest, ""),
    };
    let ecosystem = match kind.to_ascii_lowercase().as_str() {
        "cargo" => Ecosystem::Cargo,
        "composer" => Ecosystem::Composer,
        "golang" => Ecosystem::Go,
        "maven" => Ecosystem::Maven,
        "npm" => Ecosystem::Npm,
        "nuget" => Ecosystem::NuGet,
        "pypi" => Ecosystem::PyPi,
        "gem" => Ecosystem::RubyGems,
        _ => return None,
    };
    let parts: Vec<String> = name.split('/').map(decode).collect::<Option<_>>()?;
    if parts.iter().any(String::is_empty) {
        return None;
    }
    let name = if ecosystem == Ecosystem::Maven { parts.join(":") } else { parts.join("/") };
    Some((ecosystem, crate::name::normal(ecosystem, &name), decode(version)?))
}

fn encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b':') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

fn decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let (high, low) = (digit(bytes.next()?)?, digit(bytes.next()?)?);
        out.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_are_those_of_the_specification() {
        for (ecosystem, name, version, text) in [
            (Ecosystem::Npm, "@babel/core", "7.0.0", "pkg:npm/%40babel/core@7.0.0"),
            (Ecosystem::Npm, "foobar", "12.3.1", "pkg:npm/foobar@12.3.1"),
            (
                Ecosystem::Maven,
                "org.apache.xmlgraphics:batik-anim",
                "1.9.1",
                "pkg:maven/org.apache.xmlgraphics/batik-anim@1.9.1",
            ),
            (Ecosystem::PyPi, "django", "1.11.1", "pkg:pypi/django@1.11.1"),
            (Ecosystem::Go, "github.com/gorilla/mux", "v1.8.0", "pkg:golang/github.com/gorilla/mux@v1.8.0"),
            (Ecosystem::Composer, "laravel/laravel", "5.5.0", "pkg:composer/laravel/laravel@5.5.0"),
            (Ecosystem::Cargo, "rand", "0.7.2+x", "pkg:cargo/rand@0.7.2%2Bx"),
        ] {
            assert_eq!(write(ecosystem, name, version), text);
            assert_eq!(read(text), Some((ecosystem, name.to_owned(), version.to_owned())));
        }
        assert_eq!(
            read("pkg:npm/@babel/core@7.0.0?a=b#c"),
            Some((Ecosystem::Npm, "@babel/core".to_owned(), "7.0.0".to_owned()))
        );
        for wrong in ["", "pkg:npm", "npm/a@1", "pkg:deb/debian/curl@7", "pkg:npm/a%2", "pkg:npm//a"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(name in "[a-z@][a-z0-9@+_ ä.-]{0,20}", version in "[0-9a-z+~!.-]{0,20}") {
            let text = write(Ecosystem::Npm, &name, &version);
            prop_assert_eq!(read(&text), Some((Ecosystem::Npm, name.trim().to_owned(), version)));
        }

        #[test]
        fn no_text_makes_reading_panic(text in ".{0,80}", rest in "[%@/a0]{0,20}") {
            let _ = read(&text);
            let _ = read(&format!("pkg:npm/{rest}"));
        }
    }
}
