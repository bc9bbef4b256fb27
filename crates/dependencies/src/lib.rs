//! What a project is built of, and what is known against it.
