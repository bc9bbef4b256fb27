//! Patterns that are held against texts: how long that may take.

use std::rc::Rc;

use gabion_finding::Span;

use super::{Frame, Given};
use crate::models::Match;
use crate::origin::Origin;
use crate::redos::{Ambiguity, How, ambiguity};
use crate::value::Value;
use crate::world::{Hit, World};

/// Of a pattern, so much is said in a finding.
const SAID: usize = 60;

impl World<'_> {
    /// A pattern of this text stands here.
    pub(super) fn pattern_stands(&mut self, frame: &Frame, pattern: &str, flags: &str, how: How, span: Span) {
        if self.ambiguity(pattern, flags, how) != Some(Ambiguity::Exponential) {
            return;
        }
        let rules = self.rules;
        for (rule, languages) in &rules.regexes {
            if languages.contains(&frame.loaded.language()) {
                let (module, callee, within) = (frame.module, said(pattern), self.function_name(frame));
                self.hit(Hit {
                    rule: *rule,
                    module,
                    span,
                    trace: None,
                    callee: callee.into(),
                    within,
                    weak: false,
                });
            }
        }
    }

    /// A pattern is held against a text that may come from somebody else.
    pub(super) fn matched_against(
        &mut self,
        frame: &Frame,
        used: &Match,
        origin: Origin,
        receiver: Option<&Value>,
        given: &[Given],
        span: Span,
    ) {
        let patterns = self.ends(&used.pattern, receiver, given, span);
        let Some((pattern, at)) = patterns.first() else { return };
        let Some(text) = pattern.as_constant() else { return };
        if frame.loaded.language().is_script() {
            // A text that is no pattern: `a.split('x')`.
            if pattern.origin.is_none_or(|origin| &*self.text_of(origin) != "RegExp()") {
                return;
            }
        } else {
            self.pattern_stands(frame, &text, "", used.how, *at);
        }
        let kind = match self.ambiguity(&text, "", used.how) {
            Some(Ambiguity::Exponential) => "regex-exponential",
            Some(Ambiguity::Polynomial) => "regex-polynomial",
            Some(Ambiguity::Search) => "regex-search",
            None => return,
        };
        let kind = self.models.kinds.find(&[kind]);
        let Some(end) = &used.text else { return };
        for (value, _) in self.ends(end, receiver, given, span) {
            let callee = self.text_of(origin);
            self.arrived(frame, (kind, false, false), &value, span, &callee);
        }
    }

    fn ambiguity(&mut self, pattern: &str, flags: &str, how: How) -> Option<Ambiguity> {
        let ignore_case = flags.contains('i');
        let key = (Rc::from(pattern), ignore_case, how);
        if let Some(known) = self.ambiguities.get(&key) {
            return *known;
        }
        let found = ambiguity(pattern, ignore_case, how);
        self.ambiguities.insert(key, found);
        found
    }
}

fn said(pattern: &str) -> String {
    let mut text: String = pattern.chars().take(SAID).collect();
    if text.len() < pattern.len() {
        text.push('…');
    }
    text
}
