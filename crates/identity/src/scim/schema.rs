//! The attributes of users and groups (RFC 7643, 4.1, 4.2, 4.3): those that are kept, and no others.
//!
//! Left out on purpose: `x509Certificates` (certificates open the gate only as they are bound in the
//! configuration), and groups in groups.

use super::AttrPath;

/// What a value is (RFC 7643, 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    Boolean,
    Complex,
    DateTime,
    Reference,
    String,
}

/// RFC 7643, 2.2 and 7.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutability {
    Immutable,
    ReadOnly,
    ReadWrite,
    WriteOnly,
}

/// RFC 7643, 2.2 and 7.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Returned {
    Always,
    Default,
    Never,
    Request,
}

/// RFC 7643, 7.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute {
    pub name: &'static str,
    pub about: &'static str,
    pub kind: Type,
    pub multi: bool,
    pub required: bool,
    pub case_exact: bool,
    pub mutability: Mutability,
    pub returned: Returned,
    /// No two resources of the server have the same.
    pub unique: bool,
    pub canonical: &'static [&'static str],
    /// What a reference points to.
    pub references: &'static [&'static str],
    pub sub: &'static [Attribute],
}

/// A named set of attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schema {
    pub id: &'static str,
    pub name: &'static str,
    pub about: &'static str,
    pub attributes: &'static [Attribute],
}

/// RFC 7643, 6.
#[derive(Debug, PartialEq, Eq)]
pub struct ResourceType {
    pub name: &'static str,
    pub endpoint: &'static str,
    pub about: &'static str,
    pub core: Schema,
    pub extensions: &'static [Schema],
}

/// An attribute of a resource, where it is, and one of its parts if one was named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    pub extension: Option<&'static Schema>,
    pub attribute: &'static Attribute,
    pub sub: Option<&'static Attribute>,
}

impl ResourceType {
    /// The attribute a path names, in whatever case; none for one that is not kept.
    #[must_use]
    pub fn find(&'static self, path: &AttrPath) -> Option<Found> {
        let (extension, attribute) = match &path.schema {
            None => (None, self.attribute(&path.name)?),
            Some(id) if id.eq_ignore_ascii_case(self.core.id) => (None, self.attribute(&path.name)?),
            Some(id) => {
                let extension = self.extension(id)?;
                (Some(extension), by_name(extension.attributes, &path.name)?)
            }
        };
        let sub = match &path.sub {
            None => None,
            Some(name) => Some(by_name(attribute.sub, name)?),
        };
        Some(Found { extension, attribute, sub })
    }

    #[must_use]
    pub fn attribute(&'static self, name: &str) -> Option<&'static Attribute> {
        by_name(COMMON, name).or_else(|| by_name(self.core.attributes, name))
    }

    #[must_use]
    pub fn extension(&'static self, id: &str) -> Option<&'static Schema> {
        self.extensions.iter().find(|schema| schema.id.eq_ignore_ascii_case(id))
    }

    /// The extension that a path without attribute names as a whole.
    #[must_use]
    pub fn whole_extension(&'static self, path: &AttrPath) -> Option<&'static Schema> {
        let schema = path.schema.as_ref().filter(|_| path.sub.is_none())?;
        self.extension(&format!("{schema}:{}", path.name))
    }

    #[must_use]
    pub fn has_schema(&self, id: &str) -> bool {
        let own = std::iter::once(&self.core).chain(self.extensions);
        own.into_iter().any(|schema| schema.id.eq_ignore_ascii_case(id))
    }
}

impl Attribute {
    #[must_use]
    pub fn part(&'static self, name: &str) -> Option<&'static Attribute> {
        by_name(self.sub, name)
    }

    const fn new(name: &'static str, about: &'static str) -> Self {
        Self {
            name,
            about,
            kind: Type::String,
            multi: false,
            required: false,
            case_exact: false,
            mutability: Mutability::ReadWrite,
            returned: Returned::Default,
            unique: false,
            canonical: &[],
            references: &[],
            sub: &[],
        }
    }

    const fn kind(mut self, kind: Type) -> Self {
        self.kind = kind;
        self
    }

    const fn complex(name: &'static str, about: &'static str, sub: &'static [Attribute]) -> Self {
        let mut attribute = Self::new(name, about);
        attribute.kind = Type::Complex;
        attribute.sub = sub;
        attribute
    }

    const fn several(name: &'static str, about: &'static str, sub: &'static [Attribute]) -> Self {
        let mut attribute = Self::complex(name, about, sub);
        attribute.multi = true;
        attribute
    }

    const fn reference(name: &'static str, about: &'static str, to: &'static [&'static str]) -> Self {
        let mut attribute = Self::new(name, about);
        attribute.kind = Type::Reference;
        attribute.references = to;
        attribute.case_exact = true;
        attribute
    }

    const fn mutability(mut self, mutability: Mutability) -> Self {
        self.mutability = mutability;
        self
    }

    const fn returned(mut self, returned: Returned) -> Self {
        self.returned = returned;
        self
    }

    const fn canonical(mut self, values: &'static [&'static str]) -> Self {
        self.canonical = values;
        self
    }

    const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    const fn unique(mut self) -> Self {
        self.unique = true;
        self
    }

    const fn exact(mut self) -> Self {
        self.case_exact = true;
        self
    }
}

fn by_name(attributes: &'static [Attribute], name: &str) -> Option<&'static Attribute> {
    attributes.iter().find(|one| one.name.eq_ignore_ascii_case(name))
}

const READ: Mutability = Mutability::ReadOnly;

const TYPE: Attribute = Attribute::new("type", "What it is for.");
const DISPLAY: Attribute = Attribute::new("display", "How it is shown.");
const PRIMARY: Attribute =
    Attribute::new("primary", "Whether it is the preferred one; one at most is.").kind(Type::Boolean);

/// What every resource has (RFC 7643, 3.1).
pub const COMMON: &[Attribute] = &[
    Attribute::reference("schemas", "The schemas of the resource.", &["uri"])
        .required()
        .returned(Returned::Always),
    Attribute::new("id", "The name Gabion gives it.")
        .exact()
        .mutability(READ)
        .returned(Returned::Always)
        .unique(),
    Attribute::new("externalId", "The name the provisioning directory gives it.").exact(),
    Attribute::complex(
        "meta",
        "When it was made and changed.",
        &[
            Attribute::new("resourceType", "`User` or `Group`.").exact().mutability(READ),
            Attribute::new("created", "When it was made.").kind(Type::DateTime).mutability(READ),
            Attribute::new("lastModified", "When it last changed.").kind(Type::DateTime).mutability(READ),
            Attribute::reference("location", "Where it is.", &["uri"]).mutability(READ),
            Attribute::new("version", "Its entity tag.").exact().mutability(READ),
        ],
    )
    .mutability(READ),
];

/// RFC 7643, 4.1.
pub static USER: ResourceType = ResourceType {
    name: "User",
    endpoint: "/Users",
    about: "A person's account.",
    core: Schema {
        id: "urn:ietf:params:scim:schemas:core:2.0:User",
        name: "User",
        about: "A person's account.",
        attributes: &[
            Attribute::new(
                "userName",
                "What the person signs in with: 2 to 254 of a to z, digits and `. _ - + @`.",
            )
            .required()
            .unique(),
            Attribute::complex(
                "name",
                "The parts of the person's name.",
                &[
                    Attribute::new("formatted", "The full name, as it is written."),
                    Attribute::new("familyName", "The family name."),
                    Attribute::new("givenName", "The given name."),
                    Attribute::new("middleName", "The middle names."),
                    Attribute::new("honorificPrefix", "For instance `Dr`."),
                    Attribute::new("honorificSuffix", "For instance `III`."),
                ],
            ),
            Attribute::new("displayName", "The name as it is shown."),
            Attribute::new("nickName", "What the person is called."),
            Attribute::reference(
                "profileUrl",
                "The person's page: an `https` or `http` address.",
                &["external"],
            ),
            Attribute::new("title", "For instance `Vice President`."),
            Attribute::new("userType", "For instance `Contractor`."),
            Attribute::new("preferredLanguage", "Languages in the form of `Accept-Language`."),
            Attribute::new("locale", "For instance `fr-CA` (BCP 47)."),
            Attribute::new("timezone", "For instance `Europe/Paris`."),
            Attribute::new(
                "active",
                "Whether the person may sign in. `false` ends all sessions, tokens and keys.",
            )
            .kind(Type::Boolean),
            Attribute::new("password", "A new password. Never shown.")
                .exact()
                .mutability(Mutability::WriteOnly)
                .returned(Returned::Never),
            Attribute::several(
                "emails",
                "E-mail addresses. The primary one is the account's.",
                &[
                    Attribute::new("value", "The address."),
                    DISPLAY,
                    TYPE.canonical(&["work", "home", "other"]),
                    PRIMARY,
                ],
            ),
            Attribute::several(
                "phoneNumbers",
                "Telephone numbers. The primary one is the account's.",
                &[
                    Attribute::new("value", "The number."),
                    DISPLAY,
                    TYPE.canonical(&["work", "home", "mobile", "fax", "pager", "other"]),
                    PRIMARY,
                ],
            ),
            Attribute::several(
                "ims",
                "Addresses for instant messages.",
                &[Attribute::new("value", "The address."), DISPLAY, TYPE, PRIMARY],
            ),
            Attribute::several(
                "photos",
                "Pictures of the person.",
                &[
                    Attribute::reference("value", "An `https` or `http` address.", &["external"]),
                    DISPLAY,
                    TYPE.canonical(&["photo", "thumbnail"]),
                    PRIMARY,
                ],
            ),
            Attribute::several(
                "addresses",
                "Postal addresses. The primary one is the account's.",
                &[
                    Attribute::new("formatted", "As on a letter."),
                    Attribute::new("streetAddress", "Street and house."),
                    Attribute::new("locality", "City."),
                    Attribute::new("region", "State or region."),
                    Attribute::new("postalCode", "Postal code."),
                    Attribute::new("country", "ISO 3166-1 alpha-2."),
                    TYPE.canonical(&["work", "home", "other"]),
                    PRIMARY,
                ],
            ),
            Attribute::several(
                "groups",
                "The groups the person is in; changed at the groups.",
                &[
                    Attribute::new("value", "The group's id.").exact().mutability(READ),
                    Attribute::reference("$ref", "Where the group is.", &["Group"]).mutability(READ),
                    Attribute::new("display", "The group's name.").mutability(READ),
                    TYPE.canonical(&["direct"]).mutability(READ),
                ],
            )
            .mutability(READ),
            Attribute::several(
                "entitlements",
                "What the directory says the person is entitled to. Kept, and no decision's ground.",
                &[Attribute::new("value", "The entitlement."), DISPLAY, TYPE, PRIMARY],
            ),
            Attribute::several(
                "roles",
                "The account's own roles. Never `administrator`.",
                &[Attribute::new("value", "1 to 64 letters, digits and `. _ - :`.").exact()],
            ),
        ],
    },
    extensions: &[Schema {
        id: "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
        name: "EnterpriseUser",
        about: "What an employer says of a person.",
        attributes: &[
            Attribute::new("employeeNumber", "The number of the person."),
            Attribute::new("costCenter", "The cost centre."),
            Attribute::new("organization", "The organization."),
            Attribute::new("division", "The division."),
            Attribute::new("department", "The department."),
            Attribute::complex(
                "manager",
                "Whom the person reports to.",
                &[
                    Attribute::new("value", "The manager's id.").exact(),
                    Attribute::reference("$ref", "Where the manager is.", &["User"]),
                    Attribute::new("displayName", "The manager's name.")
                        .mutability(READ)
                        .returned(Returned::Request),
                ],
            ),
        ],
    }],
};

/// RFC 7643, 4.2. Flat: a group is in no group.
pub static GROUP: ResourceType = ResourceType {
    name: "Group",
    endpoint: "/Groups",
    about: "People who have the same roles together.",
    core: Schema {
        id: "urn:ietf:params:scim:schemas:core:2.0:Group",
        name: "Group",
        about: "People who have the same roles together.",
        attributes: &[
            Attribute::new("displayName", "The group's name.").required().unique(),
            Attribute::several(
                "members",
                "Who is in it: users only.",
                &[
                    Attribute::new("value", "The user's id.").exact().mutability(Mutability::Immutable),
                    Attribute::reference("$ref", "Where the user is.", &["User"])
                        .mutability(Mutability::Immutable),
                    TYPE.canonical(&["User"]).mutability(Mutability::Immutable),
                    Attribute::new("display", "The user's name, when it is asked for.")
                        .mutability(READ)
                        .returned(Returned::Request),
                ],
            ),
        ],
    },
    extensions: &[],
};
