//! What only the people of an application know, and a test would need: asked for in comments, where what was seen gives reason to.

use std::fmt::Write as _;

use gabion_finding::visible;

use super::quoted;
use crate::field::Field;
use crate::operation::Operation;
use crate::tokens::claims_of;

/// When sessions end that nobody uses, and how somebody signs in by a code from a letter.
pub(super) fn accounts(out: &mut String, field: &Field) {
    let own = &field.facts.accounts;
    if own.idle.is_none() && field.signed_in().next().is_some() {
        // A second `[accounts]` in one page is none of TOML.
        let table = if out.contains("[accounts]\n") { "" } else { "# [accounts]\n" };
        let _ = writeln!(
            out,
            "# Asked for `[accounts]`: after how long a session ends that nobody uses. The run waits for it at its end.\n\
             {table}# idle = \"15m\"\n"
        );
    }
    if own.code.is_some() {
        return;
    }
    let Some(operation) = field.operations.iter().find(|one| sends_a_code(one)) else { return };
    let _ = writeln!(
        out,
        "# Asked: `{}` sounds as if it sent a letter with a code that signs in. With the request that takes the code, and the\n\
         # application's letters at `accounts.mail`, it is tried to guess it and to use it twice.\n\
         # [accounts.code]\n# operation = {}\n# json = {{ email = \"{{email}}\" }}\n\
         # [accounts.enter]\n# operation = \"POST /login/code\"\n# json = {{ email = \"{{email}}\", code = \"{{token}}\" }}\n",
        visible(&operation.id()),
        visible(&quoted(&operation.id()))
    );
}

/// Whether a path sounds like a code or a link by which one signs in.
fn sends_a_code(operation: &Operation) -> bool {
    let path = operation.path.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| path.contains(word));
    operation.method == "POST"
        && (has(&["passwordless", "magic-link", "magiclink"])
            || has(&["login", "signin", "sign-in", "session", "auth"])
                && has(&["code", "magic", "one-time", "onetime", "otp", "passcode"]))
}

/// What signs tokens, where sessions have one.
pub(super) fn tokens(out: &mut String, field: &Field) {
    let own = &field.facts.tokens;
    let carried = field.signed_in().any(|who| !claims_of(&field.person(who).session()).is_empty());
    if !carried || own.key.is_some() || !own.others.is_empty() {
        return;
    }
    out.push_str(
        "# Asked: the secret or the private key (PKCS#8 PEM) that signs its tokens; with it, it is seen whether one is refused that\n\
         # ran out or is for somebody else. `others` are tokens that were really signed, and not for here.\n\
         # [tokens]\n# key = { env = \"TOKEN_KEY\" }\n# others = [{ env = \"OTHER_TOKEN\" }]\n\n",
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::Provenance;

    #[test]
    fn a_code_that_signs_in_is_told_from_other_codes() {
        for (method, path, is) in [
            ("POST", "/login/code", true),
            ("POST", "/api/passwordless/start", true),
            ("POST", "/auth/otp", true),
            ("GET", "/login/code", false),
            ("POST", "/coupons/code", false),
            ("POST", "/login", false),
        ] {
            assert_eq!(sends_a_code(&Operation::new(method, path, Provenance::Facts)), is, "{method} {path}");
        }
    }
}
