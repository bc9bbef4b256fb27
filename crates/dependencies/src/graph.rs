//! Who brings a package in.

use std::collections::{HashMap, VecDeque};

use crate::bounds;
use crate::package::Package;

/// For each package of a file the one that needs it on the shortest way from what the project asks for.
#[derive(Debug)]
pub(crate) struct Graph<'a> {
    packages: &'a [Package],
    before: HashMap<usize, Option<usize>>,
}

impl<'a> Graph<'a> {
    pub(crate) fn new(packages: &'a [Package]) -> Self {
        let by_key: HashMap<&str, usize> =
            packages.iter().enumerate().map(|(at, package)| (package.key.as_str(), at)).collect();
        let mut before: HashMap<usize, Option<usize>> = HashMap::new();
        let mut open: VecDeque<usize> = VecDeque::new();
        for (at, package) in packages.iter().enumerate() {
            if package.direct == Some(true) {
                before.insert(at, None);
                open.push_back(at);
            }
        }
        while let Some(at) = open.pop_front() {
            let needs = packages.get(at).map_or(&[][..], |package| &package.needs);
            for next in needs.iter().filter_map(|key| by_key.get(key.as_str()).copied()) {
                if let std::collections::hash_map::Entry::Vacant(entry) = before.entry(next) {
                    entry.insert(Some(at));
                    open.push_back(next);
                }
            }
        }
        Self { packages, before }
    }

    /// Names from what the project asks for to the package itself; empty where the file does not tell.
    pub(crate) fn path(&self, at: usize) -> Vec<&'a str> {
        let mut path = Vec::new();
        let mut now = Some(at);
        while let Some(one) = now.filter(|_| path.len() < bounds::PATH) {
            let Some(before) = self.before.get(&one) else { return Vec::new() };
            path.extend(self.packages.get(one).map(|package| package.name.as_str()));
            now = *before;
        }
        path.reverse();
        path
    }
}
