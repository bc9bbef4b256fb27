//! Reads a repository: walks it, runs the scanners, keeps what did not change, says what was found.
