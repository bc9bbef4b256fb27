//! The request path without sockets.
