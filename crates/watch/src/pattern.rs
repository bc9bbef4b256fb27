//! A text to compare with, with Sigma's wildcards: `*` any characters, `?` one, `\` before either (or before another
//! `\`) takes its meaning away. Letters of both cases are alike unless the rule says `cased`.

use memchr::memchr2_iter;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Character(char),
    One,
    Any,
}

/// Where in the field the text must stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Whole,
    Anywhere,
    Beginning,
    End,
}

#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    cased: bool,
    shape: Shape,
}

#[derive(Debug, Clone)]
enum Shape {
    Plain(Place, String),
    Wild(Vec<Token>),
}

impl Pattern {
    pub(crate) fn new(text: &str, place: Place, cased: bool) -> Self {
        let folded = if cased { text.to_owned() } else { text.to_lowercase() };
        let mut tokens = tokens(&folded);
        let mut place = place;
        // `*text*` is what `contains` says, and so on.
        let wild = tokens.iter().any(|token| !matches!(token, Token::Character(_)));
        if wild {
            if matches!(place, Place::Anywhere | Place::End) && tokens.first() != Some(&Token::Any) {
                tokens.insert(0, Token::Any);
            }
            if matches!(place, Place::Anywhere | Place::Beginning) && tokens.last() != Some(&Token::Any) {
                tokens.push(Token::Any);
            }
            let (front, back) = (tokens.first() == Some(&Token::Any), tokens.last() == Some(&Token::Any));
            let from = usize::from(front);
            let to = tokens.len().saturating_sub(usize::from(back)).max(from);
            let inner = tokens.get(from..to).unwrap_or_default();
            if inner.iter().any(|token| !matches!(token, Token::Character(_))) {
                return Self { cased, shape: Shape::Wild(tokens) };
            }
            place = match (front, back) {
                (true, true) => Place::Anywhere,
                (true, false) => Place::End,
                (false, true) => Place::Beginning,
                (false, false) => Place::Whole,
            };
        }
        let text = tokens
            .into_iter()
            .filter_map(|token| match token {
                Token::Character(character) => Some(character),
                Token::One | Token::Any => None,
            })
            .collect();
        Self { cased, shape: Shape::Plain(place, text) }
    }

    /// How many wildcards a text has.
    pub(crate) fn wildcards(text: &str) -> usize {
        tokens(text).iter().filter(|token| !matches!(token, Token::Character(_))).count()
    }

    /// The one text it matches, in small letters; none where there are several.
    pub(crate) fn exact(&self) -> Option<&str> {
        match &self.shape {
            Shape::Plain(Place::Whole, text) if !self.cased => Some(text),
            _ => None,
        }
    }

    pub(crate) fn matches(&self, text: &str) -> bool {
        match &self.shape {
            // An ASCII pattern has no other small letters than those of ASCII, but for two signs (ſ and the Kelvin
            // sign) that nobody writes rules against.
            Shape::Plain(place, own) if self.cased || own.is_ascii() => {
                plain(text.as_bytes(), own.as_bytes(), *place, self.cased)
            }
            Shape::Plain(place, own) => plain(text.to_lowercase().as_bytes(), own.as_bytes(), *place, true),
            Shape::Wild(tokens) => {
                let text: Vec<char> =
                    if self.cased { text.chars().collect() } else { text.to_lowercase().chars().collect() };
                wild(&text, tokens)
            }
        }
    }
}

/// Of a text with other than wildcards' meaning taken away.
fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        tokens.push(match (character, rest.peek()) {
            ('\\', Some(next @ ('*' | '?' | '\\'))) => {
                let next = *next;
                rest.next();
                Token::Character(next)
            }
            ('*', _) => {
                if tokens.last() == Some(&Token::Any) {
                    continue;
                }
                Token::Any
            }
            ('?', _) => Token::One,
            (character, _) => Token::Character(character),
        });
    }
    tokens
}

fn plain(text: &[u8], own: &[u8], place: Place, cased: bool) -> bool {
    let same = |part: &[u8]| if cased { part == own } else { part.eq_ignore_ascii_case(own) };
    match place {
        Place::Whole => same(text),
        Place::Beginning => text.get(..own.len()).is_some_and(same),
        Place::End => text.len().checked_sub(own.len()).and_then(|from| text.get(from..)).is_some_and(same),
        Place::Anywhere => {
            let Some(first) = own.first() else { return true };
            let (small, large) = if cased {
                (*first, *first)
            } else {
                (first.to_ascii_lowercase(), first.to_ascii_uppercase())
            };
            memchr2_iter(small, large, text).any(|from| text.get(from..from + own.len()).is_some_and(same))
        }
    }
}

/// With one place to come back to: what a `*` took is only ever lengthened.
fn wild(text: &[char], tokens: &[Token]) -> bool {
    let (mut at, mut token) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while let Some(character) = text.get(at) {
        match tokens.get(token) {
            Some(Token::Any) => {
                back = Some((token, at));
                token += 1;
                continue;
            }
            Some(Token::One) => {
                (at, token) = (at + 1, token + 1);
                continue;
            }
            Some(Token::Character(own)) if own == character => {
                (at, token) = (at + 1, token + 1);
                continue;
            }
            _ => {}
        }
        let Some((star, from)) = back else { return false };
        back = Some((star, from + 1));
        (at, token) = (from + 1, star + 1);
    }
    tokens.get(token..).unwrap_or_default().iter().all(|token| *token == Token::Any)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn is(text: &str, own: &str) -> bool {
        Pattern::new(own, Place::Whole, false).matches(text)
    }

    #[test]
    fn wildcards_and_what_takes_their_meaning_away() {
        assert!(is("Login.Failed", "login.*"));
        assert!(is("a.php", "?.PHP") && !is("ab.php", "?.php"));
        assert!(is("a*b", r"a\*b") && !is("axb", r"a\*b"));
        assert!(
            is(r"C:\Windows\x.exe", r"C:\Windows\\*.exe") && !is(r"C:\Windows\x.exe", r"C:\Windows\*.exe")
        );
        assert!(is(r"a\b", r"a\\b") && is(r"a\b", r"a\b"));
        assert!(is(r"C:\x", r"C:\\*") && !is("C:*", r"C:\\*"));
        assert!(is(r"C:\*", r"C:\\\*") && !is(r"C:\x", r"C:\\\*"));
        assert!(is("", "") && is("", "*") && !is("x", ""));
        assert!(is("xÄy", "*ä*") && is("İ", "İ"));
    }

    #[test]
    fn places() {
        let at = |place| Pattern::new("eVil", place, false);
        assert!(at(Place::Beginning).matches("EVIL.exe") && !at(Place::Beginning).matches("no evil"));
        assert!(at(Place::End).matches("no evil") && !at(Place::End).matches("evil.exe"));
        assert!(at(Place::Anywhere).matches("x evIl y") && !at(Place::Anywhere).matches("evievi"));
        assert!(Pattern::new("eVil", Place::Anywhere, true).matches("x eVil"));
        assert!(!Pattern::new("eVil", Place::Anywhere, true).matches("x evil"));
        assert!(Pattern::new("a*b", Place::Anywhere, false).matches("xaxxbx"));
    }

    proptest! {
        #[test]
        fn as_a_regular_expression_says(own in "[ab*?]{0,8}", text in "[abAB]{0,12}") {
            let expression: String = own.chars().map(|sign| match sign {
                '*' => ".*".to_owned(),
                '?' => ".".to_owned(),
                sign => sign.to_string(),
            }).collect();
            let expected = regex::Regex::new(&format!("(?i)^{expression}$")).unwrap().is_match(&text);
            prop_assert_eq!(is(&text, &own), expected);
        }

        #[test]
        fn anything_is_a_pattern(own in any::<String>(), text in any::<String>(), cased: bool) {
            for place in [Place::Whole, Place::Anywhere, Place::Beginning, Place::End] {
                let _ = Pattern::new(&own, place, cased).matches(&text);
            }
            let escaped = text.replace('\\', r"\\").replace('*', r"\*").replace('?', r"\?");
            prop_assert!(Pattern::new(&escaped, Place::Whole, true).matches(&text));
        }
    }
}
