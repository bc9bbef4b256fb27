//! Whether a value becomes part of a command that a shell reads (CWE-78, OWASP A03:2021).
//!
//! For each value of each request:
//! 1. The value is followed by what a shell would compute: by substitution, behind each separator, behind each quotation mark, and
//!    for the shells of Windows. The product of two random factors must come back; the request has only the factors.
//! 2. Negative twin: the same with signs that no shell knows. It must not give its product.
//! 3. It is repeated with other factors. Then it is proven.
//! 4. Where nothing comes back: a wait of two seconds behind all quotation marks at once. Where the answer is late, waits of
//!    chosen lengths in mixed order, zero among them, must each make the answer as late as they say, and the twin (a program that
//!    nobody has) must not. Then it is firm.
//!
//! Nothing but `echo`, `expr`, `set /a` and `sleep` is run.

use gabion_model::outbound::BoxFuture;

use super::reckoning::{Form, Reckoned, reckon};
use super::waiting::{Waits, waits};
use super::{Attack, Phase};
use crate::aim::{Aim, aims};
use crate::field::Field;
use crate::operation::Place;
use crate::verdict::Verdict;
use crate::wire::WireError;

pub(super) struct CommandInjection;

const ID: &str = "command-injection";

impl Attack for CommandInjection {
    fn id(&self) -> &'static str {
        ID
    }

    fn phase(&self) -> Phase {
        Phase::Write
    }

    fn run<'a>(&'a self, field: &'a Field) -> BoxFuture<'a, Result<(), WireError>> {
        Box::pin(async move {
            let aims = aims(field);
            let all: Vec<&Aim<'_>> = aims.iter().filter(|aim| is_candidate(aim)).collect();
            if all.is_empty() {
                field.not_tested(ID, "no operation takes a value");
            }
            for aim in all {
                attack(aim).await?;
            }
            Ok(())
        })
    }
}

/// A number in a path, or a switch, reaches no shell as text.
fn is_candidate(aim: &Aim<'_>) -> bool {
    aim.is_value() && aim.point.place != Place::Cookie
}

/// All ways at once, so that few requests try many: by substitution as it stands and within quotation marks, behind each separator,
/// behind the end of either quotation mark; and for the shells of Windows.
const TOGETHER: &[Form] = &[
    Form {
        attack: |value, one, two| {
            let (product, reckon) = (format!("$(({one}*{two}))"), format!("expr {one} \\* {two}"));
            format!(
                "{value}{product}'{product}'|{reckon};{reckon}&{reckon}\n{reckon};':;echo {product};'\";echo {product};\""
            )
        },
        twin: |value, one, two| {
            let (product, reckon) = (format!("%(({one}*{two}))"), format!("expr {one} \\* {two}"));
            format!(
                "{value}{product}'{product}',{reckon},{reckon},{reckon},{reckon},',,echo {product},'\",echo {product},\""
            )
        },
    },
    Form {
        attack: |value, one, two| format!("{value};$({one}*{two})#&set /a {one}*{two}"),
        twin: |value, one, two| format!("{value},%({one}*{two})#,set /a {one}*{two}"),
    },
];

/// One by one: where a filter takes offence at one sign.
const APART: &[Form] = &[
    Form {
        attack: |value, one, two| format!("{value};echo $(({one}*{two}))"),
        twin: |value, one, two| format!("{value},echo %(({one}*{two}))"),
    },
    Form {
        attack: |value, one, two| format!("{value}|echo $(({one}*{two}))"),
        twin: |value, one, two| format!("{value}/echo %(({one}*{two}))"),
    },
    Form {
        attack: |value, one, two| format!("{value}`expr {one} \\* {two}`"),
        twin: |value, one, two| format!("{value}´expr {one} \\* {two}´"),
    },
    Form {
        attack: |value, one, two| format!("{value}\nexpr {one} '*' {two}"),
        twin: |value, one, two| format!("{value} expr {one} '*' {two}"),
    },
    Form {
        attack: |value, one, two| format!("{value}&set /a {one}*{two}"),
        twin: |value, one, two| format!("{value},set /a {one}*{two}"),
    },
];

const SHELL: &str = "a shell";

async fn attack(aim: &Aim<'_>) -> Result<(), WireError> {
    let mut offended = false;
    for form in TOGETHER {
        match reckon(aim, ID, form, SHELL).await? {
            Reckoned::Proven => return Ok(()),
            // A number that must be one reaches no shell as text.
            Reckoned::Nothing { refused: true } if aim.works && aim.original.parse::<f64>().is_ok() => {
                aim.field.say(aim.outcome(ID, Verdict::Passed, "only numbers are taken"));
                return Ok(());
            }
            Reckoned::Nothing { refused } => offended |= refused && aim.works,
        }
    }
    if offended && is_free_text(aim) {
        for form in APART {
            if matches!(reckon(aim, ID, form, SHELL).await?, Reckoned::Proven) {
                return Ok(());
            }
        }
    }
    let wait = Waits {
        attack: |value, seconds| format!("{value};sleep {seconds};#';sleep {seconds};#\";sleep {seconds};#"),
        twin: |value, seconds| format!("{value};slepp {seconds};#';slepp {seconds};#\";slepp {seconds};#"),
        who: "a shell",
    };
    if !waits(aim, ID, &wait).await? {
        aim.field.say(aim.outcome(ID, Verdict::Passed, "no shell computed what was put into it"));
    }
    Ok(())
}

/// Whether the value is one of words: what takes only numbers refuses everything, and need not be asked sign by sign.
fn is_free_text(aim: &Aim<'_>) -> bool {
    aim.original.parse::<f64>().is_err() && aim.point.place != Place::Path
}
