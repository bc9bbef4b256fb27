//! What programs show instead of a session, together: for the request path.

use std::sync::Arc;

use crate::api_key::ApiKeys;

/// The living credentials of programs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Machines {
    pub keys: Arc<ApiKeys>,
}
