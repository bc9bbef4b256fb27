//! What the languages themselves do with texts and lists.

use std::rc::Rc;

use super::{Frame, Given};
use crate::origin::Origin;
use crate::value::{KindSet, Known, List, Shape, Value, concatenated};
use crate::world::World;

impl World<'_> {
    /// What a method leaves of its receiver, where it changes it: `push`, `append`, `put`.
    pub(super) fn changed_receiver(
        &mut self,
        method: &str,
        receiver: &Value,
        given: &[Given],
    ) -> Option<Value> {
        let router = self.name(crate::routes::MADE);
        if crate::routes::made(receiver, router).is_some() {
            return None;
        }
        let first = given.first().map(|given| given.value.clone());
        match (method, &receiver.shape) {
            ("push" | "append" | "add" | "addLast" | "push_back" | "offer", Shape::List(list)) => {
                let mut list = (**list).clone();
                given.iter().for_each(|given| list.push(given.value.clone()));
                Some(Value { shape: Shape::List(Rc::new(list)), ..receiver.clone() })
            }
            ("remove" | "pop" | "shift" | "removeFirst" | "removeLast" | "poll", Shape::List(list))
                if list.rest.is_none() =>
            {
                let mut list = (**list).clone();
                let at = match (method, first.as_ref().map(|value| &value.known)) {
                    ("shift" | "removeFirst" | "poll", _) => 0,
                    (_, Some(Known::Number(at))) if *at >= 0.0 => {
                        (0..list.items.len()).find(|one| (*one as f64 - at).abs() < 0.5)?
                    }
                    (_, None) => list.items.len().checked_sub(1)?,
                    _ => return None,
                };
                if at < list.items.len() {
                    list.items.remove(at);
                }
                Some(Value { shape: Shape::List(Rc::new(list)), ..receiver.clone() })
            }
            ("clear", Shape::List(_)) => Some(Value::shaped(Shape::List(Rc::default()))),
            ("extend" | "addAll" | "concat_mut", Shape::List(_)) => {
                let item = self.item_of(&first?);
                Some(super::assign::with_some_item(receiver, &item))
            }
            ("insert" | "unshift" | "addFirst", Shape::List(_)) => {
                Some(super::assign::with_some_item(receiver, &given.last()?.value))
            }
            ("put" | "set" | "setdefault" | "insert", Shape::Object(_)) => {
                let value = &given.get(1)?.value;
                match first?.as_constant() {
                    Some(key) => {
                        let name = self.name(&key);
                        Some(super::assign::with_field(receiver, name, value.clone()))
                    }
                    None => Some(super::assign::with_some_item(receiver, value)),
                }
            }
            ("update" | "putAll" | "assign", Shape::Object(_)) => {
                let item = self.item_of(&first?);
                Some(super::assign::with_some_item(receiver, &item))
            }
            // Builders of texts, and whatever else collects.
            (
                "append" | "push" | "push_str" | "write" | "add" | "put" | "set" | "insert" | "extend"
                | "WriteString" | "WriteByte" | "WriteRune" | "Write" | "<-",
                Shape::Unknown,
            ) if given.iter().any(|given| !given.value.all_flows().is_empty()) => {
                let mut changed = receiver.clone();
                given.iter().for_each(|given| changed.add_flows(&given.value.all_flows()));
                Some(changed)
            }
            _ => None,
        }
    }

    /// What a method of a text, a list or a map gives, where its result says more than that all went in.
    pub(super) fn built(
        &mut self,
        frame: &Frame,
        origin: Origin,
        receiver: Option<&Value>,
        given: &[Given],
    ) -> Option<Value> {
        let text = self.text_of(origin);
        let method = text.rsplit('.').next().unwrap_or_default().trim_start_matches('~');
        let receiver = receiver?;
        let first = given.first().map(|given| &given.value);
        let joined =
            |parts: &[&Value]| concatenated(&parts.iter().map(|part| (*part).clone()).collect::<Vec<_>>());
        Some(match method {
            "from" if &*text == "Buffer.from" => Value { origin: Some(origin), ..first?.clone() },
            "toString" | "trim" | "toLowerCase" | "toUpperCase" | "strip" | "lower" | "upper"
            | "normalize" | "trimStart" | "trimEnd" | "lstrip" | "rstrip" | "String" | "valueOf"
            | "to_string" | "to_owned" | "clone" | "intern" => Value { origin: None, ..receiver.clone() },
            "concat" => {
                if let Shape::List(list) = &receiver.shape {
                    let mut list = (**list).clone();
                    for one in given {
                        let item = match &one.value.shape {
                            Shape::List(_) => self.item_of(&one.value),
                            _ => one.value.clone(),
                        };
                        list.rest =
                            Some(Box::new(list.any().map_or_else(|| item.clone(), |own| own.join(&item))));
                    }
                    return Some(Value::shaped(Shape::List(Rc::new(list))));
                }
                let parts: Vec<&Value> =
                    std::iter::once(receiver).chain(given.iter().map(|given| &given.value)).collect();
                joined(&parts)
            }
            "format" if !frame.loaded.language().is_script() => {
                let parts: Vec<&Value> =
                    std::iter::once(receiver).chain(given.iter().map(|given| &given.value)).collect();
                joined(&parts)
            }
            "join" if matches!(receiver.shape, Shape::List(_)) || receiver.as_text().is_some() => {
                // JavaScript asks the list, Python the text between.
                let list = if matches!(receiver.shape, Shape::List(_)) {
                    receiver
                } else {
                    first.unwrap_or(receiver)
                };
                match &list.shape {
                    Shape::List(inner) if inner.rest.is_none() && inner.items.len() <= 32 => {
                        let between = if std::ptr::eq(list, receiver) { first } else { Some(receiver) };
                        let mut parts = Vec::new();
                        for item in &inner.items {
                            if !parts.is_empty() {
                                parts.extend(between);
                            }
                            parts.push(item);
                        }
                        joined(&parts)
                    }
                    _ => {
                        let mut value = Value { flows: list.all_flows(), ..Value::default() };
                        value.add_flows(&receiver.flows);
                        value
                    }
                }
            }
            "get" | "getOrDefault" | "at" if !matches!(receiver.shape, Shape::Unknown) => {
                let key = first?;
                match &receiver.shape {
                    Shape::Object(object) => match key.as_constant() {
                        Some(key) => {
                            let name = self.name(&key);
                            object
                                .field(name)
                                .or_else(|| given.get(1).map(|given| given.value.clone()))
                                .unwrap_or_default()
                        }
                        None => self.item_of(receiver),
                    },
                    Shape::List(list) => match &key.known {
                        Known::Number(at) if list.rest.is_none() => {
                            let found = list
                                .items
                                .iter()
                                .zip(0_u32..)
                                .find(|(_, number)| (f64::from(*number) - at).abs() < 0.5);
                            found.map_or_else(|| self.item_of(receiver), |(value, _)| value.clone())
                        }
                        _ => self.item_of(receiver),
                    },
                    _ => return None,
                }
            }
            "pop" | "shift" | "find" | "poll" | "remove" if matches!(receiver.shape, Shape::List(_)) => {
                match (&receiver.shape, first.map(|first| &first.known)) {
                    (Shape::List(list), None) if list.rest.is_none() => {
                        let item = if method == "pop" { list.items.last() } else { list.items.first() };
                        item.cloned().unwrap_or_default()
                    }
                    (Shape::List(list), Some(Known::Number(at))) if list.rest.is_none() => {
                        let found = list
                            .items
                            .iter()
                            .zip(0_u32..)
                            .find(|(_, number)| (f64::from(*number) - at).abs() < 0.5);
                        found.map_or_else(|| self.item_of(receiver), |(value, _)| value.clone())
                    }
                    _ => self.item_of(receiver),
                }
            }
            "slice" if super::script::sliced(receiver, first).is_some() => {
                super::script::sliced(receiver, first)?
            }
            // The last four digits of a card tell nobody the rest.
            "slice"
                if given.len() == 1
                    && !matches!(receiver.shape, Shape::List(_))
                    && matches!(first.map(|first| &first.known), Some(Known::Number(at)) if (-6.0..0.0).contains(at)) =>
            {
                let value = Value { flows: receiver.all_flows(), ..Value::default() };
                value.made_safe(self.models.kinds.find(&["log-secret", "answer"]))
            }
            "filter" | "slice" | "sort" | "reverse" | "toSorted" | "copy"
                if matches!(receiver.shape, Shape::List(_)) =>
            {
                let any = self.item_of(receiver);
                Value::shaped(Shape::List(Rc::new(List { items: Vec::new(), rest: Some(Box::new(any)) })))
            }
            "map" | "flatMap" if matches!(receiver.shape, Shape::List(_)) => {
                Value::shaped(Shape::List(Rc::default()))
            }
            // Only what the function gives for each.
            "map" | "flatMap"
                if frame.loaded.language().is_script()
                    && first.is_some_and(|first| matches!(first.shape, Shape::Function(_))) =>
            {
                Value::default()
            }
            "keys" if matches!(receiver.shape, Shape::Object(_)) => self.key_of(receiver),
            "items" | "entries" | "values" if matches!(receiver.shape, Shape::Object(_)) => {
                let any = self.item_of(receiver);
                Value::shaped(Shape::List(Rc::new(List { items: Vec::new(), rest: Some(Box::new(any)) })))
            }
            "includes" | "startsWith" | "endsWith" | "indexOf" | "lastIndexOf" | "has" | "hasOwnProperty"
            | "startswith" | "endswith" | "isdigit" | "isalnum" | "isnumeric" | "isalpha" | "test"
            | "contains" | "equals" | "equalsIgnoreCase" | "matches" | "charCodeAt" | "codePointAt"
            | "localeCompare" | "containsKey" | "isEmpty" | "some" | "every" | "count" | "len"
            | "starts_with" | "ends_with" | "is_empty" | "hashCode" => Value::known(Known::Harmless),
            "then" | "catch" | "finally" => return None,
            "replace" | "replaceAll" => self.replaced(receiver, given),
            _ => return None,
        })
    }

    /// What is left when something is taken out of a text: all but plain characters makes it safe.
    fn replaced(&mut self, receiver: &Value, given: &[Given]) -> Value {
        let mut value = Value { flows: receiver.all_flows(), ..Value::default() };
        given.iter().skip(1).for_each(|given| value.add_flows(&given.value.all_flows()));
        let pattern = given.first().and_then(|given| given.value.as_constant());
        let with = given.get(1).and_then(|given| given.value.as_constant());
        let is_pattern = given.first().is_some_and(|given| given.value.origin.is_some());
        if let (Some(pattern), Some(with), true) = (&pattern, &with, is_pattern) {
            let path = receiver.origin.map(|origin| self.text_of(origin));
            if let Some(kind) = super::script_checks::taken_out(pattern, with, path.as_deref()) {
                value = value.made_safe(self.models.kinds.find(&[kind]));
            }
        }
        if let (Some(pattern), Some(with), true) = (pattern, with, is_pattern)
            && pattern.starts_with("[^")
            && !pattern.contains(['<', '\'', '"', ';', '|', '&', '$', '`'])
            && with.chars().all(char::is_alphanumeric)
        {
            return value.made_safe(KindSet::MAX);
        }
        value
    }

    /// What a `with` binds: what `__enter__` gives, what a generator yields.
    pub(super) fn entered(&mut self, frame: &mut Frame, value: Value, span: gabion_finding::Span) -> Value {
        match &value.shape {
            Shape::List(_) => self.item_of(&value),
            Shape::Object(object) if object.class.is_some() => {
                let name = self.name("__enter__");
                let method = self.member(frame, &value, name, span);
                match method.shape {
                    Shape::Function(_) => {
                        let given = self.call_value(frame, &method, Some(&value), Vec::new(), span, false);
                        self.changed_this = None;
                        given
                    }
                    _ => value,
                }
            }
            _ => value,
        }
    }
}
