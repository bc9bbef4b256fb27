//! Questions as they stand in files, in the ledger and in requests: the same words everywhere.

use std::collections::BTreeMap;
use std::sync::Arc;

use gabion_model::{Acr, Methods, Timestamp};
use serde::{Deserialize, Serialize};

use crate::question::{Circumstance, Context, Question, Resource, Subject, SubjectKind};
use crate::value::{EntityRef, Value};

/// A question that owns its parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrittenQuestion {
    pub principal: WrittenPrincipal,
    pub action: String,
    pub resource: WrittenResource,
    /// Names are those policies use: `ip`, `acr`, `now`, and what the team declares.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub context: BTreeMap<Arc<str>, Value>,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrittenPrincipal {
    /// `User`, `ServiceAccount` or `Anonymous`.
    #[serde(rename = "type", default = "user")]
    pub kind: String,
    #[serde(default)]
    pub id: String,
    /// The id when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Those of the team's type `Profile`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub profile: BTreeMap<Arc<str>, Value>,
}

/// What is acted upon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrittenResource {
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub id: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parents: Vec<EntityRef>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<Arc<str>, Value>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<Arc<str>, Value>,
}

/// Why a written question cannot be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WrittenError {
    #[error("`{0}` is not a type of principal (hint: `User`, `ServiceAccount` or `Anonymous`)")]
    Principal(String),
    #[error("`context.{0}` cannot be read (hint: {1})")]
    Context(&'static str, &'static str),
}

/// The parts of a question, ready to be asked.
#[derive(Debug, Clone)]
pub struct OwnedQuestion {
    pub principal: Subject,
    pub action: String,
    pub resource: Resource,
    pub context: Context,
}

impl OwnedQuestion {
    #[must_use]
    pub fn as_question(&self) -> Question<'_> {
        Question {
            principal: &self.principal,
            action: &self.action,
            resource: &self.resource,
            context: &self.context,
        }
    }
}

impl WrittenQuestion {
    /// The question in words that can be kept, for instance in the ledger.
    #[must_use]
    pub fn of(question: &Question<'_>) -> Self {
        let identity = &question.principal.0;
        let names = |names: &[Arc<str>]| names.iter().map(ToString::to_string).collect();
        let resource = question.resource;
        Self {
            principal: WrittenPrincipal {
                kind: identity.kind.as_str().to_owned(),
                id: identity.id.to_string(),
                name: (identity.name != identity.id).then(|| identity.name.to_string()),
                tenant: identity.tenant.as_ref().map(ToString::to_string),
                roles: names(&identity.roles),
                groups: names(&identity.groups),
                profile: identity.attributes.clone(),
            },
            action: question.action.to_owned(),
            resource: WrittenResource {
                kind: resource.entity.kind.to_string(),
                id: resource.entity.id.to_string(),
                parents: resource.parents.clone(),
                attributes: resource.attributes.clone(),
                tags: resource.tags.clone(),
            },
            context: written_context(question.context),
        }
    }

    /// # Errors
    /// A type or a value nobody can read.
    pub fn read(&self) -> Result<OwnedQuestion, WrittenError> {
        Ok(OwnedQuestion {
            principal: self.principal.read()?,
            action: self.action.clone(),
            resource: self.resource.read(),
            context: read_context(&self.context)?,
        })
    }
}

impl WrittenPrincipal {
    /// # Errors
    /// The type is none of a principal.
    pub fn read(&self) -> Result<Subject, WrittenError> {
        let kind =
            SubjectKind::parse(&self.kind).ok_or_else(|| WrittenError::Principal(self.kind.clone()))?;
        let roles: Vec<&str> = self.roles.iter().map(String::as_str).collect();
        let groups: Vec<&str> = self.groups.iter().map(String::as_str).collect();
        let id = if kind == SubjectKind::Anonymous && self.id.is_empty() { "anonymous" } else { &self.id };
        let name = self.name.as_deref().unwrap_or(id);
        Ok(Subject::new(kind, id, name, self.tenant.as_deref(), &roles, &groups, self.profile.clone()))
    }
}

impl WrittenResource {
    #[must_use]
    pub fn read(&self) -> Resource {
        let mut made = Resource::new(&self.kind, &self.id);
        made.parents.clone_from(&self.parents);
        made.attributes.clone_from(&self.attributes);
        made.tags.clone_from(&self.tags);
        made
    }
}

/// Attributes the gate fills, in the order of the schema. `hour` and `weekday` follow from `now`.
const FILLED: &[&str] = &[
    "now",
    "ip",
    "secure",
    "acr",
    "factors",
    "authenticated_at",
    "credential",
    "scopes",
    "device",
    "method",
    "host",
    "path",
];

fn written_context(context: &Context) -> BTreeMap<Arc<str>, Value> {
    let empty = Context::default();
    let filled = FILLED.iter().filter(|name| !context.has_same(&empty, &Circumstance::of(name)));
    let filled = filled.filter_map(|name| Some((Arc::from(*name), context.attribute(name)?)));
    filled.chain(context.attributes.iter().map(|(name, value)| (name.clone(), value.clone()))).collect()
}

/// # Errors
/// What the gate fills itself is not what it would fill.
pub fn read_context(written: &BTreeMap<Arc<str>, Value>) -> Result<Context, WrittenError> {
    let mut context = Context::default();
    for (name, value) in written {
        let text = match value {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        };
        let wrong = |name, hint| WrittenError::Context(name, hint);
        match &**name {
            "now" => context.now = Some(instant(text, "now")?),
            "authenticated_at" => context.authenticated_at = Some(instant(text, "authenticated_at")?),
            "ip" => {
                let ip = text.and_then(|text| text.parse().ok());
                context.ip = Some(ip.ok_or_else(|| wrong("ip", "an address, for instance `10.0.0.7`"))?);
            }
            "secure" => match value {
                Value::Bool(secure) => context.secure = *secure,
                _ => return Err(wrong("secure", "`true` or `false`")),
            },
            "acr" => {
                context.acr = match value {
                    Value::Long(0) => None,
                    Value::Long(1) => Some(Acr::OneFactor),
                    Value::Long(2) => Some(Acr::TwoFactors),
                    Value::Long(3) => Some(Acr::PhishingResistant),
                    Value::Text(text) if Acr::parse(text).is_some() => Acr::parse(text),
                    _ => return Err(wrong("acr", "0, 1, 2 or 3")),
                };
            }
            "factors" => {
                let names = texts(value).ok_or_else(|| wrong("factors", "a list of `amr` values"))?;
                context.factors = methods(&names);
            }
            "scopes" => context.scopes = texts(value).ok_or_else(|| wrong("scopes", "a list of texts"))?,
            "credential" => context.credential = Some(text.ok_or_else(|| wrong("credential", "a text"))?),
            "device" => context.device = Some(text.ok_or_else(|| wrong("device", "a text"))?),
            "method" => context.method = Some(text.ok_or_else(|| wrong("method", "a text"))?),
            "host" => context.host = Some(text.ok_or_else(|| wrong("host", "a text"))?),
            "path" => context.path = Some(text.ok_or_else(|| wrong("path", "a text"))?),
            "hour" => return Err(wrong("hour", "it follows from `now`")),
            "weekday" => return Err(wrong("weekday", "it follows from `now`")),
            _ => {
                context.attributes.insert(name.clone(), value.clone());
            }
        }
    }
    Ok(context)
}

fn instant(text: Option<Arc<str>>, name: &'static str) -> Result<Timestamp, WrittenError> {
    let time = text.and_then(|text| text.parse::<jiff::Timestamp>().ok());
    let micros = time.map(jiff::Timestamp::as_microsecond);
    micros
        .map(Timestamp::from_micros)
        .ok_or(WrittenError::Context(name, "a time as in RFC 3339, for instance `2026-01-02T09:00:00Z`"))
}

fn texts(value: &Value) -> Option<Vec<Arc<str>>> {
    let Value::Set(items) = value else { return None };
    let text = |item: &Value| match item {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    };
    items.iter().map(text).collect()
}

/// The methods whose `amr` values these are.
fn methods(names: &[Arc<str>]) -> Methods {
    let rows = [
        ("pwd", Methods::PASSWORD),
        ("otp", Methods::TOTP),
        ("pop", Methods::PASSKEY),
        ("user", Methods::PASSKEY_USER_VERIFIED),
        ("kba", Methods::RECOVERY_CODE),
    ];
    let has = |name: &str| names.iter().any(|one| **one == *name);
    let found = rows.iter().filter(|(name, _)| has(name)).fold(Methods::NONE, |all, (_, one)| all.with(*one));
    // Two factors that another provider vouches for have no name of their own.
    if has("mfa") && found.acr() < Acr::TwoFactors {
        found.with(Methods::FEDERATED_TWO_FACTORS)
    } else {
        found
    }
}

fn user() -> String {
    SubjectKind::User.as_str().to_owned()
}
