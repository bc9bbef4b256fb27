//! `cargo xtask bench contract`: reading and validating one JSON document of 1, 10 and 100 kB, from bytes to verdict,
//! beside ajv (npm) and jsonschema-rs (PyPI) with the same schema and documents.
//!
//! All take turns on core 0, in another order every round. Time is that on the processor.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Failure;
use super::ground::example;
use super::report::{Row, median_and_least, publish};
use crate::output;

/// What is installed for the peers, into a folder of the build.
const NPM: &[&str] = &["ajv@8.20.0", "ajv-formats@3.0.1"];
const PYPI: &str = "jsonschema-rs==0.60.3";
const SIZES: &[(&str, usize)] = &[("1 kB", 1_000), ("10 kB", 10_000), ("100 kB", 100_000)];

/// Measures and publishes. `--rounds N`, `--milliseconds N` for each document, `--binary PATH` (default: builds the
/// example `validation_cost` with the profile `dist`).
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let plan = Plan::read(arguments)?;
    let root = crate::root();
    let binary = match &plan.binary {
        Some(path) => path.clone(),
        None => example(&root, "gabion-openapi", "validation_cost")?,
    };
    let folder = root.join("target/bench/contract");
    fs::create_dir_all(&folder)?;
    install(&folder)?;
    let documents = write_documents(&folder)?;
    let files = root.join("bench/contract");
    let mut programs = [
        ("gabion", vec![binary.display().to_string()]),
        ("ajv", vec!["node".to_owned(), files.join("ajv.mjs").display().to_string()]),
        (
            "jsonschema-rs",
            vec![
                folder.join("venv/bin/python").display().to_string(),
                files.join("jsonschema_rs_cost.py").display().to_string(),
            ],
        ),
    ];
    let schema = files.join("schema.json");
    // By program and document, a figure for each round.
    let mut figures: Vec<(&str, Vec<Vec<f64>>)> =
        programs.iter().map(|(name, _)| (*name, vec![Vec::new(); documents.len()])).collect();
    for round in 0..plan.rounds {
        output::note(&format!("round {} of {}", round + 1, plan.rounds));
        for (name, command) in &programs {
            let nanos = measure(command, &folder, &schema, plan.milliseconds, &documents)?;
            let Some((_, of)) = figures.iter_mut().find(|(other, _)| other == name) else { continue };
            of.iter_mut().zip(&nanos).for_each(|(rounds, nanos)| rounds.push(*nanos));
        }
        programs.rotate_left(1);
    }
    let mut rows = Vec::new();
    let least =
        |of: &[Vec<f64>], document: usize| of.get(document).map_or(0.0, |rounds| median_and_least(rounds).1);
    let Some((_, ours)) = figures.first() else { return Ok(()) };
    for (peer, of) in figures.iter().skip(1) {
        for (document, (size, _)) in SIZES.iter().enumerate() {
            let (mine, theirs) = (least(ours, document), least(of, document));
            let bytes =
                documents.get(document).map_or(Ok(0), |path| fs::metadata(path).map(|data| data.len()))?;
            rows.push(Row::new(format!("read and validate {size}"), "µs", mine / 1e3, peer, theirs / 1e3));
            let per_second = |nanos: f64| bytes as f64 * 1e3 / nanos;
            rows.push(Row::new(
                format!("read and validate {size}"),
                "MB/s",
                per_second(mine),
                peer,
                per_second(theirs),
            ));
        }
    }
    publish(&root.join("target/bench"), "contract", &rows)
}

struct Plan {
    rounds: usize,
    milliseconds: u64,
    binary: Option<PathBuf>,
}

impl Plan {
    fn read(arguments: &[String]) -> Result<Self, Failure> {
        let mut plan = Self { rounds: 5, milliseconds: 500, binary: None };
        let mut arguments = arguments.iter();
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("`{name}` needs a value"))?;
            match name.as_str() {
                "--rounds" => plan.rounds = value.parse()?,
                "--milliseconds" => plan.milliseconds = value.parse()?,
                "--binary" => plan.binary = Some(value.into()),
                _ => return Err(format!("unknown option `{name}`").into()),
            }
        }
        Ok(plan)
    }
}

/// The peers, once.
fn install(folder: &Path) -> Result<(), Failure> {
    if !folder.join("node_modules/ajv-formats").is_dir() {
        output::note("installing ajv");
        let quiet =
            ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", "--prefix"];
        succeed(Command::new("npm").args(quiet).arg(folder).args(NPM))?;
    }
    if !folder.join("venv/installed").is_file() {
        output::note("installing jsonschema-rs");
        succeed(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder.join("venv")))?;
        let pip = ["install", "--quiet", "--disable-pip-version-check", PYPI];
        succeed(Command::new(folder.join("venv/bin/pip")).args(pip))?;
        fs::write(folder.join("venv/installed"), PYPI)?;
    }
    Ok(())
}

fn succeed(command: &mut Command) -> Result<String, Failure> {
    let output = command.stdin(Stdio::null()).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Orders with so many lines that they are about as large as they should be.
fn write_documents(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut paths = Vec::new();
    for (name, size) in SIZES {
        let mut text = String::from(HEAD);
        let mut line = 0;
        while text.len() < size - 100 {
            if line > 0 {
                text.push(',');
            }
            let discount = if line % 2 == 0 { r#"{"percent":15}"# } else { r#"{"amount":2.5}"# };
            write!(
                text,
                r#"{{"sku":"ABC-{:06}","name":"Trail shoe, waterproof, model {line}","quantity":{},"price":{}.95,"gift":{},"tags":["outdoor","summer"],"discount":{discount}}}"#,
                line * 7 % 1_000_000,
                line % 9 + 1,
                line * 13 % 900 + 10,
                line % 3 == 0,
            )?;
            line += 1;
        }
        text.push_str("]}");
        let path = folder.join(format!("{}.json", name.replace(' ', "-")));
        fs::write(&path, text)?;
        paths.push(path);
    }
    Ok(paths)
}

const HEAD: &str = r#"{"id":"3f2c1f0e-8a56-4f0b-9a2d-6f1f5c0b7e11","placed_at":"2026-03-05T10:11:12.345Z","currency":"EUR","customer":{"name":"Ada Lovelace","email":"ada@example.org","country":"GB","vip":true},"note":null,"lines":["#;

/// Nanoseconds for each document.
fn measure(
    command: &[String],
    folder: &Path,
    schema: &Path,
    milliseconds: u64,
    documents: &[PathBuf],
) -> Result<Vec<f64>, Failure> {
    let mut taskset = Command::new("taskset");
    taskset.args(["-c", "0"]).args(command).arg(schema).arg(milliseconds.to_string()).args(documents);
    let printed = succeed(taskset.current_dir(folder))?;
    Ok(printed.lines().map(str::parse).collect::<Result<_, _>>()?)
}
