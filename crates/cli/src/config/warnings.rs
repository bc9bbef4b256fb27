//! What a configuration may say and still leave open: told, not refused.

use gabion_checks::{Access, Mode, Settings};
use gabion_model::Problem;

use super::Config;

/// Everything that makes the gate less of one, with paths from the top of the file.
pub(crate) fn of(config: &Config) -> Vec<Problem> {
    let mut warnings = open_to_everybody(config);
    warnings.extend(modes(&config.checks).into_iter().filter_map(|(name, mode)| {
        let means = meaning(name, mode, config)?;
        let (word, hint) = match mode {
            Mode::Enforce => return None,
            Mode::Observe if REFUSING.contains(&name) => ("only observes", OBSERVED),
            Mode::Observe => ("only observes", DEFAULT),
            Mode::Off => ("is off", DEFAULT),
        };
        let reason = format!("`checks.{name}` {word}: {means}");
        Some(Problem::new(format!("checks.{name}.mode"), reason).hint(hint))
    }));
    warnings
}

const DEFAULT: &str = "remove `mode`: the default is to enforce";
/// Checks whose refusals are in the ledger also where they only observe.
const REFUSING: [&str; 7] =
    ["limits", "client_address", "normalise", "redirect_https", "rate", "csrf", "access"];
const OBSERVED: &str = "`gabion ledger search` shows what it would have refused; remove `mode` to enforce it";

/// A public route for everything.
fn open_to_everybody(config: &Config) -> Vec<Problem> {
    let routes = config.routes.iter().enumerate();
    let everything = routes.filter(|(_, route)| route.access == Access::Public && route.path == "/*");
    let warning = |(index, route): (usize, &gabion_checks::Route)| {
        let hosts = match route.hosts.as_slice() {
            [] => String::new(),
            hosts => format!(" on {}", hosts.join(", ")),
        };
        let reason = format!("`/*` is public: strangers may use every path{hosts} that no other route takes");
        let hint = "say `access = \"signed-in\"`, or declare the public paths one by one";
        Problem::new(format!("routes[{index}].access"), reason).hint(hint)
    };
    everything.map(warning).collect()
}

const fn modes(checks: &Settings) -> [(&'static str, Mode); 16] {
    [
        ("limits", checks.limits.mode),
        ("client_address", checks.client_address.mode),
        ("request_id", checks.request_id.mode),
        ("normalise", checks.normalise.mode),
        ("redirect_https", checks.redirect_https.mode),
        ("headers", checks.headers.mode),
        ("cors", checks.cors.mode),
        ("rate", checks.rate.mode),
        ("session", checks.session.mode),
        ("csrf", checks.csrf.mode),
        ("access", checks.access.mode),
        ("identity_header", checks.identity_header.mode),
        ("cookies", checks.cookies.mode),
        ("cache", checks.cache.mode),
        ("errors", checks.errors.mode),
        ("audit", checks.audit.mode),
    ]
}

/// What comes of a check that does not enforce; `None` where observing is all it ever does.
fn meaning(name: &str, mode: Mode, config: &Config) -> Option<String> {
    let guarded: Vec<String> = config
        .routes
        .iter()
        .filter(|route| route.access == Access::SignedIn)
        .map(|route| format!("`{}`", route.path))
        .collect();
    let guarded = (!guarded.is_empty()).then(|| guarded.join(", "));
    let words = match (name, mode) {
        ("session" | "identity_header" | "audit", Mode::Observe) => return None,
        ("session", _) => {
            return Some(match guarded {
                Some(paths) if config.checks.access.mode == Mode::Enforce => {
                    format!("nobody is ever signed in, so nobody may use what is `signed-in` ({paths})")
                }
                _ => "nobody is ever signed in".to_owned(),
            });
        }
        ("access", _) => {
            return Some(match guarded {
                Some(paths) => format!("strangers may use what is `signed-in` ({paths})"),
                None => "what the routes ask for is not asked for".to_owned(),
            });
        }
        ("limits", _) => "requests beyond the limits of size and count get through",
        ("client_address", _) => "requests whose client address cannot be told get through",
        ("request_id", _) => "answers do not carry the request's id",
        ("normalise", _) => "requests that can be read in more than one way get through",
        ("redirect_https", _) => "requests over plain HTTP are served",
        ("headers", _) => "answers leave without the headers that make browsers careful",
        ("cors", _) => "the application alone says which origins may read its answers",
        ("rate", _) => "nobody is slowed down, however many requests they make",
        ("csrf", _) => "requests that other sites make a person's browser send get through",
        ("identity_header", _) => "the application is not told who is calling",
        ("cookies", _) => "cookies leave as the application sets them",
        ("cache", _) => "private answers may stay in caches",
        ("errors", _) => "error answers leave with all the application says in them",
        _ => return None,
    };
    Some(words.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_of_defaults_leaves_nothing_open() {
        assert_eq!(of(&Config::default()), []);
    }

    #[test]
    fn every_check_that_can_be_off_says_what_that_means() {
        let config = Config::default();
        for (name, _) in modes(&config.checks) {
            assert!(name == "audit" || meaning(name, Mode::Off, &config).is_some(), "{name}");
        }
    }
}
