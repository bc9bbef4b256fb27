//! Having something computed: the product of two random factors stands in no request, so that an answer that has it was made by
//! whatever read the value as code.

use crate::aim::{Aim, Sent};
use crate::call::Put;
use crate::verdict::{Proof, Verdict};
use crate::wire::WireError;

/// A text made of the original value and two factors.
pub(super) type Text = fn(&str, u32, u32) -> String;

/// A way to have a product computed.
pub(super) struct Form {
    pub(super) attack: Text,
    /// As like the attack as can be, and computes nothing.
    pub(super) twin: Text,
}

/// What came of one form.
pub(super) enum Reckoned {
    /// The product came back, twice, and not with the twin.
    Proven,
    /// No product; whether the target took the text as it takes others.
    Nothing { refused: bool },
}

/// Tries one form: the attack, its twin, and the attack with other factors. Says so where it is proven.
///
/// # Errors
/// When the run is over.
pub(super) async fn reckon(
    aim: &Aim<'_>,
    test: &'static str,
    form: &Form,
    who: &str,
) -> Result<Reckoned, WireError> {
    let Some((attack, text, product)) = send(aim, form.attack).await? else {
        return Ok(Reckoned::Nothing { refused: true });
    };
    let refused = attack.answer.status >= 400;
    if !shows_number(&attack, &product) {
        return Ok(Reckoned::Nothing { refused });
    }
    let Some((twin, _, other)) = send(aim, form.twin).await? else {
        return Ok(Reckoned::Nothing { refused });
    };
    let Some((again, _, third)) = send(aim, form.attack).await? else {
        return Ok(Reckoned::Nothing { refused });
    };
    if shows_number(&twin, &other) || !shows_number(&again, &third) {
        return Ok(Reckoned::Nothing { refused });
    }
    let mut proof = Proof::new(aim.evidence(&attack), format!("`{text}` came back as `{product}`"))
        .twin(aim.evidence(&twin))
        .shown(aim.evidence(&again));
    if let Some(next) = &attack.next {
        proof = proof.shown(aim.field.evidence(aim.known.who, &attack.request, next));
    }
    let says = format!("{who} computed {product}, which no request had");
    aim.field.say(aim.outcome(test, Verdict::Proven, says).proof(proof));
    Ok(Reckoned::Proven)
}

async fn send(aim: &Aim<'_>, text: Text) -> Result<Option<(Sent, String, String)>, WireError> {
    let (one, two, product) = aim.factors();
    let text = text(&aim.original, one, two);
    let sent = aim.follow(&Put::Text(&text)).await?;
    Ok(sent.map(|sent| (sent, text, product)))
}

/// A number as it is, or with its thousands set apart, as some engines write it.
fn shows_number(sent: &Sent, number: &str) -> bool {
    [None, Some(","), Some("."), Some(" "), Some("\u{a0}"), Some("\u{202f}"), Some("'")]
        .into_iter()
        .any(|mark| sent.shows(&grouped(number, mark)))
}

fn grouped(number: &str, mark: Option<&str>) -> String {
    let Some(mark) = mark else { return number.to_owned() };
    let length = number.chars().count();
    let mut out = String::new();
    for (at, digit) in number.chars().enumerate() {
        if at > 0 && length.saturating_sub(at).is_multiple_of(3) {
            out.push_str(mark);
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(grouped("12345678", Some(",")), "12,345,678");
        assert_eq!(grouped("345678", Some(".")), "345.678");
        assert_eq!(grouped("345678", None), "345678");
    }
}
