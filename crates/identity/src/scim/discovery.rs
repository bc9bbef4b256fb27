//! What clients are told of the server (RFC 7643, 5 to 7).

use serde_json::{Value, json};

use super::query::LONGEST_PAGE;
use super::schema::{Attribute, GROUP, Mutability, ResourceType, Returned, Schema, Type, USER};

/// Every kind of resource there is.
pub const RESOURCE_TYPES: [&ResourceType; 2] = [&USER, &GROUP];

/// `/ServiceProviderConfig`.
#[must_use]
pub fn service_provider_config(base: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": {"supported": true},
        "bulk": {"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": true, "maxResults": LONGEST_PAGE},
        "changePassword": {"supported": true},
        "sort": {"supported": true},
        "etag": {"supported": true},
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "Bearer",
            "description": "An API key or an access token of a service account, with the scope `gabion:scim`.",
            "specUri": "https://www.rfc-editor.org/rfc/rfc6750",
            "primary": true
        }],
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": format!("{base}/ServiceProviderConfig")
        }
    })
}

/// `/ResourceTypes`.
#[must_use]
pub fn resource_types(base: &str) -> Vec<Value> {
    RESOURCE_TYPES.iter().map(|one| resource_type(one, base)).collect()
}

/// `/Schemas`.
#[must_use]
pub fn schemas(base: &str) -> Vec<Value> {
    let of = |one: &'static ResourceType| std::iter::once(&one.core).chain(one.extensions);
    RESOURCE_TYPES.iter().flat_map(|one| of(one)).map(|one| schema(one, base)).collect()
}

fn resource_type(one: &ResourceType, base: &str) -> Value {
    let extensions: Vec<Value> =
        one.extensions.iter().map(|schema| json!({"schema": schema.id, "required": false})).collect();
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
        "id": one.name,
        "name": one.name,
        "endpoint": one.endpoint,
        "description": one.about,
        "schema": one.core.id,
        "schemaExtensions": extensions,
        "meta": {
            "resourceType": "ResourceType",
            "location": format!("{base}/ResourceTypes/{}", one.name)
        }
    })
}

fn schema(one: &Schema, base: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
        "id": one.id,
        "name": one.name,
        "description": one.about,
        "attributes": one.attributes.iter().map(attribute).collect::<Vec<_>>(),
        "meta": {"resourceType": "Schema", "location": format!("{base}/Schemas/{}", one.id)}
    })
}

fn attribute(one: &Attribute) -> Value {
    let mut told = json!({
        "name": one.name,
        "type": match one.kind {
            Type::Boolean => "boolean",
            Type::Complex => "complex",
            Type::DateTime => "dateTime",
            Type::Reference => "reference",
            Type::String => "string",
        },
        "multiValued": one.multi,
        "description": one.about,
        "required": one.required,
        "mutability": match one.mutability {
            Mutability::Immutable => "immutable",
            Mutability::ReadOnly => "readOnly",
            Mutability::ReadWrite => "readWrite",
            Mutability::WriteOnly => "writeOnly",
        },
        "returned": match one.returned {
            Returned::Always => "always",
            Returned::Default => "default",
            Returned::Never => "never",
            Returned::Request => "request",
        },
    });
    let Some(map) = told.as_object_mut() else { return told };
    let mut add = |name: &str, value: Value| {
        map.insert(name.to_owned(), value);
    };
    if one.kind == Type::Complex {
        add("subAttributes", one.sub.iter().map(attribute).collect());
    } else {
        add("uniqueness", if one.unique { "server" } else { "none" }.into());
    }
    if matches!(one.kind, Type::String | Type::Reference) {
        add("caseExact", one.case_exact.into());
    }
    if !one.canonical.is_empty() {
        add("canonicalValues", one.canonical.iter().copied().map(Value::from).collect());
    }
    if !one.references.is_empty() {
        add("referenceTypes", one.references.iter().copied().map(Value::from).collect());
    }
    told
}
