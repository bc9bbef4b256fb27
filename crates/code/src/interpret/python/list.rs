//! Lists, tuples and sets.

use std::rc::Rc;

use super::{place, rest_of};
use crate::interpret::Given;
use crate::interpret::assign::with_some_item;
use crate::value::{Known, List, Shape, Value};
use crate::world::World;

impl World<'_> {
    pub(super) fn changed_list(
        &mut self,
        method: &str,
        receiver: &Value,
        list: &Rc<List>,
        given: &[Given],
    ) -> Option<Value> {
        let first = given.first().map(|given| given.value.clone());
        let with = |list: List| Some(Value { shape: Shape::List(Rc::new(list)), ..receiver.clone() });
        let mut changed = (**list).clone();
        match method {
            "append" | "add" => {
                changed.push(first?);
                with(changed)
            }
            "appendleft" | "insert" => {
                let at = if method == "insert" { place(&first?, list.items.len()) } else { Some(0) };
                let value = given.last()?.value.clone();
                match at {
                    Some(at) if list.rest.is_none() && list.items.len() < 48 => {
                        changed.items.insert(at, value);
                        with(changed)
                    }
                    _ => Some(with_some_item(receiver, &value)),
                }
            }
            "extend" => {
                let more = self.list_of(&first?);
                more.items.into_iter().for_each(|item| changed.push(item));
                match more.rest {
                    Some(rest) => Some(with_some_item(&with(changed)?, &rest)),
                    None => with(changed),
                }
            }
            "pop" | "popleft" if list.rest.is_none() => {
                let last = Value::known(Known::Number(if method == "pop" { -1.0 } else { 0.0 }));
                let at = place(first.as_ref().unwrap_or(&last), list.items.len())?;
                changed.items.remove(at);
                with(changed)
            }
            "remove" | "discard" if list.rest.is_none() => {
                let wanted = first?.as_constant()?;
                let at = list.items.iter().position(|item| item.as_constant().as_ref() == Some(&wanted))?;
                // Before it nothing may be that could be the same.
                if list.items.iter().take(at).any(|item| item.as_constant().is_none()) {
                    return None;
                }
                changed.items.remove(at);
                with(changed)
            }
            "clear" => with(List::default()),
            "reverse" if list.rest.is_none() => {
                changed.items.reverse();
                with(changed)
            }
            "reverse" | "sort" => {
                let any = list.any()?;
                Some(Value { flows: receiver.flows.clone(), ..rest_of(any) })
            }
            "update" => {
                let item = self.item_of(&first?);
                Some(with_some_item(receiver, &item))
            }
            _ => None,
        }
    }

    pub(super) fn list_method(
        &mut self,
        method: &str,
        receiver: &Value,
        list: &Rc<List>,
        given: &[Given],
    ) -> Option<Value> {
        Some(match method {
            "pop" | "popleft" => {
                let last = Value::known(Known::Number(if method == "pop" { -1.0 } else { 0.0 }));
                let at = given.first().map_or(&last, |given| &given.value);
                let found = place(at, list.items.len()).filter(|_| list.rest.is_none());
                found.and_then(|at| list.items.get(at).cloned()).unwrap_or_else(|| self.item_of(receiver))
            }
            "copy" => receiver.clone(),
            "index" | "count" => Value::known(Known::Harmless),
            "append" | "insert" | "extend" | "remove" | "clear" | "sort" | "reverse" | "add" | "discard" => {
                Value::known(Known::Null)
            }
            "union" | "intersection" | "difference" | "symmetric_difference" => {
                let others = given.iter().filter_map(|given| self.list_of(&given.value).any());
                rest_of(others.chain(list.any()).reduce(|one, two| one.join(&two)).unwrap_or_default())
            }
            _ => return None,
        })
    }

    /// As what a loop over it sees.
    pub(super) fn list_of(&mut self, value: &Value) -> List {
        match &value.shape {
            Shape::List(list) if value.flows.is_empty() => (**list).clone(),
            Shape::Object(object) if object.class.is_none() && object.rest.is_none() => {
                let keys = object.fields.keys().map(|name| Value::text(&self.names.text(*name)));
                List { items: keys.collect(), rest: None }
            }
            _ => List { items: Vec::new(), rest: Some(Box::new(self.item_of(value))) },
        }
    }

    pub(super) fn listed(&mut self, kind: &str, of: Option<&Value>) -> Value {
        let Some(of) = of else { return Value::shaped(Shape::List(Rc::default())) };
        let mut list = self.list_of(of);
        match kind {
            "reversed" if list.rest.is_none() => list.items.reverse(),
            "set" | "frozenset" | "sorted" | "reversed" if list.items.len() > 1 || list.rest.is_some() => {
                return rest_of(list.any().unwrap_or_default());
            }
            _ => {}
        }
        Value::shaped(Shape::List(Rc::new(list)))
    }
}
