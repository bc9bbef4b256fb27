//! The documents that references may lead to.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::json::Value;

/// What the root of a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Root {
    /// A schema.
    Schema,
    /// Something that holds schemas, such as an OpenAPI document.
    Container,
}

/// Documents by name. Nothing else is reachable by `$ref`.
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
}
