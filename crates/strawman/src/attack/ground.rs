//! The ground the attacker stands on: the target, and the people who have signed in there.

use std::collections::BTreeMap;
use std::time::Duration;

use http::{Method, header};

use super::client::{Call, Client, Reply};
use super::{AttackError, Target};
use crate::account::{Account, accounts};

/// One attempt: whether it worked, and what was seen.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) worked: bool,
    pub(super) what: String,
}

impl Seen {
    pub(super) fn new(worked: bool, what: impl Into<String>) -> Self {
        Self { worked, what: what.into() }
    }

    /// An attempt that rests on one answer: says its status when it did not work.
    pub(super) fn reply(worked: bool, what: &str, reply: &Reply) -> Self {
        Self::new(worked, if worked { what.to_owned() } else { format!("no: {}", described(reply)) })
    }
}

/// The attempts at one hole: three variants and the twin.
pub(super) struct Attempts {
    pub(super) variants: [Seen; 3],
    pub(super) twin: Seen,
}

/// A signed-in person's cookie, as it goes into the `Cookie` field.
#[derive(Debug, Clone)]
pub(super) struct Ticket {
    pub(super) cookie: String,
    /// The whole `Set-Cookie` field it came in, in lower case.
    pub(super) set_cookie: String,
}

/// The target and its people.
pub(super) struct Ground {
    pub(super) client: Client,
    accounts: Vec<Account>,
    login: &'static str,
    logout: &'static str,
    tickets: BTreeMap<String, String>,
}

impl Ground {
    /// Signs everybody in.
    pub(super) async fn enter(target: &Target) -> Result<Self, AttackError> {
        let (base, accounts, login, logout) = match target {
            Target::Direct { base } => (base, accounts(), "/login", "/logout"),
            Target::Gate { base, accounts } => (base, accounts.clone(), "/.gabion/login", "/.gabion/logout"),
        };
        let client = Client::new(base);
        let mut ground = Self { client, accounts, login, logout, tickets: BTreeMap::new() };
        let front = ground.send(Call::get("/")).await;
        if front.status == 0 {
            return Err(AttackError::Unreachable { base: base.clone(), reason: front.body });
        }
        for account in ground.accounts.clone() {
            let refused =
                |reason| AttackError::SignIn { base: base.clone(), name: account.name.clone(), reason };
            let ticket = ground.sign_in(&account.name, None).await.map_err(refused)?;
            ground.tickets.insert(account.name.clone(), ticket.cookie);
        }
        Ok(ground)
    }

    /// Sends a request of somebody unknown, and waits when asked to slow down.
    pub(super) async fn send(&self, call: Call) -> Reply {
        for _ in 0..3 {
            let reply = self.client.send(call.clone()).await;
            let seconds = reply.field(header::RETRY_AFTER).parse().ok().filter(|seconds| *seconds <= 10);
            let (429, Some(seconds)) = (reply.status, seconds) else { return reply };
            tokio::time::sleep(Duration::from_secs(seconds)).await;
        }
        self.client.send(call).await
    }

    /// Sends a request as the browser of somebody who has signed in.
    pub(super) async fn send_as(&self, name: &str, call: Call) -> Reply {
        self.send(self.dress(name, call)).await
    }

    /// Adds what the browser of `name` adds: the cookie, and on writes where they come from.
    pub(super) fn dress(&self, name: &str, call: Call) -> Call {
        let cookie = self.tickets.get(name).cloned().unwrap_or_default();
        let call = call.header(header::COOKIE, &cookie);
        let quiet = matches!(call.method, Method::GET | Method::HEAD | Method::OPTIONS);
        if quiet || call.headers.contains_key(header::ORIGIN) { call } else { self.same_origin(call) }
    }

    /// What a browser says when a page of this site sends the request.
    pub(super) fn same_origin(&self, call: Call) -> Call {
        call.header(header::ORIGIN, &self.client.base()).header("sec-fetch-site", "same-origin")
    }

    /// One try at the login, with further header fields.
    pub(super) async fn try_login(&self, name: &str, password: &str, fields: &[(&str, &str)]) -> Reply {
        let mut call =
            self.same_origin(Call::post(self.login).form(&[("name", name), ("password", password)]));
        for (field, value) in fields {
            call = call.header(field, value);
        }
        self.client.send(call).await
    }

    /// Signs in with the right password; `cookie` is what the browser holds before.
    pub(super) async fn sign_in(&self, name: &str, cookie: Option<&str>) -> Result<Ticket, String> {
        let account = self.accounts.iter().find(|account| account.name == name).ok_or("no such account")?;
        let fields: Vec<_> = cookie.map(|cookie| ("cookie", cookie)).into_iter().collect();
        let reply = self.try_login(name, &account.password, &fields).await;
        let set: Vec<_> = reply
            .headers
            .get_all(header::SET_COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .collect();
        let fresh = set.iter().find(|value| !value.to_ascii_lowercase().contains("max-age=0"));
        match (reply.status, fresh) {
            (200..400, Some(set)) => Ok(Ticket {
                cookie: set.split(';').next().unwrap_or_default().to_owned(),
                set_cookie: set.to_ascii_lowercase(),
            }),
            _ => Err(described(&reply)),
        }
    }

    /// Ends the session of a cookie.
    pub(super) async fn sign_out(&self, cookie: &str) -> Reply {
        let call = self.same_origin(Call::post(self.logout).form(&[])).header(header::COOKIE, cookie);
        self.send(call).await
    }

    /// Whom the application takes the holder of a cookie for.
    pub(super) async fn whoami(&self, cookie: &str) -> String {
        self.send(Call::get("/api/me").header(header::COOKIE, cookie)).await.text_at("/name")
    }
}

/// An answer in one line.
pub(super) fn described(reply: &Reply) -> String {
    if reply.status == 0 { reply.body.clone() } else { format!("answer {}", reply.status) }
}
