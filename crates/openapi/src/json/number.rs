//! Numbers as decimals: exact whatever their size, compared without converting.

use std::cmp::Ordering;
use std::fmt;

use super::error::Rule;

/// A JSON number by its text (RFC 8259 §6). Equality is that of the decimals: `1.0` is `1`.
#[derive(Clone)]
pub struct Number(Box<str>);

impl Number {
    /// # Errors
    /// [`Rule::Number`] for a text that is none, [`Rule::NumberLength`] for more than 400 characters or powers of ten.
    pub fn parse(text: &str) -> Result<Self, Rule> {
        match super::reader::number(text.as_bytes(), 0, super::Bounds::default().number) {
            Ok(end) if end == text.len() => Ok(Self(text.into())),
            Ok(_) => Err(Rule::Number),
            Err(error) => Err(error.rule),
        }
    }

    /// A text that the reader has judged.
    pub(super) fn of_checked(text: &str) -> Self {
        Self(text.into())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    #[must_use]
    pub fn decimal(&self) -> Decimal<'_> {
        Decimal::of(&self.0)
    }

    /// Exactly, where it is an integer of that range; `1.0` and `1e2` are.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        self.decimal().to_i128().and_then(|number| number.try_into().ok())
    }

    /// As [`Number::as_i64`].
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        self.decimal().to_i128().and_then(|number| number.try_into().ok())
    }
}

impl From<i64> for Number {
    fn from(number: i64) -> Self {
        Self(number.to_string().into())
    }
}

impl From<u64> for Number {
    fn from(number: u64) -> Self {
        Self(number.to_string().into())
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.decimal() == other.decimal()
    }
}

impl Eq for Number {}

impl fmt::Debug for Number {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// The decimal that a number's text means: 0.d₁d₂d₃… × 10^magnitude, with neither d₁ nor the last digit zero.
#[derive(Debug, Clone, Copy)]
pub struct Decimal<'a> {
    negative: bool,
    /// The digits before the point and those after it, without outer zeros. Both empty: zero.
    head: &'a [u8],
    tail: &'a [u8],
    magnitude: i64,
}

impl<'a> Decimal<'a> {
    /// Of a text that is a JSON number; of anything else the result is some number.
    #[must_use]
    pub fn of(text: &'a str) -> Self {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (digits, exponent) = match text.split_once(['e', 'E']) {
            Some((digits, exponent)) => (digits, exponent.parse::<i32>().map_or(0, i64::from)),
            None => (text, 0),
        };
        let (head, tail) = digits.split_once('.').unwrap_or((digits, ""));
        let whole = head.trim_start_matches('0');
        let mut magnitude = exponent.saturating_add(length(whole));
        let (mut head, mut tail) = (whole, tail.trim_end_matches('0'));
        if head.is_empty() {
            let fraction = tail.trim_start_matches('0');
            magnitude = magnitude.saturating_sub(length(tail).saturating_sub(length(fraction)));
            tail = fraction;
        }
        if tail.is_empty() {
            head = head.trim_end_matches('0');
        }
        let zero = head.is_empty() && tail.is_empty();
        Self {
            negative: negative && !zero,
            head: head.as_bytes(),
            tail: tail.as_bytes(),
            magnitude: if zero { 0 } else { magnitude },
        }
    }

    #[must_use]
    pub const fn is_zero(&self) -> bool {
        self.head.is_empty() && self.tail.is_empty()
    }

    #[must_use]
    pub const fn is_negative(&self) -> bool {
        self.negative
    }

    /// The power of ten of the last digit.
    fn scale(&self) -> i64 {
        self.magnitude.saturating_sub(i64::try_from(self.head.len() + self.tail.len()).unwrap_or(i64::MAX))
    }

    /// Without a fraction: `1.0` and `1e3` are integers.
    #[must_use]
    pub fn is_integer(&self) -> bool {
        self.is_zero() || self.scale() >= 0
    }

    fn digits(&self) -> impl Iterator<Item = u8> + use<'a> {
        self.head.iter().chain(self.tail).map(|digit| digit.wrapping_sub(b'0'))
    }

    /// Folds what makes two decimals equal.
    pub(crate) fn fold(&self, start: u64, mut with: impl FnMut(u64, u64) -> u64) -> u64 {
        let sign = with(start, u64::from(self.negative));
        let size = with(sign, self.magnitude.cast_unsigned());
        self.digits().fold(size, |sum, digit| with(sum, u64::from(digit)))
    }

    /// Exactly, where it is an integer of that range.
    #[must_use]
    pub fn to_i128(&self) -> Option<i128> {
        if self.is_zero() {
            return Some(0);
        }
        if !self.is_integer() || self.magnitude > 38 {
            return None;
        }
        let digits = self.digits().try_fold(0_i128, |sum, digit| {
            sum.checked_mul(10).and_then(|sum| sum.checked_add(i128::from(digit)))
        })?;
        let scaled = digits.checked_mul(10_i128.checked_pow(u32::try_from(self.scale()).ok()?)?)?;
        Some(if self.negative { -scaled } else { scaled })
    }

    /// Whether this is `divisor` times an integer, exactly. `None`: the divisor is zero or has more than 19 digits.
    #[must_use]
    pub fn is_multiple_of(&self, divisor: &Decimal<'_>) -> Option<bool> {
        let modulus = divisor.coefficient().filter(|modulus| *modulus != 0)?;
        if self.is_zero() {
            return Some(true);
        }
        // d × 10^s is a multiple of m × 10^t: with s < t never, since d does not end in a zero.
        let shift = self.scale().saturating_sub(divisor.scale());
        if shift < 0 {
            // INVARIANT: m × 10^-shift divides d only if 10 divides d, which normal form excludes.
            return Some(false);
        }
        let modulus = u128::from(modulus);
        let remainder = self.digits().fold(0_u128, |rest, digit| (rest * 10 + u128::from(digit)) % modulus);
        Some((remainder * power_of_ten(shift.unsigned_abs(), modulus)).is_multiple_of(modulus))
    }

    /// The digits as one number.
    fn coefficient(&self) -> Option<u64> {
        self.digits().try_fold(0_u64, |sum, digit| sum.checked_mul(10)?.checked_add(u64::from(digit)))
    }

    fn compare_size(&self, other: &Decimal<'_>) -> Ordering {
        match (self.is_zero(), other.is_zero()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => {
                self.magnitude.cmp(&other.magnitude).then_with(|| self.digits().cmp(other.digits()))
            }
        }
    }
}

impl PartialEq for Decimal<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal<'_> {}

impl PartialOrd for Decimal<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, false) => self.compare_size(other),
            (true, true) => other.compare_size(self),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }
}

fn length(text: &str) -> i64 {
    i64::try_from(text.len()).unwrap_or(i64::MAX)
}

/// 10^`power` modulo `modulus`, by squaring.
fn power_of_ten(mut power: u64, modulus: u128) -> u128 {
    let (mut result, mut base) = (1 % modulus, 10 % modulus);
    while power > 0 {
        if power & 1 == 1 {
            result = result * base % modulus;
        }
        base = base * base % modulus;
        power >>= 1;
    }
    result
}

/// A number of at most 18 digits without fraction and exponent: the common case, at the price of reading it.
pub(crate) fn small(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    if digits.len() > 18 {
        return None;
    }
    let mut sum = 0_i64;
    for byte in digits.bytes() {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        sum = sum * 10 + i64::from(digit);
    }
    Some(if negative { -sum } else { sum })
}
