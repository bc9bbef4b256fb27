//! Checks as tower layers.
