//! `rust-application ISSUER AUDIENCE RESOURCE CLIENT SECRET-FILE KEY-FILE [CA-FILE]`: listens on 127.0.0.1:3000.

use std::error::Error;
use std::path::PathBuf;

use gabion_tower::{EgressSettings, Gabion, Secret};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |name: &str| arguments.next().ok_or_else(|| format!("{name} is missing"));
    let (issuer, audience, resource) = (next("ISSUER")?, next("AUDIENCE")?, next("RESOURCE")?);
    let (client, secret) = (next("CLIENT")?, std::fs::read_to_string(next("SECRET-FILE")?)?);
    let key = Secret::new(std::fs::read_to_string(next("KEY-FILE")?)?.trim().to_owned());
    let ca_file = next("CA-FILE").ok().map(PathBuf::from);
    let egress = EgressSettings { ca_file, ..EgressSettings::default() };
    let gabion = Gabion::trusting(&issuer, egress)?.client(&client, &Secret::new(secret.trim().to_owned()));
    let application = rust_application::application(&gabion, &audience, &resource, &key)?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    axum::serve(listener, application).await?;
    Ok(())
}
