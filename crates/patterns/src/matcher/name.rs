//! Names with their imports, and types.

use std::rc::Rc;

use gabion_syntax::tree::{Call, Expr, ExprKind, Type};

use super::{Bound, Env, Matcher, plain};
use crate::comparison::Worth;
use crate::family::Family;
use crate::fragment::Word;

/// Members of members.
const LONGEST: usize = 24;

impl<'t> Matcher<'_, 't> {
    /// Whether an expression is of a type, without a pattern around.
    pub(crate) fn is_type(
        target: &crate::target::Target<'t>,
        options: crate::read::Options,
        steps: &std::cell::Cell<u64>,
        wanted: &str,
        own: &Expr,
    ) -> bool {
        let Ok(fragment) = crate::fragment::Fragment::read(target.family, "x") else { return false };
        let matcher = Matcher { fragment: &fragment, target, options, steps };
        !matcher.is_of_type(wanted, own, &Env::default()).is_empty()
    }

    /// `a.b.c` of the pattern, where all of it is plain.
    fn pattern_path(&self, from: &Expr) -> Option<String> {
        let mut words = Vec::new();
        let mut next = from;
        for _ in 0..LONGEST {
            match &next.kind {
                ExprKind::Member { object, name } if matches!(self.fragment.word(*name), Word::Plain) => {
                    words.push(self.fragment.symbol(*name));
                    next = object;
                }
                ExprKind::Name(name) if matches!(self.fragment.word(*name), Word::Plain) => {
                    words.push(self.fragment.symbol(*name));
                    words.reverse();
                    return Some(words.join(".").replace("::", "."));
                }
                _ => return None,
            }
        }
        None
    }

    /// `a.b.c` of the text, where its first name is imported.
    fn imported_path(&self, from: &Expr) -> Option<String> {
        let mut words = Vec::new();
        let mut next = from;
        for _ in 0..LONGEST {
            match &next.kind {
                ExprKind::Member { object, name } => {
                    words.push(self.target.symbol(*name));
                    next = object;
                }
                ExprKind::Name(_) => {
                    let import = self.target.fact(next.span)?.import.as_ref()?;
                    let mut path = import.to_string();
                    for word in words.iter().rev() {
                        path.push('.');
                        path.push_str(word);
                    }
                    return Some(path);
                }
                _ => return None,
            }
        }
        None
    }

    /// Whether its first name is imported, or may be by `import java.util.*`. Most are neither.
    fn may_be_imported(&self, from: &Expr) -> bool {
        let mut next = from;
        for _ in 0..LONGEST {
            match &next.kind {
                ExprKind::Member { object, .. } => next = object,
                ExprKind::Name(_) => {
                    return !self.target.globs.is_empty()
                        || self.target.fact(next.span).is_some_and(|fact| fact.import.is_some());
                }
                _ => return false,
            }
        }
        false
    }

    /// A name or member of the pattern, by where the one in the text is imported from.
    pub(super) fn same_path(&self, pattern: &Expr, own: &Expr) -> bool {
        if !self.may_be_imported(own) {
            return false;
        }
        let Some(wanted) = self.pattern_path(pattern) else { return false };
        if let Some(path) = self.imported_path(own) {
            return path == wanted;
        }
        // `import java.util.*`.
        let ExprKind::Name(name) = &own.kind else { return false };
        self.target.globs.iter().any(|package| {
            wanted.strip_prefix(&**package).and_then(|rest| rest.strip_prefix('.'))
                == Some(self.target.symbol(*name))
        })
    }

    /// A type as it is written, without spaces.
    pub(crate) fn type_text(&self, of: &Type) -> String {
        let path = self.target.symbol(of.path);
        let inner: Vec<String> = of.arguments.iter().map(|one| self.type_text(one)).collect();
        match path {
            "[]" => format!("{}[]", inner.join(",")),
            _ if inner.is_empty() => path.to_owned(),
            _ => format!("{path}<{}>", inner.join(",")),
        }
    }

    /// A type of the pattern against one of the text.
    pub(super) fn of_type(&self, pattern: &Type, own: &Type, env: &Env) -> Vec<Env> {
        match self.fragment.word(pattern.path) {
            Word::Variable(name) | Word::Variables(name) => {
                let bound = Bound { span: own.span, text: plain(self.source(own.span)), worth: None };
                return env.bind(name, bound).into_iter().collect();
            }
            Word::Ellipsis => return vec![env.clone()],
            _ => {}
        }
        if !self.same_type_name(self.fragment.symbol(pattern.path), own) {
            return Vec::new();
        }
        if pattern.arguments.is_empty() {
            return vec![env.clone()];
        }
        if pattern.arguments.len() != own.arguments.len() {
            let open =
                pattern.arguments.iter().any(|one| matches!(self.fragment.word(one.path), Word::Ellipsis));
            return if open { vec![env.clone()] } else { Vec::new() };
        }
        let mut envs = vec![env.clone()];
        for (one, own) in pattern.arguments.iter().zip(&own.arguments) {
            envs = self.then(envs, |env| self.of_type(one, own, env));
        }
        envs
    }

    pub(super) fn optional_type(&self, pattern: Option<&Type>, own: Option<&Type>, env: &Env) -> Vec<Env> {
        match (pattern, own) {
            (None, _) => vec![env.clone()],
            (Some(one), Some(own)) => self.of_type(one, own, env),
            (Some(one), None) => match self.fragment.word(one.path) {
                Word::Ellipsis => vec![env.clone()],
                _ => Vec::new(),
            },
        }
    }

    fn same_type_name(&self, wanted: &str, own: &Type) -> bool {
        let path = self.target.symbol(own.path);
        let (wanted, path) = (wanted.replace("::", "."), path.replace("::", "."));
        if wanted == path {
            return true;
        }
        let (first, rest) = path.split_once('.').unwrap_or((&path, ""));
        let full = self.full_name(first, rest);
        if full.as_deref() == Some(&wanted) {
            return true;
        }
        self.target.globs.iter().any(|package| {
            wanted.strip_prefix(&**package).and_then(|rest| rest.strip_prefix('.')) == Some(path.as_str())
        })
    }

    fn full_name(&self, first: &str, rest: &str) -> Option<String> {
        let position = self.target.module.texts.iter().position(|text| **text == *first)?;
        let symbol = gabion_syntax::tree::Symbol(u32::try_from(position).ok()?);
        let import = self.target.import(symbol)?;
        Some(if rest.is_empty() { import.to_string() } else { format!("{import}.{rest}") })
    }

    /// Whether an expression is of a type as a pattern writes it; what variables in it stand for.
    pub(crate) fn is_of_type(&self, wanted: &str, own: &Expr, env: &Env) -> Vec<Env> {
        let wanted = wanted.trim().trim_start_matches(['*', '&']).trim_start_matches("mut ").replace(' ', "");
        let found = |yes: bool| if yes { vec![env.clone()] } else { Vec::new() };
        if let Some((name, "")) = crate::text_pattern::variable(&wanted) {
            let Some(of) = self.type_of(own) else { return Vec::new() };
            let bound = Bound { span: own.span, text: Rc::from(self.type_text(&of)), worth: None };
            return env.bind(&name.into(), bound).into_iter().collect();
        }
        if let Some(worth) = self.worth(own)
            && !matches!(own.kind, ExprKind::Name(_) | ExprKind::Call(_))
        {
            return found(match worth {
                Worth::Text(_) => matches!(wanted.as_str(), "string" | "String" | "str" | "java.lang.String"),
                Worth::Number(_) => matches!(
                    wanted.as_str(),
                    "int"
                        | "number"
                        | "Integer"
                        | "long"
                        | "double"
                        | "float"
                        | "Number"
                        | "float64"
                        | "int64"
                ),
                Worth::Bool(_) => matches!(wanted.as_str(), "boolean" | "bool" | "Boolean"),
                _ => false,
            });
        }
        let Some(of) = self.type_of(own) else {
            return match self.created(own) {
                Some(name) => found(self.named_type(&wanted, name)),
                None => Vec::new(),
            };
        };
        let (bare, own_text) = (wanted.split('<').next().unwrap_or(&wanted), self.type_text(&of));
        if wanted.ends_with("[]") || own_text.ends_with("[]") {
            return found(
                wanted == own_text
                    || wanted.trim_start_matches("[]") == own_text.trim_end_matches("[]")
                        && wanted.starts_with("[]"),
            );
        }
        found(if wanted.contains('<') { wanted == own_text } else { self.same_type_name(bare, &of) })
    }

    /// The type an expression says it has.
    fn type_of(&self, own: &Expr) -> Option<Type> {
        match &own.kind {
            ExprKind::Name(_) => {
                let fact = self.target.fact(own.span)?;
                let inferred = |of: &Type| matches!(self.target.symbol(of.path), "var" | "let" | "auto");
                fact.of_type.filter(|of| !inferred(of)).cloned().or_else(|| {
                    let value = fact.value.filter(|value| !matches!(value.kind, ExprKind::Name(_)))?;
                    self.type_of(value)
                })
            }
            ExprKind::Cast { to, .. } => Some(to.clone()),
            ExprKind::Object { of_type, .. } => of_type.clone(),
            ExprKind::Reference(inner) | ExprKind::Await(inner) => self.type_of(inner),
            ExprKind::Member { object, name } if matches!(object.kind, ExprKind::This) => {
                self.target.fields.iter().find(|field| field.name == *name)?.of_type.clone()
            }
            _ => None,
        }
    }

    /// The name of what a `new` makes.
    fn created<'e>(&'e self, own: &'e Expr) -> Option<&'e Expr> {
        match &own.kind {
            ExprKind::Name(_) => {
                let value = self
                    .target
                    .fact(own.span)?
                    .value
                    .filter(|value| !matches!(value.kind, ExprKind::Name(_)))?;
                self.created(value)
            }
            ExprKind::Await(inner) | ExprKind::Reference(inner) => self.created(inner),
            ExprKind::Call(Call { callee, new: true, .. }) => Some(callee),
            // A class of Python, or `T::new()`.
            ExprKind::Call(Call { callee, .. }) if self.target.family == Family::Python => Some(callee),
            ExprKind::Call(Call { callee, .. }) if self.target.family == Family::Rust => match &callee.kind {
                ExprKind::Member { object, .. } => Some(object),
                _ => None,
            },
            _ => None,
        }
    }

    fn named_type(&self, wanted: &str, name: &Expr) -> bool {
        let text = plain(self.source(name.span)).replace("::", ".");
        let bare = text.split('<').next().unwrap_or(&text);
        let wanted = wanted.split('<').next().unwrap_or(wanted).replace("::", ".");
        bare == wanted || self.imported_path(name).as_deref() == Some(&wanted)
    }
}
