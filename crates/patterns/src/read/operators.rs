//! The operators of a search.

use std::sync::Arc;

use super::{LONGEST, Reader};
use crate::comparison::Comparison;
use crate::family::{Family, named};
use crate::formula::{All, Condition, Leaf, Op};
use crate::fragment::Fragment;
use crate::text_pattern::{TextPattern, variable};
use crate::yaml::Node;

impl Reader {
    /// One operator and what it is given.
    pub(super) fn operator(&mut self, key: &str, node: &Node) -> Option<Op> {
        Some(match key {
            "pattern" => self.pattern_or_formula(node)?,
            "patterns" => Op::All(self.all(node)),
            "pattern-either" => Op::Any(self.items(node)),
            "pattern-regex" => Op::Regex(self.regex(node, key)?),
            "pattern-inside" => Op::Inside(Box::new(self.pattern_or_formula(node)?)),
            "pattern-not" => Op::Not(Box::new(self.pattern_or_formula(node)?)),
            "pattern-not-inside" => Op::NotInside(Box::new(self.pattern_or_formula(node)?)),
            "pattern-not-regex" => Op::NotRegex(self.regex(node, key)?),
            _ => {
                self.unknown(key, node.line, "what a rule looks for");
                return None;
            }
        })
    }

    fn pattern_or_formula(&mut self, node: &Node) -> Option<Op> {
        if node.entries().is_empty() {
            return self.pattern(node);
        }
        self.formula(node)
    }

    /// A table of operators, all of which hold.
    pub(super) fn formula(&mut self, node: &Node) -> Option<Op> {
        let mut all = All::default();
        for (key, value) in node.entries() {
            self.part(key, value, &mut all);
        }
        if all.conditions.is_empty() && all.focus.is_empty() && all.ops.len() == 1 {
            return all.ops.pop();
        }
        if all.ops.is_empty() && all.conditions.is_empty() && all.focus.is_empty() {
            if self.left.is_empty() && self.problems.is_empty() {
                self.wrong(node.line, "looks for nothing");
            }
            return None;
        }
        Some(Op::All(all))
    }

    fn items(&mut self, node: &Node) -> Vec<Op> {
        node.each().iter().filter_map(|item| self.formula(item)).collect()
    }

    fn all(&mut self, node: &Node) -> All {
        let mut all = All::default();
        for item in node.each() {
            if item.entries().is_empty() {
                self.wrong(item.line, "is no operator");
            }
            for (key, value) in item.entries() {
                self.part(key, value, &mut all);
            }
        }
        // Only what is not wanted: there is nothing to take it from.
        let nothing = !all.ops.is_empty() && all.ops.iter().all(Op::is_negative);
        if nothing && !self.narrowing && self.left.is_empty() && self.problems.is_empty() {
            self.wrong(node.line, "says only what is not looked for");
        }
        all
    }

    fn part(&mut self, key: &str, node: &Node, into: &mut All) {
        let condition = match key {
            "metavariable-regex" => self.variable_regex(node),
            "metavariable-pattern" => self.variable_pattern(node),
            "metavariable-comparison" => self.variable_comparison(node),
            "metavariable-type" => self.variable_type(node),
            "metavariable-analysis" => self.variable_analysis(node),
            "focus-metavariable" => {
                let names = node.each().iter().filter_map(|name| self.variable(name)).collect();
                into.focus.push(names);
                return;
            }
            _ => {
                into.ops.extend(self.operator(key, node));
                return;
            }
        };
        into.conditions.extend(condition);
    }

    fn variable(&mut self, node: &Node) -> Option<Arc<str>> {
        let text = node.text().unwrap_or_default();
        match variable(text) {
            Some((name, "")) => Some(name.trim_start_matches("...").into()),
            // A group of a regular expression.
            _ if text
                .strip_prefix('$')
                .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|one| one.is_ascii_digit())) =>
            {
                Some(text.trim_start_matches('$').into())
            }
            _ => {
                self.wrong(node.line, format!("`{text}` is no variable: `$NAME`"));
                None
            }
        }
    }

    fn named_variable(&mut self, node: &Node) -> Option<Arc<str>> {
        match node.get("metavariable") {
            Some(name) => self.variable(name),
            None => {
                self.wrong(node.line, "`metavariable` is missing");
                None
            }
        }
    }

    fn only(&mut self, node: &Node, keys: &[&str], of: &str) {
        for (key, value) in node.entries() {
            if !keys.contains(&key.as_str()) {
                self.unknown(key, value.line, of);
            }
        }
    }

    fn variable_regex(&mut self, node: &Node) -> Option<Condition> {
        self.only(node, &["metavariable", "regex", "constant-propagation"], "`metavariable-regex`");
        let variable = self.named_variable(node)?;
        let text = self.required(node, "regex")?;
        let constants = node.get("constant-propagation").and_then(Node::truth).unwrap_or(true);
        match TextPattern::at_start(text.trim_end_matches('\n')) {
            Ok(pattern) => Some(Condition::Regex { variable, pattern, constants }),
            Err(reason) => {
                self.wrong(node.line, reason);
                None
            }
        }
    }

    fn variable_pattern(&mut self, node: &Node) -> Option<Condition> {
        let variable = self.named_variable(node)?;
        let language = match node.get("language") {
            Some(language) => Some(self.text(language, "language")?),
            None => None,
        };
        let family = match &language {
            Some(name) => match named(name) {
                Some((family, _)) => Some(family),
                None => {
                    self.left.push(format!("`metavariable-pattern` in `{name}` is none that is read here"));
                    return None;
                }
            },
            None => None,
        };
        let before = family.map(|family| std::mem::replace(&mut self.families, vec![family]));
        let narrowing = std::mem::replace(&mut self.narrowing, true);
        let mut all = All::default();
        for (key, value) in node.entries() {
            if !["metavariable", "language"].contains(&key.as_str()) {
                self.part(key, value, &mut all);
            }
        }
        self.narrowing = narrowing;
        if let Some(before) = before {
            self.families = before;
        }
        Some(Condition::Pattern { variable, family, op: Box::new(Op::All(all)) })
    }

    fn variable_comparison(&mut self, node: &Node) -> Option<Condition> {
        self.only(node, &["metavariable", "comparison", "base", "strip"], "`metavariable-comparison`");
        let variable = match node.get("metavariable") {
            Some(name) => Some(self.variable(name)?),
            None => None,
        };
        let text = self.required(node, "comparison")?;
        let base = node.get("base").and_then(Node::text).and_then(|base| base.parse().ok());
        let strip = node.get("strip").and_then(Node::truth).unwrap_or(false);
        match Comparison::read(&text, base, strip) {
            Ok(comparison) => Some(Condition::Comparison { variable, comparison }),
            Err(reason) => {
                self.wrong(node.line, reason);
                None
            }
        }
    }

    fn variable_type(&mut self, node: &Node) -> Option<Condition> {
        self.only(node, &["metavariable", "type", "types"], "`metavariable-type`");
        let variable = self.named_variable(node)?;
        let types = ["type", "types"].into_iter().filter_map(|key| node.get(key));
        let types: Vec<String> =
            types.flat_map(Node::each).filter_map(Node::text).map(str::to_owned).collect();
        if types.is_empty() {
            self.wrong(node.line, "`type` is missing");
            return None;
        }
        Some(Condition::Type { variable, types })
    }

    fn variable_analysis(&mut self, node: &Node) -> Option<Condition> {
        self.only(node, &["metavariable", "analyzer", "options"], "`metavariable-analysis`");
        let variable = self.named_variable(node)?;
        match self.required(node, "analyzer")?.as_str() {
            "entropy" | "entropy_v2" => Some(Condition::Entropy { variable }),
            "redos" => Some(Condition::Redos { variable }),
            other => {
                self.wrong(node.line, format!("`{other}` is no analyzer: `entropy` or `redos`"));
                None
            }
        }
    }

    fn pattern(&mut self, node: &Node) -> Option<Op> {
        let text = self.text(node, "pattern")?;
        if text.len() > LONGEST {
            self.wrong(node.line, "a pattern is longer than 64 KiB");
            return None;
        }
        if text.trim().is_empty() {
            self.wrong(node.line, "a pattern is empty");
            return None;
        }
        let mut leaf = Leaf { read: Vec::new(), generic: None };
        for family in self.families.clone() {
            match family {
                Family::Generic => match TextPattern::generic(&text) {
                    Ok(pattern) => leaf.generic = Some(pattern),
                    Err(reason) => self.wrong(node.line, reason),
                },
                Family::Regex => {
                    self.wrong(node.line, "a rule in the language `regex` has `pattern-regex`, no `pattern`")
                }
                _ => match Fragment::read(family, &text) {
                    Ok(fragment) => leaf.read.push((family, fragment)),
                    Err(reason) => self.left.push(format!(
                        "line {}: its pattern cannot be read as {}: {reason}",
                        node.line,
                        family.as_str()
                    )),
                },
            }
        }
        Some(Op::Pattern(leaf))
    }
}
