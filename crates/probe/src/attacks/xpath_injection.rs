//! Whether a value becomes part of an XPath expression over XML (CWE-643).
//!
//! As [`condition`]: a condition that is true and one that is false, a broken keyword as the twin, eight rounds. The conditions
//! compare lengths of random texts by `string-length`, which no database has: SQL is another finding. Only reads are tried.

use gabion_model::outbound::BoxFuture;

use super::condition::{Grammar, condition};
use super::{Attack, Phase};
use crate::aim::{Aim, aims};
use crate::field::Field;
use crate::verdict::Verdict;
use crate::wire::WireError;

pub(super) struct XpathInjection;

const ID: &str = "xpath-injection";

impl Attack for XpathInjection {
    fn id(&self) -> &'static str {
        ID
    }

    fn phase(&self) -> Phase {
        Phase::Read
    }

    fn run<'a>(&'a self, field: &'a Field) -> BoxFuture<'a, Result<(), WireError>> {
        Box::pin(async move {
            let mut tested = 0_usize;
            for aim in aims(field).iter().filter(|aim| is_candidate(aim)) {
                tested = tested.saturating_add(1);
                attack(aim).await?;
            }
            if tested == 0 {
                field.not_tested(ID, "no operation that reads takes a text");
            }
            Ok(())
        })
    }
}

fn is_candidate(aim: &Aim<'_>) -> bool {
    aim.is_value() && aim.is_safe() && aim.works && aim.original.parse::<f64>().is_err()
}

const XPATH: Grammar = Grammar {
    who: "an XPath expression",
    and: "and",
    or: "or",
    broken_and: "xand",
    broken_or: "xor_",
    compare: |one, two, truth| {
        let length = usize::try_from(one % 30).unwrap_or(1).saturating_add(1);
        let off = usize::try_from(two % 5).unwrap_or(1).saturating_add(1);
        let said = if truth { length } else { length.saturating_add(off) };
        format!("string-length('{}')={said}", "x".repeat(length))
    },
    forms: &[("'", "'1'='1"), ("\"", "\"1\"=\"1"), ("')", "('1'='1")],
};

async fn attack(aim: &Aim<'_>) -> Result<(), WireError> {
    let Some(base) = aim.profile().await? else {
        let says = "the original value gets another answer each time";
        aim.field.say(aim.outcome(ID, Verdict::Inconclusive, says));
        return Ok(());
    };
    let Some(reaction) = aim.reaction(&base).await? else { return Ok(()) };
    // Where another value matters and quotation marks do not, no expression ends with them.
    let ends = reaction.breaks || !reaction.matters;
    if !(ends && condition(aim, ID, &base, &XPATH, !reaction.matters).await?) {
        let says = "no condition that was put into it made a difference";
        aim.field.say(aim.outcome(ID, Verdict::Passed, says));
    }
    Ok(())
}
