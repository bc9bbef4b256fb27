//! All modules of a tree, loaded when they are asked for, and what was found in them.

use std::collections::{BTreeMap, VecDeque};
use std::rc::{Rc, Weak};
use std::sync::Arc;

use gabion_finding::Span;
use gabion_patterns::PatternRules;
use gabion_syntax::Language;
use gabion_syntax::tree::{ClassId, FunctionId, Module, Symbol};
use hashbrown::{DefaultHashBuilder, HashMap, HashSet};

use crate::facts::Facts;
use crate::interpret::Frame;
use crate::interpret::elsewhere::{Imports, Package};
use crate::interpret::java_query::Mapped;
use crate::interpret::memory::{CallKey, Remembered};
use crate::marks::MarkIndex;
use crate::models::Models;
use crate::name::{Name, Names};
use crate::origin::{Origin, Origins, Step};
use crate::redos::{Ambiguity, How};
use crate::repair::Repair;
use crate::resolve::Paths;
use crate::routes::Recorder;
use crate::rules::Rules;
use crate::scanner::is_script_test;
use crate::scope::Scope;
use crate::value::{ClassValue, FunctionRef, KindSet, Trace, Value};

/// What was found, before it is a finding.
#[derive(Debug, Clone)]
pub(crate) struct Hit {
    pub(crate) rule: usize,
    pub(crate) module: usize,
    pub(crate) span: Span,
    /// The way it came, if it came from somewhere.
    pub(crate) trace: Option<Rc<Trace>>,
    pub(crate) callee: Rc<str>,
    /// The function it stands in.
    pub(crate) within: String,
    pub(crate) weak: bool,
}

impl Hit {
    /// It is asked whether there is such a file, no more.
    fn only_asks(&self) -> bool {
        let asked = self.callee.strip_prefix("os.path.");
        asked.is_some_and(|name| ["exists", "isfile", "isdir", "islink", "getmtime"].contains(&name))
    }
}

/// One file.
#[derive(Debug)]
pub(crate) struct Unit {
    pub(crate) path: Arc<str>,
    /// It is a test of JavaScript.
    pub(crate) script_test: bool,
    facts: Arc<[u8]>,
    loaded: Option<Option<Rc<Loaded>>>,
    /// Asked for since it was last looked at whether it can be let go of.
    asked: bool,
    pub(crate) exports: Exports,
}

/// What a module gives to others.
#[derive(Debug, Clone)]
pub(crate) enum Exports {
    Unknown,
    /// Its own code runs at this moment: a circle of imports.
    Running,
    Known(Value),
}

/// A module with its names.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    pub(crate) facts: Facts,
    names: Vec<Name>,
    pub(crate) marks: MarkIndex,
}

impl Loaded {
    pub(crate) const fn module(&self) -> &Module {
        &self.facts.module
    }

    pub(crate) const fn language(&self) -> Language {
        self.facts.module.language
    }

    pub(crate) fn name(&self, symbol: Symbol) -> Name {
        self.names
            .get(symbol.0 as usize)
            .copied()
            .unwrap_or_else(|| self.names.first().copied().unwrap_or(Name::NONE))
    }

    pub(crate) fn text(&self, symbol: Symbol) -> &str {
        self.module().text(symbol)
    }
}

/// Rules, and which of their calls or sets.
type Asked = Rc<Vec<(usize, usize)>>;

/// Modules and names of classes, by the name of what they extend.
pub(crate) type Extending = HashMap<Box<str>, Vec<(usize, Name)>>;

#[derive(Debug)]
pub(crate) struct World<'a> {
    pub(crate) models: &'a Models,
    pub(crate) rules: &'a Rules,
    pub(crate) patterns: &'a PatternRules,
    pub(crate) names: Names,
    pub(crate) origins: Origins,
    pub(crate) units: Vec<Unit>,
    pub(crate) paths: Paths,
    /// Modules that are in memory, and how long their facts are.
    residents: VecDeque<usize>,
    resident: usize,
    known: HashMap<(Origin, Ending, Language), Rc<Vec<usize>>>,
    /// How long patterns take that were asked about already.
    pub(crate) ambiguities: HashMap<(Rc<str>, bool, How), Option<Ambiguity>>,
    /// The rules about calls and about what is set, by path.
    rules_at: HashMap<(Origin, Ending), Asked>,
    /// What was called anywhere.
    called: HashSet<Origin>,
    hits: BTreeMap<(usize, usize, Span), Hit>,
    /// How what was found is written right: by rule, module and place.
    pub(crate) repairs: HashMap<(usize, usize, Span), &'a Repair>,
    /// Functions that were run at least once.
    pub(crate) visited: HashSet<FunctionRef>,
    /// What an object of a class is when nobody knows how it was made.
    pub(crate) instances: HashMap<(usize, u32), Option<Value>>,
    /// What implements an interface of the tree.
    pub(crate) implementers: HashMap<(usize, u32), Vec<Rc<ClassValue>>>,
    /// Classes by the name of what they extend, once somebody asked.
    pub(crate) extending: Option<Extending>,
    /// Java: queries that stand in files of their own, once somebody asked.
    pub(crate) mapped: Option<Mapped>,
    scopes: Vec<Weak<Scope>>,
    /// So many before those that ended are forgotten.
    scopes_most: usize,
    /// Steps that may still be made for the module that is looked at.
    pub(crate) budget: u64,
    /// The object of the method that ran last, as it left it.
    pub(crate) changed_this: Option<Value>,
    /// Lists and maps that the function that ran last was given, as it left them.
    pub(crate) changed_given: Vec<(usize, Value)>,
    /// What was called does not come back.
    pub(crate) ended: bool,
    /// Where what the next function returns arrives, and by whom: the answer of a route.
    pub(crate) answer: Option<(KindSet, Rc<str>)>,
    /// What runs serves routes that are written out.
    pub(crate) fixed_route: bool,
    /// Stands for the code of a module that waits.
    pub(crate) blank: Rc<Loaded>,
    /// Modules whose code ran and whose functions are still to be run.
    pub(crate) deferred: Vec<Frame>,
    /// What functions have as fields: `f.prototype`, `f.parse`.
    pub(crate) properties: HashMap<FunctionRef, crate::value::Object>,
    /// Checks that are gone through at this moment, one asking the other.
    pub(crate) asking: usize,
    /// Modules that run at this moment, one importing the other.
    pub(crate) importing: usize,
    /// Expressions that are evaluated at this moment, one in the other.
    pub(crate) depth: usize,
    /// Sinks of rules in the format of semgrep that are evaluated at this moment: in which function, where, how deep.
    pub(crate) arriving: Vec<(FunctionRef, Span, usize)>,
    /// Modules whose work was cut off.
    pub(crate) cut: Vec<usize>,
    /// Go and Rust: where the names that a module imports stand.
    pub(crate) tree_imports: HashMap<usize, Rc<Imports>>,
    /// Go: packages, by their first file.
    pub(crate) packages: HashMap<usize, Rc<Package>>,
    /// Go and Rust: every method with a body, by its name.
    pub(crate) methods: Option<HashMap<Name, Vec<Method>>>,
    /// Go and Rust: the names of each module.
    pub(crate) module_scopes: HashMap<usize, Rc<Scope>>,
    /// What the function that ran last left of what it was given.
    pub(crate) left_in_arguments: Vec<Option<Value>>,
    /// What promises that are being made were given so far.
    pub(crate) resolved: Vec<Option<Value>>,
    /// Functions that some code calls, as far as it was followed.
    pub(crate) called_by_code: HashSet<FunctionRef>,
    /// How often functions were called.
    pub(crate) runs: HashMap<FunctionRef, u32>,
    pub(crate) remembered: HashMap<CallKey, Remembered>,
    /// Makes the keys of calls, otherwise in each run: nobody writes two calls that look the same to it.
    pub(crate) keys: DefaultHashBuilder,
    /// How often variables of a module were set to something else.
    pub(crate) module_changes: HashMap<usize, u32>,
    /// Rules of which the application does what is right.
    pub(crate) done_right: HashSet<usize>,
    /// What was written down of routes.
    pub(crate) routes: Recorder,
    route_calls: HashMap<(Origin, Language), Rc<Vec<usize>>>,
}

/// Bytes of facts whose modules are in memory at once; in memory they are some ten times as large.
const MOST_RESIDENT: usize = 6 << 20;

/// Scopes that are remembered at least.
const SCOPES: usize = 4_096;

/// A method of a class of a module.
pub(crate) type Method = (usize, ClassId, FunctionId);

/// An answer whose form is plain.
pub(crate) const PLAIN: &str = "gabion.PlainResponse()";

/// The same path, where an answer of express is one whatever its form is.
pub(crate) fn of_express(path: String) -> String {
    match path.strip_prefix(PLAIN) {
        Some(rest) => format!("express.Response(){rest}"),
        None => path,
    }
}

/// How a path is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Ending {
    Read,
    Call,
    Set,
}

impl<'a> World<'a> {
    pub(crate) fn new(
        models: &'a Models,
        rules: &'a Rules,
        patterns: &'a PatternRules,
        files: &[(Arc<str>, Arc<[u8]>)],
    ) -> Self {
        let units = files.iter().map(|(path, facts)| Unit {
            path: Arc::clone(path),
            script_test: is_script_test(path),
            facts: Arc::clone(facts),
            loaded: None,
            asked: false,
            exports: Exports::Unknown,
        });
        Self {
            models,
            rules,
            patterns,
            names: Names::default(),
            origins: Origins::default(),
            units: units.collect(),
            paths: Paths::new(files.iter().map(|(path, _)| path)),
            residents: VecDeque::new(),
            resident: 0,
            known: HashMap::new(),
            ambiguities: HashMap::new(),
            rules_at: HashMap::new(),
            called: HashSet::new(),
            hits: BTreeMap::new(),
            repairs: HashMap::new(),
            visited: HashSet::new(),
            instances: HashMap::new(),
            implementers: HashMap::new(),
            extending: None,
            mapped: None,
            scopes: Vec::new(),
            scopes_most: SCOPES,
            budget: 0,
            changed_this: None,
            changed_given: Vec::new(),
            ended: false,
            answer: None,
            fixed_route: false,
            blank: Rc::default(),
            deferred: Vec::new(),
            properties: HashMap::new(),
            asking: 0,
            importing: 0,
            depth: 0,
            arriving: Vec::new(),
            cut: Vec::new(),
            tree_imports: HashMap::new(),
            packages: HashMap::new(),
            methods: None,
            module_scopes: HashMap::new(),
            left_in_arguments: Vec::new(),
            resolved: Vec::new(),
            called_by_code: HashSet::new(),
            runs: HashMap::new(),
            remembered: HashMap::new(),
            keys: DefaultHashBuilder::default(),
            module_changes: HashMap::new(),
            done_right: HashSet::new(),
            routes: Recorder::default(),
            route_calls: HashMap::new(),
        }
    }

    /// The module, where it is of one of these languages.
    pub(crate) fn load_of(&mut self, module: usize, languages: &[Language]) -> Option<Rc<Loaded>> {
        let path = Arc::clone(&self.units.get(module)?.path);
        Language::of(&path).filter(|language| languages.contains(language))?;
        self.load(module)
    }

    pub(crate) fn load(&mut self, module: usize) -> Option<Rc<Loaded>> {
        let unit = self.units.get_mut(module)?;
        unit.asked = true;
        if let Some(loaded) = &unit.loaded {
            return loaded.clone();
        }
        let bytes = unit.facts.len();
        let facts = Facts::from_bytes(&unit.facts);
        let loaded = facts.map(|facts| {
            let names = facts.module.texts.iter().map(|text| self.names.of(text)).collect();
            let marks = MarkIndex::new(&facts.marks);
            Rc::new(Loaded { facts, names, marks })
        });
        if let Some(unit) = self.units.get_mut(module) {
            unit.loaded = Some(loaded.clone());
        }
        if loaded.is_some() {
            self.residents.push_back(module);
            self.resident = self.resident.saturating_add(bytes);
            self.unload();
        }
        loaded
    }

    /// Lets go of modules that nothing runs in and nobody asked for lately: they are loaded again when they are asked for.
    fn unload(&mut self) {
        // Once to forget who was asked for, once to let go.
        for _ in 0..self.residents.len().saturating_mul(2) {
            if self.resident <= MOST_RESIDENT {
                break;
            }
            let Some(module) = self.residents.pop_front() else { break };
            let Some(unit) = self.units.get_mut(module) else { continue };
            match &unit.loaded {
                Some(Some(loaded)) if unit.asked || Rc::strong_count(loaded) > 1 => {
                    unit.asked = false;
                    self.residents.push_back(module);
                }
                _ => {
                    unit.loaded = None;
                    self.resident = self.resident.saturating_sub(unit.facts.len());
                }
            }
        }
    }

    /// A scope that ends with the run, whatever circles closures make.
    pub(crate) fn scope(&mut self, around: Option<&Rc<Scope>>) -> Rc<Scope> {
        let scope = around.map_or_else(Rc::default, Scope::inside);
        // What is only remembered here has its place in memory all the same.
        if self.scopes.len() >= self.scopes_most {
            self.scopes.retain(|scope| scope.strong_count() > 0);
            self.scopes_most = self.scopes.len().saturating_mul(2).max(SCOPES);
        }
        self.scopes.push(Rc::downgrade(&scope));
        scope
    }

    pub(crate) fn name(&mut self, text: &str) -> Name {
        self.names.of(text)
    }

    /// A path as it is written, `a.b().c`.
    pub(crate) fn path(&mut self, text: &str) -> Option<Origin> {
        if text.is_empty() {
            return None;
        }
        let mut origin: Option<Origin> = None;
        for (number, word) in text.split('.').enumerate() {
            let calls = word.matches("()").count();
            let name = word.trim_end_matches("()");
            origin = Some(match origin {
                None if number == 0 => match name.strip_prefix('~') {
                    Some(hint) => {
                        let name = self.names.of(hint);
                        self.origins.hint(name)
                    }
                    None => {
                        let name = self.names.of(name);
                        self.origins.root(name)
                    }
                },
                before => {
                    let name = self.names.of(name);
                    self.origins.step(before?, Step::Member(name))?
                }
            });
            for _ in 0..calls {
                origin = Some(self.origins.step(origin?, Step::Call)?);
            }
        }
        origin
    }

    pub(crate) fn text_of(&self, origin: Origin) -> Rc<str> {
        self.origins.text(origin, &self.names)
    }

    /// The models of a path.
    pub(crate) fn known(&mut self, origin: Origin, ending: Ending, language: Language) -> Rc<Vec<usize>> {
        if let Some(known) = self.known.get(&(origin, ending, language)) {
            return Rc::clone(known);
        }
        let mut text = of_express(self.origins.text(origin, &self.names).to_string());
        match ending {
            Ending::Read => {}
            Ending::Call => text.push_str("()"),
            Ending::Set => text.push('='),
        }
        let known = Rc::new(self.models.of(&text, language));
        self.known.insert((origin, ending, language), Rc::clone(&known));
        known
    }

    /// The rules about a path that is called or set.
    pub(crate) fn rules_of(&mut self, origin: Origin, ending: Ending) -> Asked {
        if ending == Ending::Call {
            self.called.insert(origin);
        }
        if let Some(known) = self.rules_at.get(&(origin, ending)) {
            return Rc::clone(known);
        }
        let mut text = of_express(self.origins.text(origin, &self.names).to_string());
        let rules = match ending {
            Ending::Call => {
                text.push_str("()");
                self.rules.calls.of(&text)
            }
            Ending::Set => {
                text.push('=');
                self.rules.sets.of(&text)
            }
            Ending::Read => self.rules.reads.of(&text),
        };
        let rules = Rc::new(rules);
        self.rules_at.insert((origin, ending), Rc::clone(&rules));
        rules
    }

    /// What calls of a path say of routes.
    pub(crate) fn route_acts(&mut self, origin: Origin, language: Language) -> Rc<Vec<usize>> {
        if let Some(known) = self.route_calls.get(&(origin, language)) {
            return Rc::clone(known);
        }
        let mut text = self.origins.text(origin, &self.names).to_string();
        text.push_str("()");
        let acts = Rc::new(self.models.routes.of(&text, language));
        self.route_calls.insert((origin, language), Rc::clone(&acts));
        acts
    }

    /// Keeps the shortest way of the same thing.
    pub(crate) fn hit(&mut self, hit: Hit) {
        let key = (hit.rule, hit.module, hit.span);
        let length = |hit: &Hit| (hit.weak, hit.trace.as_ref().map_or(0, |trace| trace.length));
        match self.hits.get_mut(&key) {
            Some(own) if length(own) <= length(&hit) => {}
            _ => drop(self.hits.insert(key, hit)),
        }
    }

    /// What was found so far, put aside: what is found now stands somewhere else.
    pub(crate) fn set_hits_aside(&mut self) -> BTreeMap<(usize, usize, Span), Hit> {
        std::mem::take(&mut self.hits)
    }

    /// Puts it back; gives what was found meanwhile.
    pub(crate) fn put_hits_back(&mut self, before: BTreeMap<(usize, usize, Span), Hit>) -> Vec<Hit> {
        std::mem::replace(&mut self.hits, before).into_values().collect()
    }

    /// Code that stands in a text.
    pub(crate) fn loaded_text(&mut self, module: Module, text: &str) -> Rc<Loaded> {
        let names = module.texts.iter().map(|text| self.names.of(text)).collect();
        let facts =
            Facts::new(module, gabion_patterns::Marks::default(), &gabion_finding::Source::new("", text));
        Rc::new(Loaded { facts, names, marks: MarkIndex::default() })
    }

    pub(crate) fn take_hits(&mut self) -> Vec<Hit> {
        let (mut done, mut instead, mut beside) = (HashSet::new(), HashSet::new(), HashSet::new());
        for origin in &self.called {
            let mut text = self.origins.text(*origin, &self.names).to_string();
            text.push_str("()");
            done.extend(self.rules.missing.of(&text));
            instead.extend(self.rules.instead.of(&text));
            beside.extend(self.rules.instead_unless.of(&text));
        }
        done.extend(instead.difference(&beside));
        done.extend(&self.done_right);
        self.done_right.clone_from(&done);
        let hits = std::mem::take(&mut self.hits).into_values();
        let mut hits: Vec<Hit> = hits.filter(|hit| !done.contains(&hit.rule)).collect();
        // Whether there is such a file is no second thing where the same path is used as well.
        let way = |hit: &Hit| {
            let mut first = hit.trace.as_deref()?;
            while let Some(before) = first.before.as_deref() {
                first = before;
            }
            Some((hit.rule, hit.module, hit.within.clone(), first.module, first.span))
        };
        let used: HashSet<_> = hits.iter().filter(|hit| !hit.only_asks()).filter_map(way).collect();
        hits.retain(|hit| !hit.only_asks() || !way(hit).is_some_and(|way| used.contains(&way)));
        hits
    }

    /// Lets go of what closures hold.
    pub(crate) fn end(&mut self) {
        self.module_scopes.clear();
        for scope in self.scopes.drain(..) {
            if let Some(scope) = scope.upgrade() {
                scope.restore(HashMap::new());
            }
        }
    }

    /// Not all of a module was followed.
    pub(crate) fn cut_off(&mut self, module: usize) {
        if !self.cut.contains(&module) {
            self.cut.push(module);
        }
    }

    pub(crate) fn class_key(class: &ClassValue) -> (usize, u32) {
        (class.module, class.id.0)
    }
}
