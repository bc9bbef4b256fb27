//! Queries of Java that nobody writes as a call: what MyBatis pastes into the text of a method's query (`${name}`, in an annotation
//! or in a file beside it), and the expressions of Spring Data (`?#{ … ?0 … }`) that a parameter becomes a part of.

use std::rc::Rc;

use gabion_finding::Span;
use gabion_syntax::Language;
use gabion_syntax::tree::{Call, Expr, ExprKind, Function, Param, Pattern};

use super::{Frame, Given};
use crate::mappers;
use crate::value::{Closure, FunctionRef, Shape, Value};
use crate::world::World;

/// Annotations whose text is a query.
const QUERIES: &[&str] = &["Select", "Update", "Insert", "Delete"];
/// Annotations that name a method which makes the query.
const PROVIDERS: &[&str] = &["SelectProvider", "UpdateProvider", "InsertProvider", "DeleteProvider"];
/// Parts of an annotation's text.
const PARTS: usize = 64;

/// The query of a method of an interface, where it stands, and its text.
pub(crate) type Mapped = hashbrown::HashMap<Box<str>, (usize, Rc<str>, Span)>;

impl World<'_> {
    /// What a method without a body is given goes into the query that stands for its body.
    pub(super) fn java_query(&mut self, inner: &mut Frame, function: &Function) {
        if inner.loaded.language() != Language::Java
            || !function.body.is_empty()
            || function.traits.constructor
            || !inner.tainted
        {
            return;
        }
        for decorator in &function.decorators {
            let ExprKind::Call(call) = &decorator.kind else { continue };
            self.provided(inner, function, call, decorator.span);
            let callee = self.evaluate(inner, &call.callee);
            let path = callee.origin.map(|origin| self.text_of(origin)).unwrap_or_default();
            let (library, name) = path.rsplit_once('.').unwrap_or(("", &path));
            let of_mybatis = library == "org.apache.ibatis.annotations" && QUERIES.contains(&name);
            let of_spring = library.starts_with("org.springframework.data.") && name == "Query";
            if !of_mybatis && !of_spring {
                continue;
            }
            let mut text = String::new();
            for argument in &call.arguments {
                let value = self.evaluate(inner, &argument.value);
                append(&mut text, &value);
            }
            if of_mybatis {
                let callee = format!("@{name}");
                self.pasted_into(inner, function, &text, (inner.module, decorator.span), &callee);
            } else {
                self.expressed_in(inner, function, &text, decorator.span);
            }
        }
        if let Some((module, text, span)) = self.mapped_query(inner, function) {
            self.pasted_into(inner, function, &text, (module, span), "the mapper's query");
        }
    }

    /// `@SelectProvider(type = Queries.class, method = "find")`: that method makes the query of what this one is given.
    fn provided(&mut self, inner: &mut Frame, function: &Function, call: &Call, span: Span) {
        let ExprKind::Name(name) = &call.callee.kind else { return };
        if !PROVIDERS.contains(&inner.loaded.text(*name)) {
            return;
        }
        let (mut class, mut method) = (None, None);
        for argument in &call.arguments {
            let name = argument.name.map(|name| inner.loaded.text(name).to_owned()).unwrap_or_default();
            match (name.as_str(), &argument.value.kind) {
                ("type" | "value", ExprKind::Member { object, .. }) => {
                    let value = self.evaluate(inner, &object.clone());
                    if let Shape::Class(found) = value.shape {
                        class = Some(found);
                    }
                }
                ("method", ExprKind::String(text)) => method = Some(inner.loaded.name(*text)),
                _ => {}
            }
        }
        let own = function.name.map(|name| inner.loaded.name(name));
        let (Some(class), Some(method)) = (class, method.or(own)) else { return };
        let Some(loaded) = self.load(class.module) else { return };
        let Some(tree) = loaded.module().class(class.id) else { return };
        let id = tree.methods.iter().copied().find(|id| {
            let name = loaded.module().function(*id).and_then(|function| function.name);
            name.map(|name| loaded.name(name)) == Some(method)
        });
        let Some(id) = id else { return };
        let function_of = FunctionRef { module: class.module, id };
        let scope = Rc::clone(&class.scope);
        let closure = Rc::new(Closure { function: function_of, scope, this: None, others: Vec::new() });
        let given: Vec<Given> = function
            .params
            .iter()
            .map(|param| Given { name: None, value: param_value(inner, param).unwrap_or_default(), span })
            .collect();
        let value = self.run_closure(inner, &closure, None, &given, span);
        let kind = self.models.kinds.find(&["sql"]);
        let callee = format!("@{}", inner.loaded.text(*name));
        self.arrived(inner, (kind, false, false), &value, span, &callee);
    }

    /// `${name}`: what is given under that name stands in the text as it is.
    fn pasted_into(
        &mut self,
        inner: &mut Frame,
        function: &Function,
        text: &str,
        (module, span): (usize, Span),
        callee: &str,
    ) {
        let kind = self.models.kinds.find(&["sql"]);
        for name in mappers::pasted(text) {
            let Some(value) = self.given_as(inner, function, name) else { continue };
            let Some(loaded) = self.load(module) else { return };
            let (own, code) = (std::mem::replace(&mut inner.module, module), inner.loaded.clone());
            // The name of the function is that of the method, wherever the query stands.
            inner.loaded = if own == module { code.clone() } else { loaded };
            self.arrived(inner, (kind, false, false), &value, span, callee);
            inner.module = own;
            inner.loaded = code;
        }
    }

    /// `?#{ … ?0 … }`: a parameter within an expression is a part of the expression; `:#{#name}` is only handed over.
    fn expressed_in(&mut self, inner: &mut Frame, function: &Function, text: &str, span: Span) {
        let kind = self.models.kinds.find(&["code"]);
        for piece in text.split("#{").skip(1) {
            let Some((inside, _)) = piece.split_once('}') else { continue };
            for (number, param) in function.params.iter().enumerate() {
                let named = param_names(inner, param).into_iter().any(|name| {
                    inside.split(':').skip(1).any(|rest| {
                        rest.strip_prefix(name.as_str())
                            .is_some_and(|rest| !rest.starts_with(|sign: char| sign.is_alphanumeric()))
                    })
                });
                let numbered = inside.split('?').skip(1).any(|rest| {
                    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
                    digits.parse() == Ok(number)
                });
                if (named || numbered)
                    && let Some(value) = param_value(inner, param)
                {
                    self.arrived(inner, (kind, false, false), &value, span, "@Query");
                }
            }
        }
    }

    /// What a method is given under a name: its parameter, a field of it, or its only one.
    fn given_as(&mut self, inner: &Frame, function: &Function, name: &str) -> Option<Value> {
        let (first, rest) = name.split_once('.').map_or((name, ""), |(first, rest)| (first, rest));
        let first = first.split('[').next().unwrap_or(first).trim();
        let number = first
            .strip_prefix("param")
            .or_else(|| first.strip_prefix("arg"))
            .and_then(|number| number.parse::<usize>().ok());
        let number = match number {
            Some(number) if first.starts_with("param") => number.checked_sub(1),
            number => number,
        };
        let own =
            function.params.iter().find(|param| param_names(inner, param).iter().any(|own| own == first));
        if let Some(param) = own.or_else(|| function.params.get(number?)) {
            let value = param_value(inner, param)?;
            return Some(self.fields(value, rest));
        }
        // Of a single one its fields are meant, or it itself: `${value}`.
        let [only] = function.params.as_slice() else { return None };
        let value = param_value(inner, only)?;
        match &value.shape {
            Shape::Object(_) => Some(self.fields(value, name)),
            _ => Some(value),
        }
    }

    fn fields(&mut self, value: Value, path: &str) -> Value {
        let mut value = value;
        for name in path.split('.').filter(|name| !name.is_empty()) {
            let Shape::Object(object) = &value.shape else { return value };
            let name = self.name(name.split('[').next().unwrap_or(name).trim());
            let mut inner = object.field(name).unwrap_or_default();
            inner.add_flows(&value.flows);
            value = inner;
        }
        value
    }

    /// The query of a file that names the method.
    fn mapped_query(&mut self, inner: &Frame, function: &Function) -> Option<(usize, Rc<str>, Span)> {
        let module = inner.loaded.module();
        let class = module.class(function.class?)?;
        let text = |symbol| inner.loaded.text(symbol);
        let mut name = module.package.map(text).unwrap_or_default().to_owned();
        for part in [text(class.name?), text(function.name?)] {
            if !name.is_empty() {
                name.push('.');
            }
            name.push_str(part);
        }
        if self.mapped.is_none() {
            self.mapped = Some(self.read_mappers());
        }
        self.mapped.as_ref()?.get(name.as_str()).cloned()
    }

    fn read_mappers(&mut self) -> Mapped {
        let mut all = Mapped::new();
        for module in 0..self.units.len() {
            if !self.units.get(module).is_some_and(|unit| mappers::may_be(&unit.path)) {
                continue;
            }
            let Some(loaded) = self.load(module) else { continue };
            for (name, text, span) in mappers::read(loaded.module()) {
                all.insert(name.into(), (module, text.into(), span));
            }
        }
        all
    }
}

fn append(text: &mut String, value: &Value) {
    match &value.shape {
        Shape::List(list) => list.items.iter().take(PARTS).for_each(|item| append(text, item)),
        _ => {
            if let Some(part) = value.as_text() {
                text.push_str(&part);
                text.push(' ');
            }
        }
    }
}

/// What a query calls a parameter: as `@Param` says, or as it is called.
fn param_names(inner: &Frame, param: &Param) -> Vec<String> {
    let text = |symbol| inner.loaded.text(symbol);
    let said = param.decorators.iter().find_map(|decorator| {
        let ExprKind::Call(call) = &decorator.kind else { return None };
        let named = matches!(&call.callee.kind, ExprKind::Name(symbol) | ExprKind::Member { name: symbol, .. } if text(*symbol) == "Param");
        match call.arguments.first().filter(|_| named).map(|argument| &argument.value) {
            Some(Expr { kind: ExprKind::String(symbol), .. }) => Some(text(*symbol).to_owned()),
            _ => None,
        }
    });
    let own = match &param.pattern {
        Pattern::Name(symbol, _) => Some(text(*symbol).to_owned()),
        _ => None,
    };
    said.into_iter().chain(own).collect()
}

fn param_value(inner: &Frame, param: &Param) -> Option<Value> {
    let Pattern::Name(symbol, _) = &param.pattern else { return None };
    inner.scope.get(inner.loaded.name(*symbol))
}
