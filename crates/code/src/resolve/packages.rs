//! Packages of Go, which are folders, and modules of Rust crates.

use super::{Paths, folder};

/// Words of a path that are looked at.
const WORDS: usize = 12;

/// Packages that come with Go: no folder of the tree is meant.
const STANDARD: &[&str] = &[
    "archive",
    "bufio",
    "bytes",
    "cmp",
    "compress",
    "container",
    "context",
    "crypto",
    "database",
    "debug",
    "embed",
    "encoding",
    "errors",
    "expvar",
    "flag",
    "fmt",
    "go",
    "hash",
    "html",
    "image",
    "index",
    "io",
    "iter",
    "log",
    "maps",
    "math",
    "mime",
    "net",
    "os",
    "path",
    "plugin",
    "reflect",
    "regexp",
    "runtime",
    "slices",
    "sort",
    "strconv",
    "strings",
    "structs",
    "sync",
    "syscall",
    "testing",
    "text",
    "time",
    "unicode",
    "unique",
    "unsafe",
    "weak",
];

impl Paths {
    /// The files of the package that a file belongs to.
    pub(crate) fn package(&self, of: &str) -> &[usize] {
        self.packages.get(folder(of)).map_or(&[], Vec::as_slice)
    }

    /// The files of the package that `import` means in the file `from`: the name of the module before it is not known, the
    /// folders behind it are.
    pub(crate) fn go(&self, from: &str, import: &str) -> Option<&[usize]> {
        let words: Vec<&str> = import.split('/').take(WORDS).collect();
        let first = words.first()?;
        if STANDARD.contains(first) {
            return None;
        }
        let own = match *first {
            "github.com" | "gitlab.com" | "bitbucket.org" => 3,
            host if host.contains('.') => 2,
            _ => 1,
        };
        for start in own..words.len() {
            let inside = words.get(start..)?.join("/");
            let mut up = Some(folder(from));
            while let Some(above) = up {
                let path = if above.is_empty() { inside.clone() } else { format!("{above}/{inside}") };
                if let Some(files) = self.packages.get(path.as_str()) {
                    return Some(files);
                }
                up = (!above.is_empty()).then(|| folder(above));
            }
        }
        // The module's own root.
        let name = words.get(own.saturating_sub(1)..own).filter(|_| words.len() == own)?.first()?;
        let mut up = Some(folder(from));
        while let Some(above) = up.filter(|above| !above.is_empty()) {
            if above.rsplit('/').next() == Some(name) {
                return self.packages.get(above).map(Vec::as_slice);
            }
            up = Some(folder(above));
        }
        None
    }

    /// The file of the module of Rust that begins a path, and how many words it takes.
    pub(crate) fn rust(&self, from: &str, words: &[&str]) -> Option<(usize, usize)> {
        let file = |path: &str| self.by_path.get(path).copied();
        let (mut at, mut inside, mut taken) = match *words.first()? {
            "crate" => {
                let root = self.crate_root(from)?;
                (Some(root.0), root.1, 1)
            }
            "self" => (file(from), module_folder(from), 1),
            "super" => {
                let mut inside = module_folder(from);
                let mut taken = 0;
                for word in words.iter().take(WORDS) {
                    if *word != "super" {
                        break;
                    }
                    inside = folder(&inside).to_owned();
                    taken = usize::saturating_add(taken, 1);
                }
                let beside = [
                    format!("{inside}.rs"),
                    joined(&inside, "mod.rs"),
                    joined(&inside, "lib.rs"),
                    joined(&inside, "main.rs"),
                ];
                (beside.iter().find_map(|path| file(path)), inside, taken)
            }
            name => {
                let inside = module_folder(from);
                let beside =
                    [joined(&inside, &format!("{name}.rs")), joined(&inside, &format!("{name}/mod.rs"))];
                match beside.iter().find_map(|path| file(path)) {
                    Some(at) => (Some(at), joined(&inside, name), 1),
                    None => {
                        let (at, inside) = self.crates.get(name)?;
                        (Some(*at), inside.to_string(), 1)
                    }
                }
            }
        };
        for word in words.iter().skip(taken).take(WORDS) {
            let next = [joined(&inside, &format!("{word}.rs")), joined(&inside, &format!("{word}/mod.rs"))];
            let Some(found) = next.iter().find_map(|path| file(path)) else { break };
            (at, inside, taken) = (Some(found), joined(&inside, word), taken.saturating_add(1));
        }
        at.map(|at| (at, taken))
    }

    /// The file a crate begins with, and the folder of its modules.
    fn crate_root(&self, from: &str) -> Option<(usize, String)> {
        let mut up = Some(folder(from));
        while let Some(above) = up {
            for name in ["lib.rs", "main.rs"] {
                if let Some(at) = self.by_path.get(joined(above, name).as_str()) {
                    return Some((*at, above.to_owned()));
                }
            }
            up = (!above.is_empty()).then(|| folder(above));
        }
        None
    }
}

fn joined(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// Where the modules inside of a file are.
fn module_folder(file: &str) -> String {
    let name = file.rsplit('/').next().unwrap_or_default();
    if matches!(name, "mod.rs" | "lib.rs" | "main.rs") {
        return folder(file).to_owned();
    }
    file.strip_suffix(".rs").unwrap_or(file).to_owned()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn paths(of: &[&str]) -> Paths {
        let of: Vec<Arc<str>> = of.iter().map(|path| Arc::from(*path)).collect();
        Paths::new(of.iter())
    }

    #[test]
    fn packages_are_folders() {
        let all = paths(&[
            "cmd/shop/main.go",
            "internal/db/a.go",
            "internal/db/b.go",
            "http/x.go",
            "svc/shop/c.go",
        ]);
        let find = |from, import| all.go(from, import).map(<[usize]>::to_vec);
        assert_eq!(find("cmd/shop/main.go", "github.com/acme/shop/internal/db"), Some(vec![1, 2]));
        assert_eq!(find("cmd/shop/main.go", "shop/internal/db"), Some(vec![1, 2]));
        assert_eq!(find("cmd/shop/main.go", "net/http"), None);
        assert_eq!(find("cmd/shop/main.go", "github.com/acme/http"), None);
        assert_eq!(all.package("internal/db/a.go"), [1, 2]);
    }

    #[test]
    fn modules_of_crates() {
        let all = paths(&[
            "src/main.rs",
            "src/db.rs",
            "src/api/mod.rs",
            "src/api/users.rs",
            "crates/shop-core/src/lib.rs",
            "crates/shop-core/src/db.rs",
        ]);
        assert_eq!(all.rust("src/api/users.rs", &["crate", "db", "find"]), Some((1, 2)));
        assert_eq!(all.rust("src/api/users.rs", &["super", "x"]), Some((2, 1)));
        assert_eq!(all.rust("src/api/users.rs", &["super", "super", "db", "x"]), Some((1, 3)));
        assert_eq!(all.rust("src/main.rs", &["api", "users", "list"]), Some((3, 2)));
        assert_eq!(all.rust("src/api/mod.rs", &["self", "users"]), Some((3, 2)));
        assert_eq!(all.rust("src/main.rs", &["shop_core", "db", "find"]), Some((5, 2)));
        assert_eq!(all.rust("src/main.rs", &["serde", "Serialize"]), None);
    }
}
