//! Whether answers tell which software in which version they come from (CWE-200, OWASP A05:2021).
//!
//! Passive. `Server`, `X-Powered-By`, `X-AspNet-Version`, `X-AspNetMvc-Version`, `X-Generator` and `X-Runtime-Version` are
//! read; a finding has a version in it. A name without a version is none. Control: answers were read.

use gabion_model::outbound::BoxFuture;

use super::{Attack, Phase};
use crate::field::Field;
use crate::verdict::{Outcome, Proof, Verdict};
use crate::wire::WireError;

pub(super) struct VersionDisclosure;

const ID: &str = "version-disclosure";

impl Attack for VersionDisclosure {
    fn id(&self) -> &'static str {
        ID
    }

    fn phase(&self) -> Phase {
        Phase::Look
    }

    fn run<'a>(&'a self, field: &'a Field) -> BoxFuture<'a, Result<(), WireError>> {
        Box::pin(async move {
            look(field);
            Ok(())
        })
    }
}

const FIELDS: &[&str] = &[
    "server",
    "x-powered-by",
    "x-aspnet-version",
    "x-aspnetmvc-version",
    "x-generator",
    "x-runtime-version",
];

fn look(field: &Field) {
    let mut looked = 0_usize;
    let mut found = Vec::new();
    for known in field.examples() {
        looked = looked.saturating_add(1);
        for name in FIELDS {
            let Some(value) = known.answer.field(name).filter(|value| has_version(value)) else { continue };
            if found.contains(name) {
                continue;
            }
            found.push(*name);
            let says = format!("`{name}` tells a version: `{}`", value.chars().take(80).collect::<String>());
            let proof =
                Proof::new(field.evidence(known.who, &known.call.request(), &known.answer), says.clone());
            let operation =
                field.operation(known.operation).map(crate::operation::Operation::id).unwrap_or_default();
            field.say(Outcome::new(ID, &operation, Verdict::Proven, says).aspect(name).proof(proof));
        }
    }
    if looked == 0 {
        field.not_tested(ID, "no operation gave an answer to look at");
    } else if found.is_empty() {
        field.say(Outcome::new(ID, "", Verdict::Passed, format!("{looked} answers tell no version")));
    }
}

/// `nginx/1.18.0`, `PHP/8.1`, `4.0.30319`; not `cloudflare`, not `HTTP/2` and not a year.
fn has_version(value: &str) -> bool {
    value.split(|letter: char| !(letter.is_ascii_digit() || letter == '.')).any(|word| {
        let word = word.trim_matches('.');
        word.contains('.') && word.len() >= 3
    })
}

#[cfg(test)]
mod tests {
    use super::has_version;

    #[test]
    fn versions_have_a_dot_between_numbers() {
        for yes in ["nginx/1.18.0", "PHP/8.1.2-1ubuntu", "4.0.30319", "Apache/2.4.6 (CentOS) OpenSSL/1.0.2k"]
        {
            assert!(has_version(yes), "{yes}");
        }
        for no in ["nginx", "cloudflare", "Express", "HTTP/2", "web3", "2024", "a.b.c"] {
            assert!(!has_version(no), "{no}");
        }
    }
}
