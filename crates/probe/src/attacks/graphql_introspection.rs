//! What a GraphQL interface tells of itself to strangers (OWASP API8:2023, CWE-200).
//!
//! `""`: nobody gets its schema by introspection. `suggestions`: a name that is nearly right is answered with the right one, by
//! which the schema is read word by word where introspection is closed. Twin: a name far from all of them. Both are for
//! information: a public interface may well tell of itself.

use gabion_model::Severity;
use gabion_model::outbound::BoxFuture;

use super::{Attack, Phase};
use crate::field::Field;
use crate::graphql::{Endpoint, INTROSPECTION, Schema, data, endpoints};
use crate::verdict::{Outcome, Proof, Verdict};
use crate::wire::WireError;

pub(super) struct GraphqlIntrospection;

const ID: &str = "graphql-introspection";

impl Attack for GraphqlIntrospection {
    fn id(&self) -> &'static str {
        ID
    }

    fn phase(&self) -> Phase {
        Phase::Look
    }

    fn run<'a>(&'a self, field: &'a Field) -> BoxFuture<'a, Result<(), WireError>> {
        Box::pin(run(field))
    }
}

async fn run(field: &Field) -> Result<(), WireError> {
    let endpoints = endpoints(field).await?;
    if endpoints.is_empty() {
        field.not_tested(ID, "nothing answers GraphQL");
    }
    for endpoint in endpoints {
        introspection(field, &endpoint).await?;
        suggestions(field, &endpoint).await?;
    }
    Ok(())
}

async fn introspection(field: &Field, endpoint: &Endpoint) -> Result<(), WireError> {
    let Some((request, answer)) = endpoint.ask(field, 0, INTROSPECTION).await? else { return Ok(()) };
    let outcome = match data(&answer).as_ref().and_then(Schema::read) {
        Some(schema) => {
            let says = format!("nobody in particular gets the schema: {} types", schema.types.len());
            let proof = Proof::new(field.evidence(0, &request, &answer), says.clone()).marked("__schema");
            Outcome::new(ID, &endpoint.id(), Verdict::Proven, says)
                .severity(Severity::Informational)
                .proof(proof)
        }
        None => Outcome::new(ID, &endpoint.id(), Verdict::Passed, "its schema is not told to strangers"),
    };
    field.say(outcome);
    Ok(())
}

async fn suggestions(field: &Field, endpoint: &Endpoint) -> Result<(), WireError> {
    let Some((request, answer)) = endpoint.ask(field, endpoint.who, "{__typenam}").await? else {
        return Ok(());
    };
    let far = format!("{{{}}}", field.canary());
    let Some((twin_request, twin)) = endpoint.ask(field, endpoint.who, &far).await? else { return Ok(()) };
    // The name that was meant stands in the answer only where it is offered.
    let outcome = if answer.has("__typename") && !twin.has("__typename") {
        let says = "a name that is nearly right is answered with the right one";
        let proof = Proof::new(field.evidence(endpoint.who, &request, &answer), says)
            .twin(field.evidence(endpoint.who, &twin_request, &twin))
            .marked("__typename");
        Outcome::new(ID, &endpoint.id(), Verdict::Proven, says).severity(Severity::Informational).proof(proof)
    } else {
        Outcome::new(ID, &endpoint.id(), Verdict::Passed, "names are not suggested")
    };
    field.say(outcome.aspect("suggestions"));
    Ok(())
}
