//! What programs show instead of a session, together: for the request path.

use std::sync::Arc;

use crate::access_token::AccessTokens;
use crate::api_key::ApiKeys;
use crate::certificate::Certificates;

/// The living credentials of programs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Machines {
    pub keys: Arc<ApiKeys>,
    pub tokens: Arc<AccessTokens>,
    pub certificates: Arc<Certificates>,
}
