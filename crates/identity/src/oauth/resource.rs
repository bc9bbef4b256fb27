//! The APIs a token can be for (RFC 8707).

use url::Url;

use super::error::{ErrorCode, OAuthError};

/// Whether the text can name an API: an absolute address without fragment, user name or password.
#[must_use]
pub fn is_resource(text: &str) -> bool {
    text.len() <= LONGEST
        && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}#".contains(&byte))
        && Url::parse(text).is_ok_and(|url| url.username().is_empty() && url.password().is_none())
}

/// The resources a request names, each one there is, without repetition.
///
/// # Errors
/// `invalid_target` for one that is malformed, unknown, or one too many.
pub fn select(asked: &[String], known: &[String], origin: &str) -> Result<Vec<String>, OAuthError> {
    let mut resources = Vec::new();
    for resource in asked {
        let known = known.contains(resource) || is_below(resource, origin);
        if !is_resource(resource) || !known || resources.len() >= MOST {
            return Err(OAuthError::new(ErrorCode::InvalidTarget, "a resource is not one of this server's"));
        }
        if !resources.contains(resource) {
            resources.push(resource.clone());
        }
    }
    Ok(resources)
}

/// This site itself, or a place on it.
fn is_below(resource: &str, origin: &str) -> bool {
    resource.strip_prefix(origin).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

const LONGEST: usize = 1000;
const MOST: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_known_is_a_target() {
        let (known, origin) = (["https://api.example/".to_owned()], "https://id.example");
        let select = |asked: &[&str]| {
            let asked: Vec<_> = asked.iter().map(|one| (*one).to_owned()).collect();
            select(&asked, &known, origin).map_err(|error| error.code)
        };
        assert_eq!(select(&[]), Ok(vec![]));
        assert_eq!(select(&["https://api.example/", "https://api.example/"]).unwrap().len(), 1);
        assert_eq!(select(&["https://id.example", "https://id.example/mcp"]).unwrap().len(), 2);
        for wrong in [
            "https://api.example",
            "https://id.example.evil.example/",
            "https://id.example@evil.example/",
            "https://api.example/#x",
            "api",
        ] {
            assert_eq!(select(&[wrong]), Err(ErrorCode::InvalidTarget), "{wrong}");
        }
    }
}
