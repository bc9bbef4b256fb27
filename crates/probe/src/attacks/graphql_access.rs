//! Whether GraphQL gives somebody an object of somebody else, or nobody's session any object at all, by its id (OWASP API1:2023).
//!
//! 1. Lists that need no arguments are asked as everybody who signed in; an object of one person's lists alone is theirs.
//! 2. A field that takes an id and answers the same type is asked for it by its owner, who gets a text of it: the control.
//! 3. Somebody else asks the same (`""`), and nobody does (`anonymous`). It is proven when they get the text, too.
//! 4. Negative twin: an id that nothing has does not give it.
//!
//! Objects that stand in two people's lists, or that nobody's lists tell, are not asked for: they may well be shared.

use std::collections::BTreeMap;

use gabion_model::outbound::BoxFuture;
use serde_json::Value;

use super::graphql_limits::is_id;
use super::{Attack, Phase};
use crate::call::text_of;
use crate::field::Field;
use crate::graphql::{Endpoint, Entry, Schema, data, endpoints};
use crate::matrix::Access;
use crate::verdict::{Outcome, Proof, Verdict};
use crate::wire::WireError;

pub(super) struct GraphqlAccess;

const ID: &str = "graphql-access";

impl Attack for GraphqlAccess {
    fn id(&self) -> &'static str {
        ID
    }

    fn phase(&self) -> Phase {
        Phase::Read
    }

    fn run<'a>(&'a self, field: &'a Field) -> BoxFuture<'a, Result<(), WireError>> {
        Box::pin(run(field))
    }
}

/// An object that a list had.
struct Thing {
    owner: usize,
    /// Others whose lists have it.
    shared: bool,
    /// A text by which it is known again.
    word: String,
}

/// Lists and fields of one interface that are asked.
const MOST: usize = 40;

async fn run(field: &Field) -> Result<(), WireError> {
    let endpoints = endpoints(field).await?;
    if endpoints.is_empty() {
        field.not_tested(ID, "nothing answers GraphQL");
        return Ok(());
    }
    for endpoint in endpoints {
        let Some(schema) = &endpoint.schema else {
            let says = "its schema is not told, and no query is known";
            field.say(Outcome::new(ID, &endpoint.id(), Verdict::NotTested, says));
            continue;
        };
        let things = things(field, &endpoint, schema).await?;
        let mut tested = 0_usize;
        for entry in schema.queries().iter().filter(|entry| !entry.list).take(MOST) {
            let by_id = entry.arguments.iter().find(|argument| is_id(&argument.name));
            let Some(argument) = by_id else { continue };
            let own = things.iter().find(|((of, _), thing)| *of == entry.of && !thing.shared);
            let Some(((_, id), thing)) = own else { continue };
            tested = tested.saturating_add(1);
            let wanted = Wanted { entry, argument: &argument.name, integer: argument.of == "Int", id, thing };
            attack(field, &endpoint, schema, &wanted).await?;
        }
        if tested == 0 {
            let says = "no field takes the id of an object that belongs to one identity alone";
            field.say(Outcome::new(ID, &endpoint.id(), Verdict::NotTested, says));
        }
    }
    Ok(())
}

/// Objects by type and id.
async fn things(
    field: &Field,
    endpoint: &Endpoint,
    schema: &Schema,
) -> Result<BTreeMap<(String, String), Thing>, WireError> {
    let mut things: BTreeMap<(String, String), Thing> = BTreeMap::new();
    let free = |entry: &&Entry| {
        schema.types.contains_key(&entry.of) && entry.arguments.iter().all(|argument| !argument.required)
    };
    for who in field.signed_in().take(3).collect::<Vec<_>>() {
        for entry in schema.queries().iter().filter(free).take(MOST) {
            let query = format!("{{{}{}}}", entry.name, schema.selection(&entry.of));
            let Some((_, answer)) = endpoint.ask(field, who, &query).await? else { continue };
            let Some(told) = data(&answer).and_then(|data| data.get(&entry.name).cloned()) else { continue };
            let items: Vec<&Value> = match &told {
                Value::Array(items) => items.iter().take(50).collect(),
                other => vec![other],
            };
            for item in items {
                let Some(id) = item.get("id").filter(|id| id.is_string() || id.is_number()) else { continue };
                let key = (entry.of.clone(), text_of(id));
                if let Some(own) = things.get_mut(&key) {
                    own.shared |= own.owner != who;
                } else if let Some(word) = word_of(item) {
                    things.insert(key, Thing { owner: who, shared: false, word });
                }
            }
        }
    }
    Ok(things)
}

/// The longest text of an object that is not its id.
fn word_of(item: &Value) -> Option<String> {
    let members = item.as_object()?.iter().filter(|(name, _)| *name != "id" && *name != "__typename");
    let texts = members.filter_map(|(_, value)| value.as_str()).filter(|text| text.len() >= 6);
    texts.max_by_key(|text| text.len()).map(str::to_owned)
}

/// What is asked for.
struct Wanted<'a> {
    entry: &'a Entry,
    argument: &'a str,
    integer: bool,
    id: &'a str,
    thing: &'a Thing,
}

async fn attack(
    field: &Field,
    endpoint: &Endpoint,
    schema: &Schema,
    wanted: &Wanted<'_>,
) -> Result<(), WireError> {
    let Wanted { entry, thing, .. } = wanted;
    let query = |id: &str| {
        let quoted = if wanted.integer { id.to_owned() } else { Value::from(id).to_string() };
        let call = schema.field(entry, &|name| (name == wanted.argument).then(|| quoted.clone()));
        format!("{{{call}{}}}", schema.selection(&entry.of))
    };
    let operation = format!("{} {}", endpoint.id(), entry.name);
    let say = |verdict, aspect: &str, says: String| {
        field.say(Outcome::new(ID, &operation, verdict, says).aspect(aspect));
    };
    // What an answer repeats of the query is no word of an object.
    let Some((control_request, control)) = endpoint.ask(field, thing.owner, &query(wanted.id)).await? else {
        return Ok(());
    };
    if !control.has(&thing.word) {
        say(Verdict::Inconclusive, "", "its owner does not get it by its id".to_owned());
        return Ok(());
    }
    let nothing = format!("9{:07}", field.number(9_999_999));
    let owner = field.person(thing.owner);
    let others =
        super::object_write::others(field, &crate::call::Call::new("POST", &endpoint.path), thing.owner);
    for other in others.into_iter().chain([0]) {
        let aspect = if other == 0 { "anonymous" } else { "" };
        let Some((request, answer)) = endpoint.ask(field, other, &query(wanted.id)).await? else { continue };
        let Some((twin_request, twin)) = endpoint.ask(field, other, &query(&nothing)).await? else {
            continue;
        };
        let person = field.person(other);
        if !answer.has(&thing.word) || twin.has(&thing.word) {
            say(
                Verdict::Passed,
                aspect,
                format!("`{}` does not get what belongs to `{}`", person.name, owner.name),
            );
            continue;
        }
        let says = format!("`{}` reads what belongs to `{}`, by its id", person.name, owner.name);
        field.saw(&endpoint.id(), other, Access::Violation, says.as_str());
        let evidence = format!("the answer has `{}`, as its owner's has", thing.word);
        let proof = Proof::new(field.evidence(other, &request, &answer), evidence)
            .twin(field.evidence(other, &twin_request, &twin))
            .shown(field.evidence(thing.owner, &control_request, &control));
        field.say(Outcome::new(ID, &operation, Verdict::Proven, says).aspect(aspect).proof(proof));
    }
    Ok(())
}
