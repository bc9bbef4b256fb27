//! Common passwords.

pub(super) fn is_common(password: &str) -> bool {
    password.is_empty()
}
