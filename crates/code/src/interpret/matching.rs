//! What is wrong in itself: calls, places that are set, comparisons.

use std::rc::Rc;

use gabion_finding::Span;
use gabion_syntax::tree::{Expr, ExprKind};

use super::{Frame, Given};
use crate::conditions::Arguments;
use crate::name::Name;
use crate::origin::{Origin, Step};
use crate::value::Value;
use crate::world::{Ending, Hit, World};

impl World<'_> {
    /// Holds what is called or set against the rules of its path.
    pub(super) fn check(
        &mut self,
        frame: &Frame,
        origin: Origin,
        ending: Ending,
        receiver: Option<&Value>,
        given: &[Given],
        span: Span,
    ) {
        let found = self.rules_of(origin, ending);
        if found.is_empty() {
            return;
        }
        let rules = self.rules;
        for (rule, number) in found.iter() {
            let Some((_, code)) = rules.rules.get(*rule) else { continue };
            let (asked, end) = match ending {
                Ending::Set => (&code.set, "="),
                Ending::Call => (&code.call, "()"),
                Ending::Read => (&code.read, "?"),
            };
            let Some((asked, right)) = code.numbered(asked, end, *number) else { continue };
            if self.belongs(frame, *rule) {
                continue;
            }
            if !asked.languages.contains(&frame.loaded.language()) || (asked.of_module && !frame.is_module())
            {
                continue;
            }
            if let Some(wanted) = &asked.in_file {
                let path = self.units.get(frame.module).map_or("", |unit| &unit.path);
                if !rules.forms.get(wanted).is_some_and(|wanted| wanted.is_match(path)) {
                    continue;
                }
            }
            if let Some(wanted) = &asked.within {
                let name = self.function_name(frame);
                if !rules.forms.get(wanted).is_some_and(|wanted| wanted.is_match(&name)) {
                    continue;
                }
            }
            let names: Vec<Option<Rc<str>>> =
                given.iter().map(|given| given.name.map(|name| self.names.text(name))).collect();
            let arguments = Arguments { world: self, given, names: &names, receiver };
            if asked.when.iter().all(|when| arguments.hold(when))
                && !asked.unless.iter().any(|unless| arguments.hold(unless))
            {
                let says = |form: &String| {
                    let texts = &frame.loaded.module().texts;
                    let mut texts = texts.iter().filter(|text| text.len() <= super::texts::LONGEST);
                    rules.forms.get(form).is_some_and(|form| texts.any(|text| form.is_match(text)))
                };
                if !asked.anywhere.iter().all(says) || asked.none.iter().any(says) {
                    continue;
                }
                if !asked.beside.is_empty() && !self.stands_beside(frame, &asked.beside) {
                    continue;
                }
                if right {
                    self.done_right.insert(*rule);
                    continue;
                }
                let callee = self.text_of(origin);
                if let Some(repair) = &asked.repair {
                    self.repairs.entry((*rule, frame.module, span)).or_insert(repair);
                }
                self.wrong(frame, *rule, span, callee);
            }
        }
    }

    /// Something is set: it is held against rules and sinks.
    pub(super) fn check_set(
        &mut self,
        frame: &Frame,
        origin: Origin,
        owner: Option<&Value>,
        value: &Value,
        span: Span,
    ) {
        let given = [Given { name: None, value: value.clone(), span }];
        self.check(frame, origin, Ending::Set, owner, &given, span);
        self.sinks(frame, origin, Ending::Set, owner, &given, span);
    }

    /// A name, or a field of something unknown, is set.
    pub(super) fn check_name(&mut self, frame: &Frame, name: Name, value: &Value, span: Span) {
        let origin = self.origins.hint(name);
        self.check_set(frame, origin, None, value, span);
    }

    /// A function gives something.
    pub(super) fn check_given(&mut self, frame: &Frame, value: &Value, span: Span) {
        let function = frame.loaded.module().function(frame.function.id);
        let Some(name) = function.and_then(|function| function.name) else { return };
        let origin = self.origins.hint(frame.loaded.name(name));
        if let Some(origin) = self.origins.step(origin, Step::Call) {
            self.check_set(frame, origin, None, value, span);
        }
    }

    /// Two values are compared.
    pub(super) fn check_compare(&mut self, frame: &Frame, left: &Value, right: &Value, span: Span) {
        let rules = self.rules;
        if rules.compares.is_empty() || (left.origin.is_none() && right.origin.is_none()) {
            return;
        }
        let path = |world: &Self, value: &Value| value.origin.map(|origin| world.text_of(origin));
        let (one, two) = (path(self, left), path(self, right));
        // A password is one wherever it came from.
        let password = self.models.kinds.find(&["password"]);
        let own = frame.loaded.module().function(frame.function.id).map(|own| own.span).unwrap_or_default();
        let named = |value: &Value, path: &Option<Rc<str>>| {
            // As long as it is called one: what was made of one, or of something that holds one, is none.
            let known = value.flows.iter().any(|flow| {
                let (says, at) = (&flow.trace.says, flow.trace.span);
                let set = says.ends_with("is set") && (says.contains("pass") || says.contains("pwd"));
                let here = flow.trace.before.is_none() && flow.trace.module == frame.module;
                let here = here && own.contains(at);
                flow.source & password != 0 && (set || here)
            });
            if known { Some("~password".into()) } else { path.clone() }
        };
        let (one_named, two_named) = (named(left, &one), named(right, &two));
        for (rule, compare) in &rules.compares {
            if !compare.languages.contains(&frame.loaded.language()) {
                continue;
            }
            let fits = |text: &String, path: &Option<Rc<str>>| {
                let pattern = rules.forms.get(text);
                path.as_ref().zip(pattern).is_some_and(|(path, pattern)| pattern.is_match(path))
            };
            let (one, two) = if compare.matches.is_some() { (&one_named, &two_named) } else { (&one, &two) };
            let sides = [(one, two, right), (two, one, left)];
            let found = sides.into_iter().find(|(path, other, value)| {
                let constant = value.as_constant().is_some() || value.known == crate::value::Known::Null;
                fits(&compare.path, path)
                    && compare.other.as_ref().is_none_or(|wanted| fits(wanted, other))
                    && compare.constant.is_none_or(|wanted| wanted == constant)
                    && compare.matches.as_ref().is_none_or(|wanted| fits(wanted, &value.as_constant()))
            });
            if let Some((Some(path), _, _)) = found {
                self.wrong(frame, *rule, span, path.clone());
            }
        }
    }

    /// What the module drew at random when it was loaded is the same for every call of its functions: its path ends in `.once`.
    pub(super) fn drawn_once(&mut self, frame: &Frame, argument: &Expr, value: Value) -> Value {
        const DRAWN: &[&str] = &["crypto.randomBytes()", "os.urandom()", "secrets.token_bytes()"];
        let ExprKind::Name(symbol) = argument.kind else { return value };
        let Some(origin) = value.origin.filter(|_| frame.scope.is_within()) else { return value };
        if frame.scope.of_module(frame.loaded.name(symbol)).is_none() {
            return value;
        }
        if !DRAWN.contains(&&*self.text_of(origin)) {
            return value;
        }
        let once = self.name("once");
        Value { origin: self.origins.step(origin, Step::Member(once)), ..value }
    }

    fn wrong(&mut self, frame: &Frame, rule: usize, span: Span, callee: Rc<str>) {
        if self.only_tested(frame) {
            return;
        }
        let within = self.function_name(frame);
        self.hit(Hit { rule, module: frame.module, span, trace: None, callee, within, weak: false });
    }
}

impl Frame {
    /// It is the module's own code that runs.
    fn is_module(&self) -> bool {
        self.function.id.0 == 0
    }
}
