//! What is known of an object beside its id: asked of whoever knows.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use gabion_model::Timestamp;

use crate::question::Resource;
use crate::value::EntityRef;

/// Knows attributes and parents of some types of object.
pub trait Resources: Send + Sync + fmt::Debug {
    /// Whether objects of this type are known here at all.
    fn serves(&self, kind: &str) -> bool;

    /// What is known without waiting.
    fn at_hand(&self, kind: &str, id: &str, now: Timestamp) -> Option<Found>;

    /// Finds out. Ends in bounded time.
    ///
    /// # Errors
    /// Why nothing is known; whoever decides then allows nothing.
    fn find(&self, object: EntityRef) -> Finding;
}

/// What [`Resources::find`] comes to.
pub type Finding = Pin<Box<dyn Future<Output = Result<Found, Unknown>> + Send>>;

/// The object; `None` when there is none of that id.
pub type Found = Option<Arc<Resource>>;

/// Why nothing is known. Alphabetical.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unknown {
    #[error("too many objects are asked about at the same time")]
    Busy,
    #[error("the application failed several times in a row and is left alone for a moment")]
    LeftAlone,
    #[error("no resolver knows objects of this type")]
    NoResolver,
    #[error("the application answered with {0}")]
    Status(u16),
    #[error("there was no answer in time")]
    TimedOut,
    #[error("the object's id is too long")]
    TooLong,
    #[error("the application cannot be asked: {0}")]
    Unreachable(String),
    #[error("the application's answer cannot be used: {0}")]
    Unusable(&'static str),
}
