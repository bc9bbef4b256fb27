//! The only place of xtask that prints: results on stdout, everything else on stderr.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool prints here and nowhere else"
)]
#![expect(clippy::disallowed_methods, reason = "whether to colour is asked of the environment")]

use std::io::IsTerminal as _;
use std::sync::LazyLock;

/// A line of the result.
pub(crate) fn line(text: &str) {
    println!("{text}");
}

/// A line about what is going on.
pub(crate) fn note(text: &str) {
    eprintln!("{text}");
}

pub(crate) fn error(text: &str) {
    eprintln!("{} {text}", red("error:"));
}

pub(crate) fn red(text: &str) -> String {
    paint("31;1", text)
}

pub(crate) fn green(text: &str) -> String {
    paint("32", text)
}

pub(crate) fn yellow(text: &str) -> String {
    paint("33", text)
}

pub(crate) fn bold(text: &str) -> String {
    paint("1", text)
}

pub(crate) fn dim(text: &str) -> String {
    paint("2", text)
}

fn paint(code: &str, text: &str) -> String {
    static COLOUR: LazyLock<bool> = LazyLock::new(|| {
        std::io::stderr().is_terminal()
            && std::io::stdout().is_terminal()
            && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
    });
    if *COLOUR { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}
