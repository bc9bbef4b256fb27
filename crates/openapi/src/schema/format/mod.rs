//! `format`, asserted: what each name asks of a string or a number.
//!
//! JSON Schema 2020-12 validation §7.3, and OpenAPI's own (3.0.4 §4.4, registry of formats).

mod host;
mod text;
mod time;
mod uri;

use super::pattern::is_regex;
use crate::json::Decimal;

/// A format that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Byte,
    Date,
    DateTime,
    /// Of the OpenAPI Format Registry: a fixed-point number, as text or as a number.
    Decimal,
    Double,
    Duration,
    Email,
    Float,
    Hostname,
    IdnEmail,
    IdnHostname,
    Int32,
    Int64,
    Ipv4,
    Ipv6,
    Iri,
    IriReference,
    JsonPointer,
    /// Known, and every value has it: `binary` is any octets, `password` a hint for forms.
    Nothing,
    Regex,
    RelativeJsonPointer,
    Time,
    Uri,
    UriReference,
    UriTemplate,
    Uuid,
}

const NAMES: &[(&str, Format)] = &[
    ("byte", Format::Byte),
    ("date", Format::Date),
    ("date-time", Format::DateTime),
    ("decimal", Format::Decimal),
    ("double", Format::Double),
    ("duration", Format::Duration),
    ("email", Format::Email),
    ("float", Format::Float),
    ("hostname", Format::Hostname),
    ("idn-email", Format::IdnEmail),
    ("idn-hostname", Format::IdnHostname),
    ("int32", Format::Int32),
    ("int64", Format::Int64),
    ("ipv4", Format::Ipv4),
    ("ipv6", Format::Ipv6),
    ("iri", Format::Iri),
    ("iri-reference", Format::IriReference),
    ("json-pointer", Format::JsonPointer),
    ("regex", Format::Regex),
    ("relative-json-pointer", Format::RelativeJsonPointer),
    ("time", Format::Time),
    ("uri", Format::Uri),
    ("uri-reference", Format::UriReference),
    ("uri-template", Format::UriTemplate),
    ("uuid", Format::Uuid),
];

impl Format {
    pub(super) fn by_name(name: &str) -> Option<Self> {
        match name {
            "binary" | "password" => return Some(Self::Nothing),
            // What many write who mean a URI; no registry has it.
            "url" => return Some(Self::Uri),
            _ => {}
        }
        NAMES.iter().find(|(other, _)| *other == name).map(|(_, format)| *format)
    }

    pub(super) fn name(self) -> &'static str {
        NAMES.iter().find(|(_, format)| *format == self).map_or("binary", |(name, _)| *name)
    }

    pub(super) const fn is_of_numbers(self) -> bool {
        matches!(self, Self::Double | Self::Float | Self::Int32 | Self::Int64)
    }

    /// Whether a string has this format.
    pub(super) fn fits(self, value: &str) -> bool {
        match self {
            Self::Byte => text::is_base64(value),
            Self::Date => time::is_date(value),
            Self::DateTime => time::is_date_time(value),
            Self::Decimal => text::is_decimal(value),
            Self::Duration => time::is_duration(value),
            Self::Email => text::is_email(value, false),
            Self::IdnEmail => text::is_email(value, true),
            Self::Hostname => host::is_hostname(value),
            Self::IdnHostname => host::is_idn_hostname(value),
            Self::Ipv4 => host::is_ipv4(value),
            Self::Ipv6 => host::is_ipv6(value),
            Self::Iri => uri::is_reference(value, uri::Kind { absolute: true, international: true }),
            Self::IriReference => {
                uri::is_reference(value, uri::Kind { absolute: false, international: true })
            }
            Self::JsonPointer => text::is_json_pointer(value),
            Self::Regex => is_regex(value),
            Self::RelativeJsonPointer => text::is_relative_json_pointer(value),
            Self::Time => time::is_time(value),
            Self::Uri => uri::is_reference(value, uri::Kind { absolute: true, international: false }),
            Self::UriReference => {
                uri::is_reference(value, uri::Kind { absolute: false, international: false })
            }
            Self::UriTemplate => uri::is_template(value),
            Self::Uuid => text::is_uuid(value),
            Self::Double | Self::Float | Self::Int32 | Self::Int64 | Self::Nothing => true,
        }
    }

    /// Whether the number of that text has this format.
    pub(super) fn fits_number(self, value: &str) -> bool {
        let number = Decimal::of(value);
        let within = |least: &str, most: &str| number >= Decimal::of(least) && number <= Decimal::of(most);
        match self {
            Self::Int32 => number.is_integer() && within("-2147483648", "2147483647"),
            Self::Int64 => number.is_integer() && within("-9223372036854775808", "9223372036854775807"),
            Self::Float => within("-3.4028234663852886e38", "3.4028234663852886e38"),
            Self::Double => within("-1.7976931348623157e308", "1.7976931348623157e308"),
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_ranges() {
        for (format, fits, fails) in [
            (Format::Int32, "2147483647.0", "2147483648"),
            (Format::Int32, "-2147483648", "1.5"),
            (Format::Int64, "9223372036854775807", "9223372036854775808"),
            (Format::Int64, "-9.223372036854775808e18", "-9223372036854775809"),
            (Format::Float, "3.4e38", "3.5e38"),
            (Format::Double, "-1.7976931348623157e308", "1.8e308"),
        ] {
            assert!(format.fits_number(fits), "{fits}");
            assert!(!format.fits_number(fails), "{fails}");
        }
    }

    #[test]
    fn every_name_leads_to_its_format_and_back() {
        for (name, format) in NAMES {
            assert_eq!(Format::by_name(name).map(Format::name), Some(*name));
            assert_eq!(format.name(), *name);
        }
    }
}
