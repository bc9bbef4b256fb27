//! The record nobody edits: append, fold, search.
