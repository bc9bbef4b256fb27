//! What a schema allows, in words that every target has.

use gabion_openapi::json::Value;

/// What a value may be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Shape {
    Any,
    Never,
    Null,
    Boolean,
    /// One of these scalars.
    Literal(Vec<Value>),
    Number(Number),
    Text(Text),
    Array(Box<Array>),
    Object(Box<Object>),
    Union(Union),
    /// A declaration.
    Reference(String),
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Number {
    pub(crate) integer: bool,
    /// All of them hold; the number as it was written.
    pub(crate) bounds: Vec<(Bound, String)>,
    pub(crate) multiple_of: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bound {
    AtLeast,
    Above,
    AtMost,
    Below,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Text {
    /// In characters (code points), as JSON Schema counts.
    pub(crate) min: Option<u64>,
    pub(crate) max: Option<u64>,
    /// ECMA-262, found anywhere in the text.
    pub(crate) patterns: Vec<String>,
    pub(crate) formats: Vec<Format>,
}

/// Formats that every target checks alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Format {
    Base64,
    Date,
    DateTime,
    Email,
    Hostname,
    Ipv4,
    Ipv6,
    Time,
    Uri,
    UriReference,
    Uuid,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Array {
    pub(crate) items: Shape,
    pub(crate) min: Option<u64>,
    pub(crate) max: Option<u64>,
    pub(crate) unique: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Object {
    pub(crate) properties: Vec<Property>,
    pub(crate) additional: Additional,
    pub(crate) min: Option<u64>,
    pub(crate) max: Option<u64>,
    /// How its schema is called, if it is one with a name.
    pub(crate) hint: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Property {
    pub(crate) name: String,
    pub(crate) shape: Shape,
    pub(crate) required: bool,
}

/// Members that no property names.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Additional {
    /// The schema says nothing: refused, once all parts of it are put together.
    Unsaid,
    /// `additionalProperties: false`: refused, also what another part names.
    Refused,
    Allowed(Shape),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Union {
    pub(crate) variants: Vec<Shape>,
    /// More than one may fit, and exactly one must.
    pub(crate) exactly_one: bool,
    /// The member by which the variants, all objects, differ.
    pub(crate) discriminator: Option<String>,
}

impl Format {
    /// The format of that name. `Err`: it is not known. `Ok(None)`: it says nothing about the text.
    pub(crate) fn named(name: &str) -> Result<Option<Self>, ()> {
        Ok(Some(match name {
            "byte" => Self::Base64,
            "date" => Self::Date,
            "date-time" => Self::DateTime,
            "email" => Self::Email,
            "hostname" => Self::Hostname,
            "ipv4" => Self::Ipv4,
            "ipv6" => Self::Ipv6,
            "time" => Self::Time,
            "uri" | "url" => Self::Uri,
            "uri-reference" => Self::UriReference,
            "uuid" => Self::Uuid,
            "password" | "binary" | "char" => return Ok(None),
            _ => return Err(()),
        }))
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Base64 => "byte",
            Self::Date => "date",
            Self::DateTime => "date-time",
            Self::Email => "email",
            Self::Hostname => "hostname",
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
            Self::Time => "time",
            Self::Uri => "uri",
            Self::UriReference => "uri-reference",
            Self::Uuid => "uuid",
        }
    }
}

impl Object {
    pub(crate) const fn open() -> Self {
        Self { properties: Vec::new(), additional: Additional::Unsaid, min: None, max: None, hint: None }
    }
}

impl Shape {
    /// One of several; a union in it becomes part of this one.
    pub(crate) fn one_of(variants: Vec<Self>) -> Self {
        let mut flat: Vec<Self> = Vec::new();
        for variant in variants {
            match variant {
                Self::Never => {}
                Self::Any => return Self::Any,
                Self::Union(Union { variants, exactly_one: false, discriminator: None }) => {
                    for variant in variants {
                        if !flat.contains(&variant) {
                            flat.push(variant);
                        }
                    }
                }
                other => {
                    if !flat.contains(&other) {
                        flat.push(other);
                    }
                }
            }
        }
        match flat.len() {
            0 => Self::Never,
            1 => flat.pop().unwrap_or(Self::Never),
            _ => Self::Union(Union { variants: flat, exactly_one: false, discriminator: None }),
        }
    }

    pub(crate) fn union(variants: Vec<Self>, exactly_one: bool, discriminator: Option<String>) -> Self {
        if !exactly_one && discriminator.is_none() {
            return Self::one_of(variants);
        }
        let mut variants = variants;
        variants.retain(|variant| *variant != Self::Never);
        match variants.len() {
            0 => Self::Never,
            1 => variants.pop().unwrap_or(Self::Never),
            _ => Self::Union(Union { variants, exactly_one, discriminator }),
        }
    }
}
