//! What a file says a project is built of, in one shape for all formats.

use std::sync::Arc;

use gabion_finding::{Ecosystem, Place, Position, Source, Span};
use serde::{Deserialize, Serialize};

/// Where in its file, without the file's path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spot {
    pub start: Position,
    pub end: Position,
    pub span: Span,
}

impl Spot {
    pub(crate) fn of(source: &Source, span: Span) -> Self {
        let Place { start, end, span, .. } = source.place(span);
        Self { start, end, span }
    }

    #[must_use]
    pub fn place(self, path: &Arc<str>) -> Place {
        Place { path: Arc::clone(path), start: self.start, end: self.end, span: self.span }
    }
}

/// One package at one exact version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    pub ecosystem: Ecosystem,
    /// As advisories name it: `@babel/core`, `django`, `org.apache.logging.log4j:log4j-core`, `github.com/gin-gonic/gin`.
    pub name: String,
    pub version: String,
    /// What others of the same file call it in `needs`.
    pub key: String,
    pub spot: Spot,
    /// Whether the project itself asks for it. None where the file does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direct: Option<bool>,
    /// Only for development or tests. None where the file does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub development: Option<bool>,
    #[serde(default)]
    pub origin: Origin,
    /// Its checksum as the file writes it. None where the format has one and it is missing here.
    #[serde(default, skip_serializing_if = "Integrity::is_absent")]
    pub integrity: Integrity,
    /// Runs a program of its own when it is installed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub script: bool,
    /// What its author says to those who still use it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deprecated: Option<String>,
    /// An SPDX expression, or what stands in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// The keys of what it needs itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
}

/// Where a package comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// A registry, by the address that the file names; empty where it names none.
    Registry(String),
    /// A repository; pinned when a commit is named.
    Git { address: String, pinned: bool },
    /// An archive at an address that is no registry's.
    Archive(String),
    /// This very tree.
    Local,
    #[default]
    Unknown,
}

/// What the file holds against a changed package.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Integrity {
    /// The format has none.
    #[default]
    Absent,
    /// The format has one, and it is missing here.
    Missing,
    /// As it is written there: `sha512-…`, 64 hexadecimal digits, `h1:…`.
    Present(String),
}

impl Integrity {
    pub(crate) fn of(text: Option<&str>) -> Self {
        match text {
            Some(text) if !text.is_empty() => Self::Present(text.to_owned()),
            _ => Self::Missing,
        }
    }

    pub(crate) const fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

/// What a project asks for, before a tool chose a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requirement {
    pub ecosystem: Ecosystem,
    pub name: String,
    /// As it is written; empty where nothing is.
    pub range: String,
    pub spot: Spot,
    #[serde(default)]
    pub development: bool,
    /// Only where an extra, a platform or a feature asks for it.
    #[serde(default)]
    pub optional: bool,
    #[serde(default)]
    pub origin: Origin,
    /// Whether a checksum stands beside it.
    #[serde(default)]
    pub hashed: bool,
}

/// A registry that a file names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registry {
    pub ecosystem: Ecosystem,
    pub address: String,
    /// For what only: `@acme`. Empty for everything.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub scope: String,
    /// Asked beside another, whichever has the higher version wins.
    #[serde(default)]
    pub mixed: bool,
    pub spot: Spot,
}

/// All that one file says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    pub format: Format,
    #[serde(default)]
    pub packages: Vec<Package>,
    #[serde(default)]
    pub requirements: Vec<Requirement>,
    #[serde(default)]
    pub registries: Vec<Registry>,
    /// The name of the project, where the file gives it.
    #[serde(default)]
    pub project: String,
    /// Not meant to be a library for others.
    #[serde(default)]
    pub application: bool,
    /// What a lock file says the manifest asked for when it was written: (name, range). None where it does not say.
    #[serde(default)]
    pub asked: Option<Vec<(String, String)>>,
    /// Names of other files or parts it builds upon: workspace members, `-r` files, parents.
    #[serde(default)]
    pub refers: Vec<String>,
    /// Where the file as a whole is spoken of: its first line that says something.
    pub head: Spot,
    /// What could not be read of it.
    #[serde(default)]
    pub gaps: Vec<String>,
}

impl Inventory {
    pub(crate) fn new(format: Format, source: &Source) -> Self {
        Self {
            format,
            packages: Vec::new(),
            requirements: Vec::new(),
            registries: Vec::new(),
            project: String::new(),
            application: false,
            asked: None,
            refers: Vec::new(),
            head: Spot::of(source, source.line(1)),
            gaps: Vec::new(),
        }
    }
}

impl Package {
    pub(crate) fn new(ecosystem: Ecosystem, name: &str, version: &str, spot: Spot) -> Self {
        let name = crate::name::normal(ecosystem, name);
        Self {
            key: format!("{name}@{version}"),
            ecosystem,
            name,
            version: version.to_owned(),
            spot,
            direct: None,
            development: None,
            origin: Origin::Unknown,
            integrity: Integrity::Absent,
            script: false,
            deprecated: None,
            licence: None,
            needs: Vec::new(),
        }
    }
}

impl Requirement {
    pub(crate) fn new(ecosystem: Ecosystem, name: &str, range: &str, spot: Spot) -> Self {
        Self {
            ecosystem,
            name: crate::name::normal(ecosystem, name),
            range: range.trim().to_owned(),
            spot,
            development: false,
            optional: false,
            origin: Origin::Unknown,
            hashed: false,
        }
    }
}

/// What kind of file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    BunLock,
    Bundler,
    CargoLock,
    CargoToml,
    ComposerJson,
    ComposerLock,
    CycloneDxJson,
    CycloneDxXml,
    Gemfile,
    GoMod,
    GoSum,
    GradleBuild,
    GradleLock,
    NpmLock,
    Npmrc,
    NugetConfig,
    NugetLock,
    NugetProject,
    PackageJson,
    PdmLock,
    PipfileLock,
    Pipfile,
    PnpmLock,
    PoetryLock,
    Pom,
    PylockToml,
    PyprojectToml,
    Requirements,
    Spdx2Json,
    Spdx2Tags,
    Spdx3Json,
    UvLock,
    VersionCatalogue,
    YarnLock,
}

impl Format {
    /// By the name of the file. None where it is none of them.
    #[must_use]
    pub fn of(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next().unwrap_or(path);
        let lower = name.to_ascii_lowercase();
        Some(match lower.as_str() {
            "package-lock.json" | "npm-shrinkwrap.json" | ".package-lock.json" => Self::NpmLock,
            "yarn.lock" => Self::YarnLock,
            "pnpm-lock.yaml" => Self::PnpmLock,
            "bun.lock" => Self::BunLock,
            "package.json" => Self::PackageJson,
            ".npmrc" => Self::Npmrc,
            "poetry.lock" => Self::PoetryLock,
            "uv.lock" => Self::UvLock,
            "pdm.lock" => Self::PdmLock,
            "pipfile.lock" => Self::PipfileLock,
            "pipfile" => Self::Pipfile,
            "pyproject.toml" => Self::PyprojectToml,
            "cargo.lock" => Self::CargoLock,
            "cargo.toml" => Self::CargoToml,
            "go.mod" => Self::GoMod,
            "go.sum" => Self::GoSum,
            "pom.xml" => Self::Pom,
            "gradle.lockfile" | "buildscript-gradle.lockfile" => Self::GradleLock,
            "build.gradle" | "build.gradle.kts" => Self::GradleBuild,
            "gemfile.lock" | "gems.locked" => Self::Bundler,
            "gemfile" | "gems.rb" => Self::Gemfile,
            "composer.lock" => Self::ComposerLock,
            "composer.json" => Self::ComposerJson,
            "packages.lock.json" => Self::NugetLock,
            "directory.packages.props" | "packages.config" => Self::NugetProject,
            "nuget.config" => Self::NugetConfig,
            "bom.json" => Self::CycloneDxJson,
            "bom.xml" => Self::CycloneDxXml,
            _ if lower.ends_with(".versions.toml") => Self::VersionCatalogue,
            _ if lower == "pylock.toml" || (lower.starts_with("pylock.") && lower.ends_with(".toml")) => {
                Self::PylockToml
            }
            _ if is_requirements(path, &lower) => Self::Requirements,
            _ if [".csproj", ".fsproj", ".vbproj"].iter().any(|end| lower.ends_with(end)) => {
                Self::NugetProject
            }
            _ if lower.ends_with(".cdx.json") => Self::CycloneDxJson,
            _ if lower.ends_with(".cdx.xml") => Self::CycloneDxXml,
            _ if lower.ends_with(".spdx3.json") || lower.ends_with(".spdx.jsonld") => Self::Spdx3Json,
            _ if lower.ends_with(".spdx.json") => Self::Spdx2Json,
            _ if lower.ends_with(".spdx") => Self::Spdx2Tags,
            _ => return None,
        })
    }

    /// Versions in it are exact and complete: what is built is what it lists.
    #[must_use]
    pub const fn is_lock(self) -> bool {
        matches!(
            self,
            Self::BunLock
                | Self::Bundler
                | Self::CargoLock
                | Self::ComposerLock
                | Self::GradleLock
                | Self::NpmLock
                | Self::NugetLock
                | Self::PdmLock
                | Self::PipfileLock
                | Self::PnpmLock
                | Self::PoetryLock
                | Self::PylockToml
                | Self::UvLock
                | Self::YarnLock
        )
    }

    #[must_use]
    pub const fn is_sbom(self) -> bool {
        matches!(
            self,
            Self::CycloneDxJson | Self::CycloneDxXml | Self::Spdx2Json | Self::Spdx2Tags | Self::Spdx3Json
        )
    }
}

/// `requirements.txt`, `requirements-dev.txt`, `dev-requirements.txt`, `constraints.txt`, `requirements/base.txt`, `*.in` beside them.
fn is_requirements(path: &str, name: &str) -> bool {
    let Some(stem) = name.strip_suffix(".txt").or_else(|| name.strip_suffix(".in")) else { return false };
    let folder = path.rsplit('/').nth(1).unwrap_or_default();
    ["requirements", "constraints"].iter().any(|word| {
        stem == *word
            || ["-", "_", "."].iter().any(|between| {
                stem.starts_with(&format!("{word}{between}")) || stem.ends_with(&format!("{between}{word}"))
            })
    }) || folder == "requirements"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_their_names() {
        for (path, format) in [
            ("a/package-lock.json", Some(Format::NpmLock)),
            ("requirements/base.txt", Some(Format::Requirements)),
            ("requirements-dev.txt", Some(Format::Requirements)),
            ("dev_requirements.in", Some(Format::Requirements)),
            ("pylock.test.toml", Some(Format::PylockToml)),
            ("gradle/libs.versions.toml", Some(Format::VersionCatalogue)),
            ("src/App.csproj", Some(Format::NugetProject)),
            ("dist/app.cdx.json", Some(Format::CycloneDxJson)),
            ("notes.txt", None),
            ("docs/robots.txt", None),
            ("package.json.bak", None),
        ] {
            assert_eq!(Format::of(path), format, "{path}");
        }
    }
}
