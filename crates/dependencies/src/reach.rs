//! Whether the code of the tree uses a package, by what the code scanners saw. It says how sure a finding is; it hides none.

use std::collections::HashMap;

use gabion_finding::{Ecosystem, Use};

use crate::name;

/// What the code does with a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach<'a> {
    /// A function that the advisory names is called here.
    Called(&'a Use),
    /// Imported here.
    Imported(&'a Use),
    /// No file imports it.
    Not,
    /// Nobody looked: no code of that ecosystem was read, or what it imports cannot be told from the name.
    Unknown,
}

impl Reach<'_> {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Called(_) => "called",
            Self::Imported(_) => "imported",
            Self::Not => "not_imported",
            Self::Unknown => "unknown",
        }
    }
}

/// What all files use, by what is at the root of its name.
#[derive(Debug)]
pub(crate) struct Uses<'a> {
    by_root: HashMap<(Ecosystem, String), Vec<&'a Use>>,
    seen: Vec<Ecosystem>,
}

impl<'a> Uses<'a> {
    pub(crate) fn new(uses: &'a [Use]) -> Self {
        let mut by_root: HashMap<(Ecosystem, String), Vec<&'a Use>> = HashMap::new();
        let mut seen = Vec::new();
        for one in uses {
            if !seen.contains(&one.ecosystem) {
                seen.push(one.ecosystem);
            }
            for root in roots(one) {
                by_root.entry((one.ecosystem, root)).or_default().push(one);
            }
        }
        Self { by_root, seen }
    }

    /// How many files' worth of uses there is of an ecosystem: none means that nobody looked.
    pub(crate) fn has(&self, ecosystem: Ecosystem) -> bool {
        self.seen.contains(&ecosystem)
    }

    fn of(&self, ecosystem: Ecosystem, package: &str) -> impl Iterator<Item = &'a Use> {
        let keys = spellings(ecosystem, package);
        keys.into_iter().filter_map(move |key| self.by_root.get(&(ecosystem, key))).flatten().copied()
    }

    /// `symbols` as advisories keep them: a path, a blank, a name.
    pub(crate) fn reach(&self, ecosystem: Ecosystem, package: &str, symbols: &[String]) -> Reach<'a> {
        if !self.has(ecosystem) {
            return Reach::Unknown;
        }
        let called = self
            .of(ecosystem, package)
            .find(|it| it.called && symbols.iter().any(|symbol| names(it, symbol)));
        if let Some(found) = called {
            return Reach::Called(found);
        }
        match self.of(ecosystem, package).next() {
            Some(found) => Reach::Imported(found),
            // A package of Java is called otherwise than what it is published as.
            None if ecosystem == Ecosystem::Maven => Reach::Unknown,
            None => Reach::Not,
        }
    }
}

fn names(one: &Use, symbol: &str) -> bool {
    let (path, name) = symbol.rsplit_once(' ').unwrap_or(("", symbol));
    let Some(used) = one.symbol.as_deref() else { return false };
    // Go names the package that has it; a module has many.
    let right = one.ecosystem != Ecosystem::Go || path.is_empty() || *one.module == *path;
    if !right || name.is_empty() {
        return right;
    }
    let words = |text: &str| {
        let words = text.rsplit(['.', ':']).filter(|word| !word.is_empty());
        words.take(2).map(str::to_owned).collect::<Vec<_>>()
    };
    // `Regex.new` is none of `Builder`; what a call gave may be of any type.
    let of_type = |word: Option<&String>| {
        word.filter(|word| word.starts_with(char::is_uppercase) && !word.ends_with("()")).cloned()
    };
    let (used, named) = (words(used), words(name));
    let named_type = of_type(named.get(1)).or_else(|| of_type(words(path).first()));
    let other = of_type(used.get(1)).zip(named_type).is_some_and(|(one, other)| one != other);
    used.first() == named.first() && !other
}

fn roots(one: &Use) -> Vec<String> {
    let (ecosystem, module) = (one.ecosystem, &*one.module);
    match ecosystem {
        Ecosystem::Npm => {
            let parts = if module.starts_with('@') { 2 } else { 1 };
            let root = module.split('/').take(parts).collect::<Vec<_>>().join("/");
            if root.is_empty() || root.starts_with('.') || module.starts_with("node:") {
                Vec::new()
            } else {
                vec![root]
            }
        }
        // Several packages share `google` and `azure`: `google.cloud.storage` is `google-cloud-storage`.
        Ecosystem::PyPi => {
            let whole = match &one.symbol {
                Some(symbol) => format!("{module}.{symbol}"),
                None => module.to_owned(),
            };
            let words: Vec<&str> = whole.split('.').take(3).collect();
            let beginnings = (1..=words.len()).filter_map(|count| words.get(..count));
            beginnings.map(|words| name::normal(ecosystem, &words.join("-"))).collect()
        }
        Ecosystem::Cargo => vec![module.split("::").next().unwrap_or_default().replace('-', "_")],
        // A module is a beginning of the paths of its packages.
        Ecosystem::Go => prefixes(module, '/'),
        Ecosystem::Maven => prefixes(module, '.'),
        _ => vec![module.to_owned()],
    }
}

fn prefixes(text: &str, between: char) -> Vec<String> {
    let ends = text.match_indices(between).map(|(at, _)| at).chain([text.len()]).take(32);
    ends.filter_map(|end| text.get(..end)).map(str::to_owned).collect()
}

/// Under which roots a package may be imported.
fn spellings(ecosystem: Ecosystem, package: &str) -> Vec<String> {
    match ecosystem {
        Ecosystem::Cargo => vec![package.replace('-', "_")],
        Ecosystem::PyPi => {
            let mut out = vec![package.to_owned()];
            out.extend(IMPORTS.iter().filter(|(name, _)| *name == package).map(|(_, it)| (*it).to_owned()));
            for prefix in ["python-", "py"] {
                out.extend(package.strip_prefix(prefix).filter(|it| it.len() > 2).map(str::to_owned));
            }
            out.extend(package.strip_suffix("-python").map(str::to_owned));
            out
        }
        Ecosystem::Maven => {
            let group = package.split(':').next().unwrap_or_default();
            let mut out = vec![group.to_owned()];
            // `com.fasterxml.jackson.core` publishes `com.fasterxml.jackson.databind`.
            if let Some((parent, _)) =
                group.rsplit_once('.').filter(|(parent, _)| parent.matches('.').count() >= 1)
            {
                out.push(parent.to_owned());
            }
            out
        }
        _ => vec![package.to_owned()],
    }
}

/// Packages of Python that are imported under another name, both as `name::normal` writes them.
const IMPORTS: &[(&str, &str)] = &[
    ("antlr4-python3-runtime", "antlr4"),
    ("attrs", "attr"),
    ("beautifulsoup4", "bs4"),
    ("discord-py", "discord"),
    ("django-cors-headers", "corsheaders"),
    ("django-debug-toolbar", "debug-toolbar"),
    ("django-filter", "django-filters"),
    ("djangorestframework", "rest-framework"),
    ("djangorestframework-simplejwt", "rest-framework-simplejwt"),
    ("dnspython", "dns"),
    ("faiss-cpu", "faiss"),
    ("gitpython", "git"),
    ("google-api-python-client", "googleapiclient"),
    ("grpcio", "grpc"),
    ("msgpack-python", "msgpack"),
    ("mysql-connector-python", "mysql"),
    ("mysqlclient", "mysqldb"),
    ("nvidia-ml-py", "pynvml"),
    ("opencv-contrib-python", "cv2"),
    ("opencv-python", "cv2"),
    ("opencv-python-headless", "cv2"),
    ("paho-mqtt", "paho"),
    ("pdfminer-six", "pdfminer"),
    ("pillow", "pil"),
    ("protobuf", "google-protobuf"),
    ("psycopg-binary", "psycopg"),
    ("psycopg2-binary", "psycopg2"),
    ("pycrypto", "crypto"),
    ("pycryptodome", "crypto"),
    ("pycryptodomex", "cryptodome"),
    ("pygithub", "github"),
    ("pyjwt", "jwt"),
    ("pyldap", "ldap"),
    ("pymongo", "bson"),
    ("pyopenssl", "openssl"),
    ("pyserial", "serial"),
    ("pysocks", "socks"),
    ("python-dateutil", "dateutil"),
    ("python-docx", "docx"),
    ("python-dotenv", "dotenv"),
    ("python-engineio", "engineio"),
    ("python-gitlab", "gitlab"),
    ("python-jose", "jose"),
    ("python-json-logger", "pythonjsonlogger"),
    ("python-ldap", "ldap"),
    ("python-magic", "magic"),
    ("python-multipart", "multipart"),
    ("python-pptx", "pptx"),
    ("python-slugify", "slugify"),
    ("python-socketio", "socketio"),
    ("python-telegram-bot", "telegram"),
    ("pyusb", "usb"),
    ("pywin32", "win32api"),
    ("pyyaml", "yaml"),
    ("pyyaml-include", "yamlinclude"),
    ("pyzmq", "zmq"),
    ("ruamel-yaml", "ruamel"),
    ("scikit-image", "skimage"),
    ("scikit-learn", "sklearn"),
    ("setuptools", "pkg-resources"),
    ("tensorflow-cpu", "tensorflow"),
    ("tensorflow-gpu", "tensorflow"),
    ("uwsgi", "uwsgidecorators"),
    ("websocket-client", "websocket"),
];

#[cfg(test)]
mod tests {
    use gabion_finding::{Source, Span};

    use super::*;

    fn used(ecosystem: Ecosystem, module: &str, symbol: Option<&str>) -> Use {
        let place = Source::new("a", "x").place(Span::new(0, 1));
        Use {
            ecosystem,
            module: module.into(),
            symbol: symbol.map(Into::into),
            called: symbol.is_some(),
            place,
        }
    }

    #[test]
    fn a_package_is_known_by_what_code_imports() {
        let all = [
            used(Ecosystem::Npm, "@babel/core/lib/x", None),
            used(Ecosystem::Npm, "./local", None),
            used(Ecosystem::PyPi, "yaml", Some("load")),
            used(Ecosystem::PyPi, "dateutil.parser", None),
            used(Ecosystem::Cargo, "serde_json", None),
            used(Ecosystem::Go, "github.com/a/b/c", Some("Parse")),
            used(Ecosystem::Maven, "com.fasterxml.jackson.databind", None),
        ];
        let uses = Uses::new(&all);
        for (ecosystem, package, expected) in [
            (Ecosystem::Npm, "@babel/core", "imported"),
            (Ecosystem::Npm, "lodash", "not_imported"),
            (Ecosystem::PyPi, "pyyaml", "imported"),
            (Ecosystem::PyPi, "python-dateutil", "imported"),
            (Ecosystem::Cargo, "serde-json", "imported"),
            (Ecosystem::Go, "github.com/a/b", "imported"),
            (Ecosystem::Go, "github.com/a", "imported"),
            (Ecosystem::Go, "github.com/a/bc", "not_imported"),
            (Ecosystem::Maven, "com.fasterxml.jackson.core:jackson-databind", "imported"),
            (Ecosystem::Maven, "org.example:a", "unknown"),
            (Ecosystem::RubyGems, "rails", "unknown"),
        ] {
            assert_eq!(uses.reach(ecosystem, package, &[]).as_str(), expected, "{package}");
        }
        let symbols = |texts: &[&str]| texts.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        let go = |names: &[&str]| uses.reach(Ecosystem::Go, "github.com/a/b", &symbols(names)).as_str();
        assert_eq!(go(&["github.com/a/b/c Parse"]), "called");
        assert_eq!(go(&["github.com/a/b/d Parse"]), "imported");
        assert_eq!(go(&["github.com/a/b/c Other"]), "imported");
        assert_eq!(go(&["github.com/a/b/c "]), "called");
    }

    #[test]
    fn a_function_of_another_type_is_another_function() {
        let all = [
            used(Ecosystem::Cargo, "regex", Some("Regex.new")),
            used(Ecosystem::Cargo, "smallvec", Some("SmallVec.new().insert_many")),
            used(Ecosystem::Npm, "lodash", Some("template")),
        ];
        let uses = Uses::new(&all);
        let reach = |ecosystem, package: &str, symbol: &str| {
            uses.reach(ecosystem, package, &[symbol.to_owned()]).as_str()
        };
        assert_eq!(reach(Ecosystem::Cargo, "regex", "regex::Regex new"), "called");
        assert_eq!(reach(Ecosystem::Cargo, "regex", "regex::RegexBuilder new"), "imported");
        assert_eq!(reach(Ecosystem::Cargo, "smallvec", "smallvec::SmallVec insert_many"), "called");
        assert_eq!(reach(Ecosystem::Npm, "lodash", "lodash template"), "called");
        assert_eq!(reach(Ecosystem::Npm, "lodash", " template"), "called");
        assert_eq!(reach(Ecosystem::Npm, "lodash", " templat"), "imported");
    }

    #[test]
    fn packages_that_share_a_name_are_told_apart() {
        let all = [
            used(Ecosystem::PyPi, "google.cloud", Some("storage")),
            used(Ecosystem::PyPi, "azure.identity", None),
            used(Ecosystem::PyPi, "PIL", Some("Image")),
        ];
        let uses = Uses::new(&all);
        let reach = |package: &str| uses.reach(Ecosystem::PyPi, package, &[]).as_str();
        assert_eq!(
            (reach("google-cloud-storage"), reach("google-cloud-bigquery")),
            ("imported", "not_imported")
        );
        assert_eq!((reach("azure-identity"), reach("azure-storage-blob")), ("imported", "not_imported"));
        assert_eq!((reach("pillow"), reach("pyyaml")), ("imported", "not_imported"));
    }
}
