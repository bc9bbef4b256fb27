//! Whether a component that shows its version has a flaw that is known (CWE-1395, OWASP A06:2021).
//!
//! 1. Components are what heads, names and banners of scripts, and scripts that run in the browser name with a version.
//! 2. Each is asked of the database of advisories that `gabion scan` uses, by the name its registry has for it.
//! 3. **Firm**: a version is one that an advisory speaks of. Whether the flaw can be reached from outside is not shown by that; what
//!    a distribution repaired without another number is not seen.
//!
//! Without a database there is no verdict; with an old one it is said. Control: a component with a version was seen.

use gabion_dependencies::Advisories;
use gabion_model::outbound::BoxFuture;

use super::{Attack, Phase, usable};
use crate::field::Field;
use crate::surface::components::{Component, distinct};
use crate::verdict::{Outcome, Proof, Verdict};
use crate::wire::{Request, WireError};

pub(super) struct VulnerableComponent;

const ID: &str = "vulnerable-component";

impl Attack for VulnerableComponent {
    fn id(&self) -> &'static str {
        ID
    }

    fn phase(&self) -> Phase {
        Phase::Look
    }

    fn run<'a>(&'a self, field: &'a Field) -> BoxFuture<'a, Result<(), WireError>> {
        Box::pin(run(field))
    }
}

async fn run(field: &Field) -> Result<(), WireError> {
    let components = distinct(field.components());
    if components.is_empty() {
        field.not_tested(ID, "nothing tells its version");
        return Ok(());
    }
    let database = match &field.advisories {
        Advisories::Ready { database, .. } => database,
        Advisories::Stale { database, days } => {
            field.note(format!(
                "the advisories are {days} days old: what was published since is not known; hint: `gabion scan db update`"
            ));
            database
        }
        Advisories::Unusable(reason) => {
            field.not_tested(
                ID,
                format!("the advisories cannot be used: {reason}; hint: `gabion scan db update`"),
            );
            return Ok(());
        }
        Advisories::Missing | Advisories::Unwanted => {
            let named: Vec<String> =
                components.iter().take(10).map(|one| format!("{} {}", one.name, one.version)).collect();
            field.not_tested(
                ID,
                format!(
                    "there are no advisories to judge {} by; hint: `gabion scan db update`",
                    named.join(", ")
                ),
            );
            return Ok(());
        }
    };
    for component in components {
        let Some(ecosystem) = component.ecosystem.filter(|ecosystem| database.covers(*ecosystem)) else {
            let says = format!(
                "no advisory speaks of `{}`: {} {} is not judged",
                component.name, component.name, component.version
            );
            field.say(Outcome::new(ID, &component.seen, Verdict::NotTested, says).aspect(&component.name));
            continue;
        };
        let flaws = database.flaws(ecosystem, &component.name, &component.version);
        let Some(worst) = flaws.first() else {
            let says = format!("no flaw is known of {} {}", component.name, component.version);
            field.say(Outcome::new(ID, &component.seen, Verdict::Passed, says).aspect(&component.name));
            continue;
        };
        let names: Vec<&str> =
            flaws.iter().filter_map(|flaw| flaw.names.first()).map(String::as_str).take(8).collect();
        let fixed = worst.fixed.as_ref().map_or_else(String::new, |fixed| format!(", repaired in {fixed}"));
        let says = format!(
            "{} {} has {} known flaws ({}); the worst: {}{fixed}",
            component.name,
            component.version,
            flaws.len(),
            names.join(", "),
            worst.summary
        );
        let outcome = Outcome::new(ID, &component.seen, Verdict::Firm, says)
            .aspect(&component.name)
            .severity(worst.severity);
        field.say(match proof(field, &component).await? {
            Some(proof) => outcome.proof(proof),
            None => outcome,
        });
    }
    Ok(())
}

async fn proof(field: &Field, component: &Component) -> Result<Option<Proof>, WireError> {
    let Some((_, path)) = component.seen.split_once(' ') else { return Ok(None) };
    let path = path.split('#').next().unwrap_or(path);
    let request = Request::get(path);
    let answer = usable(field.request(0, &request).await)?;
    Ok(answer.map(|answer| Proof::new(field.evidence(0, &request, &answer), component.words.clone())))
}
