//! The table `correlation`.

use super::{Read, Reading, listed};
use crate::bounds;
use crate::condition::shown;
use crate::correlation::{Correlation, GroupBy, What};
use crate::yaml::{Node, Value};

const KEYS: &[&str] = &["aliases", "condition", "generate", "group-by", "rules", "timespan", "type"];
const TYPES: &[&str] = &["event_count", "temporal", "temporal_ordered", "value_count", "value_sum"];

impl Reading<'_> {
    pub(super) fn correlation(&self, node: &Node) -> Read<Correlation> {
        let members = self.members(node, "`correlation`")?;
        self.only(members, KEYS, "`correlation`")?;
        let need = |key: &str, hint: &str| {
            let found = node.find(key);
            found.ok_or_else(|| self.wrong(node.line, format!("`correlation.{key}` is missing"), hint))
        };
        let rules = need("rules", "the ids or names of the rules whose hits count")?;
        let named = self.texts(rules, "rules", bounds::NAMED)?;
        if named.iter().enumerate().any(|(at, name)| named.iter().take(at).any(|other| other == name)) {
            return Err(self.wrong(rules.line, "a rule is named twice", "name it once"));
        }
        let group_by = match node.find("group-by") {
            Some(node) => self.texts(node, "group-by", bounds::GROUP_BY)?,
            None => Vec::new(),
        };
        let aliases = self.aliases(node.find("aliases"), &named)?;
        let mut groups = Vec::new();
        for name in group_by {
            let aliases: Vec<_> = aliases
                .iter()
                .filter(|(alias, _, _)| *alias == name)
                .map(|(_, rule, field)| (rule.clone(), field.clone()))
                .collect();
            if aliases.len() < named.len() {
                self.field(node.line, &name)?;
            }
            groups.push(GroupBy { name, aliases });
        }
        let timespan = self.period(need("timespan", "for instance `10m`")?, "timespan", bounds::TIMESPAN)?;
        let generate = match node.find("generate").map(|node| (node.line, &node.value)) {
            None => false,
            Some((_, Value::Bool(generate))) => *generate,
            Some((line, _)) => return Err(self.wrong(line, "`generate` is `true` or `false`", "remove it")),
        };
        let kind = need("type", &listed(TYPES))?;
        let what = self.what(kind, node.find("condition"), &named)?;
        Ok(Correlation { what, named, rules: Vec::new(), group_by: groups, timespan, generate })
    }

    fn what(&self, kind: &Node, condition: Option<&Node>, named: &[String]) -> Read<What> {
        let word = self.text(kind, "type")?;
        match word {
            "temporal" | "temporal_ordered" => {
                if let Some(condition) = condition {
                    let reason = "here all rules must hit, and no other `condition` is read";
                    return Err(self.wrong(condition.line, reason, "remove it"));
                }
                if named.len() < 2 {
                    return Err(self.wrong(kind.line, "this type needs two rules", "name them in `rules`"));
                }
                return Ok(if word == "temporal" { What::Together } else { What::InOrder });
            }
            "event_count" | "value_count" | "value_sum" => {}
            "value_avg" | "value_median" | "value_percentile" => {
                let reason = format!("`{word}` is not counted here");
                return Err(self.wrong(kind.line, reason, "use `value_sum` or `event_count`"));
            }
            other => {
                let reason = format!("there is no type `{}`", shown(other));
                return Err(self.wrong(kind.line, reason, listed(TYPES)));
            }
        }
        let hint = "for instance `condition:` with `gte: 10`";
        let Some(node) = condition else {
            return Err(self.wrong(kind.line, "`correlation.condition` is missing", hint));
        };
        let members = self.members(node, "the condition of a correlation")?;
        if let Some((key, node)) =
            members.iter().find(|(key, _)| matches!(key.as_str(), "eq" | "lt" | "lte" | "neq"))
        {
            let reason =
                format!("`{key}` can be told only when the time is over, and events are judged as they come");
            return Err(self.wrong(node.line, reason, "use `gte` or `gt`"));
        }
        self.only(members, &["field", "gt", "gte"], "the condition of a correlation")?;
        let number = |key: &str| {
            node.find(key)
                .map(|node| {
                    let number = node.text().and_then(|text| text.parse::<u64>().ok());
                    number.ok_or_else(|| self.wrong(node.line, format!("`{key}` is a whole number"), hint))
                })
                .transpose()
        };
        let least = match (number("gte")?, number("gt")?) {
            (Some(least), None) => least,
            (None, Some(beyond)) => beyond.saturating_add(1),
            _ => return Err(self.wrong(node.line, "the condition has one of `gte` and `gt`", hint)),
        };
        let most = if word == "value_count" { bounds::DISTINCT as u64 } else { bounds::THRESHOLD };
        if !(1..=most).contains(&least) {
            let hint = format!("at least 1, at most {most}");
            return Err(self.wrong(node.line, "the threshold is too small or too large", hint));
        }
        let field = match node.find("field") {
            Some(node) => Some(self.field(node.line, self.text(node, "field")?)?),
            None => None,
        };
        match (word, field) {
            ("event_count", None) => Ok(What::Events(least)),
            ("value_count", Some(field)) => Ok(What::Values(field, least)),
            ("value_sum", Some(field)) => Ok(What::Sum(field, least)),
            ("event_count", Some(_)) => {
                Err(self.wrong(node.line, "`event_count` counts events and needs no field", "remove `field`"))
            }
            _ => Err(self.wrong(
                node.line,
                "the condition needs to know which `field`",
                "for instance `field: resource`",
            )),
        }
    }

    /// (name of the group, rule, field there)
    fn aliases(&self, node: Option<&Node>, named: &[String]) -> Read<Vec<(String, String, String)>> {
        let mut aliases = Vec::new();
        let Some(node) = node else { return Ok(aliases) };
        for (alias, node) in self.members(node, "`aliases`")? {
            for (rule, field) in self.members(node, "an alias")? {
                if !named.contains(rule) {
                    let reason = format!("the alias is for `{}`, which `rules` does not name", shown(rule));
                    return Err(self.wrong(field.line, reason, "use the rule's name as in `rules`"));
                }
                let text = self.text(field, "an alias")?;
                aliases.push((alias.clone(), rule.clone(), self.field(field.line, text)?));
            }
        }
        Ok(aliases)
    }
}
