//! Which keywords mean something: by `$schema` and, for 2020-12, by the vocabularies of the metaschema it names.

use super::options::Draft;
use crate::json::Value;

/// What a schema resource is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialect {
    pub(super) draft: Draft,
    pub(super) applicator: bool,
    pub(super) unevaluated: bool,
    pub(super) validation: bool,
    /// `format` is asserted whatever the options say.
    pub(super) format_assertion: bool,
}

impl Dialect {
    pub(super) const fn of(draft: Draft) -> Self {
        Self { draft, applicator: true, unevaluated: true, validation: true, format_assertion: false }
    }

    /// Of a `$schema` that is known by name.
    pub(super) fn by_name(name: &str) -> Option<Self> {
        match name.trim_end_matches('#') {
            "https://json-schema.org/draft/2020-12/schema"
            | "https://spec.openapis.org/oas/3.1/dialect/base"
            | "https://spec.openapis.org/oas/3.1/dialect/2024-11-10" => Some(Self::of(Draft::Draft202012)),
            "http://json-schema.org/draft-04/schema" => Some(Self::of(Draft::Draft4)),
            _ => None,
        }
    }

    /// Of a metaschema: by its `$vocabulary`, else as its own `$schema` says. `Err` names a vocabulary that is required
    /// and not known.
    pub(super) fn by_metaschema(metaschema: &Value) -> Result<Option<Self>, String> {
        let own = metaschema.get("$schema").and_then(Value::as_str).and_then(Self::by_name);
        let Some(vocabularies) = metaschema.get("$vocabulary").and_then(Value::as_object) else {
            return Ok(own);
        };
        let mut dialect = Self {
            draft: Draft::Draft202012,
            applicator: false,
            unevaluated: false,
            validation: false,
            format_assertion: false,
        };
        for (uri, required) in vocabularies.iter() {
            match uri.strip_prefix("https://json-schema.org/draft/2020-12/vocab/") {
                Some("applicator") => dialect.applicator = true,
                Some("unevaluated") => dialect.unevaluated = true,
                Some("validation") => dialect.validation = true,
                Some("format-assertion") => dialect.format_assertion = true,
                Some("core" | "content" | "meta-data" | "format-annotation") => {}
                _ if required.as_bool() == Some(false) => {}
                _ => return Err(uri.to_owned()),
            }
        }
        Ok(Some(dialect))
    }

    /// The keyword that names a resource.
    pub(super) const fn id_keyword(self) -> Option<&'static str> {
        match self.draft {
            Draft::Draft4 => Some("id"),
            Draft::OpenApi30 => None,
            Draft::Draft202012 => Some("$id"),
        }
    }

    /// Whether `$ref` stands alone: its siblings mean nothing.
    pub(super) const fn lonely_ref(self) -> bool {
        !matches!(self.draft, Draft::Draft202012)
    }
}
