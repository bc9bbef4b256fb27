//! The gate's own pages, answered in process.

use std::convert::Infallible;
use std::fmt;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use tower::ServiceExt;
use tower::util::BoxCloneSyncService;
use tower_service::Service;

use crate::body::RequestBody;

/// Any failure of a body.
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;
pub(crate) type LocalBody = UnsyncBoxBody<Bytes, BoxError>;

/// Answers what the pipeline sends to `Destination::Local`; made from the console's `axum::Router` or
/// any tower service.
#[derive(Clone)]
pub struct LocalService(BoxCloneSyncService<Request<RequestBody>, Response<LocalBody>, Infallible>);

impl LocalService {
    pub fn new<S, B>(service: S) -> Self
    where
        S: Service<Request<RequestBody>, Response = Response<B>, Error = Infallible>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let service = service
            .map_response(|answer: Response<B>| answer.map(|body| body.map_err(Into::into).boxed_unsync()));
        Self(BoxCloneSyncService::new(service))
    }

    pub(crate) async fn answer(&self, request: Request<RequestBody>) -> Response<LocalBody> {
        match self.0.clone().oneshot(request).await {
            Ok(answer) => answer,
            Err(impossible) => match impossible {},
        }
    }
}

impl fmt::Debug for LocalService {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("LocalService")
    }
}
