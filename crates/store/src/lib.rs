//! The storage traits on SQLite and segment files.
