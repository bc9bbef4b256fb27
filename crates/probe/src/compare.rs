//! Whether two answers are the same but for what changes by itself.
//!
//! Several answers to one request tell what is stable ([`Profile`]). An answer to another request is compared on that alone, and
//! what the request itself put into the page is put back to the original value before (else every echo would be a difference).

use std::collections::BTreeMap;

use crate::wire::Answer;

/// What of an answer does not change by itself.
#[derive(Debug, Clone)]
pub struct Profile {
    status: u16,
    location: Option<String>,
    /// Words that all answers had, with the least number of times.
    stable: BTreeMap<String, usize>,
    /// Words that only some had.
    moving: BTreeMap<String, usize>,
    /// How many words differed between the answers.
    restless: usize,
    /// How many words one of them had beyond the stable ones: ids and numbers of what was just made are new each time.
    loose: usize,
    /// Whether they led to places that differ in numbers.
    wanders: bool,
}

/// Words are cut from texts up to this size, in bytes.
const LONGEST: usize = 256 << 10;

impl Profile {
    /// Of several answers to the same request; nothing where they disagree on what they are.
    #[must_use]
    pub fn of(answers: &[&Answer]) -> Option<Self> {
        let (first, rest) = answers.split_first()?;
        if rest.iter().any(|other| other.status != first.status) {
            return None;
        }
        let mut stable = words(&first.text());
        let mut moving = BTreeMap::new();
        let mut restless = 0_usize;
        for other in rest {
            let other = words(&other.text());
            for (word, count) in &other {
                let own = stable.get(word).copied().unwrap_or(0);
                if *count > own {
                    moving.insert(word.clone(), *count);
                    restless = restless.saturating_add(count.saturating_sub(own));
                }
            }
            stable.retain(|word, count| {
                let there = other.get(word).copied().unwrap_or(0);
                if there < *count {
                    moving.insert(word.clone(), *count);
                }
                *count = (*count).min(there);
                *count > 0
            });
        }
        let kept: usize = stable.values().sum();
        let beyond = |answer: &&Answer| words(&answer.text()).values().sum::<usize>().saturating_sub(kept);
        let loose = if rest.is_empty() { 0 } else { answers.iter().map(beyond).max().unwrap_or(0) };
        let mut location = leads_to(first).map(str::to_owned);
        let wanders = rest.iter().any(|other| leads_to(other) != location.as_deref());
        if wanders {
            location = location.map(|location| numberless(&location));
        }
        Some(Self { status: first.status, location, stable, moving, restless, loose, wanders })
    }

    /// The status of all of them.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// Whether the answers had so much in common that a difference says something.
    #[must_use]
    pub fn is_calm(&self) -> bool {
        let stable: usize = self.stable.values().sum();
        self.restless.saturating_mul(5) <= stable.saturating_add(10)
    }

    /// How many words are stable.
    #[must_use]
    pub fn words(&self) -> usize {
        self.stable.values().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Whether an answer is the same. `sent` is what the request had in place of `original`.
    #[must_use]
    pub fn fits(&self, answer: &Answer, sent: &str, original: &str) -> bool {
        self.distance(answer, sent, original) == Some(0)
    }

    /// How many stable words an answer lacks or has beyond them; nothing where it is another kind of answer.
    #[must_use]
    pub fn distance(&self, answer: &Answer, sent: &str, original: &str) -> Option<usize> {
        if answer.status != self.status {
            return None;
        }
        if let (Some(own), Some(other)) = (&self.location, leads_to(answer)) {
            let other = restored(other, sent, original);
            if *own != if self.wanders { numberless(&other) } else { other } {
                return None;
            }
        }
        let other = words(&restored(&answer.text(), sent, original));
        let mut distance = 0_usize;
        for (word, count) in &self.stable {
            let there = other.get(word).copied().unwrap_or(0);
            distance = distance.saturating_add(count.saturating_sub(there));
        }
        let mut spare = self.loose;
        for (word, count) in &other {
            if self.moving.contains_key(word) || is_volatile(word) {
                continue;
            }
            let own = self.stable.get(word).copied().unwrap_or(0);
            let more = count.saturating_sub(own);
            // What was new each time is new this time, too.
            let free = if is_made(word) { more.min(spare) } else { 0 };
            spare = spare.saturating_sub(free);
            distance = distance.saturating_add(more.saturating_sub(free));
        }
        Some(distance)
    }
}

/// The path that an answer leads to.
fn leads_to(answer: &Answer) -> Option<&str> {
    answer.field("location").map(|location| location.split('?').next().unwrap_or_default())
}

/// A path with a sign in place of each digit's run.
fn numberless(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for letter in path.chars() {
        match letter {
            '0'..='9' if out.ends_with('#') => {}
            '0'..='9' => out.push('#'),
            other => out.push(other),
        }
    }
    out
}

/// The text with what was sent put back to what stood there before, in the forms a page may write it in.
#[must_use]
pub fn restored(text: &str, sent: &str, original: &str) -> String {
    if sent.is_empty() || sent == original {
        return text.to_owned();
    }
    let mut text = text.to_owned();
    for (from, to) in forms(sent).into_iter().zip(forms(original)) {
        if from.len() > 1 && text.contains(&from) {
            text = text.replace(&from, &to);
        }
    }
    text
}

/// A text as HTML, JSON and addresses write it, the longest first.
fn forms(text: &str) -> [String; 7] {
    let html = |apostrophe: &str, quote: &str| {
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', quote)
            .replace('\'', apostrophe)
    };
    let json = serde_json::Value::String(text.to_owned()).to_string();
    let address = percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
    [
        html("&#39;", "&quot;"),
        html("&#x27;", "&quot;"),
        html("&#039;", "&#34;"),
        html("'", "&quot;"),
        json.trim_matches('"').to_owned(),
        address,
        text.to_owned(),
    ]
}

fn words(text: &str) -> BTreeMap<String, usize> {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    let mut all: BTreeMap<String, usize> = BTreeMap::new();
    let text = text.get(..end).unwrap_or_default();
    for word in text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let count = all.entry(word.to_owned()).or_default();
        *count = count.saturating_add(1);
    }
    all
}

/// Whether a word reads as if a program made it: it has digits, or capitals behind small letters.
fn is_made(word: &str) -> bool {
    let letters = word.bytes().zip(word.bytes().skip(1));
    word.bytes().any(|byte| byte.is_ascii_digit())
        || letters.into_iter().any(|(one, next)| one.is_ascii_lowercase() && next.is_ascii_uppercase())
}

/// Numbers and tokens that look made for one answer: times, nonces.
fn is_volatile(word: &str) -> bool {
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    word.len() >= 10 && digits.saturating_mul(4) >= word.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &str) -> Answer {
        Answer::made(200, &[], body)
    }

    #[test]
    fn what_changes_by_itself_and_echoes_are_no_difference() {
        let (one, two) = (answer("results for lamp at 12:01 abc"), answer("results for lamp at 12:02 abd"));
        let profile = Profile::of(&[&one, &two]).unwrap();
        assert!(profile.is_calm());
        assert!(profile.fits(&answer("results for lamp at 12:01 abd"), "", ""));
        assert!(profile.fits(&answer("results for x&#39;x at 12:02 abc"), "x'x", "lamp"));
        assert!(!profile.fits(&answer("results for lamp at 12:01 abc and more"), "", ""));
        assert!(!profile.fits(&answer("results for"), "", ""));
        assert!(!profile.fits(&Answer { status: 500, ..one.clone() }, "", ""));
    }

    #[test]
    fn what_is_made_has_another_number_each_time() {
        let made = |id: u32, title: &str| {
            let headers = vec![("Location".to_owned(), format!("/notes/{id}"))];
            Answer { status: 201, headers, ..answer(&format!(r#"{{"id": {id}, "title": "{title}"}}"#)) }
        };
        let (one, two, three) = (made(7, "lamp"), made(8, "lamp"), made(9, "lamp"));
        let profile = Profile::of(&[&one, &two, &three]).unwrap();
        assert!(profile.is_calm() && profile.fits(&made(10, "lamp"), "", ""));
        assert!(!profile.fits(&made(10, "lamps"), "", "") && !profile.fits(&made(10, "lamp 11"), "", ""));
        let elsewhere =
            Answer { headers: vec![("Location".to_owned(), "/login".to_owned())], ..made(10, "lamp") };
        assert!(!profile.fits(&elsewhere, "", ""));
        // Of one answer alone nothing is known to change.
        assert!(!Profile::of(&[&one]).unwrap().fits(&made(8, "lamp"), "", ""));
    }

    #[test]
    fn a_page_that_is_new_each_time_is_not_calm() {
        let (one, two) = (answer("a b c d e f"), answer("g h i j k l m n o p q r s t u v w x y z"));
        assert!(!Profile::of(&[&one, &two]).unwrap().is_calm());
    }
}
