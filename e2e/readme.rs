//! The README's own commands, as a newcomer types them: what it says is what works.

use std::process::Stdio;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::client::{Client, text};
use crate::gate::{PATIENCE, binary, link_in};

const PASSWORD: &str = "seven grey stones in a wire cage";

/// The shell block under this heading is run line by line.
const HEADING: &str = "## Protect your application";

/// A plain HTTP server on port 3000; `gabion init`; `gabion run`: a stranger is refused, the
/// administrator's link works, signing in reaches the application.
#[tokio::test]
async fn the_commands_of_the_readme_protect_an_application() {
    let directory = TempDir::new().expect("a temporary directory");
    let commands = block_under(HEADING);
    assert_eq!(commands.last().map(String::as_str), Some("gabion run"), "{commands:?}");
    let mut running = Vec::new();
    for command in &commands {
        running.push(Shell::run(command, directory.path()).await);
    }
    let gate = running.last_mut().expect("`gabion run` was started");
    let link = gate.read_until(link_in).await;
    let address = "127.0.0.1:8080".parse().expect("the address the README names");

    let mut stranger = Client::new(address);
    assert_eq!(stranger.get("/").await.expect("the gate answers").status(), 401);
    let navigation = stranger.navigate("/").await.expect("the gate answers");
    assert_eq!(navigation.status(), 303);

    let mut administrator = Client::new(address);
    let page = administrator.navigate(&link).await.expect("the gate answers");
    assert_eq!(page.status(), 200, "{}", text(&page));
    let token = link.split_once("token=").expect("the link holds a token").1.to_owned();
    let fields = [("token", token.as_str()), ("password", PASSWORD), ("repeat", PASSWORD)];
    assert_eq!(administrator.submit("/.gabion/welcome", &fields).await.expect("answers").status(), 303);
    assert!(administrator.sign_in("admin", PASSWORD).await.expect("the gate answers"));
    let application = administrator.get("/").await.expect("the gate answers");
    assert_eq!(application.status(), 200, "{}", text(&application));
    assert!(text(&application).contains("Directory listing"), "{}", text(&application));
}

/// The lines of the first `sh` block after `heading` in the README.
fn block_under(heading: &str) -> Vec<String> {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md"))
        .expect("there is a README");
    let (_, after) = readme.split_once(heading).unwrap_or_else(|| panic!("the README has no `{heading}`"));
    let (_, block) = after.split_once("```sh\n").expect("a shell block follows");
    let (block, _) = block.split_once("```").expect("the block ends");
    block
        .lines()
        .map(|line| line.split(" #").next().unwrap_or(line).trim().to_owned())
        .filter(|line| !line.is_empty())
        .collect()
}

/// One line of the README in a shell, with the built binary on the path.
struct Shell {
    _process: Child,
    lines: tokio::sync::mpsc::UnboundedReceiver<String>,
}

impl Shell {
    /// Runs a command to its end, or, when it is a server (it ends in `&` or is `gabion run`), until it
    /// says that it is ready.
    async fn run(line: &str, directory: &std::path::Path) -> Self {
        let binary = binary();
        let path = format!(
            "{}:{}",
            binary.parent().expect("a folder").display(),
            std::env::var("PATH").expect("a path")
        );
        let foreground = line.trim_end_matches('&').trim();
        let is_server = foreground != line || line == "gabion run";
        let mut process = Command::new("sh")
            .args(["-c", &format!("exec {foreground} 2>&1")])
            .current_dir(directory)
            .env("PATH", path)
            .env("PYTHONUNBUFFERED", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("a shell starts");
        let (sender, lines) = tokio::sync::mpsc::unbounded_channel();
        let mut output = BufReader::new(process.stdout.take().expect("a pipe")).lines();
        tokio::spawn(async move {
            while let Ok(Some(line)) = output.next_line().await {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        if !is_server {
            let status = process.wait().await.expect("the command ends");
            let mut shell = Self { _process: process, lines };
            let mut said = String::new();
            while let Some(line) = shell.lines.recv().await {
                said.push_str(&line);
                said.push('\n');
            }
            assert!(status.success(), "`{line}` failed:\n{said}");
            return shell;
        }
        let mut shell = Self { _process: process, lines };
        if line != "gabion run" {
            shell.read_until(|text| text.contains("3000").then_some(())).await;
        }
        shell
    }

    async fn read_until<T>(&mut self, mut find: impl FnMut(&str) -> Option<T>) -> T {
        let mut said = String::new();
        let search = async {
            while let Some(line) = self.lines.recv().await {
                said.push_str(&line);
                said.push('\n');
                if let Some(found) = find(&said) {
                    return Some(found);
                }
            }
            None
        };
        let found = tokio::time::timeout(PATIENCE, search).await.ok().flatten();
        found.unwrap_or_else(|| panic!("not said:\n{said}"))
    }
}
