//! Versions of Maven, as `org.apache.maven.artifact.versioning.ComparableVersion` of Maven 3 orders them: lists in lists, made by
//! `-` and wherever digits and letters meet; qualifiers have their own order; what ends a list and means nothing is taken off.

use std::cmp::Ordering;

use super::Digits;

#[derive(Debug, Clone)]
pub(crate) struct Version {
    items: Vec<Item>,
}

#[derive(Debug, Clone)]
enum Item {
    List(Vec<Item>),
    Number(Digits),
    Word(String),
}

/// Known qualifiers in order; the empty one is the release. Unknown ones stand behind, in the order of their letters.
const QUALIFIERS: &[&str] = &["alpha", "beta", "milestone", "rc", "snapshot", "", "sp"];
const RELEASE: usize = 5;

impl Version {
    pub(crate) fn read(text: &str) -> Option<Self> {
        let right =
            |letter: char| letter.is_ascii_graphic() && !matches!(letter, '[' | ']' | '(' | ')' | ',' | '$');
        if !text.chars().all(right) {
            return None;
        }
        let text = text.to_ascii_lowercase();
        // The innermost list last.
        let mut open: Vec<Vec<Item>> = vec![Vec::new()];
        let mut token = String::new();
        let mut digits = false;
        for letter in text.chars() {
            match letter {
                '.' | '-' => {
                    let item = if token.is_empty() {
                        Item::Number(Digits::new("0"))
                    } else {
                        item(&token, digits, false)
                    };
                    token.clear();
                    push(&mut open, item);
                    if letter == '-' {
                        open.push(Vec::new());
                    }
                }
                _ => {
                    let digit = letter.is_ascii_digit();
                    if digit != digits && !token.is_empty() {
                        if digit {
                            apart(&mut open);
                        }
                        push(&mut open, item(&token, digits, digit));
                        token.clear();
                        open.push(Vec::new());
                    }
                    digits = digit;
                    token.push(letter);
                }
            }
        }
        if !token.is_empty() {
            if !digits {
                apart(&mut open);
            }
            push(&mut open, item(&token, digits, false));
        }
        while let Some(mut list) = open.pop() {
            normalise(&mut list);
            match open.last_mut() {
                Some(parent) => parent.push(Item::List(list)),
                None => return Some(Self { items: list }),
            }
        }
        None
    }

    pub(crate) fn is_pre_release(&self) -> bool {
        before_release(&self.items)
    }
}

/// A qualifier behind a `.` stands as one behind a `-`: `1.0.rc1` is `1.0-rc1`.
fn apart(open: &mut Vec<Vec<Item>>) {
    if open.last().is_some_and(|list| !list.is_empty()) {
        open.push(Vec::new());
    }
}

fn push(open: &mut [Vec<Item>], item: Item) {
    if let Some(list) = open.last_mut() {
        list.push(item);
    }
}

fn item(token: &str, digits: bool, before_digit: bool) -> Item {
    if digits {
        return Item::Number(Digits::new(token));
    }
    Item::Word(
        match token {
            "a" if before_digit => "alpha",
            "b" if before_digit => "beta",
            "m" if before_digit => "milestone",
            "ga" | "final" | "release" => "",
            "cr" => "rc",
            other => other,
        }
        .to_owned(),
    )
}

fn normalise(list: &mut Vec<Item>) {
    let mut at = list.len();
    while let Some(before) = at.checked_sub(1) {
        at = before;
        match list.get(at) {
            Some(item) if item.is_nothing() => {
                list.remove(at);
            }
            Some(Item::List(_)) => {}
            _ => return,
        }
    }
}

fn before_release(items: &[Item]) -> bool {
    items.iter().any(|item| match item {
        Item::List(items) => before_release(items),
        Item::Number(_) => false,
        Item::Word(word) => rank(word).0 < RELEASE,
    })
}

fn rank(word: &str) -> (usize, &str) {
    match QUALIFIERS.iter().position(|known| *known == word) {
        Some(rank) => (rank, ""),
        None => (QUALIFIERS.len(), word),
    }
}

impl Item {
    fn is_nothing(&self) -> bool {
        match self {
            Self::List(items) => items.is_empty(),
            Self::Number(digits) => digits.is_zero(),
            Self::Word(word) => word.is_empty(),
        }
    }

    /// Against nothing at all.
    fn alone(&self) -> Ordering {
        match self {
            Self::List(items) => {
                items.iter().map(Self::alone).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
            }
            Self::Number(digits) => {
                if digits.is_zero() {
                    Ordering::Equal
                } else {
                    Ordering::Greater
                }
            }
            Self::Word(word) => rank(word).cmp(&(RELEASE, "")),
        }
    }

    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(one), Self::Number(other)) => one.cmp(other),
            (Self::Word(one), Self::Word(other)) => rank(one).cmp(&rank(other)),
            (Self::List(one), Self::List(other)) => lists(one, other),
            (Self::Number(_), _) | (Self::List(_), Self::Word(_)) => Ordering::Greater,
            (Self::Word(_), _) | (Self::List(_), Self::Number(_)) => Ordering::Less,
        }
    }
}

fn lists(one: &[Item], other: &[Item]) -> Ordering {
    (0..one.len().max(other.len()))
        .map(|at| match (one.get(at), other.get(at)) {
            (Some(one), Some(other)) => one.cmp(other),
            (Some(one), None) => one.alone(),
            (None, Some(other)) => other.alone().reverse(),
            (None, None) => Ordering::Equal,
        })
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        lists(&self.items, &other.items)
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version {}
