//! Questions from flags and from files.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use gabion_policy::cases::Cases;
use gabion_policy::{
    OwnedQuestion, Subject, Value, WrittenError, WrittenPrincipal, WrittenQuestion, WrittenResource,
};

use super::{cases, read, wrong};
use crate::arguments::PolicyExplain;
use crate::failure::Failure;

/// The question that was asked.
pub(super) fn question(arguments: &PolicyExplain) -> Result<OwnedQuestion, Failure> {
    let written = match &arguments.question {
        Some(path) => {
            let text = read(path)?;
            // What JSON is, YAML is too.
            Cases::question(&text).map_err(|reason| {
                Failure::usage(format!("`{}` is not a question", path.display()))
                    .because_text(reason)
                    .hint("`principal`, `action`, `resource` and perhaps `context`")
            })?
        }
        None => of_flags(arguments)?,
    };
    written.read().map_err(unreadable)
}

fn unreadable(error: WrittenError) -> Failure {
    Failure::usage("the question cannot be asked").because(&error)
}

fn of_flags(arguments: &PolicyExplain) -> Result<WrittenQuestion, Failure> {
    let (kind, id) = match arguments.principal.split_once("::") {
        Some((kind, id)) => (kind, id),
        None if arguments.principal == "Anonymous" => ("Anonymous", ""),
        None => ("User", arguments.principal.as_str()),
    };
    let resource = arguments.resource.as_deref().unwrap_or_default();
    let Some((resource_kind, resource_id)) = resource.rsplit_once("::") else {
        return Err(Failure::usage(format!("`--resource {resource}` names no type"))
            .hint("for instance `Order::17` or `Route::/orders/{id}`"));
    };
    Ok(WrittenQuestion {
        principal: WrittenPrincipal {
            kind: kind.to_owned(),
            id: unquoted(id),
            name: None,
            tenant: arguments.tenant.clone(),
            roles: arguments.roles.clone(),
            groups: arguments.groups.clone(),
            profile: BTreeMap::new(),
        },
        action: arguments.action.clone().unwrap_or_default(),
        resource: WrittenResource {
            kind: resource_kind.to_owned(),
            id: unquoted(resource_id),
            parents: Vec::new(),
            attributes: values("--attribute", &arguments.attributes)?,
            tags: BTreeMap::new(),
        },
        context: values("--context", &arguments.context)?,
    })
}

/// Cedar's own way of writing an id has quotes.
fn unquoted(id: &str) -> String {
    id.strip_prefix('"').and_then(|id| id.strip_suffix('"')).unwrap_or(id).to_owned()
}

fn values(flag: &str, given: &[String]) -> Result<BTreeMap<Arc<str>, Value>, Failure> {
    let mut values = BTreeMap::new();
    for one in given {
        let Some((name, text)) = one.split_once('=') else {
            return Err(Failure::usage(format!("`{flag} {one}` has no value")).hint("`name=value`"));
        };
        let json = serde_json::from_str::<serde_json::Value>(text).ok();
        let value = json.and_then(|json| Value::of_json(&json)).unwrap_or_else(|| Value::from(text));
        values.insert(Arc::from(name), value);
    }
    Ok(values)
}

/// The questions of a file of cases.
pub(super) fn questions(path: &Path) -> Result<Vec<OwnedQuestion>, Failure> {
    let cases = cases(path)?;
    let questions = cases.questions(&path.display().to_string());
    let questions = questions.map_err(|problems| wrong(Path::new(""), problems))?;
    Ok(questions.into_iter().map(|(_, question)| question).collect())
}

/// The principals of a file of cases.
pub(super) fn principals(cases: &Cases) -> Result<Vec<Subject>, Failure> {
    cases.subjects().map(|(_, subject)| subject.map_err(unreadable)).collect()
}
