//! Patterns over the paths of [`crate::origin`].
//!
//! | | |
//! |---|---|
//! | `{a,b}` | either |
//! | `*` | any one name, or a part of one |
//! | `**` | anything |
//! | all else | itself |

use hashbrown::HashMap;

/// Patterns, each with what it stands for, found by the path.
#[derive(Debug, Clone)]
pub(crate) struct Globs<T> {
    exact: HashMap<String, Vec<T>>,
    /// By the last name, where that is sure.
    by_end: HashMap<String, Vec<(String, T)>>,
    rest: Vec<(String, T)>,
}

/// One pattern with braces gives no more.
const WIDEST: usize = 512;

impl<T> Default for Globs<T> {
    fn default() -> Self {
        Self { exact: HashMap::new(), by_end: HashMap::new(), rest: Vec::new() }
    }
}

impl<T: Copy + Ord> Globs<T> {
    /// What is wrong with the pattern, if anything.
    pub(crate) fn add(&mut self, pattern: &str, stands_for: T) -> Result<(), String> {
        for one in expanded(pattern)? {
            if !one.contains('*') {
                self.exact.entry(one).or_default().push(stands_for);
            } else if let Some(end) = last_name(&one).filter(|end| !end.contains('*') && !end.is_empty()) {
                self.by_end.entry(end.to_owned()).or_default().push((one, stands_for));
            } else {
                self.rest.push((one, stands_for));
            }
        }
        Ok(())
    }

    /// What every pattern that fits stands for, in order, each once.
    pub(crate) fn of(&self, path: &str) -> Vec<T> {
        let mut found: Vec<T> = self.exact.get(path).into_iter().flatten().copied().collect();
        let by_end = last_name(path).and_then(|end| self.by_end.get(end));
        let globs = by_end.into_iter().flatten().chain(&self.rest);
        found.extend(globs.filter(|(glob, _)| fits(glob.as_bytes(), path.as_bytes())).map(|(_, it)| *it));
        found.sort();
        found.dedup();
        found
    }
}

/// The last name of a path, with what follows it: `get()`.
fn last_name(path: &str) -> Option<&str> {
    let end = path.trim_end_matches(['(', ')', '[', ']', '=']);
    let start = end.rfind(['.', ')', ']', '~']).map_or(0, |at| at.saturating_add(1));
    if start < end.len() { path.get(start..) } else { None }
}

/// Every path without braces that a pattern stands for; braces may stand in braces.
pub(crate) fn expanded(pattern: &str) -> Result<Vec<String>, String> {
    let mut open = vec![pattern.to_owned()];
    let mut done: Vec<String> = Vec::new();
    while let Some(one) = open.pop() {
        let Some((before, words, behind)) = innermost(&one) else {
            if one.contains(['{', '}']) {
                return Err(format!("`{pattern}` has a brace without its other one"));
            }
            done.push(one);
            continue;
        };
        open.extend(words.split(',').map(|word| format!("{before}{}{behind}", word.trim())));
        if open.len().saturating_add(done.len()) > WIDEST {
            return Err(format!("`{pattern}` stands for more than {WIDEST} paths"));
        }
    }
    done.sort_unstable();
    done.dedup();
    Ok(done)
}

/// The first braces with none inside: what stands before, in and behind them.
fn innermost(pattern: &str) -> Option<(&str, &str, &str)> {
    let (start, behind) = pattern.split_once('}')?;
    let (before, words) = start.rsplit_once('{')?;
    Some((before, words, behind))
}

/// Work is bounded by the product of the lengths.
fn fits(glob: &[u8], path: &[u8]) -> bool {
    let (mut at, mut in_path) = (0, 0);
    // Where to go on when it does not fit: behind the last star, one further in the path.
    let mut again: Option<(usize, usize, bool)> = None;
    loop {
        let (wanted, there) = (glob.get(at), path.get(in_path));
        match (wanted, there) {
            (Some(b'*'), _) => {
                let double = glob.get(at.saturating_add(1)) == Some(&b'*');
                at = at.saturating_add(if double { 2 } else { 1 });
                again = Some((at, in_path, double));
                continue;
            }
            (Some(wanted), Some(there)) if wanted == there => {
                at = at.saturating_add(1);
                in_path = in_path.saturating_add(1);
                continue;
            }
            (None, None) => return true,
            _ => {}
        }
        let Some((behind, from, double)) = again else { return false };
        match path.get(from) {
            Some(byte) if double || !matches!(byte, b'.' | b'(' | b')' | b'[' | b']' | b'=') => {
                again = Some((behind, from.saturating_add(1), double));
                (at, in_path) = (behind, from.saturating_add(1));
            }
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pattern: &str, path: &str) -> bool {
        let mut globs = Globs::default();
        globs.add(pattern, 1).unwrap();
        globs.of(path) == [1]
    }

    #[test]
    fn names_alternatives_and_stars() {
        assert!(of("express().get", "express().get"));
        assert!(of("express().{get,post}()", "express().post()"));
        assert!(!of("express().{get,post}()", "express().post"));
        assert!(of("*.query()", "~db.query()"));
        assert!(!of("*.query()", "~a.db.query()"));
        assert!(of("**.query()", "mysql.createPool().getConnection().query()"));
        assert!(of("**.innerHTML=", "~el.innerHTML="));
        assert!(of("java.sql.*Statement().execute*()", "java.sql.PreparedStatement().executeQuery()"));
        assert!(!of("~db", "~dbx"));
        assert!(of("~*", "~dbx"));
        assert!(of("~*Token=", "~resetToken="));
        assert!(!of("~*Token=", "~resetToken"));
        let mut globs: Globs<u8> = Globs::default();
        assert!(globs.add("a{b", 1).is_err());
        assert!(globs.add("a}b", 1).is_err());
        assert!(of("a.{b.{c,d},e}()", "a.b.d()"));
        assert!(of("a.{b.{c,d},e}()", "a.e()"));
        assert!(!of("a.{b.{c,d},e}()", "a.b.e()"));
        assert!(globs.add("{a,b,c,d,e,f,g,h}{a,b,c,d,e,f,g,h}{a,b,c,d,e,f,g,h}{a,b}", 1).is_err());
    }
}
