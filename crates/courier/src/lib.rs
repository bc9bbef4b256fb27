//! What leaves for people: e-mail, queued, retried and bounded.
