//! Readers of lock files and manifests: each turns a text into an [`Inventory`].

mod bun;
mod bundler;
mod cargo;
mod composer;
mod go;
mod gradle;
mod maven;
mod npm;
mod nuget;
mod pipfile;
mod pnpm;
mod python;
mod requirements;
mod yarn;

use gabion_finding::{Source, Span};

use crate::bounds;
use crate::document::Malformed;
use crate::package::{Format, Inventory, Origin, Package, Spot};
use crate::{manifest, sbom};

pub(crate) use composer::direct;
pub(crate) use maven::{expand, is_range};
pub(crate) use requirements::{exact, requirement as pep508};

/// All that the file says. Where it is not what its name says, what was read before that stands, with the reason.
pub(crate) fn read(format: Format, source: &Source) -> (Inventory, Option<Malformed>) {
    let mut out = Inventory::new(format, source);
    let result = dispatch(format, source, &mut out);
    if out.packages.len() > bounds::PACKAGES || out.requirements.len() > bounds::PACKAGES {
        out.packages.truncate(bounds::PACKAGES);
        out.requirements.truncate(bounds::PACKAGES);
        out.gaps.push("more than 200 000 packages; the rest was not read".to_owned());
    }
    (out, result.err())
}

fn dispatch(format: Format, source: &Source, out: &mut Inventory) -> Result<(), Malformed> {
    match format {
        Format::BunLock => bun::read(source, out),
        Format::Bundler => bundler::lock(source, out),
        Format::CargoLock => cargo::lock(source, out),
        Format::CargoToml => manifest::cargo(source, out),
        Format::ComposerJson => composer::manifest(source, out),
        Format::ComposerLock => composer::lock(source, out),
        Format::Gemfile => bundler::gemfile(source, out),
        Format::GoMod => go::module(source, out),
        Format::GoSum => go::sums(source, out),
        Format::GradleBuild => gradle::build(source, out),
        Format::GradleLock => gradle::lock(source, out),
        Format::NpmLock => npm::read(source, out),
        Format::Npmrc => manifest::npmrc(source, out),
        Format::NugetConfig => nuget::config(source, out),
        Format::NugetLock => nuget::lock(source, out),
        Format::NugetProject => nuget::project(source, out),
        Format::PackageJson => manifest::package_json(source, out),
        Format::PdmLock | Format::PoetryLock | Format::PylockToml | Format::UvLock => {
            python::read(source, out)
        }
        Format::Pipfile => pipfile::manifest(source, out),
        Format::PipfileLock => pipfile::lock(source, out),
        Format::PnpmLock => pnpm::read(source, out),
        Format::Pom => maven::read(source, out),
        Format::PyprojectToml => manifest::pyproject(source, out),
        Format::Requirements => requirements::read(source, out),
        Format::VersionCatalogue => gradle::catalogue(source, out),
        Format::YarnLock => yarn::read(source, out),
        Format::CycloneDxJson
        | Format::CycloneDxXml
        | Format::Spdx2Json
        | Format::Spdx2Tags
        | Format::Spdx3Json => sbom::read(source, out),
    }
}

/// The line that a place begins on, without the blanks before it: what a reader wants to see of a package.
pub(crate) fn line(source: &Source, span: Span) -> Spot {
    let number = source.lines().line(span.start);
    let line = source.line(number);
    let text = line.of(source.text());
    let blank = text.len() - text.trim_start().len();
    let blank = u32::try_from(blank).unwrap_or(0);
    Spot::of(source, Span::new(line.start.saturating_add(blank), line.end))
}

/// Where an address of npm, yarn, pnpm or bun leads.
pub(crate) fn origin(address: &str) -> Origin {
    let git = ["git+", "git:", "git@", "github:", "gitlab:", "bitbucket:", "ssh:"];
    if git.iter().any(|start| address.starts_with(start)) || address.contains(".git#") {
        let commit = address.rsplit_once('#').map(|(_, commit)| commit.trim_start_matches("commit="));
        return Origin::Git { address: address.to_owned(), pinned: commit.is_some_and(is_commit) };
    }
    if ["file:", "link:", "portal:", "workspace:", "./", "../"].iter().any(|start| address.starts_with(start))
    {
        return Origin::Local;
    }
    if address.starts_with("https://codeload.github.com/") {
        let commit = address.rsplit('/').next().unwrap_or_default();
        return Origin::Git { address: address.to_owned(), pinned: is_commit(commit) };
    }
    if address.starts_with("http://") || address.starts_with("https://") {
        // Registries of npm keep archives under `/-/`.
        return if address.contains("/-/") {
            Origin::Registry(address.to_owned())
        } else {
            Origin::Archive(address.to_owned())
        };
    }
    Origin::Unknown
}

pub(crate) fn is_commit(text: &str) -> bool {
    text.len() >= 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Follows from what the project asks for, where the format tells what each package needs: who is there only for development.
pub(crate) fn mark(packages: &mut [Package], runtime: &[String], development: &[String]) {
    use std::collections::{HashMap, HashSet};
    let by_key: HashMap<&str, usize> =
        packages.iter().enumerate().map(|(at, package)| (package.key.as_str(), at)).collect();
    let mut reached = HashSet::new();
    let mut open: Vec<usize> = runtime.iter().filter_map(|key| by_key.get(key.as_str()).copied()).collect();
    while let Some(at) = open.pop() {
        if reached.insert(at)
            && let Some(package) = packages.get(at)
        {
            open.extend(package.needs.iter().filter_map(|key| by_key.get(key.as_str()).copied()));
        }
    }
    let direct: HashSet<&str> = runtime.iter().chain(development).map(String::as_str).collect();
    let direct: HashSet<usize> = direct.iter().filter_map(|key| by_key.get(key).copied()).collect();
    for (at, package) in packages.iter_mut().enumerate() {
        package.direct = Some(direct.contains(&at));
        package.development = Some(!reached.contains(&at));
    }
}

#[cfg(test)]
mod tests;
