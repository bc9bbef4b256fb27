//! The session cookie (RFC 6265bis): written, found among others, kept from the upstream.

use std::borrow::Cow;

/// The cookie's name over HTTPS. The `__Host-` prefix makes browsers insist on `Secure`, `Path=/` and no
/// `Domain`, so that no neighbouring host and no plain-HTTP answer can set it.
pub const SECURE_NAME: &str = "__Host-gabion";

/// The cookie's name where a browser speaks plain HTTP to loopback during development.
pub const DEVELOPMENT_NAME: &str = "gabion-dev";

/// The cookie of a sign-in that is half done, over HTTPS.
pub const SECURE_LOGIN_NAME: &str = "__Host-gabion-login";

/// The same, where a browser speaks plain HTTP to loopback during development.
pub const DEVELOPMENT_LOGIN_NAME: &str = "gabion-dev-login";

/// The cookie of sign-ins with other providers, over HTTPS.
pub const SECURE_FEDERATION_NAME: &str = "__Host-gabion-federation";

/// The same, where a browser speaks plain HTTP to loopback during development.
pub const DEVELOPMENT_FEDERATION_NAME: &str = "gabion-dev-federation";

/// The `Set-Cookie` value that hands out a ticket. It has no lifetime of its own: the browser forgets it
/// when it closes, the server earlier.
#[must_use]
pub fn set(ticket: &str, secure: bool) -> String {
    format!("{}={ticket}{}", name(secure), attributes(secure))
}

/// The `Set-Cookie` value that takes the cookie back.
#[must_use]
pub fn clear(secure: bool) -> String {
    format!("{}=; Max-Age=0{}", name(secure), attributes(secure))
}

/// The `Set-Cookie` value that binds a sign-in that is half done to the browser that began it. The browser
/// keeps it as long as the server keeps the sign-in. `Lax`, because the way back from another provider
/// ends at the page that reads it.
#[must_use]
pub fn set_login(ticket: &str, secure: bool) -> String {
    format!("{}={ticket}; Max-Age={LOGIN_SECONDS}{}", login_name(secure), attributes(secure))
}

/// The `Set-Cookie` value that takes it back.
#[must_use]
pub fn clear_login(secure: bool) -> String {
    format!("{}=; Max-Age=0{}", login_name(secure), attributes(secure))
}

/// The name of the login cookie in force on a connection.
#[must_use]
pub const fn login_name(secure: bool) -> &'static str {
    if secure { SECURE_LOGIN_NAME } else { DEVELOPMENT_LOGIN_NAME }
}

/// Every candidate for the ticket of a half-done sign-in, found as [`tickets`] finds sessions'.
pub fn login_tickets<'a>(
    headers: impl IntoIterator<Item = &'a str>,
    secure: bool,
) -> impl Iterator<Item = &'a str> {
    candidates(headers, login_name(secure))
}

/// The `Set-Cookie` value that binds sign-ins with other providers to the browser that began them, for as
/// long as the server keeps them. `Lax`, because the way back is a navigation from the provider's site.
#[must_use]
pub fn set_federation(value: &str, secure: bool) -> String {
    format!("{}={value}; Max-Age={FEDERATION_SECONDS}{}", federation_name(secure), attributes(secure))
}

/// The name of that cookie in force on a connection.
#[must_use]
pub const fn federation_name(secure: bool) -> &'static str {
    if secure { SECURE_FEDERATION_NAME } else { DEVELOPMENT_FEDERATION_NAME }
}

/// Every candidate for its value, found as [`tickets`] finds sessions'.
pub fn federation_tickets<'a>(
    headers: impl IntoIterator<Item = &'a str>,
    secure: bool,
) -> impl Iterator<Item = &'a str> {
    candidates(headers, federation_name(secure))
}

/// The name in force on a connection.
#[must_use]
pub const fn name(secure: bool) -> &'static str {
    if secure { SECURE_NAME } else { DEVELOPMENT_NAME }
}

/// Every candidate for a ticket in a request's `Cookie` header values. A browser can send two cookies of
/// one name (the second set by a script or a neighbouring port): all are tried, so that nobody is locked
/// out until cookies are cleared. At most eight, so that a stuffed header buys no work. Over HTTPS only
/// the `__Host-` name counts.
pub fn tickets<'a>(
    headers: impl IntoIterator<Item = &'a str>,
    secure: bool,
) -> impl Iterator<Item = &'a str> {
    candidates(headers, name(secure))
}

fn candidates<'a>(
    headers: impl IntoIterator<Item = &'a str>,
    ours: &'static str,
) -> impl Iterator<Item = &'a str> {
    headers
        .into_iter()
        .flat_map(|header| header.split(';'))
        .filter_map(move |pair| pair.trim_matches([' ', '\t']).strip_prefix(ours)?.strip_prefix('='))
        .map(|value| value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value))
        .filter(|value| value.len() == TICKET)
        .take(CANDIDATES)
}

/// A `Cookie` header value without our cookies, for the upstream: borrowed when there were none, empty
/// when there was nothing else (then leave the header out).
#[must_use]
pub fn strip(header: &str) -> Cow<'_, str> {
    if !header.as_bytes().split(|byte| *byte == b';').any(names_ours) {
        return Cow::Borrowed(header);
    }
    let mut kept = String::with_capacity(header.len());
    for pair in header.split(';').filter(|pair| !is_ours(pair)) {
        let pair = pair.trim_matches([' ', '\t']);
        if pair.is_empty() {
            continue;
        }
        if !kept.is_empty() {
            kept.push_str("; ");
        }
        kept.push_str(pair);
    }
    Cow::Owned(kept)
}

/// Whether a cookie pair, or a `Set-Cookie` value of the upstream's, bears one of our names. Written
/// without regard to case or spaces around the name, because some servers read cookies that way.
#[must_use]
pub fn is_ours(pair: &str) -> bool {
    names_ours(pair.as_bytes())
}

fn names_ours(pair: &[u8]) -> bool {
    // Nearly every cookie is somebody else's: its first letter says so.
    let pair = pair.trim_ascii_start();
    matches!(pair, [b'_' | b'g' | b'G', ..]) && {
        let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii_end();
        is_own_name(name)
    }
}

/// The name of one of our cookies, in whatever case: a base name, alone or with `-` and a word after it.
#[must_use]
pub fn is_own_name(name: &[u8]) -> bool {
    [SECURE_NAME, DEVELOPMENT_NAME].iter().any(|own| {
        name.split_at_checked(own.len()).is_some_and(|(base, rest)| {
            base.eq_ignore_ascii_case(own.as_bytes()) && matches!(rest, [] | [b'-', ..])
        })
    })
}

const fn attributes(secure: bool) -> &'static str {
    if secure { "; Path=/; HttpOnly; Secure; SameSite=Lax" } else { "; Path=/; HttpOnly; SameSite=Lax" }
}

/// As long as a sign-in with another provider is kept ([`crate::federation::attempt::LIFE`]), and then its
/// person may choose.
const FEDERATION_SECONDS: u64 = 2 * crate::federation::attempt::LIFE.as_secs();

/// As long as a half-done sign-in lives ([`crate::pending::LIFE`]).
const LOGIN_SECONDS: u64 = crate::pending::LIFE.as_secs();

/// 32 bytes in base64url.
const TICKET: usize = 43;
const CANDIDATES: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TICKET_A: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    const TICKET_B: &str = "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA";

    fn found<'a>(headers: &[&'a str], secure: bool) -> Vec<&'a str> {
        tickets(headers.iter().copied(), secure).collect()
    }

    #[test]
    fn is_set_as_browsers_want_it() {
        assert_eq!(set("x", true), "__Host-gabion=x; Path=/; HttpOnly; Secure; SameSite=Lax");
        assert_eq!(set("x", false), "gabion-dev=x; Path=/; HttpOnly; SameSite=Lax");
        assert_eq!(clear(true), "__Host-gabion=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax");
        assert_eq!(clear(false), "gabion-dev=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax");
    }

    #[test]
    fn is_found_among_others() {
        let one = format!("theme=dark; __Host-gabion={TICKET_A};lang=de");
        assert_eq!(found(&[&one], true), [TICKET_A]);
        let quoted = format!("__Host-gabion=\"{TICKET_A}\"");
        assert_eq!(found(&[&quoted], true), [TICKET_A]);
        let tight = format!("a=b;\t__Host-gabion={TICKET_A}");
        assert_eq!(found(&["x=y", &tight], true), [TICKET_A], "several headers, as HTTP/2 sends them");
        assert_eq!(found(&[], true), Vec::<&str>::new());
        for wrong in
            ["__Host-gabion", "__Host-gabion=", "__Host-gabion=short", "__host-gabion2=x", ";;;=", ""]
        {
            assert_eq!(found(&[wrong], true), Vec::<&str>::new(), "{wrong}");
        }
    }

    /// oauth2-proxy #2606: two cookies of one name locked people out until they cleared them.
    #[test]
    fn of_two_cookies_with_one_name_both_are_tried() {
        let two = format!("__Host-gabion={TICKET_B}; __Host-gabion={TICKET_A}");
        assert_eq!(found(&[&two], true), [TICKET_B, TICKET_A]);
        let many = format!("__Host-gabion={TICKET_A}; ").repeat(1000);
        assert_eq!(found(&[&many], true).len(), 8, "bounded");
    }

    #[test]
    fn a_half_done_sign_in_has_a_cookie_of_its_own() {
        assert_eq!(
            set_login("x", true),
            "__Host-gabion-login=x; Max-Age=600; Path=/; HttpOnly; Secure; SameSite=Lax"
        );
        assert_eq!(clear_login(false), "gabion-dev-login=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax");
        let both = format!("__Host-gabion={TICKET_A}; __Host-gabion-login={TICKET_B}");
        assert_eq!(found(&[&both], true), [TICKET_A]);
        assert_eq!(login_tickets([both.as_str()], true).collect::<Vec<_>>(), [TICKET_B]);
        assert_eq!(strip(&format!("a=1; {both}; gabion-dev-login=x; b=2")), "a=1; b=2");
    }

    #[test]
    fn each_kind_of_connection_has_its_own_name() {
        let both = format!("__Host-gabion={TICKET_A}; gabion-dev={TICKET_B}");
        assert_eq!(found(&[&both], true), [TICKET_A], "a cookie any neighbour may set counts for nothing");
        assert_eq!(found(&[&both], false), [TICKET_B]);
    }

    #[test]
    fn the_upstream_never_sees_ours() {
        let header = format!("a=1; __Host-gabion={TICKET_A}; b=2;gabion-dev={TICKET_B} ;c=\"x y\"");
        assert_eq!(strip(&header), "a=1; b=2; c=\"x y\"");
        for ours in ["__Host-gabion=x", "__HOST-GABION=x", " gabion-dev =x", "gabion-dev", "\tGabion-Dev=a=b"]
        {
            assert_eq!(strip(ours), "", "{ours}");
        }
        for others in ["", "a=1; b=2", "x__Host-gabion=1", "a=__Host-gabion", "gabion-dev2=1"] {
            assert!(matches!(strip(others), Cow::Borrowed(same) if same == others), "{others}");
        }
    }

    proptest! {
        #[test]
        fn nothing_of_ours_is_left_and_all_of_theirs_is(
            pairs in proptest::collection::vec(
                prop_oneof![
                    Just("__Host-gabion=secret".to_owned()),
                    Just("gabion-dev=secret".to_owned()),
                    "[a-z]{1,8}=[a-z0-9\"]{0,8}",
                ],
                0..12,
            ),
            gap in prop_oneof![Just(";"), Just("; "), Just(" ;  ")],
        ) {
            let header = pairs.join(gap);
            let kept = strip(&header);
            prop_assert!(!kept.contains("secret"));
            let theirs: Vec<_> = pairs.iter().filter(|pair| !pair.contains("secret")).collect();
            let left: Vec<_> = kept.split(';').map(str::trim).filter(|pair| !pair.is_empty()).collect();
            prop_assert_eq!(left, theirs);
        }

        #[test]
        fn any_header_is_taken_apart(header in "[ -~\t]{0,200}|.{0,60}", secure: bool) {
            let _ = (found(&[&header], secure), strip(&header).into_owned());
            prop_assert!(!strip(&header).split(';').any(is_ours));
        }
    }
}
