//! What `gabion generate` makes, under the tools it is made for: compilers, type checkers, linters, frameworks.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use gabion_openapi::{BodyPlan, Contract, Match, Options};
use http::Request;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::{Client, text};
use crate::clients::{self, node, package, python};
use crate::gate::{self, Gate, PATIENCE};
use crate::oauth::PASSWORD;

const CONFIGURATION: &str = "[gateway]\nlisten = \"127.0.0.1:8080\"\npublic_url = \"https://gate.example\"\n\n\
    [upstreams.shop]\nurl = \"http://127.0.0.1:3000\"\n\n\
    [[routes]]\npath = \"/*\"\naccess = \"signed-in\"\nupstream = \"shop\"\n";

/// A folder in which packages are found, with a configuration.
struct Project(TempDir);

impl Project {
    fn new() -> Self {
        let folder = TempDir::new().expect("a temporary directory");
        let packages = package("zod").parent().expect("a folder of packages").to_owned();
        std::os::unix::fs::symlink(packages, folder.path().join("node_modules")).expect("a link");
        fs::write(folder.path().join("package.json"), "{\"type\":\"module\"}").expect("written");
        fs::write(folder.path().join("gabion.toml"), CONFIGURATION).expect("written");
        Self(folder)
    }

    fn path(&self, below: &str) -> String {
        self.0.path().join(below).display().to_string()
    }

    async fn generate(&self, arguments: &[&str]) -> String {
        let mut all = vec!["generate"];
        all.extend_from_slice(arguments);
        gate::cli(self.0.path(), &all).await
    }

    /// Everything in `made`, compiled into `built` as strictly as there is.
    async fn compile(&self) {
        let options = "{\"compilerOptions\":{\"strict\":true,\"target\":\"es2022\",\"module\":\"nodenext\",\
            \"moduleResolution\":\"nodenext\",\"rootDir\":\"made\",\"outDir\":\"built\",\"types\":[\"node\"],\
            \"exactOptionalPropertyTypes\":true,\"noUncheckedIndexedAccess\":true,\"noUnusedLocals\":true,\
            \"noUnusedParameters\":true,\"noPropertyAccessFromIndexSignature\":true,\"skipLibCheck\":true},\
            \"include\":[\"made\"]}";
        fs::write(self.0.path().join("tsconfig.json"), options).expect("written");
        let mut compiler = clients::program("node");
        compiler.arg(package("typescript").join("bin/tsc")).args(["-p", "."]).current_dir(self.0.path());
        clients::run(&mut compiler).await;
    }

    /// Under `mypy --strict`.
    async fn type_check(&self, folder: &str) {
        let mut checker = tool("mypy");
        checker.args(["--strict", "--no-incremental", folder]).current_dir(self.0.path());
        clients::run(&mut checker).await;
    }
}

/// A program that a package of PyPI brings.
fn tool(name: &str) -> tokio::process::Command {
    let venv = package("zod")
        .parent()
        .and_then(Path::parent)
        .map(|folder| folder.join("venv/bin"))
        .unwrap_or_default();
    clients::program(&venv.join(name).display().to_string())
}

fn scripts(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/generate").join(name).display().to_string()
}

#[tokio::test]
async fn validators_accept_and_refuse_what_the_contract_does() {
    let project = Project::new();
    let contract = scripts("openapi.yaml");
    let table = scripts("documents.json");
    project.generate(&["zod", &contract, "--output", "made"]).await;
    project.compile().await;
    let said =
        clients::run(&mut node("generate_documents.mjs", &[&project.path("built/contract.js"), &table]))
            .await;
    assert!(said.contains("41 documents, 0 wrong"), "{said}");
    project.generate(&["pydantic", &contract, "--output", "python"]).await;
    project.type_check("python").await;
    let said = clients::run(&mut python("generate_documents.py", &[&project.path("python"), &table])).await;
    assert!(said.contains("41 documents, 0 wrong"), "{said}");
}

#[tokio::test]
async fn contracts_of_real_products_compile() {
    let Some(shared) = std::env::var_os("GABION_SHARED") else { return };
    let project = Project::new();
    let mut folders = vec![PathBuf::from(shared).join("data/openapi")];
    let mut count = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.display().to_string();
            let described =
                path.extension().is_some_and(|end| ["yaml", "yml", "json"].iter().any(|one| end == *one));
            if !described {
                continue;
            }
            count += 1;
            for way in ["request", "response"] {
                let module = format!("m{count}_{way}");
                let (made, checked) = (format!("made/{module}"), format!("python/{module}"));
                project.generate(&["zod", &name, "--direction", way, "--output", &made]).await;
                project.generate(&["pydantic", &name, "--direction", way, "--output", &checked]).await;
                fs::write(project.0.path().join(&checked).join("__init__.py"), "").expect("written");
            }
        }
    }
    assert!(count >= 16, "{count} contracts");
    project.compile().await;
    project.type_check("python").await;
    // They load, too.
    for number in 1..=count {
        let built = project.path(&format!("built/m{number}_request/contract.js"));
        let mut load = clients::program("node");
        clients::run(load.arg(built)).await;
        let mut load = tool("python");
        clients::run(load.arg(project.path(&format!("python/m{number}_request/contract.py")))).await;
    }
}

#[tokio::test]
async fn identity_is_verified_in_express_next_and_fastapi() {
    let project = Project::new();
    let port = Gate::free_port().to_string();
    let keys = format!("http://127.0.0.1:{port}/jwks");
    for framework in ["express", "next"] {
        let made = format!("made/{framework}");
        project.generate(&["identity", framework, "--keys", &keys, "--output", &made]).await;
    }
    project.compile().await;
    for framework in ["express", "next"] {
        let built = project.path(&format!("built/{framework}"));
        let said = clients::run(&mut node("generate_identity.mjs", &[framework, &built, &port])).await;
        assert!(said.contains("0 wrong"), "{said}");
    }
    project.generate(&["identity", "fastapi", "--keys", &keys, "--output", "python"]).await;
    project.type_check("python").await;
    let said = clients::run(&mut python("generate_identity.py", &[&project.path("python"), &port])).await;
    assert!(said.contains("0 wrong"), "{said}");
}

#[tokio::test]
async fn the_environment_is_read_once_and_never_told() {
    let project = Project::new();
    let examples = "PORT=3000\nDATABASE_URL=postgres://localhost/shop\nDEBUG=false\nSESSION_SECRET=change-me-change-me\n# LIMIT=10\n";
    fs::write(project.0.path().join(".env.example"), examples).expect("written");
    project.generate(&["zod", "--env", ".env.example", "--output", "made"]).await;
    project.generate(&["pydantic", "--env", ".env.example", "--output", "python"]).await;
    project.compile().await;
    project.type_check("python").await;
    let good = [
        ("PORT", "3000"),
        ("DATABASE_URL", "postgres://localhost/shop"),
        ("DEBUG", "true"),
        ("SESSION_SECRET", "a-long-enough-secret"),
    ];
    let read = "import {readEnvironment} from './built/environment.js'; readEnvironment(process.env)";
    let python = "import environment; environment.read_environment()";
    for (change, named) in [
        (None, ""),
        (Some(("PORT", "70000")), "PORT"),
        (Some(("PORT", "80 ")), "PORT"),
        (Some(("DATABASE_URL", "planted")), "DATABASE_URL"),
        (Some(("DEBUG", "planted")), "DEBUG"),
        (Some(("SESSION_SECRET", "change-me-change-me")), "SESSION_SECRET"),
        (Some(("SESSION_SECRET", "planted")), "SESSION_SECRET"),
        (Some(("LIMIT", "planted")), "LIMIT"),
    ] {
        let mut of_node = clients::program("node");
        of_node.args(["--input-type=module", "--eval", read]).current_dir(project.0.path());
        let mut of_python = tool("python");
        of_python.args(["-c", python]).current_dir(project.0.path().join("python"));
        for mut program in [of_node, of_python] {
            program.envs(good).envs(change);
            let output = program.output().await.expect("runs");
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.success(), change.is_none(), "{change:?}: {said}");
            assert!(said.contains(named) && !said.contains("planted"), "{change:?}: {said}");
        }
    }
}

#[tokio::test]
async fn images_manifests_and_workflows_pass_their_linters() {
    let project = Project::new();
    for (language, entry) in [
        ("node", "dist/server.js"),
        ("python", "app.main"),
        ("rust", "shop"),
        ("go", "shop"),
        ("java", "shop"),
    ] {
        let folder = format!("images/{language}");
        project.generate(&["dockerfile", language, "--entry", entry, "--output", &folder]).await;
        let file = project.path(&format!("{folder}/Dockerfile"));
        clients::run(tool("hadolint").arg(&file)).await;
        let text = fs::read_to_string(&file).expect("a file");
        assert!(
            !text.contains("{{port")
                && text.contains("USER 65532:65532")
                && !text.contains("ARG BUILD_DIGEST="),
            "{text}"
        );
    }
    let image = format!("registry.example/shop@sha256:{}", "a".repeat(64));
    project.generate(&["kubernetes", "shop", "--image", &image, "--output", "manifests"]).await;
    clients::run(tool("kubernetes-validate").args(["--strict", &project.path("manifests/kubernetes.yaml")]))
        .await;
    project.generate(&["ci", "github", "--output", "."]).await;
    clients::run(&mut node("generate_workflow.mjs", &[&project.path(".github/workflows/gabion.yml")])).await;
    // Every command it runs is one that this program has.
    let workflow = fs::read_to_string(project.path(".github/workflows/gabion.yml")).expect("a file");
    for command in workflow.lines().filter_map(|line| line.trim().strip_prefix("run: gabion ")) {
        project.cli(command).await;
    }
    assert!(workflow.contains("gabion probe: needs the running application"));
}

impl Project {
    async fn cli(&self, command: &str) {
        gate::cli(self.0.path(), &command.split(' ').collect::<Vec<_>>()).await;
    }
}

#[tokio::test]
async fn nothing_is_overwritten_unasked_and_what_is_stale_is_told() {
    let project = Project::new();
    let arguments = ["identity", "fastapi", "--output", "out"];
    let with = async |more: &str| {
        let mut program = clients::program(&gate::binary().display().to_string());
        program
            .arg("generate")
            .args(arguments)
            .args((!more.is_empty()).then_some(more))
            .current_dir(project.0.path());
        let output = program.output().await.expect("runs");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let file = project.path("out/gabion_identity.py");
    assert_eq!(with("--check").await.0, Some(1));
    assert!(!Path::new(&file).exists(), "a check writes nothing");
    assert_eq!(with("").await.0, Some(0));
    let first = fs::read(&file).expect("a file");
    assert_eq!(with("--check").await.0, Some(0));
    assert_eq!(with("").await.0, Some(0));
    fs::write(&file, "mine\n").expect("written");
    let (code, said) = with("").await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("-mine") && said.contains("--force"), "{said}");
    assert_eq!(with("--check").await.0, Some(1));
    assert_eq!(fs::read_to_string(&file).expect("a file"), "mine\n");
    assert_eq!(with("--force").await.0, Some(0));
    assert_eq!(fs::read(&file).expect("a file"), first);
    // Another configuration makes it stale.
    fs::write(project.path("gabion.toml"), CONFIGURATION.replace("gate.example", "door.example"))
        .expect("written");
    assert_eq!(with("--check").await.0, Some(1));
}

/// An application with generated code behind a gate that runs: only what this gate signed for it, and lately, counts.
async fn behind_a_gate(framework: &str) {
    let (port, inside) = (Gate::free_port(), Gate::free_port());
    let application = SocketAddr::from(([127, 0, 0, 1], inside));
    let more = format!(
        "[upstreams.other]\nurl = \"http://{application}\"\n\n\
         [[routes]]\npath = \"/other/*\"\naccess = \"signed-in\"\nupstream = \"other\"\n"
    );
    let gate = Gate::start_on(application, port, "", &more).await;
    gate.add_account("ada", PASSWORD).await;
    let project = Project::new();
    let made = project.path("made");
    gate.cli(&["generate", "identity", framework, "--upstream", "app", "--output", &made]).await;
    let mut program = if framework == "fastapi" {
        python("generate_behind_gate.py", &[&made, &inside.to_string()])
    } else {
        project.compile().await;
        node("generate_behind_gate.mjs", &[framework, &project.path("built"), &inside.to_string()])
    };
    let _running = program.spawn().expect("the application starts");
    let listening = async {
        while tokio::net::TcpStream::connect(application).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, listening).await.expect("the application listens");

    let mut ada = Client::new(gate.address);
    assert!(ada.sign_in("ada", PASSWORD).await.expect("answers"));
    let listed = gate.cli(&["user", "show", "ada", "--format", "json"]).await;
    let listed: Value = serde_json::from_str(&listed).expect("JSON");
    let me = ada.get("/me").await.expect("answers");
    assert_eq!(me.status(), 200, "{framework}: {}", text(&me));
    let who: Value = serde_json::from_slice(me.body()).expect("JSON");
    assert_eq!((&who["subject"], &who["name"]), (&listed["id"], &json!("ada")), "{framework}");
    // What a client says of itself is gone before it is seen.
    let claims = Request::get("/me").header("gabion-identity", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJyb290In0.");
    let me = ada.send(claims, Bytes::new()).await.expect("answers");
    assert_eq!(
        serde_json::from_slice::<Value>(me.body()).expect("JSON")["subject"],
        listed["id"],
        "{framework}"
    );
    assert_eq!(
        ada.get("/other/me").await.expect("answers").status(),
        401,
        "{framework}: for another application"
    );

    // Around the gate.
    let raw = ada.get("/raw").await.expect("answers");
    let token: String = serde_json::from_slice(raw.body()).expect("a token");
    let beside = async |tokens: &[&str]| {
        let request =
            tokens.iter().fold(Request::get("/me"), |request, one| request.header("gabion-identity", *one));
        Client::new(application).send(request, Bytes::new()).await.expect("answers").status().as_u16()
    };
    assert_eq!(beside(&[&token]).await, 200, "{framework}");
    let (signed, signature) = token.rsplit_once('.').expect("three parts");
    let (head, claims) = signed.split_once('.').expect("three parts");
    let first = if signature.starts_with('A') { "B" } else { "A" };
    let changed = format!("{signed}.{first}{}", &signature[1..]);
    let unsigned = format!("eyJhbGciOiJub25lIiwidHlwIjoiZ2FiaW9uLWlkZW50aXR5K2p3dCJ9.{claims}.");
    let other = format!("{head}.eyJzdWIiOiJyb290In0.{signature}");
    let (changed, unsigned, other) = (changed.as_str(), unsigned.as_str(), other.as_str());
    for tokens in [&[][..], &[changed], &[unsigned], &[other], &[&*token, &*token], &["x"]] {
        assert_eq!(beside(tokens).await, 401, "{framework}: {tokens:?}");
    }
    let stranger = Client::new(gate.address).get("/me").await.expect("answers");
    assert_eq!(stranger.status(), 401, "{framework}");

    let later = Client::new(application).get("/later").await.expect("answers");
    assert_eq!(later.status(), 200, "{framework}");
    assert_eq!(ada.get("/me").await.expect("answers").status(), 401, "{framework}: an hour later it is over");
}

#[tokio::test]
async fn express_believes_the_gate_and_nobody_else() {
    behind_a_gate("express").await;
}

#[tokio::test]
async fn next_believes_the_gate_and_nobody_else() {
    behind_a_gate("next").await;
}

#[tokio::test]
async fn fastapi_believes_the_gate_and_nobody_else() {
    behind_a_gate("fastapi").await;
}

/// What stands at each place of good documents instead.
fn instead() -> Vec<Value> {
    let long = "x".repeat(100);
    let mut all = json!([
        null, true, false, 0, 1, -1, 2, 10, 11, 100, 1.5, 0.01, 0.015, 9007199254740993_u64, -9007199254740993_i64, "", " ", "a",
        "ab", "abcd", "AB12", "ab12", "AB1٢", "1234", "12345", "card", "transfer", "ada@shop.example", "ada@", "@a.b",
        "ada@shop", "2026-11-22T05:00:00Z", "2026-11-22t05:00:00.5+01:00", "2026-02-30T00:00:00Z", "2026-11-22",
        "2026-11-22T05:00:00", "0190163d-8694-739b-aea5-966c26f8ad91", "😀😀😀", "\u{0}", [], [[]], [1], ["a"], {},
        { "a": "b" }, { "a": 1 }, { "__proto__": "x" }
    ]);
    let all = all.as_array_mut().expect("a list");
    all.push(long.into());
    std::mem::take(all)
}

/// Every document that differs from `document` in one place, and what differs.
fn neighbours(document: &Value) -> BTreeMap<String, Value> {
    let mut places = vec![String::new()];
    let mut next = 0;
    while let Some(place) = places.get(next).cloned() {
        next += 1;
        match document.pointer(&place).expect("there") {
            Value::Array(items) => places.extend((0..items.len()).map(|index| format!("{place}/{index}"))),
            Value::Object(members) => {
                places.extend(
                    members
                        .keys()
                        .map(|name| format!("{place}/{}", name.replace('~', "~0").replace('/', "~1"))),
                );
            }
            _ => {}
        }
    }
    let mut made = BTreeMap::new();
    for place in &places {
        for value in instead() {
            let mut changed = document.clone();
            let what = value.to_string();
            *changed.pointer_mut(place).expect("there") = value;
            made.insert(format!("{place} = {}", what.chars().take(40).collect::<String>()), changed);
        }
        let mut changed = document.clone();
        match changed.pointer_mut(place).expect("there") {
            Value::Object(members) => {
                members.insert("unknown".to_owned(), json!(1));
            }
            Value::Array(items) => items.extend(items.clone()),
            _ => {}
        }
        made.insert(format!("{place} and more"), changed);
        if let Some((parent, name)) = place.rsplit_once('/') {
            let mut changed = document.clone();
            match changed.pointer_mut(parent).expect("there") {
                Value::Object(members) => drop(members.remove(&name.replace("~1", "/").replace("~0", "~"))),
                Value::Array(items) => drop(items.remove(name.parse().expect("a number"))),
                _ => {}
            }
            made.insert(format!("{place} removed"), changed);
        }
    }
    made
}

/// The verdicts of the gate's engine.
fn judged(documents: &[&Value]) -> String {
    let file = fs::read_to_string(scripts("openapi.yaml")).expect("a contract");
    let files = BTreeMap::from([("openapi.yaml".to_owned(), file)]);
    let loaded = Contract::load(&files, "openapi.yaml", &Options::default()).expect("a contract");
    let Match::Operation(matched) = loaded.contract.operation("PUT", "/orders/1") else {
        panic!("no operation")
    };
    let verdict = |document: &&Value| {
        let Ok(BodyPlan::Whole(_, judge)) = matched.body(Some("application/json"), true) else {
            panic!("no body")
        };
        if judge.check(document.to_string().as_bytes()).is_ok() { 'y' } else { 'n' }
    };
    documents.iter().map(verdict).collect()
}

/// Thousands of documents, each one step from a good one: where validators and gate differ is listed, and the list may only
/// shrink. `GABION_BLESS=1` renews it.
#[tokio::test]
async fn validators_and_the_gate_judge_alike() {
    let rows = fs::read_to_string(scripts("documents.json")).expect("a table");
    let rows: Vec<Value> = serde_json::from_str(&rows).expect("JSON");
    let good = rows.iter().filter(|row| row["schema"] == "Order" && row["fits"] == true);
    let mut all: BTreeMap<String, (String, Value)> = BTreeMap::new();
    for row in good {
        for (what, document) in neighbours(&row["document"]) {
            all.entry(document.to_string()).or_insert((what, document));
        }
    }
    let documents: Vec<&Value> = all.values().map(|(_, document)| document).collect();
    assert!(documents.len() > 2_000, "{} documents", documents.len());

    let project = Project::new();
    let table = project.path("table.json");
    fs::write(&table, serde_json::to_vec(&documents).expect("JSON")).expect("written");
    project.generate(&["zod", &scripts("openapi.yaml"), "--output", "made"]).await;
    project.generate(&["pydantic", &scripts("openapi.yaml"), "--output", "python"]).await;
    project.compile().await;
    let zod =
        clients::run(&mut node("generate_verdicts.mjs", &[&project.path("built/contract.js"), &table])).await;
    let pydantic =
        clients::run(&mut python("generate_verdicts.py", &[&project.path("python"), &table])).await;
    let gate = judged(&documents);
    assert_eq!((zod.trim().len(), pydantic.trim().len()), (gate.len(), gate.len()));
    assert!(gate.contains('y') && gate.contains('n'));

    let mut differences = BTreeSet::new();
    for (((what, _), gate), (zod, pydantic)) in
        all.values().zip(gate.chars()).zip(zod.trim().chars().zip(pydantic.trim().chars()))
    {
        if (zod, pydantic) != (gate, gate) {
            differences.insert(format!("gate {gate}, zod {zod}, pydantic {pydantic}: {what}"));
        }
    }
    let mut listed = String::from(
        "# Documents that the gate and the generated validators judge differently (y: fits, n: does not). Made by\n\
         # e2e/generate.rs; do not edit. May only shrink; why each is there stands in docs/guides/generate.md.\n",
    );
    for difference in &differences {
        let _ = writeln!(listed, "{difference}");
    }
    let path = scripts("differences.txt");
    if std::env::var_os("GABION_BLESS").is_some() {
        fs::write(&path, &listed).expect("written");
    }
    assert_eq!(listed, fs::read_to_string(&path).unwrap_or_default(), "the list changed");
}
