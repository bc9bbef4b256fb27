//! Contracts of real products load; what of them is not enforced is counted, and the counts may only shrink.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gabion_model::Timestamp;
use gabion_openapi::{Answers, Contract, Loaded, Options};

/// File, operations, parts that are not enforced.
const SHARED: [(&str, usize, usize); 12] = [
    ("crapi.json", 44, 2),
    ("juice-shop.yml", 1, 1),
    ("vampi.yml", 14, 1),
    ("wazuh.yaml", 94, 69),
    ("oai-examples/examples/v3.0/api-with-examples.yaml", 2, 4),
    ("oai-examples/examples/v3.0/callback-example.json", 1, 1),
    ("oai-examples/examples/v3.0/link-example.yaml", 6, 0),
    ("oai-examples/examples/v3.0/petstore-expanded.yaml", 4, 0),
    ("oai-examples/examples/v3.0/petstore.json", 3, 0),
    ("oai-examples/examples/v3.0/uspto.yaml", 3, 0),
    ("oai-examples/examples/v3.1/non-oauth-scopes.yaml", 1, 1),
    ("oai-examples/examples/v3.1/tictactoe.yaml", 3, 9),
];

fn load(path: &Path) -> Result<Loaded, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let files = BTreeMap::from([(name.clone(), text)]);
    let options = Options {
        answers: Answers::Enforce,
        // As the gate does, which knows when the file was written.
        written: Some(Timestamp::from_secs(1_780_000_000)),
        ..Options::default()
    };
    Contract::load(&files, &name, &options).map_err(|problems| {
        let told: Vec<String> = problems.iter().take(10).map(ToString::to_string).collect();
        format!("{}: {} problems\n{}", path.display(), problems.len(), told.join("\n"))
    })
}

/// GitHub's, which the end-to-end tests install.
#[test]
#[expect(clippy::disallowed_methods, reason = "where packages lie is the environment's to say")]
fn the_contract_of_github_loads() {
    let home = std::env::var_os("HOME").unwrap_or_default();
    let file = "node_modules/@octokit/openapi/generated/api.github.com.json";
    let clients = std::env::var_os("GABION_CLIENTS")
        .map_or_else(|| PathBuf::from(home).join(".cache/gabion/clients"), PathBuf::from);
    if !clients.join(file).exists() {
        eprintln!("skipped: `cargo xtask test clients` installs @octokit/openapi");
        return;
    }
    let loaded = load(&clients.join(file)).unwrap();
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for limit in &loaded.not_enforced {
        *kinds.entry(limit.what.split('`').next().unwrap_or_default().to_owned()).or_default() += 1;
    }
    let told: Vec<String> = kinds.iter().map(|(what, count)| format!("{count} {what}")).collect();
    let all: Vec<String> =
        loaded.not_enforced.iter().map(|limit| format!("{} {}", limit.place, limit.what)).collect();
    assert_eq!(
        (loaded.contract.operations().len(), loaded.not_enforced.len()),
        (1223, 25),
        "{told:#?} {all:#?}"
    );
}

#[test]
#[expect(clippy::disallowed_methods, reason = "where the test data lies is the environment's to say")]
fn contracts_of_real_products_load() {
    let shared =
        std::env::var_os("GABION_SHARED").map_or_else(|| PathBuf::from("../../../shared"), PathBuf::from);
    let folder = shared.join("data/openapi");
    if !folder.exists() {
        eprintln!("skipped: no contracts in {}", folder.display());
        return;
    }
    let mut wrong = Vec::new();
    for (file, operations, listed) in SHARED {
        match load(&folder.join(file)) {
            Err(error) => wrong.push(error),
            Ok(loaded) => {
                let found = (loaded.contract.operations().len(), loaded.not_enforced.len());
                if found != (operations, listed) {
                    let told: Vec<String> = loaded
                        .not_enforced
                        .iter()
                        .map(|limit| format!("  {} {}", limit.place, limit.what))
                        .collect();
                    wrong.push(format!("(\"{file}\", {}, {}),\n{}", found.0, found.1, told.join("\n")));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
