//! Finds secrets in texts.
