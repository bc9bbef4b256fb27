//! The words of an expression: texts in quotes, numbers, names, operators.

use std::fmt;

use super::expression::Operator;

/// A word.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Token {
    Text(Vec<u8>),
    Number(f64),
    Name(String),
    Operator(Operator),
    Not,
    Open,
    Close,
    Comma,
}

impl fmt::Display for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(formatter, "\"{}\"", String::from_utf8_lossy(text).escape_debug()),
            Self::Number(number) => write!(formatter, "{number}"),
            Self::Name(name) => formatter.write_str(name),
            Self::Not => formatter.write_str("!"),
            Self::Open => formatter.write_str("("),
            Self::Close => formatter.write_str(")"),
            Self::Comma => formatter.write_str(","),
            Self::Operator(operator) => {
                let sign = SIGNS.iter().find(|(_, own)| own == operator).map_or("in", |(sign, _)| *sign);
                formatter.write_str(sign)
            }
        }
    }
}

/// The longer ones first.
const SIGNS: &[(&str, Operator)] = &[
    ("||", Operator::Or),
    ("&&", Operator::And),
    ("==", Operator::Equal),
    ("!=", Operator::Unequal),
    ("=~", Operator::Matches),
    ("!~", Operator::MatchesNot),
    ("<=", Operator::LessOrEqual),
    (">=", Operator::MoreOrEqual),
    ("<", Operator::Less),
    (">", Operator::More),
    ("+", Operator::Plus),
    ("-", Operator::Minus),
    ("*", Operator::Times),
    ("/", Operator::Over),
    ("%", Operator::Rest),
];

/// Cuts an expression into its words.
pub(crate) fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut out = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let taken = match first {
            '"' | '\'' | '`' => {
                let (text, taken) = quoted(rest, first)?;
                out.push(Token::Text(text));
                taken
            }
            '0'..='9' => {
                let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.');
                let taken = end.unwrap_or(rest.len());
                let digits = rest.get(..taken).unwrap_or_default();
                out.push(Token::Number(digits.parse().map_err(|_| format!("`{digits}` is no number"))?));
                taken
            }
            'a'..='z' | 'A'..='Z' | '_' => {
                let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
                let taken = end.unwrap_or(rest.len());
                let name = rest.get(..taken).unwrap_or_default();
                out.push(match name {
                    "in" | "IN" => Token::Operator(Operator::In),
                    _ => Token::Name(name.to_owned()),
                });
                taken
            }
            // A name with other letters in it: `[content-type]`.
            '[' => {
                let Some((name, _)) = rest.get(1..).and_then(|rest| rest.split_once(']')) else {
                    return Err("`[` is not closed".to_owned());
                };
                out.push(Token::Name(name.to_owned()));
                name.len().saturating_add(2)
            }
            '(' | ')' | ',' => {
                out.push(match first {
                    '(' => Token::Open,
                    ')' => Token::Close,
                    _ => Token::Comma,
                });
                1
            }
            _ => match SIGNS.iter().find(|(sign, _)| rest.starts_with(sign)) {
                Some((sign, operator)) => {
                    out.push(Token::Operator(*operator));
                    sign.len()
                }
                None if first == '!' => {
                    out.push(Token::Not);
                    1
                }
                None => return Err(format!("`{}` means nothing there", first.escape_debug())),
            },
        };
        rest = rest.get(taken..).unwrap_or_default().trim_start();
    }
    Ok(out)
}

/// A text in quotes, with `\n`, `\x41` and the like read, and the bytes it took.
fn quoted(text: &str, quote: char) -> Result<(Vec<u8>, usize), String> {
    let mut out = Vec::new();
    let mut letters = text.char_indices().skip(1);
    while let Some((at, letter)) = letters.next() {
        match letter {
            _ if letter == quote => return Ok((out, at.saturating_add(letter.len_utf8()))),
            '\\' if quote != '`' => match letters.next().map(|(_, letter)| letter) {
                Some('n') => out.push(b'\n'),
                Some('r') => out.push(b'\r'),
                Some('t') => out.push(b'\t'),
                Some('0') => out.push(0),
                Some('x') => {
                    let digits: String = letters.by_ref().take(2).map(|(_, digit)| digit).collect();
                    let byte =
                        u8::from_str_radix(&digits, 16).map_err(|_| format!("`\\x{digits}` is no byte"))?;
                    out.push(byte);
                }
                Some(other @ ('\\' | '"' | '\'' | '`' | '/')) => out.push(other as u8),
                // A pattern writes `\d`: it stays what it is.
                Some(other) => {
                    out.push(b'\\');
                    out.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes());
                }
                None => break,
            },
            other => out.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Err(format!("a text is not closed by {quote}"))
}
