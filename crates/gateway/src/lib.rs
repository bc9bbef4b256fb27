//! Listeners, TLS, upstream pool: everything with a socket on the request path.
