//! Every page of the console on a loopback port, with made-up people, for looking at.
//!
//! `cargo run -p gabion-console --example preview -- 127.0.0.1:9876`, then open `/` there. Each page is
//! a plain `GET`, also those that are answers to forms.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::{Html, Response};
use axum::routing::get;
use gabion_identity::MemoryStorage;
use gabion_ledger::Ledger;
use gabion_model::random::SeededRng;
use gabion_model::{Clock, ManualClock, RequestId, Role, Secret, Timestamp};
use gabion_service::{Caller, NewAccount, Parts, Service, SignedIn};
use http::header::CONTENT_TYPE;
use tower::ServiceExt as _;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[derive(Clone)]
struct Preview {
    console: Router,
    signed_in: Arc<SignedIn>,
    token: Secret<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let preview = Preview::new().await?;
    let console = preview.console.clone();
    let router = Router::new()
        .route("/", get(index))
        .route("/preview/{page}", get(show))
        .with_state(preview)
        .fallback_service(console);
    let listener = tokio::net::TcpListener::bind(address).await?;
    #[expect(clippy::print_stdout, reason = "says where to look")]
    {
        println!("http://{}/", listener.local_addr()?);
    }
    axum::serve(listener, router).await?;
    Ok(())
}

impl Preview {
    async fn new() -> Result<Self, Failure> {
        let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1_795_286_828)));
        let rng = Arc::new(SeededRng::new(7));
        let parts = Parts::fresh(
            Arc::new(MemoryStorage::new()),
            Ledger::in_memory(clock.clone()),
            clock.clone(),
            rng,
        )?;
        let service = Service::open(parts)?;
        let operator = Caller::operator();
        let ada = NewAccount {
            name: "ada@example.org".to_owned(),
            tenant: Some("analytical-engines".to_owned()),
            roles: vec![Role::ADMINISTRATOR.to_owned(), "editor".to_owned()],
        };
        let link = service.add_account(&operator, ada).await?;
        service.accept_invitation(&operator, link.token, password()).await?;
        let devices = [
            (
                "2001:db8:7::c0de",
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
                1500,
            ),
            (
                "198.51.100.23",
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
                1600,
            ),
            ("192.0.2.80", "<script>alert(1)</script>", 240),
            ("203.0.113.9", "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0", 30),
        ];
        let mut last: Option<SignedIn> = None;
        for (address, user_agent, later) in devices {
            let mut caller = caller(address.parse()?);
            caller.user_agent = Some(user_agent.to_owned());
            let signed_in = service.sign_in(&caller, "ada@example.org", password()).await?;
            let signed_in = signed_in.signed_in().ok_or("a second factor is asked for")?;
            clock.advance(Duration::from_secs(later));
            let _ = service.live_sessions().resolve(signed_in.ticket.expose(), clock.now());
            if let Some(SignedIn { ticket, .. }) = &last {
                let _ = service.live_sessions().resolve(ticket.expose(), clock.now());
            }
            last = Some(signed_in);
        }
        let grace = NewAccount { name: "grace".to_owned(), tenant: None, roles: Vec::new() };
        let link = service.add_account(&operator, grace).await?;
        let parts = gabion_console::Parts {
            service,
            clock,
            api: gabion_console::ApiSettings::default(),
            scim: gabion_console::ScimSettings::default(),
            decisions: gabion_console::DecisionSettings::default(),
            events: gabion_console::EventSettings::default(),
        };
        Ok(Self {
            console: gabion_console::router(parts),
            signed_in: Arc::new(last.ok_or("no device")?),
            token: link.token,
        })
    }

    async fn ask(&self, page: &str) -> Response {
        let token = self.token.expose();
        let weak = format!("token={token}&password=grace&repeat=grace");
        let (path, form, signed_in) = match page {
            "login" => ("/.gabion/login?next=/notes".to_owned(), None, false),
            "login-after-welcome" => ("/.gabion/login?notice=password-set".to_owned(), None, false),
            "login-wrong" | "login-throttled" => {
                ("/.gabion/login".to_owned(), Some("name=ada%40example.org&password=wrong"), false)
            }
            "welcome" => (format!("/.gabion/welcome?token={token}"), None, false),
            "welcome-weak" => ("/.gabion/welcome".to_owned(), Some(weak.as_str()), false),
            "welcome-used" => ("/.gabion/welcome?token=used".to_owned(), None, false),
            "account" => ("/.gabion/account".to_owned(), None, true),
            "account-notice" => ("/.gabion/account?notice=session-revoked".to_owned(), None, true),
            "password" => ("/.gabion/account/password".to_owned(), None, true),
            "password-weak" => {
                ("/.gabion/account/password".to_owned(), Some("current=x&password=ada&repeat=ada"), true)
            }
            "password-wrong" => (
                "/.gabion/account/password".to_owned(),
                Some("current=x&password=quite+another+gravel+basket&repeat=quite+another+gravel+basket"),
                true,
            ),
            "logout" => ("/.gabion/logout".to_owned(), None, true),
            "signed-out" => ("/.gabion/logout".to_owned(), None, false),
            _ => ("/.gabion/nowhere".to_owned(), None, false),
        };
        let mut request =
            Request::builder().uri(path).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        if form.is_some() {
            request = request.method("POST");
        }
        let tries = if page == "login-throttled" { 7 } else { 1 };
        let mut answer = None;
        let body = form.unwrap_or_default().to_owned();
        let Ok(request) = request.body(()) else { return Response::default() };
        for _ in 0..tries {
            let (head, ()) = request.clone().into_parts();
            let mut request = Request::from_parts(head, Body::from(body.clone()));
            request.extensions_mut().insert(gabion_checks::Caller {
                client: IpAddr::V4(Ipv4Addr::LOCALHOST),
                request_id: RequestId::from_bytes([7; 12]),
                credential: None,
                certificate: None,
                session: signed_in.then(|| Arc::clone(&self.signed_in.session)),
                secure: false,
                host: "notes.example.org".to_owned(),
                origin: "http://notes.example.org".to_owned(),
            });
            answer = self.console.clone().oneshot(request).await.ok();
        }
        answer.unwrap_or_default()
    }
}

async fn index() -> Html<String> {
    let links = PAGES.map(|page| format!("<li><a href=\"/preview/{page}\">{page}</a>"));
    Html(format!("<!doctype html><title>Preview</title><ul>{}</ul>", links.concat()))
}

async fn show(State(preview): State<Preview>, Path(page): Path<String>) -> Response {
    preview.ask(&page).await
}

fn caller(address: IpAddr) -> Caller {
    Caller { address: Some(address), ..anonymous() }
}

fn anonymous() -> Caller {
    Caller { actor: gabion_model::Actor::Anonymous, ..Caller::operator() }
}

fn password() -> Secret<String> {
    Secret::new("boulders in a wire basket".to_owned())
}

const PAGES: [&str; 14] = [
    "login",
    "login-after-welcome",
    "login-wrong",
    "login-throttled",
    "welcome",
    "welcome-weak",
    "welcome-used",
    "account",
    "account-notice",
    "password",
    "password-weak",
    "password-wrong",
    "logout",
    "signed-out",
];
