//! What a script asks for, read from its text: calls with their method, path, query and body; paths; pages that it draws; documents
//! of GraphQL.
//!
//! 1. The text is parsed as JavaScript, bundled and minified as it is. Strings are put together as far as they are known:
//!    templates, `+`, `concat`, `join`, constants, fields of the same class. What is not known becomes a parameter, called as it
//!    is called there.
//! 2. Calls are those of `fetch` and its like, of clients with methods called as HTTP's, of `XMLHttpRequest`, `EventSource`,
//!    `WebSocket` and `sendBeacon`, and objects that have an address and a method.
//! 3. Where the text is not whole, its quoted strings are read alone.
//!
//! Nothing here is believed before it was asked for ([`super::scripts`]).

mod fold;
mod walk;

use std::collections::BTreeSet;

use serde_json::Value;

/// What was read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Told {
    pub calls: Vec<Asked>,
    /// Paths that stand somewhere, without a method.
    pub paths: BTreeSet<String>,
    /// Pages that it draws, with parameters as `{name}`.
    pub views: BTreeSet<String>,
    /// Documents of GraphQL.
    pub documents: BTreeSet<String>,
    /// The name of its source map.
    pub map: Option<String>,
    /// Those of `views` that were relative to something.
    relative: BTreeSet<String>,
}

/// A call.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    pub method: String,
    /// With parameters as `{name}`.
    pub path: String,
    pub query: Vec<String>,
    /// Fields of its body; `null` where their value is not known.
    pub body: Vec<(String, Value)>,
    pub websocket: bool,
}

/// The most calls, and the most of everything else, of one script.
const CALLS: usize = 500;
const MOST: usize = 500;
/// The longest path.
const LONGEST: usize = 200;
/// Parts of a path.
const PARTS: usize = 12;

/// Reads a script. It wants a stack of [`gabion_syntax::STACK`].
#[must_use]
pub fn read(text: &str) -> Told {
    let parsed = gabion_syntax::parse(gabion_syntax::Language::TypeScript, text);
    let mut told = Told::default();
    if parsed.module.functions.iter().all(|function| function.body.is_empty()) {
        quoted(text, &mut told);
    } else {
        walk::walk(&parsed.module, &mut told);
    }
    // A route in another one was met by itself too.
    let relative = std::mem::take(&mut told.relative);
    let all = told.views.clone();
    told.views.retain(|view| {
        !(relative.contains(view)
            && all.iter().any(|own| own.len() > view.len() && own.ends_with(view.as_str())))
    });
    let tail = text.get(text.len().saturating_sub(500)..).unwrap_or(text);
    let map = tail.rsplit_once("sourceMappingURL=").map(|(_, rest)| rest);
    told.map = map
        .and_then(|rest| rest.split(|letter: char| letter.is_whitespace() || "*'\"".contains(letter)).next())
        .filter(|name| !name.is_empty() && !name.starts_with("data:") && name.len() < LONGEST)
        .map(str::to_owned);
    told
}

/// The strings of a text that is no program.
fn quoted(text: &str, told: &mut Told) {
    let mut rest = text;
    while let Some(at) = rest.find(['"', '\'', '`']) {
        let (_, behind) = rest.split_at(at);
        let mut letters = behind.chars();
        let quote = letters.next().unwrap_or('"');
        let inner = letters.as_str();
        let end = inner.find([quote, '\n', '\\']).unwrap_or(inner.len());
        let (word, behind) = inner.split_at(end);
        if word.len() <= LONGEST {
            literal(&word.replace("${", "{"), told);
        }
        // A string that ended is behind us; where it did not, the quote was something else.
        rest = behind.strip_prefix(quote).unwrap_or(if behind.is_empty() { "" } else { inner });
    }
}

/// A string that stands somewhere: perhaps a path, perhaps a document.
fn literal(text: &str, told: &mut Told) {
    if is_document(text) {
        if told.documents.len() < MOST {
            told.documents.insert(text.trim().to_owned());
        }
        return;
    }
    let rooted =
        ["api/", "rest/", "rpc/", "v1/", "v2/", "graphql"].iter().any(|begin| text.starts_with(begin));
    let text = if rooted { format!("/{text}") } else { text.to_owned() };
    let Some((path, _)) = path_of(&text) else { return };
    let parts = path.split('/').filter(|part| !part.is_empty()).count();
    let plain = path.split('/').nth(1).is_some_and(|part| {
        part.len() > 1 && part.starts_with(|letter: char| letter.is_ascii_alphabetic()) && !part.contains('{')
    });
    if plain && parts >= 1 && told.paths.len() < MOST {
        told.paths.insert(path);
    }
}

/// Whether a text is a document of GraphQL that asks for something.
fn is_document(text: &str) -> bool {
    let text = text.trim_start();
    let word = ["query", "mutation", "subscription"].iter().find_map(|word| text.strip_prefix(word));
    let Some(rest) = word else { return false };
    let head = rest.split('{').next().unwrap_or_default();
    rest.contains('{') && text.len() < 20_000 && head.len() < 2_000 && rest.starts_with([' ', '{', '\n', '('])
}

/// A path with its parameters, and the names of its query; nothing where a text is none. A host before it is left out only
/// where it is not known.
#[must_use]
pub fn path_of(text: &str) -> Option<(String, Vec<String>)> {
    let mut text = text.trim();
    // What is not known before the first slash is the address of a server.
    while let Some((_, rest)) = text.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
        text = rest;
    }
    let text = text.split('#').next()?;
    let (path, query) = text.split_once('?').unwrap_or((text, ""));
    if !path.starts_with('/') || path.starts_with("//") || path.len() < 2 || path.len() > LONGEST {
        return None;
    }
    let mut used: BTreeSet<String> = BTreeSet::new();
    let mut out = Vec::new();
    for part in path.split('/').skip(1) {
        let part = part.strip_prefix(':').map_or_else(|| part.to_owned(), |name| format!("{{{name}}}"));
        let Some((before, rest)) = part.split_once('{') else {
            let fits = |letter: char| letter.is_ascii_alphanumeric() || "-_.~@%+,=!$:".contains(letter);
            if !part.chars().all(fits) {
                return None;
            }
            out.push(part);
            continue;
        };
        let (name, after) = rest.split_once('}')?;
        let fits = |text: &str| {
            text.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.~@".contains(letter))
        };
        // Several in one part are one.
        let after = after.rsplit_once('}').map_or(after, |(_, after)| after);
        if !fits(before) || !fits(after) {
            return None;
        }
        let mut name: String =
            name.chars().filter(|letter| letter.is_ascii_alphanumeric() || *letter == '_').collect();
        if name.len() < 2 {
            "id".clone_into(&mut name);
        }
        let mut own = name.clone();
        let mut count = 2;
        while !used.insert(own.clone()) {
            own = format!("{name}{count}");
            count += 1;
        }
        out.push(format!("{before}{{{own}}}{after}"));
    }
    let known = out.iter().any(|part| !part.is_empty() && !part.starts_with('{'));
    if !known || out.len() > PARTS || out.iter().rev().skip(1).any(String::is_empty) {
        return None;
    }
    let names = query.split('&').filter_map(|pair| pair.split('=').next()).filter(|name| {
        !name.is_empty()
            && name.len() < 60
            && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_[].".contains(letter))
    });
    Some((format!("/{}", out.join("/")), names.map(str::to_owned).collect()))
}

#[cfg(test)]
mod tests;
