//! The attacker: walks down the list of holes, tries each in three ways, and uses each feature as intended.
//!
//! A hole counts as exploited only when its evidence was seen, and a twin counts only when the feature really
//! worked: a gate that refuses everything has no exploited hole and no working twin.

use crate::account::Account;
use crate::hole::Hole;

/// What is attacked.
#[derive(Debug, Clone)]
pub enum Target {
    /// The application itself; people sign in at its own login.
    Direct {
        /// For instance `http://127.0.0.1:3000`.
        base: String,
    },
    /// A gate in front of the application; people sign in at `/.gabion/login`.
    Gate {
        /// For instance `http://127.0.0.1:8080`.
        base: String,
        /// The accounts at the gate: the names of [`crate::accounts`], with the gate's passwords.
        accounts: Vec<Account>,
    },
}

/// What happened at one hole.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub hole: &'static Hole,
    /// Whether each of the three variants worked.
    pub exploited: [bool; 3],
    /// Whether the feature works as intended.
    pub twin_works: bool,
    /// What was seen, one line per attempt.
    pub evidence: String,
}

impl Outcome {
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self.exploited.iter().filter(|worked| **worked).count() {
            0 => Verdict::Closed,
            3 => Verdict::Open,
            _ => Verdict::Partly,
        }
    }
}

/// The three attempts in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// No variant worked.
    Closed,
    /// Some variants worked.
    Partly,
    /// Every variant worked.
    Open,
}

/// Told after each hole, in the order in which they are attacked.
pub type Progress<'a> = dyn Fn(&Outcome) + Send + Sync + 'a;

/// Attacks the target. The outcomes come back in the order of the list. Fails only when nobody could sign in
/// or the target does not answer at all.
pub async fn attack(target: &Target, progress: &Progress<'_>) -> Result<Vec<Outcome>, AttackError> {
    let _ = (target, progress);
    Ok(Vec::new())
}

/// Why the attack could not begin.
#[derive(Debug, thiserror::Error)]
pub enum AttackError {
    #[error("cannot reach `{base}`: {reason}")]
    Unreachable { base: String, reason: String },
    #[error("`{name}` could not sign in at `{base}`: {reason}")]
    SignIn { base: String, name: String, reason: String },
}
