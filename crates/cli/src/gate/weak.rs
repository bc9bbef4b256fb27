//! What a configuration does not enforce, as starts and reloads record it: the detection rings when it becomes more.

use serde_json::Value;

use crate::config::Config;

/// Bytes of the list; beyond, routes are left out of it. The ledger keeps longer texts shortened.
const MOST: usize = 1_500;

/// Checks and other tables that are off or only observe, rules that do not ring, and routes that are public: words with
/// spaces between, in order.
pub(crate) fn words(config: &Config) -> String {
    let value = serde_json::to_value(config).unwrap_or_default();
    let mut words = Vec::new();
    modes("", &value, &mut words);
    words.extend(config.watch.disabled.keys().map(|rule| format!("watch.disabled.{}", word(rule))));
    words.extend(config.watch.dry_run.keys().map(|rule| format!("watch.dry_run.{}", word(rule))));
    words.sort();
    let mut routes: Vec<_> = config
        .routes
        .iter()
        .filter(|route| route.access == gabion_checks::Access::Public)
        .map(|route| format!("public:{}{}", word(&route.hosts.join(",")), word(&route.path)))
        .collect();
    routes.sort();
    let both = words.iter().chain(&routes).cloned().collect::<Vec<_>>().join(" ");
    if both.len() <= MOST { both } else { words.join(" ") }
}

/// Every `mode` that is less than enforced.
fn modes(path: &str, value: &Value, words: &mut Vec<String>) {
    for (key, value) in value.as_object().into_iter().flatten() {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match value {
            Value::String(mode)
                if key == "mode" && ["dry_run", "observe", "off"].contains(&mode.as_str()) =>
            {
                // The name last: behind `csrf=` the ledger would see a secret.
                words.push(format!("{mode}:{}", word(path.trim_end_matches(".mode"))));
            }
            _ => modes(&path, value, words),
        }
    }
}

fn word(text: &str) -> String {
    text.replace(char::is_whitespace, "_")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load::load_text;

    #[test]
    fn what_is_switched_off_is_a_word_more() {
        let text = |more: &str| {
            let text = format!(
                "[gateway]\nlisten = \"127.0.0.1:8080\"\ntls = {{ mode = \"off\" }}\n[upstreams.app]\n\
                 url = \"http://127.0.0.1:3000\"\n[[routes]]\npath = \"/a\"\naccess = \"public\"\nupstream = \"app\"\n{more}"
            );
            words(&load_text(&text).unwrap().config)
        };
        let plain = text("");
        assert!(plain.contains("off:gateway.tls") && plain.contains("public:/a"), "{plain}");
        let weaker =
            text("[checks.csrf]\nmode = \"observe\"\n[watch]\ndisabled = { scanner-agent = \"ours\" }\n");
        let new: Vec<_> =
            weaker.split(' ').filter(|word| !plain.split(' ').any(|old| old == *word)).collect();
        assert_eq!(new, ["observe:checks.csrf", "watch.disabled.scanner-agent"]);
        assert!(plain.split(' ').all(|old| weaker.split(' ').any(|word| word == old)));
    }

    #[test]
    fn the_ledger_keeps_the_list_as_it_is() {
        let mut config = Config::default();
        config.checks.csrf.mode = gabion_checks::Mode::Off;
        config.checks.api_key.mode = gabion_checks::Mode::Observe;
        let list = words(&config);
        let (kind, control) =
            (gabion_model::EventKind::Configuration, gabion_model::ControlId::CONFIG_SAFE_STARTUP);
        let (actor, outcome) = (gabion_model::Actor::Gate, gabion_model::Outcome::Success);
        let now = gabion_model::Timestamp::from_secs(1);
        let mut event = gabion_model::Event::new(now, kind, "gate.start", actor, outcome, control);
        event.metadata.insert("weak".to_owned(), list.clone());
        gabion_ledger::sanitise::event(&mut event);
        assert_eq!(event.metadata["weak"], list);
        assert!(list.contains("off:checks.csrf") && list.contains("observe:checks.api_key"), "{list}");
    }
}
