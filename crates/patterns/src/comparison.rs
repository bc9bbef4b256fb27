//! Comparisons of variables and formulas of labels, written in the syntax of Python.

use std::rc::Rc;

use gabion_syntax::Language;
use gabion_syntax::tree::{BinaryOp, Expr, ExprKind, LogicalOp, Module, StmtKind, UnaryOp};

use crate::fragment::VARIABLE;
use crate::taint::Requires;
use crate::text_pattern::{TextPattern, variable};

/// `$X > 1 and $Y in ["a", "b"]`.
#[derive(Debug)]
pub(crate) struct Comparison {
    module: Module,
    base: Option<u32>,
    strip: bool,
}

/// What a variable or a part is worth.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Worth {
    Bool(bool),
    List(Vec<Self>),
    Null,
    Number(f64),
    Text(Rc<str>),
}

impl Comparison {
    pub(crate) fn read(text: &str, base: Option<u32>, strip: bool) -> Result<Self, String> {
        let mut plain = String::new();
        let mut rest = text.trim();
        while let Some(at) = rest.find('$') {
            plain.push_str(rest.get(..at).unwrap_or_default());
            rest = rest.get(at..).unwrap_or_default();
            match variable(rest) {
                Some((name, behind)) => {
                    plain.push_str(VARIABLE);
                    plain.push_str(name.trim_start_matches("..."));
                    rest = behind;
                }
                None => {
                    // A group of a regular expression: `$1`.
                    let behind = rest.get(1..).unwrap_or_default();
                    if behind.starts_with(|sign: char| sign.is_ascii_digit()) {
                        plain.push_str(VARIABLE);
                    } else {
                        plain.push('$');
                    }
                    rest = behind;
                }
            }
        }
        plain.push_str(rest);
        let plain = plain.replace('\n', " ");
        let wrong = || format!("`{text}` is no comparison");
        let parsed = gabion_syntax::parse(Language::Python, &plain);
        let own = Self { module: parsed.module, base, strip };
        if !parsed.problems.is_empty() || own.expression().is_none() { Err(wrong()) } else { Ok(own) }
    }

    fn expression(&self) -> Option<&Expr> {
        match self.module.functions.first()?.body.as_slice() {
            [only] => match &only.kind {
                StmtKind::Expr(from) if !matches!(from.kind, ExprKind::Assign { .. }) => Some(from),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether it holds; a variable that is no constant makes it false.
    pub(crate) fn holds(&self, of: &dyn Fn(&str) -> Option<Worth>) -> bool {
        self.expression().and_then(|from| self.worth(from, of)).is_some_and(|worth| truth(&worth))
    }

    fn worth(&self, from: &Expr, of: &dyn Fn(&str) -> Option<Worth>) -> Option<Worth> {
        Some(match &from.kind {
            ExprKind::Bool(truth) => Worth::Bool(*truth),
            ExprKind::Null => Worth::Null,
            ExprKind::Number(number) => Worth::Number(*number),
            ExprKind::String(text) => Worth::Text(self.module.text(*text).into()),
            ExprKind::Name(name) => {
                let worth = of(self.module.text(*name).strip_prefix(VARIABLE)?)?;
                match worth {
                    Worth::Text(text) if self.strip || self.base.is_some() => {
                        number(&text, self.base).map_or(Worth::Text(text), Worth::Number)
                    }
                    worth => worth,
                }
            }
            ExprKind::List { items, .. } => {
                Worth::List(items.iter().map(|item| self.worth(item, of)).collect::<Option<_>>()?)
            }
            ExprKind::Unary { op, operand } => {
                let worth = self.worth(operand, of)?;
                match (op, worth) {
                    (UnaryOp::Not, worth) => Worth::Bool(!truth(&worth)),
                    (UnaryOp::Minus, Worth::Number(number)) => Worth::Number(-number),
                    (UnaryOp::Plus, worth) => worth,
                    _ => return None,
                }
            }
            ExprKind::Logical { op, left, right } => {
                let left = self.worth(left, of)?;
                match (op, truth(&left)) {
                    (LogicalOp::And, false) | (LogicalOp::Or, true) => left,
                    _ => self.worth(right, of)?,
                }
            }
            ExprKind::Binary { op, left, right } => {
                binary(*op, &self.worth(left, of)?, &self.worth(right, of)?)?
            }
            ExprKind::Call(call) => {
                let mut arguments = Vec::new();
                for argument in &call.arguments {
                    arguments.push(self.worth(&argument.value, of)?);
                }
                self.call(&call.callee, &arguments)?
            }
            _ => return None,
        })
    }

    fn call(&self, callee: &Expr, arguments: &[Worth]) -> Option<Worth> {
        let name = match &callee.kind {
            ExprKind::Name(name) => self.module.text(*name),
            ExprKind::Member { name, .. } => self.module.text(*name),
            _ => return None,
        };
        Some(match (name, arguments) {
            ("int" | "float", [Worth::Text(text)]) => Worth::Number(number(text, self.base)?),
            ("int" | "float", [Worth::Number(value)]) => {
                Worth::Number(if name == "int" { value.trunc() } else { *value })
            }
            ("str", [worth]) => Worth::Text(shown(worth).into()),
            ("len", [Worth::Text(text)]) => Worth::Number(text.chars().count() as f64),
            ("len", [Worth::List(items)]) => Worth::Number(items.len() as f64),
            ("abs", [Worth::Number(value)]) => Worth::Number(value.abs()),
            ("match", [Worth::Text(pattern), worth]) => {
                let pattern = TextPattern::at_start(pattern).ok()?;
                Worth::Bool(pattern.fits(&shown(worth))?)
            }
            _ => return None,
        })
    }
}

fn shown(worth: &Worth) -> String {
    match worth {
        Worth::Bool(true) => "True".to_owned(),
        Worth::Bool(false) => "False".to_owned(),
        Worth::List(_) => "[]".to_owned(),
        Worth::Null => "None".to_owned(),
        Worth::Number(number) => number.to_string(),
        Worth::Text(text) => text.to_string(),
    }
}

fn number(text: &str, base: Option<u32>) -> Option<f64> {
    let plain: String = text.trim().trim_matches(['"', '\'']).chars().filter(|sign| *sign != '_').collect();
    let plain = plain.to_ascii_lowercase();
    let (digits, radix) = match base {
        Some(base @ 2..=36) => {
            let digits = plain.strip_prefix("0x").filter(|_| base == 16);
            let digits = digits.or_else(|| plain.strip_prefix("0o").filter(|_| base == 8));
            let digits = digits.or_else(|| plain.strip_prefix("0b").filter(|_| base == 2));
            (digits.unwrap_or(&plain), base)
        }
        _ => match plain.strip_prefix("0x") {
            Some(digits) => (digits, 16),
            None => (plain.as_str(), 10),
        },
    };
    if radix == 10 {
        return digits.parse().ok();
    }
    i64::from_str_radix(digits, radix).ok().map(|number| number as f64)
}

fn truth(worth: &Worth) -> bool {
    match worth {
        Worth::Bool(truth) => *truth,
        Worth::List(items) => !items.is_empty(),
        Worth::Null => false,
        Worth::Number(number) => *number != 0.0,
        Worth::Text(text) => !text.is_empty(),
    }
}

fn binary(op: BinaryOp, left: &Worth, right: &Worth) -> Option<Worth> {
    use Worth::{Bool, List, Number, Text};
    Some(match (op, left, right) {
        (BinaryOp::Equal | BinaryOp::Is, left, right) => Bool(left == right),
        (BinaryOp::NotEqual | BinaryOp::IsNot, left, right) => Bool(left != right),
        (BinaryOp::In, item, List(items)) => Bool(items.contains(item)),
        (BinaryOp::NotIn, item, List(items)) => Bool(!items.contains(item)),
        (BinaryOp::In, Text(part), Text(text)) => Bool(text.contains(&**part)),
        (BinaryOp::NotIn, Text(part), Text(text)) => Bool(!text.contains(&**part)),
        (BinaryOp::Add, Text(left), Text(right)) => Text(format!("{left}{right}").into()),
        (BinaryOp::Less, Text(left), Text(right)) => Bool(left < right),
        (BinaryOp::Greater, Text(left), Text(right)) => Bool(left > right),
        (op, Number(left), Number(right)) => match op {
            BinaryOp::Add => Number(left + right),
            BinaryOp::Subtract => Number(left - right),
            BinaryOp::Multiply => Number(left * right),
            BinaryOp::Divide => Number(left / right),
            BinaryOp::FloorDivide => Number((left / right).floor()),
            BinaryOp::Remainder => Number(left.rem_euclid(*right)),
            BinaryOp::Power => Number(left.powf(*right)),
            BinaryOp::Less => Bool(left < right),
            BinaryOp::LessEqual => Bool(left <= right),
            BinaryOp::Greater => Bool(left > right),
            BinaryOp::GreaterEqual => Bool(left >= right),
            _ => {
                if left.fract() != 0.0 || right.fract() != 0.0 || left.abs() > 9e15 || right.abs() > 9e15 {
                    return None;
                }
                #[expect(clippy::cast_possible_truncation, reason = "both are whole and small")]
                let (left, right) = (*left as i64, *right as i64);
                Number(match op {
                    BinaryOp::BitAnd => left & right,
                    BinaryOp::BitOr => left | right,
                    BinaryOp::BitXor => left ^ right,
                    BinaryOp::ShiftLeft => left.checked_shl(u32::try_from(right).ok()?)?,
                    BinaryOp::ShiftRight => left.checked_shr(u32::try_from(right).ok()?)?,
                    _ => return None,
                } as f64)
            }
        },
        _ => return None,
    })
}

/// A formula of labels.
pub(crate) fn requires(text: &str, number: &mut dyn FnMut(&str) -> u8) -> Option<Requires> {
    let comparison = Comparison::read(text, None, false).ok()?;
    formula(comparison.expression()?, &comparison.module, number)
}

fn formula(from: &Expr, module: &Module, number: &mut dyn FnMut(&str) -> u8) -> Option<Requires> {
    Some(match &from.kind {
        ExprKind::Name(name) => Requires::Label(number(module.text(*name))),
        ExprKind::Unary { op: UnaryOp::Not, operand } => {
            Requires::Not(Box::new(formula(operand, module, number)?))
        }
        ExprKind::Logical { op, left, right } => {
            let parts = vec![formula(left, module, number)?, formula(right, module, number)?];
            match op {
                LogicalOp::And => Requires::All(parts),
                _ => Requires::Any(parts),
            }
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(text: &str, x: Worth) -> bool {
        Comparison::read(text, None, false).unwrap().holds(&|name| (name == "X").then(|| x.clone()))
    }

    #[test]
    fn numbers_texts_and_lists() {
        assert!(holds("$X > 1024 / 2 and not $X == 1000", Worth::Number(600.0)));
        assert!(!holds("$X < 2048", Worth::Number(4096.0)));
        assert!(holds("$X in [80, 443]", Worth::Number(80.0)));
        assert!(holds("int($X) & 0o2 != 0", Worth::Text("6".into())));
        assert!(holds("re.match('a+', $X)", Worth::Text("aab".into())));
        assert!(!holds("$Y > 1", Worth::Number(5.0)), "nobody knows it");
        assert!(Comparison::read("x = 1", None, false).is_err());
        let octal = Comparison::read("$X > 0o700", Some(8), false).unwrap();
        assert!(octal.holds(&|_| Some(Worth::Text("777".into()))));
    }

    #[test]
    fn labels() {
        let mut names: Vec<String> = Vec::new();
        let mut number = |name: &str| {
            names.push(name.to_owned());
            u8::try_from(names.len() - 1).unwrap()
        };
        let formula = requires("A and not (B or C)", &mut number).unwrap();
        assert!(formula.holds(0b001) && !formula.holds(0b011) && !formula.holds(0b000));
        assert!(requires("A +", &mut number).is_none());
    }
}
