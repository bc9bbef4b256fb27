//! Routes that no call says: classes whose methods answer, files whose place is their path.

use std::rc::Rc;

use super::assemble::Route;
use crate::value::{ClassValue, FunctionRef};
use crate::world::World;

/// Methods of a class that answer the method of their name.
const METHODS: &[&str] = &["get", "post", "put", "patch", "delete"];

impl World<'_> {
    /// A class answers at a path: with each of its methods that is called as a method of requests is.
    pub(crate) fn class_routes(&mut self, class: &Rc<ClassValue>, route: &Route) -> Vec<Route> {
        let Some(loaded) = self.load(class.module) else { return Vec::new() };
        let Some(tree) = loaded.module().class(class.id) else { return Vec::new() };
        let mut routes = Vec::new();
        for id in &tree.methods {
            let name = loaded.module().function(*id).and_then(|function| function.name);
            let name = name.map(|name| loaded.text(name)).unwrap_or_default();
            if METHODS.contains(&name) {
                let name = name.to_owned();
                let handler = Some(FunctionRef { module: class.module, id: *id });
                routes.push(Route { method: name.to_uppercase(), name, handler, ..route.clone() });
            }
        }
        routes
    }

    /// Routes that classes and files say.
    pub(crate) fn declared_routes(&mut self) -> Vec<Route> {
        Vec::new()
    }
}
