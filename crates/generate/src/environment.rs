//! `gabion generate environment`: what a program finds in its environment, validated once, at its start.
//!
//! The source is the file of examples that projects keep beside their code (`.env.example`): one `NAME=example` a line.
//! The example says the type; a line that is commented out (`# NAME=example`) is a variable that may be missing. What
//! is called a secret must be at least 16 characters long and something else than its example.

use std::fmt::Write as _;

use gabion_model::Problem;

use crate::names::{quoted, quoted_python};
use crate::{File, Generated, Origin};

/// One variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    pub name: String,
    pub kind: Kind,
    pub required: bool,
    /// The value in the file of examples.
    pub example: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Boolean,
    Integer,
    Port,
    Secret,
    Text,
    Url,
}

/// Reads a file of examples.
///
/// # Errors
/// The lines that say nothing, or a name twice.
pub fn read(file: &str, text: &str) -> Result<Vec<Variable>, Vec<Problem>> {
    let mut variables: Vec<Variable> = Vec::new();
    let mut problems = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let place = || format!("{file}:{}", index + 1);
        let line = line.trim();
        let (commented, rest) = match line.strip_prefix('#') {
            Some(rest) => (true, rest.trim()),
            None => (false, line.strip_prefix("export ").unwrap_or(line).trim()),
        };
        let pair = rest.split_once('=').map(|(name, value)| (name.trim(), value.trim()));
        match pair {
            Some((name, value)) if is_name(name) => {
                if variables.iter().any(|other| other.name == name) {
                    problems.push(Problem::new(place(), format!("`{name}` is there twice")));
                    continue;
                }
                let example = unquoted(value).to_owned();
                let kind = kind(name, &example);
                variables.push(Variable { name: name.to_owned(), kind, required: !commented, example });
            }
            _ if commented || rest.is_empty() => {}
            _ => problems.push(
                Problem::new(place(), "is no variable")
                    .hint("`NAME=example`, the name of letters, digits and `_`"),
            ),
        }
    }
    if problems.is_empty() { Ok(variables) } else { Err(problems) }
}

fn is_name(name: &str) -> bool {
    name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_')
        && name.chars().next().is_some_and(|first| first.is_ascii_alphabetic())
}

fn unquoted(value: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(inside) = value.strip_prefix(quote).and_then(|rest| rest.split_once(quote)) {
            return inside.0;
        }
    }
    value.split(" #").next().unwrap_or(value).trim()
}

fn kind(name: &str, example: &str) -> Kind {
    let words: Vec<&str> = name.split('_').collect();
    let says = |word: &str| words.iter().any(|own| own.eq_ignore_ascii_case(word));
    if ["secret", "password", "passwd", "token", "key", "credential", "credentials"].into_iter().any(says) {
        return Kind::Secret;
    }
    let digits = !example.is_empty() && example.bytes().all(|byte| byte.is_ascii_digit());
    if example == "true" || example == "false" {
        Kind::Boolean
    } else if digits && words.last().is_some_and(|word| word.eq_ignore_ascii_case("port")) {
        Kind::Port
    } else if digits && example.len() <= 15 {
        Kind::Integer
    } else if example
        .split_once("://")
        .is_some_and(|(scheme, _)| scheme.chars().all(|c| c.is_ascii_alphanumeric()))
    {
        Kind::Url
    } else {
        Kind::Text
    }
}

/// `environment.ts`, for Zod 4.
#[must_use]
pub fn typescript(variables: &[Variable], origin: &Origin) -> Generated {
    let mut text = origin.header("//", &[]);
    text.push_str("import * as z from \"zod\";\n\nconst schema = z.object({\n");
    for variable in variables {
        let value = match variable.kind {
            Kind::Boolean => {
                "z.enum([\"true\", \"false\"]).transform((value) => value === \"true\")".to_owned()
            }
            Kind::Integer => "z.string().regex(/^-?[0-9]{1,15}$/).transform(Number).pipe(z.int())".to_owned(),
            Kind::Port => {
                "z.string().regex(/^[0-9]{1,5}$/).transform(Number).pipe(z.int().gte(1).lte(65535))"
                    .to_owned()
            }
            Kind::Secret => format!(
                "z.string().min(16).refine((value) => value !== {}, \"is the example\")",
                quoted(&variable.example)
            ),
            Kind::Text => "z.string().min(1)".to_owned(),
            Kind::Url => "z.url()".to_owned(),
        };
        let optional = if variable.required { "" } else { ".optional()" };
        let _ = writeln!(text, "  {}: {value}{optional},", quoted(&variable.name));
    }
    text.push_str(TYPESCRIPT);
    Generated { files: vec![File { path: "environment.ts".to_owned(), text }], limits: Vec::new() }
}

const TYPESCRIPT: &str = "});

export type Environment = z.output<typeof schema>;

/**
 * `const environment = readEnvironment(process.env)`, before anything else.
 *
 * @throws Error that names the variables and what is wrong with them, and no value.
 */
export function readEnvironment(variables: Readonly<Record<string, string | undefined>>): Environment {
  const read = schema.safeParse(variables);
  if (read.success) return read.data;
  const wrong = read.error.issues.map((issue) => `${issue.path.join(\".\")}: ${issue.message}`);
  throw new Error(`the environment is not in order: ${wrong.join(\"; \")}`);
}
";

/// `environment.py`, for Pydantic 2.
#[must_use]
pub fn python(variables: &[Variable], origin: &Origin) -> Generated {
    let mut text = origin.header("#", &[]);
    text.push_str(PYTHON);
    if variables.is_empty() {
        text.push_str("    pass\n");
    }
    for variable in variables {
        let value = match variable.kind {
            Kind::Boolean => "Annotated[bool, BeforeValidator(_truth)]".to_owned(),
            Kind::Integer => "Annotated[int, BeforeValidator(_whole)]".to_owned(),
            Kind::Port => "Annotated[int, Field(ge=1, le=65535), BeforeValidator(_whole)]".to_owned(),
            Kind::Secret => {
                format!(
                    "Annotated[SecretStr, Field(min_length=16), BeforeValidator(_not({}))]",
                    quoted_python(&variable.example)
                )
            }
            Kind::Text => "Annotated[str, Field(min_length=1)]".to_owned(),
            Kind::Url => "Annotated[str, AfterValidator(_url)]".to_owned(),
        };
        let name = &variable.name;
        let _ = if variable.required {
            writeln!(text, "    {}: {value} = Field(alias={})", field(name), quoted_python(name))
        } else {
            writeln!(
                text,
                "    {}: {value} | None = Field(default=None, alias={})",
                field(name),
                quoted_python(name)
            )
        };
    }
    text.push_str(PYTHON_END);
    Generated { files: vec![File { path: "environment.py".to_owned(), text }], limits: Vec::new() }
}

/// In lower case and never a word of the language, nor a name that is used in annotations.
fn field(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    let plain = !matches!(
        name.as_str(),
        "str"
            | "int"
            | "bool"
            | "class"
            | "from"
            | "import"
            | "json"
            | "copy"
            | "dict"
            | "schema"
            | "model"
            | "pass"
            | "global"
            | "lambda"
            | "is"
            | "in"
            | "not"
            | "and"
            | "or"
            | "if"
            | "else"
            | "for"
            | "while"
            | "with"
            | "as"
            | "def"
            | "del"
            | "try"
            | "return"
            | "raise"
            | "yield"
            | "validate"
            | "construct"
    );
    if plain && !name.starts_with("model_") { name } else { format!("{name}_") }
}

const PYTHON: &str = "from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError


def _truth(value: object) -> bool:
    if value not in (\"true\", \"false\"):
        raise ValueError(\"neither true nor false\")
    return value == \"true\"


def _whole(value: object) -> int:
    if not isinstance(value, str) or re.fullmatch(r\"-?[0-9]{1,15}\", value) is None:
        raise ValueError(\"not an integer\")
    return int(value)


def _url(value: str) -> str:
    parts = urlsplit(value)
    if not parts.scheme or not parts.netloc:
        raise ValueError(\"not a URL\")
    return value


def _not(example: str) -> Callable[[object], object]:
    def check(value: object) -> object:
        if value == example:
            raise ValueError(\"is the example\")
        return value

    return check


class Environment(BaseModel):
    model_config = ConfigDict(extra=\"ignore\", frozen=True, hide_input_in_errors=True)

";

const PYTHON_END: &str = "

def read_environment(variables: Mapping[str, str] = os.environ) -> Environment:
    \"\"\"Before anything else. Raises `RuntimeError` that names the variables and what is wrong with them, and no value.\"\"\"
    try:
        return Environment.model_validate(dict(variables))
    except ValidationError as error:
        issues = error.errors(include_input=False, include_context=False, include_url=False)
        wrong = \"; \".join(f\"{'.'.join(str(part) for part in issue['loc'])}: {issue['msg']}\" for issue in issues)
        raise RuntimeError(f\"the environment is not in order: {wrong}\") from None
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_say_types() {
        let text = "# The shop\nPORT=3000\nDATABASE_URL=postgres://localhost/shop # local\nDEBUG=false\nSESSION_SECRET='change me'\n\
                    # LIMIT=10\nexport NAME=\n";
        let kinds: Vec<_> = read(".env", text)
            .unwrap()
            .into_iter()
            .map(|found| (found.name, found.kind, found.required))
            .collect();
        let wanted = [
            ("PORT", Kind::Port, true),
            ("DATABASE_URL", Kind::Url, true),
            ("DEBUG", Kind::Boolean, true),
            ("SESSION_SECRET", Kind::Secret, true),
            ("LIMIT", Kind::Integer, false),
            ("NAME", Kind::Text, true),
        ];
        assert_eq!(kinds, wanted.map(|(name, kind, required)| (name.to_owned(), kind, required)));
    }

    #[test]
    fn a_line_that_says_nothing_is_a_problem() {
        let problems = read(".env", "A=1\nA=2\n2B=3\nwhat\n").unwrap_err();
        let places: Vec<_> = problems.iter().map(|problem| problem.path.as_str()).collect();
        assert_eq!(places, [".env:2", ".env:3", ".env:4"]);
    }
}
