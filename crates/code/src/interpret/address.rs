//! Addresses of JavaScript: `new URL(path, base)` and what is set of it. Only some parts of an address decide where it leads.

use std::rc::Rc;

use super::{Frame, Given};
use crate::name::Name;
use crate::value::{Flow, HOLE, Value, concatenated};
use crate::world::World;

/// Parts of an address behind its host.
const BEHIND: &[&str] = &["pathname", "search", "hash", "searchParams", "username", "password"];

impl World<'_> {
    /// `new URL(path, base)`: the base decides the host, unless the path may be a whole address itself.
    pub(super) fn address(&mut self, given: &[Given]) -> Option<Value> {
        let path = &given.first()?.value;
        let origin = self.path("URL()");
        let relative = path.as_text().is_some_and(|text| stays(&text));
        let value = match given.get(1).map(|given| &given.value) {
            Some(base) if relative && !self.is_own_address(base) => {
                concatenated(&[base.clone(), path.clone()])
            }
            Some(_) if relative => concatenated(std::slice::from_ref(path)),
            // The base counts only where the path is none of its own.
            _ => path.clone(),
        };
        Some(Value { origin, flows: value.all_flows(), known: value.known, ..Value::default() })
    }

    /// The address under which the request itself came: it leads here.
    fn is_own_address(&self, base: &Value) -> bool {
        let Some(path) = base.origin.map(|origin| self.text_of(origin)) else { return false };
        let owner = ["url", "nextUrl", "nextUrl.origin", "nextUrl.href", "originalUrl"]
            .iter()
            .find_map(|end| path.strip_suffix(end).and_then(|before| before.strip_suffix('.')));
        owner.is_some_and(|owner| owner.ends_with("Request()") || owner.ends_with("IncomingMessage()"))
    }

    /// A part of an address is set; none where the owner is no address.
    pub(super) fn part_of_address(
        &mut self,
        frame: &Frame,
        owner: &Value,
        name: Name,
        value: &Value,
    ) -> Option<Value> {
        let is = frame.loaded.language().is_script() && &*self.text_of(owner.origin?) == "URL()";
        if !is {
            return None;
        }
        let behind = BEHIND.contains(&&*self.names.text(name));
        let flows: Vec<Flow> = value
            .all_flows()
            .iter()
            .map(|flow| Flow { leads: flow.leads && !behind, ..flow.clone() })
            .collect();
        let mut changed = owner.clone();
        if !behind && !flows.is_empty() {
            changed.known = crate::value::Known::Text(Rc::from(HOLE.to_string()));
        }
        changed.add_flows(&flows);
        Some(changed)
    }
}

/// Whether a text of which this is sure is no address of another host.
fn stays(text: &str) -> bool {
    let mut characters = text.chars();
    match characters.next() {
        None | Some('?' | '#' | '.') => true,
        Some('/') => !matches!(characters.next(), Some('/' | '\\' | HOLE)),
        // `users/…`
        Some(first) if first.is_ascii_alphanumeric() => text
            .chars()
            .find(|one| matches!(*one, '/' | '?' | ':' | '\\' | HOLE))
            .is_none_or(|one| matches!(one, '/' | '?')),
        Some(_) => false,
    }
}
