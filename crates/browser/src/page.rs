//! A page: what runs in it, and what is known of it.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
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
        self.shared.room.log().recorded.of(self.shared.id)
    }

    /// Gives every script of every frame, worker and popup of the page a function `name`: each call with a text is
    /// recorded as a [`crate::Call`]. A payload that calls it has run.
    pub fn binding(&self, name: &str) {
        let sessions = {
            let mut state = self.shared.state();
            if state.equipment.bindings.iter().any(|one| one == name) {
                return;
            }
            state.equipment.bindings.push(name.to_owned());
            state.unsure = true;
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
            state.equipment.scripts.push(source.to_owned());
            state.unsure = true;
            state.sessions.clone()
        };
        for session in sessions {
            let script = json!({ "source": source });
            self.hub.connection.post(Some(&session), "Page.addScriptToEvaluateOnNewDocument", script);
        }
    }

    /// What a person would see of it now: a picture (PNG) of the window.
    ///
    /// # Errors
    ///
    /// The page or the browser is lost, or does not answer.
    pub async fn picture(&self) -> Result<Vec<u8>, BrowserError> {
        self.usable()?;
        let ask = json!({ "format": "png", "optimizeForSpeed": true });
        let picture = self.ask("Page.captureScreenshot", ask, COMMAND).await?;
        STANDARD.decode(picture.text("data")).map_err(|_| BrowserError::Command {
            method: "Page.captureScreenshot".into(),
            message: "its answer is no picture".into(),
        })
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
        let world = self.world(patience).await?;
        self.run(json!({ "expression": script, "contextId": world }), patience).await
    }

    /// The world of our own in the main frame's document, the same for as long as the document is.
    pub(crate) async fn world(&self, patience: Duration) -> Result<i64, BrowserError> {
        self.usable()?;
        let ask = json!({ "frameId": self.shared.target, "worldName": "gabion" });
        match self.ask("Page.createIsolatedWorld", ask, patience).await {
            Err(error @ BrowserError::TimedOut { .. }) => {
                self.halt().await;
                self.usable()?;
                Err(error)
            }
            Err(error) => Err(error),
            Ok(world) => world
                .get("executionContextId")
                .and_then(Value::as_i64)
                .ok_or(BrowserError::PageLost(Lost::Closed)),
        }
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
