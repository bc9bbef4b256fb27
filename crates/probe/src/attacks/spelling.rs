//! Having a query call functions that change nothing: spelled as databases know them the answer is the original one, spelled
//! wrong it is not.
//!
//! `lamp'||LOWER('')||'` is `lamp` to a database, wherever in a query the text stands, in functions and parentheses too; with
//! `OLWER` the query fails. So it needs neither rows that are found nor rows that are not, and what is written is the original
//! value: it may be sent to writes.
//!
//! 1. The value with a function must give the original answer; with its name misspelled, and without the last quotation mark, it
//!    must not (negative twins).
//! 2. Proof: eight rounds of several functions, right and wrong in random order; the answers must follow all of them.
//! 3. Control: the original value still gets the original answer at the end.
//!
//! `COALESCE` is always among them: no calculator and no other language has it.

use super::shuffled;
use crate::aim::{Aim, Sent};
use crate::compare::Profile;
use crate::verdict::{Proof, Verdict};
use crate::wire::WireError;

/// How a value goes on as an expression.
#[derive(Clone, Copy)]
enum Form {
    /// A text: its quotation mark and how texts are joined.
    Text(&'static str, &'static str),
    Number,
    /// The name of a column.
    Column,
    /// The name of a table.
    Table,
    /// Behind a direction, or a column of a list.
    Next,
}

const TEXTS: &[Form] = &[Form::Text("'", "||"), Form::Text("'", "+"), Form::Text("\"", "||")];
const NUMBERS: &[Form] = &[Form::Number];
const NAMES: &[Form] = &[Form::Column, Form::Table];
const DIRECTIONS: &[Form] = &[Form::Next];

/// Functions of a text, and what makes them the empty one.
const OF_TEXTS: &[(&str, &str)] = &[
    ("COALESCE", "('','')"),
    ("LOWER", "('')"),
    ("UPPER", "('')"),
    ("LTRIM", "('')"),
    ("REPLACE", "('','','')"),
];
/// Functions of a number that give zero.
const OF_NUMBERS: &[(&str, &str)] = &[("COALESCE", "(0,1)"), ("ABS", "(0)"), ("NULLIF", "(0,1)")];
const OF_NAMES: &[(&str, &str)] = &[("COALESCE", "(1,2)"), ("ABS", "(1)"), ("NULLIF", "(1,2)")];

const ROUNDS: usize = 8;

/// Tries all forms that the value may have. True when it is said.
///
/// # Errors
/// When the run is over.
pub(super) async fn spelled(aim: &Aim<'_>, test: &'static str, base: &Profile) -> Result<bool, WireError> {
    let number = aim.original.parse::<i64>().is_ok();
    let direction = matches!(aim.original.to_ascii_lowercase().as_str(), "asc" | "desc");
    let mut forms: Vec<Form> = if number { NUMBERS.to_vec() } else { Vec::new() };
    forms.extend(TEXTS);
    if direction {
        forms.extend(DIRECTIONS);
    } else if is_name(&aim.original) {
        forms.extend(NAMES);
    }
    for form in forms {
        if follows(aim, test, base, form).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a value may be the name of a column or a table.
pub(super) fn is_name(value: &str) -> bool {
    value.chars().all(|letter| letter.is_alphanumeric() || letter == '_' || letter == '.')
        && value.chars().next().is_some_and(char::is_alphabetic)
}

async fn follows(aim: &Aim<'_>, test: &'static str, base: &Profile, form: Form) -> Result<bool, WireError> {
    let text = |at: usize, right: bool| written(&aim.original, form, at, right);
    let Some(first) = aim.text(&text(0, true)).await? else { return Ok(false) };
    if !aim.fits(base, &first) {
        return Ok(false);
    }
    let Some(twin) = aim.text(&text(0, false)).await? else { return Ok(false) };
    let Some(open) = aim.text(&unclosed(&first.text)).await? else { return Ok(false) };
    if aim.fits(base, &twin) || aim.fits(base, &open) {
        return Ok(false);
    }
    for right in shuffled(aim.field, ROUNDS) {
        let at = usize::try_from(aim.field.number(12)).unwrap_or(0);
        let Some(sent) = aim.text(&text(at, right)).await? else { return Ok(false) };
        if aim.fits(base, &sent) != right {
            return Ok(false);
        }
    }
    let again: Option<Sent> = aim.text(&aim.original).await?;
    if !again.is_some_and(|again| aim.fits(base, &again)) {
        return Ok(false);
    }
    let says = format!(
        "the database called the functions that were put into {}: {ROUNDS} of {ROUNDS} answers followed their spelling",
        aim.point
    );
    let evidence =
        format!("`{}` gives the answer of `{}`, and `{}` does not", first.text, aim.original, twin.text);
    let proof =
        Proof::new(aim.evidence(&first), evidence).twin(aim.evidence(&twin)).shown(aim.evidence(&open));
    aim.field.say(aim.outcome(test, Verdict::Proven, says).proof(proof));
    Ok(true)
}

/// The value with a function, spelled right or wrong.
fn written(value: &str, form: Form, at: usize, right: bool) -> String {
    let functions = match form {
        Form::Text(..) => OF_TEXTS,
        Form::Number => OF_NUMBERS,
        Form::Column | Form::Table | Form::Next => OF_NAMES,
    };
    let (name, rest) = functions.iter().cycle().nth(at).copied().unwrap_or(("COALESCE", "(0,1)"));
    let name = if right { name.to_owned() } else { misspelled(name) };
    let call = format!("{name}{rest}");
    match form {
        Form::Text(quote, join) => format!("{value}{quote}{join}{call}{join}{quote}"),
        Form::Number => format!("{value}-{call}"),
        Form::Column => format!("(CASE WHEN {call}=1 THEN {value} END)"),
        Form::Table => format!("(SELECT * FROM {value} WHERE {call}=1) gx"),
        Form::Next => format!("{value},(CASE WHEN {call}=1 THEN 1 END)"),
    }
}

/// The first two letters the other way round.
fn misspelled(name: &str) -> String {
    let mut letters: Vec<char> = name.chars().collect();
    if letters.len() > 1 {
        letters.swap(0, 1);
    }
    letters.into_iter().collect()
}

/// The same without its last quotation mark or parenthesis.
fn unclosed(text: &str) -> String {
    let cut = text.char_indices().rev().find(|(_, letter)| matches!(letter, '\'' | '"' | ')'));
    match cut {
        Some((at, letter)) => {
            let behind = at.saturating_add(letter.len_utf8());
            format!("{}{}", text.get(..at).unwrap_or_default(), text.get(behind..).unwrap_or_default())
        }
        None => format!("{text}'"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_expressions() {
        assert_eq!(written("lamp", Form::Text("'", "||"), 1, true), "lamp'||LOWER('')||'");
        assert_eq!(written("lamp", Form::Text("'", "+"), 0, false), "lamp'+OCALESCE('','')+'");
        assert_eq!(written("2", Form::Number, 1, true), "2-ABS(0)");
        assert_eq!(written("name", Form::Column, 2, true), "(CASE WHEN NULLIF(1,2)=1 THEN name END)");
    }

    #[test]
    fn a_misspelled_name_is_another_one() {
        for (name, _) in OF_TEXTS.iter().chain(OF_NUMBERS).chain(OF_NAMES) {
            assert_ne!(misspelled(name), *name);
        }
    }

    #[test]
    fn what_is_open_is_no_expression() {
        assert_eq!(unclosed("lamp'||LOWER('')||'"), "lamp'||LOWER('')||");
        assert_eq!(unclosed("2-ABS(0)"), "2-ABS(0");
        assert_eq!(unclosed("(SELECT * FROM a WHERE ABS(1)=1) gx"), "(SELECT * FROM a WHERE ABS(1)=1 gx");
        assert_eq!(unclosed("x"), "x'");
    }
}
