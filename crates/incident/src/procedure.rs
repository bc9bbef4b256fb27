//! Checklists as data: TOML files of the program (`rules/procedures`) and of a team.
//!
//! ```toml
//! id = "credential-stuffing"
//! title = "Credential stuffing"
//! about = "Passwords stolen elsewhere are tried here."
//! rules = ["credential-stuffing"]      # detection rules whose alerts are of this kind
//!
//! [[task]]
//! id = "end-sessions"
//! phase = "immediate"                  # immediate, investigate, remediate, recover
//! title = "End the sessions of every account that was entered"
//! how = "gabion incident do ID end-sessions --target NAME"
//! role = "commander"                   # commander, scribe, comms, liaison
//! due = "15m"                          # after the opening; when not given, the end of its phase
//! action = "end-sessions"              # what the gate can do itself
//! ```
//!
//! The tasks of `general` belong to every incident, behind those of its kind. A file is understood whole or refused.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use gabion_model::{Period, Problem};
use serde::{Deserialize, Serialize};

use crate::text;

/// The kind whose tasks every incident has.
pub const GENERAL: &str = "general";
/// Most bytes of a file.
pub const FILE: usize = 64 << 10;
/// Most files.
pub const FILES: usize = 64;
/// Most tasks of one kind.
pub const TASKS: usize = 64;
const HOW: usize = 2_000;

/// When in the course of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// The first 15 minutes.
    Immediate,
    /// Up to two hours.
    Investigate,
    /// From 2 to 24 hours.
    Remediate,
    /// From one to seven days.
    Recover,
}

impl Phase {
    pub const ALL: [Self; 4] = [Self::Immediate, Self::Investigate, Self::Remediate, Self::Recover];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Immediate => "immediate",
            Self::Investigate => "investigate",
            Self::Remediate => "remediate",
            Self::Recover => "recover",
        }
    }

    /// When it is over, after the opening.
    #[must_use]
    pub const fn ends(self) -> Period {
        Period::from_secs(match self {
            Self::Immediate => 15 * 60,
            Self::Investigate => 2 * 3600,
            Self::Remediate => 24 * 3600,
            Self::Recover => 7 * 24 * 3600,
        })
    }

    /// For headings.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Immediate => "Immediate (0 to 15 minutes)",
            Self::Investigate => "Investigate (to 2 hours)",
            Self::Remediate => "Remediate (2 to 24 hours)",
            Self::Recover => "Recover (1 to 7 days)",
        }
    }
}

/// What somebody is responsible for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Decides.
    Commander,
    /// Tells customers and the press.
    Comms,
    /// Speaks with authorities, insurers, partners.
    Liaison,
    /// Writes down.
    Scribe,
}

impl Role {
    pub const ALL: [Self; 4] = [Self::Commander, Self::Comms, Self::Liaison, Self::Scribe];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Commander => "commander",
            Self::Comms => "comms",
            Self::Liaison => "liaison",
            Self::Scribe => "scribe",
        }
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|role| role.as_str() == text);
        known.ok_or_else(|| "a role is `commander`, `comms`, `liaison` or `scribe`".to_owned())
    }
}

/// What the gate does itself when it is asked from an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Nothing from the address is answered, for a time; [`Lift`](Self::Lift) ends it, as with the other measures.
    BlockAddress,
    BlockNetwork,
    DisableAccount,
    /// The key is refused for a time.
    DisableApiKey,
    /// Undoes [`DisableAccount`](Self::DisableAccount).
    EnableAccount,
    EndSessions,
    /// Ends the measures against an address, a network, an account, a key or a route.
    Lift,
    /// Everybody who is signed in to the account signs in again.
    RequireStepUp,
    RevokeApiKey,
    RevokeKey,
    SlowDown,
    /// The route asks everybody to sign in, for a time.
    StrictRoute,
}

impl Action {
    pub const ALL: [Self; 12] = [
        Self::BlockAddress,
        Self::BlockNetwork,
        Self::DisableAccount,
        Self::DisableApiKey,
        Self::EnableAccount,
        Self::EndSessions,
        Self::Lift,
        Self::RequireStepUp,
        Self::RevokeApiKey,
        Self::RevokeKey,
        Self::SlowDown,
        Self::StrictRoute,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BlockAddress => "block-address",
            Self::BlockNetwork => "block-network",
            Self::DisableAccount => "disable-account",
            Self::DisableApiKey => "disable-api-key",
            Self::EnableAccount => "enable-account",
            Self::EndSessions => "end-sessions",
            Self::Lift => "lift",
            Self::RequireStepUp => "require-step-up",
            Self::RevokeApiKey => "revoke-api-key",
            Self::RevokeKey => "revoke-key",
            Self::SlowDown => "slow-down",
            Self::StrictRoute => "strict-route",
        }
    }

    /// What it acts on.
    #[must_use]
    pub const fn target(self) -> &'static str {
        match self {
            Self::BlockAddress | Self::SlowDown => "address",
            Self::BlockNetwork => "network",
            Self::DisableAccount | Self::EnableAccount | Self::EndSessions | Self::RequireStepUp => "account",
            Self::DisableApiKey | Self::RevokeApiKey => "api-key",
            Self::Lift => "target of a measure",
            Self::RevokeKey => "key",
            Self::StrictRoute => "route",
        }
    }

    /// What takes it back.
    #[must_use]
    pub const fn undo(self) -> Option<Self> {
        match self {
            Self::DisableAccount => Some(Self::EnableAccount),
            Self::BlockAddress
            | Self::BlockNetwork
            | Self::DisableApiKey
            | Self::RequireStepUp
            | Self::SlowDown
            | Self::StrictRoute => Some(Self::Lift),
            Self::EnableAccount | Self::EndSessions | Self::Lift | Self::RevokeApiKey | Self::RevokeKey => {
                None
            }
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl FromStr for Action {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = Self::ALL.map(|action| format!("`{action}`")).join(", ");
        Self::ALL
            .into_iter()
            .find(|action| action.as_str() == text)
            .ok_or_else(|| format!("an action is one of {names}"))
    }
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    pub id: String,
    pub phase: Phase,
    pub title: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub how: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Period>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
}

/// The checklist of one kind of incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Procedure {
    pub id: String,
    pub title: String,
    #[serde(default)]
    pub about: String,
    #[serde(default)]
    pub rules: Vec<String>,
    #[serde(rename = "task")]
    pub tasks: Vec<Template>,
}

/// A file, and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    pub file: String,
    pub text: String,
}

/// Every kind of incident there is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Procedures(BTreeMap<String, Procedure>);

impl Procedures {
    /// Reads files; a later one replaces an earlier one of the same id.
    ///
    /// # Errors
    /// Everything that is wrong, at the file's name.
    pub fn load(sources: &[Source]) -> Result<Self, Vec<Problem>> {
        let (mut known, mut problems) = (BTreeMap::new(), Vec::new());
        if sources.len() > FILES {
            return Err(vec![Problem::new("", format!("more than {FILES} files"))]);
        }
        for source in sources {
            match read(&source.text) {
                Ok(procedure) => {
                    known.insert(procedure.id.clone(), procedure);
                }
                Err(reason) => problems.push(Problem::new(source.file.clone(), reason)),
            }
        }
        if problems.is_empty() { Ok(Self(known)) } else { Err(problems) }
    }

    /// The tasks of a kind and those every incident has; the general ones alone for a kind that is not known.
    #[must_use]
    pub fn of(&self, kind: &str) -> Vec<Template> {
        let own = self.0.get(kind).filter(|own| own.id != GENERAL);
        let general = self.0.get(GENERAL);
        let mut tasks: Vec<Template> = Vec::new();
        for template in own.into_iter().chain(general).flat_map(|procedure| &procedure.tasks) {
            if !tasks.iter().any(|task| task.id == template.id) {
                tasks.push(template.clone());
            }
        }
        tasks.sort_by_key(|task| task.phase);
        tasks
    }

    #[must_use]
    pub fn knows(&self, kind: &str) -> bool {
        self.0.contains_key(kind)
    }

    /// The kind of incident that a detection rule's alerts are.
    #[must_use]
    pub fn kind_of(&self, rule: &str) -> &str {
        let found = self.0.values().find(|procedure| procedure.rules.iter().any(|own| own == rule));
        found.map_or(GENERAL, |procedure| procedure.id.as_str())
    }

    pub fn iter(&self) -> impl Iterator<Item = &Procedure> {
        self.0.values()
    }
}

fn read(source: &str) -> Result<Procedure, String> {
    if source.len() > FILE {
        return Err(format!("has more than {FILE} bytes"));
    }
    let mut procedure: Procedure = toml::from_str(source).map_err(|error| {
        let line = error
            .span()
            .map_or(1, |span| source.get(..span.start).unwrap_or_default().matches('\n').count() + 1);
        format!("line {line}: {}", text::clipped(error.message(), text::LINE))
    })?;
    let line = |name: &str, written: &str| text::line(written).map_err(|reason| format!("`{name}` {reason}"));
    if !is_id(&procedure.id) {
        return Err("`id` is not lower-case words with hyphens".to_owned());
    }
    procedure.title = line("title", &procedure.title)?;
    procedure.about = text::clipped(&procedure.about, HOW);
    if procedure.tasks.is_empty() || procedure.tasks.len() > TASKS {
        return Err(format!("needs 1 to {TASKS} tasks"));
    }
    if procedure.rules.len() > TASKS
        || procedure.rules.iter().any(|rule| rule.is_empty() || rule.len() > text::LINE)
    {
        return Err(format!("`rules` are at most {TASKS} names"));
    }
    let mut ids = Vec::new();
    for task in &mut procedure.tasks {
        if !is_id(&task.id) || ids.contains(&task.id) {
            return Err(format!(
                "task {}: `id` is not lower-case words with hyphens, or stands twice",
                ids.len() + 1
            ));
        }
        ids.push(task.id.clone());
        task.title = line("task.title", &task.title)?;
        if !task.how.trim().is_empty() {
            task.how = text::block(&task.how, HOW)
                .map_err(|reason| format!("task `{}`: `how` {reason}", task.id))?;
        }
        if task.due.is_some_and(|due| due > Period::from_secs(366 * 24 * 3600)) {
            return Err(format!("task `{}`: `due` is more than a year", task.id));
        }
    }
    Ok(procedure)
}

pub(crate) fn is_id(written: &str) -> bool {
    let word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    written.len() <= 64 && written.split('-').all(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pack;
    use proptest::prelude::*;

    fn source(text: &str) -> Source {
        Source { file: "own.toml".to_owned(), text: text.to_owned() }
    }

    #[test]
    fn those_of_the_program_are_right_and_cover_every_phase() {
        let procedures = Procedures::load(&pack::sources()).unwrap();
        assert!(procedures.knows(GENERAL));
        for procedure in procedures.iter() {
            let tasks = procedures.of(&procedure.id);
            for phase in Phase::ALL {
                assert!(tasks.iter().any(|task| task.phase == phase), "{} {phase:?}", procedure.id);
            }
        }
        assert_eq!(procedures.kind_of("credential-stuffing-succeeded"), "credential-stuffing");
        assert_eq!(procedures.kind_of("unheard-of"), GENERAL);
        assert_eq!(procedures.of("unheard-of"), procedures.of(GENERAL));
    }

    #[test]
    fn every_rule_a_procedure_names_exists() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../rules/detections");
        let rules: String = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
            .collect();
        for procedure in Procedures::load(&pack::sources()).unwrap().iter() {
            for rule in &procedure.rules {
                assert!(rules.contains(&format!("\nname: {rule}\n")), "{} names {rule}", procedure.id);
            }
        }
    }

    #[test]
    fn hostile_files_are_refused_with_their_place() {
        let task = "[[task]]\nid = \"a\"\nphase = \"recover\"\ntitle = \"t\"\n";
        let whole = format!("id = \"own\"\ntitle = \"Own\"\n{task}");
        assert!(Procedures::load(&[source(&whole)]).is_ok());
        for (text, expected) in [
            (String::new(), "line 1"),
            ("id = \"own\"\ntitle = \"Own\"\ntask = []\n".to_owned(), "1 to 64 tasks"),
            (format!("{whole}{task}"), "stands twice"),
            (whole.replace("recover", "later"), "unknown variant"),
            (whole.replace("id = \"own\"", "id = \"../etc\""), "lower-case words"),
            (format!("{whole}due = \"9000d\"\n"), "more than a year"),
            (format!("{whole}action = \"rm-rf\"\n"), "unknown variant"),
            (format!("{whole}command = \"x\"\n"), "unknown field"),
            (whole.replace("\"t\"", &format!("{:?}", "x".repeat(300))), "more than 200 bytes"),
            ("#".repeat(FILE + 1), "more than 65536 bytes"),
            ("a = ".to_owned() + &"[".repeat(10_000), ""),
        ] {
            let problems = Procedures::load(&[source(&text)]).unwrap_err();
            assert_eq!(problems[0].path, "own.toml");
            assert!(problems[0].reason.contains(expected), "{expected}: {}", problems[0].reason);
        }
        let many: Vec<_> = (0..=FILES).map(|_| source(&whole)).collect();
        assert!(Procedures::load(&many).is_err());
    }

    #[test]
    fn a_teams_own_replaces_the_programs() {
        let mut sources = pack::sources();
        sources.push(source("id = \"general\"\ntitle = \"Ours\"\n[[task]]\nid = \"call\"\nphase = \"immediate\"\ntitle = \"Call\"\n"));
        let procedures = Procedures::load(&sources).unwrap();
        assert_eq!(procedures.of(GENERAL).len(), 1);
    }

    proptest! {
        #[test]
        fn any_text(text in ".{0,200}") {
            let _ = Procedures::load(&[source(&text)]);
        }
    }
}
