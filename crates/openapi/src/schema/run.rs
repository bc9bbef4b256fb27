//! Validation: a schema on a value, and all that follows from it.
//!
//! The good path notes nothing but marks. A document that fails is gone through once more to say why.

mod alternatives;
mod unknown;

use super::code::{
    ArrayRules, Code, Constants, Dependent, Excluded, Id, NEVER, NumberRules, ObjectRules, Schema,
    StringRules, types,
};
use super::error::{Rule, Violation};
use super::marks::{DESCRIBED, DROPPED, KNOWN, Marks, NAMED, Tracker};
use super::options::Handling;
use super::path::{Path, Segment};
use crate::json::{Decimal, Document, Items, Members, Node, View};

/// How deep schemas may be inside each other while validating: values are nested, and so are references.
const DEEPEST: u32 = 400;

/// One validation.
pub(super) struct Run<'p> {
    code: &'p Code,
    steps: u32,
    depth: u32,
    pub(super) tracker: Option<Tracker>,
    reporting: bool,
    pub(super) violations: Vec<Violation>,
    /// Steps or depth ran out: whatever was found, the document is refused.
    pub(super) stopped: bool,
}

/// The schema resources that were entered, innermost first (2020-12 core §7.1).
#[derive(Clone, Copy)]
struct Scope<'s> {
    resource: u32,
    outer: Option<&'s Scope<'s>>,
}

impl<'p> Run<'p> {
    pub(super) fn new(code: &'p Code, document: &Document<'_>, reporting: bool) -> Self {
        let tracks = code.unknown != Handling::Allow || code.other_direction == Handling::Strip;
        Self {
            code,
            steps: code.steps,
            depth: DEEPEST,
            tracker: tracks.then(|| Tracker::new(document.len())),
            reporting,
            violations: Vec::new(),
            stopped: false,
        }
    }

    /// Whether the document fits.
    pub(super) fn judge(&mut self, entry: Id, document: &Document<'_>) -> bool {
        let root = document.root();
        let resource = self.code.schemas.get(entry as usize).map_or(0, |schema| schema.resource);
        let scope = Scope { resource, outer: None };
        let good = self.apply(entry, root, &Path::ROOT, scope, None) && !self.stopped;
        let remarkable = self.tracker.as_ref().is_some_and(Tracker::is_remarkable);
        if (good || self.reporting && !self.stopped) && remarkable && self.code.unknown == Handling::Refuse {
            return self.refuse_unknown(root, &Path::ROOT) && good;
        }
        good
    }

    /// Notes a violation. Whether to go on and look for more.
    #[cold]
    fn fail(&mut self, path: &Path<'_>, rule: Rule) -> bool {
        if self.reporting && self.violations.len() < self.code.violations {
            let violation = Violation { pointer: path.to_string(), rule };
            if !self.violations.contains(&violation) {
                self.violations.push(violation);
            }
        }
        self.reporting && self.violations.len() < self.code.violations
    }

    #[inline]
    fn track(&mut self, node: usize, mark: u8) {
        if let Some(tracker) = &mut self.tracker {
            tracker.set(node, mark);
        }
    }

    /// Nothing more is found out.
    const fn stop(&mut self) -> bool {
        self.stopped = true;
        false
    }

    fn apply(
        &mut self,
        id: Id,
        node: Node<'_>,
        path: &Path<'_>,
        scope: Scope<'_>,
        marks: Option<&mut Marks>,
    ) -> bool {
        let code = self.code;
        let Some(schema) = code.schemas.get(id as usize) else { return self.stop() };
        if self.steps == 0 || self.depth == 0 || self.stopped {
            return self.stop();
        }
        self.steps -= 1;
        self.depth -= 1;
        let good = if schema.resource == scope.resource || code.dynamic.is_empty() {
            self.schema(schema, node, path, scope, marks)
        } else {
            let inner = Scope { resource: schema.resource, outer: Some(&scope) };
            self.schema(schema, node, path, inner, marks)
        };
        self.depth += 1;
        good
    }

    /// Tries a schema on a value: a failure leaves nothing behind.
    fn attempt(
        &mut self,
        id: Id,
        node: Node<'_>,
        path: &Path<'_>,
        scope: Scope<'_>,
        marks: Option<&mut Marks>,
    ) -> bool {
        let reporting = std::mem::replace(&mut self.reporting, false);
        let begun = self.tracker.as_mut().map(Tracker::begin);
        let good = self.apply(id, node, path, scope, marks);
        if let (Some(tracker), Some(begun)) = (&mut self.tracker, begun) {
            tracker.end(begun, good);
        }
        self.reporting = reporting;
        good
    }

    fn schema(
        &mut self,
        schema: &Schema,
        node: Node<'_>,
        path: &Path<'_>,
        scope: Scope<'_>,
        marks: Option<&mut Marks>,
    ) -> bool {
        let view = node.view();
        if !fits_type(schema.types, &view) {
            self.fail(
                path,
                schema.type_names.as_ref().map_or(Rule::False, |names| Rule::Type(names.clone())),
            );
            return false;
        }
        let mut good = true;
        if let Some(constants) = &schema.constants
            && !is_among(constants, node, &view)
        {
            good = false;
            if !self.fail(path, if constants.single { Rule::Const } else { Rule::Enum }) {
                return false;
            }
        }
        let unevaluated = match &view {
            View::Array(_) => schema.unevaluated_items,
            View::Object(_) => schema.unevaluated_properties,
            _ => None,
        };
        let Some(rest) = unevaluated else {
            return self.parts(schema, node, view, path, scope, marks) && good;
        };
        let mut own = Marks::default();
        if !self.parts(schema, node, view, path, scope, Some(&mut own)) {
            good = false;
            if !self.reporting {
                return false;
            }
        }
        good &= self.unevaluated(rest, view, path, scope, &own);
        own.set_all();
        if let Some(outer) = marks {
            outer.merge(&own);
        }
        good
    }

    /// What the keywords say but `type`, `enum`, `const` and `unevaluated…`.
    fn parts(
        &mut self,
        schema: &Schema,
        node: Node<'_>,
        view: View<'_>,
        path: &Path<'_>,
        scope: Scope<'_>,
        mut marks: Option<&mut Marks>,
    ) -> bool {
        let mut good = match (view, &schema.number, &schema.string, &schema.array, &schema.object) {
            (View::Number(text), Some(rules), ..) => self.number(rules, text, path),
            (View::String(text), _, Some(rules), ..) => self.string(rules, text, path),
            (View::Array(items), _, _, Some(rules), _) => {
                self.array(rules, items, path, scope, marks.as_deref_mut())
            }
            (View::Object(members), _, _, _, Some(rules)) => {
                self.object(rules, node, members, path, scope, marks.as_deref_mut())
            }
            _ => true,
        };
        for applied in &schema.applied {
            if !good && !self.reporting {
                return false;
            }
            good &= self.applied(applied, node, path, scope, marks.as_deref_mut());
        }
        good
    }

    fn number(&mut self, rules: &NumberRules, text: &str, path: &Path<'_>) -> bool {
        let mut good = true;
        for bound in &rules.least {
            let order = bound.compare(text);
            if order.is_lt() || bound.exclusive && order.is_eq() {
                good = false;
                let number = bound.text.clone();
                let rule =
                    if bound.exclusive { Rule::ExclusiveMinimum(number) } else { Rule::Minimum(number) };
                if !self.fail(path, rule) {
                    return false;
                }
            }
        }
        for bound in &rules.most {
            let order = bound.compare(text);
            if order.is_gt() || bound.exclusive && order.is_eq() {
                good = false;
                let number = bound.text.clone();
                let rule =
                    if bound.exclusive { Rule::ExclusiveMaximum(number) } else { Rule::Maximum(number) };
                if !self.fail(path, rule) {
                    return false;
                }
            }
        }
        if let Some((divisor, small)) = &rules.multiple_of {
            let fits = match (crate::json::small(text), small) {
                (Some(number), Some(divisor)) => number.checked_rem(*divisor) == Some(0),
                _ => Decimal::of(text).is_multiple_of(&divisor.decimal()) == Some(true),
            };
            if !fits {
                good = false;
                if !self.fail(path, Rule::MultipleOf(divisor.as_str().into())) {
                    return false;
                }
            }
        }
        if let Some(format) = rules.format
            && !format.fits_number(text)
        {
            good = false;
            self.fail(path, Rule::Format(format.name()));
        }
        good
    }

    fn string(&mut self, rules: &StringRules, text: &str, path: &Path<'_>) -> bool {
        let mut good = true;
        let bytes = text.len() as u64;
        // A character has one to four bytes: most lengths need no counting.
        if bytes < rules.least.saturating_mul(4) && (text.chars().count() as u64) < rules.least {
            good = false;
            if !self.fail(path, Rule::MinLength(rules.least)) {
                return false;
            }
        }
        if let Some(most) = rules.most
            && bytes > most
            && text.chars().count() as u64 > most
        {
            good = false;
            if !self.fail(path, Rule::MaxLength(most)) {
                return false;
            }
        }
        if let Some(format) = rules.format
            && !format.fits(text)
        {
            good = false;
            if !self.fail(path, Rule::Format(format.name())) {
                return false;
            }
        }
        if let Some((matcher, pattern)) = &rules.pattern
            && !matcher.is_match(text)
        {
            good = false;
            self.fail(path, Rule::Pattern(pattern.clone()));
        }
        good
    }

    fn array(
        &mut self,
        rules: &ArrayRules,
        items: Items<'_>,
        path: &Path<'_>,
        scope: Scope<'_>,
        mut marks: Option<&mut Marks>,
    ) -> bool {
        let mut good = true;
        let count = items.len() as u64;
        if count < rules.least {
            good = false;
            if !self.fail(path, Rule::MinItems(rules.least)) {
                return false;
            }
        }
        if let Some(most) = rules.most.filter(|most| count > *most) {
            // The items are not gone through: there may be very many.
            self.fail(path, Rule::MaxItems(most));
            return false;
        }
        if !rules.prefix.is_empty() || rules.rest.is_some() {
            for (index, item) in items.enumerate() {
                let Some(id) = rules.prefix.get(index).copied().or(rules.rest) else { break };
                if id == NEVER {
                    good = false;
                    self.fail(path, Rule::UnknownItems);
                    break;
                }
                if !self.apply(id, item, &path.child(Segment::Index(index)), scope, None) {
                    good = false;
                    if !self.reporting {
                        return false;
                    }
                }
                if let Some(marks) = marks.as_deref_mut() {
                    marks.set(index);
                }
            }
        }
        if let Some(contains) = &rules.contains {
            let mut found = 0_u64;
            for (index, item) in items.enumerate() {
                if self.attempt(contains.schema, item, path, scope, None) {
                    found += 1;
                    if let Some(marks) = marks.as_deref_mut() {
                        marks.set(index);
                    }
                }
            }
            if found < contains.least || contains.most.is_some_and(|most| found > most) {
                good = false;
                if !self.fail(path, Rule::Contains { least: contains.least, most: contains.most }) {
                    return false;
                }
            }
        }
        if rules.unique {
            match super::unique::has_twins(items, &mut self.steps) {
                Some(false) => {}
                Some(true) => {
                    good = false;
                    self.fail(path, Rule::UniqueItems);
                }
                None => return self.stop(),
            }
        }
        good
    }

    fn object(
        &mut self,
        rules: &ObjectRules,
        node: Node<'_>,
        members: Members<'_>,
        path: &Path<'_>,
        scope: Scope<'_>,
        mut marks: Option<&mut Marks>,
    ) -> bool {
        let mut good = true;
        let count = members.len() as u64;
        if count < rules.least {
            good = false;
            if !self.fail(path, Rule::MinProperties(rules.least)) {
                return false;
            }
        }
        if let Some(most) = rules.most.filter(|most| count > *most) {
            self.fail(path, Rule::MaxProperties(most));
            return false;
        }
        let (mut required, mut guess, mut others) = (0, 0, false);
        for (ordinal, (key, value)) in members.enumerate() {
            let name = key.as_str().unwrap_or_default();
            let mut evaluated = false;
            let mut fits = true;
            if let Some((at, member)) = rules.names.find(name, guess) {
                guess = at + 1;
                required += u32::from(member.required);
                if let Some(id) = member.schema {
                    evaluated = true;
                    if self.reporting {
                        self.track(value.index(), NAMED);
                    }
                    fits &= self.member(id, value, &path.child(Segment::Name(name)), scope);
                }
            }
            for (matcher, id) in &rules.patterns {
                if matcher.is_match(name) {
                    evaluated = true;
                    fits &= self.member(*id, value, &path.child(Segment::Any), scope);
                }
            }
            match rules.additional {
                Some(NEVER) if !evaluated => {
                    fits = false;
                    self.fail(path, Rule::UnknownMember);
                }
                Some(id) if !evaluated => {
                    evaluated = true;
                    fits &= self.member(id, value, &path.child(Segment::Any), scope);
                }
                _ => {}
            }
            if evaluated {
                self.track(value.index(), KNOWN);
                if let Some(marks) = marks.as_deref_mut() {
                    marks.set(ordinal);
                }
            } else {
                others = true;
            }
            if let Some(id) = rules.property_names
                && !self.attempt(id, key, path, scope, None)
            {
                fits = false;
                self.fail(path, Rule::PropertyNames);
            }
            if !fits {
                good = false;
                if !self.reporting {
                    return false;
                }
            }
        }
        // Where all members are evaluated here, none is unknown, whatever others say.
        if others && rules.describes {
            self.track(node.index(), DESCRIBED);
        }
        if required < rules.required {
            good = false;
            if !self.reporting {
                return false;
            }
            for (name, _) in
                rules.names.iter().filter(|(name, member)| member.required && node.get(name).is_none())
            {
                self.fail(path, Rule::Required(name.into()));
            }
        }
        for (because, dependent) in &rules.dependent {
            if !good && !self.reporting {
                return false;
            }
            if node.get(because).is_none() {
                continue;
            }
            match dependent {
                Dependent::Schema(id) => good &= self.apply(*id, node, path, scope, marks.as_deref_mut()),
                Dependent::Names(names) => {
                    for name in names.iter().filter(|name| node.get(name).is_none()) {
                        good = false;
                        self.fail(
                            path,
                            Rule::DependentRequired { name: name.clone(), because: because.clone() },
                        );
                    }
                }
            }
        }
        good
    }

    /// A member's value, which may have no business in this direction.
    fn member(&mut self, id: Id, value: Node<'_>, path: &Path<'_>, scope: Scope<'_>) -> bool {
        let excluded = self.code.schemas.get(id as usize).and_then(|schema| schema.excluded);
        match (excluded, self.code.other_direction) {
            (None, _) | (Some(_), Handling::Allow) => self.apply(id, value, path, scope, None),
            (Some(_), Handling::Strip) => {
                self.track(value.index(), DROPPED);
                true
            }
            (Some(excluded), Handling::Refuse) => {
                let read_only = excluded == Excluded::ReadOnly;
                self.fail(path, if read_only { Rule::ReadOnly } else { Rule::WriteOnly });
                false
            }
        }
    }

    fn unevaluated(
        &mut self,
        rest: Id,
        view: View<'_>,
        path: &Path<'_>,
        scope: Scope<'_>,
        marks: &Marks,
    ) -> bool {
        let mut good = true;
        match view {
            View::Array(items) => {
                for (index, item) in items.enumerate().filter(|(index, _)| !marks.has(*index)) {
                    let fits = if rest == NEVER {
                        self.fail(path, Rule::UnknownItems);
                        false
                    } else {
                        self.apply(rest, item, &path.child(Segment::Index(index)), scope, None)
                    };
                    good &= fits;
                    if !good && !self.reporting {
                        return false;
                    }
                }
            }
            View::Object(members) => {
                for (_, (_, value)) in members.enumerate().filter(|(index, _)| !marks.has(*index)) {
                    let fits = if rest == NEVER {
                        self.fail(path, Rule::UnknownMember);
                        false
                    } else {
                        self.track(value.index(), KNOWN);
                        self.member(rest, value, &path.child(Segment::Any), scope)
                    };
                    good &= fits;
                    if !good && !self.reporting {
                        return false;
                    }
                }
            }
            _ => {}
        }
        good
    }
}

#[inline]
fn fits_type(allowed: u8, view: &View<'_>) -> bool {
    let bit = match view {
        View::Null => types::NULL,
        View::Bool(_) => types::BOOLEAN,
        View::String(_) => types::STRING,
        View::Array(_) => types::ARRAY,
        View::Object(_) => types::OBJECT,
        View::Number(text) => {
            let numbers = allowed & (types::INTEGER | types::FRACTION);
            return match numbers {
                0 => false,
                types::INTEGER => crate::json::small(text).is_some() || Decimal::of(text).is_integer(),
                types::FRACTION => !Decimal::of(text).is_integer(),
                _ => true,
            };
        }
    };
    allowed & bit != 0
}

fn is_among(constants: &Constants, node: Node<'_>, view: &View<'_>) -> bool {
    match (view, &constants.strings) {
        (View::String(text), Some(strings)) => strings.find(text, 0).is_some(),
        _ => constants.values.iter().any(|value| node.equals(value)),
    }
}
