//! A site with a few people, and browsers that visit it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use gabion_identity::{MemoryStorage, cookie};
use gabion_ledger::Ledger;
use gabion_model::outbound::{Letter, MailError, Mailer};
use gabion_model::random::SeededRng;
use gabion_model::{Clock as _, Event, ManualClock, RequestId, Secret, Timestamp};
use gabion_service::{Caller, NewAccount, OneTimeLink, Parts, Service, Settings};
use http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE, USER_AGENT};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

pub(crate) const PASSWORD: &str = "boulders in a wire basket";
pub(crate) const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0";

pub(crate) struct Site {
    pub(crate) service: Service,
    pub(crate) ledger: Ledger,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) router: Router,
    pub(crate) storage: Arc<MemoryStorage>,
    pub(crate) outbox: Arc<Outbox>,
}

impl Site {
    pub(crate) fn new() -> Self {
        Self::with(Settings::default(), 4)
    }

    pub(crate) fn with(settings: Settings, workers: usize) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1_795_286_828)));
        let ledger = Ledger::in_memory(clock.clone());
        let storage = Arc::new(MemoryStorage::new());
        let rng = Arc::new(SeededRng::new(1));
        let parts = Parts::fresh(storage.clone(), ledger.clone(), clock.clone(), rng).unwrap();
        let outbox = Arc::new(Outbox::default());
        let mail = outbox.clone();
        let service = Service::open(Parts { settings, workers, mail, ..parts }).unwrap();
        let api = gabion_console::ApiSettings {
            networks: vec!["203.0.113.0/24".to_owned()],
            ..gabion_console::ApiSettings::default()
        };
        let parts = gabion_console::Parts {
            service: service.clone(),
            clock: clock.clone(),
            api,
            scim: gabion_console::ScimSettings::default(),
            decisions: gabion_console::DecisionSettings {
                networks: vec!["203.0.113.0/24".to_owned()],
                ..gabion_console::DecisionSettings::default()
            },
            events: gabion_console::EventSettings {
                networks: vec!["203.0.113.0/24".to_owned()],
                ..gabion_console::EventSettings::default()
            },
        };
        Self { service, ledger, clock, router: gabion_console::router(parts), storage, outbox }
    }

    pub(crate) async fn invite(&self, name: &str, tenant: Option<&str>, roles: &[&str]) -> OneTimeLink {
        let new = NewAccount {
            name: name.to_owned(),
            tenant: tenant.map(str::to_owned),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        };
        self.service.add_account(&Caller::operator(), new).await.unwrap()
    }

    /// An account with [`PASSWORD`].
    pub(crate) async fn person(&self, name: &str) {
        let link = self.invite(name, None, &[]).await;
        let password = Secret::new(PASSWORD.to_owned());
        self.service.accept_invitation(&Caller::operator(), link.token, password).await.unwrap();
    }

    pub(crate) fn browser(&self) -> Browser<'_> {
        let address = "203.0.113.7".parse().unwrap();
        Browser {
            site: self,
            address,
            user_agent: FIREFOX.to_owned(),
            secure: true,
            cookie: None,
            login: None,
            others: BTreeMap::new(),
            certificate: None,
        }
    }

    pub(crate) fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub(crate) async fn events(&self) -> Vec<Event> {
        self.ledger.flush().await.unwrap();
        self.ledger.tail(10_000).unwrap().into_iter().map(|record| record.event).collect()
    }
}

/// Keeps the letters instead of sending them.
#[derive(Debug, Default)]
pub(crate) struct Outbox(Mutex<Vec<Letter>>);

impl Mailer for Outbox {
    fn send(&self, letter: Letter) -> Result<(), MailError> {
        self.0.lock().unwrap().push(letter);
        Ok(())
    }
}

impl Outbox {
    /// What was sent since the last look.
    pub(crate) fn take(&self) -> Vec<Letter> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    /// Path and query of the link in the latest letter, which may still be under way.
    pub(crate) async fn link(&self) -> String {
        let letter = async {
            loop {
                let latest = self.0.lock().unwrap().pop();
                match latest {
                    Some(letter) => return letter,
                    None => tokio::task::yield_now().await,
                }
            }
        };
        let letter = tokio::time::timeout(Duration::from_secs(60), letter).await.expect("a letter");
        let (_, path) = letter.text.expose().split_once("http://localhost").expect("a link");
        path.split_whitespace().next().unwrap().to_owned()
    }
}

/// Keeps its cookie, as browsers do, and is known to the gate by it.
#[derive(Clone)]
pub(crate) struct Browser<'a> {
    pub(crate) site: &'a Site,
    pub(crate) address: IpAddr,
    pub(crate) user_agent: String,
    pub(crate) secure: bool,
    pub(crate) cookie: Option<String>,
    /// Those beside the session's, by name.
    pub(crate) others: BTreeMap<String, String>,
    /// Of a half-done sign-in.
    pub(crate) login: Option<String>,
    /// What a program shows in the handshake.
    pub(crate) certificate: Option<gabion_checks::PeerCertificate>,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Browser<'_> {
    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let form = fields.iter().map(|(name, value)| format!("{name}={}", escape(value)));
        let form = form.collect::<Vec<_>>().join("&");
        let request = Request::post(path).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(form)).unwrap()).await
    }

    pub(crate) async fn sign_in(&mut self, name: &str) {
        let answer = self.post("/.gabion/login", &[("name", name), ("password", PASSWORD)]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    }

    pub(crate) async fn send(&mut self, mut request: Request<Body>) -> Answer {
        let (sessions, now) = (self.site.service.live_sessions(), self.site.clock.now());
        let session = cookie::tickets(self.cookie.as_deref(), self.secure)
            .find_map(|ticket| sessions.resolve(ticket, now));
        if let Some(login) = &self.login {
            request.headers_mut().append(COOKIE, login.parse().unwrap());
        }
        if !self.others.is_empty() {
            let others: Vec<_> = self.others.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request.headers_mut().append(COOKIE, others.join("; ").parse().unwrap());
        }
        request.headers_mut().insert(USER_AGENT, self.user_agent.parse().unwrap());
        request.extensions_mut().insert(gabion_checks::Caller {
            client: self.address,
            request_id: RequestId::from_bytes([7; 12]),
            credential: None,
            certificate: self.certificate.clone().map(Arc::new),
            session,
            secure: self.secure,
            host: "notes.example".to_owned(),
            origin: "https://notes.example".to_owned(),
        });
        let answer = self.site.router.clone().oneshot(request).await.unwrap();
        for field in answer.headers().get_all(SET_COOKIE) {
            let pair = field.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if name.ends_with("-login") {
                self.login = (!value.is_empty()).then(|| pair.to_owned());
                continue;
            }
            if name != cookie::name(self.secure) {
                self.others.insert(name.to_owned(), value.to_owned());
                continue;
            }
            self.cookie = (!pair.ends_with('=')).then(|| pair.to_owned());
        }
        let (head, body) = answer.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        Answer { status: head.status, headers: head.headers, body }
    }
}

impl Answer {
    pub(crate) fn location(&self) -> &str {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.body);
        self.header(LOCATION.as_str())
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// What changes from run to run is replaced.
pub(crate) fn settings() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r#"<svg class="mark".*</svg>"#, "[mark]");
    settings.add_filter(r"\?v=[0-9a-f]{16}", "?v=[fingerprint]");
    settings.add_filter(r"sessions/[A-Za-z0-9_-]{22}/", "sessions/[session]/");
    settings.add_filter(r#"value="[A-Za-z0-9_-]{43}""#, r#"value="[token]""#);
    settings.set_prepend_module_to_snapshot(false);
    settings
}

fn escape(value: &str) -> String {
    value.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

impl Site {
    /// Somebody signed in without a password: hashing takes long.
    pub(crate) async fn guest(&self, name: &str, roles: &[&str]) -> Arc<gabion_identity::Session> {
        let link = self.invite(name, None, roles).await;
        let account = gabion_identity::storage::AccountStorage::by_id(&*self.storage, &link.account);
        let begin = gabion_identity::BeginSession {
            methods: gabion_model::Methods::PASSWORD,
            address: None,
            user_agent: None,
            now: self.clock.now(),
        };
        let rng = SeededRng::new(u64::try_from(name.len()).unwrap() + 77);
        let account = account.unwrap().unwrap();
        self.service.live_sessions().begin(&account, begin, &rng).unwrap().1
    }
}
