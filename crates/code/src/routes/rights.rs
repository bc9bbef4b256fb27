//! Types of a tree that hold rights: fields by which somebody gets more than others, and that a request may fill.

use gabion_syntax::Language;
use gabion_syntax::tree::{Class, Entry, Expr, ExprKind, Key};
use hashbrown::HashMap;

use crate::world::{Loaded, World};

/// Names of such fields, in lower case and without `_`.
const RIGHTS: &[&str] = &[
    "accesslevel",
    "accountbalance",
    "accounttype",
    "admin",
    "approved",
    "authorities",
    "balance",
    "credits",
    "emailverified",
    "isadmin",
    "isapproved",
    "ismoderator",
    "isroot",
    "isstaff",
    "issuperuser",
    "isverified",
    "permissions",
    "privileges",
    "role",
    "roleid",
    "roles",
    "superuser",
    "userrole",
    "usertype",
];
/// Words at a field by which no request fills it.
const KEPT: &[&str] = &[
    "-",
    "JsonIgnore",
    "READ_ONLY",
    "exclude",
    "init_var",
    "readOnly",
    "read_only",
    "skip",
    "skip_deserializing",
];
/// Parts of a decorator that are looked at.
const PARTS: usize = 32;

/// Languages and names of types, and whether each of that name holds rights.
pub(crate) type Rights = HashMap<(Language, Box<str>), bool>;

impl World<'_> {
    /// Reads the types of the tree, once.
    pub(crate) fn read_rights(&mut self) {
        if self.routes.rights.is_some() {
            return;
        }
        let languages = [Language::Go, Language::Java, Language::Python, Language::Rust];
        let mut rights = Rights::new();
        for module in 0..self.units.len() {
            let Some(loaded) = self.load_of(module, &languages) else { continue };
            for class in &loaded.module().classes {
                let Some(name) = class.name.map(|name| loaded.text(name)) else { continue };
                if class.fields.is_empty() {
                    continue;
                }
                let holds = holds_rights(&loaded, class);
                let key = (loaded.language(), last_word(name).into());
                rights.entry(key).and_modify(|all| *all &= holds).or_insert(holds);
            }
        }
        self.routes.rights = Some(rights);
    }

    /// Whether a type of that name holds rights.
    pub(crate) fn has_rights(&self, language: Language, name: &str) -> bool {
        let rights = self.routes.rights.as_ref();
        rights.and_then(|rights| rights.get(&(language, last_word(name).into()))).is_some_and(|holds| *holds)
    }
}

/// `User` of `store.User`, `crate::store::User`.
fn last_word(name: &str) -> &str {
    name.rsplit(['.', ':']).next().unwrap_or(name)
}

fn holds_rights(loaded: &Loaded, class: &Class) -> bool {
    class.fields.iter().any(|field| {
        let name = loaded.text(field.name).to_lowercase().replace('_', "");
        let mut left = PARTS;
        let kept = field.decorators.iter().chain(&field.value).any(|one| is_kept(loaded, one, &mut left));
        RIGHTS.contains(&name.as_str()) && !kept
    })
}

/// Whether what stands at a field says that no request fills it.
fn is_kept(loaded: &Loaded, from: &Expr, left: &mut usize) -> bool {
    let Some(rest) = left.checked_sub(1) else { return false };
    *left = rest;
    let says = |text: &str| KEPT.contains(&text) || text.contains("json:\"-") || text.contains("skip");
    match &from.kind {
        ExprKind::Name(name) => says(loaded.text(*name)),
        ExprKind::String(text) => says(loaded.text(*text)),
        ExprKind::Member { object, name } => says(loaded.text(*name)) || is_kept(loaded, object, left),
        ExprKind::Call(call) => {
            is_kept(loaded, &call.callee, left)
                || call.arguments.iter().any(|argument| {
                    argument.name.is_some_and(|name| says(loaded.text(name)))
                        || is_kept(loaded, &argument.value, left)
                })
        }
        ExprKind::List { items, .. } | ExprKind::Unknown(items) => {
            items.iter().any(|item| is_kept(loaded, item, left))
        }
        ExprKind::Object { entries, .. } => entries.iter().any(|entry| match entry {
            Entry::Pair(Key::Name(name), value) => says(loaded.text(*name)) || is_kept(loaded, value, left),
            Entry::Pair(Key::Computed(_), value) | Entry::Spread(value) => is_kept(loaded, value, left),
        }),
        _ => false,
    }
}
