//! The policies: whether they can be used, and what in them is worth a look.

use super::Finding;
use crate::config::Config;
use crate::gate::policies;

pub(super) async fn examine(config: &Config) -> Vec<Finding> {
    if config.policy.directory.is_none() {
        return Vec::new();
    }
    let mut findings = Vec::new();
    let names = policies::names(config).await.unwrap_or_else(|failure| {
        let detail = format!("roles, groups and tenants in them cannot be compared: {failure}");
        findings.push(Finding::warn("policies", detail, "`gabion policy check` says more"));
        None
    });
    let compiled = crate::contract::contracts(config, &gabion_service::Interfaces::default())
        .and_then(|contracts| policies::compile(config, &contracts, names.as_ref()));
    match compiled {
        Ok(None) => {}
        Ok(Some(policies)) => {
            findings.push(Finding::ok(
                "policies",
                format!("{} in use, generation {}", policies.len(), policies.generation()),
            ));
            findings.extend(policies.warnings().iter().map(|warning| {
                let detail = format!("{}: {}", warning.path, warning.reason);
                Finding::warn("policies", detail, warning.hint.clone().unwrap_or_default())
            }));
        }
        Err(problems) => findings.extend(
            problems
                .into_iter()
                .map(|problem| Finding::fail("policies", problem.reason, problem.hint.unwrap_or_default())),
        ),
    }
    findings
}
