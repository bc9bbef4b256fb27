//! The guarded client: whatever fetches an address somebody else chose goes through it.
