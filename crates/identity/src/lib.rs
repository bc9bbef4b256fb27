//! Accounts, passwords, sessions and login throttling, free of I/O.
