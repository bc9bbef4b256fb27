//! Literals: strings with and without values in them, bytes, numbers.

use gabion_finding::Span;
use ruff_python_ast as ast;

use super::Lower;
use crate::builder::{expr, unknown};
use crate::tree::{Expr, ExprKind, Part};

/// The parts of a string, its texts joined.
#[derive(Default)]
struct Parts {
    parts: Vec<Part>,
    text: String,
}

impl Lower<'_> {
    pub(super) fn format_string(&mut self, from: &ast::ExprFString, at: Span) -> ExprKind {
        let mut parts = Parts::default();
        for part in &from.value {
            match part {
                ast::FStringPart::Literal(text) => parts.text.push_str(text),
                ast::FStringPart::FString(one) => self.elements(&one.elements, at, &mut parts),
            }
        }
        self.finished(parts)
    }

    /// A template that is no string yet: whoever gets it sees texts and values apart.
    pub(super) fn template_string(&mut self, from: &ast::ExprTString, at: Span) -> ExprKind {
        let mut parts = Parts::default();
        for one in &from.value {
            self.elements(&one.elements, at, &mut parts);
        }
        self.flush(&mut parts);
        let tag = self.builder.name("string.templatelib.Template", Span::new(at.start, at.start));
        ExprKind::Template { tag: Some(Box::new(tag)), parts: parts.parts }
    }

    /// Without a value in it, it is a string.
    fn finished(&mut self, mut parts: Parts) -> ExprKind {
        if parts.parts.is_empty() {
            return ExprKind::String(self.builder.symbol(&parts.text));
        }
        self.flush(&mut parts);
        ExprKind::Template { tag: None, parts: parts.parts }
    }

    fn flush(&mut self, parts: &mut Parts) {
        if !parts.text.is_empty() {
            parts.parts.push(Part::Text(self.builder.symbol(&parts.text)));
            parts.text.clear();
        }
    }

    fn elements(&mut self, from: &[ast::InterpolatedStringElement], around: Span, into: &mut Parts) {
        for element in from {
            match element {
                ast::InterpolatedStringElement::Literal(text) => into.text.push_str(text),
                ast::InterpolatedStringElement::Interpolation(one) => {
                    if let Some(debug) = &one.debug_text {
                        into.text.push_str(debug.as_str());
                    }
                    self.flush(into);
                    let at = self.at(one);
                    let value = self
                        .deeper(at, |lower| lower.interpolation(one, at))
                        .unwrap_or_else(|| unknown(around, Vec::new()));
                    into.parts.push(Part::Value(value));
                }
            }
        }
    }

    /// `{value!conversion:format}` is `format(conversion(value), format)`.
    fn interpolation(&mut self, from: &ast::InterpolatedElement, at: Span) -> Expr {
        let conversion = match from.conversion {
            ast::ConversionFlag::Str => Some("str"),
            ast::ConversionFlag::Ascii => Some("ascii"),
            ast::ConversionFlag::Repr => Some("repr"),
            ast::ConversionFlag::None if from.debug_text.is_some() && from.format_spec.is_none() => {
                Some("repr")
            }
            ast::ConversionFlag::None => None,
        };
        let value = match conversion {
            None if from.format_spec.is_none() => return self.value_of(from),
            None => self.value_of(from),
            Some(name) => self
                .deeper(at, |lower| {
                    let value = lower.value_of(from);
                    let at = value.span;
                    lower.builtin(name, at, vec![value])
                })
                .unwrap_or_else(|| unknown(at, Vec::new())),
        };
        let Some(format) = &from.format_spec else { return value };
        let format_at = self.at(&format.range);
        let format = self.deeper(format_at, |lower| {
            let mut parts = Parts::default();
            lower.elements(&format.elements, format_at, &mut parts);
            lower.finished(parts)
        });
        let format = expr(format_at, format.unwrap_or(ExprKind::Unknown(Vec::new())));
        self.builtin("format", at, vec![value, format])
    }

    fn value_of(&mut self, from: &ast::InterpolatedElement) -> Expr {
        self.expression(&from.expression)
    }

    /// Bytes that are no text are taken as Latin-1.
    pub(super) fn bytes(&mut self, from: &ast::ExprBytesLiteral) -> ExprKind {
        let bytes: Vec<u8> = from.value.iter().flat_map(|part| part.as_slice()).copied().collect();
        let text = String::from_utf8(bytes)
            .unwrap_or_else(|error| error.into_bytes().into_iter().map(char::from).collect());
        ExprKind::String(self.builder.symbol(&text))
    }

    pub(super) fn number(&mut self, from: &ast::Number, at: Span) -> f64 {
        match from {
            ast::Number::Float(value) => *value,
            ast::Number::Complex { imag, .. } => *imag,
            #[expect(clippy::cast_precision_loss, reason = "numbers are as exact as a float is")]
            ast::Number::Int(value) => {
                value.as_u64().map_or_else(|| large(at.of(self.text)), |value| value as f64)
            }
        }
    }
}

/// A whole number of more than 64 bits.
fn large(text: &str) -> f64 {
    let digits = text.bytes().filter(|byte| *byte != b'_').map(char::from).collect::<String>();
    let lower = digits.to_ascii_lowercase();
    let radix = match lower.get(..2) {
        Some("0x") => 16,
        Some("0o") => 8,
        Some("0b") => 2,
        _ => return lower.parse().unwrap_or(f64::INFINITY),
    };
    let digits = lower.chars().skip(2).filter_map(|digit| digit.to_digit(radix));
    digits.fold(0.0, |value, digit| value.mul_add(f64::from(radix), f64::from(digit)))
}
