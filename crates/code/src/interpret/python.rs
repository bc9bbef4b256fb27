//! What Python itself does: functions nobody imports, methods of lists, dictionaries and texts, a few modules beside them.

mod condition;
mod list;
mod map;
mod text;

use std::rc::Rc;

use gabion_finding::Span;

use super::{Frame, Given};
use crate::origin::Origin;
use crate::value::{KindSet, Known, List, Shape, Value, concatenated};
use crate::world::World;

/// Lists of which each item is looked at by itself.
const EACH: usize = 16;

impl World<'_> {
    /// What a method leaves of its receiver, where it changes it.
    pub(super) fn python_receiver(
        &mut self,
        method: &str,
        receiver: &Value,
        given: &[Given],
    ) -> Option<Value> {
        match &receiver.shape {
            Shape::List(list) => self.changed_list(method, receiver, list, given),
            Shape::Object(object) if object.class.is_none() && !self.is_router(receiver) => {
                let object = Rc::clone(object);
                self.changed_map(method, receiver, &object, given)
            }
            Shape::Unknown if self.is_settings(receiver) => {
                self.changed_map(method, receiver, &Rc::default(), given)
            }
            Shape::Unknown if method == "write" && self.is_text_file(receiver) => {
                let more = given.first()?.value.clone();
                Some(Value { origin: receiver.origin, ..concatenated(&[receiver.clone(), more]) })
            }
            _ => self.changed_receiver(method, receiver, given),
        }
    }

    /// What routes are added to: its `get` takes no key.
    fn is_router(&mut self, value: &Value) -> bool {
        let made = self.name(crate::routes::MADE);
        crate::routes::made(value, made).is_some()
    }

    /// What a call gives, where that says more than that all went in.
    pub(super) fn python_built(
        &mut self,
        frame: &mut Frame,
        origin: Origin,
        receiver: Option<&Value>,
        given: &[Given],
        span: Span,
    ) -> Option<Value> {
        let path = self.text_of(origin);
        // A method of something whose path nobody knows has its name only.
        let hint = receiver.is_some() && path.starts_with('~');
        if !hint && !path.contains('.') {
            return self.builtin(frame, &path, given, span);
        }
        if let Some(value) = self.of_module(frame, &path, given, span) {
            return Some(value);
        }
        let receiver = receiver?;
        let method = path.rsplit(['.', '~']).next().unwrap_or_default();
        match &receiver.shape {
            Shape::List(list) => self.list_method(method, receiver, list, given),
            Shape::Object(object) if object.class.is_none() && !self.is_router(receiver) => {
                let object = Rc::clone(object);
                self.map_method(method, receiver, &object, given)
            }
            Shape::Unknown => self.text_method(method, receiver, given),
            _ => None,
        }
    }

    fn builtin(&mut self, frame: &mut Frame, name: &str, given: &[Given], span: Span) -> Option<Value> {
        let first = given.iter().find(|given| given.name.is_none()).map(|given| &given.value);
        Some(match name {
            "str" | "repr" | "ascii" | "bytes" | "bytearray" | "memoryview" | "format" => match first {
                Some(first) => as_text(first),
                None => Value::text(""),
            },
            "int" | "float" => {
                let first = first?;
                let number = first.as_constant().and_then(|text| text.trim().parse::<f64>().ok());
                let mut value = Value::known(number.map_or(Known::Harmless, Known::Number));
                value.add_flows(&first.lasting());
                value
            }
            "len" => self.length(first?),
            "chr" => match first.map(|first| &first.known) {
                Some(Known::Number(code)) => {
                    let code = (0_u32..256).find(|one| (f64::from(*one) - code).abs() < 0.5)?;
                    Value::text(&char::from_u32(code)?.to_string())
                }
                _ => Value::known(Known::Harmless),
            },
            "ord" => {
                let text = first?.as_constant()?;
                Value::known(Known::Number(f64::from(u32::from(text.chars().next()?))))
            }
            "bool" => {
                first?.truth().map_or(Value::known(Known::Harmless), |truth| Value::known(Known::Bool(truth)))
            }
            "list" | "tuple" | "iter" | "set" | "frozenset" | "sorted" | "reversed" | "deque" => {
                self.listed(name, first)
            }
            "dict" => self.dictionary(given),
            "enumerate" => {
                let list = self.list_of(first?);
                let numbers = (0_u32..).map(|at| Value::known(Known::Number(f64::from(at))));
                let items =
                    numbers.zip(&list.items).map(|(at, item)| tuple(vec![at, item.clone()])).collect();
                let rest = list.rest.map(|rest| Box::new(tuple(vec![Value::known(Known::Harmless), *rest])));
                Value::shaped(Shape::List(Rc::new(List { items, rest })))
            }
            "zip" => {
                let lists: Vec<List> = given.iter().map(|given| self.list_of(&given.value)).collect();
                zipped(&lists)
            }
            "map" => self.mapped(frame, given, span),
            "filter" => {
                let (test, list) = (first?.clone(), self.list_of(&given.get(1)?.value));
                let any = list.any().unwrap_or_default();
                let tested = Given { name: None, value: any.clone(), span };
                let _ = self.call_value(frame, &test, None, vec![tested], span, false);
                rest_of(any)
            }
            "next" => {
                let list = self.list_of(first?);
                let item = list.items.first().cloned().or_else(|| list.any()).unwrap_or_default();
                match given.get(1) {
                    Some(otherwise) => item.join(&otherwise.value),
                    None => item,
                }
            }
            "max" | "min" | "sum" if given.len() == 1 => self.list_of(first?).any().unwrap_or_default(),
            "max" | "min" => {
                given.iter().map(|given| given.value.clone()).reduce(|one, two| one.join(&two))?
            }
            "range" => rest_of(Value::known(Known::Harmless)),
            "getattr" => {
                let (object, chosen) = (first?.clone(), &given.get(1)?.value);
                let Some(name) = chosen.as_constant() else {
                    self.chosen_function(frame, &object, chosen, span);
                    return None;
                };
                let name = self.name(&name);
                self.member(frame, &object, name, span)
            }
            "type" | "vars" | "dir" => Value::default(),
            _ => return None,
        })
    }

    /// Any function of a module of the tree, by a name that somebody chose.
    fn chosen_function(&mut self, frame: &Frame, object: &Value, name: &Value, span: Span) {
        let Shape::Object(inner) = &object.shape else { return };
        let starts = name.as_text().is_some_and(|text| !text.starts_with(crate::value::HOLE));
        if inner.class.is_none() && inner.either.is_empty() && name.is_tainted() && !starts {
            let kind = self.models.kinds.find(&["code"]);
            self.arrived(frame, (kind, true, false), name, span, "getattr");
        }
    }

    fn of_module(&mut self, frame: &mut Frame, path: &str, given: &[Given], span: Span) -> Option<Value> {
        let first = given.first().map(|given| &given.value);
        Some(match path {
            "copy.copy" | "copy.deepcopy" | "typing.cast" | "asyncio.run" | "asyncio.wait_for" => {
                let at = usize::from(path == "typing.cast");
                given.get(at)?.value.clone()
            }
            "collections.OrderedDict" | "collections.defaultdict" | "types.SimpleNamespace" => {
                self.dictionary(if path.ends_with("defaultdict") { &[] } else { given })
            }
            "collections.deque" => self.listed("list", first),
            "io.StringIO" | "io.BytesIO" => {
                let start = first.cloned().unwrap_or_else(|| Value::text(""));
                Value { origin: self.path("io.StringIO()"), ..concatenated(&[start]) }
            }
            "itertools.chain" => {
                let lists = given.iter().filter_map(|given| self.list_of(&given.value).any());
                rest_of(lists.reduce(|one, two| one.join(&two)).unwrap_or_default())
            }
            "functools.reduce" => {
                let any = self.list_of(&given.get(1)?.value).any().unwrap_or_default();
                let start = given.get(2).map_or_else(|| any.clone(), |given| given.value.join(&any));
                let given = [start, any].map(|value| Given { name: None, value, span });
                let function = first?.clone();
                self.call_value(frame, &function, None, given.to_vec(), span, false)
            }
            "os.path.join" | "posixpath.join" => self.joined_path(given),
            "re.compile" => {
                let pattern = first?;
                Value { origin: self.path("re.compile()"), ..pattern.clone() }
            }
            "re.sub" | "re.subn" => {
                let (pattern, with, of) = (first?, &given.get(1)?.value, &given.get(2)?.value);
                self.substituted(pattern, with, of)
            }
            "re.match" | "re.search" | "re.fullmatch" | "re.findall" | "re.finditer" => {
                let found = Value { flows: given.get(1)?.value.all_flows(), ..Value::default() };
                self.found(path.rsplit('.').next().unwrap_or_default(), first?, found)
            }
            "django.urls.path" | "django.urls.re_path" | "django.conf.urls.url" => {
                self.routed(frame, given, span)?
            }
            _ => return None,
        })
    }

    /// What a pattern found in a text.
    fn found(&mut self, method: &str, pattern: &Value, found: Value) -> Value {
        let origin = if condition::is_whole(method, pattern) { self.path(condition::WHOLE) } else { None };
        let found = Value { origin, ..found };
        if text::holds_only_plain(pattern) { found.made_safe(KindSet::MAX) } else { found }
    }

    /// The parts of a path: one that begins anew leaves what stands before it.
    fn joined_path(&mut self, given: &[Given]) -> Value {
        let mut parts: Vec<Value> = Vec::new();
        let mut anew = Value::default();
        for one in given {
            if one.value.as_text().is_some_and(|text| text.starts_with('/')) {
                parts.clear();
            }
            if !parts.is_empty() {
                parts.push(Value::text("/"));
                anew.add_flows(&one.value.all_flows());
            }
            parts.push(one.value.clone());
        }
        let mut joined = concatenated(&parts);
        joined.add_flows(&anew.flows);
        joined
    }

    fn mapped(&mut self, frame: &mut Frame, given: &[Given], span: Span) -> Value {
        let Some((function, lists)) = given.split_first() else { return Value::default() };
        let lists: Vec<List> = lists.iter().map(|given| self.list_of(&given.value)).collect();
        let Shape::List(calls) = zipped(&lists).shape else { return Value::default() };
        let mut call = |calls: &Value| {
            let Shape::List(arguments) = &calls.shape else { return Value::default() };
            let given = arguments.items.iter().map(|value| Given { name: None, value: value.clone(), span });
            self.call_value(frame, &function.value, None, given.collect(), span, false)
        };
        if calls.items.len() <= EACH {
            let items = calls.items.iter().map(&mut call).collect();
            let rest = calls.rest.as_deref().map(|rest| Box::new(call(rest)));
            return Value::shaped(Shape::List(Rc::new(List { items, rest })));
        }
        calls.any().map_or_else(Value::default, |any| rest_of(call(&any)))
    }

    fn length(&mut self, value: &Value) -> Value {
        match &value.shape {
            Shape::List(list) if list.rest.is_none() => Value::known(Known::Number(list.items.len() as f64)),
            Shape::Object(object) if object.rest.is_none() => {
                Value::known(Known::Number(object.fields.len() as f64))
            }
            Shape::Unknown => match value.as_constant() {
                Some(text) if matches!(value.known, Known::Text(_)) && !value.is_tainted() => {
                    Value::known(Known::Number(text.chars().count() as f64))
                }
                _ => Value::harmless_of(&[value]),
            },
            _ => Value::known(Known::Harmless),
        }
    }
}

/// Texts are what they are, numbers are written down.
fn as_text(value: &Value) -> Value {
    let known = match &value.known {
        Known::Number(number) => Known::Text(number.to_string().into()),
        Known::Bool(truth) => Known::Text(if *truth { "True" } else { "False" }.into()),
        Known::Null => Known::Text("None".into()),
        other => other.clone(),
    };
    Value { known, flows: value.all_flows(), ..Value::default() }
}

fn tuple(items: Vec<Value>) -> Value {
    Value::shaped(Shape::List(Rc::new(List { items, rest: None })))
}

/// A list of which only is known what some item is.
fn rest_of(any: Value) -> Value {
    Value::shaped(Shape::List(Rc::new(List { items: Vec::new(), rest: Some(Box::new(any)) })))
}

fn zipped(lists: &[List]) -> Value {
    let exact = lists.iter().all(|list| list.rest.is_none());
    let shortest = lists.iter().map(|list| list.items.len()).min().unwrap_or_default();
    if exact {
        let items = (0..shortest)
            .map(|at| tuple(lists.iter().filter_map(|list| list.items.get(at).cloned()).collect()))
            .collect();
        return tuple(items);
    }
    rest_of(tuple(lists.iter().map(|list| list.any().unwrap_or_default()).collect()))
}

/// The number of an item, counted from the end where it is negative.
pub(super) fn place(at: &Value, length: usize) -> Option<usize> {
    let Known::Number(at) = at.known else { return None };
    let at = if at < 0.0 { length as f64 + at } else { at };
    (0..length).find(|one| (*one as f64 - at).abs() < 0.5)
}
