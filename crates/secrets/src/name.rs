//! What the name of a value says of it: `dbPassword` holds a password, `passwordField` does not.

/// What a name promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Chosen by a person, perhaps: short and made of words is possible.
    Password,
    /// A secret by its name: `clientSecret`, `api_key`, `accessToken`.
    Secret,
    /// `token`, `auth`, `credential`: a secret if it looks like one.
    Token,
    /// `key`, `salt`, `seed`, `nonce`: a secret only if nothing else explains its value.
    Key,
}

/// What makes it no secret where it is the last word.
const ENDINGS: &[&str] = &[
    "data",
    "attachment",
    "rotation",
    "mgr",
    "grant",
    "association",
    "reuse",
    "setting",
    "settings",
    "override",
    "name",
    "names",
    "id",
    "ids",
    "identifier",
    "type",
    "types",
    "path",
    "paths",
    "file",
    "files",
    "filename",
    "dir",
    "directory",
    "folder",
    "url",
    "urls",
    "uri",
    "uris",
    "endpoint",
    "endpoints",
    "field",
    "fields",
    "label",
    "labels",
    "hint",
    "placeholder",
    "regex",
    "regexp",
    "pattern",
    "patterns",
    "length",
    "len",
    "size",
    "min",
    "max",
    "count",
    "ttl",
    "expiry",
    "expires",
    "expiration",
    "expire",
    "age",
    "lifetime",
    "timeout",
    "interval",
    "format",
    "prefix",
    "suffix",
    "header",
    "headers",
    "param",
    "params",
    "parameter",
    "arg",
    "args",
    "argument",
    "env",
    "var",
    "variable",
    "column",
    "columns",
    "table",
    "class",
    "func",
    "function",
    "handler",
    "provider",
    "providers",
    "manager",
    "service",
    "store",
    "error",
    "errors",
    "message",
    "messages",
    "msg",
    "title",
    "description",
    "desc",
    "help",
    "policy",
    "policies",
    "algorithm",
    "alg",
    "algo",
    "mode",
    "version",
    "ref",
    "refs",
    "reference",
    "arn",
    "kind",
    "index",
    "idx",
    "group",
    "groups",
    "role",
    "roles",
    "scope",
    "scopes",
    "status",
    "state",
    "usage",
    "enabled",
    "disabled",
    "required",
    "option",
    "options",
    "info",
    "list",
    "map",
    "set",
    "cache",
    "ring",
    "chain",
    "space",
    "word",
    "words",
    "board",
    "code",
    "codes",
    "event",
    "events",
    "press",
    "up",
    "down",
    "frame",
    "frames",
    "mechanism",
    "method",
    "methods",
    "strategy",
    "input",
    "button",
    "form",
    "screen",
    "page",
    "view",
    "dialog",
    "prompt",
    "text",
    "strength",
    "rules",
    "rule",
    "reset",
    "check",
    "validator",
    "validation",
    "verify",
    "verification",
    "hash",
    "hashes",
    "hashed",
    "digest",
    "encoder",
    "encoding",
    "generator",
    "factory",
    "builder",
    "parser",
    "reader",
    "writer",
    "schema",
    "model",
    "entity",
    "link",
    "links",
    "issuer",
    "audience",
    "domain",
    "realm",
    "flow",
    "callback",
    "redirect",
    "hostname",
    "host",
    "port",
    "plugin",
    "module",
    "middleware",
    "guard",
    "source",
    "storage",
    "location",
    "locations",
    "attribute",
    "attributes",
    "property",
    "properties",
    "element",
    "selector",
    "icon",
    "image",
    "bits",
    "bytes",
    "width",
    "position",
    "offset",
    "start",
    "end",
    "stream",
    "limit",
    "limits",
    "retries",
    "attempts",
    "at",
    "date",
    "time",
    "timestamp",
    "created",
    "updated",
    "changed",
    "rotation",
    "comment",
    "note",
    "notes",
    "docs",
    "example",
    "examples",
    "visible",
    "shown",
    "hidden",
    "show",
    "hide",
    "match",
    "mismatch",
    "confirmed",
    "kid",
    "usages",
    "ops",
    "binding",
    "bindings",
    "template",
    "templates",
    "namespace",
    "resource",
    "command",
    "cmd",
    "script",
    "program",
    "helper",
    "callbackurl",
    "tokenizer",
    "fingerprint",
    "thumbprint",
    "checksum",
    "serial",
    "sort",
    "order",
    "by",
    "column_name",
    "spec",
    "sections",
    "section",
    "used",
];

/// What makes it no secret wherever it stands.
const ANYWHERE: &[&str] = &[
    "public",
    "pub",
    "keyboard",
    "keyword",
    "keywords",
    "keycode",
    "keydown",
    "keyup",
    "keypress",
    "keyframe",
    "keyframes",
    "keymap",
    "keystroke",
    "hotkey",
    "hotkeys",
    "tokenizer",
    "tokenize",
    "author",
    "authors",
    "placeholder",
    "label",
    "i18n",
    "locale",
    "translation",
    "translations",
    "regex",
    "pattern",
    "csrf",
    "xsrf",
    "sitekey",
    "publishable",
    "tooltip",
    "css",
    "html",
    "dom",
    "eos",
    "bos",
    "pad",
    "unk",
    "cls",
    "sep",
    "lexer",
    "syntax",
    "passport",
    "hint",
    "fingerprint",
    "checksum",
    "integrity",
    "sri",
    "foreign",
    "partition",
    "sortkey",
    "idempotency",
    "etag",
    "primary",
    "cache",
    "caching",
    "message",
    "error",
    "column",
    "continuation",
    "pagination",
    "page",
    "paging",
    "ssh_known_hosts",
    "mask",
    "delimiter",
    "test_id",
    "testid",
];

/// What makes a key a secret one.
const SECRET_KEYS: &[&str] = &[
    "api",
    "secret",
    "access",
    "private",
    "encryption",
    "encrypt",
    "enc",
    "signing",
    "sign",
    "signature",
    "auth",
    "authentication",
    "master",
    "app",
    "application",
    "session",
    "consumer",
    "shared",
    "account",
    "jwt",
    "hmac",
    "aes",
    "crypto",
    "cipher",
    "subscription",
    "admin",
    "root",
    "deploy",
    "webhook",
    "write",
    "ingest",
    "sas",
    "license",
    "decryption",
    "pre",
    "preshared",
    "psk",
    "wpa",
    "cookie",
    "django",
    "rails",
    "flask",
    "laravel",
    "azure",
    "aws",
    "client",
    "server",
    "service",
    "instrumentation",
    "storage",
];

/// What makes a token a secret one.
const SECRET_TOKENS: &[&str] = &[
    "access", "auth", "api", "bearer", "refresh", "secret", "bot", "session", "oauth", "personal", "private",
    "deploy", "github", "gitlab", "npm", "slack", "admin", "webhook", "vault", "jwt", "security", "user",
    "app", "registry", "publish", "service", "bearer",
];

/// What a name promises; none where it is no secret's name.
pub(crate) fn kind(name: &str) -> Option<Kind> {
    let words = words(name);
    let last = words.last()?.as_str();
    if words.iter().any(|word| ANYWHERE.contains(&word.as_str())) || ENDINGS.contains(&last) {
        return None;
    }
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    let plural = last.ends_with("keys") || last.ends_with("tokens");
    let kind = words.iter().enumerate().filter_map(|(at, word)| kind_of_word(word, at == 0, &has)).min();
    let kind = kind.or_else(|| is_pass(&words).then_some(Kind::Password))?;
    // Several of something that may be anything: names of fields, mostly.
    (kind < Kind::Token || !plural).then_some(kind)
}

/// `DB_PASS`, `pass_prod`; neither a render pass nor something passed by value.
fn is_pass(words: &[String]) -> bool {
    const WHERE: &[&str] = &[
        "prod",
        "production",
        "dev",
        "development",
        "test",
        "staging",
        "live",
        "local",
        "default",
        "value",
        "1",
        "2",
    ];
    const WHOSE: &[&str] = &[
        "single", "two", "one", "first", "second", "third", "render", "multi", "by", "depth", "shadow",
        "post", "pre", "low", "high", "band", "all", "no", "must", "should", "will", "test", "tests", "can",
        "boarding", "season", "main",
    ];
    let behind = words.iter().rev().skip_while(|word| WHERE.contains(&word.as_str())).collect::<Vec<_>>();
    let is = behind.first().is_some_and(|word| {
        matches!(word.trim_end_matches(|sign: char| sign.is_ascii_digit()), "pass" | "pw")
    });
    is && behind.get(1).is_none_or(|whose| !WHOSE.contains(&whose.as_str()))
}

fn kind_of_word(word: &str, first: bool, has: &dyn Fn(&[&str]) -> bool) -> Option<Kind> {
    const PASSWORDS: &[&str] = &[
        "password",
        "passwd",
        "passwort",
        "passphrase",
        "passcode",
        "pwd",
        "passw",
        "passwrd",
        "kennwort",
        "contrasena",
        "userpass",
        "dbpass",
        "rootpass",
        "mypass",
        "adminpass",
        "psw",
        "pswd",
    ];
    let word = word.trim_end_matches(|sign: char| sign.is_ascii_digit());
    let singular = word.strip_suffix('s').filter(|rest| !rest.ends_with('s')).unwrap_or(word);
    if PASSWORDS.iter().any(|end| singular.ends_with(end)) {
        return Some(Kind::Password);
    }
    if singular.ends_with("secret")
        || [
            "apikey",
            "secretkey",
            "accesskey",
            "privatekey",
            "authtoken",
            "accesstoken",
            "authkey",
            "apitoken",
            "signingkey",
            "encryptionkey",
            "masterkey",
            "appkey",
            "appsecret",
            "refreshtoken",
            "bearertoken",
            "sharedkey",
            "accountkey",
            "subscriptionkey",
            "instrumentationkey",
            "secrettoken",
        ]
        .iter()
        .any(|end| singular.ends_with(end))
    {
        return Some(Kind::Secret);
    }
    if singular.ends_with("token") {
        return Some(if has(SECRET_TOKENS) { Kind::Secret } else { Kind::Token });
    }
    if singular == "key"
        || (singular.ends_with("key")
            && !["monkey", "turkey", "donkey", "jockey", "hockey", "whiskey", "mickey"].contains(&singular))
    {
        return Some(if has(SECRET_KEYS) { Kind::Secret } else { Kind::Key });
    }
    match singular {
        "auth" | "authorization" | "credential" | "cred" => Some(Kind::Token),
        "salt" | "nonce" | "seed" | "otp" | "totp" => Some(Kind::Key),
        "pin" if first => Some(Kind::Key),
        _ => None,
    }
}

/// The words of an identifier, in lower case: `dbPassword`, `DB_PASSWORD` and `db-password` are the same two.
pub(crate) fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut before = ' ';
    for sign in name.chars().take(120) {
        let new = !sign.is_alphanumeric() || (sign.is_ascii_uppercase() && before.is_ascii_lowercase());
        if new && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if sign.is_alphanumeric() {
            word.push(sign.to_ascii_lowercase());
        }
        before = sign;
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_promise() {
        for (name, expected) in [
            ("password", Some(Kind::Password)),
            ("DB_PASSWORD", Some(Kind::Password)),
            ("mysqlRootPassword", Some(Kind::Password)),
            ("userpwd", Some(Kind::Password)),
            ("password_prod", Some(Kind::Password)),
            ("passphrase", Some(Kind::Password)),
            ("client_secret", Some(Kind::Secret)),
            ("apiKey", Some(Kind::Secret)),
            ("API_KEY_2", Some(Kind::Secret)),
            ("secret_key_base", Some(Kind::Secret)),
            ("accessToken", Some(Kind::Secret)),
            ("token", Some(Kind::Token)),
            ("auth", Some(Kind::Token)),
            ("key", Some(Kind::Key)),
            ("salt", Some(Kind::Key)),
        ] {
            assert_eq!(kind(name), expected, "{name}");
        }
        for name in [
            "passwordField",
            "password_length",
            "bypass",
            "compass",
            "publicKey",
            "primary_key",
            "keyboard",
            "monkey",
            "author",
            "tokenizer",
            "max_tokens_count",
            "secretName",
            "token_url",
            "csrf_token",
            "key_id",
            "passed",
            "PASSWORD_REGEX",
            "secretary",
            "cache_key",
            "password_hash",
        ] {
            assert_eq!(kind(name), None, "{name}");
        }
    }
}
