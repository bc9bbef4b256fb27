//! Values that are serialised objects, and the same with something more in them that only a reader does which makes whatever
//! objects a value names.
//!
//! Each language writes three forms of a value. `Named`: it names a class or a function that every installation has. `Misspelled`:
//! two letters of that name the other way round. `Plain`: as long and as strange, and nothing but data. A reader that makes whatever
//! is named tells the first two apart; a reader that makes only data, or only what is on its list, does not. Nothing that is named
//! does anything: copies, empty objects, objects that fail to be made.

mod dotnet;
mod functions;
mod java;
mod marshal;
mod php;
mod pickle;
mod yaml;

use std::io::{Read as _, Write as _};

use flate2::read::{GzDecoder, ZlibDecoder};
use flate2::write::{GzEncoder, ZlibEncoder};
use gabion_vault::encoding;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What is put into a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Named,
    Misspelled,
    Plain,
}

/// How objects of a language are written down.
#[derive(Debug)]
pub struct Language {
    /// `Python's pickle`.
    pub name: &'static str,
    /// What somebody makes it do who writes the value.
    pub does: &'static str,
    /// Whether what is named leaves the value as it is, and what is misspelled breaks it; or the other way round.
    pub keeps: bool,
    /// Whether bytes are such a value.
    pub fits: fn(&[u8]) -> bool,
    /// The value in that form; `at` chooses among names.
    pub write: fn(&[u8], usize, Form) -> Option<Vec<u8>>,
    /// What of the forms answers follow, in words behind `the value`.
    pub tells: &'static str,
    /// The value with something in it that has whoever makes it ask for the address of a name; `Misspelled` has nobody do that. For
    /// languages that have such a thing everywhere.
    pub resolve: Option<Resolving>,
}

/// See [`Language::resolve`].
pub type Resolving = fn(&[u8], &str, Form) -> Option<Vec<u8>>;

impl Language {
    /// Of a language in which names tell the forms apart.
    const NAMES: Self = Self {
        name: "",
        does: "",
        keeps: true,
        fits: |_| false,
        write: |_, _, _| None,
        tells: "is read by the spelling of a name in it",
        resolve: None,
    };
}

/// All of them. What says more of itself comes first; a document of YAML is one of each language.
pub static LANGUAGES: &[Language] = &[
    java::JAVA,
    pickle::PICKLE,
    marshal::MARSHAL,
    dotnet::BINARY,
    dotnet::LOS,
    dotnet::VIEWSTATE,
    php::PHP,
    functions::FUNCTIONS,
    yaml::PYTHON,
    yaml::JAVA,
    yaml::RUBY,
    yaml::NODE,
];

/// The longest value that is looked at, in letters.
const LONGEST: usize = 64 << 10;
/// The most that is unpacked of it.
const UNPACKED: u64 = 1 << 20;

/// A step of how bytes became a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layer {
    Percent,
    Base64,
    /// Standard alphabet without `=`.
    Bare,
    /// The alphabet of addresses, with `=`.
    Address,
    BareAddress,
    Hex,
    Gzip,
    Zlib,
}

/// A serialised value that was found in a text, and how to write another in its place.
#[derive(Debug, Clone)]
pub struct Found {
    /// Whose it may be; mostly one.
    pub languages: Vec<&'static Language>,
    bytes: Vec<u8>,
    layers: Vec<Layer>,
}

/// The serialised value that a text is, however it is wrapped.
#[must_use]
pub fn find(text: &str) -> Option<Found> {
    if text.len() < SHORTEST || text.len() > LONGEST {
        return None;
    }
    let mut ways = vec![(text.as_bytes().to_vec(), Vec::new())];
    if text.contains('%') {
        let decoded: Vec<u8> = percent_decode_str(text).collect();
        ways.push((decoded, vec![Layer::Percent]));
    }
    for (bytes, layers) in ways.clone() {
        let Ok(text) = std::str::from_utf8(&bytes) else { continue };
        for layer in [Layer::Base64, Layer::Bare, Layer::Address, Layer::BareAddress, Layer::Hex] {
            if let Some(inner) = decoded(text, layer) {
                ways.push((inner, [layers.clone(), vec![layer]].concat()));
            }
        }
    }
    for (bytes, layers) in ways.clone() {
        let layer = match bytes.as_slice() {
            [0x1f, 0x8b, ..] => Layer::Gzip,
            [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..] => Layer::Zlib,
            _ => continue,
        };
        if let Some(inner) = unpacked(&bytes, layer) {
            ways.push((inner, [layers, vec![layer]].concat()));
        }
    }
    ways.into_iter().find_map(|(bytes, layers)| {
        let languages: Vec<&Language> = LANGUAGES.iter().filter(|language| (language.fits)(&bytes)).collect();
        if languages.is_empty() {
            return None;
        }
        Some(Found { languages, bytes, layers })
    })
}

/// Nothing shorter is an object.
const SHORTEST: usize = 6;

impl Found {
    /// The text with the value in another form.
    #[must_use]
    pub fn text(&self, language: &Language, at: usize, form: Form) -> Option<String> {
        self.wrapped((language.write)(&self.bytes, at, form)?)
    }

    /// The text with a name in the value, for which a reader of that language asks that makes what is named.
    #[must_use]
    pub fn resolving(&self, language: &Language, name: &str, form: Form) -> Option<String> {
        self.wrapped((language.resolve?)(&self.bytes, name, form)?)
    }

    fn wrapped(&self, mut bytes: Vec<u8>) -> Option<String> {
        for layer in self.layers.iter().rev() {
            bytes = encoded(bytes, *layer)?;
        }
        String::from_utf8(bytes).ok()
    }
}

fn decoded(text: &str, layer: Layer) -> Option<Vec<u8>> {
    let bytes = match layer {
        Layer::Base64 => encoding::base64_decode(text).ok()?,
        Layer::Bare => encoding::base64_decode(&padded(text)?).ok()?,
        Layer::Address => encoding::base64url_decode(text.strip_suffix('=')?.trim_end_matches('=')).ok()?,
        Layer::BareAddress => encoding::base64url_decode(text).ok()?,
        Layer::Hex => encoding::hex_decode(text)?,
        Layer::Percent | Layer::Gzip | Layer::Zlib => return None,
    };
    Some(bytes)
}

/// With the `=` that it lacks; nothing where it lacks none.
fn padded(text: &str) -> Option<String> {
    match text.len() % 4 {
        2 => Some(format!("{text}==")),
        3 => Some(format!("{text}=")),
        _ => None,
    }
}

fn unpacked(bytes: &[u8], layer: Layer) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    match layer {
        Layer::Gzip => GzDecoder::new(bytes).take(UNPACKED).read_to_end(&mut out).ok()?,
        _ => ZlibDecoder::new(bytes).take(UNPACKED).read_to_end(&mut out).ok()?,
    };
    Some(out)
}

fn encoded(bytes: Vec<u8>, layer: Layer) -> Option<Vec<u8>> {
    let text = match layer {
        Layer::Percent => {
            let text = String::from_utf8(bytes).ok()?;
            utf8_percent_encode(&text, NON_ALPHANUMERIC).to_string()
        }
        Layer::Base64 => encoding::base64_encode(&bytes),
        Layer::Bare => encoding::base64_encode(&bytes).trim_end_matches('=').to_owned(),
        Layer::Address => encoding::base64_encode(&bytes).replace('+', "-").replace('/', "_"),
        Layer::BareAddress => encoding::base64url_encode(&bytes),
        Layer::Hex => encoding::hex_encode(&bytes),
        Layer::Gzip => {
            let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(&bytes).ok()?;
            return encoder.finish().ok();
        }
        Layer::Zlib => {
            let mut encoder = ZlibEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(&bytes).ok()?;
            return encoder.finish().ok();
        }
    };
    Some(text.into_bytes())
}

/// One of several, by a number of any size.
fn nth<T: Copy>(all: &[T], at: usize) -> Option<T> {
    all.iter().cycle().nth(at % all.len().max(1)).copied()
}

/// The second and third letter the other way round: a name that nothing has.
pub(crate) fn misspelled(name: &str) -> String {
    let (package, own) = name.rsplit_once('.').map_or(("", name), |(package, own)| (package, own));
    let mut letters: Vec<char> = own.chars().collect();
    let at = (1..letters.len().saturating_sub(1))
        .find(|at| letters.get(*at) != letters.get(at.saturating_add(1)))
        .unwrap_or(0);
    if letters.len() > at.saturating_add(1) {
        letters.swap(at, at.saturating_add(1));
    }
    let own: String = letters.into_iter().collect();
    if package.is_empty() { own } else { format!("{package}.{own}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_through_what_they_are_wrapped_in() {
        let php = "a:1:{s:4:\"user\";s:5:\"alice\";}";
        let packed = encoded(php.as_bytes().to_vec(), Layer::Gzip).unwrap();
        let texts = [
            php.to_owned(),
            "a%3A1%3A%7Bs%3A4%3A%22user%22%3Bs%3A5%3A%22alice%22%3B%7D".to_owned(),
            encoding::base64_encode(php.as_bytes()),
            encoding::base64url_encode(php.as_bytes()),
            encoding::base64_encode(php.as_bytes()).replace('=', "%3D"),
            encoding::hex_encode(php.as_bytes()),
            encoding::base64_encode(&packed),
        ];
        for text in texts {
            let found = find(&text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(found.bytes, php.as_bytes(), "{text}");
            let other = found.text(found.languages[0], 1, Form::Plain).unwrap();
            assert_ne!(find(&other).unwrap().bytes, found.bytes, "{other}");
        }
    }

    #[test]
    fn words_numbers_and_tokens_are_none() {
        for text in
            ["lamp", "123456789", "a:b:c:d:e", "eyJhbGciOiJub25lIn0.e30.", "0123456789abcdef", "KGxwMAo"]
        {
            assert!(find(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_misspelled_name_is_another_of_the_same_length() {
        for name in ["java.util.HashMap", "DateTime", "Object", "copy", "Closure"] {
            let other = misspelled(name);
            assert_ne!(other, name);
            assert_eq!(other.len(), name.len());
        }
    }

    #[test]
    fn hostile_values_are_no_panic() {
        for language in LANGUAGES {
            for length in 0..40 {
                for byte in [0, 5, b'{', b':', b'4', 0x70, 0xff] {
                    let mut bytes = vec![byte; length];
                    for start in [&b"\xac\xed\x00\x05"[..], b"\x80\x04", b"\x04\x08{", b"a:9:{", b"{\"a\":"] {
                        bytes.splice(0..0, start.iter().copied());
                        for form in [Form::Named, Form::Misspelled, Form::Plain] {
                            let _ = ((language.fits)(&bytes), (language.write)(&bytes, length, form));
                            let _ = language.resolve.map(|resolve| resolve(&bytes, "a.example", form));
                        }
                    }
                }
            }
        }
    }
}
