//! What is configured, and what is wrong with it.
