//! A page: what runs in it, and what is known of it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::error::{BrowserError, Lost};
use crate::hub::{Hub, Shared};
use crate::launch::COMMAND;
use crate::limits::cut;
use crate::record::{PageId, Recorded};
use crate::value::Read;

/// A page of a context. Dropped, it is closed; its record stays with the context.
#[derive(Debug)]
pub struct Page {
    pub(crate) hub: Arc<Hub>,
    pub(crate) shared: Arc<Shared>,
}

impl Page {
    pub(crate) fn of(hub: &Arc<Hub>, shared: Arc<Shared>) -> Self {
        Self { hub: Arc::clone(hub), shared }
    }

    /// Which page of the record it is.
    #[must_use]
    pub fn id(&self) -> PageId {
        self.shared.id
    }

    /// Its address now.
    #[must_use]
    pub fn url(&self) -> String {
        self.shared.state().url.clone()
    }

    /// Why it cannot be used any more, if so.
    #[must_use]
    pub fn lost(&self) -> Option<Lost> {
        self.shared.state().lost
    }

    /// Pages that this one opened since this was last asked. Their record has ids of its own.
    #[must_use]
    pub fn popups(&self) -> Vec<Page> {
        let popups = std::mem::take(&mut self.shared.state().popups);
        popups.into_iter().map(|shared| Page::of(&self.hub, shared)).collect()
    }

    /// What it did so far; popups not included.
    #[must_use]
    pub fn recorded(&self) -> Recorded {
        let id = self.shared.id;
        let mut recorded = self.shared.room.log().recorded.clone();
        recorded.exchanges.retain(|one| one.page == id);
        recorded.sockets.retain(|one| one.page == id);
        recorded.calls.retain(|one| one.page == id);
        recorded.console.retain(|one| one.page == id);
        recorded.violations.retain(|one| one.page == id);
        recorded.dialogs.retain(|one| one.page == id);
        recorded.routes.retain(|one| one.page == id);
        recorded
    }

    /// Gives every script of every frame, worker and popup of the page a function `name`: each call with a text is
    /// recorded as a [`crate::Call`]. A payload that calls it has run.
    pub fn binding(&self, name: &str) {
        let sessions = {
            let mut state = self.shared.state();
            if state.bindings.iter().any(|one| one == name) {
                return;
            }
            state.bindings.push(name.to_owned());
            state.sessions.clone()
        };
        for session in sessions {
            self.hub.connection.post(Some(&session), "Runtime.addBinding", json!({ "name": name }));
        }
    }

    /// Runs a script in every frame of every later document, before its own.
    pub fn on_new_document(&self, source: &str) {
        let sessions = {
            let mut state = self.shared.state();
            state.scripts.push(source.to_owned());
            state.sessions.clone()
        };
        for session in sessions {
            let script = json!({ "source": source });
            self.hub.connection.post(Some(&session), "Page.addScriptToEvaluateOnNewDocument", script);
        }
    }

    /// What an expression of the page's own world is; promises are waited for. It must be JSON.
    ///
    /// # Errors
    ///
    /// It throws, takes longer than `patience`, or the page or the browser is lost.
    pub async fn evaluate(&self, expression: &str, patience: Duration) -> Result<Value, BrowserError> {
        self.run(json!({ "expression": expression }), patience).await
    }

    /// Replaces the document by `html`, at the same address.
    ///
    /// # Errors
    ///
    /// The page or the browser is lost.
    pub async fn set_content(&self, html: &str) -> Result<(), BrowserError> {
        self.usable()?;
        let ask = json!({ "frameId": self.shared.target, "html": html });
        self.ask("Page.setDocumentContent", ask, COMMAND).await.map(drop)
    }

    /// What a script of ours is, in the main frame: it sees the document and nothing that the page's scripts made of
    /// its own world.
    pub(crate) async fn see(&self, script: &str, patience: Duration) -> Result<Value, BrowserError> {
        self.see_in(&self.shared.target, script, patience).await
    }

    pub(crate) async fn see_in(
        &self,
        frame: &str,
        script: &str,
        patience: Duration,
    ) -> Result<Value, BrowserError> {
        self.usable()?;
        let ask = json!({ "frameId": frame, "worldName": "gabion" });
        let world = match self.ask("Page.createIsolatedWorld", ask, patience).await {
            Err(error @ BrowserError::TimedOut { .. }) => {
                self.halt().await;
                self.usable()?;
                return Err(error);
            }
            other => other?,
        };
        let Some(world) = world.get("executionContextId").and_then(Value::as_i64) else {
            return Err(BrowserError::PageLost(Lost::Closed));
        };
        self.run(json!({ "expression": script, "contextId": world }), patience).await
    }

    async fn run(&self, mut ask: Value, patience: Duration) -> Result<Value, BrowserError> {
        self.usable()?;
        if let Some(members) = ask.as_object_mut() {
            for wanted in ["returnByValue", "awaitPromise", "userGesture", "allowUnsafeEvalBlockedByCSP"] {
                members.insert(wanted.into(), true.into());
            }
        }
        let mut answer = match self.ask("Runtime.evaluate", ask, patience).await {
            Err(error @ BrowserError::TimedOut { .. }) => {
                self.halt().await;
                self.usable()?;
                return Err(error);
            }
            other => other?,
        };
        if let Some(details) = answer.get("exceptionDetails") {
            let what = details.text_at("/exception/description");
            let what = if what.is_empty() { details.text("text") } else { what };
            return Err(BrowserError::Script(cut(what, 500)));
        }
        Ok(answer.pointer_mut("/result/value").map(Value::take).unwrap_or_default())
    }

    pub(crate) fn usable(&self) -> Result<(), BrowserError> {
        match self.shared.state().lost {
            Some(why) => Err(BrowserError::PageLost(why)),
            None => Ok(()),
        }
    }

    /// A command of the page. Ends at once when the page is lost.
    pub(crate) async fn ask(
        &self,
        method: &str,
        params: Value,
        patience: Duration,
    ) -> Result<Value, BrowserError> {
        let mut changed = self.shared.changed.subscribe();
        let lost = async {
            loop {
                changed.mark_unchanged();
                if let Some(why) = self.shared.state().lost {
                    return why;
                }
                if changed.changed().await.is_err() {
                    return Lost::Closed;
                }
            }
        };
        tokio::select! {
            answer = self.hub.connection.call(Some(&self.shared.session), method, params, patience) => answer,
            why = lost => Err(BrowserError::PageLost(why)),
        }
    }

    pub(crate) fn post(&self, method: &str, params: Value) {
        self.hub.connection.post(Some(&self.shared.session), method, params);
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.hub.close(&self.shared, Lost::Closed);
    }
}
