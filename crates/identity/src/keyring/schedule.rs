//! When which key is made, signs, retires and goes: pure.

use std::time::Duration;

use gabion_model::Timestamp;

use super::KeySettings;

/// How long those who ask for the published keys may keep the answer: the `max-age` of
/// `/.well-known/jwks.json`. INVARIANT: shorter than any `announced`.
pub const KEPT_BY_CLIENTS: Duration = Duration::from_secs(300);

/// The times of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// Made, and published from here on.
    pub created: Timestamp,
    /// Signs from here on, if nothing younger does.
    pub active: Timestamp,
    /// Signed until here.
    pub retired: Option<Timestamp>,
    /// Published until here.
    pub expires: Option<Timestamp>,
}

/// What a key is for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Signs.
    Active,
    /// Published, does not sign yet.
    Next,
    /// Published, signs no more.
    Retired,
}

/// What is to be done for one algorithm. The order is the order of doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step<'a> {
    /// Make a key that signs from here on.
    Make { active: Timestamp },
    /// Let a key sign no more.
    Retire { kid: &'a str, expires: Timestamp },
    /// Take a key out.
    Remove { kid: &'a str },
}

impl Times {
    pub(super) fn standing(&self, now: Timestamp) -> Standing {
        match self.retired {
            Some(_) => Standing::Retired,
            None if self.active <= now => Standing::Active,
            None => Standing::Next,
        }
    }
}

/// The steps due at `now` for the keys of one algorithm.
pub(super) fn due<'a>(keys: &[(&'a str, Times)], settings: &KeySettings, now: Timestamp) -> Vec<Step<'a>> {
    let mut steps = Vec::new();
    let in_standing = |wanted: Standing| keys.iter().filter(move |(_, times)| times.standing(now) == wanted);
    let current = in_standing(Standing::Active).max_by_key(|(kid, times)| (times.active, *kid));
    let next = in_standing(Standing::Next).next();
    match (current, next) {
        // Nobody can have kept an earlier answer for long: the ring is new, or its only key was revoked.
        (None, None) => steps.push(Step::Make { active: now }),
        (Some((_, times)), None) => {
            let replaced = times.active.saturating_add(settings.rotation.as_duration());
            let announced = settings.announced.as_duration();
            if now.saturating_add(announced) >= replaced {
                steps.push(Step::Make { active: now.saturating_add(announced).max(replaced) });
            }
        }
        (_, Some(_)) => {}
    }
    for (kid, _) in
        in_standing(Standing::Active).filter(|(kid, _)| Some(*kid) != current.map(|(kid, _)| *kid))
    {
        steps.push(Step::Retire { kid, expires: now.saturating_add(settings.retained.as_duration()) });
    }
    for (kid, _) in keys.iter().filter(|(_, times)| times.expires.is_some_and(|expires| expires <= now)) {
        steps.push(Step::Remove { kid });
    }
    steps
}
