//! The control catalogue.
