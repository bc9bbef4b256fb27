//! How much is kept of what pages do, and how long they are waited for.

use std::time::Duration;

/// What is kept of a context's pages. What is beyond is counted in [`crate::Recorded::dropped`], not kept.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Requests of a context; those beyond are refused.
    pub requests: usize,
    /// Bytes of a URL that are kept.
    pub url: usize,
    /// Bytes of a request's body that are kept.
    pub sent: usize,
    /// Bytes of an answer's body that are kept; a longer JSON document is not kept at all.
    pub body: usize,
    /// Bodies that are kept.
    pub bodies: usize,
    /// Headers of one message, and the bytes of each value.
    pub headers: usize,
    /// Bytes of a header's value that are kept.
    pub header: usize,
    /// WebSockets of a context.
    pub sockets: usize,
    /// Frames of a WebSocket that are kept.
    pub frames: usize,
    /// Calls of bindings, console messages, violations and routes, each.
    pub notes: usize,
    /// Bytes of a payload, a message or a frame that are kept.
    pub note: usize,
    /// Dialogs of a page that are dismissed; with the next one the page is closed.
    pub dialogs: usize,
    /// Popups of a page that stay open; those beyond are closed.
    pub popups: usize,
    /// Bytes of a document that are loaded; then loading is stopped.
    pub document: usize,
    /// Bytes of a page's HTML that are read.
    pub html: usize,
    /// Links, forms and fields of a page that are read, each.
    pub elements: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests: 10_000,
            url: 8 << 10,
            sent: 64 << 10,
            body: 256 << 10,
            bodies: 1_000,
            headers: 100,
            header: 8 << 10,
            sockets: 100,
            frames: 200,
            notes: 2_000,
            note: 4 << 10,
            dialogs: 30,
            popups: 4,
            document: 10 << 20,
            html: 4 << 20,
            elements: 2_000,
        }
    }
}

/// How long a page is waited for.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For everything together; nothing takes longer.
    pub whole: Duration,
    /// A page is quiet when nothing was asked for, and nothing was being answered, for so long.
    pub quiet: Duration,
    /// How long a page that is loaded may take to become quiet.
    pub settle: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            whole: Duration::from_secs(20),
            quiet: Duration::from_millis(250),
            settle: Duration::from_secs(4),
        }
    }
}

impl Patience {
    /// The usual waits within `whole`.
    #[must_use]
    pub fn within(whole: Duration) -> Self {
        Self { whole, ..Self::default() }
    }
}

/// The first `most` bytes of `text`, at a character's border.
pub(crate) fn cut(text: &str, most: usize) -> String {
    let mut end = most.min(text.len());
    while end > 0 && !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    text.get(..end).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn a_text_is_cut_at_a_character() {
        assert_eq!(cut("abc", 9), "abc");
        assert_eq!(cut("abc", 2), "ab");
        assert_eq!(cut("aé", 2), "a");
        assert_eq!(cut("é", 1), "");
    }
}
