//! Through a proxy that somebody looks at.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Request;
use gabion_probe::{Facts, run};

use crate::ground::{Silent, world};

#[tokio::test]
async fn everything_goes_through_it_in_absolute_form() {
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let kept = Arc::clone(&seen);
    let answer = move |request: Request| {
        kept.lock().unwrap().push(request.uri().to_string());
        async { "hello" }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    // Nobody listens there: only the proxy can answer.
    let mut facts = Facts::of("http://127.0.0.1:9");
    facts.target.proxy = Some(proxy);
    let report = run(facts, &world(&["headers"]), &Silent).await.unwrap();
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), report.requests);
    assert!(seen.iter().all(|target| target.starts_with("http://127.0.0.1:9/")), "{seen:?}");
}
