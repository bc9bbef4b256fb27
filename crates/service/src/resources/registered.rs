//! What the application registered of its objects: told before anybody asks, instead of asked.

use std::sync::Arc;

use gabion_identity::storage::{ResourceStorage, StoredResource};
use gabion_model::{AccountId, Problem, Timestamp};
use gabion_policy::{EntityRef, Found, Resource, Unknown};
use serde::{Deserialize, Serialize};

use super::answer::{self, Parent, Plain};
use super::settings::is_type;
use crate::authorize::Standing;
use crate::record::About;
use crate::{Act, ActError, Caller, Service};

/// What an application says of one of its objects.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Registration {
    attributes: Plain,
    parents: Vec<Parent>,
}

/// Why nothing was registered. Alphabetical.
#[derive(Debug, thiserror::Error)]
pub enum RegistrationError {
    #[error(transparent)]
    Act(#[from] ActError),
    #[error("{0}")]
    Invalid(Problem),
    #[error("nothing is registered about it")]
    NotFound,
}

impl Service {
    /// Takes an application's word about one of its objects, in place of what it said before. The next decision
    /// goes by it.
    ///
    /// # Errors
    /// Who may not, and what cannot be used.
    pub async fn register_resource(
        &self,
        caller: &Caller,
        kind: &str,
        id: &str,
        registration: Registration,
    ) -> Result<(), RegistrationError> {
        let object = object(kind, id)?;
        answer::known(&object, &registration.attributes, &registration.parents)
            .map_err(|reason| RegistrationError::Invalid(Problem::new("attributes", reason)))?;
        let invalid = |_| RegistrationError::Invalid(Problem::new("attributes", "cannot be kept"));
        let attributes = serde_json::to_string(&registration.attributes).map_err(invalid)?;
        let parents = serde_json::to_string(&registration.parents).map_err(invalid)?;
        if attributes.len().saturating_add(parents.len()) > LONGEST {
            let problem = Problem::new("attributes", "are longer than 64 KiB together");
            return Err(RegistrationError::Invalid(problem));
        }
        let (kind, id) = (kind.to_owned(), id.to_owned());
        self.act(Act::RegisterResource, caller, About::of(object.to_string()), move |inner, standing| {
            let stored =
                StoredResource { kind, id, attributes, parents, by: by(standing), at: inner.clock.now() };
            inner.storage.put_resource(&stored).map_err(ActError::from)?;
            inner.resolvers.load().forget(&stored.kind, &stored.id);
            Ok(())
        })
        .await
    }

    /// What an application registered, and when.
    ///
    /// # Errors
    /// Who may not, and that there is nothing.
    pub async fn registered_resource(
        &self,
        caller: &Caller,
        kind: &str,
        id: &str,
    ) -> Result<(Registration, Timestamp), RegistrationError> {
        let (kind, id) = (kind.to_owned(), id.to_owned());
        self.read(Act::ReadResource, caller, move |inner, _| {
            let stored = inner.storage.resource(&kind, &id).map_err(ActError::from)?;
            let stored = stored.ok_or(RegistrationError::NotFound)?;
            Ok((registration(&stored).ok_or(ActError::Unavailable)?, stored.at))
        })
        .await
    }

    /// Forgets what was registered: the object is gone.
    ///
    /// # Errors
    /// Who may not, and that there is nothing.
    pub async fn remove_resource(
        &self,
        caller: &Caller,
        kind: &str,
        id: &str,
    ) -> Result<(), RegistrationError> {
        let object = object(kind, id)?;
        let (kind, id) = (kind.to_owned(), id.to_owned());
        self.act(Act::RemoveResource, caller, About::of(object.to_string()), move |inner, _| {
            let was = inner.storage.remove_resource(&kind, &id).map_err(ActError::from)?;
            inner.resolvers.load().forget(&kind, &id);
            if was { Ok(()) } else { Err(RegistrationError::NotFound) }
        })
        .await
    }
}

/// What is registered about an object.
pub(super) fn read(storage: &dyn ResourceStorage, object: &EntityRef) -> Result<Found, Unknown> {
    let stored = storage.resource(&object.kind, &object.id);
    let stored = stored.map_err(|error| Unknown::Unreachable(error.to_string()))?;
    stored.map(|stored| known(&stored)).transpose()
}

/// What was registered, as policies read it.
pub(crate) fn known(stored: &StoredResource) -> Result<Arc<Resource>, Unknown> {
    let Registration { attributes, parents } =
        registration(stored).ok_or(Unknown::Unusable("what is stored is damaged"))?;
    let object = EntityRef::new(&stored.kind, &stored.id);
    answer::known(&object, &attributes, &parents).map_err(Unknown::Unusable)
}

fn registration(stored: &StoredResource) -> Option<Registration> {
    Some(Registration {
        attributes: serde_json::from_str(&stored.attributes).ok()?,
        parents: serde_json::from_str(&stored.parents).ok()?,
    })
}

fn object(kind: &str, id: &str) -> Result<Arc<EntityRef>, RegistrationError> {
    let invalid = |path: &str, reason: &str| RegistrationError::Invalid(Problem::new(path, reason));
    if !is_type(kind) {
        return Err(invalid("type", "is not a name as policies have it, for instance `Order`"));
    }
    if id.is_empty() || id.len() > super::LONGEST_ID || id.chars().any(char::is_control) {
        return Err(invalid("id", "is not 1 to 512 bytes without control characters"));
    }
    Ok(Arc::new(EntityRef::new(kind, id)))
}

fn by(standing: Standing) -> AccountId {
    match standing {
        Standing::Administrator(account) | Standing::Registrar(account) => account.id,
        _ => AccountId::new("operator"),
    }
}

/// Attributes and parents of one object, in bytes.
const LONGEST: usize = 64 * 1024;
