//! Dictionaries, and settings in sections (`configparser`).

use std::rc::Rc;

use super::{rest_of, tuple};
use crate::interpret::Given;
use crate::interpret::assign::{with_field, with_some_item};
use crate::value::{Known, List, Object, Shape, Value};
use crate::world::World;

impl World<'_> {
    /// A `ConfigParser`: sections, and in them values.
    pub(super) fn is_settings(&self, value: &Value) -> bool {
        value.origin.is_some_and(|origin| {
            let path = self.text_of(origin);
            path.starts_with("configparser.") && path.ends_with("Parser()")
        })
    }

    pub(super) fn changed_map(
        &mut self,
        method: &str,
        receiver: &Value,
        object: &Rc<Object>,
        given: &[Given],
    ) -> Option<Value> {
        let first = given.iter().find(|given| given.name.is_none()).map(|given| given.value.clone());
        let key = first.as_ref().and_then(Value::as_constant).map(|key| self.name(&key));
        let second = given.get(1).map(|given| given.value.clone());
        match method {
            "set" if self.is_settings(receiver) => {
                let option = second?.as_constant().map(|option| self.name(&option));
                let value = given.get(2)?.value.clone();
                let (Some(section), Some(option)) = (key, option) else {
                    return Some(with_some_item(receiver, &value));
                };
                let inner = object.fields.get(&section).cloned();
                let inner = inner.unwrap_or_else(|| Value::shaped(Shape::Object(Rc::default())));
                Some(with_field(receiver, section, with_field(&inner, option, value)))
            }
            "add_section" if self.is_settings(receiver) => {
                Some(with_field(receiver, key?, Value::shaped(Shape::Object(Rc::default()))))
            }
            "setdefault" => match key {
                Some(key) if object.fields.contains_key(&key) => None,
                Some(key) => Some(with_field(receiver, key, second?)),
                None => Some(with_some_item(receiver, &second?)),
            },
            "pop" | "__delitem__" => {
                let key = key?;
                let mut changed = (**object).clone();
                changed.fields.remove(&key)?;
                Some(Value { shape: Shape::Object(Rc::new(changed)), ..receiver.clone() })
            }
            "clear" => Some(Value { shape: Shape::Object(Rc::default()), ..receiver.clone() }),
            "update" | "read_dict" => {
                let more = self.dictionary(given);
                let Shape::Object(more) = &more.shape else { return None };
                let mut changed = (**object).clone();
                more.fields.iter().for_each(|(name, value)| changed.set(*name, value.clone()));
                more.rest.iter().for_each(|rest| changed.add_rest(rest));
                Some(Value { shape: Shape::Object(Rc::new(changed)), ..receiver.clone() })
            }
            _ => None,
        }
    }

    pub(super) fn map_method(
        &mut self,
        method: &str,
        receiver: &Value,
        object: &Rc<Object>,
        given: &[Given],
    ) -> Option<Value> {
        let key = given.first().and_then(|given| given.value.as_constant()).map(|key| self.name(&key));
        let second = given.get(1).map(|given| given.value.clone());
        Some(match method {
            "get" | "getint" | "getboolean" | "getfloat" if self.is_settings(receiver) => {
                if method != "get" {
                    return Some(Value::known(Known::Harmless));
                }
                let option = second?.as_constant().map(|option| self.name(&option));
                let inner = key.and_then(|key| object.field(key)).map(|inner| inner.shape);
                match (inner, option) {
                    (Some(Shape::Object(inner)), Some(option)) => inner.field(option).unwrap_or_default(),
                    _ => Value { flows: receiver.all_flows(), ..Value::default() },
                }
            }
            "get" | "pop" | "setdefault" => match key {
                Some(key) => {
                    let found = object.fields.get(&key).cloned();
                    let other = object.rest.as_deref().cloned();
                    match (found, other, second) {
                        (Some(found), ..) => found,
                        (None, Some(other), Some(second)) => other.join(&second),
                        (None, Some(other), None) => other,
                        (None, None, Some(second)) => second,
                        (None, None, None) if object.fields.is_empty() => Value::default(),
                        (None, None, None) => Value::known(Known::Null),
                    }
                }
                None => {
                    let any = object.fields.values().chain(object.rest.as_deref()).cloned();
                    let any = any.chain(second).reduce(|one, two| one.join(&two));
                    any.unwrap_or_default()
                }
            },
            "copy" => receiver.clone(),
            "items" => self.pairs(object),
            "keys" => {
                let list = self.list_of(receiver);
                Value::shaped(Shape::List(Rc::new(list)))
            }
            "values" => {
                let items = object.fields.values().cloned().collect();
                Value::shaped(Shape::List(Rc::new(List { items, rest: object.rest.clone() })))
            }
            "update" | "clear" => Value::known(Known::Null),
            "has_section" | "has_option" => Value::known(Known::Harmless),
            _ => return None,
        })
    }

    fn pairs(&mut self, object: &Rc<Object>) -> Value {
        let names = &self.names;
        let pairs = object.fields.iter();
        let items = pairs.map(|(name, value)| tuple(vec![Value::text(&names.text(*name)), value.clone()]));
        let rest = object.rest.as_deref().map(|rest| {
            let key = Value { flows: Rc::clone(&rest.flows), ..Value::default() };
            Box::new(tuple(vec![key, rest.clone()]))
        });
        Value::shaped(Shape::List(Rc::new(List { items: items.collect(), rest })))
    }

    /// `dict(…)`: another one, pairs, names.
    pub(super) fn dictionary(&mut self, given: &[Given]) -> Value {
        let mut object = Object::default();
        for one in given {
            if let Some(name) = one.name {
                object.set(name, one.value.clone());
                continue;
            }
            match &one.value.shape {
                Shape::Object(inner) => {
                    inner.fields.iter().for_each(|(name, value)| object.set(*name, value.clone()));
                    inner.rest.iter().for_each(|rest| object.add_rest(rest));
                }
                Shape::List(list) => {
                    for pair in list.items.iter().chain(list.rest.as_deref()) {
                        let Shape::List(pair) = &pair.shape else {
                            object.add_rest(&Value { flows: pair.all_flows(), ..Value::default() });
                            continue;
                        };
                        let value = pair.items.get(1).cloned().unwrap_or_default();
                        match pair.items.first().and_then(Value::as_constant) {
                            Some(key) => {
                                let name = self.name(&key);
                                object.set(name, value);
                            }
                            None => object.add_rest(&value),
                        }
                    }
                }
                _ => object.add_rest(&Value { flows: one.value.all_flows(), ..Value::default() }),
            }
        }
        Value::shaped(Shape::Object(Rc::new(object)))
    }

    /// Without one of its keys, or items.
    pub(in crate::interpret) fn without(&mut self, owner: &Value, index: &Value) -> Option<Value> {
        match &owner.shape {
            Shape::Object(object) => {
                let key = index.as_constant().map(|key| self.name(&key))?;
                let mut changed = (**object).clone();
                changed.fields.remove(&key)?;
                Some(Value { shape: Shape::Object(Rc::new(changed)), ..owner.clone() })
            }
            Shape::List(list) if list.rest.is_none() => {
                let at = super::place(index, list.items.len())?;
                let mut changed = (**list).clone();
                changed.items.remove(at);
                Some(Value { shape: Shape::List(Rc::new(changed)), ..owner.clone() })
            }
            Shape::List(list) => Some(rest_of(list.any()?)),
            _ => None,
        }
    }
}
