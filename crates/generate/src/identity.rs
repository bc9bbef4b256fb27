//! `gabion generate identity`: the code that verifies `Gabion-Identity` in an application.

use crate::names::{quoted, quoted_python};
use crate::template::fill;
use crate::{File, Generated, Origin};

/// Where the code runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framework {
    Express,
    Next,
    FastApi,
}

/// What the tokens of one application say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// `iss`: the gate's address.
    pub issuer: String,
    /// `aud`: the application's name under `[upstreams]`.
    pub audience: String,
    /// Where the keys are fetched.
    pub keys: String,
}

#[must_use]
pub fn verifier(framework: Framework, facts: &Facts, origin: &Origin) -> Generated {
    let quote = if framework == Framework::FastApi { quoted_python } else { quoted };
    let values = [
        ("issuer", quote(&facts.issuer)),
        ("audience", quote(&facts.audience)),
        ("keys", quote(&facts.keys)),
    ];
    let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
    let file = |path: &str, mark: &str, text: &str| File {
        path: path.to_owned(),
        text: format!("{}{}", origin.header(mark, &[]), fill(text, &values)),
    };
    let core = include_str!("../templates/identity.ts");
    let with = |tail: &str| match tail.strip_prefix("\nimport ").and_then(|tail| tail.split_once('\n')) {
        // Imports stand together.
        Some((import, rest)) => format!("import {import}\n{core}{rest}"),
        None => format!("{core}{tail}"),
    };
    let files = match framework {
        Framework::Express => {
            vec![file("gabion-identity.ts", "//", &with(include_str!("../templates/express.ts")))]
        }
        Framework::Next => vec![
            file("gabion-identity.ts", "//", &with(include_str!("../templates/next.ts"))),
            file("proxy.ts", "//", include_str!("../templates/proxy.ts")),
        ],
        Framework::FastApi => vec![file("gabion_identity.py", "#", include_str!("../templates/fastapi.py"))],
    };
    Generated { files, limits: Vec::new() }
}
