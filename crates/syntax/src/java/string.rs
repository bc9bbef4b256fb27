//! Strings, text blocks and templates.

use super::expression::expression;
use crate::builder::{Builder, expr};
use crate::cursor::At;
use crate::literal::unescape;
use crate::tree::{Expr, ExprKind, Part};

/// `tag` is the processor of a template (`STR."…"`).
pub(super) fn string(b: &mut Builder, from: At<'_>, tag: Option<Box<Expr>>) -> Expr {
    let span = from.span();
    let values: Vec<At<'_>> =
        from.parts().into_iter().filter(|part| part.is("string_interpolation")).collect();
    if values.is_empty() && tag.is_none() {
        let value = content(from.text());
        return b.string(&value, span);
    }
    let mut parts = Vec::new();
    for part in from.parts() {
        if part.is("string_interpolation") {
            if let Some(inner) = part.first() {
                parts.push(Part::Value(expression(b, inner)));
            }
        } else {
            let text = unescape(part.text());
            parts.push(Part::Text(b.symbol(&text)));
        }
    }
    expr(span, ExprKind::Template { tag, parts })
}

pub(super) fn character(text: &str) -> String {
    unescape(text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')).unwrap_or(text))
}

fn content(text: &str) -> String {
    if let Some(block) = text.strip_prefix("\"\"\"") {
        return text_block(block.strip_suffix("\"\"\"").unwrap_or(block));
    }
    unescape(text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text))
}

/// What a text block says: without the indentation all its lines share and the spaces at their ends (JLS 3.10.6).
fn text_block(text: &str) -> String {
    let (_, text) = text.split_once('\n').unwrap_or(("", text));
    let lines: Vec<&str> = text.split('\n').collect();
    let counted = lines.iter().enumerate().filter(|(at, line)| {
        // The last line counts even when it is blank: it places the closing quotes.
        at.saturating_add(1) == lines.len() || !line.trim().is_empty()
    });
    let shared = counted
        .map(|(_, line)| line.len().saturating_sub(line.trim_start_matches([' ', '\t']).len()))
        .min()
        .unwrap_or(0);
    let stripped: Vec<&str> =
        lines.iter().map(|line| line.get(shared..).unwrap_or_default().trim_end()).collect();
    unescape(&stripped.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_block_loses_its_indentation() {
        let block = "\"\"\"\n      SELECT *\n        FROM t  \n      \\\n      WHERE a\n      \"\"\"";
        assert_eq!(content(block), "SELECT *\n  FROM t\nWHERE a\n");
        assert_eq!(content("\"\"\"\n  a\n  b\"\"\""), "a\nb");
    }
}
