//! Which file is what, by its name and by what it says.

use super::Format;

fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn is_yaml(name: &str) -> bool {
    name.ends_with(".yaml") || name.ends_with(".yml")
}

/// Whether a file of this name may be one.
pub(crate) fn may_be(path: &str) -> bool {
    let name = base(path);
    is_yaml(name)
        || (name.ends_with(".json") && !LOCKS.contains(&name))
        || [".conf", ".nginx", ".tf", ".tfvars", ".sql", ".tpl", ".vhost"]
            .iter()
            .any(|end| name.ends_with(end))
        || is_dockerfile(name)
        || is_caddyfile(name)
        || is_env(name)
        || matches!(name, "gabion.toml" | ".gitignore" | ".dockerignore")
        || name.ends_with(".dockerignore")
        || ["sites-available/", "sites-enabled/"].iter().any(|folder| path.contains(folder))
}

/// Large, and never a manifest.
const LOCKS: &[&str] =
    &["package-lock.json", "npm-shrinkwrap.json", "composer.lock", "package.json", "tsconfig.json"];

fn is_dockerfile(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    ["dockerfile", "containerfile"].iter().any(|word| {
        lower == *word
            || lower.ends_with(&format!(".{word}"))
            || lower.strip_prefix(&format!("{word}.")).is_some_and(|rest| {
                !["dockerignore", "md", "txt", "j2", "tmpl", "tpl", "erb", "rs", "go", "py", "js", "ts"]
                    .contains(&rest)
            })
    })
}

fn is_caddyfile(name: &str) -> bool {
    name == "Caddyfile" || name.starts_with("Caddyfile.") || name.ends_with(".caddyfile")
}

/// A file of settings that a program reads; examples of one are none.
fn is_env(name: &str) -> bool {
    let example = ["example", "sample", "template", "dist", "schema", "defaults", "tmpl"];
    let parts: Vec<&str> = name.split('.').collect();
    (name == ".env" || name.starts_with(".env.") || (name.ends_with(".env") && !name.starts_with('.')))
        && !parts.iter().any(|part| example.contains(part))
}

/// What the file is, if it is anything known.
pub(crate) fn recognise(path: &str, text: &str) -> Option<Format> {
    let name = base(path);
    if is_dockerfile(name) {
        return Some(Format::Dockerfile);
    }
    if name.ends_with(".tf") || name.ends_with(".tfvars") {
        return Some(Format::Terraform);
    }
    if name.ends_with(".sql") {
        return Some(Format::Sql);
    }
    if is_caddyfile(name) {
        return Some(Format::Caddy);
    }
    if is_env(name) {
        return Some(Format::Env);
    }
    if name == "gabion.toml" {
        return Some(Format::Gabion);
    }
    if name == ".gitignore" || name.ends_with(".dockerignore") {
        return Some(Format::Ignore);
    }
    if name.ends_with(".tpl") {
        return path.contains("templates/").then_some(Format::Chart);
    }
    if is_yaml(name) {
        return of_yaml(path, name, text);
    }
    if name.ends_with(".json") {
        return of_json(text);
    }
    is_nginx(path, name, text).then_some(Format::Nginx)
}

fn of_yaml(path: &str, name: &str, text: &str) -> Option<Format> {
    if path.contains(".github/workflows/") {
        return Some(Format::GithubWorkflow);
    }
    let has = |key: &str| has_key(text, key);
    if matches!(name, "action.yml" | "action.yaml") && has("runs") {
        return Some(Format::GithubAction);
    }
    if name.ends_with(".gitlab-ci.yml") || name.ends_with(".gitlab-ci.yaml") {
        return Some(Format::Gitlab);
    }
    if matches!(name, "Chart.yaml" | "Chart.yml" | "values.yaml" | "values.yml") {
        return Some(Format::Chart);
    }
    // Only a template engine reads these.
    if text.contains("{{") && path.split('/').any(|part| part == "templates") {
        return Some(Format::Chart);
    }
    if has("apiVersion") && has("kind") {
        return Some(Format::Kubernetes);
    }
    if has("openapi") || has("swagger") {
        return Some(Format::OpenApi);
    }
    if has("AWSTemplateFormatVersion") || (has("Resources") && text.contains("Type: AWS::")) {
        return Some(Format::CloudFormation);
    }
    let compose = name.starts_with("docker-compose") || name.starts_with("compose");
    let services = has("services") && (text.contains("image:") || text.contains("build:"));
    (services && (compose || !has("pipelines"))).then_some(Format::Compose)
}

/// A key at the very left of a line.
fn has_key(text: &str, key: &str) -> bool {
    text.lines().any(|line| {
        let line = line.trim_start_matches('\u{feff}');
        let line = line.strip_prefix(['"', '\'']).unwrap_or(line);
        (line.strip_prefix(key))
            .is_some_and(|rest| rest.trim_start_matches(['"', '\'']).trim_start().starts_with(':'))
    })
}

fn of_json(text: &str) -> Option<Format> {
    let mut cut = text.len().min(4096);
    while !text.is_char_boundary(cut) {
        cut = cut.saturating_sub(1);
    }
    let head = text.get(..cut).unwrap_or_default();
    if head.contains("\"apiVersion\"") && text.contains("\"kind\"") {
        Some(Format::Kubernetes)
    } else if head.contains("\"openapi\"") || head.contains("\"swagger\"") {
        Some(Format::OpenApi)
    } else if head.contains("\"AWSTemplateFormatVersion\"")
        || (text.contains("\"Resources\"") && text.contains("\"AWS::"))
    {
        Some(Format::CloudFormation)
    } else if head.contains("\"Statement\"")
        && text.contains("\"Effect\"")
        && (head.contains("\"2012-10-17\"") || head.contains("\"2008-10-17\""))
    {
        Some(Format::AwsPolicy)
    } else {
        None
    }
}

fn is_nginx(path: &str, name: &str, text: &str) -> bool {
    if name == "nginx.conf" || name.ends_with(".nginx") {
        return true;
    }
    let block = |word: &str| {
        text.lines().map(str::trim_start).any(|line| {
            line.strip_prefix(word)
                .is_some_and(|rest| rest.trim_start().starts_with('{') || word == "location ")
        })
    };
    let near = path.contains("nginx") || path.contains("sites-") || path.contains("conf.d/");
    (near && (text.contains("proxy_pass") || text.contains("listen ") || block("server")))
        || (block("server") && (text.contains("listen ") || block("location ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_contents_tell() {
        let pod = "apiVersion: v1\nkind: Pod\n";
        for (path, text, format) in [
            ("a/Dockerfile", "", Some(Format::Dockerfile)),
            ("Dockerfile.prod", "", Some(Format::Dockerfile)),
            ("api.dockerfile", "", Some(Format::Dockerfile)),
            ("Dockerfile.md", "", None),
            (".github/workflows/ci.yml", "", Some(Format::GithubWorkflow)),
            ("x.yaml", pod, Some(Format::Kubernetes)),
            ("x.yaml", "# kind of\na: 1\n", None),
            (
                "chart/templates/x.yaml",
                "a: {{ .Values.x }}\napiVersion: v1\nkind: Pod\n",
                Some(Format::Chart),
            ),
            ("docker-compose.yml", "services:\n  a:\n    image: b\n", Some(Format::Compose)),
            (".env", "", Some(Format::Env)),
            (".env.production", "", Some(Format::Env)),
            (".env.example", "", None),
            ("a.json", "{\"openapi\": \"3.1.0\"}", Some(Format::OpenApi)),
            (
                "policy.json",
                "{\"Version\": \"2012-10-17\", \"Statement\": [{\"Effect\": \"Deny\"}]}",
                Some(Format::AwsPolicy),
            ),
            ("a.json", "{\"Version\": \"2012-10-17\"}", None),
            ("conf.d/a.conf", "server {\n listen 80;\n}", Some(Format::Nginx)),
            ("redis.conf", "port 6379\n", None),
            ("api/openapi.yaml", "openapi: 3.1.0\n", Some(Format::OpenApi)),
        ] {
            assert_eq!(recognise(path, text), format, "{path}");
            assert!(format.is_none() || may_be(path), "{path}");
        }
    }
}
