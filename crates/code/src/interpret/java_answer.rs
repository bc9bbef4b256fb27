//! What a method for a path returns, in Spring: the answer itself, the name of a page, or where the browser shall go.

use gabion_syntax::Language;
use gabion_syntax::tree::{Expr, ExprKind, Function, Type};

use super::Frame;
use crate::value::{Closure, HOLE, Value};
use crate::world::{Loaded, World};

/// Annotations of a method that has a path.
const MAPPINGS: &[&str] =
    &["RequestMapping", "GetMapping", "PostMapping", "PutMapping", "PatchMapping", "DeleteMapping"];

/// What annotations say of an answer.
#[derive(Debug, Default)]
struct Said {
    /// What is returned is sent, not a page of that name.
    sent: bool,
    /// What is returned is the name of a page.
    named: bool,
    /// The type of the answer, where it is written down.
    produces: Option<String>,
    /// Whoever follows a link asks for it.
    asked: bool,
}

impl World<'_> {
    /// What a method for a path returned arrives at whoever asked.
    pub(super) fn java_answer(&mut self, frame: &Frame, closure: &Closure, value: &Value) {
        if value.all_flows().is_empty() {
            return;
        }
        let Some(loaded) =
            self.load(closure.function.module).filter(|loaded| loaded.language() == Language::Java)
        else {
            return;
        };
        let Some(function) = loaded.module().function(closure.function.id) else { return };
        let Some(said) = said(&loaded, function) else { return };
        let there = Frame {
            module: closure.function.module,
            loaded: std::rc::Rc::clone(&loaded),
            function: closure.function,
            scope: std::rc::Rc::clone(&frame.scope),
            this: Value::default(),
            returned: None,
            loops: Vec::new(),
            pending: Vec::new(),
            stack: Vec::new(),
            tainted: false,
            exports: None,
            rebound: hashbrown::HashSet::new(),
            answer: None,
        };
        let returns = function.returns.as_ref();
        if said.sent {
            self.arrives_as(&there, function, "answer", false, value);
            if let Some(weak) = self.is_page(&loaded, returns, &said, value) {
                self.arrives_as(&there, function, "html", weak, value);
            }
        } else if said.named && returns.is_some_and(|of| loaded.text(of.path) == "String") {
            let text = value.as_text().unwrap_or_else(|| HOLE.to_string().into());
            if let Some(place) = text.strip_prefix("redirect:") {
                if leads_out(place) {
                    self.arrives_as(&there, function, "redirect", false, value);
                }
            } else if text.starts_with("forward:") {
                self.arrives_as(&there, function, "forward", false, value);
            } else {
                self.arrives_as(&there, function, "template-name", false, value);
            }
        }
    }

    fn arrives_as(&mut self, there: &Frame, function: &Function, kind: &str, weak: bool, value: &Value) {
        let kind = self.models.kinds.find(&[kind]);
        if kind != 0 {
            self.arrived(there, (kind, weak, false), value, function.head, "the answer");
        }
    }

    /// Whether browsers show a text as a page, and whether that is less sure: without a type a text is sent as whatever was asked
    /// for, and browsers ask for pages.
    fn is_page(&self, loaded: &Loaded, returns: Option<&Type>, said: &Said, value: &Value) -> Option<bool> {
        let name = |of: &Type| loaded.text(of.path).to_owned();
        let outer = returns.map(name).unwrap_or_default();
        if !matches!(&*outer, "String" | "ResponseEntity" | "Mono" | "HttpEntity") || value.is_harmless() {
            return None;
        }
        let text = value.as_text().unwrap_or_default();
        match &said.produces {
            Some(produces) if produces.to_lowercase().contains("html") => return Some(false),
            Some(_) => return None,
            None => {}
        }
        let typed = value.origin.is_some_and(|origin| self.text_of(origin).contains(".contentType()"));
        if typed {
            return None;
        }
        if text.contains('<') {
            return Some(false);
        }
        let of_text =
            outer == "String" || returns.is_some_and(|of| of.arguments.iter().any(|of| name(of) == "String"));
        // What begins like data is read by programs.
        let data = text.trim_start().starts_with(['{', '[']);
        // Pages of other sites make browsers ask by GET; for the rest they need a form.
        (of_text && !data).then_some(!said.asked)
    }
}

/// None where it has no path.
fn said(loaded: &Loaded, function: &Function) -> Option<Said> {
    let class = function.class.and_then(|class| loaded.module().class(class));
    let above = class.map(|class| class.decorators.as_slice()).unwrap_or_default();
    let has = |decorators: &[Expr], wanted: &str| decorators.iter().any(|one| named(loaded, one) == wanted);
    if !function.decorators.iter().any(|one| MAPPINGS.contains(&named(loaded, one))) {
        return None;
    }
    let mut said = Said {
        sent: has(&function.decorators, "ResponseBody")
            || has(above, "RestController")
            || has(above, "ResponseBody"),
        named: has(above, "Controller"),
        produces: None,
        asked: has(&function.decorators, "GetMapping") || has(&function.decorators, "RequestMapping"),
    };
    let entity = function.returns.as_ref().is_some_and(|of| loaded.text(of.path) == "ResponseEntity");
    said.sent |= entity && said.named;
    for one in function.decorators.iter().chain(above).filter(|one| MAPPINGS.contains(&named(loaded, one))) {
        let ExprKind::Call(call) = &one.kind else { continue };
        let produces = call
            .arguments
            .iter()
            .find(|argument| argument.name.is_some_and(|name| loaded.text(name) == "produces"));
        if let (Some(argument), None) = (produces, &said.produces) {
            said.produces = Some(written(loaded, &argument.value, 4));
        }
    }
    Some(said)
}

/// The texts and names in an expression, as they are written.
fn written(loaded: &Loaded, from: &Expr, depth: usize) -> String {
    match &from.kind {
        ExprKind::String(symbol) | ExprKind::Name(symbol) | ExprKind::Member { name: symbol, .. } => {
            loaded.text(*symbol).to_owned()
        }
        ExprKind::List { items, .. } if depth > 0 => {
            let parts: Vec<String> =
                items.iter().map(|item| written(loaded, item, depth.saturating_sub(1))).collect();
            parts.join(",")
        }
        _ => String::new(),
    }
}

fn named<'a>(loaded: &'a Loaded, decorator: &Expr) -> &'a str {
    let callee = match &decorator.kind {
        ExprKind::Call(call) => &call.callee,
        _ => decorator,
    };
    match &callee.kind {
        ExprKind::Name(symbol) | ExprKind::Member { name: symbol, .. } => loaded.text(*symbol),
        _ => "",
    }
}

/// Whether whoever chose the holes chooses the host.
fn leads_out(place: &str) -> bool {
    let mut signs = place.chars();
    match signs.next() {
        Some('/') => signs.next().is_none_or(|sign| matches!(sign, '/' | '\\' | HOLE)),
        Some(HOLE) => true,
        _ => match place.split_once("://") {
            Some((_, rest)) => rest.find(HOLE) < rest.find(['/', '?', '#']).or(Some(usize::MAX)),
            None => false,
        },
    }
}
