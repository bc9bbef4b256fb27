//! The pages people see: login, account.
