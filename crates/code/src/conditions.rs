//! What rules about calls ask of what is given.

use std::rc::Rc;

use gabion_finding::Form;
use toml::Value as Toml;

use crate::rules::Condition;
use crate::value::{Known, Shape, Value};
use crate::world::World;

/// The name of what else is spread into a call, whose names nobody knows.
pub(crate) const MORE: &str = "**";

/// What a call is given.
pub(crate) struct Arguments<'a, 'w> {
    pub(crate) world: &'a World<'w>,
    pub(crate) given: &'a [crate::interpret::Given],
    pub(crate) names: &'a [Option<Rc<str>>],
    pub(crate) receiver: Option<&'a Value>,
}

impl Arguments<'_, '_> {
    pub(crate) fn hold(&self, condition: &Condition) -> bool {
        if condition.says.is_some() && condition.argument.is_none() && condition.named.is_none() {
            return self.given.iter().any(|given| self.is_so(&given.value, condition));
        }
        let (value, sure) = self.value(condition);
        if let Some(absent) = condition.absent {
            let is_absent = value.as_ref().is_none_or(|value| matches!(value.known, Known::Null));
            if !sure || is_absent != absent {
                return false;
            }
            if absent {
                return true;
            }
        }
        let Some(value) = value else { return false };
        // Of a list it is enough that one item is so.
        match &value.shape {
            Shape::List(list) if condition.matches.is_some() || condition.is.is_some() => {
                list.items.iter().any(|item| self.is_so(item, condition))
            }
            _ => self.is_so(&value, condition),
        }
    }

    fn is_so(&self, value: &Value, condition: &Condition) -> bool {
        let pattern =
            |text: &String| self.world.rules.forms.get(text).or_else(|| self.world.models.forms.get(text));
        let fits = |text: Option<&str>, wanted: &String| {
            text.zip(pattern(wanted)).is_some_and(|(text, pattern)| pattern.is_match(text))
        };
        let number = match value.known {
            Known::Number(number) => Some(number),
            _ => None,
        };
        condition.matches.as_ref().is_none_or(|wanted| fits(value.as_constant().as_deref(), wanted))
            && condition.is.as_ref().is_none_or(|wanted| is(value, wanted))
            && condition.below.is_none_or(|bound| number.is_some_and(|number| number < bound))
            && condition.above.is_none_or(|bound| number.is_some_and(|number| number > bound))
            && condition.item.as_ref().is_none_or(|wanted| has(value, wanted))
            && condition.looks.as_ref().is_none_or(|wanted| fits(value.as_text().as_deref(), wanted))
            && condition.constant.is_none_or(|wanted| constant(value) == wanted)
            && condition.function.is_none_or(|wanted| matches!(value.shape, Shape::Function(_)) == wanted)
            && condition.list.is_none_or(|wanted| matches!(value.shape, Shape::List(_)) == wanted)
            && condition
                .says
                .as_ref()
                .is_none_or(|wanted| pattern(wanted).is_some_and(|pattern| says(value, pattern, DEEPEST)))
            && condition.path.as_ref().is_none_or(|wanted| {
                let text = value.origin.map(|origin| self.world.text_of(origin));
                fits(text.as_deref(), wanted)
            })
    }

    /// The value asked about, and whether it is sure that there is no other.
    fn value(&self, condition: &Condition) -> (Option<Value>, bool) {
        let named = condition.named.as_ref().and_then(|wanted| {
            let at = self.names.iter().position(|name| name.as_deref() == Some(wanted))?;
            self.given.get(at)
        });
        let mut positional = self.given.iter().zip(self.names).filter(|(_, name)| name.is_none());
        let given = named.or_else(|| positional.nth(condition.argument?).map(|(given, _)| given));
        let more = self.names.iter().any(|name| name.as_deref() == Some(MORE));
        let asked = condition.argument.is_some() || condition.named.is_some();
        let mut value = if asked { given.map(|given| given.value.clone()) } else { self.receiver.cloned() };
        // What is spread into the call may bring it.
        let mut sure = !(asked && given.is_none() && more);
        for field in condition.field.iter().flat_map(|field| field.split('.')) {
            let Some(owner) = value else { return (None, sure) };
            value = match &owner.shape {
                Shape::Object(object) => {
                    let found =
                        object.fields.iter().find(|(name, _)| *self.world.names.text(**name) == *field);
                    sure &= object.rest.is_none() && owner.flows.is_empty();
                    found.map(|(_, value)| value.clone())
                }
                // A function that is called when it is done: no options at all.
                Shape::Function(_) => None,
                _ => {
                    sure = false;
                    None
                }
            };
        }
        (value, sure)
    }
}

/// Lists and maps in each other that are looked into for a text.
const DEEPEST: usize = 4;

fn says(value: &Value, wanted: &Form, depth: usize) -> bool {
    let inside = |value: &Value| says(value, wanted, depth.saturating_sub(1));
    match &value.shape {
        Shape::List(list) if depth > 0 => list.items.iter().any(inside),
        Shape::Object(object) if depth > 0 => object.fields.values().any(inside),
        _ => value.as_text().is_some_and(|text| wanted.is_match(&text)),
    }
}

fn has(value: &Value, wanted: &str) -> bool {
    let Shape::List(list) = &value.shape else { return false };
    list.items.iter().any(|item| item.as_constant().as_deref() == Some(wanted))
}

fn constant(value: &Value) -> bool {
    value.as_constant().is_some() && !value.is_tainted()
}

fn is(value: &Value, wanted: &Toml) -> bool {
    match (wanted, &value.known) {
        (Toml::Boolean(wanted), Known::Bool(truth)) => wanted == truth,
        (Toml::Integer(wanted), Known::Number(number)) => (number - *wanted as f64).abs() < f64::EPSILON,
        (Toml::Float(wanted), Known::Number(number)) => (number - wanted).abs() < f64::EPSILON,
        (Toml::String(wanted), Known::Text(text)) => **text == **wanted,
        _ => false,
    }
}
