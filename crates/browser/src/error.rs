//! What can go wrong with a browser and its pages.

use std::time::Duration;

/// Why a browser or a page did not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BrowserError {
    /// The program said no to a command.
    #[error("the browser refused `{method}`: {message}")]
    Command {
        /// The command of the protocol.
        method: String,
        /// What the browser said.
        message: String,
    },
    /// No element of the page is meant by the selector.
    #[error("the page has no element `{0}`")]
    Element(String),
    /// The browser ended, or its connection did.
    #[error("the browser is gone: {0}")]
    Gone(String),
    /// No Chromium on this machine.
    #[error(
        "no browser was found: none of {names} is in `{searched}`\nhint: apt install chromium, or name the program"
    )]
    Missing {
        /// The names that were looked for.
        names: String,
        /// Where.
        searched: String,
    },
    /// A page did not come to where it was sent.
    #[error("`{url}` was not opened: {reason}")]
    NotOpened {
        /// Where it was sent.
        url: String,
        /// The browser's name of the reason, for instance `net::ERR_CONNECTION_REFUSED`.
        reason: String,
    },
    /// Chromium was found and did not start.
    #[error("`{program}` did not start: {reason}")]
    NotStarted {
        /// The program.
        program: String,
        /// What it said last.
        reason: String,
    },
    /// The page cannot be used any more.
    #[error("the page is lost: {0}")]
    PageLost(Lost),
    /// The scope does not have this address.
    #[error("`{0}` is not in scope")]
    Refused(String),
    /// The page's script threw.
    #[error("the script threw: {0}")]
    Script(String),
    /// No answer in time.
    #[error("no answer to `{what}` within {} ms", .after.as_millis())]
    TimedOut {
        /// What was asked.
        what: String,
        /// How long it was waited for.
        after: Duration,
    },
}

/// Why a page cannot be used any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Lost {
    /// Its process crashed, for instance out of memory.
    #[error("its process crashed")]
    Crashed,
    /// It was closed, by itself or by its owner.
    #[error("it was closed")]
    Closed,
    /// It opened more dialogs than are dismissed.
    #[error("it opened dialog after dialog")]
    Dialogs,
    /// It ran a script that never ended and could not be stopped.
    #[error("its script never ends")]
    Stuck,
    /// It went to an address no page may have, such as `file:` or `chrome:`.
    #[error("it went where no page may go")]
    Address,
}
