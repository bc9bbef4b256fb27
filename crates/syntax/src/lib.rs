//! Source code, lowered to one intermediate form.
