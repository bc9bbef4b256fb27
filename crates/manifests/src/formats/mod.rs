//! Formats: which file is what, and which places it has.

pub(crate) mod caddy;
mod cloudformation;
mod compose;
pub(crate) mod dockerfile;
mod env;
mod github;
mod gitlab;
pub(crate) mod kubernetes;
pub(crate) mod nginx;
mod openapi;
mod recognise;
pub(crate) mod shell;
pub(crate) mod sql;
pub(crate) mod terraform;

use gabion_finding::Source;

pub(crate) use recognise::{may_be, recognise};

use crate::document::{Documents, Gap, Node, json, toml, yaml};
use crate::subject::Subject;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// A policy of AWS in a file of its own.
    AwsPolicy,
    Caddy,
    /// A part of a Helm chart.
    Chart,
    CloudFormation,
    Compose,
    Dockerfile,
    Env,
    Gabion,
    GithubAction,
    GithubWorkflow,
    Gitlab,
    /// `.gitignore`, `.dockerignore`.
    Ignore,
    Kubernetes,
    Nginx,
    OpenApi,
    Sql,
    Terraform,
}

/// Every kind of place that a rule may be on.
pub(crate) const KINDS: &[&str] = &[
    "aws.policy",
    "caddy.file",
    "caddy.site",
    "cloudformation",
    "cloudformation.output",
    "cloudformation.parameter",
    "compose.file",
    "compose.service",
    "dockerfile",
    "dockerfile.file",
    "dockerfile.stage",
    "env.file",
    "gabion",
    "github.action",
    "github.job",
    "github.step",
    "github.workflow",
    "gitlab.file",
    "gitlab.job",
    "kubernetes",
    "kubernetes.container",
    "kubernetes.pod",
    "nginx.block",
    "nginx.http",
    "nginx.location",
    "nginx.server",
    "openapi.document",
    "openapi.operation",
    "openapi.schema",
    "openapi.security-scheme",
    "sql",
    "terraform",
    "terraform.data",
    "terraform.module",
    "terraform.output",
    "terraform.provider",
    "terraform.settings",
    "terraform.variable",
    "tree.docker-context",
    "tree.environment",
    "tree.ignore",
    "tree.namespace",
];

/// A file, read.
#[derive(Debug)]
pub(crate) struct File {
    format: Format,
    roots: Vec<Node>,
    pub(crate) gaps: Vec<Gap>,
}

impl File {
    pub(crate) fn read(format: Format, source: &Source) -> Self {
        let text = source.text();
        let Documents { roots, gaps } = match format {
            Format::Dockerfile => dockerfile::read(text),
            Format::Nginx => nginx::read(text),
            Format::Caddy => caddy::read(text),
            Format::Env => env::read(text),
            Format::Gabion => toml::read(text),
            _ if source.path().ends_with(".json") => json::read(text),
            _ => yaml::read(text),
        };
        let roots = match format {
            Format::GithubWorkflow => roots.into_iter().map(github::with_triggers).collect(),
            Format::Kubernetes => roots.into_iter().flat_map(kubernetes::written_out).collect(),
            _ => roots,
        };
        Self { format, roots, gaps }
    }

    pub(crate) fn subjects<'a>(&'a self, source: &'a Source) -> Vec<Subject<'a>> {
        let mut all = Vec::new();
        for root in &self.roots {
            match self.format {
                Format::AwsPolicy => all.push(whole("aws.policy", root, source)),
                Format::Caddy => caddy::subjects(root, source, &mut all),
                Format::CloudFormation => cloudformation::subjects(root, source, &mut all),
                Format::Compose => compose::subjects(root, source, &mut all),
                Format::Dockerfile => dockerfile::subjects(root, source, &mut all),
                Format::Env => env::subjects(root, source, &mut all),
                Format::Gabion => all.push(whole("gabion", root, source)),
                Format::GithubAction => github::action_subjects(root, source, &mut all),
                Format::GithubWorkflow => github::subjects(root, source, &mut all),
                Format::Gitlab => gitlab::subjects(root, source, &mut all),
                Format::Kubernetes => kubernetes::subjects(root, source, &mut all),
                Format::Nginx => nginx::subjects(root, source, &mut all),
                Format::OpenApi => openapi::subjects(root, source, &mut all),
                Format::Chart | Format::Ignore | Format::Sql | Format::Terraform => {}
            }
        }
        all
    }
}

/// The whole document as a place; what is missing of it is missing at its first line.
pub(crate) fn whole<'a>(kind: &'static str, node: &'a Node, source: &'a Source) -> Subject<'a> {
    let first = node.entries().first().map_or(node.span, |entry| entry.key_span);
    Subject { kind, sort: "", name: String::new(), anchor: first, node, named: Vec::new(), source }
}
