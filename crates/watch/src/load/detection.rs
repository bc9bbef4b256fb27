//! Selections: maps (all lines), lists of maps (one of them), lists of words (anywhere), and the modifiers.

use regex::RegexBuilder;

use super::{Read, Reading, listed};
use crate::bounds;
use crate::condition::{Condition, shown};
use crate::detection::{Detection, Selection};
use crate::matcher::{Item, Matcher, Order, Part};
use crate::pattern::{Pattern, Place};
use crate::yaml::{Node, Value};

const MODIFIERS: &[&str] = &[
    "all",
    "cased",
    "cidr",
    "contains",
    "day",
    "endswith",
    "exists",
    "fieldref",
    "gt",
    "gte",
    "hour",
    "i",
    "lt",
    "lte",
    "m",
    "minute",
    "month",
    "neq",
    "re",
    "s",
    "startswith",
    "windash",
    "year",
];

/// What the modifiers of one line say.
#[derive(Debug, Default)]
struct Modifiers {
    place: Option<Place>,
    all: bool,
    negated: bool,
    cased: bool,
    windash: bool,
    part: Option<Part>,
    way: Option<Way>,
    flags: [bool; 3],
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    Cidr,
    Compare(Order),
    Exists,
    Field,
    Regex,
}

impl Reading<'_> {
    pub(super) fn detection(&self, node: &Node) -> Read<Detection> {
        let members = self.members(node, "`detection`")?;
        let mut left = bounds::VALUES;
        let mut selections = Vec::new();
        for (name, node) in members.iter().filter(|(name, _)| name != "condition") {
            if name == "timeframe" {
                let hint = "count with a correlation rule, which has a `timespan`";
                return Err(self.wrong(node.line, "`timeframe` is no longer part of Sigma", hint));
            }
            selections.push(Selection { name: name.clone(), groups: self.groups(node, &mut left)? });
        }
        let names: Vec<String> = selections.iter().map(|selection| selection.name.clone()).collect();
        let Some(condition) = node.find("condition") else {
            return Err(self.wrong(
                node.line,
                "`condition` is missing",
                "for instance `condition: selection`",
            ));
        };
        let mut parts = condition.items().iter().map(|item| {
            let text = self.text(item, "condition")?;
            Condition::read(text, &names).map_err(|(reason, hint)| self.wrong(item.line, reason, hint))
        });
        let first = parts.next().unwrap_or_else(|| {
            Err(self.wrong(condition.line, "`condition` is empty", "for instance `condition: selection`"))
        })?;
        let mut any = vec![first];
        for part in parts {
            any.push(part?);
        }
        let condition = if let ([_], Some(only)) = (any.as_slice(), any.first()) {
            only.clone()
        } else {
            Condition::Any(any)
        };
        let mut used = vec![false; selections.len()];
        condition.selections(&mut |number| {
            if let Some(used) = used.get_mut(number) {
                *used = true;
            }
        });
        if let Some((selection, _)) = selections.iter().zip(used).find(|(_, used)| !used) {
            let reason = format!("the condition does not use the selection `{}`", shown(&selection.name));
            return Err(self.wrong(node.line, reason, "use it or remove it"));
        }
        Ok(Detection { selections, condition })
    }

    fn groups(&self, node: &Node, left: &mut usize) -> Read<Vec<Vec<Item>>> {
        let empty = || {
            self.wrong(
                node.line,
                "a selection without a line matches everything",
                "add a field, or remove it",
            )
        };
        match &node.value {
            Value::Map(members) if members.is_empty() => Err(empty()),
            Value::Map(members) => Ok(vec![self.group(members, left)?]),
            Value::List(items) if items.is_empty() => Err(empty()),
            Value::List(items) if items.iter().all(|item| item.members().is_some()) => {
                let groups = items.iter().filter_map(Node::members);
                groups
                    .map(|members| if members.is_empty() { Err(empty()) } else { self.group(members, left) })
                    .collect()
            }
            Value::List(items) if items.iter().any(|item| item.members().is_some()) => {
                Err(self.wrong(node.line, "a list has either maps or words", "make two selections of it"))
            }
            Value::List(_) | Value::Text(_) | Value::Bool(_) => Ok(vec![vec![self.item("", node, left)?]]),
            Value::Null => Err(empty()),
        }
    }

    fn group(&self, members: &[(String, Node)], left: &mut usize) -> Read<Vec<Item>> {
        members.iter().map(|(key, node)| self.item(key, node, left)).collect()
    }

    fn item(&self, key: &str, node: &Node, left: &mut usize) -> Read<Item> {
        let mut words = key.split('|');
        let field = words.next().unwrap_or_default();
        let modifiers = self.modifiers(words, node.line)?;
        let field = if field.is_empty() { None } else { Some(self.field(node.line, field)?) };
        if field.is_none()
            && (modifiers.part.is_some() || matches!(modifiers.way, Some(Way::Exists | Way::Field)))
        {
            return Err(self.wrong(
                node.line,
                "this modifier needs a field",
                "put the field's name before it",
            ));
        }
        let mut values = Vec::new();
        let items = node.items();
        if items.is_empty() {
            return Err(self.wrong(
                node.line,
                "a line without a value matches nothing",
                "add one, or remove it",
            ));
        }
        for item in items {
            self.values(item, field.is_none(), &modifiers, &mut values)?;
            if values.len() > *left {
                let hint = format!("at most {}", bounds::VALUES);
                return Err(self.wrong(item.line, "the rule has too many values", hint));
            }
        }
        *left -= values.len();
        Ok(Item { field, part: modifiers.part, values, all: modifiers.all, negated: modifiers.negated })
    }

    fn modifiers<'k>(&self, words: impl Iterator<Item = &'k str>, line: u32) -> Read<Modifiers> {
        let mut found = Modifiers::default();
        let twice = || self.wrong(line, "these modifiers do not go together", "keep one of them");
        for word in words {
            let way = match word {
                "cidr" => Some(Way::Cidr),
                "exists" => Some(Way::Exists),
                "fieldref" => Some(Way::Field),
                "gt" => Some(Way::Compare(Order::Greater)),
                "gte" => Some(Way::Compare(Order::GreaterOrEqual)),
                "lt" => Some(Way::Compare(Order::Less)),
                "lte" => Some(Way::Compare(Order::LessOrEqual)),
                "re" => Some(Way::Regex),
                _ => None,
            };
            let place = match word {
                "contains" => Some(Place::Anywhere),
                "endswith" => Some(Place::End),
                "startswith" => Some(Place::Beginning),
                _ => None,
            };
            let part = match word {
                "day" => Some(Part::Day),
                "hour" => Some(Part::Hour),
                "minute" => Some(Part::Minute),
                "month" => Some(Part::Month),
                "year" => Some(Part::Year),
                _ => None,
            };
            if let Some(way) = way {
                if found.way.replace(way).is_some() {
                    return Err(twice());
                }
                continue;
            }
            if let Some(place) = place {
                if found.place.replace(place).is_some() {
                    return Err(twice());
                }
                continue;
            }
            if let Some(part) = part {
                if found.part.replace(part).is_some() {
                    return Err(twice());
                }
                continue;
            }
            match word {
                "all" => found.all = true,
                "cased" => found.cased = true,
                "neq" => found.negated = true,
                "windash" => found.windash = true,
                "i" | "m" | "s" if found.way == Some(Way::Regex) => {
                    let at = match word {
                        "i" => 0,
                        "m" => 1,
                        _ => 2,
                    };
                    if let Some(flag) = found.flags.get_mut(at) {
                        *flag = true;
                    }
                }
                "base64" | "base64offset" | "utf16" | "utf16be" | "utf16le" | "wide" | "expand" | "week" => {
                    let hint = "write the texts as they stand in the event";
                    return Err(self.wrong(line, format!("the modifier `{word}` is not read here"), hint));
                }
                _ => {
                    let reason = format!("there is no modifier `{}`", shown(word));
                    return Err(self.wrong(line, reason, format!("there are {}", listed(MODIFIERS))));
                }
            }
        }
        let placed = found.place.is_some() && !matches!(found.way, None | Some(Way::Field));
        if placed || found.windash && found.way.is_some() || found.part.is_some() && found.place.is_some() {
            return Err(twice());
        }
        Ok(found)
    }

    fn values(&self, node: &Node, word: bool, modifiers: &Modifiers, values: &mut Vec<Matcher>) -> Read<()> {
        let expected = |what: &str, hint: &str| self.wrong(node.line, format!("the value is {what}"), hint);
        if modifiers.way == Some(Way::Exists) {
            let Value::Bool(wanted) = node.value else {
                return Err(expected("no `true` or `false`", "`exists` asks whether the field is there"));
            };
            values.push(Matcher::Exists(wanted));
            return Ok(());
        }
        let text = match &node.value {
            Value::Text(text) => text.as_str(),
            Value::Bool(true) => "true",
            Value::Bool(false) => "false",
            Value::Null if modifiers.way.is_none() && !word => {
                values.push(Matcher::Null);
                return Ok(());
            }
            _ => return Err(expected("no text", "write one text, or a list of texts")),
        };
        if text.len() > bounds::VALUE {
            return Err(expected("too long", "at most 1024 bytes"));
        }
        match modifiers.way {
            Some(Way::Cidr) => {
                let network =
                    text.parse().map_err(|_| expected("no network", "for instance `192.0.2.0/24`"))?;
                values.push(Matcher::Network(network));
            }
            Some(Way::Compare(order)) => {
                let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
                let number = number.ok_or_else(|| expected("no number", "for instance `10`"))?;
                values.push(Matcher::Compare(order, number));
            }
            Some(Way::Field) => {
                let place = modifiers.place.unwrap_or(Place::Whole);
                values.push(Matcher::Field(self.field(node.line, text)?, place, modifiers.cased));
            }
            Some(Way::Regex) => values.push(Matcher::Regex(self.regex(node, text, modifiers)?)),
            Some(Way::Exists) => {}
            None => {
                if Pattern::wildcards(text) > bounds::WILDCARDS {
                    return Err(expected(
                        "full of wildcards",
                        "at most 16 `*` and `?`; `\\*` is a plain `*`",
                    ));
                }
                // Words without a field may stand anywhere.
                let place = modifiers.place.unwrap_or(if word { Place::Anywhere } else { Place::Whole });
                if modifiers.windash && text.contains(['-', '/']) {
                    for dash in ["-", "/", "\u{2013}", "\u{2014}", "\u{2015}"] {
                        values.push(Matcher::Text(Pattern::new(&dashed(text, dash), place, modifiers.cased)));
                    }
                } else {
                    values.push(Matcher::Text(Pattern::new(text, place, modifiers.cased)));
                }
            }
        }
        Ok(())
    }

    fn regex(&self, node: &Node, text: &str, modifiers: &Modifiers) -> Read<regex::Regex> {
        if text.len() > bounds::REGEX {
            return Err(self.wrong(node.line, "the regular expression is too long", "at most 1024 bytes"));
        }
        let [small, lines, dot] = modifiers.flags;
        RegexBuilder::new(text)
            .case_insensitive(small)
            .multi_line(lines)
            .dot_matches_new_line(dot)
            .size_limit(bounds::REGEX_COMPILED)
            .dfa_size_limit(bounds::REGEX_COMPILED)
            .nest_limit(32)
            .build()
            .map_err(|error| {
                let reason = match error {
                    regex::Error::CompiledTooBig(_) => "the regular expression is too large",
                    _ => "this is no regular expression that can be searched for in bounded time",
                };
                let hint = "no look-around and no back references; make repetitions smaller";
                self.wrong(node.line, reason, hint)
            })
    }
}

/// With another sign for each `-` or `/` that begins a word.
fn dashed(text: &str, dash: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = None;
    let mut rest = text.chars().peekable();
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    while let Some(character) = rest.next() {
        let begins = !before.is_some_and(is_word) && rest.peek().copied().is_some_and(is_word);
        if matches!(character, '-' | '/') && begins {
            out.push_str(dash);
        } else {
            out.push(character);
        }
        before = Some(character);
    }
    out
}
