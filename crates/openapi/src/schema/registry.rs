//! The documents that references may lead to.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use crate::json::{self, Bounds, Value};

/// What the root of a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Root {
    /// A schema.
    Schema,
    /// Something that holds schemas, such as an OpenAPI document.
    Container,
}

/// Documents by name. Nothing else is reachable by `$ref`, but the metaschemas of the dialects, which are built in.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    documents: BTreeMap<String, (Arc<Value>, Root)>,
}

impl Registry {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a document under a name, which is a URI or a relative path such as `openapi.yaml`. A name that is taken
    /// gets the new document.
    pub fn add(&mut self, name: &str, document: Arc<Value>, root: Root) {
        self.documents.insert(name.to_owned(), (document, root));
    }

    /// All documents: the metaschemas first, then by name.
    pub(super) fn documents(&self) -> impl Iterator<Item = (&str, &Value, Root)> {
        let built_in = METASCHEMAS.iter().map(|(name, document)| (*name, document, Root::Schema));
        built_in
            .chain(self.documents.iter().map(|(name, (document, root))| (name.as_str(), &**document, *root)))
    }
}

/// Published at json-schema.org; a test reads all of them.
static METASCHEMAS: LazyLock<Vec<(&'static str, Value)>> = LazyLock::new(|| {
    TEXTS
        .iter()
        .filter_map(|(name, text)| Some((*name, json::parse(text.as_bytes(), &Bounds::file()).ok()?)))
        .collect()
});

const TEXTS: &[(&str, &str)] = &[
    ("http://json-schema.org/draft-04/schema", include_str!("meta/draft-04.json")),
    ("https://json-schema.org/draft/2020-12/schema", include_str!("meta/draft2020-12/schema.json")),
    (
        "https://json-schema.org/draft/2020-12/meta/applicator",
        include_str!("meta/draft2020-12/applicator.json"),
    ),
    ("https://json-schema.org/draft/2020-12/meta/content", include_str!("meta/draft2020-12/content.json")),
    ("https://json-schema.org/draft/2020-12/meta/core", include_str!("meta/draft2020-12/core.json")),
    (
        "https://json-schema.org/draft/2020-12/meta/format-annotation",
        include_str!("meta/draft2020-12/format-annotation.json"),
    ),
    (
        "https://json-schema.org/draft/2020-12/meta/format-assertion",
        include_str!("meta/draft2020-12/format-assertion.json"),
    ),
    (
        "https://json-schema.org/draft/2020-12/meta/meta-data",
        include_str!("meta/draft2020-12/meta-data.json"),
    ),
    (
        "https://json-schema.org/draft/2020-12/meta/unevaluated",
        include_str!("meta/draft2020-12/unevaluated.json"),
    ),
    (
        "https://json-schema.org/draft/2020-12/meta/validation",
        include_str!("meta/draft2020-12/validation.json"),
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metaschema_is_read() {
        assert_eq!(METASCHEMAS.len(), TEXTS.len());
    }
}
