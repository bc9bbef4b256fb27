//! What is known of frameworks: which calls say that something answers, and by what code shows that it asks who is there.
//!
//! Data, in `rules/code/routes/*.toml`:
//!
//! ```toml
//! languages = ["javascript", "typescript", "tsx"]
//! framework = "express"
//!
//! [[act]]                                # a call, by the path of what is called
//! path = "express.Router()"
//! does = "router"
//!
//! [[act]]
//! path = "express.Router().{get,post}()"
//! does = "route"
//! methods = "name"                       # the word that is called
//! route = 0                              # where the path stands
//! handlers = "1.."                       # the last one answers, those before may refuse
//!
//! [[input]]                              # what a request brings
//! from = "body"
//! path = '^req\.body'
//!
//! [[fact]]                               # what code shows
//! name = "credential"
//! path = ['^req\.session\b']
//! ```

use std::sync::OnceLock;

use gabion_finding::Form;
use gabion_model::Problem;
use gabion_syntax::Language;
use regex::bytes::{RegexSet, RegexSetBuilder};
use serde::Deserialize;

use crate::forms::Forms;
use crate::glob::Globs;
use crate::models::{End, WrittenEnd, end};

/// Bytes of all patterns of paths together.
const LARGEST: usize = 32 << 20;

/// Facts, as bits: numbers of [`Table::names`].
pub(crate) type FactSet = u128;

/// What a call does for routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Does {
    /// Gives something that routes are put on.
    Router,
    /// Something answers.
    Route,
    /// Everything behind it, or everything, passes this first; another router may be among it.
    Use,
    /// Gives the same router, at that path: `router.route('/x')`.
    At,
    /// Gives a router on this one, or calls a function with it: `router.group('/x', routes => …)`.
    Group,
    /// Gives what it is called on, or what it is given: `router.routes()`.
    Same,
    /// Says which methods: `.methods('GET')`, of the route before it or of what follows.
    Only,
}

/// Which routes of its router a guard runs before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Order {
    #[default]
    All,
    /// Those that are put on it after the guard.
    Later,
    /// Those that are put on it before the guard.
    Earlier,
}

/// A call and what it says of routes.
#[derive(Debug, Clone)]
pub(crate) struct Act {
    pub(crate) languages: Vec<Language>,
    pub(crate) framework: String,
    pub(crate) does: Does,
    pub(crate) methods: Methods,
    /// Where the path stands.
    pub(crate) route: Vec<End>,
    pub(crate) handlers: Option<End>,
    /// What runs before.
    pub(crate) guards: Vec<End>,
    /// Which router it is about, where that is not whose method is called.
    pub(crate) router: Option<End>,
    /// What decides is put on the function below.
    pub(crate) decorates: bool,
    pub(crate) order: Order,
    /// Without a function that answers it is another call of that name.
    pub(crate) sure: bool,
    /// What answers may be another list of routes: Django's `include`.
    pub(crate) included: bool,
    /// It gives its receiver back.
    pub(crate) chains: bool,
    /// The function that is called with a group.
    pub(crate) within: Option<End>,
    /// A group that is made by one of these is no group: what it puts before itself stands before all.
    pub(crate) plain: Vec<String>,
    /// What answers may be a router, or a function that says itself what it answers.
    pub(crate) mounts: bool,
    /// Later calls on what it gives say more of it.
    pub(crate) open: bool,
    /// What stands around the router that is given runs before all of it.
    pub(crate) around: bool,
    /// Only where the first argument is one of these.
    pub(crate) when: Vec<String>,
    /// What the call is called as a guard.
    pub(crate) named: Option<String>,
}

#[derive(Debug, Clone)]
pub(crate) enum Methods {
    Any,
    /// The path begins with it: `GET /x`.
    Path,
    /// What is called says it.
    Name,
    These(Vec<String>),
    /// An argument lists them; else these.
    At(End, Vec<String>),
}

/// Something a request brings, by its path.
#[derive(Debug, Clone)]
pub(crate) struct Input {
    pub(crate) languages: Vec<Language>,
    pub(crate) from: String,
    pub(crate) path: Form,
}

/// What else has to be so at a call.
#[derive(Debug, Clone)]
pub(crate) struct CallFact {
    pub(crate) set: FactSet,
    pub(crate) call: Form,
    /// Something in what is given has such a path.
    pub(crate) argument: Option<Form>,
    /// Something else in it, too.
    pub(crate) also: Option<Form>,
    /// What is given, or spread into it, has itself such a path.
    pub(crate) whole: Option<Form>,
    /// A field or named argument of this name …
    pub(crate) entry: Option<Form>,
    /// … holds a value of such a path.
    pub(crate) value: Option<Form>,
    /// Nothing in what is given has such a path or name.
    pub(crate) unless: Option<Form>,
}

/// A fact that follows from others.
#[derive(Debug, Clone)]
struct Composite {
    set: FactSet,
    all: FactSet,
    any: FactSet,
    none: FactSet,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    pub(crate) acts: Vec<Act>,
    globs: Globs<usize>,
    pub(crate) inputs: Vec<Input>,
    names: Vec<String>,
    paths: Vec<(String, FactSet, Option<Form>)>,
    /// Of [`Self::paths`] together, made when it is first asked.
    set: OnceLock<Option<RegexSet>>,
    guards: Vec<(Form, FactSet)>,
    pub(crate) calls: Vec<CallFact>,
    composites: Vec<Composite>,
    pub(crate) forms: Forms,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    languages: Vec<Language>,
    #[serde(default)]
    framework: String,
    #[serde(default)]
    ordered: bool,
    /// Guards run before what was put on their router before them.
    #[serde(default)]
    reversed: bool,
    #[serde(default, rename = "act")]
    acts: Vec<WrittenAct>,
    #[serde(default, rename = "input")]
    inputs: Vec<WrittenInput>,
    #[serde(default, rename = "fact")]
    facts: Vec<WrittenFact>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Texts {
    One(String),
    More(Vec<String>),
}

impl Texts {
    fn all(&self) -> &[String] {
        match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::More(texts) => texts,
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Ends {
    More(Vec<WrittenEnd>),
    One(WrittenEnd),
}

impl Ends {
    fn all(self) -> Result<Vec<End>, String> {
        match self {
            Self::One(one) => Ok(vec![end(one)?]),
            Self::More(more) => more.into_iter().map(end).collect(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenAct {
    path: Texts,
    does: Does,
    /// `name`, `any`, a list, or the name of an argument.
    methods: Option<Texts>,
    /// What holds where the argument says nothing.
    default: Option<Vec<String>>,
    route: Option<Ends>,
    handlers: Option<WrittenEnd>,
    guards: Option<Ends>,
    router: Option<WrittenEnd>,
    #[serde(default)]
    decorates: bool,
    #[serde(default)]
    sure: bool,
    #[serde(default)]
    chains: bool,
    #[serde(default)]
    included: bool,
    within: Option<WrittenEnd>,
    #[serde(default)]
    plain: Vec<String>,
    #[serde(default)]
    mounts: bool,
    #[serde(default)]
    open: bool,
    #[serde(default)]
    around: bool,
    #[serde(default)]
    when: Vec<String>,
    named: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenInput {
    from: String,
    path: Texts,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenFact {
    name: String,
    path: Option<Texts>,
    /// The name of something that runs before a handler.
    guard: Option<Texts>,
    call: Option<Texts>,
    argument: Option<String>,
    also: Option<String>,
    whole: Option<String>,
    entry: Option<String>,
    value: Option<String>,
    unless: Option<String>,
    #[serde(default)]
    all: Vec<String>,
    #[serde(default)]
    any: Vec<String>,
    #[serde(default)]
    none: Vec<String>,
}

impl Table {
    /// Adds a file of the program, as its build made it.
    ///
    /// # Errors
    /// Everything wrong with it.
    pub(crate) fn add(&mut self, file: &str, text: &str) -> Result<(), Vec<Problem>> {
        let read: File =
            serde_json::from_str(text).map_err(|error| vec![Problem::new(file, error.to_string())])?;
        let mut problems = Vec::new();
        let mut note = |name: String, result: Result<(), String>| {
            if let Err(reason) = result {
                problems.push(Problem::new(format!("{file}: {name}"), reason));
            }
        };
        let order = match (read.ordered, read.reversed) {
            (true, _) => Order::Later,
            (false, true) => Order::Earlier,
            (false, false) => Order::All,
        };
        for written in read.acts {
            let name = format!("act `{}`", written.path.all().first().map_or("", String::as_str));
            note(name, self.act(written, &read.languages, &read.framework, order));
        }
        for written in read.inputs {
            let name = format!("input `{}`", written.from);
            let mut add = || {
                for path in written.path.all() {
                    let path = self.forms.add(path)?;
                    let (languages, from) = (read.languages.clone(), written.from.clone());
                    self.inputs.push(Input { languages, from, path });
                }
                Ok(())
            };
            note(name, add());
        }
        for written in read.facts {
            let name = format!("fact `{}`", written.name);
            note(name, self.fact(written));
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    /// All patterns of paths as one.
    fn set(&self) -> Option<&RegexSet> {
        let made = self.set.get_or_init(|| {
            // Borders of words in Unicode's sense, and more states than fit, would both have every path tried pattern by pattern.
            let paths = self.paths.iter().map(|(path, ..)| path);
            RegexSetBuilder::new(paths)
                .unicode(false)
                .size_limit(LARGEST)
                .dfa_size_limit(LARGEST)
                .build()
                .ok()
        });
        made.as_ref()
    }

    #[cfg(test)]
    pub(crate) fn set_is_made(&self) -> bool {
        self.set().is_some()
    }

    fn act(
        &mut self,
        written: WrittenAct,
        languages: &[Language],
        framework: &str,
        order: Order,
    ) -> Result<(), String> {
        let default = written.default.unwrap_or_default();
        let methods = match written.methods {
            None => Methods::Any,
            Some(Texts::One(text)) if text == "any" => Methods::Any,
            Some(Texts::One(text)) if text == "name" => Methods::Name,
            Some(Texts::One(text)) if text == "path" => Methods::Path,
            Some(Texts::One(text)) if text.starts_with(|first: char| first.is_uppercase()) => {
                Methods::These(vec![text])
            }
            Some(Texts::One(text)) => Methods::At(end(WrittenEnd::Word(text))?, default),
            Some(Texts::More(list)) => Methods::These(list),
        };
        let at = self.acts.len();
        let act = Act {
            languages: languages.to_vec(),
            framework: framework.to_owned(),
            does: written.does,
            methods,
            route: written.route.map(Ends::all).transpose()?.unwrap_or_default(),
            handlers: written.handlers.map(end).transpose()?,
            guards: written.guards.map(Ends::all).transpose()?.unwrap_or_default(),
            router: written.router.map(end).transpose()?,
            decorates: written.decorates,
            order,
            sure: written.sure,
            included: written.included,
            chains: written.chains,
            within: written.within.map(end).transpose()?,
            plain: written.plain,
            mounts: written.mounts,
            open: written.open,
            around: written.around,
            when: written.when,
            named: written.named,
        };
        for path in written.path.all() {
            self.globs.add(path, at)?;
        }
        self.acts.push(act);
        Ok(())
    }

    fn fact(&mut self, written: WrittenFact) -> Result<(), String> {
        let set = self.bit(&written.name)?;
        for path in written.path.iter().flat_map(Texts::all) {
            self.forms.add(path)?;
            let unless = written.unless.as_deref().map(|text| self.forms.add(text)).transpose()?;
            self.paths.push((path.clone(), set, unless));
        }
        for path in written.guard.iter().flat_map(Texts::all) {
            self.guards.push((self.forms.add(path)?, set));
        }
        let mut form = |text: &Option<String>| text.as_deref().map(|text| self.forms.add(text)).transpose();
        for call in written.call.iter().flat_map(Texts::all) {
            self.calls.push(CallFact {
                set,
                call: form(&Some(call.clone()))?.ok_or("no call")?,
                argument: form(&written.argument)?,
                also: form(&written.also)?,
                whole: form(&written.whole)?,
                entry: form(&written.entry)?,
                value: form(&written.value)?,
                unless: form(&written.unless)?,
            });
        }
        if !written.all.is_empty() || !written.any.is_empty() {
            let all = self.set_of(&written.all)?;
            let any = self.set_of(&written.any)?;
            let none = self.set_of(&written.none)?;
            self.composites.push(Composite { set, all, any, none });
        }
        Ok(())
    }

    /// The bit of a name; `name?` is that it is asked for in a condition.
    fn bit(&mut self, name: &str) -> Result<FactSet, String> {
        let at = match self.names.iter().position(|own| own == name) {
            Some(at) => at,
            None if self.names.len() < 64 => {
                self.names.push(name.trim_end_matches('?').to_owned());
                self.names.len().saturating_sub(1)
            }
            None => return Err("there are more than 64 facts".to_owned()),
        };
        let at = u32::try_from(at).map_err(|_| "there are more than 64 facts".to_owned())?;
        Ok(1_u128.checked_shl(at).unwrap_or(0))
    }

    pub(crate) fn set_of(&mut self, names: &[String]) -> Result<FactSet, String> {
        let mut set = 0;
        for name in names {
            set |= match name.strip_suffix('?') {
                Some(name) => asked(self.bit(name)?),
                None => self.bit(name)?,
            };
        }
        Ok(set)
    }

    /// The set of a name that is there.
    pub(crate) fn named(&self, name: &str) -> FactSet {
        let at = self.names.iter().position(|own| own == name).and_then(|at| u32::try_from(at).ok());
        at.and_then(|at| 1_u128.checked_shl(at)).unwrap_or(0)
    }

    /// What a path of an expression shows.
    pub(crate) fn of_path(&self, path: &str) -> FactSet {
        let found = self.set().map(|set| set.matches(path.as_bytes()));
        let numbers = found.iter().flat_map(|found| found.iter());
        let found = numbers.filter_map(|at| self.paths.get(at));
        let found =
            found.filter(|(_, _, unless)| unless.as_ref().is_none_or(|unless| !unless.is_match(path)));
        found.fold(0, |set, (_, fact, _)| set | fact)
    }

    /// What the name of a guard lets one believe.
    pub(crate) fn of_guard(&self, name: &str) -> FactSet {
        self.guards.iter().filter(|(regex, _)| regex.is_match(name)).fold(0, |set, (_, fact)| set | fact)
    }

    /// With what follows from it.
    pub(crate) fn closed(&self, mut set: FactSet) -> FactSet {
        for _ in 0..4 {
            let before = set;
            for one in &self.composites {
                let any = one.any == 0 || set & one.any != 0;
                if set & one.all == one.all && any && set & one.none == 0 {
                    set |= one.set;
                }
            }
            if set == before {
                break;
            }
        }
        set
    }

    /// With what it may follow from.
    pub(crate) fn behind(&self, set: FactSet) -> FactSet {
        let from = self.composites.iter().filter(|one| one.set & set != 0);
        from.fold(set | asked(set), |behind, one| behind | one.all | one.any)
    }

    /// The acts of a path in a language.
    pub(crate) fn of(&self, path: &str, language: Language) -> Vec<usize> {
        let mut found = self.globs.of(path);
        found.retain(|at| self.acts.get(*at).is_some_and(|act| act.languages.contains(&language)));
        found
    }

    /// Names of a set, in order; what was only asked for counts as seen.
    pub(crate) fn names(&self, set: FactSet) -> Vec<&str> {
        let mut names: Vec<&str> = (0_u32..)
            .zip(&self.names)
            .filter(|(at, _)| set & 1_u128.checked_shl(*at).unwrap_or(0) != 0)
            .map(|(_, name)| name.as_str())
            .collect();
        names.sort_unstable();
        names
    }
}

/// The same facts, where a condition asks for them.
pub(crate) const fn asked(set: FactSet) -> FactSet {
    (set & SEEN) << 64
}

/// Facts without those that are asked for.
pub(crate) const SEEN: FactSet = u64::MAX as u128;

impl Table {
    /// A path with what a request brings under one name: `@body.name`.
    pub(crate) fn canonical(&self, language: Language, path: &str) -> String {
        if path.starts_with('\'') {
            return path.to_owned();
        }
        if let Some(rest) = path.strip_prefix('@') {
            // `form.get(name)` is `form.name`.
            let (from, behind) = rest.split_once(".get(").unwrap_or((rest, ""));
            return match behind.split_once(')') {
                Some((name, behind)) if !name.is_empty() && !from.contains('.') => {
                    format!("@{from}.{name}{behind}")
                }
                _ => path.to_owned(),
            };
        }
        let inputs = self.inputs.iter().filter(|input| input.languages.contains(&language));
        for input in inputs {
            let Some(found) = input.path.captures(path) else { continue };
            let Some(whole) = found.get(0).filter(|whole| whole.start() == 0) else { continue };
            let rest = path.get(whole.end()..).unwrap_or_default();
            let name = found.name("name").map(|name| format!(".{}", name.as_str())).unwrap_or_default();
            // `form.get(name)` is `form.name`.
            let rest = match rest.strip_prefix(".get(").and_then(|inside| inside.split_once(')')) {
                Some((name, rest)) if !name.is_empty() => format!(".{name}{rest}"),
                _ => rest.to_owned(),
            };
            if !rest.is_empty() && !rest.starts_with(['.', '[', '=', '(']) {
                continue;
            }
            return format!("@{}{name}{rest}", input.from);
        }
        path.to_owned()
    }
}
