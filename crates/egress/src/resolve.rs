//! From a name to its addresses, once.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use gabion_model::outbound::BoxFuture;
use hickory_resolver::TokioResolver;

/// Finds the addresses of a name.
pub trait Resolve: Send + Sync + fmt::Debug {
    /// All of them. An `absolute` name is complete; another one may be completed by the machine's search
    /// domains.
    fn resolve<'a>(
        &'a self,
        name: &'a str,
        absolute: bool,
    ) -> BoxFuture<'a, Result<Vec<IpAddr>, ResolveError>>;
}

/// Why there is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("its name has no address: {0}")]
pub struct ResolveError(pub String);

/// The machine's resolver settings and hosts file, read anew at each lookup: lookups are few, and nothing
/// of one is left for the next, which would be what an answer that changed its mind needs.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve<'a>(
        &'a self,
        name: &'a str,
        absolute: bool,
    ) -> BoxFuture<'a, Result<Vec<IpAddr>, ResolveError>> {
        Box::pin(async move {
            let lookup = async {
                let failed = |error: hickory_resolver::net::NetError| ResolveError(error.to_string());
                let mut builder = TokioResolver::builder_tokio().map_err(failed)?;
                let options = builder.options_mut();
                (options.timeout, options.attempts, options.cache_size) = (EACH_TRY, 2, 0);
                let resolver = builder.build().map_err(failed)?;
                let query = if absolute { format!("{name}.") } else { name.to_owned() };
                let found = resolver.lookup_ip(query).await.map_err(failed)?;
                Ok(found.iter().take(MOST_ANSWERS).collect())
            };
            match tokio::time::timeout(IN_ALL, lookup).await {
                Ok(found) => found,
                Err(_) => Err(ResolveError("no name server answered in time".to_owned())),
            }
        })
    }
}

const EACH_TRY: Duration = Duration::from_secs(2);
const IN_ALL: Duration = Duration::from_secs(5);
/// More addresses than this for one name are no service's.
const MOST_ANSWERS: usize = 64;
