//! A context: cookies, storage and a record of its own.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::cookies::{Cookie, from_protocol, to_protocol};
use crate::error::{BrowserError, Lost};
use crate::hub::{Hub, Room};
use crate::launch::COMMAND;
use crate::page::Page;
use crate::record::{Exchange, Recorded};
use crate::scope::{Narrowed, Scope, Verdict, leaves};
use crate::value::Read;

/// Cookies that are read.
const COOKIES: usize = 1_000;

/// An isolated part of a browser. Dropped, its pages are closed and what it stored is forgotten.
#[derive(Debug)]
pub struct Context {
    hub: Arc<Hub>,
    room: Arc<Room>,
}

impl Context {
    pub(crate) async fn open(hub: &Arc<Hub>, own: Option<Arc<dyn Scope>>) -> Result<Self, BrowserError> {
        let ask = json!({ "disposeOnDetach": true });
        let made = hub.connection.call(None, "Target.createBrowserContext", ask, COMMAND).await?;
        let id = made.text("browserContextId").to_owned();
        let scope = Box::new(Narrowed { browser: Arc::clone(&hub.scope), own });
        let room = Arc::new(Room::new(id.clone(), scope, hub.limits.clone()));
        hub.enter(&room);
        let context = Self { hub: Arc::clone(hub), room };
        let deny = json!({ "behavior": "deny", "browserContextId": id });
        hub.connection.call(None, "Browser.setDownloadBehavior", deny, COMMAND).await?;
        Ok(context)
    }

    /// An empty page.
    ///
    /// # Errors
    ///
    /// The browser is gone.
    pub async fn page(&self) -> Result<Page, BrowserError> {
        for _ in 0..2 {
            match self.try_page().await {
                // The process that was kept ready for it died; the next one is new.
                Err(BrowserError::PageLost(Lost::Crashed)) => {}
                other => return other,
            }
        }
        self.try_page().await
    }

    async fn try_page(&self) -> Result<Page, BrowserError> {
        let mut arrivals = self.hub.arrivals.subscribe();
        let ask = json!({ "url": "about:blank", "browserContextId": self.room.id });
        let made = self.hub.connection.call(None, "Target.createTarget", ask, COMMAND).await?;
        let target = made.text("targetId");
        let attached = tokio::time::timeout(COMMAND, async {
            loop {
                arrivals.mark_unchanged();
                if let Some(page) = self.hub.page(target) {
                    return Ok(page);
                }
                if arrivals.changed().await.is_err() {
                    return Err(BrowserError::Gone("its connection ended".into()));
                }
            }
        });
        match attached.await {
            Ok(page) => {
                let page = Page::of(&self.hub, page?);
                // Answered after everything the page was set up with.
                page.ask("Runtime.runIfWaitingForDebugger", json!({}), COMMAND).await?;
                Ok(page)
            }
            Err(_) => Err(BrowserError::TimedOut { what: "Target.attachedToTarget".into(), after: COMMAND }),
        }
    }

    /// Gives every page that is opened from now on a binding, as [`Page::binding`] does.
    pub fn binding(&self, name: &str) {
        self.room.equipment().bindings.push(name.to_owned());
    }

    /// Runs a script before those of every document, as [`Page::on_new_document`] does, in every page that is opened
    /// from now on: to put a token where an application keeps it, for instance.
    pub fn on_new_document(&self, source: &str) {
        self.room.equipment().scripts.push(source.to_owned());
    }

    /// Sends a header with every request of every page that is opened from now on.
    pub fn header(&self, name: &str, value: &str) {
        self.room.equipment().headers.push((name.to_owned(), value.to_owned()));
    }

    /// All cookies.
    ///
    /// # Errors
    ///
    /// The browser is gone.
    pub async fn cookies(&self) -> Result<Vec<Cookie>, BrowserError> {
        let answer = self.ask("Storage.getCookies", json!({})).await?;
        Ok(answer.list("cookies").iter().take(COOKIES).map(from_protocol).collect())
    }

    /// Sets cookies beside those there are.
    ///
    /// # Errors
    ///
    /// The browser is gone, or does not take one of them.
    pub async fn set_cookies(&self, cookies: &[Cookie]) -> Result<(), BrowserError> {
        let cookies: Vec<Value> = cookies.iter().map(to_protocol).collect();
        self.ask("Storage.setCookies", json!({ "cookies": cookies })).await.map(drop)
    }

    /// Forgets all cookies.
    ///
    /// # Errors
    ///
    /// The browser is gone.
    pub async fn clear_cookies(&self) -> Result<(), BrowserError> {
        self.ask("Storage.clearCookies", json!({})).await.map(drop)
    }

    /// What its pages did so far, closed ones included.
    #[must_use]
    pub fn recorded(&self) -> Recorded {
        self.room.log().recorded.clone()
    }

    /// The same, and the record begins anew.
    #[must_use]
    pub fn take_recorded(&self) -> Recorded {
        self.room.log().take()
    }

    /// Whether a request for `url` would not be refused.
    pub(crate) fn allows(&self, url: &str) -> bool {
        leaves(url) && self.room.scope.judge(url) != Verdict::Refuse
    }

    /// How many exchanges are on record.
    pub(crate) fn recorded_so_far(&self) -> usize {
        self.room.log().recorded.exchanges.len()
    }

    /// What scripts asked for after the first `before` exchanges.
    pub(crate) fn asked_since(&self, before: usize) -> Vec<Exchange> {
        let log = self.room.log();
        let since = log.recorded.exchanges.iter().skip(before);
        since.filter(|one| matches!(one.resource.as_str(), "XHR" | "Fetch")).cloned().collect()
    }

    async fn ask(&self, method: &str, mut params: Value) -> Result<Value, BrowserError> {
        if let Some(members) = params.as_object_mut() {
            members.insert("browserContextId".into(), self.room.id.as_str().into());
        }
        self.hub.connection.call(None, method, params, COMMAND).await
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        self.hub.leave(&self.room);
    }
}
