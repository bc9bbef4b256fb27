//! What is known of libraries: where values come from that somebody else chose, where they do harm, what makes them safe, what
//! is called back.
//!
//! Models are data, in `rules/code/models/*.toml`:
//!
//! ```toml
//! languages = ["javascript", "typescript", "tsx"]
//!
//! [[model]]
//! path = "express.Request().{body,query,params}"    # see `origin` and `glob`
//! source = "http"
//! says = "the request's {name}"
//!
//! [[model]]
//! path = "mysql.createConnection().query()"         # ends with `()`: when it is called; with `=`: when it is set
//! sinks = [{ kind = "sql", argument = 0 }]
//! ```

use gabion_finding::Form;
use gabion_model::Problem;
use gabion_syntax::Language;
use serde::Deserialize;

use crate::forms::Forms;
use crate::glob::{Globs, expanded};
use crate::redos::How;
use crate::rules::Condition;
use crate::value::KindSet;

/// Kinds there may be.
const MOST: usize = 127;

/// Names of kinds, each a bit.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kinds(Vec<String>);

impl Kinds {
    /// None where there are too many.
    pub(crate) fn bit(&mut self, name: &str) -> Option<KindSet> {
        let at = self.0.iter().position(|own| own == name).or_else(|| {
            (self.0.len() < MOST).then(|| {
                self.0.push(name.to_owned());
                self.0.len().saturating_sub(1)
            })
        })?;
        1_u128.checked_shl(u32::try_from(at).ok()?)
    }

    /// The set of kinds of those names, as far as there are such.
    pub(crate) fn find(&self, names: &[&str]) -> KindSet {
        let bits = (0_u32..).zip(&self.0).filter(|(_, own)| names.contains(&own.as_str()));
        bits.fold(0, |set, (at, _)| set | 1_u128.checked_shl(at).unwrap_or(0))
    }
}

/// What is known of one path.
#[derive(Debug, Clone, Default)]
pub(crate) struct Model {
    pub(crate) languages: Vec<Language>,
    pub(crate) source: KindSet,
    pub(crate) says: Option<String>,
    pub(crate) sinks: Vec<Sink>,
    pub(crate) sanitizes: KindSet,
    /// What it gives is a number, a truth value, a date.
    pub(crate) harmless: bool,
    /// What it gives has nothing of what it was given.
    pub(crate) fresh: bool,
    /// What it gives is the text of its receiver and of all it was given, with spaces between: command lines, patterns.
    pub(crate) joins: bool,
    /// Its receiver, or what that was made of, is of another path from then on, where an argument has this form.
    pub(crate) marks: Option<Mark>,
    /// The path of what it gives.
    pub(crate) returns: Option<String>,
    /// What goes where; empty: everything it was given into what it gives.
    pub(crate) flows: Vec<(End, End)>,
    pub(crate) calls: Vec<Callback>,
    /// What is checked to be in a fixed set, or of a fixed form, is safe behind it.
    pub(crate) validates: Option<(End, KindSet)>,
    /// A pattern is held against a text.
    pub(crate) regex: Option<Match>,
    /// What it gives can do this harm again, whatever was done against it before: `unquote`.
    pub(crate) restores: KindSet,
    /// What comes from this source stays in what is counted and converted: a random number, a secret.
    pub(crate) lasting: bool,
    /// A call of it does not come back: `abort`, `exit`.
    pub(crate) ends: bool,
    /// Its receiver is of this path from then on, where the conditions hold: `parser.setFeature(…)`.
    pub(crate) becomes: Vec<(String, Vec<Condition>)>,
    /// The path of what it gives, where the conditions hold; the first that does.
    pub(crate) gives: Vec<(String, Vec<Condition>)>,
    /// A function that is decorated with it gives what it returns to such a place.
    pub(crate) answers: KindSet,
    /// Methods of a class that is made from it are handlers; they are given these.
    pub(crate) handlers: Option<Handlers>,
    /// What it gives is a list, a map, a text of what it was given, and can be filled further.
    pub(crate) makes: Option<Makes>,
    /// What it gives has these fields: what it was given, in order.
    pub(crate) fields: Vec<String>,
    /// It is this text, where it matters.
    pub(crate) text: Option<String>,
    /// A page of the tree is filled in.
    pub(crate) page: Option<Page>,
}

/// How a page is filled in.
#[derive(Debug, Clone)]
pub(crate) enum Page {
    /// The first of these is its name; it is handed the fields of those, and what is given by name.
    Filled { name: Vec<End>, values: Vec<End>, named: bool },
    /// The page that the function names is handed the second argument under the name that the first one says.
    Attribute,
}

/// What a call makes of what it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Makes {
    /// An empty one, or a copy.
    List,
    /// Of what it is given.
    Items,
    /// An empty one, or a copy.
    Map,
    /// Of keys and values in turn.
    Pairs,
    /// To which more is appended.
    Text,
}

/// Methods that a server calls.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Handlers {
    pub(crate) methods: Vec<String>,
    /// Paths of what they are given; the last one is for all further parameters.
    #[serde(default)]
    pub(crate) with: Vec<String>,
}

/// Which end of a call is the pattern, which the text.
#[derive(Debug, Clone)]
pub(crate) struct Match {
    pub(crate) pattern: End,
    pub(crate) text: Option<End>,
    pub(crate) how: How,
}

#[derive(Debug, Clone)]
pub(crate) struct Sink {
    pub(crate) kind: KindSet,
    pub(crate) at: End,
    /// A field of it only: `html`, `a.b`.
    pub(crate) field: Vec<String>,
    /// Only where what is sure of the value has this form.
    pub(crate) looks: Option<Form>,
    /// Not where what is sure of the value has this form.
    pub(crate) unless: Option<Form>,
    /// A finding here is less sure.
    pub(crate) weak: bool,
    /// Only where what somebody chose decides how the text begins: the host of an address.
    pub(crate) leading: bool,
    /// Not what stands in the fields of an object.
    pub(crate) plain: bool,
    /// Not what stands in fields of these names, wherever in it they are.
    pub(crate) without: Vec<String>,
    /// What else is asked of the call; all of them.
    pub(crate) when: Vec<Condition>,
    /// None of these.
    pub(crate) except: Vec<Condition>,
}

#[derive(Debug, Clone)]
pub(crate) struct Mark {
    pub(crate) argument: usize,
    pub(crate) matches: Form,
    pub(crate) path: String,
}

/// One end of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    Argument(usize),
    /// That one and all behind it.
    From(usize),
    Named(String),
    /// All without a name, as one text with spaces between.
    All,
    Receiver,
    Result,
}

/// A function that is given is called, with these.
#[derive(Debug, Clone)]
pub(crate) struct Callback {
    pub(crate) at: End,
    pub(crate) parameters: Vec<Given>,
    /// What it gives goes into what the call gives.
    pub(crate) returned: bool,
    /// The function is this field of what is given.
    pub(crate) field: Vec<String>,
    /// What it gives arrives at such a place.
    pub(crate) arrives: KindSet,
    /// Only where all of this holds of the call.
    pub(crate) when: Vec<Condition>,
}

#[derive(Debug, Clone)]
pub(crate) enum Given {
    Path(String),
    /// An item of the receiver.
    Item,
    Receiver,
    Nothing,
}

/// All models of all languages.
#[derive(Debug, Clone, Default)]
pub(crate) struct Models {
    pub(crate) kinds: Kinds,
    models: Vec<Model>,
    globs: Globs<usize>,
    /// Paths of types that are named in models, for imports of everything (`java.sql.*`).
    types: hashbrown::HashSet<String>,
    pub(crate) forms: Forms,
    /// What is known of routes.
    pub(crate) routes: crate::routes::Table,
    /// Paths of calls of which more is known than of their type: `a.b.C().get()` where `a.b.C().get().put()` is modelled.
    owners: hashbrown::HashSet<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    languages: Vec<Language>,
    #[serde(default, rename = "model")]
    models: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    path: OneOrMore,
    source: Option<String>,
    says: Option<String>,
    #[serde(default)]
    sinks: Vec<WrittenSink>,
    #[serde(default)]
    sanitizes: Vec<String>,
    #[serde(default)]
    harmless: bool,
    #[serde(default)]
    fresh: bool,
    #[serde(default)]
    joins: bool,
    marks: Option<WrittenMark>,
    returns: Option<String>,
    #[serde(default)]
    flows: Vec<String>,
    #[serde(default)]
    calls: Vec<WrittenCallback>,
    validates: Option<WrittenValidation>,
    regex: Option<WrittenMatch>,
    #[serde(default)]
    restores: Vec<String>,
    #[serde(default)]
    lasting: bool,
    #[serde(default)]
    ends: bool,
    #[serde(default)]
    becomes: Vec<WrittenChange>,
    #[serde(default)]
    gives: Vec<WrittenChange>,
    answers: Option<String>,
    handlers: Option<Handlers>,
    makes: Option<Makes>,
    #[serde(default)]
    fields: Vec<String>,
    page: Option<WrittenPage>,
    text: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPage {
    #[serde(default)]
    name: Vec<WrittenEnd>,
    #[serde(default)]
    values: Vec<WrittenEnd>,
    #[serde(default)]
    named: bool,
    #[serde(default)]
    attribute: bool,
}

impl WrittenPage {
    fn page(self) -> Result<Page, String> {
        let ends = |all: Vec<WrittenEnd>| all.into_iter().map(end).collect::<Result<Vec<_>, _>>();
        match self.attribute {
            true => Ok(Page::Attribute),
            false => {
                Ok(Page::Filled { name: ends(self.name)?, values: ends(self.values)?, named: self.named })
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenMatch {
    pattern: WrittenEnd,
    text: Option<WrittenEnd>,
    how: How,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenChange {
    path: String,
    #[serde(default)]
    when: Vec<Condition>,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum WrittenEnd {
    Number(usize),
    Word(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSink {
    kind: String,
    argument: WrittenEnd,
    field: Option<String>,
    looks: Option<String>,
    unless: Option<String>,
    #[serde(default)]
    weak: bool,
    #[serde(default)]
    leading: bool,
    #[serde(default)]
    plain: bool,
    #[serde(default)]
    without: Vec<String>,
    #[serde(default)]
    when: Vec<Condition>,
    #[serde(default)]
    except: Vec<Condition>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenCallback {
    argument: WrittenEnd,
    #[serde(default)]
    with: Vec<String>,
    #[serde(default)]
    returned: bool,
    field: Option<String>,
    arrives: Option<String>,
    #[serde(default)]
    when: Vec<Condition>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenMark {
    argument: usize,
    matches: String,
    path: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenValidation {
    argument: WrittenEnd,
    #[serde(default)]
    kinds: Vec<String>,
}

impl Models {
    /// Adds a file of the program, as its build made it.
    ///
    /// # Errors
    /// Everything wrong with it.
    pub(crate) fn add(&mut self, file: &str, text: &str) -> Result<(), Vec<Problem>> {
        let read: File =
            serde_json::from_str(text).map_err(|error| vec![Problem::new(file, error.to_string())])?;
        let mut problems = Vec::new();
        for written in read.models {
            let paths = match &written.path {
                OneOrMore::One(path) => vec![path.clone()],
                OneOrMore::More(paths) => paths.clone(),
            };
            let name = paths.first().cloned().unwrap_or_default();
            let model = match self.model(written, &read.languages) {
                Ok(model) => model,
                Err(reason) => {
                    problems.push(Problem::new(format!("{file}: model `{name}`"), reason));
                    continue;
                }
            };
            let at = self.models.len();
            self.models.push(model);
            for path in paths {
                match expanded(&path).and_then(|paths| {
                    paths.iter().for_each(|path| {
                        self.note_type(path);
                        self.note_owner(path);
                    });
                    self.globs.add(&path, at)
                }) {
                    Ok(()) => {}
                    Err(reason) => problems.push(Problem::new(format!("{file}: model `{name}`"), reason)),
                }
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    /// What is known of a path in a language.
    pub(crate) fn of(&self, path: &str, language: Language) -> Vec<usize> {
        let mut found = self.globs.of(path);
        found.retain(|at| self.models.get(*at).is_some_and(|model| model.languages.contains(&language)));
        found
    }

    pub(crate) fn get(&self, at: usize) -> Option<&Model> {
        self.models.get(at)
    }

    pub(crate) fn knows_type(&self, path: &str) -> bool {
        self.types.contains(path)
    }

    /// `a.b.C().get()` names the type `a.b.C`, `a.b.C.get()` too.
    pub(crate) fn note_type(&mut self, path: &str) {
        let mut name = String::new();
        for word in path.split('.') {
            let (word, called) = word.split_once('(').map_or((word, false), |(word, _)| (word, true));
            if word.contains(['*', '~', '=']) {
                return;
            }
            name.push_str(word);
            if name.contains('.') && word.starts_with(|first: char| first.is_uppercase()) {
                self.types.insert(name.clone());
            }
            if called {
                return;
            }
            name.push('.');
        }
    }

    /// Whether the path says more of a value than its type does.
    pub(crate) fn knows_owner(&self, path: &str) -> bool {
        self.owners.contains(path)
    }

    /// `a.b.C().get().put()` says something of what `a.b.C().get()` gives.
    fn note_owner(&mut self, path: &str) {
        let Some((owner, _)) = path.rsplit_once("().") else { return };
        let last = owner.rsplit('.').next().unwrap_or_default();
        if !owner.contains(['*', '~']) && owner.contains('.') && last.starts_with(char::is_lowercase) {
            self.owners.insert(format!("{owner}()"));
        }
    }

    fn set(&mut self, kinds: &[String]) -> Result<KindSet, String> {
        let mut set = 0;
        for kind in kinds {
            set |= if kind == "all" {
                KindSet::MAX
            } else {
                self.kinds.bit(kind).ok_or("there are more than 127 kinds")?
            };
        }
        Ok(set)
    }

    fn model(&mut self, written: Written, languages: &[Language]) -> Result<Model, String> {
        let mut sinks = Vec::new();
        for sink in written.sinks {
            self.note_patterns(sink.when.iter().chain(&sink.except))?;
            sinks.push(Sink {
                kind: self.set(&[sink.kind])?,
                at: end(sink.argument)?,
                field: sink
                    .field
                    .map(|field| field.split('.').map(str::to_owned).collect())
                    .unwrap_or_default(),
                looks: sink.looks.map(|looks| self.forms.add(&looks)).transpose()?,
                unless: sink.unless.map(|unless| self.forms.add(&unless)).transpose()?,
                weak: sink.weak,
                leading: sink.leading,
                plain: sink.plain,
                without: sink.without,
                when: sink.when,
                except: sink.except,
            });
        }
        let mut calls = Vec::new();
        for call in written.calls {
            let parameters = call.with.into_iter().map(|given| match given.as_str() {
                "item" => Given::Item,
                "receiver" => Given::Receiver,
                "" => Given::Nothing,
                _ => Given::Path(given),
            });
            let parameters = parameters.collect();
            let when = self.conditions(call.when)?;
            let field = call.field.iter().flat_map(|field| field.split('.')).map(str::to_owned).collect();
            let arrives = match &call.arrives {
                Some(kind) => self.kinds.bit(kind).ok_or("there are more than 127 kinds")?,
                None => 0,
            };
            let (at, returned) = (end(call.argument)?, call.returned);
            calls.push(Callback { at, parameters, returned, field, arrives, when });
        }
        let mut flows = Vec::new();
        for flow in written.flows {
            let (from, to) = flow.split_once("->").ok_or_else(|| format!("`{flow}` is no `FROM -> TO`"))?;
            flows.push((word(from)?, word(to)?));
        }
        let validates = match written.validates {
            Some(one) => {
                let kinds = if one.kinds.is_empty() { KindSet::MAX } else { self.set(&one.kinds)? };
                Some((end(one.argument)?, kinds))
            }
            None => None,
        };
        let regex = match written.regex {
            Some(one) => {
                let text = one.text.map(end).transpose()?;
                Some(Match { pattern: end(one.pattern)?, text, how: one.how })
            }
            None => None,
        };
        let source = match written.source {
            Some(source) => self.set(&[source])?,
            None => 0,
        };
        let becomes = self.changes(written.becomes)?;
        let gives = self.changes(written.gives)?;
        let answers = match written.answers {
            Some(kind) => self.set(&[kind])?,
            None => 0,
        };
        let marks = match written.marks {
            Some(mark) => Some(Mark {
                argument: mark.argument,
                matches: self.forms.add(&mark.matches)?,
                path: mark.path,
            }),
            None => None,
        };
        Ok(Model {
            languages: languages.to_vec(),
            source,
            says: written.says,
            sinks,
            sanitizes: self.set(&written.sanitizes)?,
            harmless: written.harmless,
            fresh: written.fresh,
            joins: written.joins,
            marks,
            returns: written.returns,
            flows,
            calls,
            validates,
            regex,
            restores: self.set(&written.restores)?,
            lasting: written.lasting,
            ends: written.ends,
            becomes,
            gives,
            answers,
            handlers: written.handlers,
            makes: written.makes,
            fields: written.fields,
            page: written.page.map(WrittenPage::page).transpose()?,
            text: written.text,
        })
    }

    fn changes(&mut self, written: Vec<WrittenChange>) -> Result<Vec<(String, Vec<Condition>)>, String> {
        written.into_iter().map(|change| Ok((change.path, self.conditions(change.when)?))).collect()
    }

    /// Makes the patterns of conditions ready.
    fn conditions(&mut self, conditions: Vec<Condition>) -> Result<Vec<Condition>, String> {
        self.note_patterns(conditions.iter())?;
        Ok(conditions)
    }

    fn note_patterns<'a>(&mut self, of: impl Iterator<Item = &'a Condition>) -> Result<(), String> {
        for text in
            of.flat_map(|condition| condition.matches.iter().chain(&condition.path).chain(&condition.looks))
        {
            self.forms.add(text)?;
        }
        Ok(())
    }
}

pub(crate) fn end(written: WrittenEnd) -> Result<End, String> {
    match written {
        WrittenEnd::Number(number) => Ok(End::Argument(number)),
        WrittenEnd::Word(text) => word(&text),
    }
}

fn word(text: &str) -> Result<End, String> {
    let text = text.trim();
    if let Some(from) = text.strip_suffix("..") {
        return from.parse().map(End::From).map_err(|_| format!("`{text}` is no place of an argument"));
    }
    Ok(match text {
        "this" => End::Receiver,
        "all" => End::All,
        "return" => End::Result,
        _ => match text.parse() {
            Ok(number) => End::Argument(number),
            Err(_)
                if !text.is_empty()
                    && text.chars().all(|one| one.is_alphanumeric() || matches!(one, '_' | '.')) =>
            {
                End::Named(text.to_owned())
            }
            Err(_) => {
                return Err(format!(
                    "`{text}` is no end of a call: a number, `1..`, a name, `this` or `return`"
                ));
            }
        },
    })
}
