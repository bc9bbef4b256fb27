//! How far it is, for whoever watches a terminal; nothing otherwise.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar on standard error.
#[derive(Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn of(steps: usize) -> Self {
        Self::with(steps, "{prefix:>16} {bar:30.green} {pos}/{len} {wide_msg}")
    }

    /// Also tells about how long it will take.
    pub(crate) fn timed() -> Self {
        Self::with(0, "{bar:30.green} {pos}/{len} {elapsed}, about {eta} left  {wide_msg}")
    }

    fn with(steps: usize, template: &str) -> Self {
        let bar = ProgressBar::new(u64::try_from(steps).unwrap_or(u64::MAX));
        if !std::io::stderr().is_terminal() {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        let style = ProgressStyle::with_template(template);
        if let Ok(style) = style {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// What is being done.
    pub(crate) fn say(&self, words: &'static str) {
        self.0.set_prefix(words);
        self.0.tick();
    }

    /// One more is done.
    pub(crate) fn step(&self, words: &str) {
        self.0.set_message(words.to_owned());
        self.0.inc(1);
    }

    /// So many of so many are done.
    pub(crate) fn set(&self, done: u64, steps: u64) {
        self.0.set_length(steps);
        self.0.set_position(done);
    }

    /// What comes now takes its own time.
    pub(crate) fn begin_again(&self) {
        self.0.reset_eta();
    }

    /// So many of so many are done, and this one is next. From any thread.
    pub(crate) fn at(&self, done: usize, steps: usize, words: impl FnOnce() -> String) {
        if self.0.is_hidden() {
            return;
        }
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        self.set(number(done), number(steps));
        self.0.set_message(words());
    }

    pub(crate) fn finish(&self) {
        self.0.finish_and_clear();
    }
}
