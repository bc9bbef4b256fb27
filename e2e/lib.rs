//! Empty: this package holds tests only. They start in `main.rs`.
