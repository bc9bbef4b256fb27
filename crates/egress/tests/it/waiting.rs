//! Cases of the file that are about a proxy listener, which Gabion does not have yet.

/// Case and reason. A case that is not in the file any more must leave this list.
pub(crate) const WAITING: &[(&str, &str)] = &[
    ("abs-upstream-header", ABSOLUTE),
    ("connect-bracket-v4", CONNECT),
    ("connect-inner-http", CONNECT),
    ("connect-inner-sni", CONNECT),
    ("connect-lo6", CONNECT),
    ("connect-meta", CONNECT),
    ("connect-noport", CONNECT),
    ("connect-oct", CONNECT),
    ("connect-ok", CONNECT),
    ("connect-uri", CONNECT),
];

const CONNECT: &str = "a CONNECT request: waits for the egress proxy's listener";
const ABSOLUTE: &str = "a request in absolute form: waits for the egress proxy's listener";
