//! Every act a person or program can ask for, once.
