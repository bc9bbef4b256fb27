//! What `gabion generate` makes, under the tools it is made for: compilers, type checkers, linters, frameworks.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::clients::{self, node, package, python};
use crate::gate::{self, Gate};

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
            // What the gate cannot load is refused here as well, and tested where contracts are loaded.
            let described =
                path.extension().is_some_and(|end| ["yaml", "yml", "json"].iter().any(|one| end == *one));
            if !described || name.ends_with("wazuh.yaml") {
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
    assert!(count >= 15, "{count} contracts");
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
    assert!(
        workflow.contains("gabion probe: is not in this version") || workflow.contains("run: gabion probe")
    );
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
