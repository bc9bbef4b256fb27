//! Folders of other people's code, of build results and of caches. They are known by their name, or by their name together with
//! what lies in them: a folder called `vendor` or `target` may well be somebody's own.

use std::path::Path;

/// These names alone say it.
const NAMES: &[(&str, &str)] = &[
    ("node_modules", "packages of npm"),
    ("bower_components", "packages of Bower"),
    ("jspm_packages", "packages of jspm"),
    (".pnpm-store", "packages of pnpm"),
    (".yarn", "packages of Yarn"),
    ("site-packages", "packages of Python"),
    ("__pycache__", "compiled Python"),
    ("__pypackages__", "packages of Python"),
    (".tox", "environments of tox"),
    (".nox", "environments of nox"),
    (".mypy_cache", "a cache"),
    (".pytest_cache", "a cache"),
    (".ruff_cache", "a cache"),
    (".gradle", "a cache of Gradle"),
    (".terraform", "modules and providers of Terraform"),
    (".next", "a build of Next.js"),
    (".nuxt", "a build of Nuxt"),
    (".svelte-kit", "a build of SvelteKit"),
    (".angular", "a cache of Angular"),
    (".hg", "a repository's own files"),
    (".svn", "a repository's own files"),
    (".jj", "a repository's own files"),
];

/// A name together with what lies in the folder.
const WITH: &[(&str, &str, &str)] = &[
    ("vendor", "modules.txt", "modules of Go"),
    ("vendor", "autoload.php", "packages of Composer"),
    ("vendor", "bundle", "gems of Bundler"),
    ("vendor", "cache", "gems of Bundler"),
    ("Pods", "Manifest.lock", "pods of CocoaPods"),
    ("target", ".rustc_info.json", "a build of Cargo"),
    ("target", "maven-status", "a build of Maven"),
    ("target", "classes", "a build of Maven"),
];

/// In whatever folder these lie.
const MARKS: &[(&str, &str)] =
    &[("CACHEDIR.TAG", "says of itself that it is a cache"), ("pyvenv.cfg", "an environment of Python")];

/// What the folder holds, when that is not the tree's own.
pub(super) fn folder(at: &Path, name: &str) -> Option<String> {
    let has = |file: &str| at.join(file).symlink_metadata().is_ok();
    let by_name = NAMES.iter().find(|(one, _)| *one == name).map(|(_, what)| *what);
    let by_both = || WITH.iter().find(|(one, file, _)| *one == name && has(file)).map(|(_, _, what)| *what);
    let by_mark = || MARKS.iter().find(|(file, _)| has(file)).map(|(_, what)| *what);
    by_name.or_else(by_both).or_else(by_mark).map(str::to_owned)
}

/// Whether the name alone says it.
pub(super) fn by_name(name: &str) -> bool {
    NAMES.iter().any(|(one, _)| *one == name)
}

/// Whether a path goes through such a folder.
pub(super) fn within(root: &Path, path: &str) -> bool {
    let mut at = root.to_path_buf();
    let mut parts = path.split('/').peekable();
    while let Some(part) = parts.next() {
        at.push(part);
        if parts.peek().is_some() && folder(&at, part).is_some() {
            return true;
        }
    }
    false
}
