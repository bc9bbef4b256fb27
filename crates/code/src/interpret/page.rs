//! Pages of the tree that are filled in: what a view hands over arrives where its page prints it as it came.

use std::rc::Rc;

use gabion_finding::Span;
use gabion_syntax::tree::{Expr, ExprKind, FunctionId, Module};
use hashbrown::HashSet;

use super::{Frame, Given};
use crate::models::Page;
use crate::pages::{self, Printed};
use crate::value::{FunctionRef, Shape, Value};
use crate::walk::Visitor;
use crate::world::World;

/// Pages in pages.
const DEEPEST: usize = 4;
/// Endings of pages that are named without one.
const ENDINGS: &[&str] = &["", ".html", ".jsp", ".xhtml"];
/// Texts of one function that may name a page.
const NAMES: usize = 16;

/// What a page is handed: by name, and as a whole.
struct Handed<'g> {
    named: Vec<&'g Given>,
    wholes: Vec<&'g Value>,
}

impl World<'_> {
    /// A call that fills in a page: `render_template("a.html", name=name)`.
    pub(super) fn page(&mut self, frame: &mut Frame, models: &[usize], given: &[Given], span: Span) {
        let all = self.models;
        for model in models.iter().filter_map(|at| all.get(*at)) {
            match &model.page {
                Some(Page::Filled { name, values, named }) => {
                    let ends = values.iter().flat_map(|end| self.ends(end, None, given, span));
                    let wholes: Vec<Value> = ends.map(|(value, _)| value).collect();
                    let named = given.iter().filter(|given| *named && given.name.is_some()).collect();
                    let handed = Handed { named, wholes: wholes.iter().collect() };
                    let names = name.iter().flat_map(|end| self.ends(end, None, given, span));
                    let names: Vec<_> = names.filter_map(|(value, _)| value.as_constant()).collect();
                    if let Some(page) = names.iter().find_map(|name| self.page_of(frame, name)) {
                        self.fill_page(frame, page, &handed, DEEPEST, &mut HashSet::new());
                    } else if let Some(text) = names.iter().find(|text| text.contains("{{")) {
                        self.fill_text(frame, text, &handed, span);
                    }
                }
                Some(Page::Attribute) => self.attribute(frame, given),
                None => {}
            }
        }
    }

    /// A page whose text stands in the code.
    fn fill_text(&mut self, frame: &Frame, text: &str, handed: &Handed<'_>, span: Span) {
        let Some(module) = pages::module("text.html", text) else { return };
        let kind = self.models.kinds.find(&["markup"]);
        for (printed, _) in pages::read(&module) {
            if let Printed::Raw(path) = printed
                && let Some(value) = self.handed(handed, path)
            {
                self.arrived(frame, (kind, false, false), &value, span, path);
            }
        }
    }

    fn page_of(&self, frame: &Frame, name: &str) -> Option<usize> {
        let from = &self.units.get(frame.module)?.path;
        if name.is_empty() || name.len() > 200 || name.contains(['\n', ' ', '<']) {
            return None;
        }
        let found = ENDINGS.iter().find_map(|end| self.paths.resource(from, &format!("{name}{end}")))?;
        pages::may_be(&self.units.get(found)?.path).then_some(found)
    }

    /// `model.addAttribute("name", name)`: for each page that the function names.
    fn attribute(&mut self, frame: &mut Frame, given: &[Given]) {
        let [name, value, ..] = given else { return };
        let Some(name) = name.value.as_constant() else { return };
        if !value.value.is_tainted() {
            return;
        }
        let given = [Given { name: Some(self.name(&name)), value: value.value.clone(), span: value.span }];
        for name in names_in(frame) {
            if let Some(page) = self.page_of(frame, &name) {
                let handed = Handed { named: given.iter().collect(), wholes: Vec::new() };
                self.fill_page(frame, page, &handed, DEEPEST, &mut HashSet::new());
            }
        }
    }

    fn fill_page(
        &mut self,
        frame: &mut Frame,
        page: usize,
        handed: &Handed<'_>,
        depth: usize,
        done: &mut HashSet<usize>,
    ) {
        if depth == 0 || !done.insert(page) || !self.step() {
            return;
        }
        let Some(loaded) = self.load(page) else { return };
        let kind = self.models.kinds.find(&["markup"]);
        for (printed, span) in pages::read(loaded.module()) {
            match printed {
                Printed::Raw(path) => {
                    let Some(value) = self.handed(handed, path) else { continue };
                    // It stands in the page, whoever handed it over.
                    let own = std::mem::replace(&mut frame.module, page);
                    let code = std::mem::replace(&mut frame.loaded, Rc::clone(&loaded));
                    let function = std::mem::replace(&mut frame.function, of_page(page));
                    self.arrived(frame, (kind, false, false), &value, span, path);
                    (frame.module, frame.loaded, frame.function) = (own, code, function);
                }
                Printed::Page(name) => {
                    let from = self.units.get(page).map(|unit| std::sync::Arc::clone(&unit.path));
                    let found = from.and_then(|from| self.paths.resource(&from, name));
                    if let Some(found) = found {
                        self.fill_page(frame, found, handed, depth.saturating_sub(1), done);
                    }
                }
                Printed::Request(_) => {}
            }
        }
    }

    /// What a page has under a path: `rows[].title`.
    fn handed(&mut self, handed: &Handed<'_>, path: &str) -> Option<Value> {
        let mut words = path.split('.');
        let first = words.next()?;
        let (name, items) = counted(first);
        let named =
            handed.named.iter().find(|given| given.name.is_some_and(|own| *self.names.text(own) == *name));
        let mut value = match named {
            Some(given) => given.value.clone(),
            None => handed.wholes.iter().find_map(|whole| self.within(whole, &[name.to_owned()]))?,
        };
        for _ in 0..items {
            value = self.item_of(&value);
        }
        for word in words {
            let (name, items) = counted(word);
            value = match &value.shape {
                Shape::Object(_) => self.within(&value, &[name.to_owned()])?,
                // Of something that was made of a text each part may be that text, if it is sure that it was.
                _ if value.flows.iter().all(|flow| !flow.guessed) => value,
                _ => return None,
            };
            for _ in 0..items {
                value = self.item_of(&value);
            }
        }
        value.is_tainted().then_some(value)
    }

    /// What a page prints of a request without a view.
    pub(super) fn look_at_page(&mut self, module: usize) {
        let is_page = self.units.get(module).is_some_and(|unit| pages::may_be(&unit.path));
        let Some(loaded) = self.load(module).filter(|_| is_page) else { return };
        let (markup, http) = (self.models.kinds.find(&["markup"]), self.models.kinds.find(&["http"]));
        let frame = Frame {
            module,
            loaded: Rc::clone(&loaded),
            function: of_page(module),
            scope: self.scope(None),
            this: Value::default(),
            returned: None,
            loops: Vec::new(),
            pending: Vec::new(),
            stack: Vec::new(),
            tainted: true,
            exports: None,
            rebound: HashSet::new(),
            answer: None,
        };
        for (printed, span) in pages::read(loaded.module()) {
            let Printed::Request(name) = printed else { continue };
            let flow = Self::source(&frame, http, span, &format!("the request's `{name}`"));
            let value = Value { flows: Rc::new(vec![flow]), ..Value::default() };
            self.arrived(&frame, (markup, false, false), &value, span, "the page");
        }
    }
}

const fn of_page(module: usize) -> FunctionRef {
    FunctionRef { module, id: FunctionId(0) }
}

/// `rows[]` is an item of `rows`.
fn counted(word: &str) -> (&str, usize) {
    let name = word.trim_end_matches("[]");
    (name, word.len().saturating_sub(name.len()) / 2)
}

/// Short texts of the function that runs.
fn names_in(frame: &Frame) -> Vec<String> {
    let module = frame.loaded.module();
    let Some(function) = module.function(frame.function.id) else { return Vec::new() };
    let mut names = Names { module, found: Vec::new() };
    crate::walk::function(function, &mut names);
    names.found
}

struct Names<'m> {
    module: &'m Module,
    found: Vec<String>,
}

impl Visitor for Names<'_> {
    fn expression(&mut self, one: &Expr) {
        if let ExprKind::String(text) = one.kind {
            let text = self.module.text(text);
            if self.found.len() < NAMES && !self.found.iter().any(|own| own == text) {
                self.found.push(text.to_owned());
            }
        }
    }
}
