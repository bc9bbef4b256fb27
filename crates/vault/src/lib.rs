//! The only crate that names a cryptographic primitive or holds a key.
