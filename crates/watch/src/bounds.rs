//! What a set of rules may cost, at load and for each event.

use std::time::Duration;

/// Bytes of one file.
pub const FILE: usize = 256 << 10;
/// Files of a set.
pub const FILES: usize = 1_000;
/// Rules of a set.
pub const RULES: usize = 2_000;
/// Values in one file: scalars, lists and maps.
pub const NODES: usize = 50_000;
/// How deep lists and maps lie in each other.
pub const DEPTH: usize = 12;
/// Bytes of one scalar.
pub const SCALAR: usize = 16 << 10;
/// Bytes of a value to compare with.
pub const VALUE: usize = 1_024;
/// `*` and `?` in one value.
pub const WILDCARDS: usize = 16;
/// Values of one rule, those made by `windash` included.
pub const VALUES: usize = 4_000;
/// Values of a set.
pub const ALL_VALUES: usize = 50_000;
/// Bytes of a condition.
pub const CONDITION: usize = 4_096;
/// Brackets and `not` in each other.
pub const CONDITION_DEPTH: usize = 32;
/// Terms of a condition, `all of …` written out.
pub const TERMS: usize = 1_000;
/// Bytes of one regular expression.
pub const REGEX: usize = 1_024;
/// Bytes that one regular expression may take when compiled.
pub const REGEX_COMPILED: usize = 256 << 10;
/// Regular expressions of a set.
pub const REGEXES: usize = 500;
/// Rules that a correlation names.
pub const NAMED: usize = 64;
/// Fields that a correlation groups by.
pub const GROUP_BY: usize = 4;
/// The largest threshold.
pub const THRESHOLD: u64 = 100_000;
/// The longest time a correlation looks back.
pub const TIMESPAN: Duration = Duration::from_secs(24 * 3600);
/// The longest quiet after an alert.
pub const QUIET: Duration = Duration::from_secs(7 * 24 * 3600);

/// Groups that one correlation tells apart.
pub const GROUPS: usize = 4_096;
/// Counters for the groups beyond.
pub const SHARED: usize = 256;
/// Counts kept apart in one group; older ones are put together.
pub const ENTRIES: usize = 32;
/// Different values remembered in one group. A threshold for values may not be larger.
pub const DISTINCT: usize = 200;
/// For how many a rule rings apart in the time it is quiet; for all beyond it rings once.
pub const RANG: usize = 100;
/// Events an alert names.
pub const NAMED_EVENTS: usize = 16;
/// Bytes of a field's value that are looked at. The ledger keeps none as long.
pub const LOOKED_AT: usize = 4_096;
