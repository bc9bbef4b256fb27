//! Which path template a path belongs to: a tree of segments, concrete before templated (OpenAPI 3.1 §4.8.8.2).
//!
//! A node of the tree is looked at once at most for a path, so that a lookup costs no more than the tree is
//! large, and in practice a step per segment.

use std::collections::BTreeMap;

use smallvec::SmallVec;

use crate::encoding::canonical;

/// What stands in the free parts of a path, still encoded.
pub(crate) type Values<'a> = SmallVec<[&'a str; 4]>;

/// Path templates, each with a number.
#[derive(Debug, Clone)]
pub(crate) struct Router {
    nodes: Vec<Node>,
}

#[derive(Debug, Clone, Default)]
struct Node {
    literals: BTreeMap<Box<str>, usize>,
    /// More literal text first.
    templates: Vec<(Segment, usize)>,
    end: Option<usize>,
}

/// A segment with free parts: text, free, text, free, …, text.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Segment {
    /// One more than there are free parts.
    texts: Vec<String>,
}

/// A template that the tree does not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unroutable {
    /// Not a path template.
    Syntax(&'static str),
    /// Another template matches the same paths.
    Same(usize),
}

impl Router {
    pub(crate) fn new() -> Self {
        Self { nodes: vec![Node::default()] }
    }

    /// Adds a template; answers the names of its free parts in order.
    pub(crate) fn add(&mut self, template: &str, number: usize) -> Result<Vec<String>, Unroutable> {
        let Some(path) = template.strip_prefix('/') else {
            return Err(Unroutable::Syntax("a path begins with `/`"));
        };
        let mut names = Vec::new();
        let mut at = 0;
        for part in path.split('/') {
            let (segment, found) = Segment::parse(part)?;
            names.extend(found);
            let next = self.nodes.len();
            let Some(node) = self.nodes.get_mut(at) else { return Err(Unroutable::Syntax("too deep")) };
            at = match segment.literal() {
                Some(literal) => *node.literals.entry(literal.into()).or_insert(next),
                None => match node.templates.iter().find(|(known, _)| *known == segment) {
                    Some((_, known)) => *known,
                    None => {
                        node.templates.push((segment, next));
                        node.templates.sort_by_key(|(segment, _)| std::cmp::Reverse(segment.weight()));
                        next
                    }
                },
            };
            if at == next {
                self.nodes.push(Node::default());
            }
        }
        let Some(node) = self.nodes.get_mut(at) else { return Err(Unroutable::Syntax("too deep")) };
        if let Some(other) = node.end {
            return Err(Unroutable::Same(other));
        }
        node.end = Some(number);
        Ok(names)
    }

    /// The template a normalised path belongs to, and what stands in its free parts.
    pub(crate) fn find<'a>(&self, path: &'a str) -> Option<(usize, Values<'a>)> {
        let mut values = Values::new();
        let number = self.descend(0, Some(path.strip_prefix('/')?), &mut values)?;
        Some((number, values))
    }

    fn descend<'a>(&self, at: usize, rest: Option<&'a str>, values: &mut Values<'a>) -> Option<usize> {
        let node = self.nodes.get(at)?;
        let Some(rest) = rest else { return node.end };
        let (part, rest) = match rest.split_once('/') {
            Some((part, rest)) => (part, Some(rest)),
            None => (rest, None),
        };
        if let Some(next) = node.literals.get(part)
            && let Some(found) = self.descend(*next, rest, values)
        {
            return Some(found);
        }
        for (segment, next) in &node.templates {
            let before = values.len();
            if segment.fits(part, values)
                && let Some(found) = self.descend(*next, rest, values)
            {
                return Some(found);
            }
            values.truncate(before);
        }
        None
    }
}

impl Segment {
    fn parse(part: &str) -> Result<(Self, Vec<String>), Unroutable> {
        let (mut texts, mut names) = (Vec::new(), Vec::new());
        let mut rest = part;
        while let Some((text, after)) = rest.split_once('{') {
            let Some((name, after)) = after.split_once('}') else {
                return Err(Unroutable::Syntax("`{` has no `}`"));
            };
            if name.is_empty() || name.contains(['{', '}']) {
                return Err(Unroutable::Syntax("a name in braces is missing"));
            }
            if !names.is_empty() && text.is_empty() {
                return Err(Unroutable::Syntax("two names follow each other with nothing between them"));
            }
            texts.push(canonical(text));
            names.push(name.to_owned());
            rest = after;
        }
        if rest.contains('}') {
            return Err(Unroutable::Syntax("`}` has no `{`"));
        }
        if rest.contains(['?', '#']) {
            return Err(Unroutable::Syntax("a path has no query and no fragment"));
        }
        texts.push(canonical(rest));
        Ok((Self { texts }, names))
    }

    fn literal(&self) -> Option<&str> {
        match self.texts.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }

    fn weight(&self) -> usize {
        self.texts.iter().map(String::len).sum()
    }

    fn fits<'a>(&self, part: &'a str, values: &mut Values<'a>) -> bool {
        let [first, middle @ .., last] = self.texts.as_slice() else { return false };
        let Some(part) = part.strip_prefix(first.as_str()) else { return false };
        let Some(mut rest) = part.strip_suffix(last.as_str()) else { return false };
        for text in middle {
            // The shortest value that is not empty.
            let mut search = rest.char_indices().skip(1).map(|(at, _)| at);
            let found = search.find_map(|at| {
                let (value, after) = rest.split_at_checked(at)?;
                Some((value, after.strip_prefix(text.as_str())?))
            });
            let Some((value, after)) = found else { return false };
            values.push(value);
            rest = after;
        }
        if rest.is_empty() {
            return false;
        }
        values.push(rest);
        true
    }
}

#[cfg(test)]
mod tests {
    use smallvec::smallvec;

    use super::*;

    fn router(templates: &[&str]) -> Router {
        let mut router = Router::new();
        for (number, template) in templates.iter().enumerate() {
            router.add(template, number).unwrap();
        }
        router
    }

    #[test]
    fn concrete_comes_before_templated_and_gives_way_where_it_leads_nowhere() {
        let router = router(&["/", "/users/{id}", "/users/me", "/users/{id}/posts", "/{a}/me/x"]);
        assert_eq!(router.find("/"), Some((0, smallvec![])));
        assert_eq!(router.find("/users/me"), Some((2, smallvec![])));
        assert_eq!(router.find("/users/7"), Some((1, smallvec!["7"])));
        assert_eq!(router.find("/users/me/posts"), Some((3, smallvec!["me"])));
        assert_eq!(router.find("/users/me/x"), Some((4, smallvec!["users"])));
        assert_eq!(router.find("/users/"), None);
        assert_eq!(router.find("/users"), None);
        assert_eq!(router.find("/users/7/posts/"), None);
        assert_eq!(router.find("*"), None);
    }

    #[test]
    fn a_segment_may_have_several_free_parts() {
        let router = router(&["/c/{base}...{head}", "/f/{name}.json", "/f/{name}", "/v1/{name}:cancel"]);
        assert_eq!(router.find("/c/main...dev...x"), Some((0, smallvec!["main", "dev...x"])));
        assert_eq!(router.find("/c/...dev"), None);
        assert_eq!(router.find("/f/a.json"), Some((1, smallvec!["a"])));
        assert_eq!(router.find("/f/.json"), Some((2, smallvec![".json"])));
        assert_eq!(router.find("/v1/x:cancel"), Some((3, smallvec!["x"])));
    }

    #[test]
    fn what_is_no_template_or_there_already_is_refused() {
        let mut router = router(&["/a/{b}"]);
        assert_eq!(router.add("/a/{c}", 1), Err(Unroutable::Same(0)));
        for wrong in ["a", "/{", "/}", "/{}", "/{a}{b}", "/a?b", "/{a{b}}"] {
            assert!(matches!(router.add(wrong, 9), Err(Unroutable::Syntax(_))), "{wrong}");
        }
    }
}
