//! The parameters of a request, read strictly (RFC 6749, 3.1 and 3.2; WHATWG URL, 5.1).
//!
//! Everything is bounded and must be valid: percent signs are followed by two hexadecimal digits, the
//! octets are UTF-8, no parameter comes twice (`resource` may, RFC 8707, 2). A parameter without a value
//! is as if it were not there.

use std::collections::BTreeMap;
use std::fmt;

use super::error::OAuthError;

/// What was sent. Values may be secrets: `Debug` shows names only.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Parameters {
    values: BTreeMap<String, Vec<String>>,
}

/// Why parameters could not be read. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MalformedParameters {
    #[error("the parameters are not valid form encoding of UTF-8 text")]
    Encoding,
    #[error("there are too many parameters, or they are too long")]
    TooMuch,
}

impl Parameters {
    /// Reads a query or a form body.
    ///
    /// # Errors
    /// When it is not valid or larger than any request needs to be.
    pub fn parse(text: &str) -> Result<Self, MalformedParameters> {
        if text.len() > LONGEST {
            return Err(MalformedParameters::TooMuch);
        }
        let mut parameters = Self::default();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            parameters.push(name, value);
            if parameters.values.values().map(Vec::len).sum::<usize>() > MOST {
                return Err(MalformedParameters::TooMuch);
            }
        }
        Ok(parameters)
    }

    /// From pairs that are read already.
    #[must_use]
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut parameters = Self::default();
        for (name, value) in pairs {
            parameters.push(name.to_owned(), value.to_owned());
        }
        parameters
    }

    /// The value of a parameter that came once. One that came twice counts as absent here:
    /// [`check_unique`](Self::check_unique) refuses it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        match self.values.get(name).map(Vec::as_slice) {
            Some([one]) => Some(one),
            _ => None,
        }
    }

    /// # Errors
    /// `invalid_request` when the parameter is not there.
    pub fn require(&self, name: &'static str) -> Result<&str, OAuthError> {
        self.get(name).ok_or_else(|| OAuthError::invalid_request(format!("{name} is missing")))
    }

    /// All values of a parameter that may come more than once.
    #[must_use]
    pub fn all(&self, name: &str) -> &[String] {
        self.values.get(name).map_or(&[], Vec::as_slice)
    }

    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// The names of what came, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    /// # Errors
    /// `invalid_request` when a parameter came twice that may not.
    pub fn check_unique(&self) -> Result<(), OAuthError> {
        let repeats = |(name, values): (&String, &Vec<String>)| values.len() > 1 && name != REPEATABLE;
        if self.values.iter().any(repeats) {
            return Err(OAuthError::invalid_request("a parameter was sent more than once"));
        }
        Ok(())
    }

    fn push(&mut self, name: String, value: String) {
        if !value.is_empty() {
            self.values.entry(name).or_default().push(value);
        }
    }
}

impl fmt::Debug for Parameters {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.values.keys()).finish()
    }
}

/// `+` is a space, `%XX` an octet; nothing is guessed.
fn decode(text: &str) -> Result<String, MalformedParameters> {
    if !text.bytes().any(|byte| matches!(byte, b'%' | b'+')) {
        return Ok(text.to_owned());
    }
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || bytes.next().and_then(|byte| char::from(byte).to_digit(16));
                let (Some(high), Some(low)) = (digit(), digit()) else {
                    return Err(MalformedParameters::Encoding);
                };
                u8::try_from(high * 16 + low).map_err(|_| MalformedParameters::Encoding)?
            }
            other => other,
        });
    }
    String::from_utf8(out).map_err(|_| MalformedParameters::Encoding)
}

const REPEATABLE: &str = "resource";
/// In bytes. A request with `claims` and a client assertion stays far below.
const LONGEST: usize = 32 * 1024;
const MOST: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_forms() {
        let parameters = Parameters::parse("a=1&b=x+y%20%C3%BC&empty=&c&&resource=r1&resource=r2").unwrap();
        assert_eq!(parameters.get("a"), Some("1"));
        assert_eq!(parameters.get("b"), Some("x y ü"));
        assert_eq!((parameters.get("empty"), parameters.get("c")), (None, None), "RFC 6749, 3.1");
        assert_eq!(parameters.all("resource"), ["r1", "r2"]);
        assert_eq!(parameters.check_unique(), Ok(()));
        assert_eq!(parameters.require("d").unwrap_err().description(), "d is missing");
        assert_eq!(format!("{parameters:?}"), r#"{"a", "b", "resource"}"#, "values are not printed");
    }

    #[test]
    fn what_comes_twice_is_refused_and_never_picked() {
        for twice in ["a=1&a=2", "a=1&a=1", "a=1&%61=2"] {
            let parameters = Parameters::parse(twice).unwrap();
            assert!(parameters.check_unique().is_err(), "{twice}");
            assert_eq!(parameters.get("a"), None, "{twice}");
        }
    }

    #[test]
    fn nothing_is_guessed() {
        for wrong in ["a=%", "a=%4", "a=%zz", "a=%ff", "%c3=1", "a=%+1"] {
            assert_eq!(Parameters::parse(wrong), Err(MalformedParameters::Encoding), "{wrong}");
        }
        assert_eq!(Parameters::parse(&"a=1&".repeat(65)), Err(MalformedParameters::TooMuch));
        assert_eq!(Parameters::parse(&"a".repeat(LONGEST + 1)), Err(MalformedParameters::TooMuch));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,200}") {
            let _ = Parameters::parse(&text);
        }
    }
}
