//! Whether a value becomes part of a template or an expression that the server evaluates (CWE-1336, CWE-917).
//!
//! For each value of each request:
//! 1. The product of two random factors is put into the marks of the common engines, all at once; it must come back. The request
//!    has only the factors.
//! 2. Where it came back, or where the target failed on that, each engine's marks are tried by themselves.
//!    Where quotation marks make the target fail, the product is put between parts of a text of a program.
//! 3. Negative twin: the same with marks that are not closed as they were opened. It must not give its product.
//! 4. It is repeated with other factors. Then it is proven.

use gabion_model::outbound::BoxFuture;

use super::reckoning::{Form, Reckoned, reckon};
use super::{Attack, Phase};
use crate::aim::{Aim, aims};
use crate::field::Field;
use crate::verdict::Verdict;
use crate::wire::WireError;

pub(super) struct TemplateInjection;

const ID: &str = "template-injection";

impl Attack for TemplateInjection {
    fn id(&self) -> &'static str {
        ID
    }

    fn phase(&self) -> Phase {
        Phase::Write
    }

    fn run<'a>(&'a self, field: &'a Field) -> BoxFuture<'a, Result<(), WireError>> {
        Box::pin(async move {
            let aims = aims(field);
            let mut tested = 0_usize;
            for aim in aims.iter().filter(|aim| aim.is_value()) {
                tested = tested.saturating_add(1);
                attack(aim).await?;
            }
            if tested == 0 {
                field.not_tested(ID, "no operation takes a value");
            }
            Ok(())
        })
    }
}

const TOGETHER: Form = Form {
    attack: |value, one, two| {
        let product = format!("{one}*{two}");
        format!(
            "{value}{{{{{product}}}}}${{{product}}}#{{{product}}}<%={product}%>{{{product}}}@({product})%{{{product}}}*{{{product}}}[[{product}]]"
        )
    },
    twin: |value, one, two| {
        let product = format!("{one}*{two}");
        format!(
            "{value}(({product}))$({product}]#({product}]<#={product}#>({product}]@[{product}]%({product}]*({product}][({product}]"
        )
    },
};

const APART: &[Form] = &[
    Form {
        attack: |value, one, two| format!("{value}{{{{{one}*{two}}}}}"),
        twin: |value, one, two| format!("{value}(({one}*{two}))"),
    },
    Form {
        attack: |value, one, two| format!("{value}${{{one}*{two}}}"),
        twin: |value, one, two| format!("{value}$[{one}*{two}}}"),
    },
    Form {
        attack: |value, one, two| format!("{value}<%= {one}*{two} %>"),
        twin: |value, one, two| format!("{value}<#= {one}*{two} #>"),
    },
    Form {
        attack: |value, one, two| format!("{value}#{{{one}*{two}}}"),
        twin: |value, one, two| format!("{value}#[{one}*{two}]"),
    },
    Form {
        attack: |value, one, two| format!("{value}{{{one}*{two}}}"),
        twin: |value, one, two| format!("{value}[{one}*{two}]"),
    },
    Form {
        attack: |value, one, two| format!("{value}@({one}*{two})"),
        twin: |value, one, two| format!("{value}@[{one}*{two}]"),
    },
    Form {
        attack: |value, one, two| format!("{value}#set($p={one}*{two})${{p}}"),
        twin: |value, one, two| format!("{value}#sett($p={one}*{two})${{q}}"),
    },
    Form {
        attack: |value, one, two| format!("{value}%{{{one}*{two}}}"),
        twin: |value, one, two| format!("{value}%[{one}*{two}]"),
    },
    Form {
        attack: |value, one, two| format!("{value}*{{{one}*{two}}}"),
        twin: |value, one, two| format!("{value}*[{one}*{two}]"),
    },
    Form {
        attack: |value, one, two| format!("{value}[[{one}*{two}]]"),
        twin: |value, one, two| format!("{value}[({one}*{two}]"),
    },
];

/// Where the value stands in a text of a program that is run: JavaScript, Ruby, Groovy and expression languages; PHP and Perl.
const CODE: &[Form] = &[
    Form {
        attack: |value, one, two| format!("{value}'+({one}*{two})+'"),
        twin: |value, one, two| format!("{value}'+({one}**)+({two}'"),
    },
    Form {
        attack: |value, one, two| format!("{value}\"+({one}*{two})+\""),
        twin: |value, one, two| format!("{value}\"+({one}**)+({two}\""),
    },
    Form {
        attack: |value, one, two| format!("{value}'.({one}*{two}).'"),
        twin: |value, one, two| format!("{value}'.({one}**).({two}'"),
    },
    Form {
        attack: |value, one, two| format!("{value}\".({one}*{two}).\""),
        twin: |value, one, two| format!("{value}\".({one}**).({two}\""),
    },
];

/// Whether quotation marks make the target answer with another status.
async fn fails(aim: &Aim<'_>) -> Result<bool, WireError> {
    let plain = aim.known.answer.status;
    let known = aim.field.memory.reaction(aim.known.operation, &aim.point);
    let status = match known.filter(|reaction| reaction.plain == plain) {
        Some(reaction) => Some(reaction.status),
        None => aim.text(&format!("{}'\"", aim.original)).await?.map(|marks| marks.answer.status),
    };
    Ok(status.is_some_and(|status| status != plain))
}

const ENGINE: &str = "a template engine";

async fn attack(aim: &Aim<'_>) -> Result<(), WireError> {
    match reckon(aim, ID, &TOGETHER, ENGINE).await? {
        Reckoned::Proven => return Ok(()),
        Reckoned::Nothing { refused: true } if aim.works && aim.original.parse::<f64>().is_err() => {
            for form in APART {
                if matches!(reckon(aim, ID, form, ENGINE).await?, Reckoned::Proven) {
                    return Ok(());
                }
            }
        }
        Reckoned::Nothing { .. } => {}
    }
    // A text of a program ends with its quotation mark, and then the program fails.
    if aim.works && fails(aim).await? {
        for form in CODE {
            if matches!(reckon(aim, ID, form, "a program").await?, Reckoned::Proven) {
                return Ok(());
            }
        }
    }
    aim.field.say(aim.outcome(ID, Verdict::Passed, "no template engine computed what was put into it"));
    Ok(())
}
