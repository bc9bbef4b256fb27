//! `paths:` of a rule: which files it is for.

use regex::Regex;

/// What is named, and what is left out.
#[derive(Debug, Default)]
pub(crate) struct PathFilter {
    include: Vec<Regex>,
    exclude: Vec<Regex>,
}

impl PathFilter {
    pub(crate) fn add(&mut self, glob: &str, include: bool) -> Result<(), String> {
        let regex = Regex::new(&expression(glob)).map_err(|_| format!("`{glob}` is no pattern of paths"))?;
        if include { &mut self.include } else { &mut self.exclude }.push(regex);
        Ok(())
    }

    pub(crate) fn wants(&self, path: &str) -> bool {
        (self.include.is_empty() || self.include.iter().any(|one| one.is_match(path)))
            && !self.exclude.iter().any(|one| one.is_match(path))
    }
}

/// Everywhere in the tree, unless it begins with `/`; a folder stands for all in it.
fn expression(glob: &str) -> String {
    let anchored = glob.starts_with('/');
    let mut regex = String::from(if anchored { "^" } else { "(?:^|/)" });
    let mut signs = glob.trim_matches('/').chars().peekable();
    while let Some(sign) = signs.next() {
        match sign {
            '*' if signs.peek() == Some(&'*') => {
                signs.next();
                if signs.peek() == Some(&'/') {
                    signs.next();
                    regex.push_str("(?:.*/)?");
                } else {
                    regex.push_str(".*");
                }
            }
            '*' => regex.push_str("[^/]*"),
            '?' => regex.push_str("[^/]"),
            '[' => {
                regex.push('[');
                for inner in signs.by_ref() {
                    match inner {
                        ']' => break,
                        '!' => regex.push('^'),
                        '-' => regex.push('-'),
                        other => regex.push_str(&regex::escape(&other.to_string())),
                    }
                }
                regex.push(']');
            }
            other => regex.push_str(&regex::escape(&other.to_string())),
        }
    }
    regex.push_str("(?:/|$)");
    regex
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_named_as_git_does() {
        let wants = |include: &[&str], exclude: &[&str], path: &str| {
            let mut filter = PathFilter::default();
            include.iter().for_each(|glob| filter.add(glob, true).unwrap());
            exclude.iter().for_each(|glob| filter.add(glob, false).unwrap());
            filter.wants(path)
        };
        assert!(wants(&[], &[], "a/b.py"));
        assert!(wants(&["*.py"], &[], "a/b.py"));
        assert!(!wants(&["*.py"], &[], "a/b.pyc"));
        assert!(!wants(&[], &["tests/"], "x/tests/a.py"));
        assert!(wants(&["src/**/a.ts"], &[], "src/a.ts") && wants(&["src/**/a.ts"], &[], "x/src/b/c/a.ts"));
        assert!(!wants(&["/src"], &[], "x/src/a.ts") && wants(&["/src"], &[], "src/a.ts"));
        assert!(wants(&["*.{js"], &[], "a.{js"));
    }
}
