//! A new generation under load: no request fails, no connection is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::rig::{Build, Client, Recorder, until};

#[tokio::test]
async fn reloads_cost_no_request_and_no_connection() {
    let upstream = Recorder::plain().await;
    let mut build = Build::before(upstream.address);
    build.settings.threads = 2;
    let mut rig = build.start();
    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut clients = Vec::new();
    for _ in 0..8 {
        let (address, stop, done) = (rig.address, Arc::clone(&stop), Arc::clone(&done));
        clients.push(tokio::spawn(async move {
            let mut client = Client::connect(address).await;
            while !stop.load(Ordering::Relaxed) {
                assert_eq!(client.get("/").await.status, 200);
                done.fetch_add(1, Ordering::Relaxed);
            }
        }));
    }
    for _ in 0..20 {
        let before = done.load(Ordering::Relaxed);
        rig.reload();
        until(|| done.load(Ordering::Relaxed) > before + 8).await;
    }
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
    let connections = upstream.all().iter().map(|request| request.connection).max();
    assert!(connections <= Some(8), "pools live on: {connections:?}");
}

#[tokio::test]
async fn a_generation_that_cannot_be_used_changes_nothing() {
    let upstream = Recorder::plain().await;
    let rig = Build::before(upstream.address).start();
    let generation = gabion_gateway::Generation {
        pipeline: Arc::clone(&rig.pipeline),
        upstreams: std::collections::BTreeMap::new(),
        tls: None,
        client_certificates: None,
        tracer: None,
    };
    let error = rig.gate.reload(generation).unwrap_err();
    assert_eq!(error.to_string(), "upstream `app`: is not declared");
    assert_eq!(rig.connect().await.get("/").await.status, 200);
}
