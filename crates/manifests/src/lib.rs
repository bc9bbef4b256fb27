//! What is configured, and what is wrong with it: containers, Kubernetes, Helm, pipelines, web servers, infrastructure as code,
//! database migrations, API documents, `.env` files and `gabion.toml`.
//!
//! A file is recognised by path and content, read into one model of values with places, and cut into *places of a kind* that
//! rules speak of: `kubernetes.container`, `github.step`, `terraform:aws_s3_bucket`. A rule of `rules/manifests/*.toml` names
//! such a kind (`on`) and either a condition (`finds`, see [`language`]) or a check written here (`check`):
//!
//! ```toml
//! on = "kubernetes.container"
//! finds = "securityContext.privileged"
//! ```
//!
//! What one file cannot say is said of the whole tree: a Terraform module, a chart, the migrations of a database, whether a
//! namespace has a network policy.

mod checks;
mod document;
mod formats;
mod helm;
pub mod language;
mod pack;
mod rule;
mod scanner;
mod subject;
mod tree;

pub use rule::{ManifestRules, Own};
pub use scanner::Manifests;
