//! What introspection tells of a schema, read once and under bounds, and what can be written of it: selections, values, documents.
//!
//! Names of a hostile schema go into documents: what is no name (section 2.1.9) is left out, and so is what needs it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::sample::plausible;

/// What introspection tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Schema {
    query: String,
    mutation: Option<String>,
    /// Objects and interfaces.
    pub(crate) types: BTreeMap<String, Vec<Entry>>,
    unions: BTreeSet<String>,
    inputs: BTreeMap<String, Vec<Argument>>,
    /// The first value of each.
    enums: BTreeMap<String, String>,
}

/// A field of a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) arguments: Vec<Argument>,
    /// What it is in the end, behind lists and `!`.
    pub(crate) of: String,
    pub(crate) list: bool,
    pub(crate) deprecated: bool,
}

/// An argument, or a field of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Argument {
    pub(crate) name: String,
    pub(crate) of: String,
    pub(crate) required: bool,
    /// How many lists are around it.
    lists: usize,
    /// Its type as a document writes it: `[ID!]!`.
    pub(crate) written: String,
}

/// Types that are kept.
const TYPES: usize = 2_000;
/// Fields of a type that are kept.
const FIELDS: usize = 400;
/// Arguments of a field that are kept.
const ARGUMENTS: usize = 20;
/// Fields that a query asks for, of the type itself and of those in it.
const SELECTED: usize = 20;
const SELECTED_WITHIN: usize = 12;
/// How deep a value of an input goes: what it needs, and what it may have besides.
const NEEDED: usize = 6;
const DEEP: usize = 3;
/// Members of one value, in all: inputs may have themselves in them many times.
const MEMBERS: usize = 200;
/// The letters of one selection, after which no more is asked for.
const LONGEST: usize = 8_000;

/// What every endpoint is asked: types, fields, arguments, as deep as lists of lists go.
pub(crate) const INTROSPECTION: &str = "query Introspection{__schema{queryType{name}mutationType{name}types{kind name \
    fields(includeDeprecated:true){name isDeprecated args{...I}type{...T}}inputFields{...I}enumValues{name}}}}\
    fragment I on __InputValue{name defaultValue type{...T}}\
    fragment T on __Type{kind name ofType{kind name ofType{kind name ofType{kind name ofType{kind name}}}}}";

impl Schema {
    /// Of the data of an answer to [`INTROSPECTION`].
    pub(crate) fn read(data: &Value) -> Option<Self> {
        let told = data.get("__schema")?;
        let mut schema = Self { query: name(told.get("queryType")?)?, ..Self::default() };
        schema.mutation = told.get("mutationType").and_then(name);
        for own in told.get("types")?.as_array()?.iter().take(TYPES) {
            let Some(named) = name(own).filter(|name| !name.starts_with("__")) else { continue };
            match own.get("kind").and_then(Value::as_str).unwrap_or_default() {
                "OBJECT" | "INTERFACE" => {
                    let fields = list(own, "fields").take(FIELDS).filter_map(Entry::read).collect();
                    schema.types.insert(named, fields);
                }
                "UNION" => {
                    schema.unions.insert(named);
                }
                "INPUT_OBJECT" => {
                    let fields = list(own, "inputFields").take(FIELDS).filter_map(Argument::read).collect();
                    schema.inputs.insert(named, fields);
                }
                "ENUM" => {
                    if let Some(first) = list(own, "enumValues").take(FIELDS).find_map(name) {
                        schema.enums.insert(named, first);
                    }
                }
                _ => {}
            }
        }
        schema.types.contains_key(&schema.query).then_some(schema)
    }

    /// The fields that queries begin with.
    pub(crate) fn queries(&self) -> &[Entry] {
        self.types.get(&self.query).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn mutations(&self) -> &[Entry] {
        self.mutation.as_ref().and_then(|name| self.types.get(name)).map_or(&[], Vec::as_slice)
    }

    /// What can be asked of a type without arguments: `{id title}`; empty for what is no type of fields.
    pub(crate) fn selection(&self, of: &str) -> String {
        let Some(entries) = self.types.get(of) else { return String::new() };
        let plain = entries.iter().filter(|entry| self.is_leaf(&entry.of) && entry.is_free());
        let names: Vec<&str> = plain.map(|entry| entry.name.as_str()).take(SELECTED).collect();
        if names.is_empty() { "{__typename}".to_owned() } else { format!("{{{}}}", names.join(" ")) }
    }

    /// As [`Schema::selection`], with what is in it, so many levels deep: ` { id owner { name } }`.
    pub(crate) fn deep_selection(&self, of: &str, levels: usize) -> String {
        if self.unions.contains(of) {
            return " { __typename }".to_owned();
        }
        let Some(entries) = self.types.get(of) else { return String::new() };
        let mut asked = String::new();
        let free = entries.iter().filter(|entry| entry.is_free());
        for entry in free.filter(|entry| levels > 0 || self.is_leaf(&entry.of)).take(SELECTED_WITHIN) {
            if asked.len() > LONGEST {
                break;
            }
            let within = self.deep_selection(&entry.of, levels.saturating_sub(1));
            let _ = write!(asked, " {}{within}", entry.name);
        }
        if asked.is_empty() { " { __typename }".to_owned() } else { format!(" {{{asked} }}") }
    }

    fn is_leaf(&self, of: &str) -> bool {
        !self.types.contains_key(of) && !self.unions.contains(of)
    }

    /// A field with its required arguments; `known` says what some of them are, as a document writes it.
    pub(crate) fn field(&self, entry: &Entry, known: &dyn Fn(&str) -> Option<String>) -> String {
        let mut arguments = String::new();
        for argument in &entry.arguments {
            let value = known(&argument.name);
            if value.is_none() && !argument.required {
                continue;
            }
            let value = value.unwrap_or_else(|| {
                let mut room = MEMBERS;
                self.written(argument, &self.value(argument, Needs::Required, 0, &mut room))
            });
            let _ =
                write!(arguments, "{}{}:{value}", if arguments.is_empty() { "" } else { "," }, argument.name);
        }
        if arguments.is_empty() { entry.name.clone() } else { format!("{}({arguments})", entry.name) }
    }

    /// A value as JSON, with what it may have besides what it needs.
    pub(crate) fn sample(&self, argument: &Argument) -> Value {
        let mut room = MEMBERS;
        self.value(argument, Needs::All, 0, &mut room)
    }

    fn value(&self, argument: &Argument, needs: Needs, depth: usize, room: &mut usize) -> Value {
        *room = room.saturating_sub(1);
        let mut value = match (self.enums.get(&argument.of), self.inputs.get(&argument.of)) {
            (Some(first), _) => Value::from(first.as_str()),
            (_, Some(fields)) => {
                let mut members = Map::new();
                for field in fields.iter().take(ARGUMENTS) {
                    let wanted = field.required || needs == Needs::All && depth < DEEP;
                    if *room > 0 && wanted && depth < NEEDED {
                        let inner = self.value(field, needs, depth.saturating_add(1), room);
                        members.insert(field.name.clone(), inner);
                    }
                }
                Value::Object(members)
            }
            _ => by_type(&argument.of, &argument.name),
        };
        for _ in 0..argument.lists {
            value = Value::Array(vec![value]);
        }
        value
    }

    /// A JSON value as a document writes it: names of members and values of enums stand without quotes.
    fn written(&self, argument: &Argument, value: &Value) -> String {
        match value {
            Value::Array(items) => {
                let items: Vec<String> = items.iter().map(|item| self.written(argument, item)).collect();
                format!("[{}]", items.join(","))
            }
            Value::Object(members) => {
                let fields = self.inputs.get(&argument.of).map(Vec::as_slice).unwrap_or_default();
                let members = members.iter().filter_map(|(name, value)| {
                    let field = fields.iter().find(|field| field.name == *name)?;
                    Some(format!("{name}:{}", self.written(field, value)))
                });
                format!("{{{}}}", members.collect::<Vec<_>>().join(","))
            }
            Value::String(first) if self.enums.contains_key(&argument.of) => first.clone(),
            other => other.to_string(),
        }
    }

    /// Fields that lead from a type back to itself, the shortest way; nothing where there is none.
    pub(crate) fn circle(&self, from: &str) -> Option<Vec<&str>> {
        let mut ways: Vec<(&str, Vec<&str>)> = vec![(from, Vec::new())];
        let mut met = BTreeSet::new();
        for _ in 0..6 {
            let mut next = Vec::new();
            for (at, way) in &ways {
                for entry in self.types.get(*at).into_iter().flatten() {
                    if !entry.is_free() || !self.types.contains_key(&entry.of) {
                        continue;
                    }
                    let mut way = way.clone();
                    way.push(entry.name.as_str());
                    if entry.of == from {
                        return Some(way);
                    }
                    if met.insert(entry.of.as_str()) {
                        next.push((entry.of.as_str(), way));
                    }
                }
            }
            ways = next;
        }
        None
    }
}

/// How much of an input is made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    All,
    Required,
}

impl Entry {
    fn read(value: &Value) -> Option<Self> {
        let kind = Kind::of(value.get("type")?)?;
        let mut arguments = Vec::new();
        for own in list(value, "args").take(ARGUMENTS) {
            match Argument::read(own) {
                Some(argument) => arguments.push(argument),
                // Without what it needs it cannot be asked for.
                None if own.pointer("/type/kind").and_then(Value::as_str) == Some("NON_NULL") => return None,
                None => {}
            }
        }
        Some(Self {
            name: name(value)?,
            arguments,
            of: kind.of,
            list: kind.lists > 0,
            deprecated: value.get("isDeprecated").and_then(Value::as_bool).unwrap_or_default(),
        })
    }

    /// Whether it can be asked for without arguments.
    pub(crate) fn is_free(&self) -> bool {
        self.arguments.iter().all(|argument| !argument.required)
    }
}

impl Argument {
    fn read(value: &Value) -> Option<Self> {
        let kind = Kind::of(value.get("type")?)?;
        Some(Self {
            name: name(value)?,
            required: kind.written.ends_with('!'),
            of: kind.of,
            lists: kind.lists,
            written: kind.written,
        })
    }
}

/// A type and its wrapping.
struct Kind {
    of: String,
    lists: usize,
    written: String,
}

impl Kind {
    fn of(value: &Value) -> Option<Self> {
        Self::within(value, 0)
    }

    fn within(value: &Value, depth: usize) -> Option<Self> {
        if depth > 6 {
            return None;
        }
        let inner = || Self::within(value.get("ofType")?, depth.saturating_add(1));
        match value.get("kind")?.as_str()? {
            "NON_NULL" => {
                let inner = inner()?;
                Some(Self { written: format!("{}!", inner.written), ..inner })
            }
            "LIST" => {
                let inner = inner()?;
                let written = format!("[{}]", inner.written);
                Some(Self { written, lists: inner.lists.saturating_add(1), ..inner })
            }
            _ => {
                let of = name(value)?;
                Some(Self { written: of.clone(), lists: 0, of })
            }
        }
    }
}

fn name(value: &Value) -> Option<String> {
    let text = value.get("name")?.as_str()?;
    let is_name = (1..=100).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !text.starts_with(|first: char| first.is_ascii_digit());
    is_name.then(|| text.to_owned())
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// A value of a type that is known by its name.
pub(crate) fn by_type(of: &str, name: &str) -> Value {
    match of.trim_end_matches('!') {
        "Int" | "Long" | "BigInt" => json!(1),
        "Float" | "Decimal" => json!(1.0),
        "Boolean" => json!(true),
        "ID" => json!("1"),
        "Date" => json!("2026-01-02"),
        "DateTime" | "Timestamp" => json!("2026-01-02T03:04:05Z"),
        "JSON" | "JSONObject" => json!({}),
        of if of.starts_with('[') => Value::Array(vec![by_type(of.trim_matches(['[', ']']), name)]),
        _ => Value::from(plausible("", name)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn schema() -> Schema {
        let object = |name: &str| json!({ "kind": "OBJECT", "name": name });
        let must = |name: &str| json!({ "kind": "NON_NULL", "ofType": { "kind": "SCALAR", "name": name } });
        let text = json!({ "kind": "SCALAR", "name": "String" });
        let list = json!({ "kind": "NON_NULL", "ofType": { "kind": "LIST", "ofType": object("Order") } });
        let input = json!({ "kind": "NON_NULL", "ofType": { "kind": "INPUT_OBJECT", "name": "New" } });
        let kinds = json!({ "kind": "NON_NULL", "ofType": { "kind": "LIST", "ofType": { "kind": "ENUM", "name": "Kind" } } });
        Schema::read(
            &json!({ "__schema": { "queryType": { "name": "Query" }, "mutationType": { "name": "M" }, "types": [
            { "name": "Query", "kind": "OBJECT", "fields": [
                { "name": "orders", "args": [], "type": list },
                { "name": "order", "args": [{ "name": "id", "type": must("ID") }], "type": object("Order") },
                { "name": "x){y", "args": [], "type": text },
                { "name": "bad", "args": [{ "name": "x){y", "type": must("ID") }], "type": text },
            ] },
            { "name": "M", "kind": "OBJECT", "fields": [
                { "name": "add", "args": [{ "name": "new", "type": input }], "type": object("Any") } ] },
            { "name": "Any", "kind": "UNION" },
            { "name": "New", "kind": "INPUT_OBJECT", "inputFields": [
                { "name": "title", "type": text },
                { "name": "kinds", "type": kinds } ] },
            { "name": "Kind", "kind": "ENUM", "enumValues": [{ "name": "PLAIN" }] },
            { "name": "Order", "kind": "OBJECT", "fields": [
                { "name": "id", "args": [], "type": must("ID") },
                { "name": "address", "args": [], "type": text },
                { "name": "owner", "args": [], "type": object("User") },
            ] },
            { "name": "User", "kind": "OBJECT", "fields": [{ "name": "orders", "args": [], "type": list }] },
        ] } }),
        )
        .unwrap()
    }

    #[test]
    fn a_schema_becomes_queries() {
        let schema = schema();
        let [orders, order] = schema.queries() else { panic!("{:?}", schema.queries()) };
        assert!(orders.list && !order.list);
        assert_eq!(schema.selection("Order"), "{id address}");
        assert_eq!(schema.deep_selection("Order", 1), " { id address owner { __typename } }");
        assert_eq!(
            schema.field(order, &|name| (name == "id").then(|| "\"7\"".to_owned())),
            "order(id:\"7\")"
        );
        assert_eq!(schema.field(order, &|_| None), "order(id:\"1\")");
        assert_eq!(schema.circle("Order").unwrap(), ["owner", "orders"]);
        assert_eq!(schema.circle("Query"), None);
        let [add] = schema.mutations() else { panic!("{:?}", schema.mutations()) };
        assert_eq!(schema.field(add, &|_| None), "add(new:{kinds:[PLAIN]})");
        assert_eq!(add.arguments[0].written, "New!");
        assert_eq!(schema.sample(&add.arguments[0]), json!({ "title": "probe", "kinds": ["PLAIN"] }));
        assert_eq!(schema.deep_selection(&add.of, 2), " { __typename }");
    }

    #[test]
    fn nonsense_is_no_schema() {
        for data in [
            json!({}),
            json!({ "__schema": 1 }),
            json!({ "__schema": { "queryType": { "name": "Q" }, "types": [{}] } }),
        ] {
            assert_eq!(Schema::read(&data), None, "{data}");
        }
    }

    /// A schema in which everything needs everything: what is made of it is bounded.
    #[test]
    fn what_has_itself_in_it_ends() {
        let own = |kind: &str| json!({ "kind": "NON_NULL", "ofType": { "kind": kind, "name": kind } });
        let fields = |kind: &str| -> Vec<Value> {
            (0..30).map(|at| json!({ "name": format!("f{at}"), "args": [], "type": own(kind) })).collect()
        };
        let schema = Schema::read(&json!({ "__schema": { "queryType": { "name": "OBJECT" }, "types": [
            { "kind": "OBJECT", "name": "OBJECT", "fields": fields("OBJECT") },
            { "kind": "INPUT_OBJECT", "name": "INPUT_OBJECT", "inputFields": fields("INPUT_OBJECT") },
        ] } }))
        .unwrap();
        let argument = Argument::read(&json!({ "name": "a", "type": own("INPUT_OBJECT") })).unwrap();
        assert!(schema.sample(&argument).to_string().len() < 10_000);
        assert!(schema.deep_selection("OBJECT", 6).len() < 20 * LONGEST);
        let asked = Entry { arguments: vec![argument], ..schema.queries()[0].clone() };
        assert!(schema.field(&asked, &|_| None).len() < 10_000);
    }

    /// Any JSON with the words that schemas are made of.
    fn told() -> impl Strategy<Value = Value> {
        let words = "name|kind|types|fields|args|type|ofType|inputFields|enumValues|queryType|mutationType";
        let values = "OBJECT|INPUT_OBJECT|ENUM|UNION|NON_NULL|LIST|SCALAR|Q|M|ID|x\\{y|";
        let leaf =
            prop_oneof![Just(Value::Null), values.prop_map(Value::from), any::<bool>().prop_map(Value::from)];
        leaf.prop_recursive(6, 60, 5, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                proptest::collection::vec((words, inner), 0..5)
                    .prop_map(|all| Value::Object(all.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_schema_is_read_and_written(types in proptest::collection::vec(told(), 0..6), query in told()) {
            let types: Vec<Value> = std::iter::once(json!({ "name": "Q", "kind": "OBJECT", "fields": types.clone() })).chain(types).collect();
            let told = json!({ "__schema": { "queryType": { "name": "Q" }, "mutationType": query, "types": types } });
            let schema = Schema::read(&told).unwrap();
            for entry in schema.queries() {
                let text = format!("{}{}", schema.field(entry, &|_| None), schema.deep_selection(&entry.of, 2));
                let count = |letter: char| text.matches(letter).count();
                prop_assert_eq!(count('{'), count('}'));
                let _ = schema.circle(&entry.of);
            }
        }
    }
}
