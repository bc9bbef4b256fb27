//! What checks of JavaScript tell of paths, addresses and texts: `path.relative(a, b).startsWith('..')`, `url.hostname === 'a.org'`.

use gabion_syntax::tree::{Call, Expr, ExprKind};

use super::Frame;
use crate::value::{KindSet, Value};
use crate::world::World;

/// Parts of an address that say where it leads.
const HOSTS: &[&str] = &["hostname", "host", "origin"];
/// Beginnings of patterns that only paths of this host fit.
const LOCAL: &[&str] =
    &["^\\/(?!\\/", "^\\/(?![\\/", "^\\/[^", "^\\/\\w", "^\\/[a-z", "^\\/[A-Z", "^/(?!/", "^/[^/"];

impl World<'_> {
    /// A call that answered yes.
    pub(super) fn script_tested(&mut self, frame: &mut Frame, call: &Call) {
        let ExprKind::Member { object, name } = &call.callee.kind else { return };
        let Some(first) = call.arguments.first().map(|one| &one.value) else { return };
        let name = frame.loaded.text(*name).to_owned();
        match name.as_str() {
            "startsWith" if self.is_constant(frame, first, &["/"]) => {
                self.half_local(frame, object, "address-rooted", "address-single");
            }
            "endsWith" => self.of_this_host(frame, object),
            "test" => {
                let pattern = self.evaluate(frame, object).as_constant();
                if pattern.is_some_and(|pattern| LOCAL.iter().any(|start| pattern.starts_with(start))) {
                    let kinds = self.models.kinds.find(&["redirect"]);
                    self.trust(frame, first, kinds);
                }
            }
            _ => {}
        }
    }

    /// A call that answered no.
    pub(super) fn script_tested_false(&mut self, frame: &mut Frame, call: &Call) {
        let ExprKind::Member { object, name } = &call.callee.kind else { return };
        let Some(first) = call.arguments.first().map(|one| &one.value) else { return };
        let name = frame.loaded.text(*name).to_owned();
        match name.as_str() {
            "startsWith" if self.is_constant(frame, first, &["//"]) => {
                self.half_local(frame, object, "address-single", "address-rooted");
            }
            "startsWith" | "includes" if self.is_constant(frame, first, &["..", "../", "..\\"]) => {
                match self.relative_to(frame, object) {
                    Some(below) => {
                        let kinds = self.models.kinds.find(&["path"]);
                        self.trust(frame, below, kinds);
                    }
                    None if name == "includes" => {
                        let kinds = self.models.kinds.find(&["path-below"]);
                        self.trust(frame, object, kinds);
                    }
                    None => {}
                }
            }
            _ => {}
        }
    }

    /// The host of an address is what it should be: the address leads there.
    pub(super) fn of_this_host(&mut self, frame: &mut Frame, place: &Expr) {
        let ExprKind::Member { object, name } = &place.kind else { return };
        if frame.loaded.language().is_script() && HOSTS.contains(&frame.loaded.text(*name)) {
            let kinds = self.models.kinds.find(&["url", "redirect"]);
            self.trust(frame, object, kinds);
        }
    }

    /// A path of this host begins with `/` and not with `//`; each of both is half of it.
    fn half_local(&mut self, frame: &mut Frame, place: &Expr, own: &str, other: &str) {
        let other = self.models.kinds.find(&[other]);
        let value = self.evaluate(frame, place);
        let both = value.flows.iter().all(|flow| flow.safe & other != 0);
        let kinds = self.models.kinds.find(if both { &["redirect"] } else { std::slice::from_ref(&own) });
        self.trust(frame, place, kinds);
    }

    /// What `path.relative(folder, place)` is asked of.
    fn relative_to<'e>(&mut self, frame: &mut Frame, from: &'e Expr) -> Option<&'e Expr> {
        let ExprKind::Call(call) = &from.kind else { return None };
        let (callee, _) = self.callee(frame, &call.callee);
        let text = self.text_of(callee.origin?);
        text.ends_with("path.relative").then(|| call.arguments.get(1).map(|one| &one.value))?
    }

    fn is_constant(&mut self, frame: &mut Frame, from: &Expr, wanted: &[&str]) -> bool {
        let value = self.evaluate(frame, from);
        value.as_constant().is_some_and(|text| wanted.contains(&&*text))
    }
}

/// What is left of a text where a pattern took something out of it that does harm; none where that is not sure.
pub(super) fn taken_out(pattern: &str, with: &str, receiver: Option<&str>) -> Option<&'static str> {
    // `replace(/[.*+?^${}()|[\]\\]/g, '\\$&')`
    let escapes =
        pattern.starts_with('[') && ["*", "+", "?", "(", ")", "^"].iter().all(|one| pattern.contains(one));
    if escapes && with.contains("$&") {
        return Some("regex");
    }
    // `path.normalize(name).replace(/^(\.\.[/\\])+/, '')`
    let normal = receiver.is_some_and(|path| path.ends_with("normalize()"));
    (normal && pattern.starts_with('^') && pattern.contains("\\.\\.") && with.is_empty()).then_some("path")
}

/// The kinds that a form leaves no harm to, by the path of how it is written: `zod.z.string().uuid()`.
pub(super) fn left_by(form: &str, nosql: KindSet) -> Option<KindSet> {
    let has = |words: &[&str]| words.iter().any(|word| form.contains(word));
    if has(&[".number(", ".boolean(", ".bigint(", ".date(", ".stringbool("]) {
        return None;
    }
    let fixed = [
        ".enum(",
        ".nativeEnum(",
        ".literal(",
        ".uuid(",
        ".guid(",
        ".cuid(",
        ".cuid2(",
        ".ulid(",
        ".nanoid(",
        ".datetime(",
        ".ipv4(",
    ];
    Some(if has(&fixed) {
        KindSet::MAX
    } else if has(&[".string(", ".email(", "gabion.short-text"]) {
        nosql
    } else {
        0
    })
}

impl World<'_> {
    /// What a form of zod gives: each field as far as the form lets it through.
    pub(super) fn through_form(
        &mut self,
        frame: &mut Frame,
        form: &Value,
        given: &Value,
        depth: usize,
    ) -> Value {
        use crate::value::{Known, Object, Shape};
        let nosql = self.models.kinds.find(&["nosql"]);
        let Shape::Object(fields) = &form.shape else {
            let Some(path) = form.origin.map(|origin| self.text_of(origin)) else { return given.clone() };
            return match left_by(&path, nosql) {
                None => Value { origin: given.origin, ..Value::known(Known::Harmless) },
                Some(0) => given.clone(),
                Some(kinds) => given.made_safe(kinds),
            };
        };
        let mut object = Object::default();
        if depth > 0 {
            for (name, form) in fields.fields.clone() {
                let value = self.member(frame, given, name, gabion_finding::Span::default());
                let value = self.through_form(frame, &form, &value, depth.saturating_sub(1));
                object.set(name, value);
            }
        }
        Value { origin: given.origin, ..Value::shaped(Shape::Object(std::rc::Rc::new(object))) }
    }

    /// `schema.safeParse(value)`: what it gives, or why not.
    pub(super) fn asked_form(&mut self, value: Value) -> Value {
        use crate::value::{Known, Object, Shape};
        let mut object = Object::default();
        let (data, success) = (self.name("data"), self.name("success"));
        object.set(data, value);
        object.set(success, Value::known(Known::Harmless));
        Value::shaped(Shape::Object(std::rc::Rc::new(object)))
    }
}
