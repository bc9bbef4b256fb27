//! From files to a [`Contract`]: what cannot be used is a problem with file and line, what is not enforced is listed.

use std::collections::{BTreeMap, BTreeSet};

use gabion_model::{Problem, Timestamp};

use crate::contract::{Answers, Contract, Limit, Loaded, Operation, Options, Path};
use crate::date;
use crate::json::Value;
use crate::kind::Kind;
use crate::media_type::is_json;
use crate::parameter::{Parameter, Place, Style};
use crate::programs::Programs;
use crate::router::{Router, Unroutable};
use crate::schema::{Direction, Draft, Handling, Options as SchemaOptions, Patterns, Registry, Root};
use crate::source::{At, Sources};

mod content;

pub(crate) fn load(
    files: &BTreeMap<String, String>,
    root: &str,
    options: &Options,
) -> Result<Loaded, Vec<Problem>> {
    let sources = Sources::read(files)?;
    let Some(top) = sources.root(root) else {
        return Err(vec![Problem::new(root, "the file of the contract is missing")]);
    };
    let draft = draft(&sources, &top).map_err(|problem| vec![problem])?;
    let mut registry = Registry::new();
    for (name, file) in &sources.files {
        let is_schema = SCHEMA_WORDS.iter().any(|word| file.value.get(word).is_some());
        let kind =
            if is_schema && file.value.get("openapi").is_none() { Root::Schema } else { Root::Container };
        registry.add(name, file.value.clone(), kind);
    }
    let request =
        SchemaOptions { patterns: Patterns::List, ..SchemaOptions::contract(draft, Direction::Request) };
    let mut answer =
        SchemaOptions { patterns: Patterns::List, ..SchemaOptions::contract(draft, Direction::Response) };
    if options.answers == Answers::Strip {
        answer.unknown = Handling::Strip;
        answer.other_direction = Handling::Strip;
    }
    let mut loader = Loader {
        sources: &sources,
        options,
        requests: Programs::new(&registry, request),
        answers: Programs::new(&registry, answer),
        problems: Vec::new(),
        limits: BTreeSet::new(),
        router: Router::new(),
        paths: Vec::new(),
        operations: Vec::new(),
    };
    loader.document(&top);
    let Loader { requests, answers, mut problems, mut limits, router, paths, operations, .. } = loader;
    let requests = requests.finish(&sources, &mut problems, &mut limits);
    let answers = answers.finish(&sources, &mut problems, &mut limits);
    if operations.is_empty() && problems.is_empty() {
        problems.push(
            sources.problem(&top, "the contract has no operation").hint("nothing would be let through"),
        );
    }
    if !problems.is_empty() {
        problems.sort_by(|left, right| {
            order(&left.path).cmp(&order(&right.path)).then(left.reason.cmp(&right.reason))
        });
        problems.dedup();
        return Err(problems);
    }
    let title = top.get("info").and_then(|info| info.str("title")).unwrap_or_default().to_owned();
    let contract = Contract { title, router, paths, operations, requests, answers, options: options.clone() };
    let mut not_enforced: Vec<Limit> = limits.into_iter().collect();
    not_enforced
        .sort_by(|left, right| order(&left.place).cmp(&order(&right.place)).then(left.what.cmp(&right.what)));
    Ok(Loaded { contract, not_enforced })
}

/// File and line, lines as numbers.
pub(crate) fn order(place: &str) -> (&str, u32) {
    place.rsplit_once(':').map_or((place, 0), |(file, line)| (file, line.parse().unwrap_or(0)))
}

fn draft(sources: &Sources, top: &At<'_>) -> Result<Draft, Problem> {
    let version = top.get("openapi").ok_or_else(|| {
        let hint = "contracts of version 2 (`swagger: \"2.0\"`) are converted, for instance with npm `swagger2openapi`";
        sources.problem(top, "this is no OpenAPI document: `openapi` is missing").hint(hint)
    })?;
    let text = match version.value {
        Value::String(text) => text.as_str(),
        Value::Number(number) => number.as_str(),
        _ => "",
    };
    let mut parts = text.split('.');
    let draft = match (parts.next(), parts.next()) {
        (Some("3"), Some("0")) => Draft::OpenApi30,
        (Some("3"), Some("1")) => Draft::Draft202012,
        _ => {
            return Err(sources
                .problem(&version, format!("version `{text}` is not known"))
                .hint("3.0 and 3.1 are"));
        }
    };
    if let Some(dialect) = top.get("jsonSchemaDialect")
        && !dialect.value.as_str().is_some_and(|dialect| DIALECTS.contains(&dialect))
    {
        return Err(sources
            .problem(&dialect, "schemas in this dialect cannot be enforced")
            .hint("leave it out, or say the dialect of JSON Schema 2020-12"));
    }
    Ok(draft)
}

struct Loader<'s> {
    sources: &'s Sources,
    options: &'s Options,
    requests: Programs<'s>,
    answers: Programs<'s>,
    problems: Vec<Problem>,
    limits: BTreeSet<Limit>,
    router: Router,
    paths: Vec<Path>,
    operations: Vec<Operation>,
}

/// What holds for everything below.
#[derive(Clone)]
struct Around<'s> {
    parameters: Vec<At<'s>>,
    bases: Vec<String>,
    deprecated_at: Option<Timestamp>,
    sunset: Option<Timestamp>,
}

impl<'s> Loader<'s> {
    fn problem(&mut self, at: &At<'_>, reason: impl Into<String>) {
        let problem = self.sources.problem(at, reason);
        self.problems.push(problem);
    }

    fn limit(&mut self, at: &At<'_>, what: impl Into<String>) {
        let place = self.sources.place(at);
        self.limits.insert(Limit { place, what: what.into() });
    }

    fn resolved(&mut self, at: At<'s>) -> Option<At<'s>> {
        match self.sources.resolve(at.clone()) {
            Ok(found) => Some(found),
            Err(dangling) => {
                self.problems.push(self.sources.dangling(&at, &dangling));
                None
            }
        }
    }

    fn document(&mut self, top: &At<'s>) {
        let root = vec![String::new()];
        let bases = match &self.options.base_path {
            Some(base) => vec![base.trim_end_matches('/').to_owned()],
            None => self.bases(top, &root),
        };
        let around = Around {
            parameters: Vec::new(),
            bases,
            deprecated_at: self.options.deprecated_at,
            sunset: self.options.sunset,
        };
        let around = self.dates(top, around);
        if let Some(paths) = top.get("paths") {
            for (template, item) in paths.own_members() {
                if !template.starts_with("x-") {
                    self.path(template, item, &around);
                }
            }
        }
        if let Some(webhooks) = top.get("webhooks") {
            self.limit(
                &webhooks,
                "requests that the application itself sends (`webhooks`) do not pass the gate",
            );
        }
        let schemes = top.get("components").map(|components| components.members("securitySchemes"));
        for (name, scheme) in schemes.unwrap_or_default() {
            self.limit(&scheme, format!("the security scheme `{name}`: `access`, `credentials` and `scopes` of the gate's routes decide who may come"));
        }
    }

    /// The paths of `servers`, each without a final `/`.
    fn bases(&mut self, holder: &At<'s>, fallback: &[String]) -> Vec<String> {
        let servers = holder.items("servers");
        if servers.is_empty() {
            return fallback.to_vec();
        }
        let mut bases = BTreeSet::new();
        for server in servers {
            let Some(url) = server.str("url") else {
                self.problem(&server, "a server has a `url`");
                continue;
            };
            let mut urls = vec![url.to_owned()];
            for (name, variable) in server.members("variables") {
                let default = variable.value.get("default").map(text).unwrap_or_default();
                let mut values: Vec<String> =
                    variable.items("enum").iter().map(|one| text(one.value)).collect();
                if values.is_empty() {
                    values.push(default);
                }
                let place = format!("{{{name}}}");
                urls = urls
                    .iter()
                    .flat_map(|url| values.iter().map(|value| url.replace(&place, value)).collect::<Vec<_>>())
                    .take(MOST_BASES)
                    .collect();
            }
            for url in urls {
                match base(&url) {
                    Some(base) => {
                        bases.insert(base);
                    }
                    None => self.problem(&server, format!("no path can be read from `{url}`")),
                }
            }
        }
        bases.into_iter().take(MOST_BASES).collect()
    }

    fn dates(&mut self, at: &At<'s>, around: Around<'s>) -> Around<'s> {
        let mut around = around;
        for (key, slot) in [("x-deprecated-at", 0_u8), ("x-sunset", 1)] {
            let Some(date) = at.get(key) else { continue };
            match date.value.as_str().and_then(date::parse) {
                Some(moment) if slot == 0 => around.deprecated_at = Some(moment),
                Some(moment) => around.sunset = Some(moment),
                None => {
                    let problem = self.sources.problem(&date, format!("`{key}` is not a date"));
                    self.problems.push(problem.hint("for instance `\"2026-12-31\"`"));
                }
            }
        }
        around
    }

    fn path(&mut self, template: &'s str, item: At<'s>, around: &Around<'s>) {
        let place = item.clone();
        let Some(item) = self.resolved(item) else { return };
        let mut around = self.dates(&item, around.clone());
        if self.options.base_path.is_none() {
            around.bases = self.bases(&item, &around.bases);
        }
        around.parameters = item.items("parameters");
        let methods: Vec<(&str, At<'s>)> =
            item.own_members().into_iter().filter(|(name, _)| METHODS.contains(name)).collect();
        // Servers of one operation are its alone: it gets paths of its own.
        let mut by_bases: BTreeMap<Vec<String>, Vec<(&str, At<'s>)>> = BTreeMap::new();
        for (method, operation) in methods {
            let bases = if self.options.base_path.is_none() {
                self.bases(&operation, &around.bases)
            } else {
                around.bases.clone()
            };
            by_bases.entry(bases).or_default().push((method, operation));
        }
        let mut known: BTreeMap<String, usize> = BTreeMap::new();
        for (bases, methods) in by_bases {
            for base in bases {
                let full = format!("{base}{template}");
                let number = match known.get(&full) {
                    Some(number) => *number,
                    None => {
                        let Some(number) = self.route(&full, &place) else { continue };
                        known.insert(full.clone(), number);
                        number
                    }
                };
                for (method, operation) in &methods {
                    self.operation(number, &full, method, operation, &around);
                }
                self.allow(number);
            }
        }
    }

    /// The number of a path. Two templates may mean the same paths, as long as their methods differ.
    fn route(&mut self, full: &str, place: &At<'_>) -> Option<usize> {
        let number = self.paths.len();
        match self.router.add(full, number) {
            Ok(_) => {
                self.paths.push(Path { methods: BTreeMap::new(), allow: String::new() });
                Some(number)
            }
            Err(Unroutable::Same(other)) => Some(other),
            Err(Unroutable::Syntax(rule)) => {
                self.problem(place, format!("`{full}` is not a path template: {rule}"));
                None
            }
        }
    }

    fn allow(&mut self, number: usize) {
        if let Some(path) = self.paths.get_mut(number) {
            // RFC 9110 §9.3.2: where there is GET there is HEAD.
            if let Some(get) = path.methods.get("GET").copied() {
                path.methods.entry("HEAD".to_owned()).or_insert(get);
            }
            path.allow = path.methods.keys().cloned().collect::<Vec<_>>().join(", ");
        }
    }

    fn operation(&mut self, path: usize, full: &str, method: &str, at: &At<'s>, around: &Around<'s>) {
        let around = self.dates(at, around.clone());
        let mut names = Vec::new();
        for part in full.split('{').skip(1) {
            names.extend(part.split_once('}').map(|(name, _)| name.to_owned()));
        }
        for (at, _) in names
            .iter()
            .enumerate()
            .filter(|(at, name)| names.iter().position(|other| other == *name) != Some(*at))
        {
            let _ = at;
            self.problems.push(Problem::new(full, "a name stands twice in the path"));
        }
        let parameters = self.parameters(at, &around, &names);
        let deprecated = at.flag("deprecated");
        let deprecated_at =
            if deprecated || at.get("x-deprecated-at").is_some() || self.options.deprecated_at.is_some() {
                around.deprecated_at.or(self.options.written)
            } else {
                None
            };
        if deprecated && deprecated_at.is_none() {
            self.limit(at, "`deprecated` without a date: no `Deprecation` header is sent before `x-deprecated-at` says since when");
        }
        if let Some(callbacks) = at.get("callbacks") {
            self.limit(
                &callbacks,
                "requests that the application itself sends (`callbacks`) do not pass the gate",
            );
        }
        let body = at.get("requestBody").and_then(|body| self.body(body));
        let answers = self.answers(at);
        let method = method.to_ascii_uppercase();
        let index = self.operations.len();
        // `HEAD` may have come with the `GET` of the other one.
        let twin = self
            .paths
            .get(path)
            .and_then(|path| path.methods.get(&method))
            .and_then(|twin| self.operations.get(*twin));
        if let Some(twin) = twin.filter(|twin| twin.method == method) {
            let what = format!("`{method} {full}` means the same requests as `{method} {}`", twin.template);
            self.problem(at, what);
            return;
        }
        self.operations.push(Operation {
            method: method.clone(),
            template: full.to_owned(),
            id: at.str("operationId").map(str::to_owned),
            tags: at.items("tags").iter().filter_map(|tag| tag.value.as_str().map(str::to_owned)).collect(),
            place: self.sources.place(at),
            names,
            parameters,
            body,
            judges_answers: answers
                .values()
                .flat_map(|shape| &shape.media)
                .any(|(_, program)| program.is_some()),
            answers,
            deprecated_at,
            sunset: around.sunset,
        });
        if let Some(path) = self.paths.get_mut(path) {
            path.methods.insert(method, index);
        }
    }

    fn parameters(&mut self, at: &At<'s>, around: &Around<'s>, names: &[String]) -> Vec<Parameter> {
        let mut parameters: Vec<Parameter> = Vec::new();
        let mut own = BTreeSet::new();
        // Those of the operation first: they replace the path's of the same name and place.
        let all = at
            .items("parameters")
            .into_iter()
            .map(|one| (one, true))
            .chain(around.parameters.iter().cloned().map(|one| (one, false)));
        for (written, is_own) in all {
            let Some(one) = self.resolved(written) else { continue };
            let (Some(name), Some(place)) = (one.str("name"), one.str("in")) else {
                self.problem(&one, "a parameter has a `name` and says where it is (`in`)");
                continue;
            };
            let place = match place {
                "path" => Place::Path,
                "query" => Place::Query,
                "header" => Place::Header,
                "cookie" => Place::Cookie,
                other => {
                    self.problem(
                        &one,
                        format!("a parameter is in `path`, `query`, `header` or `cookie`, not `{other}`"),
                    );
                    continue;
                }
            };
            let lower = name.to_ascii_lowercase();
            // OpenAPI 3.1 §4.8.12.2: said elsewhere, ignored here.
            if place == Place::Header && matches!(lower.as_str(), "accept" | "content-type" | "authorization")
            {
                continue;
            }
            let key = if place == Place::Header { lower } else { name.to_owned() };
            if !own.insert((place, key)) {
                if is_own {
                    self.problem(&one, format!("the {} parameter `{name}` is declared twice", place.word()));
                }
                continue;
            }
            if place == Place::Path && !names.iter().any(|known| known == name) {
                self.limit(&one, format!("the path parameter `{name}` does not stand in the path"));
                continue;
            }
            parameters.extend(self.parameter(&one, name, place));
        }
        for name in names {
            let declared = parameters.iter().any(|one| one.place == Place::Path && *one.name == **name);
            if !declared && !own.contains(&(Place::Path, name.clone())) {
                self.limit(at, format!("the path parameter `{name}` is not declared: any segment will do"));
            }
        }
        parameters
    }

    fn parameter(&mut self, one: &At<'s>, name: &str, place: Place) -> Option<Parameter> {
        let (style, schema) = match one.members("content").as_slice() {
            [] => (self.style(one, place)?, one.get("schema")),
            [(range, media)] if is_json(range) => (Style::Json, media.get("schema")),
            [(range, media)] => {
                self.limit(
                    media,
                    format!("the {} parameter `{name}` of type `{range}` is taken for text", place.word()),
                );
                (if matches!(place, Place::Path | Place::Header) { Style::Simple } else { Style::Form }, None)
            }
            _ => {
                self.problem(one, "`content` of a parameter has one media type");
                return None;
            }
        };
        let default = matches!(style, Style::Form | Style::DeepObject);
        let explode = one.value.get("explode").and_then(Value::as_bool).unwrap_or(default);
        let kind = schema.as_ref().map_or(Kind::TEXT, |schema| Kind::of(self.sources, schema));
        if style == Style::DeepObject && !matches!(kind, Kind::Map { .. }) {
            self.problem(one, "`deepObject` is for objects");
            return None;
        }
        if schema.is_none() && style != Style::Json {
            self.limit(
                one,
                format!("the {} parameter `{name}` has no schema: any text will do", place.word()),
            );
        }
        let program = schema.and_then(|schema| {
            let schema = self.resolved(schema)?;
            self.requests.add(&schema)
        });
        Some(Parameter {
            name: name.into(),
            place,
            required: one.flag("required") || place == Place::Path,
            style,
            explode,
            allow_empty: one.flag("allowEmptyValue"),
            kind,
            program,
        })
    }

    fn style(&mut self, one: &At<'s>, place: Place) -> Option<Style> {
        let named = one.str("style").unwrap_or(match place {
            Place::Path | Place::Header => "simple",
            Place::Query | Place::Cookie => "form",
        });
        let style = match (place, named) {
            (Place::Path | Place::Header, "simple") => Style::Simple,
            (Place::Path, "label") => Style::Label,
            (Place::Path, "matrix") => Style::Matrix,
            (Place::Query | Place::Cookie, "form") => Style::Form,
            (Place::Query, "spaceDelimited") => Style::SpaceDelimited,
            (Place::Query, "pipeDelimited") => Style::PipeDelimited,
            (Place::Query, "deepObject") => Style::DeepObject,
            _ => {
                self.problem(one, format!("the style `{named}` is not for {} parameters", place.word()));
                return None;
            }
        };
        Some(style)
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.as_str().to_owned(),
        Value::Bool(truth) => truth.to_string(),
        _ => String::new(),
    }
}

/// The path of a server's address, without a final `/`.
fn base(url: &str) -> Option<String> {
    let path = match url.split_once("://") {
        Some((_, rest)) => rest.split_once('/').map_or("", |(_, path)| path),
        None => url.strip_prefix('/').unwrap_or(url),
    };
    let path = path.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    if path.contains(['{', '}']) || path.split('/').any(|part| matches!(part, "." | "..")) {
        return (path == ".").then(String::new);
    }
    Some(if path.is_empty() { String::new() } else { format!("/{path}") })
}

const METHODS: [&str; 8] = ["delete", "get", "head", "options", "patch", "post", "put", "trace"];
const SCHEMA_WORDS: [&str; 7] = ["$schema", "allOf", "anyOf", "oneOf", "properties", "type", "$defs"];
const DIALECTS: [&str; 3] = [
    "https://json-schema.org/draft/2020-12/schema",
    "https://spec.openapis.org/oas/3.1/dialect/base",
    "https://spec.openapis.org/oas/3.1/dialect/2024-11-10",
];
/// Paths that the servers of one contract may name.
const MOST_BASES: usize = 16;
