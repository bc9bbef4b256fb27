//! The text of an identity file as excerpts may show it: nothing secret.

/// Stars in the place of whatever follows a key that names a secret, up to the end of its line; every byte
/// stays where it is. Keys that say where a secret is are no secrets.
pub(super) fn mask(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        match secret_from(line) {
            Some(from) => {
                let (shown, hidden) = line.split_at_checked(from).unwrap_or((line, ""));
                out.push_str(shown);
                out.extend(
                    hidden
                        .bytes()
                        .map(|byte| if matches!(byte, b'\n' | b'\r') { char::from(byte) } else { '*' }),
                );
            }
            None => out.push_str(line),
        }
    }
    out
}

/// Where on the line what must not be shown begins.
fn secret_from(line: &str) -> Option<usize> {
    line.match_indices('=').find_map(|(at, _)| {
        let key = line.get(..at)?.trim_end().trim_end_matches(['"', '\'']);
        let start = key.rfind(|one: char| !(one.is_ascii_alphanumeric() || matches!(one, '_' | '-')));
        let key = key.get(start.map_or(0, |before| before + 1)..).unwrap_or(key).to_ascii_lowercase();
        let says_where = ["_file", "_env", "_overlap"].iter().any(|end| key.ends_with(end));
        let secret = ["password", "secret", "hash", "token", "private"].iter().any(|word| key.contains(word));
        (secret && !says_where).then_some(at + 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_secret_is_covered_and_nothing_moves() {
        let text = "name = \"ada\"\npassword_hash = \"$argon2id$é\"\r\nsecret_env = \"SHOP\"\n\
                    { id = \"x\", \"client_secret\" = 'abc', y = 1 }\nno = 1\n";
        let masked = mask(text);
        assert_eq!(masked.len(), text.len());
        for hidden in ["argon2id", "abc", "y = 1"] {
            assert!(!masked.contains(hidden), "{masked}");
        }
        for shown in
            ["name = \"ada\"\n", "secret_env = \"SHOP\"\n", "id = \"x\", \"client_secret\" =", "no = 1\n"]
        {
            assert!(masked.contains(shown), "{masked}");
        }
    }
}
