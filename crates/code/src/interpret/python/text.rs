//! Texts: what is sure of them before the first hole stays sure in what is made of them.

use std::rc::Rc;

use super::{place, rest_of, tuple};
use crate::interpret::Given;
use crate::value::{Flow, HOLE, KindSet, Known, List, Shape, Value, concatenated};
use crate::world::World;

/// Pieces of a text that are told apart.
const PIECES: usize = 32;

impl World<'_> {
    pub(super) fn text_method(&mut self, method: &str, receiver: &Value, given: &[Given]) -> Option<Value> {
        let constant = receiver.as_constant().filter(|_| !receiver.is_tainted() && is_text(receiver));
        let argument = |at: usize| given.get(at).and_then(|given| given.value.as_constant());
        let same = || Value { origin: None, ..receiver.clone() };
        if matches!(method, "getvalue" | "read") && self.is_text_file(receiver) {
            return Some(same());
        }
        Some(match (method, &constant) {
            ("upper", Some(text)) => Value::text(&text.to_uppercase()),
            ("lower" | "casefold", Some(text)) => Value::text(&text.to_lowercase()),
            ("strip", Some(text)) if given.is_empty() => Value::text(text.trim()),
            ("lstrip", Some(text)) if given.is_empty() => Value::text(text.trim_start()),
            ("rstrip", Some(text)) if given.is_empty() => Value::text(text.trim_end()),
            ("find" | "index", Some(text)) if given.len() == 1 => {
                let wanted = argument(0)?;
                let at =
                    text.find(&*wanted).and_then(|at| text.get(..at)).map(|before| before.chars().count());
                Value::known(Known::Number(at.map_or(-1.0, |at| at as f64)))
            }
            ("startswith", Some(text)) if given.len() == 1 => argument(0)
                .map_or(Value::known(Known::Harmless), |start| {
                    Value::known(Known::Bool(text.starts_with(&*start)))
                }),
            ("endswith", Some(text)) if given.len() == 1 => argument(0)
                .map_or(Value::known(Known::Harmless), |end| {
                    Value::known(Known::Bool(text.ends_with(&*end)))
                }),
            ("isdigit" | "isnumeric" | "isdecimal", Some(text)) => {
                Value::known(Known::Bool(!text.is_empty() && text.chars().all(char::is_numeric)))
            }
            (
                "encode" | "decode" | "strip" | "lstrip" | "rstrip" | "lower" | "upper" | "title"
                | "capitalize" | "casefold" | "swapcase" | "expandtabs" | "removeprefix" | "removesuffix",
                _,
            ) => same(),
            ("ljust" | "rjust" | "center" | "zfill", _) => {
                Value { flows: receiver.all_flows(), ..Value::default() }
            }
            (
                "startswith" | "endswith" | "isdigit" | "isalnum" | "isnumeric" | "isalpha" | "isdecimal"
                | "isidentifier" | "isspace" | "islower" | "isupper" | "count" | "find" | "rfind" | "index"
                | "rindex",
                _,
            ) if is_text(receiver) || receiver.is_tainted() => Value::known(Known::Harmless),
            ("replace", Some(text)) if argument(0).is_some() && argument(1).is_some() => {
                Value::text(&text.replace(&*argument(0)?, &argument(1)?))
            }
            ("replace", _) if given.len() >= 2 => self.exchanged(receiver, given),
            ("split" | "rsplit" | "splitlines" | "partition" | "rpartition", _)
                if is_text(receiver) || receiver.is_tainted() =>
            {
                // A part of an address of this site may be any.
                let kinds = self.models.kinds.find(&["redirect", "url"]);
                split(method, &receiver.made_unsafe(kinds), given)
            }
            ("format", _) if is_text(receiver) => self.formatted(receiver, given),
            ("format_map", _) => {
                let parts: Vec<Value> = std::iter::once(receiver)
                    .chain(given.iter().map(|given| &given.value))
                    .cloned()
                    .collect();
                concatenated(&parts)
            }
            ("join", _) => self.joined(receiver, &given.first()?.value),
            ("sub", _) if self.is_pattern(receiver) => {
                let (with, of) = (&given.first()?.value, &given.get(1)?.value);
                self.substituted(receiver, with, of)
            }
            ("match" | "fullmatch" | "search" | "findall" | "finditer", _) if self.is_pattern(receiver) => {
                let found = Value { flows: given.first()?.value.all_flows(), ..Value::default() };
                self.found(method, receiver, found)
            }
            ("get" | "pop", _) if self.converts_to_number(given) => Value::known(Known::Harmless),
            _ => return None,
        })
    }

    /// `request.args.get("n", type=int)`.
    fn converts_to_number(&self, given: &[Given]) -> bool {
        given.iter().any(|given| {
            given.name.is_some_and(|name| &*self.names.text(name) == "type")
                && given.value.origin.is_some_and(|origin| {
                    matches!(&*self.text_of(origin), "int" | "float" | "bool" | "uuid.UUID")
                })
        })
    }

    /// A file that is a text in memory.
    pub(in crate::interpret) fn is_text_file(&self, value: &Value) -> bool {
        value.origin.is_some_and(|origin| &*self.text_of(origin) == "io.StringIO()")
    }

    pub(in crate::interpret) fn is_pattern(&self, value: &Value) -> bool {
        value.origin.is_some_and(|origin| &*self.text_of(origin) == "re.compile()")
    }

    /// `" ".join(list)`.
    fn joined(&mut self, between: &Value, list: &Value) -> Value {
        let list = match &list.shape {
            Shape::List(_) | Shape::Object(_) => self.list_of(list),
            _ => return Value { flows: list.all_flows(), ..Value::default() },
        };
        if list.rest.is_none() {
            let mut parts = Vec::new();
            for item in &list.items {
                if !parts.is_empty() {
                    parts.push(between.clone());
                }
                parts.push(item.clone());
            }
            return concatenated(&parts);
        }
        let mut value = Value { flows: between.flows.clone(), ..Value::default() };
        value.add_flows(&list.any().map(|any| any.all_flows()).unwrap_or_default());
        value
    }

    /// One text put in place of another: without `<` no element begins.
    fn exchanged(&mut self, receiver: &Value, given: &[Given]) -> Value {
        let mut value = Value { flows: receiver.all_flows(), ..Value::default() };
        given.iter().skip(1).for_each(|given| value.add_flows(&given.value.all_flows()));
        let pair = (given.first(), given.get(1));
        if let (Some(from), Some(to)) = pair
            && let (Some(from), Some(to)) = (from.value.as_constant(), to.value.as_constant())
            && !to.contains(&*from)
        {
            let kinds: &[&str] = match &*from {
                "<" => &["html", "markup"],
                "\n" | "\r" | "\r\n" => &["log", "header"],
                "'" => &["xpath"],
                _ => &[],
            };
            return value.made_safe(self.models.kinds.find(kinds));
        }
        value
    }

    /// What is left where a pattern's matches are taken out.
    pub(super) fn substituted(&mut self, pattern: &Value, with: &Value, of: &Value) -> Value {
        let mut value = Value { flows: of.all_flows(), ..Value::default() };
        value.add_flows(&with.all_flows());
        let takes_all = pattern.as_constant().is_some_and(|pattern| {
            pattern.strip_prefix("[^").is_some_and(|kept| {
                let kept = kept.trim_end_matches(['+', '*']);
                kept.ends_with(']')
                    && !kept.contains(['<', '\'', '"', ';', '|', '&', '$', '`', '/', '('])
                    && !kept.contains("\\S")
                    && !kept.contains("\\W")
                    && !kept.contains("\\D")
            })
        });
        let plain = with
            .as_constant()
            .is_some_and(|with| with.chars().all(|one| one.is_alphanumeric() || "-_ ".contains(one)));
        if takes_all && plain { value.made_safe(KindSet::MAX) } else { value }
    }

    /// `"{} {name}".format(…)`.
    fn formatted(&mut self, receiver: &Value, given: &[Given]) -> Value {
        let pieces = receiver.as_constant().filter(|_| !receiver.is_tainted());
        let Some(template) = pieces else {
            let parts: Vec<Value> =
                std::iter::once(receiver).chain(given.iter().map(|given| &given.value)).cloned().collect();
            return concatenated(&parts);
        };
        let mut parts = Vec::new();
        let mut rest = &*template;
        let mut next = 0_usize;
        while let Some((before, behind)) = rest.split_once('{') {
            parts.push(Value::text(before));
            if let Some(behind) = behind.strip_prefix('{') {
                parts.push(Value::text("{"));
                rest = behind;
                continue;
            }
            let (inside, after) = behind.split_once('}').unwrap_or((behind, ""));
            let key = inside.split([':', '!']).next().unwrap_or_default();
            let (name, further) = key.split_at(key.find(['.', '[']).unwrap_or(key.len()));
            let positional = |at: usize| given.iter().filter(|given| given.name.is_none()).nth(at);
            let found = if name.is_empty() {
                next = next.saturating_add(1);
                positional(next.saturating_sub(1))
            } else if let Ok(at) = name.parse::<usize>() {
                positional(at)
            } else {
                given.iter().find(|given| given.name.is_some_and(|own| &*self.names.text(own) == name))
            };
            parts.push(match found {
                Some(given) if further.is_empty() => given.value.clone(),
                Some(given) => Value { flows: given.value.all_flows(), ..Value::default() },
                None => Value::default(),
            });
            rest = after;
        }
        parts.push(Value::text(rest));
        concatenated(&parts)
    }

    /// `"… %s" % values`.
    pub(in crate::interpret) fn percent(&mut self, left: &Value, right: &Value) -> Value {
        let Some(template) = left.as_constant().filter(|_| !left.is_tainted()) else {
            return concatenated(&[left.clone(), right.clone()]);
        };
        let mut values = match &right.shape {
            Shape::List(list) if list.rest.is_none() => list.items.clone(),
            Shape::Object(_) => return concatenated(&[left.clone(), right.clone()]),
            _ => vec![right.clone()],
        }
        .into_iter();
        let mut parts = Vec::new();
        let mut rest = &*template;
        while let Some((before, behind)) = rest.split_once('%') {
            parts.push(Value::text(before));
            let Some(end) = behind.find(|one: char| one.is_alphabetic() || one == '%') else { break };
            let (format, after) = behind.split_at(end);
            let letter = after.chars().next().unwrap_or('s');
            rest = after.get(letter.len_utf8()..).unwrap_or_default();
            let _ = format;
            parts.push(match letter {
                '%' => Value::text("%"),
                's' | 'r' | 'a' => values.next().unwrap_or_default(),
                _ => values.next().map_or_else(Value::default, |value| Value::harmless_of(&[&value])),
            });
        }
        parts.push(Value::text(rest));
        concatenated(&parts)
    }

    /// `text[at]`, where the text is known that far.
    pub(in crate::interpret) fn character(&mut self, of: &Value, at: &Value) -> Option<Value> {
        let text = of.as_text().filter(|_| is_text(of))?;
        let sure = !text.contains(HOLE);
        let length = text.chars().count();
        if !sure && matches!(at.known, Known::Number(at) if at < 0.0) {
            return None;
        }
        let at = place(at, length)?;
        let before_hole = text.chars().take(at.saturating_add(1)).all(|one| one != HOLE);
        before_hole.then(|| Value::text(&text.chars().skip(at).take(1).collect::<String>()))
    }

    /// `value[from:to:step]` of a text or a list.
    pub(in crate::interpret) fn sliced(&mut self, of: &Value, parts: &[Value]) -> Value {
        let bound = |at: usize, length: usize, otherwise: usize| match parts.get(at).map(|part| &part.known) {
            None | Some(Known::Null) => Some(otherwise),
            Some(Known::Number(number)) => {
                let number = if *number < 0.0 { length as f64 + number } else { *number };
                Some((0..length).find(|one| *one as f64 >= number).unwrap_or(length))
            }
            Some(_) => None,
        };
        let step = parts.get(2).map(|step| step.known.clone());
        let plain = matches!(step, None | Some(Known::Null));
        let backwards = matches!(step, Some(Known::Number(step)) if (step + 1.0).abs() < 0.5)
            && parts.iter().take(2).all(|part| matches!(part.known, Known::Null));
        match &of.shape {
            Shape::List(list) if list.rest.is_none() && backwards => {
                tuple(list.items.iter().rev().cloned().collect())
            }
            Shape::List(list) => {
                let length = list.items.len();
                match (bound(0, length, 0), bound(1, length, length)) {
                    (Some(from), Some(to)) if plain && list.rest.is_none() => {
                        tuple(list.items.iter().take(to).skip(from).cloned().collect())
                    }
                    _ => rest_of(list.any().unwrap_or_default()),
                }
            }
            _ => {
                let all = Value { flows: of.all_flows(), ..Value::default() };
                let Some(text) = of.as_text().filter(|_| is_text(of)) else { return all };
                if backwards && !text.contains(HOLE) && !of.is_tainted() {
                    return Value::text(&text.chars().rev().collect::<String>());
                }
                let length = text.chars().count();
                let (Some(from), Some(to), true) = (bound(0, length, 0), bound(1, length, length), plain)
                else {
                    return all;
                };
                // Behind what is sure of the beginning, what somebody chose leads.
                let behind = text.find(HOLE).and_then(|at| text.get(..at)).map(|sure| sure.chars().count());
                let all = if behind.is_some_and(|sure| from >= sure) { all.leading() } else { all };
                let known = |to: usize| text.chars().take(to).all(|one| one != HOLE);
                let ends =
                    parts.get(1).is_some_and(|part| matches!(part.known, Known::Number(to) if to >= 0.0));
                if known(length) && !of.is_tainted() || ends && known(to) {
                    return Value::text(&text.chars().take(to).skip(from).collect::<String>());
                }
                all
            }
        }
    }
}

fn is_text(value: &Value) -> bool {
    matches!(value.known, Known::Text(_))
}

/// What a match of it holds is letters, digits and the like only.
pub(super) fn holds_only_plain(pattern: &Value) -> bool {
    let Some(text) = pattern.as_constant() else { return false };
    let mut before = ' ';
    for one in text.chars() {
        let escaped = before == '\\';
        let wide = match one {
            '.' => !escaped,
            'S' | 'W' | 'D' => escaped,
            '^' => before == '[',
            '<' | '>' | '\'' | '"' | ';' | '&' | '`' => true,
            _ => false,
        };
        if wide {
            return false;
        }
        before = if escaped { ' ' } else { one };
    }
    !text.is_empty()
}

/// The pieces before the first hole are sure; what stands behind may be anywhere in the rest.
fn split(method: &str, receiver: &Value, given: &[Given]) -> Value {
    let any = Value { flows: receiver.all_flows(), ..Value::default() };
    let separator = given.first().map(|given| given.value.as_constant());
    let text = receiver.as_text().filter(|_| is_text(receiver));
    let (Some(text), "split", 0 | 1) = (text, method, given.len()) else { return rest_of(any) };
    let pieces: Vec<&str> = match separator {
        None => text.split_whitespace().collect(),
        Some(Some(separator)) if !separator.is_empty() => text.split(&*separator).collect(),
        Some(_) => return rest_of(any),
    };
    if pieces.len() > PIECES {
        return rest_of(any);
    }
    let sure = pieces.iter().take_while(|piece| !piece.contains(HOLE)).count();
    let mut items: Vec<Value> = pieces.iter().take(sure).map(|piece| Value::text(piece)).collect();
    let Some(open) = pieces.get(sure) else { return tuple(items) };
    if pieces.len() == sure.saturating_add(1) && pieces.len() == 1 {
        return rest_of(any);
    }
    // The piece with the hole begins here; how many more there are nobody knows.
    let leads = open.starts_with(HOLE);
    let flows = any.flows.iter().map(|flow| Flow { leads: leads || flow.leads, ..flow.clone() }).collect();
    let any = Value { flows: Rc::new(flows), ..Value::default() };
    items.push(any.clone());
    Value::shaped(Shape::List(Rc::new(List { items, rest: Some(Box::new(any)) })))
}
