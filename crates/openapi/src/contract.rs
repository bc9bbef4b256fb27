//! A contract, loaded: which operation a request belongs to, and whether it and its answer fit.

use std::collections::{BTreeMap, BTreeSet};

use gabion_model::{Problem, Timestamp};

use crate::body::{self, Body, Fault};
use crate::date;
use crate::encoding::{Unreadable, pairs};
use crate::json::{Document, Value};
use crate::load;
use crate::media_type::{MediaType, rank};
use crate::parameter::{Pair, Parameter, Place};
use crate::router::{Router, Values};
use crate::schema::Program;

/// How a contract is read and how strictly it is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// What is done about members of answers that the contract does not name.
    pub answers: Answers,
    /// Where the paths of the contract begin, instead of the paths of its `servers`.
    pub base_path: Option<String>,
    /// Bytes of a body for which the schema gives no bound.
    pub body: usize,
    /// Query parameters that the contract does not name are let pass.
    pub unknown_query: bool,
    /// Since when everything in the contract is deprecated.
    pub deprecated_at: Option<Timestamp>,
    /// When the document was written: what it calls deprecated without a date has been since then at the latest.
    pub written: Option<Timestamp>,
    /// From when on everything in the contract is gone.
    pub sunset: Option<Timestamp>,
}

/// What is done about answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Answers {
    /// Nobody looks.
    Off,
    /// What would have been refused is counted.
    #[default]
    Observe,
    /// Members the contract does not name are taken out; what does not fit otherwise is refused.
    Strip,
    /// What does not fit is refused.
    Enforce,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            answers: Answers::default(),
            base_path: None,
            body: 1 << 20,
            unknown_query: false,
            deprecated_at: None,
            written: None,
            sunset: None,
        }
    }
}

/// A contract and what it says that is not enforced.
#[derive(Debug)]
pub struct Loaded {
    pub contract: Contract,
    pub not_enforced: Vec<Limit>,
}

/// A part of a contract that is not enforced.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Limit {
    /// File and line: `openapi.yaml:12`.
    pub place: String,
    /// What, and why not.
    pub what: String,
}

/// The operations of an application. Immutable.
#[derive(Debug)]
pub struct Contract {
    pub(crate) title: String,
    pub(crate) router: Router,
    pub(crate) paths: Vec<Path>,
    pub(crate) operations: Vec<Operation>,
    pub(crate) requests: Vec<Program>,
    pub(crate) answers: Vec<Program>,
    pub(crate) options: Options,
}

/// One path template and its methods.
#[derive(Debug)]
pub(crate) struct Path {
    /// Method and operation; `HEAD` beside `GET`.
    pub(crate) methods: BTreeMap<String, usize>,
    /// For `Allow`.
    pub(crate) allow: String,
}

/// One method of one path.
#[derive(Debug)]
pub struct Operation {
    pub(crate) method: String,
    /// With the base path.
    pub(crate) template: String,
    pub(crate) id: Option<String>,
    pub(crate) tags: Vec<String>,
    /// File and line.
    pub(crate) place: String,
    /// The path's own names, in order.
    pub(crate) names: Vec<String>,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) body: Option<Body>,
    pub(crate) answers: BTreeMap<Status, AnswerShape>,
    /// The content of some answer is judged.
    pub(crate) judges_answers: bool,
    pub(crate) deprecated_at: Option<Timestamp>,
    pub(crate) sunset: Option<Timestamp>,
}

/// Which answers a part of a contract is about: a code, `2XX`, or `default`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    Code(u16),
    /// The first digit.
    Class(u16),
    Default,
}

/// What an operation answers with one status.
#[derive(Debug, Default)]
pub(crate) struct AnswerShape {
    /// By media range; none: any value of that type.
    pub(crate) media: Vec<(String, Option<usize>)>,
}

/// The operation a request belongs to.
#[derive(Debug)]
pub enum Match<'c, 'p> {
    Operation(Matched<'c, 'p>),
    /// The path is there, with these methods only: the value of `Allow`.
    OtherMethods(&'c str),
    Unknown,
}

/// An operation and what stands in the free parts of its path.
#[derive(Debug)]
pub struct Matched<'c, 'p> {
    pub operation: &'c Operation,
    /// Its number in the contract.
    pub index: usize,
    pub(crate) contract: &'c Contract,
    pub(crate) values: Values<'p>,
}

/// Header fields of a message.
pub trait Fields {
    /// All values of a field, its name in lower case.
    fn all<'s>(&'s self, name: &str) -> Vec<&'s [u8]>;
}

/// Why a request does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Parameters or the body break rules.
    Faults(Vec<Fault>),
    /// The media type is none of these.
    MediaType(Vec<String>),
    /// There is no body where one must be.
    NoBody,
    /// There is a body where none may be.
    UnexpectedBody,
}

/// How the body of a request is to be judged.
#[derive(Debug)]
pub enum BodyPlan<'c> {
    /// There must be none.
    None,
    /// At most so many bytes; nothing inside is judged.
    Bounded(usize),
    /// Read it whole, at most so many bytes, and [`BodyJudge::check`] it.
    Whole(usize, BodyJudge<'c>),
}

/// Judges a whole body.
#[derive(Debug)]
pub struct BodyJudge<'c> {
    pub(crate) contract: &'c Contract,
    pub(crate) body: &'c Body,
    /// Index of the media range, and what was sent.
    pub(crate) media: Option<(usize, MediaType)>,
}

/// What an answer may be, by status and media type.
#[derive(Debug)]
pub enum AnswerPlan<'c> {
    /// The contract does not know the status.
    Undeclared,
    /// The contract knows other media types.
    OtherType,
    /// Nothing inside is judged.
    Anything,
    /// There should be no content.
    Empty,
    /// The content is JSON and this judges it.
    Json(AnswerJudge<'c>),
}

/// Judges the JSON content of an answer.
#[derive(Debug)]
pub struct AnswerJudge<'c> {
    program: &'c Program,
}

/// What an answer's content comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judged {
    Fits,
    /// This instead.
    Stripped(String),
    Faults(Vec<Fault>),
}

impl Contract {
    /// Loads a contract of one or more files; `root` names the one that holds it. Nothing is fetched.
    ///
    /// # Errors
    /// Everything that makes it unusable, each with file and line.
    pub fn load(
        files: &BTreeMap<String, String>,
        root: &str,
        options: &Options,
    ) -> Result<Loaded, Vec<Problem>> {
        load::load(files, root, options)
    }

    /// The local files that references in `files` lead to and that are not among them, by their names relative to
    /// the same folder.
    ///
    /// # Errors
    /// Files that cannot be read as JSON or YAML.
    pub fn missing(files: &BTreeMap<String, String>) -> Result<BTreeSet<String>, Vec<Problem>> {
        crate::source::missing(files)
    }

    /// The operation for a method and a normalised path.
    #[must_use]
    pub fn operation<'p>(&self, method: &str, path: &'p str) -> Match<'_, 'p> {
        let Some((number, values)) = self.router.find(path) else { return Match::Unknown };
        let Some(path) = self.paths.get(number) else { return Match::Unknown };
        let Some(&index) = path.methods.get(method) else { return Match::OtherMethods(&path.allow) };
        let Some(operation) = self.operations.get(index) else { return Match::Unknown };
        Match::Operation(Matched { operation, index, contract: self, values })
    }

    /// All operations, in the order of their numbers.
    #[must_use]
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The title in `info`.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// What an operation may answer with.
    #[must_use]
    pub fn answer(&self, operation: usize, status: u16, media_type: Option<&str>) -> AnswerPlan<'_> {
        let Some(operation) = self.operations.get(operation) else { return AnswerPlan::Undeclared };
        let named = [Status::Code(status), Status::Class(status / 100), Status::Default];
        let Some(shape) = named.iter().find_map(|status| operation.answers.get(status)) else {
            return AnswerPlan::Undeclared;
        };
        if shape.media.is_empty() {
            return AnswerPlan::Empty;
        }
        let Some(media_type) = media_type else { return AnswerPlan::OtherType };
        let Some(media_type) = MediaType::parse(media_type) else { return AnswerPlan::OtherType };
        let ranked = shape
            .media
            .iter()
            .filter_map(|(range, program)| rank(range, &media_type.essence).map(|rank| (rank, program)));
        match ranked.max_by_key(|(rank, _)| *rank) {
            None => AnswerPlan::OtherType,
            Some(_) if media_type.is_json() && !media_type.is_utf8() => AnswerPlan::OtherType,
            Some((_, Some(program))) if media_type.is_json() => match self.answers.get(*program) {
                Some(program) => AnswerPlan::Json(AnswerJudge { program }),
                None => AnswerPlan::Undeclared,
            },
            Some(_) => AnswerPlan::Anything,
        }
    }
}

impl Operation {
    /// Upper case.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The path template with the base path: `/v1/pets/{id}`.
    #[must_use]
    pub fn template(&self) -> &str {
        &self.template
    }

    /// The `operationId`.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// As they stand in the contract.
    #[must_use]
    pub fn tags(&self) -> &[String] {
        &self.tags
    }

    /// File and line of the contract.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// The names of the free parts of the path, in order.
    #[must_use]
    pub fn path_names(&self) -> &[String] {
        &self.names
    }

    /// The value of `Deprecation` (RFC 9745 §2.1), where it is deprecated.
    #[must_use]
    pub fn deprecation(&self) -> Option<String> {
        self.deprecated_at.map(|moment| format!("@{}", moment.as_secs()))
    }

    /// The value of `Sunset` (RFC 8594 §3), where it will be gone.
    #[must_use]
    pub fn sunset(&self) -> Option<String> {
        self.sunset.map(date::http)
    }

    /// The content of some answer is judged, so that it must be possible to read it.
    #[must_use]
    pub const fn judges_answers(&self) -> bool {
        self.judges_answers
    }

    /// It is gone.
    #[must_use]
    pub fn is_gone(&self, now: Timestamp) -> bool {
        self.sunset.is_some_and(|sunset| now >= sunset)
    }
}

impl<'c> Matched<'c, '_> {
    /// Judges path, query, header fields and cookies.
    ///
    /// # Errors
    /// Every rule that is broken.
    pub fn head(&self, query: Option<&str>, fields: &impl Fields) -> Result<(), Refusal> {
        let mut faults = Vec::new();
        let mut query = match pairs(query.unwrap_or_default(), MOST_PAIRS) {
            Ok(pairs) => all(pairs),
            Err(wrong) => {
                faults.push(Fault::new("query", wrong.to_string()));
                Vec::new()
            }
        };
        let reads_cookies = self.operation.parameters.iter().any(|one| one.place == Place::Cookie);
        let mut cookies = match if reads_cookies { cookies(fields) } else { Ok(Vec::new()) } {
            Ok(crumbs) => all(crumbs),
            Err(wrong) => {
                faults.push(Fault::new("header cookie", wrong.to_string()));
                Vec::new()
            }
        };
        let mut others = false;
        for parameter in &self.operation.parameters {
            others |= parameter.place == Place::Query && parameter.takes_others();
            let read = match parameter.place {
                Place::Path => self.value(parameter).map(|text| parameter.in_path(text)).transpose(),
                Place::Query => parameter.in_pairs(&mut query),
                Place::Cookie => parameter.in_pairs(&mut cookies),
                Place::Header => field(parameter, fields),
            };
            let place = || format!("{} {}", parameter.place.word(), parameter.name);
            match read {
                Err(wrong) => faults.push(Fault::new(place(), wrong.rule())),
                Ok(None) if parameter.required => faults.push(Fault::new(place(), "must be there")),
                Ok(None) => {}
                Ok(Some(value)) => self.contract.judge(parameter, &value, place, &mut faults),
            }
        }
        let twin = |pair: &Pair<'_>| {
            let known = self.operation.parameters.iter().filter(|one| one.place == Place::Query);
            !pair.used && known.map(|one| alike(&one.name)).any(|name| name == alike(&pair.name))
        };
        if self.contract.options.unknown_query && query.iter().any(twin) {
            faults.push(Fault::new("query", "a parameter of the contract has one spelling"));
        }
        let unknown = query.iter().any(|pair| !pair.used);
        if unknown && !others && !self.contract.options.unknown_query {
            faults.push(Fault::new("query", "must not have parameters that the contract does not name"));
        }
        if faults.is_empty() { Ok(()) } else { Err(Refusal::Faults(faults)) }
    }

    fn value(&self, parameter: &Parameter) -> Option<&str> {
        let at = self.operation.names.iter().position(|name| **name == *parameter.name)?;
        self.values.get(at).copied()
    }

    /// What stands in the free parts of the path, still encoded.
    pub fn path_values(&self) -> impl Iterator<Item = (&'c str, &str)> {
        self.operation.names.iter().map(String::as_str).zip(self.values.iter().copied())
    }

    /// How the body is to be judged. `present`: there is one, as far as the head can say.
    ///
    /// # Errors
    /// That there may be no body, or none of that type.
    pub fn body(&self, media_type: Option<&str>, present: bool) -> Result<BodyPlan<'c>, Refusal> {
        let Some(body) = &self.operation.body else {
            return if present { Err(Refusal::UnexpectedBody) } else { Ok(BodyPlan::None) };
        };
        let contract = self.contract;
        let Some(media_type) = media_type else {
            // Without a type there may be no byte: found out by reading.
            return Ok(BodyPlan::Whole(0, BodyJudge { contract, body, media: None }));
        };
        let offered = || Refusal::MediaType(body.media.iter().map(|media| media.range.clone()).collect());
        let Some(media_type) = MediaType::parse(media_type) else { return Err(offered()) };
        let ranked = body.media.iter().enumerate().filter_map(|(index, media)| {
            rank(&media.range, &media_type.essence).map(|rank| (rank, index, media))
        });
        let Some((_, index, media)) = ranked.max_by_key(|(rank, ..)| *rank) else { return Err(offered()) };
        if !media_type.is_utf8() {
            return Err(Refusal::MediaType(vec![format!("{}; charset=utf-8", media.range)]));
        }
        let limit = media.limit(self.contract, &media_type);
        if media.is_read(&media_type) {
            Ok(BodyPlan::Whole(limit, BodyJudge { contract, body, media: Some((index, media_type)) }))
        } else {
            Ok(BodyPlan::Bounded(limit))
        }
    }
}

impl BodyJudge<'_> {
    /// Judges the whole body.
    ///
    /// # Errors
    /// Every rule that is broken, up to a number.
    pub fn check(&self, bytes: &[u8]) -> Result<(), Refusal> {
        if bytes.is_empty() {
            // An empty text or form is still a body, if it was said to be one.
            let counts = self.media.as_ref().is_some_and(|(_, media_type)| !media_type.is_json());
            if !self.body.required && !counts {
                return Ok(());
            }
            if !counts {
                return Err(Refusal::NoBody);
            }
        }
        let Some((index, media_type)) = &self.media else {
            return Err(Refusal::MediaType(
                self.body.media.iter().map(|media| media.range.clone()).collect(),
            ));
        };
        let Some(media) = self.body.media.get(*index) else { return Err(Refusal::NoBody) };
        let faults = media.check(self.contract, media_type, bytes);
        if faults.is_empty() { Ok(()) } else { Err(Refusal::Faults(faults)) }
    }
}

impl AnswerJudge<'_> {
    /// Judges the whole content.
    #[must_use]
    pub fn check(&self, bytes: &[u8], limit: usize) -> Judged {
        let document = match Document::parse(bytes, &body::bounds(limit)) {
            Ok(document) => document,
            Err(error) => return Judged::Faults(vec![Fault::new("body", error.rule.to_string())]),
        };
        let validated = self.program.validate(&document);
        match validated {
            Ok(validated) if validated.is_changed() => Judged::Stripped(validated.write(&[])),
            Ok(_) => Judged::Fits,
            Err(violations) => Judged::Faults(body::faults("body", &violations)),
        }
    }
}

impl Contract {
    fn judge(
        &self,
        parameter: &Parameter,
        value: &Value,
        place: impl Fn() -> String,
        faults: &mut Vec<Fault>,
    ) {
        let Some(program) = parameter.program.map(|program| self.requests.get(program)) else { return };
        match program.map(|program| program.validate(&Document::of(value)).err()) {
            Some(None) => {}
            Some(Some(violations)) => faults.extend(body::faults(&place(), &violations)),
            None => faults.push(Fault::new(place(), "cannot be judged")),
        }
    }
}

fn all(pairs: Vec<(String, &str)>) -> Vec<Pair<'_>> {
    pairs.into_iter().map(|(name, value)| Pair { name, value, used: false }).collect()
}

/// The cookies of a request; what is not text is nobody's.
fn cookies(fields: &impl Fields) -> Result<Vec<(String, &str)>, Unreadable> {
    let mut pairs = Vec::new();
    for line in fields.all("cookie") {
        // A line that is passed over here would be read by somebody else.
        let line = std::str::from_utf8(line).map_err(|_| Unreadable::Utf8)?;
        for crumb in line.split(';') {
            if let Some((name, value)) = crumb.trim_matches([' ', '\t']).split_once('=') {
                pairs.push((name.trim_matches([' ', '\t']).to_owned(), value));
            }
        }
    }
    Ok(pairs)
}

/// The name as applications may read it that know no capitals, make lists of `name[]` and `_` of blanks and points.
fn alike(name: &str) -> String {
    let name = name.split('[').next().unwrap_or_default().to_ascii_lowercase();
    name.trim_matches(' ').replace([' ', '.'], "_")
}

fn field(parameter: &Parameter, fields: &impl Fields) -> Result<Option<Value>, crate::parameter::Wrong> {
    use crate::parameter::Wrong;
    let values = fields.all(&parameter.name.to_ascii_lowercase());
    let value = match values.as_slice() {
        [] => return Ok(None),
        [only] => *only,
        _ => return Err(Wrong::Repeated),
    };
    let text = std::str::from_utf8(value).map_err(|_| Wrong::Text(Unreadable::Utf8))?;
    parameter.in_header(text).map(Some)
}

const MOST_PAIRS: usize = 1_000;
