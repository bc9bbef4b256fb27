//! What the path of a file says of how it is read.

/// How values stand in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Texts are quoted; what is not is code.
    Code,
    /// A value needs no quotes.
    Config,
    /// Prose with commands and settings in it.
    Text,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Context {
    pub style: Style,
    /// Tests, examples and documentation: what stands there is seldom in use.
    pub test: bool,
    /// Texts for people in their language.
    pub locale: bool,
    /// Written by a program, and full of what looks drawn: hashes, pictures, paths of curves.
    pub machine: bool,
}

impl Context {
    pub(crate) fn of(path: &str) -> Self {
        let folded = path.to_ascii_lowercase();
        let (folder, file) = folded.rsplit_once('/').unwrap_or(("", &folded));
        let ending = file.rsplit_once('.').map_or("", |(_, ending)| ending);
        Self {
            style: style(file, ending),
            test: is_test(folder, file),
            locale: is_locale(folder, file, ending),
            machine: is_machine(file, ending),
        }
    }
}

fn style(file: &str, ending: &str) -> Style {
    const CODE: &[&str] = &[
        "js",
        "jsx",
        "mjs",
        "cjs",
        "ts",
        "tsx",
        "mts",
        "cts",
        "vue",
        "svelte",
        "py",
        "pyi",
        "ipynb",
        "java",
        "kt",
        "kts",
        "scala",
        "groovy",
        "gradle",
        "go",
        "rs",
        "c",
        "h",
        "cc",
        "cpp",
        "cxx",
        "hpp",
        "hh",
        "m",
        "mm",
        "cs",
        "vb",
        "fs",
        "swift",
        "php",
        "rb",
        "rake",
        "erb",
        "pl",
        "pm",
        "t",
        "lua",
        "dart",
        "ex",
        "exs",
        "erl",
        "hs",
        "clj",
        "cljs",
        "r",
        "jl",
        "sql",
        "json",
        "jsonc",
        "json5",
        "ndjson",
        "tf",
        "hcl",
        "tfstate",
        "toml",
        "proto",
        "graphql",
        "css",
        "scss",
        "less",
        "html",
        "htm",
        "jsp",
        "aspx",
        "cshtml",
        "ejs",
        "hbs",
        "pug",
        "xml",
        "xaml",
        "plist",
        "csproj",
        "nix",
        "zig",
        "v",
        "sol",
        "ps1",
        "psm1",
        "bicep",
        "jsonnet",
        "libsonnet",
        "snap",
        "har",
        "coffee",
        "sbt",
        "bzl",
        "bazel",
        "cmake",
        "f90",
        "ml",
        "mli",
        "elm",
        "d",
        "nim",
        "tcl",
        "asm",
        "s",
        "diff",
        "patch",
        "resx",
    ];
    const TEXT: &[&str] = &[
        "md", "mdx", "markdown", "rst", "txt", "adoc", "asciidoc", "log", "org", "tex", "html", "out", "po",
        "pod",
    ];
    match () {
        () if file.starts_with(".env") || file.ends_with(".env") => Style::Config,
        () if CODE.contains(&ending) => Style::Code,
        () if TEXT.contains(&ending) || matches!(file, "readme" | "changelog" | "license") => Style::Text,
        () => Style::Config,
    }
}

fn is_test(folder: &str, file: &str) -> bool {
    const FOLDERS: &[&str] = &[
        "test",
        "tests",
        "testing",
        "testdata",
        "test-data",
        "test_data",
        "__tests__",
        "spec",
        "specs",
        "fixture",
        "fixtures",
        "mock",
        "mocks",
        "__mocks__",
        "example",
        "examples",
        "sample",
        "samples",
        "doc",
        "docs",
        "demo",
        "demos",
        "e2e",
        "integration-tests",
        "benches",
        "benchmark",
        "benchmarks",
        "tutorial",
        "tutorials",
        "cypress",
        "stubs",
        "vectors",
        "androidtest",
        "it",
        "documentation",
    ];
    let stem = file.split('.').next().unwrap_or_default();
    FOLDERS.iter().any(|name| folder.split('/').any(|part| part == *name))
        || folder.split('/').any(|part| {
            part.ends_with("-tests")
                || part.ends_with("_tests")
                || part.ends_with(".tests")
                || part.ends_with("-test")
        })
        || file.contains(".test.")
        || file.contains(".spec.")
        || file.contains("_test.")
        || file.contains("_spec.")
        || file.contains(".example")
        || file.contains(".sample")
        || file.ends_with(".dist")
        || file.ends_with(".template")
        || stem.starts_with("test_")
        || stem.starts_with("test-")
        || stem == "test"
        || stem == "tests"
        || stem == "conftest"
        || stem.ends_with("tests")
        || stem == "readme"
        || stem == "changelog"
        || (stem.ends_with("test") && stem.len() > 6)
}

fn is_locale(folder: &str, file: &str, ending: &str) -> bool {
    const FOLDERS: &[&str] = &[
        "locale",
        "locales",
        "i18n",
        "l10n",
        "lang",
        "langs",
        "language",
        "languages",
        "translation",
        "translations",
        "_locales",
        "messages",
    ];
    matches!(
        ending,
        "po" | "pot" | "resx" | "strings" | "arb" | "xlf" | "xliff" | "ftl" | "storyboard" | "xib"
    ) || (matches!(ending, "json" | "yml" | "yaml" | "properties" | "js" | "ts" | "php" | "xml" | "toml")
        && (FOLDERS.iter().any(|name| folder.split('/').any(|part| part == *name))
            || file.starts_with("messages")
            || file.starts_with("strings.")
            || file.starts_with("locale")))
}

fn is_machine(file: &str, ending: &str) -> bool {
    const FILES: &[&str] = &[
        "package-lock.json",
        "npm-shrinkwrap.json",
        "yarn.lock",
        "pnpm-lock.yaml",
        "bun.lock",
        "go.sum",
        "go.mod",
        "cargo.lock",
        "poetry.lock",
        "uv.lock",
        "pdm.lock",
        "pipfile.lock",
        "composer.lock",
        "gemfile.lock",
        "podfile.lock",
        "mix.lock",
        "pubspec.lock",
        "flake.lock",
        "packages.lock.json",
        "gradle.lockfile",
        "paket.lock",
        "cartfile.resolved",
        "package.resolved",
        "deno.lock",
        "conan.lock",
        ".terraform.lock.hcl",
        "checksums.txt",
        "sha256sums",
        "verification-metadata.xml",
        ".cargo-checksum.json",
        "renv.lock",
    ];
    FILES.contains(&file)
        || matches!(
            ending,
            "svg"
                | "map"
                | "css"
                | "scss"
                | "less"
                | "lock"
                | "sum"
                | "sha256"
                | "sha512"
                | "md5"
                | "crt"
                | "cer"
                | "asc"
                | "sig"
                | "pub"
                | "xcscheme"
                | "pbxproj"
                | "storyboard"
                | "xib"
                | "bib"
                | "obj"
                | "stl"
                | "tl"
                | "wat"
                | "ll"
                | "s"
                | "asm"
        )
}

/// Endings of files that hold no text.
pub(crate) fn is_binary(path: &str) -> bool {
    const ENDINGS: &[&str] = &[
        "png", "jpg", "jpeg", "gif", "webp", "avif", "ico", "bmp", "tiff", "psd", "mp3", "mp4", "m4a", "ogg",
        "wav", "flac", "avi", "mov", "mkv", "webm", "woff", "woff2", "ttf", "otf", "eot", "zip", "gz", "tgz",
        "bz2", "xz", "zst", "7z", "rar", "tar", "jar", "war", "ear", "class", "pyc", "pyo", "o", "a", "so",
        "dylib", "dll", "exe", "lib", "wasm", "rlib", "rmeta", "pdf", "doc", "docx", "xls", "xlsx", "ppt",
        "pptx", "odt", "sqlite", "sqlite3", "db", "bin", "dat", "iso", "dmg", "apk", "ipa", "deb", "rpm",
        "onnx", "pt", "npy", "npz", "parquet", "keystore", "jks", "p12", "pfx",
    ];
    let ending = path.rsplit_once('.').map_or("", |(_, ending)| ending);
    ENDINGS.iter().any(|binary| ending.eq_ignore_ascii_case(binary))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_tell() {
        assert!(
            Context::of("src/test/java/ATest.java").test
                && Context::of("a/user.spec.ts").test
                && Context::of(".env.example").test
        );
        assert!(!Context::of("src/contest/latest.rs").test && !Context::of("src/attestation.rs").test);
        assert!(Context::of("config/locales/pt-BR.yml").locale && !Context::of("config/database.yml").locale);
        assert!(Context::of("web/package-lock.json").machine);
        assert_eq!(Context::of("deploy/.env.production").style, Style::Config);
        assert_eq!(Context::of("a/b.py").style, Style::Code);
        assert_eq!(Context::of("README.md").style, Style::Text);
        assert!(is_binary("a/b.PNG") && !is_binary("a/b.ts"));
    }
}
