//! Events as the gate records them. `shapes.txt` says whether they are.

use gabion_model::{AccountId, Actor, ControlId, Event, EventKind, Outcome, RequestId, SessionId, Timestamp};

pub(crate) const MINUTE: i64 = 60;
pub(crate) const HOUR: i64 = 3600;
pub(crate) const DAY: i64 = 24 * HOUR;

/// Events of all, in no order yet.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    events: Vec<(Option<&'static str>, Event)>,
    /// Whose events come now.
    pub(crate) attack: Option<&'static str>,
    id: u64,
}

/// From where and by what somebody comes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct From<'a> {
    pub(crate) address: [u8; 4],
    pub(crate) agent: &'a str,
}

impl Stream {
    pub(crate) fn in_order(self) -> Vec<(Option<&'static str>, Event)> {
        let mut events = self.events;
        events.sort_by_key(|(_, event)| event.time);
        events
    }

    fn id(&mut self) -> RequestId {
        self.id += 1;
        let mut bytes = [0; 12];
        bytes[..8].copy_from_slice(&self.id.to_le_bytes());
        RequestId::from_bytes(bytes)
    }

    pub(crate) fn push(&mut self, event: Event) {
        self.events.push((self.attack, event));
    }

    fn asked(
        &mut self,
        at: i64,
        kind: EventKind,
        action: &str,
        actor: Actor,
        control: ControlId,
        from: From<'_>,
    ) -> Event {
        let mut event = Event::new(Timestamp::from_secs(at), kind, action, actor, Outcome::Failure, control);
        event.address = Some(from.address.into());
        event.user_agent = Some(from.agent.to_owned());
        event.request_id = Some(self.id());
        event
    }

    // Sign-ins.

    pub(crate) fn signed_in(&mut self, at: i64, name: &str, from: From<'_>) {
        let control = ControlId::AUTHN_PASSWORD_HASHING;
        let mut event =
            self.asked(at, EventKind::Login, "account.sign-in", without_session(name), control, from);
        (event.resource, event.outcome) = (name.to_owned(), Outcome::Begun);
        self.push(event.clone());
        event.outcome = Outcome::Success;
        event.metadata.insert("session".to_owned(), format!("s{at}"));
        self.push(event);
    }

    pub(crate) fn wrong_password(&mut self, at: i64, name: &str, from: From<'_>) {
        let control = ControlId::AUTHN_PASSWORD_HASHING;
        let mut event = self.asked(at, EventKind::Login, "account.sign-in", Actor::Anonymous, control, from);
        event.resource = name.to_owned();
        event.reason = Some("wrong password".to_owned());
        self.push(event);
    }

    pub(crate) fn unknown_name(&mut self, at: i64, from: From<'_>) {
        let control = ControlId::AUTHN_NO_ENUMERATION;
        let mut event = self.asked(at, EventKind::Login, "account.sign-in", Actor::Anonymous, control, from);
        event.reason = Some("no account has this name".to_owned());
        self.push(event);
    }

    pub(crate) fn throttled(&mut self, at: i64, count: u64, from: From<'_>) {
        let control = ControlId::AUTHN_LOGIN_THROTTLE;
        let mut event = self.asked(at, EventKind::Login, "account.sign-in", Actor::Anonymous, control, from);
        event.reason = Some("too many failed tries".to_owned());
        self.folded(event, count, 0);
    }

    pub(crate) fn wrong_factor(&mut self, at: i64, name: &str, from: From<'_>) {
        let control = ControlId::AUTHN_TOTP;
        let mut event =
            self.asked(at, EventKind::Login, "account.sign-in", without_session(name), control, from);
        event.resource = name.to_owned();
        event.reason = Some("wrong code".to_owned());
        event.metadata.insert("factor".to_owned(), "totp".to_owned());
        self.push(event);
    }

    // Requests.

    /// The first by itself, the others counted as the ledger counts them within a minute.
    fn folded(&mut self, event: Event, count: u64, distinct: u64) {
        self.push(event.clone());
        if count < 2 {
            return;
        }
        let mut rest = event;
        rest.count = count - 1;
        rest.time = rest.time.saturating_add(std::time::Duration::from_secs(10));
        rest.request_id = None;
        rest.metadata.insert("since".to_owned(), rest.time.to_string());
        if distinct > 1 {
            rest.metadata.insert("distinct".to_owned(), distinct.to_string());
        }
        if distinct != 0 && rest.resource.starts_with('/') {
            let end = rest.resource.char_indices().skip(1).find(|(_, char)| *char == '/');
            let end = end.map_or(rest.resource.len(), |(at, _)| at + 1);
            rest.resource.truncate(end);
        }
        self.push(rest);
    }

    /// Refused by the gate: check, status and control as its checks have them.
    pub(crate) fn refused(
        &mut self,
        at: i64,
        actor: Actor,
        path: &str,
        why: Why,
        count: u64,
        from: From<'_>,
    ) {
        let mut event = self.asked(at, EventKind::Refusal, "request.refused", actor, why.control, from);
        event.resource = path.to_owned();
        event.reason = Some(why.reason.to_owned());
        for (key, value) in [("check", why.check), ("method", "GET"), ("status", why.status)] {
            event.metadata.insert(key.to_owned(), value.to_owned());
        }
        if let Some(key) = why.key {
            event.metadata.insert("api-key".to_owned(), "***".to_owned());
            event.metadata.insert("key_id".to_owned(), key.to_owned());
        }
        self.folded(event, count, u64::from(count > 1));
    }

    /// The application's own answer, of so many in a minute, about so many different addresses.
    pub(crate) fn answered(
        &mut self,
        at: i64,
        actor: Actor,
        path: &str,
        status: u16,
        (count, distinct): (u64, u64),
        from: From<'_>,
    ) {
        let failed = status >= 500;
        let (action, control) = if failed {
            ("answer.failed", ControlId::API_ERRORS)
        } else {
            ("answer.refused", ControlId::AUTHZ_OBJECTS)
        };
        let mut event = self.asked(at, EventKind::Traffic, action, actor, control, from);
        event.resource = path.to_owned();
        event.reason = Some("the application says so".to_owned());
        for (key, value) in [("method", "GET"), ("status", &status.to_string())] {
            event.metadata.insert(key.to_owned(), value.to_owned());
        }
        self.folded(event, count, distinct);
    }

    pub(crate) fn canary(&mut self, at: i64, actor: Actor, path: &str, from: From<'_>) {
        let control = ControlId::WATCH_DETECTIONS;
        let mut event = self.asked(at, EventKind::Traffic, "request.canary", actor, control, from);
        (event.outcome, event.resource) = (Outcome::Success, path.to_owned());
        event.metadata.insert("status".to_owned(), "200".to_owned());
        self.push(event);
    }

    pub(crate) fn counted(
        &mut self,
        at: i64,
        whom: Option<(&str, bool)>,
        route: &str,
        period: &str,
        usage: Usage,
    ) {
        let actor = whom.map_or(Actor::Gate, |(name, _)| without_session(name));
        let control = ControlId::WATCH_DETECTIONS;
        let time = Timestamp::from_secs(at);
        let mut event =
            Event::new(time, EventKind::Traffic, "traffic.counted", actor, Outcome::Success, control);
        event.resource = route.to_owned();
        let Usage { requests, distinct, bytes, failed } = usage;
        for (key, number) in
            [("requests", requests), ("distinct", distinct), ("bytes", bytes), ("failed", failed)]
        {
            if number > 0 {
                event.metadata.insert(key.to_owned(), number.to_string());
            }
        }
        event.metadata.insert("period".to_owned(), period.to_owned());
        event.metadata.insert("since".to_owned(), time.to_string());
        if let Some((_, program)) = whom {
            event.metadata.insert("program".to_owned(), program.to_string());
        }
        self.push(event);
    }

    pub(crate) fn moved(&mut self, at: i64, name: &str, same_agent: bool, from: From<'_>) {
        let control = ControlId::WATCH_DETECTIONS;
        let mut event = self.asked(at, EventKind::Session, "session.moved", account(name), control, from);
        (event.outcome, event.resource) = (Outcome::Success, format!("session-of-{name}"));
        let agent = if same_agent { "same" } else { "other" };
        event.metadata.insert("agent".to_owned(), agent.to_owned());
        event.metadata.insert("from".to_owned(), "198.51.100.0/24".to_owned());
        self.push(event);
    }

    pub(crate) fn key_moved(&mut self, at: i64, name: &str, from: From<'_>) {
        let control = ControlId::WATCH_DETECTIONS;
        let mut event = self.asked(at, EventKind::Session, "key.moved", without_session(name), control, from);
        (event.outcome, event.resource) = (Outcome::Success, format!("key-of-{name}"));
        event.metadata.insert("api-key".to_owned(), "***".to_owned());
        event.metadata.insert("key_id".to_owned(), format!("key-of-{name}"));
        event.metadata.insert("program".to_owned(), "true".to_owned());
        self.push(event);
    }

    // Acts.

    pub(crate) fn act(
        &mut self,
        at: i64,
        who: &str,
        (action, control): (&str, ControlId),
        resource: &str,
        more: &[(&str, &str)],
        from: From<'_>,
    ) {
        let mut event = self.asked(at, EventKind::Administration, action, account(who), control, from);
        (event.outcome, event.resource) = (Outcome::Begun, resource.to_owned());
        event.metadata = more.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        self.push(event.clone());
        event.outcome = Outcome::Success;
        self.push(event);
    }

    /// A start, stop or reload of the gate.
    pub(crate) fn gate(&mut self, at: i64, action: &str, outcome: Outcome, more: &[(&str, &str)]) {
        let control = ControlId::CONFIG_SAFE_STARTUP;
        let time = Timestamp::from_secs(at);
        let mut event = Event::new(time, EventKind::Configuration, action, Actor::Gate, outcome, control);
        event.metadata = more.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        if action != "gate.stop" {
            for (key, value) in [("listen", "0.0.0.0:443"), ("tls", "files"), ("version", "0.1.0")] {
                event.metadata.insert(key.to_owned(), value.to_owned());
            }
        }
        self.push(event);
    }

    pub(crate) fn gap(&mut self, at: i64) {
        let control = ControlId::WATCH_DETECTIONS;
        let time = Timestamp::from_secs(at);
        let mut event =
            Event::new(time, EventKind::Configuration, "watch.gap", Actor::Gate, Outcome::Failure, control);
        event.reason = Some("segment 3 is damaged at byte 4711".to_owned());
        self.push(event);
    }

    pub(crate) fn grant_ended(&mut self, at: i64, account_id: &str, client: &str, from: From<'_>) {
        let control = ControlId::TOKEN_LIFETIMES;
        let (kind, action) = (EventKind::Session, "oauth.grant-ended");
        let mut event = self.asked(at, kind, action, Actor::Anonymous, control, from);
        (event.outcome, event.resource) = (Outcome::Success, client.to_owned());
        event.reason = Some("a used refresh token was presented again".to_owned());
        event.metadata.insert("account".to_owned(), account_id.to_owned());
        event.metadata.insert("grant".to_owned(), "grant".to_owned());
        self.push(event);
    }
}

/// Why the gate refuses.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Why {
    pub(crate) check: &'static str,
    pub(crate) status: &'static str,
    pub(crate) control: ControlId,
    pub(crate) reason: &'static str,
    pub(crate) key: Option<&'static str>,
}

impl Why {
    const fn new(
        check: &'static str,
        status: &'static str,
        control: ControlId,
        reason: &'static str,
    ) -> Self {
        Self { check, status, control, reason, key: None }
    }

    pub(crate) const NOT_THERE: Self =
        Self::new("access", "404", ControlId::AUTHZ_DECLARED_ROUTES, "no route");
    pub(crate) const STRANGER: Self =
        Self::new("access", "401", ControlId::AUTHZ_DECLARED_ROUTES, "not signed in");
    pub(crate) const FORBIDDEN: Self = Self::new("access", "403", ControlId::AUTHZ_ROLES, "not the role");
    pub(crate) const CSRF: Self = Self::new("csrf", "403", ControlId::WEB_CSRF, "no token");
    pub(crate) const TOO_MANY: Self =
        Self::new("rate", "429", ControlId::ABUSE_RATE_LIMITS, "too many requests");
    pub(crate) const BAD_TOKEN: Self =
        Self::new("api_key", "401", ControlId::TOKEN_API_KEYS, "an API key that is not good");
    pub(crate) const BAD_GATEWAY: Self =
        Self::new("gateway", "502", ControlId::API_ERRORS, "the upstream is not reachable");
    pub(crate) const MALFORMED: Self =
        Self::new("normalise", "400", ControlId::INPUT_PATHS, "malformed path");
}

/// What was asked of a route.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usage {
    pub(crate) requests: u64,
    pub(crate) distinct: u64,
    pub(crate) bytes: u64,
    pub(crate) failed: u64,
}

pub(crate) fn account(name: &str) -> Actor {
    let session = Some(SessionId::new(&format!("session-of-{name}")));
    Actor::Account { id: AccountId::new(&format!("id-{name}")), name: name.to_owned(), session }
}

pub(crate) fn without_session(name: &str) -> Actor {
    Actor::Account { id: AccountId::new(&format!("id-{name}")), name: name.to_owned(), session: None }
}
