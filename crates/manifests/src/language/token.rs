//! Words and signs of a condition.

/// One word or sign.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Word(String),
    Text(String),
    Number(f64, String),
    /// `(`, `)`, `[`, `]`, `,`, `.`, `*`, `$`, `==`, `!=`, `<`, `<=`, `>`, `>=`.
    Sign(&'static str),
}

const SIGNS: &[&str] = &["==", "!=", "<=", ">=", "<", ">", "(", ")", "[", "]", ",", ".", "*", "$"];

/// # Errors
/// Names the first thing that is none.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if first == '\'' {
            let inside = rest.get(1..).unwrap_or_default();
            let end = inside.find('\'').ok_or("a text does not end with `'`")?;
            tokens.push(Token::Text(inside.get(..end).unwrap_or_default().to_owned()));
            rest = inside.get(end.saturating_add(1)..).unwrap_or_default();
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            tokens.push(Token::Sign(sign));
            rest = rest.get(sign.len()..).unwrap_or_default();
        } else {
            let length = rest.find(|letter: char| !is_word(letter)).unwrap_or(rest.len());
            let word = rest.get(..length).unwrap_or_default();
            if word.is_empty() {
                return Err(format!("`{first}` means nothing here"));
            }
            tokens.push(match word.parse::<f64>() {
                Ok(number) if word.starts_with(|first: char| first.is_ascii_digit() || first == '-') => {
                    Token::Number(number, word.to_owned())
                }
                _ => Token::Word(word.to_owned()),
            });
            rest = rest.get(length..).unwrap_or_default();
        }
        rest = rest.trim_start();
    }
    Ok(tokens)
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '-' | '/' | '@' | ':')
}
