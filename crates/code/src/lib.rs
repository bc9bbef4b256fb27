//! What is wrong in code.
