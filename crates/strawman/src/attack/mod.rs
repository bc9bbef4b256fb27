//! The attacker: walks down the list of holes, tries each in three ways, and uses each feature as intended.
//!
//! A hole counts as exploited only when its evidence was seen, and a twin counts only when the feature really
//! worked: a gate that refuses everything has no exploited hole and no working twin.

use self::ground::{Attempts, Ground};
use crate::account::Account;
use crate::hole::{Hole, holes};

mod access;
mod browser;
mod canary;
mod client;
mod disclosure;
mod files;
mod ground;
mod injection;
mod live;
mod login;
mod outgoing;
mod scripting;
mod stuffing;
mod tokens;

pub use self::stuffing::Stuffer;

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

/// Attacks the target, one hole after the other in the order of the list. Fails only when somebody could not
/// sign in or the target does not answer at all.
///
/// At a gate it leaves behind some sixty wrong passwords from this address: nobody signs in from here until
/// the gate forgets them.
pub async fn attack(target: &Target, progress: &Progress<'_>) -> Result<Vec<Outcome>, AttackError> {
    let ground = Ground::enter(target).await?;
    let mut outcomes = Vec::with_capacity(holes().len());
    for hole in holes() {
        let Some(Attempts { variants, twin }) = attempt(&hole.id, &ground).await else { continue };
        let exploited = variants.each_ref().map(|seen| seen.worked);
        let lines: Vec<_> =
            (1..).zip(&variants).map(|(number, seen)| format!("{number}: {}", seen.what)).collect();
        let evidence = format!("{}\ntwin: {}", lines.join("\n"), twin.what);
        let outcome = Outcome { hole, exploited, twin_works: twin.worked, evidence };
        progress(&outcome);
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

/// The attempts at the hole with this id; nothing for an id nobody knows how to attack.
async fn attempt(id: &str, ground: &Ground) -> Option<Attempts> {
    Some(match id {
        "sql-injection" => injection::sql(ground).await,
        "nosql-injection" => injection::nosql(ground).await,
        "command-injection" => injection::command(ground).await,
        "xxe" => injection::xxe(ground).await,
        "reflected-xss" => scripting::reflected(ground).await,
        "stored-xss" => scripting::stored(ground).await,
        "idor-user" => access::idor_user(ground).await,
        "idor-tenant" => access::idor_tenant(ground).await,
        "function-level" => access::function_level(ground).await,
        "mass-assignment" => access::mass_assignment(ground).await,
        "missing-login" => access::missing_login(ground).await,
        "forged-identity" => tokens::forged_identity(ground).await,
        "jwt-algorithm" => tokens::algorithm(ground).await,
        "path-traversal" => files::path_traversal(ground).await,
        "unsafe-upload" => files::unsafe_upload(ground).await,
        "ssrf" => outgoing::ssrf(ground).await,
        "unsigned-webhook" => outgoing::webhook(ground).await,
        "open-redirect" => browser::redirect(ground).await,
        "csrf" => browser::csrf(ground).await,
        "permissive-cors" => browser::cors(ground).await,
        "missing-headers" => browser::headers(ground).await,
        "cacheable-answer" => browser::cacheable(ground).await,
        "host-header" => browser::host(ground).await,
        "websocket-hijacking" => live::hijacking(ground).await,
        "verbose-errors" => disclosure::verbose_errors(ground).await,
        "secrets-in-answer" => disclosure::secrets(ground).await,
        "weak-session-cookie" => login::weak_cookie(ground).await,
        "user-enumeration" => login::enumeration(ground).await,
        "login-rate" => login::rate(ground).await,
        _ => return None,
    })
}

/// Why the attack could not begin.
#[derive(Debug, thiserror::Error)]
pub enum AttackError {
    #[error("cannot reach `{base}`: {reason}")]
    Unreachable { base: String, reason: String },
    #[error("`{name}` could not sign in at `{base}`: {reason}")]
    SignIn { base: String, name: String, reason: String },
}
