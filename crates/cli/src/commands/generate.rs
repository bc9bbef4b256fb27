//! `gabion generate zod | pydantic | identity | dockerfile | kubernetes | ci`.

mod deliver;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use gabion_generate::{
    Contract, Direction, Generated, Origin, ci, container, environment, identity, kubernetes,
};
use gabion_model::Problem;
use gabion_openapi::json::Value;

use super::sources;
use crate::arguments::{
    CiService, Ecosystem, Framework, Generate, GenerateCi, GenerateDockerfile, GenerateIdentity,
    GenerateKubernetes, GenerateSchemas, Way,
};
use crate::contract::files;
use crate::failure::{Exit, Failure};
use crate::gate::generation;

pub(super) fn run(verb: &Generate) -> Result<Exit, Failure> {
    match verb {
        Generate::Zod(arguments) => schemas(arguments, Language::TypeScript),
        Generate::Pydantic(arguments) => schemas(arguments, Language::Python),
        Generate::Identity(arguments) => identity(arguments),
        Generate::Dockerfile(arguments) => dockerfile(arguments),
        Generate::Kubernetes(arguments) => kubernetes(arguments),
        Generate::Ci(arguments) => ci(arguments),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    TypeScript,
    Python,
}

fn schemas(arguments: &GenerateSchemas, language: Language) -> Result<Exit, Failure> {
    let verb = if language == Language::TypeScript { "zod" } else { "pydantic" };
    let (way, direction) = match arguments.direction {
        Way::Request => ("request", Direction::Request),
        Way::Response => ("response", Direction::Response),
    };
    let mut made = Generated::default();
    if arguments.file.is_some() || arguments.env.is_none() {
        let path = contract_file(arguments)?;
        let name = path.display().to_string();
        let (texts, root) = files(&path).map_err(|problems| wrong(&name, problems))?;
        let trees = trees(&texts).map_err(|problem| wrong(&name, vec![problem]))?;
        let contract = Contract::new(&trees, &root).map_err(|problem| wrong(&name, vec![problem]))?;
        let command = format!("gabion generate {verb} {root} --direction {way}");
        let origin = origin(command, texts.iter().map(|(name, text)| (name.as_str(), text.as_str())));
        made = match language {
            Language::TypeScript => gabion_generate::zod::contract(contract, direction, &origin),
            Language::Python => gabion_generate::pydantic::contract(contract, direction, &origin),
        };
    }
    if let Some(path) = &arguments.env {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::usage(format!("cannot read `{}`", path.display())).because(&error))?;
        let variables = environment::read(&name, &text).map_err(|problems| wrong(&name, problems))?;
        let origin = origin(format!("gabion generate {verb} --env {name}"), [(name.as_str(), text.as_str())]);
        let more = match language {
            Language::TypeScript => environment::typescript(&variables, &origin),
            Language::Python => environment::python(&variables, &origin),
        };
        made.files.extend(more.files);
        made.limits.extend(more.limits);
    }
    deliver::deliver(&made, &arguments.target)
}

/// The one that was named, or the only one of the configuration.
fn contract_file(arguments: &GenerateSchemas) -> Result<PathBuf, Failure> {
    if let Some(file) = &arguments.file {
        return Ok(file.clone());
    }
    let contracts = sources(&arguments.config).load()?.config.contracts;
    let mut all = contracts.into_values();
    match (all.next(), all.next()) {
        (Some(one), None) => Ok(one.file),
        (None, _) => Err(Failure::usage("the configuration names no contract")
            .hint("name a file: `gabion generate zod openapi.yaml`, or add `[contracts.app]` with `file = \"openapi.yaml\"`")),
        _ => Err(Failure::usage("the configuration names several contracts")
            .hint("name the file of one: `gabion generate zod openapi.yaml`")),
    }
}

fn trees(texts: &BTreeMap<String, String>) -> Result<BTreeMap<String, Value>, Problem> {
    let tree = |(name, text): (&String, &String)| {
        let value = gabion_openapi::tree(name, text);
        let value = value.map_err(|error| Problem::new(name.as_str(), error.to_string()))?;
        Ok((name.clone(), value))
    };
    texts.iter().map(tree).collect()
}

fn identity(arguments: &GenerateIdentity) -> Result<Exit, Failure> {
    let config = sources(&arguments.config).load()?.config;
    let audience = match &arguments.upstream {
        Some(name) if config.upstreams.contains_key(name) => name.clone(),
        Some(name) => {
            return Err(Failure::usage(format!("there is no `{name}` under [upstreams]"))
                .hint(names(&config.upstreams)));
        }
        None => match config.upstreams.keys().collect::<Vec<_>>().as_slice() {
            [one] => (*one).clone(),
            [] => return Err(Failure::usage("the configuration has no application under [upstreams]")),
            _ => {
                return Err(Failure::usage("there are several applications under [upstreams]")
                    .hint(format!("`--upstream NAME`; {}", names(&config.upstreams))));
            }
        },
    };
    let issuer = generation::origin(&config, config.gateway.listen);
    let keys = arguments.keys.clone().unwrap_or_else(|| format!("{issuer}/.well-known/jwks.json"));
    if !(keys.starts_with("https://") || keys.starts_with("http://")) {
        return Err(Failure::usage("`--keys` is no URL")
            .hint("for instance `http://gabion:8080/.well-known/jwks.json`"));
    }
    let (word, framework) = match arguments.framework {
        Framework::Express => ("express", identity::Framework::Express),
        Framework::Next => ("next", identity::Framework::Next),
        Framework::Fastapi => ("fastapi", identity::Framework::FastApi),
    };
    let name = file_name(&arguments.config.config);
    let read = format!("{issuer}\n{audience}\n{keys}");
    let origin = origin(
        format!("gabion generate identity {word} --upstream {audience}"),
        [(name.as_str(), read.as_str())],
    );
    let facts = identity::Facts { issuer, audience, keys };
    deliver::deliver(&identity::verifier(framework, &facts, &origin), &arguments.target)
}

fn names<T>(upstreams: &BTreeMap<String, T>) -> String {
    let names: Vec<String> = upstreams.keys().map(|name| format!("`{name}`")).collect();
    format!("there are {}", names.join(", "))
}

fn dockerfile(arguments: &GenerateDockerfile) -> Result<Exit, Failure> {
    let (word, ecosystem) = match arguments.ecosystem {
        Ecosystem::Go => ("go", container::Ecosystem::Go),
        Ecosystem::Java => ("java", container::Ecosystem::Java),
        Ecosystem::Node => ("node", container::Ecosystem::Node),
        Ecosystem::Python => ("python", container::Ecosystem::Python),
        Ecosystem::Rust => ("rust", container::Ecosystem::Rust),
    };
    let facts = container::Facts {
        entry: arguments.entry.clone(),
        port: arguments.port,
        health: arguments.health.clone(),
    };
    refuse(facts.problems())?;
    let command = format!(
        "gabion generate dockerfile {word} --entry {} --port {} --health {}",
        facts.entry, facts.port, facts.health
    );
    deliver::deliver(&container::dockerfile(ecosystem, &facts, &origin(command, [])), &arguments.target)
}

fn kubernetes(arguments: &GenerateKubernetes) -> Result<Exit, Failure> {
    let facts = kubernetes::Facts {
        name: arguments.name.clone(),
        namespace: arguments.namespace.clone().unwrap_or_else(|| arguments.name.clone()),
        image: arguments.image.clone(),
        port: arguments.port,
        health: arguments.health.clone(),
        gate_namespace: arguments.gate_namespace.clone(),
        gate_port: arguments.gate_port,
    };
    refuse(facts.problems())?;
    let command = format!(
        "gabion generate kubernetes {} --namespace {} --image {} --port {} --health {} --gate-namespace {} --gate-port {}",
        facts.name,
        facts.namespace,
        facts.image,
        facts.port,
        facts.health,
        facts.gate_namespace,
        facts.gate_port
    );
    deliver::deliver(&kubernetes::manifests(&facts, &origin(command, [])), &arguments.target)
}

fn ci(arguments: &GenerateCi) -> Result<Exit, Failure> {
    let path = arguments.config.config.display().to_string();
    let plain = |character: char| character.is_ascii_alphanumeric() || "._-/".contains(character);
    if !path.chars().all(plain) || path.starts_with('-') {
        return Err(Failure::usage("`--config` is no plain path, and would not be one word in a pipeline")
            .hint("letters, digits and `._-/`, from the root of the repository"));
    }
    let config = sources(&arguments.config).load()?.config;
    let step = |name: &str, command: String| ci::Step { name: name.to_owned(), command };
    let mut steps = vec![
        step("Which version", "gabion version".to_owned()),
        step("The configuration is in order", format!("gabion config check {path}")),
    ];
    if !config.contracts.is_empty() {
        steps.push(step(
            "The contracts load, and what of them is not enforced",
            format!("gabion contract check --config {path}"),
        ));
    }
    let mut missing = Vec::new();
    steps.push(step("Weak points of the sources", "gabion scan".to_owned()));
    // It attacks what runs: without its facts there is nothing to attack.
    if Path::new("probe.toml").is_file() {
        steps.push(step("Weak points of the running application", "gabion probe".to_owned()));
    } else {
        missing.push("probe");
    }
    let (word, service) = match arguments.service {
        CiService::Github => ("github", ci::Service::GitHub),
        CiService::Gitlab => ("gitlab", ci::Service::GitLab),
    };
    let read: Vec<&str> = steps.iter().map(|step| step.command.as_str()).collect();
    let read = read.join("\n");
    let origin =
        origin(format!("gabion generate ci {word} --config {path}"), [(path.as_str(), read.as_str())]);
    let mut made = ci::workflow(service, &steps, &missing, &origin);
    if let Some(cron) = &arguments.schedule {
        made.files.extend(scheduled(cron, word, service)?.files);
    }
    deliver::deliver(&made, &arguments.target)
}

/// The pipeline that probes at certain times.
fn scheduled(cron: &str, word: &str, service: ci::Service) -> Result<Generated, Failure> {
    if !ci::is_cron(cron) {
        return Err(
            Failure::usage("`--schedule` is no line of cron").hint("five fields, such as `0 3 * * *`")
        );
    }
    if !Path::new("probe.toml").is_file() {
        return Err(Failure::usage("a schedule probes what `probe.toml` describes, and there is none")
            .hint("`gabion probe init URL --logins FILE` drafts it"));
    }
    let origin = origin(format!("gabion generate ci {word} --schedule '{cron}'"), [("probe.toml", cron)]);
    Ok(ci::schedule(service, cron, &origin))
}

/// The command, what was read, and what that hashes to.
fn origin<'a>(command: String, read: impl IntoIterator<Item = (&'a str, &'a str)>) -> Origin {
    let mut sources = Vec::new();
    let mut all = format!("{}:{command}", command.len());
    for (name, text) in read {
        sources.push(name.to_owned());
        let _ = write!(all, "{}:{name}{}:{text}", name.len(), text.len());
    }
    let hash = gabion_vault::sha256(all.as_bytes()).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    Origin { version: env!("CARGO_PKG_VERSION").to_owned(), command, sources, hash }
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn refuse(problems: Vec<Problem>) -> Result<(), Failure> {
    let mut problems = problems.into_iter();
    let Some(first) = problems.next() else { return Ok(()) };
    let mut failure = Failure::usage(format!("`{}` {}", first.path, first.reason));
    if let Some(hint) = first.hint {
        failure = failure.hint(hint);
    }
    Err(problems.fold(failure, |failure, problem| {
        failure.because_text(format!("`{}` {}", problem.path, problem.reason))
    }))
}

fn wrong(name: &str, problems: Vec<Problem>) -> Failure {
    let mut failure = Failure::usage(format!("`{name}` cannot be used"));
    for problem in problems {
        let hint = problem.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
        failure = failure.because_text(format!("{}: {}{hint}", problem.path, problem.reason));
    }
    failure
}
