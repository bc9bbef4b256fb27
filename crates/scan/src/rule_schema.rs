//! The JSON Schema of the files of rules, for editors: what all rules have, and what only those of one scanner have.

use gabion_finding::{Confidence, RuleId};
use gabion_model::{ControlId, Severity};
use serde_json::{Map, Value, json};

/// The schema of `rules/*/*.toml`.
#[must_use]
pub fn rule_schema() -> Value {
    let mut schema = common();
    let code = gabion_code::rule_schema().to_value();
    let member = |name: &str| code.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
    let own = member("properties").into_iter().chain(others());
    if let Some(known) = schema.pointer_mut("/$defs/rule/properties").and_then(Value::as_object_mut) {
        for (key, value) in own {
            known.entry(key).or_insert(value);
        }
    }
    if let Some(defs) = schema.pointer_mut("/$defs").and_then(Value::as_object_mut) {
        defs.extend(member("$defs"));
    }
    schema
}

/// The keys of the other scanners.
fn others() -> Map<String, Value> {
    let text = |says: &str| json!({ "type": "string", "description": says });
    let texts = |says: &str| json!({ "type": "array", "items": { "type": "string" }, "description": says });
    [
        ("keywords", texts("Secrets: what stands in, or near, every one of them.")),
        ("pattern", text("Secrets: a regular expression; its first group is the secret.")),
        ("value", text("Secrets: the form of what is given to something that a keyword names.")),
        ("detector", text("Secrets: what only code can read.")),
        ("checks", texts("Secrets: what else must hold.")),
        (
            "entropy",
            json!({ "type": "number", "description": "Secrets: the least, in bits for each character." }),
        ),
        ("on", text("Manifests: the kind of place that is looked at.")),
        ("finds", text("Manifests: the condition under which it is wrong.")),
        ("check", text("Manifests: a check that is part of the program.")),
        ("at", text("Manifests: where the finding points.")),
        ("hides", json!({ "type": "boolean", "description": "Manifests: what is found is a secret." })),
        ("advisories", texts("Dependencies: what the example is judged by.")),
        ("uses", texts("Dependencies: modules that the code of the example imports.")),
        ("beside", json!({ "type": "array", "description": "Dependencies: files beside the example." })),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into_iter()
    .collect()
}

fn common() -> Value {
    let controls: Vec<&str> = ControlId::ALL.iter().map(|id| id.as_str()).collect();
    let severities: Vec<&str> = Severity::ALL.iter().map(|severity| severity.as_str()).collect();
    let confidences = [Confidence::Low, Confidence::Medium, Confidence::High].map(Confidence::as_str);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Rules of gabion scan",
        "type": "object",
        "required": ["rule"],
        "additionalProperties": false,
        "properties": {
            "rule": { "type": "array", "minItems": 1, "items": { "$ref": "#/$defs/rule" } },
        },
        "$defs": {
            "rule": {
                "type": "object",
                "description": "A rule. Its scanner refuses the keys of others.",
                "additionalProperties": false,
                "required": ["id", "title", "control", "cwe", "severity", "confidence", "why", "fix"],
                "properties": {
                    "id": {
                        "type": "string",
                        "description": "Words of `a-z`, `0-9` and `-` with dots between them.",
                        "pattern": "^[a-z0-9-]+(\\.[a-z0-9-]+)*$",
                        "maxLength": RuleId::LONGEST,
                    },
                    "title": { "type": "string", "description": "What is wrong, in one line.", "minLength": 1 },
                    "control": { "description": "The promise it is evidence for; `gabion controls` lists them.", "enum": controls },
                    "cwe": {
                        "type": "array",
                        "description": "Numbers of the Common Weakness Enumeration, the closest first.",
                        "minItems": 1,
                        "items": { "type": "integer", "minimum": 1, "maximum": 65535 },
                    },
                    "severity": { "enum": severities },
                    "confidence": { "description": "`high` is seldom wrong.", "enum": confidences },
                    "why": { "type": "string", "description": "What somebody could do with it, and when it is harmless.", "minLength": 1 },
                    "fix": { "type": "string", "description": "What to do instead.", "minLength": 1 },
                    "references": { "type": "array", "items": { "type": "string", "pattern": "^https://" } },
                    "example": {
                        "type": "array",
                        "description": "Both sides; they are the rule's tests.",
                        "items": {
                            "type": "object",
                            "required": ["file", "vulnerable", "repaired"],
                            "additionalProperties": false,
                            "properties": {
                                "file": { "type": "string", "description": "Its name decides how it is read." },
                                "vulnerable": { "type": "string" },
                                "repaired": { "type": "string" },
                                "beside": {
                                    "type": "object",
                                    "description": "Files that stand beside it on both sides, by their names.",
                                    "additionalProperties": { "type": "string" },
                                },
                            },
                        },
                    },
                },
            },
        },
    })
}

/// A rule to begin with: it holds its own example, so that whoever changes it sees what breaks it.
#[must_use]
pub fn template(id: &RuleId, scanner: &str) -> String {
    let Begun { control, cwe, own, file, vulnerable, repaired } = match scanner {
        "manifests" => MANIFESTS,
        "code" => CODE,
        _ => SECRETS,
    };
    format!(
        "#:schema rules.schema.json\n\
         # For the scanner `{scanner}`. Keep it in a folder of that name and test it: `gabion rules test FILE`.\n\n\
         [[rule]]\n\
         id = \"{id}\"\n\
         title = \"what is wrong, in one line\"\n\
         control = \"{control}\"   # `gabion controls` lists them\n\
         cwe = [{cwe}]\n\
         severity = \"high\"         # critical, high, medium, low, informational\n\
         confidence = \"medium\"     # high: seldom wrong\n\
         why = \"what somebody could do with it, and when it is harmless\"\n\
         fix = \"what to do instead\"\n\
         references = [\"https://cwe.mitre.org/data/definitions/{cwe}.html\"]\n\
         {own}\n\
         # At least one for each language. They are the tests: the rule fires on the first and not on the second.\n\
         [[rule.example]]\n\
         file = \"{file}\"\n\
         vulnerable = \"\"\"\n{vulnerable}\"\"\"\n\
         repaired = \"\"\"\n{repaired}\"\"\"\n"
    )
}

/// What is different for each scanner.
struct Begun {
    control: &'static str,
    cwe: u16,
    own: &'static str,
    file: &'static str,
    vulnerable: &'static str,
    repaired: &'static str,
}

const SECRETS: Begun = Begun {
    control: "config.no-secrets-in-code",
    cwe: 798,
    own: "# What stands near it, in lower case, and what it looks like; the first group is the secret.\n\
          keywords = [\"acme_\"]\n\
          pattern = '\\b(acme_[0-9A-Za-z]{32})\\b'\n\
          entropy = 3.0\n",
    file: "app.py",
    vulnerable: "token = \"acme_9vKq2LxT7bRw4ZsN8mJd3HfY6cPg1VtA\"\n",
    repaired: "token = os.environ[\"TOKEN\"]\n",
};

const MANIFESTS: Begun = Begun {
    control: "config.kubernetes",
    cwe: 250,
    own: "# Where it looks and for what; see the scanner's own rules.\n\
          on = \"kubernetes.container\"\n\
          finds = \"securityContext.privileged\"\n",
    file: "pod.yaml",
    vulnerable: "apiVersion: v1\nkind: Pod\nmetadata:\n  name: app\nspec:\n  containers:\n    - name: app\n      image: app:1.0.0\n      \
                 securityContext:\n        privileged: true\n",
    repaired: "apiVersion: v1\nkind: Pod\nmetadata:\n  name: app\nspec:\n  containers:\n    - name: app\n      image: app:1.0.0\n      \
               securityContext:\n        privileged: false\n",
};

const CODE: Begun = Begun {
    control: "config.no-secrets-in-code",
    cwe: 798,
    own: "message = \"`{callee}` is given a constant\"\n\n\
          # A call that is wrong in itself; each of these would do.\n\
          [[rule.call]]\n\
          path = \"acme.connect()\"\n\
          languages = [\"python\"]\n\
          when = [{ named = \"token\", constant = true }]\n",
    file: "app.py",
    vulnerable: "import acme\n\nacme.connect(token=\"hunter2\")\n",
    repaired: "import acme\nimport os\n\nacme.connect(token=os.environ[\"TOKEN\"])\n",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_has_what_rules_are_refused_without() {
        let schema = rule_schema();
        let rule = &schema["$defs"]["rule"];
        for required in rule["required"].as_array().unwrap() {
            assert!(rule["properties"][required.as_str().unwrap()].is_object());
        }
        assert!(rule["properties"]["control"]["enum"].as_array().unwrap().len() > 50);
    }
}
