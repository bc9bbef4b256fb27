//! Plugins of Fastify that are loaded from a folder: where a file stands there is the beginning of its paths.

use super::assemble::Route;
use super::normal::normal;
use crate::world::World;

/// What loads them.
const LOADERS: &[&str] = &["@fastify/autoload", "fastify-autoload"];

impl World<'_> {
    /// Puts the folder before the paths of what is loaded from one.
    pub(crate) fn autoloaded(&mut self, routes: &mut [Route]) {
        if !routes.iter().any(|route| route.framework == "fastify") {
            return;
        }
        let mut folders: Vec<String> = Vec::new();
        for module in 0..self.units.len() {
            let Some(loaded) = self.load(module) else { continue };
            let texts = &loaded.module().texts;
            if !loaded.language().is_script() || !texts.iter().any(|text| LOADERS.contains(&text.as_ref())) {
                continue;
            }
            let words = texts.iter().map(|text| text.trim_start_matches("./").trim_end_matches('/'));
            let words = words.filter(|text| is_folder(text) && self.has_folder(text));
            folders.extend(words.map(str::to_owned));
        }
        for route in routes.iter_mut().filter(|route| route.framework == "fastify") {
            let Some(unit) = self.units.get(route.module) else { continue };
            let Some((folder, _)) = unit.path.rsplit_once('/') else { continue };
            let below = folders.iter().filter_map(|one| below(folder, one)).min_by_key(|below| below.len());
            let Some(below) = below.filter(|below| !below.is_empty()) else { continue };
            let parts = below.split('/').map(|part| match part.strip_prefix('_') {
                Some(name) if !name.is_empty() => format!(":{name}"),
                _ => part.to_owned(),
            });
            let prefix = normal(&parts.collect::<Vec<_>>().join("/"));
            if route.path != prefix && !route.path.starts_with(&format!("{prefix}/")) {
                route.path = normal(&format!("{prefix}/{}", route.path.trim_start_matches('/')));
            }
        }
    }

    fn has_folder(&self, folder: &str) -> bool {
        let (start, inside) = (format!("{folder}/"), format!("/{folder}/"));
        self.units.iter().any(|unit| unit.path.starts_with(&start) || unit.path.contains(&inside))
    }
}

/// A name of a folder that routes may be loaded from, not one that every project has.
fn is_folder(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 64
        && text.chars().all(|one| one.is_ascii_alphanumeric() || matches!(one, '-' | '_' | '/'))
        && !matches!(text, "src" | "dist" | "plugins" | "lib" | "node_modules" | "test")
}

/// What of a folder stands below another one.
fn below<'p>(folder: &'p str, of: &str) -> Option<&'p str> {
    if let Some(rest) = folder.strip_prefix(of)
        && (rest.is_empty() || rest.starts_with('/'))
    {
        return Some(rest.trim_start_matches('/'));
    }
    let (_, rest) = folder.split_once(&format!("/{of}"))?;
    (rest.is_empty() || rest.starts_with('/')).then(|| rest.trim_start_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_below() {
        assert_eq!(below("src/routes/users/_id", "routes"), Some("users/_id"));
        assert_eq!(below("routes", "routes"), Some(""));
        assert_eq!(below("routesmith/a", "routes"), None);
        assert_eq!(below("src/routed", "route"), None);
        assert!(is_folder("routes") && !is_folder("plugins") && !is_folder("a b"));
    }
}
