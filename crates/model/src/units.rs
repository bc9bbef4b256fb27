//! Sizes and periods as people write them in a configuration: `"10MB"`, `"15m"`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A span of time, written as a whole number and one of `ms`, `s`, `m`, `h`, `d`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period(Duration);

/// A number of bytes, written as a whole number and one of `B`, `kB`, `MB`, `GB` (powers of 1000) or
/// `KiB`, `MiB`, `GiB` (powers of 1024).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(u64);

const PERIODS: &[(&str, u64)] = &[("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
const SIZES: &[(&str, u64)] = &[
    ("B", 1),
    ("kB", 1000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

/// The text is not a whole number followed by a known unit, or too large.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {what}: write a whole number and a unit, for instance `{example}`")]
pub struct MalformedUnit {
    text: String,
    what: &'static str,
    example: &'static str,
}

impl Period {
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }

    #[must_use]
    pub const fn as_duration(self) -> Duration {
        self.0
    }
}

impl ByteSize {
    #[must_use]
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

fn parse(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let unit = unit.trim();
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

/// Writes `value` in the largest unit that divides it.
fn print(formatter: &mut fmt::Formatter<'_>, value: u64, units: &[(&str, u64)]) -> fmt::Result {
    let largest =
        units.iter().filter(|(_, factor)| value.is_multiple_of(*factor)).max_by_key(|(_, factor)| factor);
    match largest {
        Some((name, factor)) if value != 0 => write!(formatter, "{}{name}", value / factor),
        _ => write!(formatter, "0{}", units.first().map_or("", |(name, _)| name)),
    }
}

macro_rules! unit {
    ($name:ident, $units:ident, $what:literal, $example:literal, $pattern:literal, $of:expr, $to:expr) => {
        impl FromStr for $name {
            type Err = MalformedUnit;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                parse(text, $units).map($of).ok_or_else(|| MalformedUnit {
                    text: text.to_owned(),
                    what: $what,
                    example: $example,
                })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                print(formatter, $to(self), $units)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, formatter)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern, "examples": [$example] })
            }
        }
    };
}

unit!(
    Period,
    PERIODS,
    "period",
    "15m",
    "^[0-9]+ *(ms|s|m|h|d)$",
    |millis| Self(Duration::from_millis(millis)),
    |period: &Self| { u64::try_from(period.0.as_millis()).unwrap_or(u64::MAX) }
);
unit!(ByteSize, SIZES, "size", "10MB", "^[0-9]+ *(B|kB|MB|GB|KiB|MiB|GiB)$", Self, |size: &Self| size.0);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_people_write() {
        assert_eq!("15m".parse(), Ok(Period::from_secs(900)));
        assert_eq!("10 MB".parse(), Ok(ByteSize::new(10_000_000)));
        assert_eq!("64KiB".parse(), Ok(ByteSize::new(65_536)));
        for wrong in
            ["", "m", "15", "15 minutes", "-1s", "1.5h", "99999999999999999999s", "99999999999999d", "1sé"]
        {
            assert!(wrong.parse::<Period>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn prints_and_parses_back(millis in 0..u64::MAX / 2, bytes: u64) {
            let (period, size) = (Period::from_millis(millis), ByteSize::new(bytes));
            prop_assert_eq!(period.to_string().parse(), Ok(period));
            prop_assert_eq!(size.to_string().parse(), Ok(size));
        }

        #[test]
        fn any_text_is_parsed_or_refused(text in ".{0,24}") {
            let _ = (text.parse::<Period>(), text.parse::<ByteSize>());
        }
    }
}
