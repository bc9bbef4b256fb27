//! Going somewhere, and knowing when a page is there: loaded, then quiet, never longer than patience.

use std::time::Duration;

use serde::Serialize;
use serde_json::json;
use tokio::time::{Instant, timeout, timeout_at};

use crate::error::{BrowserError, Lost};
use crate::limits::Patience;
use crate::page::Page;
use crate::scope::{Verdict, is_for_pages, leaves};
use crate::value::Read;

/// How long a page may take to say that it is alive.
const ALIVE: Duration = Duration::from_secs(1);

/// How long something that was put into a page is waited for.
const ARRIVAL: Duration = Duration::from_secs(2);

/// Where a page is after it was sent somewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Landed {
    /// Its address after all redirects.
    pub url: String,
    /// The status of its document; none for an address within the same document.
    pub status: Option<u16>,
    /// The type of its document.
    pub mime: String,
    /// How it came to rest.
    pub settled: Settled,
}

/// How a page came to rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Settled {
    /// Loaded, and nothing is asked for any more.
    Quiet,
    /// Loaded, and still asking for something.
    Busy,
    /// Not loaded in time, or too long; it was told to stop.
    Unfinished,
    /// Its script did not end and was ended.
    Endless,
}

impl Page {
    /// Opens `url` and waits until the page is loaded and quiet, or patience ends.
    ///
    /// # Errors
    ///
    /// The address is out of scope or did not answer, or the page or the browser is lost.
    pub async fn goto(&self, url: &str, patience: Patience) -> Result<Landed, BrowserError> {
        self.usable()?;
        if !(leaves(url) || url.eq_ignore_ascii_case("about:blank")) || !is_for_pages(url) {
            return Err(BrowserError::Refused(url.to_owned()));
        }
        if leaves(url) && self.shared.room.scope.judge(url) == Verdict::Refuse {
            return Err(BrowserError::Refused(url.to_owned()));
        }
        let end = deadline(patience.whole);
        {
            let mut state = self.shared.state();
            (state.document, state.cut, state.awaited) = (None, false, None);
        }
        // A document begun before a binding arrived would not have it.
        if std::mem::take(&mut self.shared.state().unsure) {
            let _either =
                self.ask("Runtime.runIfWaitingForDebugger", json!({}), patience.whole.min(ARRIVAL)).await;
        }
        self.shared.room.log().give_up(self.shared.id);
        let asked = self.ask("Page.navigate", json!({ "url": url }), patience.whole).await;
        match asked {
            Ok(answer) => {
                let reason = answer.text("errorText");
                if !reason.is_empty() {
                    let reason = reason.to_owned();
                    self.usable()?;
                    return Err(BrowserError::NotOpened { url: url.to_owned(), reason });
                }
                // None for an address within the document that is there.
                self.await_document(answer.text("loaderId"));
            }
            // The answer's head did not come in time, or the page before it does not let go.
            Err(BrowserError::TimedOut { .. }) => {
                self.halt().await;
                self.usable()?;
                let reason = "no answer in time".to_owned();
                return Err(BrowserError::NotOpened { url: url.to_owned(), reason });
            }
            Err(error) => {
                self.usable()?;
                return Err(error);
            }
        }
        let mut settled = self.settle_until(end, patience).await?;
        if matches!(settled, Settled::Quiet | Settled::Busy) && self.shared.state().cut {
            settled = Settled::Unfinished;
        }
        let state = self.shared.state();
        let (status, mime) = state.document.clone().unwrap_or_default();
        Ok(Landed { url: state.url.clone(), status, mime, settled })
    }

    /// Waits until the page is loaded and quiet, or patience ends: after a click, for instance.
    ///
    /// # Errors
    ///
    /// The page or the browser is lost.
    pub async fn settle(&self, patience: Patience) -> Result<Settled, BrowserError> {
        self.usable()?;
        self.settle_until(deadline(patience.whole), patience).await
    }

    async fn settle_until(&self, end: Instant, patience: Patience) -> Result<Settled, BrowserError> {
        let mut changed = self.shared.changed.subscribe();
        loop {
            // Loaded, and with it the end of waiting for quiet.
            loop {
                changed.mark_unchanged();
                self.usable()?;
                if !self.shared.state().is_loading() {
                    break;
                }
                if timeout_at(end, changed.changed()).await.is_err() {
                    return self.stop().await;
                }
            }
            let settle_end = end.min(deadline(patience.settle));
            let settled = loop {
                changed.mark_unchanged();
                self.usable()?;
                if self.shared.state().is_loading() {
                    break None;
                }
                let waiting = self.shared.room.log().is_waiting(self.shared.id);
                let quiet = if waiting { patience.settle } else { patience.quiet };
                match timeout_at(settle_end, timeout(quiet, changed.changed())).await {
                    Ok(Ok(_)) => {}
                    Ok(Err(_)) => break Some(if waiting { Settled::Busy } else { Settled::Quiet }),
                    Err(_) => break Some(Settled::Busy),
                }
            };
            match settled {
                Some(Settled::Quiet) => return Ok(Settled::Quiet),
                Some(other) => {
                    // Busy by itself, or hanging?
                    return if self.is_alive().await { Ok(other) } else { self.stop().await };
                }
                None => {}
            }
        }
    }

    /// The document with this id is on its way, unless its arrival was told already.
    fn await_document(&self, loader: &str) {
        let mut state = self.shared.state();
        if !loader.is_empty() && state.loader != loader {
            state.awaited = Some(loader.to_owned());
        }
    }

    /// Out of patience: loading ends, and so does a script that runs on.
    async fn stop(&self) -> Result<Settled, BrowserError> {
        self.shared.state().awaited = None;
        if self.halt().await { Ok(Settled::Unfinished) } else { self.usable().map(|()| Settled::Endless) }
    }

    /// Stops loading and ends what runs; whether the page was alive. One that cannot be stopped is closed.
    pub(crate) async fn halt(&self) -> bool {
        self.post("Page.stopLoading", json!({}));
        if self.is_alive().await {
            return true;
        }
        for _ in 0..3 {
            self.post("Runtime.terminateExecution", json!({}));
            if self.is_alive().await {
                return false;
            }
        }
        self.hub.close(&self.shared, Lost::Stuck);
        false
    }

    async fn is_alive(&self) -> bool {
        let ask = json!({ "expression": "1", "returnByValue": true });
        self.ask("Runtime.evaluate", ask, ALIVE).await.is_ok()
    }
}

pub(crate) fn deadline(after: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(after.min(Duration::from_secs(86_400))).unwrap_or(now)
}
