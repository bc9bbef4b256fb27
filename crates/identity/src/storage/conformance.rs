//! What every implementation of the storage traits must do; each runs it against itself.
