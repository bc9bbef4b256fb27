//! Go templates cut into text and actions, and actions into their blocks.

use gabion_finding::UnreadReason;

use super::expression::{Pipeline, pipeline};
use crate::document::{DEEPEST, Gap, line_of};

/// A piece of a template.
#[derive(Debug, Clone)]
pub(super) enum Part {
    Text {
        text: String,
        line: u32,
    },
    Show {
        what: Pipeline,
        line: u32,
        alone: bool,
    },
    Set {
        name: String,
        what: Pipeline,
    },
    Block {
        kind: Kind,
        what: Pipeline,
        line: u32,
        then: Vec<Part>,
        otherwise: Vec<Part>,
    },
    /// An action that is not understood.
    Open {
        line: u32,
        alone: bool,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    If,
    With,
    /// Names for index and value, where they have some.
    Range(Vec<String>),
}

#[derive(Debug, Clone)]
pub(super) struct Define {
    pub(super) name: String,
    pub(super) parts: Vec<Part>,
}

#[derive(Debug, Default)]
pub(super) struct Parsed {
    pub(super) parts: Vec<Part>,
    pub(super) defines: Vec<Define>,
    pub(super) gaps: Vec<Gap>,
}

#[derive(Debug)]
struct Piece {
    /// An action's inside, or a text.
    action: bool,
    text: String,
    line: u32,
    alone: bool,
}

pub(super) fn parse(text: &str) -> Parsed {
    let mut parsed = Parsed::default();
    let pieces = pieces(text, &mut parsed.gaps);
    let mut reader = Reader { pieces: pieces.into_iter(), defines: Vec::new(), deep: false };
    loop {
        let (parts, stop) = reader.parts(0);
        parsed.parts.extend(parts);
        if stop.is_none() {
            break;
        }
    }
    if reader.deep {
        parsed.gaps.push(Gap { reason: UnreadReason::Deep, detail: "blocks nested too deep".to_owned() });
    }
    parsed.defines = reader.defines;
    parsed
}

fn pieces(text: &str, gaps: &mut Vec<Gap>) -> Vec<Piece> {
    let mut all: Vec<Piece> = Vec::new();
    let (mut at, mut line) = (0_usize, 1_u32);
    let mut trim = false;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let start = rest.find("{{").unwrap_or(rest.len());
        let before = rest.get(..start).unwrap_or_default();
        let action = rest.get(start.saturating_add(2)..).unwrap_or_default();
        let cut_behind = action.starts_with("- ") || action.starts_with("-\n") || action.starts_with("-\t");
        let shown = if trim { before.trim_start() } else { before };
        let text_line = line.saturating_add(newlines(
            before.get(..before.len().saturating_sub(shown.len())).unwrap_or_default(),
        ));
        let kept = if cut_behind { shown.trim_end() } else { shown };
        if !kept.is_empty() {
            all.push(Piece { action: false, text: kept.to_owned(), line: text_line, alone: false });
        }
        line = line.saturating_add(newlines(before));
        if start == rest.len() {
            break;
        }
        let Some(end) = closing(action) else {
            gaps.push(Gap::syntax(line_of(text, at.saturating_add(start)), "an action does not end"));
            break;
        };
        let inside = action.get(..end).unwrap_or_default();
        trim = inside.ends_with(" -") || inside.ends_with("\n-") || inside == "-";
        let bare = inside.strip_prefix('-').filter(|_| cut_behind).unwrap_or(inside);
        let bare = bare.strip_suffix('-').filter(|_| trim).unwrap_or(bare).trim();
        let first = before.rsplit('\n').next().unwrap_or_default().trim().is_empty();
        let own_line = first && (before.contains('\n') || at == 0);
        let behind = action.get(end.saturating_add(2)..).unwrap_or_default();
        let alone = own_line && behind.lines().next().unwrap_or_default().trim().is_empty();
        if !bare.starts_with("/*") {
            all.push(Piece { action: true, text: bare.to_owned(), line, alone });
        }
        line = line.saturating_add(newlines(inside));
        at = at.saturating_add(start).saturating_add(end).saturating_add(4);
    }
    all
}

fn newlines(text: &str) -> u32 {
    u32::try_from(text.bytes().filter(|byte| *byte == b'\n').count()).unwrap_or(u32::MAX)
}

/// Where `}}` stands, texts and comments left out.
fn closing(action: &str) -> Option<usize> {
    if action.trim_start_matches(['-', ' ']).starts_with("/*") {
        let end = action.find("*/")?;
        return action.get(end..)?.find("}}").map(|at| at.saturating_add(end));
    }
    let mut letters = action.char_indices().peekable();
    let mut quote = None;
    while let Some((at, letter)) = letters.next() {
        match (quote, letter) {
            (Some('"'), '\\') => {
                letters.next();
            }
            (Some(open), _) if open == letter => quote = None,
            (None, '"' | '`') => quote = Some(letter),
            (None, '}') if letters.peek().is_some_and(|(_, next)| *next == '}') => return Some(at),
            _ => {}
        }
    }
    None
}

struct Reader {
    pieces: std::vec::IntoIter<Piece>,
    defines: Vec<Define>,
    deep: bool,
}

impl Reader {
    /// Parts up to `else` or `end`, which are given back.
    fn parts(&mut self, depth: usize) -> (Vec<Part>, Option<Piece>) {
        let mut parts = Vec::new();
        while let Some(piece) = self.pieces.next() {
            if !piece.action {
                parts.push(Part::Text { text: piece.text, line: piece.line });
                continue;
            }
            let (word, rest) = piece.text.split_once(char::is_whitespace).unwrap_or((&piece.text, ""));
            match word {
                "end" | "else" => return (parts, Some(piece)),
                "if" | "with" | "range" | "define" | "block" => {
                    if depth >= DEEPEST {
                        self.deep = true;
                        return (parts, None);
                    }
                    let (word, rest) = (word.to_owned(), rest.trim().to_owned());
                    parts.extend(self.block(&word, &rest, piece.line, depth));
                }
                "template" => {
                    let what = pipeline(&format!("include {rest}"));
                    parts.push(show(what, &piece));
                }
                _ => parts.push(assigned(&piece).unwrap_or_else(|| show(pipeline(&piece.text), &piece))),
            }
        }
        (parts, None)
    }

    fn block(&mut self, word: &str, rest: &str, line: u32, depth: usize) -> Option<Part> {
        let depth = depth.saturating_add(1);
        let (then, mut stop) = self.parts(depth);
        let mut otherwise = Vec::new();
        if let Some(piece) = stop.take().filter(|piece| piece.text.starts_with("else")) {
            let condition = piece.text.strip_prefix("else").unwrap_or_default().trim();
            if let Some((word @ ("if" | "with"), rest)) = condition.split_once(char::is_whitespace) {
                // `else if` ends with the same `end`.
                if depth < DEEPEST {
                    otherwise.extend(self.block(word, rest.trim(), piece.line, depth));
                } else {
                    self.deep = true;
                }
            } else {
                otherwise = self.parts(depth).0;
            }
        }
        let (names, text) = match word {
            "range" | "with" | "if" => names(rest),
            _ => (Vec::new(), rest),
        };
        let kind = match word {
            "if" => Kind::If,
            "with" => Kind::With,
            "range" => Kind::Range(names),
            _ => {
                let name = rest.split('"').nth(1).unwrap_or_default().to_owned();
                self.defines.push(Define { name, parts: then });
                return None;
            }
        };
        Some(match pipeline(text) {
            Some(what) => Part::Block { kind, what, line, then, otherwise },
            None => Part::Open { line, alone: true },
        })
    }
}

fn show(what: Option<Pipeline>, piece: &Piece) -> Part {
    match what {
        Some(what) => Part::Show { what, line: piece.line, alone: piece.alone },
        None => Part::Open { line: piece.line, alone: piece.alone },
    }
}

/// `$x := …` and `$x = …`.
fn assigned(piece: &Piece) -> Option<Part> {
    let rest = piece.text.strip_prefix('$')?;
    let (name, value) = rest.split_once('=')?;
    let name = name.trim().trim_end_matches(':').trim();
    if name.is_empty() || !name.chars().all(|letter| letter.is_alphanumeric() || letter == '_') {
        return None;
    }
    Some(match pipeline(value.trim()) {
        Some(what) => Part::Set { name: name.to_owned(), what },
        None => Part::Open { line: piece.line, alone: piece.alone },
    })
}

/// `$i, $x := …` of a range.
fn names(text: &str) -> (Vec<String>, &str) {
    match text.split_once(":=") {
        Some((names, rest)) if names.trim_start().starts_with('$') => (
            names.split(',').map(|name| name.trim().trim_start_matches('$').to_owned()).collect(),
            rest.trim(),
        ),
        _ => (Vec::new(), text),
    }
}
