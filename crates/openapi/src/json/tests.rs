//! What is read, what is refused, and that reading, writing and comparing agree.
