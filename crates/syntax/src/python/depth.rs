//! Whether a text nests deeper than it may, counted on its tokens: what stands in strings and comments nests nothing, and nothing
//! here recurses.
//!
//! Bounded are brackets in brackets (Python itself refuses 200), indentation (Python refuses 100) and the height of expressions:
//! operators and whatever else makes an expression an operand of another, one in the other, in brackets or not.

use gabion_finding::Span;
use ruff_python_ast::token::TokenKind;
use ruff_python_parser::Mode;
use ruff_python_parser::lexer::lex;

/// Brackets in brackets, also those of values in strings.
const BRACKETS: usize = 250;
/// Operands in operands.
const HEIGHT: usize = 10_000;
/// Blocks in blocks.
const BLOCKS: usize = 100;

/// Where it gets too deep.
pub(crate) fn too_deep(text: &str) -> Option<Span> {
    if !is_too_deep(text) {
        return None;
    }
    // The shortest beginning that is too deep; the lexer does not tell where it is.
    let (mut fine, mut deep) = (0, text.len());
    while deep.saturating_sub(fine) > 1 {
        let mut middle = fine.midpoint(deep);
        while middle > fine && !text.is_char_boundary(middle) {
            middle = middle.saturating_sub(1);
        }
        if middle == fine {
            break;
        }
        if text.get(..middle).is_some_and(is_too_deep) {
            deep = middle;
        } else {
            fine = middle;
        }
    }
    let end = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Some(Span::new(end(fine), end(deep)))
}

/// A bracket that is open, and what stands in it so far.
struct Level {
    closes: TokenKind,
    /// Operators since the last comma.
    operators: usize,
    /// The highest bracket since the last comma.
    brackets: usize,
    /// The highest item before that comma.
    items: usize,
}

impl Level {
    const fn new(closes: TokenKind) -> Self {
        Self { closes, operators: 0, brackets: 0, items: 0 }
    }

    fn height(&self) -> usize {
        self.items.max(self.operators.saturating_add(self.brackets))
    }

    fn next_item(&mut self) {
        *self = Self { items: self.height(), ..Self::new(self.closes) };
    }
}

pub(crate) fn is_too_deep(text: &str) -> bool {
    use TokenKind as T;
    let mut lexer = lex(text, Mode::Module);
    let mut open: Vec<Level> = Vec::new();
    let mut outside = Level::new(T::EndOfFile);
    let mut blocks = 0_usize;
    loop {
        let kind = lexer.next_token();
        let closes = match kind {
            T::Lpar => Some(T::Rpar),
            T::Lsqb => Some(T::Rsqb),
            T::Lbrace => Some(T::Rbrace),
            T::FStringStart => Some(T::FStringEnd),
            T::TStringStart => Some(T::TStringEnd),
            _ => None,
        };
        let at_statement = open.is_empty();
        let top = open.last_mut().unwrap_or(&mut outside);
        if let Some(closes) = closes {
            // What stands before a bracket is called, or indexed: one operand in another. Strings stand side by side.
            let string = matches!(kind, T::FStringStart | T::TStringStart);
            top.operators = top.operators.saturating_add(usize::from(!string));
            open.push(Level::new(closes));
        } else if kind == top.closes {
            // A bracket that closes another one's closes nothing: at worst more is open than is.
            let height = top.height().saturating_add(1);
            open.pop();
            let around = open.last_mut().unwrap_or(&mut outside);
            around.brackets = around.brackets.max(height);
        } else {
            match kind {
                T::Comma => top.next_item(),
                T::Newline | T::Semi if at_statement => *top = Level::new(T::EndOfFile),
                T::Indent => blocks = blocks.saturating_add(1),
                T::Dedent => blocks = blocks.saturating_sub(1),
                kind if nests(kind) => top.operators = top.operators.saturating_add(1),
                _ => {}
            }
        }
        let height = open.last().unwrap_or(&outside).height();
        if open.len() > BRACKETS || height > HEIGHT || blocks > BLOCKS {
            return true;
        }
        if kind == T::EndOfFile {
            return false;
        }
    }
}

/// Whether what stands behind it, or before it, becomes a part of one expression with it. Comparisons, `and`, `or`, commas and
/// strings in a row make no tree higher.
fn nests(kind: TokenKind) -> bool {
    use TokenKind as T;
    matches!(
        kind,
        T::Amper
            | T::At
            | T::Await
            | T::CircumFlex
            | T::Colon
            | T::ColonEqual
            | T::Dot
            | T::DoubleSlash
            | T::DoubleStar
            | T::If
            | T::Lambda
            | T::LeftShift
            | T::Minus
            | T::Not
            | T::Percent
            | T::Plus
            | T::RightShift
            | T::Slash
            | T::Star
            | T::Tilde
            | T::Vbar
            | T::Yield
    )
}
