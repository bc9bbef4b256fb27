//! Which attributes of a resource are sent (RFC 7644, 3.9; RFC 7643, 7 `returned`).

use serde_json::Value;

use super::schema::{Attribute, ResourceType, Returned};
use super::{AttrPath, Kind, Map, Refusal};

/// What a client asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// These alone, when there are any.
    pub included: Vec<AttrPath>,
    /// All but these.
    pub excluded: Vec<AttrPath>,
}

impl Selection {
    /// From `attributes` and `excludedAttributes`.
    ///
    /// # Errors
    /// [`Kind::InvalidValue`] when both are given (RFC 7644, 3.9), [`Kind::InvalidPath`] for what is no name.
    pub fn new(included: &[&str], excluded: &[&str]) -> Result<Self, Refusal> {
        if !included.is_empty() && !excluded.is_empty() {
            return Err(Kind::InvalidValue.because("give `attributes` or `excludedAttributes`, not both"));
        }
        if included.len().max(excluded.len()) > MOST {
            return Err(Kind::TooMany.because(format_args!("at most {MOST} attributes can be named")));
        }
        let read = |names: &[&str]| names.iter().map(|name| name.parse()).collect::<Result<_, _>>();
        Ok(Self { included: read(included)?, excluded: read(excluded)? })
    }

    /// Whether an attribute of the core schema is sent at all.
    #[must_use]
    pub fn wants(&self, resource: &'static ResourceType, name: &str) -> bool {
        let names = |paths: &[AttrPath], whole: bool| {
            let found = paths.iter().filter_map(|path| resource.find(path));
            let mut found =
                found.filter(|found| found.extension.is_none() && (!whole || found.sub.is_none()));
            found.any(|found| found.attribute.name == name)
        };
        (self.included.is_empty() || names(&self.included, false)) && !names(&self.excluded, true)
    }

    /// Whether a part is named that is sent only when it is.
    fn asks_for(&self, resource: &'static ResourceType, part: &Attribute) -> bool {
        self.included.iter().filter_map(|path| resource.find(path)).any(|found| found.sub == Some(part))
    }

    /// Leaves in the resource what is sent of it.
    pub fn apply(&self, resource: &'static ResourceType, document: &mut Map) {
        let whole = |id: &str, paths: &[AttrPath]| {
            paths.iter().filter_map(|path| resource.whole_extension(path)).any(|schema| schema.id == id)
        };
        for schema in resource.extensions {
            let Some(Value::Object(parts)) = document.get_mut(schema.id) else { continue };
            let all = whole(schema.id, &self.included);
            if whole(schema.id, &self.excluded) {
                parts.clear();
            }
            for attribute in schema.attributes {
                self.one(resource, parts, Some(schema.id), attribute, all);
            }
            if parts.is_empty() {
                document.remove(schema.id);
            }
        }
        for attribute in super::schema::COMMON.iter().chain(resource.core.attributes) {
            self.one(resource, document, None, attribute, false);
        }
    }

    fn one(
        &self,
        resource: &'static ResourceType,
        place: &mut Map,
        extension: Option<&str>,
        attribute: &'static Attribute,
        all: bool,
    ) {
        if attribute.returned == Returned::Never {
            place.remove(attribute.name);
            return;
        }
        let own = |paths: &[AttrPath]| {
            let found = paths.iter().filter_map(|path| resource.find(path));
            let own = found.filter(|found| {
                found.attribute == attribute && found.extension.map(|schema| schema.id) == extension
            });
            own.map(|found| found.sub).collect::<Vec<_>>()
        };
        let (included, excluded) = (own(&self.included), own(&self.excluded));
        let asked = self.included.is_empty() || all || !included.is_empty();
        if attribute.returned != Returned::Always && (!asked || excluded.contains(&None)) {
            place.remove(attribute.name);
            return;
        }
        let narrowed = !included.is_empty() && !included.contains(&None);
        let keeps = |part: &&'static Attribute| {
            let named = included.contains(&Some(*part));
            match part.returned {
                Returned::Always => true,
                Returned::Never => false,
                Returned::Request => named,
                Returned::Default => (!narrowed || named) && !excluded.contains(&Some(*part)),
            }
        };
        if attribute.sub.is_empty() || attribute.sub.iter().all(|part| keeps(&part)) {
            return;
        }
        let kept: Vec<&str> = attribute.sub.iter().filter(keeps).map(|part| part.name).collect();
        let Some(value) = place.get_mut(attribute.name) else { return };
        let values = match value {
            Value::Array(values) => values.as_mut_slice(),
            one => std::slice::from_mut(one),
        };
        for value in values {
            if let Value::Object(parts) = value {
                parts.retain(|name, _| kept.contains(&name.as_str()));
            }
        }
        if kept.is_empty() {
            place.remove(attribute.name);
        }
    }

    /// Whether the names of members are sent.
    #[must_use]
    pub fn wants_display(&self, resource: &'static ResourceType, attribute: &'static Attribute) -> bool {
        attribute.part("display").is_some_and(|display| self.asks_for(resource, display))
    }
}

/// Names in one request.
const MOST: usize = 100;
