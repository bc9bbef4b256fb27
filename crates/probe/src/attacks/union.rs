//! Adding a row to what a query finds (`UNION SELECT`): for requests that find nothing, and must not be sent a condition that is
//! true for every row because they may write.
//!
//! In a statement that writes `UNION` is an error, so that nothing happens there.
//!
//! 1. The value is one that nothing has. Rows of one to ten empty columns are added, behind the ways the value may end, several of
//!    them at once: with the right number the answer must be another one. Then each way by itself.
//! 2. Negative twins: one column more, and the keyword misspelled. Both must give the original answer.
//! 3. Proof: eight rounds of the right number and others in random order; the answers must follow all of them.

use super::shuffled;
use crate::aim::{Aim, Sent};
use crate::compare::Profile;
use crate::verdict::{Proof, Verdict};
use crate::wire::WireError;

const ROUNDS: usize = 8;
/// The most columns that are tried; behind a parenthesis half as many.
const COLUMNS: usize = 10;

/// Tries it. True when it is said.
///
/// # Errors
/// When the run is over.
pub(super) async fn union(aim: &Aim<'_>, test: &'static str, base: &Profile) -> Result<bool, WireError> {
    let number = aim.original.parse::<i64>().is_ok();
    let groups: &[&[&str]] = if number { &[&["", "'"]] } else { &[&["\"", "'"], &["')"]] };
    for closings in groups {
        let most = if closings.contains(&"')") { COLUMNS / 2 } else { COLUMNS };
        for columns in 1..=most {
            // What one of them does not end is a text to it, up to the one that does; the rest is a comment.
            let Some(sent) = aim.text(&text(aim, closings, "UNION", columns)).await? else {
                return Ok(false);
            };
            if aim.fits(base, &sent) {
                continue;
            }
            for closing in *closings {
                let closing = &[*closing];
                let Some(sent) = aim.text(&text(aim, closing, "UNION", columns)).await? else { break };
                if !aim.fits(base, &sent) && follows(aim, test, base, closing, columns, &sent).await? {
                    return Ok(true);
                }
            }
            // Something else makes another answer of it.
            break;
        }
    }
    Ok(false)
}

async fn follows(
    aim: &Aim<'_>,
    test: &'static str,
    base: &Profile,
    closing: &[&str],
    columns: usize,
    first: &Sent,
) -> Result<bool, WireError> {
    let Some(changed) = Profile::of(&[&first.answer]) else { return Ok(false) };
    let Some(twin) = aim.text(&text(aim, closing, "UNOIN", columns)).await? else { return Ok(false) };
    if !aim.fits(base, &twin) {
        return Ok(false);
    }
    for right in shuffled(aim.field, ROUNDS) {
        let count = if right { columns } else { columns.saturating_add(1) };
        let Some(sent) = aim.text(&text(aim, closing, "UNION", count)).await? else { return Ok(false) };
        let as_first = changed.distance(&sent.answer, &sent.text, &first.text) == Some(0);
        if as_first != right || aim.fits(base, &sent) == right {
            return Ok(false);
        }
    }
    let says = format!("the database added a row of {columns} columns that was put into {}", aim.point);
    let evidence = format!("`{}` gives another answer than `{}`, each time", first.text, twin.text);
    let proof = Proof::new(aim.evidence(first), evidence).twin(aim.evidence(&twin));
    aim.field.say(aim.outcome(test, Verdict::Proven, says).proof(proof));
    Ok(true)
}

fn text(aim: &Aim<'_>, closings: &[&str], keyword: &str, columns: usize) -> String {
    let row = vec!["NULL"; columns].join(",");
    // A value that nothing has.
    let value = match aim.original.parse::<i64>() {
        Ok(_) => format!("9{:07}", aim.field.number(10_000_000)),
        Err(_) => aim.field.canary(),
    };
    let rows = closings.iter().map(|closing| format!("{closing} {keyword} SELECT {row}-- "));
    format!("{value}{}", rows.collect::<String>())
}
