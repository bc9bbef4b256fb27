//! What the demo tells: where to look and what to try.

use std::fmt::Write as _;

use gabion_model::Secret;
use tokio::signal::unix::{SignalKind, signal};

use super::stage::Stage;
use crate::failure::Failure;
use crate::output::{FAINT, GOOD, PLACE, STRONG, WARN};

/// `{"alg":"none"}`, `{"name":"ann"}` and no signature.
const FORGED: &str = "eyJhbGciOiJub25lIn0.eyJuYW1lIjoiYW5uIn0.";

pub(super) fn text(stage: &Stage) -> Secret<String> {
    let gate = stage.gate.origin();
    let mut text = format!(
        "{STRONG}The same vulnerable shop, twice{STRONG:#}\n  \
         {GOOD}through the gate{GOOD:#}  {PLACE}{gate}/{PLACE:#}  {FAINT}listening; sign in as one of these{FAINT:#}\n"
    );
    let width = stage.people.iter().map(|person| person.name.len()).max().unwrap_or_default();
    for person in &stage.people {
        let _ = writeln!(
            text,
            "                      {STRONG}{:width$}{STRONG:#}  {}  {FAINT}{} of {}{FAINT:#}",
            person.name, person.password, person.role, person.tenant
        );
    }
    let alone = stage.alone.base();
    let _ = writeln!(
        text,
        "  {WARN}without it{WARN:#}        {PLACE}{alone}/{PLACE:#}  {FAINT}every hole is open: visit nothing else meanwhile{FAINT:#}"
    );
    if let Some(person) = gabion_strawman::accounts().first() {
        let _ = writeln!(
            text,
            "                      {STRONG}{}{STRONG:#}  {}  {FAINT}at its own sign-in{FAINT:#}",
            person.name, person.password
        );
    }
    let mut heading = |words: &str| {
        let _ = writeln!(text, "\n{STRONG}{words}{STRONG:#}");
    };
    heading("Try");
    let data = stage.gate.state.directory.path().display();
    let metrics = stage.gate.addresses().admin.map(|address| format!("http://{address}/metrics"));
    let gabion = own_name();
    let tries = [
        (
            "a stranger claims to be the administrator ann: the shop by itself believes it",
            format!("curl -H 'Gabion-Identity: {FORGED}' {alone}/api/me"),
        ),
        ("through the gate it is refused", format!("curl -H 'Gabion-Identity: {FORGED}' {gate}/api/me")),
        ("a stranger wants the notes", format!("curl -i {gate}/notes")),
        (
            "a page of another site acts for you",
            format!("curl -i -X POST -H 'Origin: https://evil.example' {gate}/.gabion/logout"),
        ),
        ("the host header lies", format!("curl -i -H 'Host: evil.example' {gate}/notes")),
        ("what the gate wrote down", format!("{gabion} ledger tail --data {data}")),
        ("who may sign in", format!("{gabion} user list --data {data}")),
        ("what it counts", format!("curl {}", metrics.unwrap_or_default())),
        ("every hole, with and without the gate", format!("{gabion} demo --attack")),
    ];
    for (what, how) in tries {
        let _ = writeln!(text, "  {FAINT}{what}{FAINT:#}\n    {PLACE}{how}{PLACE:#}");
    }
    let _ = writeln!(text, "\n{FAINT}Ctrl-C stops it and removes everything it made.{FAINT:#}");
    Secret::new(text)
}

/// How the person can call this program: by its name where a shell finds it, or else by its path.
#[expect(clippy::disallowed_methods, reason = "where a shell looks for programs")]
pub(super) fn own_name() -> String {
    let Ok(own) = std::env::current_exe() else { return "gabion".to_owned() };
    let found = std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path)
            .filter_map(|folder| folder.join("gabion").canonicalize().ok())
            .next()
            .is_some_and(|first| Some(first) == own.canonicalize().ok())
    });
    if found {
        return "gabion".to_owned();
    }
    let here = std::env::current_dir().unwrap_or_default();
    own.strip_prefix(&here).map_or_else(|_| own.display().to_string(), |path| format!("./{}", path.display()))
}

pub(super) async fn until_interrupted() -> Result<(), Failure> {
    let unable = |error| Failure::new("cannot receive signals").because(&error);
    let mut terminate = signal(SignalKind::terminate()).map_err(unable)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(unable)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
