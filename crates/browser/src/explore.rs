//! Getting to know an application that is made of scripts: follow, press, fill in, and see what it asks for.
//!
//! Several pages work on one plan. A state is an address and what was pressed there; its shape (structure without
//! texts and numbers) says whether it was seen before, so that the work ends. In each new state everything is pressed
//! that looks as if it could be, once each, and every form is filled in and sent, once each kind. What appears after a
//! press is explored at once, in place. What logs out, deletes or costs is left alone.

mod plan;
mod visit;
mod words;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use serde::Serialize;
use tokio::sync::Notify;
use tokio::time::Instant;

use self::plan::Plan;
use self::visit::Visitor;
pub(crate) use self::words::says;
use crate::context::Context;
use crate::error::BrowserError;
use crate::limits::Patience;
use crate::navigation::deadline;
use crate::record::Exchange;
use crate::sight::Form;

/// How far an exploration goes.
#[derive(Debug, Clone)]
pub struct ExploreOptions {
    /// Pages that work at once.
    pub pages: usize,
    /// Shapes of states.
    pub states: usize,
    /// Presses.
    pub clicks: usize,
    /// Presses from an address to a state.
    pub depth: usize,
    /// Visits of addresses that differ in numbers only.
    pub per_kind: usize,
    /// Kinds of pages on which what looks the same is pressed.
    pub per_key: usize,
    /// For everything together.
    pub time: Duration,
    /// For opening an address.
    pub patience: Patience,
    /// Whether forms are sent.
    pub send: bool,
    /// Whether those with a password are sent too: they sign in somebody else, or nobody.
    pub passwords: bool,
    /// Words of what is not pressed, visited or sent, beside those for logging out, deleting and paying.
    pub forbidden: Vec<String>,
    /// Words that are allowed all the same.
    pub allowed: Vec<String>,
    /// Values for fields, by a word of their name or label.
    pub values: Vec<(String, String)>,
}

impl Default for ExploreOptions {
    fn default() -> Self {
        Self {
            pages: 3,
            states: 300,
            clicks: 1_000,
            depth: 4,
            per_kind: 3,
            per_key: 4,
            time: Duration::from_secs(60),
            patience: Patience {
                whole: Duration::from_secs(10),
                quiet: Duration::from_millis(200),
                settle: Duration::from_secs(2),
            },
            send: true,
            passwords: true,
            forbidden: Vec::new(),
            allowed: Vec::new(),
            values: Vec::new(),
        }
    }
}

/// What an exploration found.
#[derive(Debug, Clone, Serialize)]
pub struct Explored {
    /// Addresses in scope.
    pub urls: Vec<UrlFound>,
    /// Forms, one of each kind.
    pub forms: Vec<FormFound>,
    /// What scripts asked for, in order; everything else is in the context's record.
    pub requests: Vec<Exchange>,
    /// What was left alone because of its words.
    pub avoided: Vec<String>,
    /// Shapes of states that were seen.
    pub states: usize,
    /// Presses.
    pub clicks: usize,
    /// Pages that were lost on the way.
    pub lost: usize,
    /// Why it ended.
    pub ended: Ended,
}

/// An address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UrlFound {
    /// The address.
    pub url: String,
    /// Where it was found first.
    pub on: String,
    /// Whether a page was there.
    pub visited: bool,
}

/// A form and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FormFound {
    /// The address of its page.
    pub page: String,
    /// The form.
    pub form: Form,
}

/// Why an exploration ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Ended {
    /// Nothing new was left.
    Complete,
    /// The clicks were used up.
    Clicks,
    /// The states were used up.
    States,
    /// The time was used up.
    Time,
}

/// What the pages of an exploration share.
pub(crate) struct Shared<'a> {
    options: &'a ExploreOptions,
    context: &'a Context,
    end: Instant,
    plan: Mutex<Plan>,
    /// Somebody found something, or ended.
    news: Notify,
}

impl Shared<'_> {
    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether time is left; what is left undone then is said.
    fn has_time(&self) -> bool {
        let left = Instant::now() < self.end;
        if !left {
            self.plan().over = true;
        }
        left
    }
}

impl Context {
    /// Explores from `start`, which is in scope.
    ///
    /// # Errors
    ///
    /// The browser is gone, or no address of `start` can be opened.
    pub async fn explore(&self, start: &[&str], options: &ExploreOptions) -> Result<Explored, BrowserError> {
        let shared = Shared {
            options,
            context: self,
            end: deadline(options.time),
            plan: Mutex::default(),
            news: Notify::new(),
        };
        let before = self.recorded_so_far();
        let first = start.first().copied().unwrap_or_default();
        // The first address alone, so that an application that is not there is an error.
        let visitor = Visitor::new(&shared).await?;
        let landed = visitor.page().goto(first, options.patience).await?;
        shared.plan().found(&landed.url, first, false, options);
        for url in start {
            shared.plan().found(url, url, true, options);
        }
        let others = (1..options.pages.max(1)).map(|_| async { Visitor::new(&shared).await.ok() });
        let visitors = join_all(others).await.into_iter().flatten().chain([visitor]);
        join_all(visitors.map(Visitor::work)).await;
        let mut explored = shared.plan.into_inner().unwrap_or_else(PoisonError::into_inner).into_explored();
        explored.requests = self.asked_since(before);
        Ok(explored)
    }
}
