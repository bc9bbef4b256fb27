//! What rules ask of variables.

use std::collections::BTreeMap;

use gabion_finding::Span;
use gabion_syntax::tree::Expr;

use crate::comparison::Worth;
use crate::evaluate::Ground;
use crate::family::Family;
use crate::formula::Condition;
use crate::matcher::{Bound, Found, Matcher};

/// Bits of randomness in each letter of what is no word, and letters it has at least.
const ENTROPY: f64 = 3.5;
const LETTERS: usize = 8;

/// The place, with what else is known of it, or nothing.
pub(crate) fn hold(ground: &Ground<'_, '_>, condition: &Condition, found: Found) -> Vec<Found> {
    let keep = |yes: bool, found: Found| if yes { vec![found] } else { Vec::new() };
    match condition {
        Condition::Regex { variable, pattern, constants } => {
            let Some(bound) = found.env.get(variable) else { return Vec::new() };
            let text = said(ground, bound, *constants);
            match pattern.fits(&text) {
                Some(fits) => keep(fits, found),
                None => {
                    ground.cut.set(true);
                    Vec::new()
                }
            }
        }
        Condition::Comparison { variable, comparison } => {
            if variable.as_ref().is_some_and(|variable| found.env.get(variable).is_none()) {
                return Vec::new();
            }
            let holds = comparison.holds(&|name| found.env.get(name).map(|bound| worth(ground, bound)));
            keep(holds, found)
        }
        Condition::Entropy { variable } => {
            let Some(bound) = found.env.get(variable) else { return Vec::new() };
            let random = entropy(&said(ground, bound, true)) >= ENTROPY;
            keep(random, found)
        }
        Condition::Redos { variable } => {
            let Some(bound) = found.env.get(variable) else { return Vec::new() };
            let steps_back = nests(&said(ground, bound, true));
            keep(steps_back, found)
        }
        Condition::Type { variable, types } => {
            let Some(bound) = found.env.get(variable) else { return Vec::new() };
            let fits = types.iter().any(|wanted| is_of_type(ground, bound.span, wanted));
            keep(fits, found)
        }
        Condition::Pattern { variable, family, op } => {
            let Some(bound) = found.env.get(variable).cloned() else { return Vec::new() };
            inner(ground, &bound, *family, op)
                .into_iter()
                .filter_map(|one| found.env.join(&one.env))
                .map(|env| Found { span: found.span, env })
                .take(8)
                .collect()
        }
    }
}

/// Where a formula holds in what a variable stands for.
fn inner(
    ground: &Ground<'_, '_>,
    bound: &Bound,
    family: Option<Family>,
    op: &crate::formula::Op,
) -> Vec<Found> {
    let mut own = Ground {
        code: ground.code,
        text: ground.text,
        within: bound.span,
        family: ground.family,
        options: ground.options,
        steps: ground.steps,
        cut: ground.cut,
    };
    match family {
        None => own.eval(op),
        Some(family) if family.is_code() && family == ground.family => own.eval(op),
        Some(family) => {
            // Another language in a text: only words and signs are looked at.
            own.code = None;
            own.family = family;
            own.eval(op)
        }
    }
}

/// What a variable stands for, as regular expressions see it.
fn said(ground: &Ground<'_, '_>, bound: &Bound, constants: bool) -> String {
    match &bound.worth {
        Some(Worth::Text(text)) if constants => text.to_string(),
        Some(Worth::Number(number)) if constants && !is_number(bound.span.of(ground.text)) => {
            number.to_string()
        }
        _ => bound.span.of(ground.text).to_owned(),
    }
}

fn is_number(text: &str) -> bool {
    text.starts_with(|sign: char| sign.is_ascii_digit() || sign == '-')
}

fn worth(ground: &Ground<'_, '_>, bound: &Bound) -> Worth {
    bound.worth.clone().unwrap_or_else(|| {
        let text = bound.span.of(ground.text);
        text.parse().map_or_else(|_| Worth::Text(text.into()), Worth::Number)
    })
}

fn is_of_type(ground: &Ground<'_, '_>, span: Span, wanted: &str) -> bool {
    let Some(target) = ground.code else { return false };
    let at = target.exprs.iter().copied().filter(|one: &&Expr| one.span == span);
    // Any pattern does: only the target is asked.
    let mut exprs = at;
    exprs.any(|one| Matcher::is_type(target, ground.options, ground.steps, wanted, one))
}

fn entropy(text: &str) -> f64 {
    let length = text.chars().count();
    if length < LETTERS {
        return 0.0;
    }
    let mut counts: BTreeMap<char, f64> = BTreeMap::new();
    text.chars().for_each(|sign| *counts.entry(sign).or_default() += 1.0);
    let length = length as f64;
    -counts.values().map(|count| count / length * (count / length).log2()).sum::<f64>()
}

/// A repetition of what is itself repeated without end: `(a+)+`, `(a|a)*`, `(.*,)*`.
fn nests(pattern: &str) -> bool {
    let mut open: Vec<bool> = Vec::new();
    let mut signs = pattern.chars().peekable();
    let mut set = false;
    while let Some(sign) = signs.next() {
        match sign {
            '\\' => {
                signs.next();
            }
            '[' => set = true,
            ']' => set = false,
            _ if set => {}
            '(' => open.push(false),
            ')' => {
                let inner = open.pop().unwrap_or(false);
                let repeated = matches!(signs.peek(), Some('*' | '+' | '{'));
                if inner && repeated {
                    return true;
                }
                if let Some(last) = open.last_mut() {
                    *last |= inner || repeated;
                }
            }
            '*' | '+' => {
                if let Some(last) = open.last_mut() {
                    *last = true;
                }
            }
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn randomness_and_repetition() {
        assert!(
            entropy("hV8nQ2zLr5Xw0TbKc7Jd") >= ENTROPY
                && entropy("password") < ENTROPY
                && entropy("aB3") < ENTROPY
        );
        assert!(nests("^(a+)+$") && nests("(?:x*y)*") && nests("((ab)+c)*"));
        assert!(!nests("^(a+)$") && !nests("[(a+)+]") && !nests(r"\(a+\)+") && !nests("(ab)+"));
    }
}
