//! Starting a browser.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::AbortHandle;

use crate::connection::connect;
use crate::context::Context;
use crate::error::BrowserError;
use crate::hub::Hub;
use crate::limits::Limits;
use crate::process::Process;
use crate::scope::{Scope, Verdict};
use crate::value::Read;
use crate::wall::Wall;

/// What a browser is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// The program; `chromium` and its relatives by name otherwise.
    pub program: Option<PathBuf>,
    /// Where programs are looked for, as in `PATH`; the usual directories of the system otherwise. Chromium itself
    /// sees this and nothing else of the environment.
    pub search: Option<String>,
    /// Who may be asked.
    pub scope: Arc<dyn Scope>,
    /// Names that are dialled at these addresses instead of being looked up: a victim of another site, for instance.
    pub names: Vec<(String, IpAddr)>,
    /// Whether certificates nobody vouches for are taken, as applications under test have them.
    pub trust_any_certificate: bool,
    /// What is kept of what pages do.
    pub limits: Limits,
    /// How long the start may take.
    pub patience: Duration,
}

impl Options {
    /// The usual options for a scope.
    pub fn new(scope: impl Scope + 'static) -> Self {
        Self {
            program: None,
            search: None,
            scope: Arc::new(scope),
            names: Vec::new(),
            trust_any_certificate: false,
            limits: Limits::default(),
            patience: Duration::from_secs(30),
        }
    }
}

/// A running Chromium. Dropped, it is gone, with everything it started and its profile.
#[derive(Debug)]
pub struct Browser {
    hub: Arc<Hub>,
    version: String,
    reader: AbortHandle,
    process: Process,
}

/// How long commands of the browser itself may take.
pub(crate) const COMMAND: Duration = Duration::from_secs(20);

impl Browser {
    /// Starts Chromium and connects to it.
    ///
    /// # Errors
    ///
    /// No Chromium, one that does not start, or none of the directories and sockets it needs.
    pub async fn launch(options: Options) -> Result<Self, BrowserError> {
        let wall = Wall::build(Arc::clone(&options.scope), options.names.clone())
            .await
            .map_err(|error| BrowserError::Gone(format!("no socket for its proxy: {error}")))?;
        let mut process = Process::start(&options, wall.address())?;
        let (port, path) = process.endpoint(options.patience).await?;
        wall.forbid(port);
        let (connection, reader) = connect(port, &path).await?;
        let hub = Arc::new(Hub::new(connection, wall, options.scope, options.limits));
        let listening = Arc::clone(&hub);
        let reader = tokio::spawn(async move {
            reader.run(&listening.connection, |event| listening.hear(&event)).await;
            listening.end();
        });
        let mut browser = Self { hub, version: String::new(), reader: reader.abort_handle(), process };
        let version = browser.ask("Browser.getVersion", json!({})).await?;
        version.text("product").clone_into(&mut browser.version);
        // Its own surfaces are none of ours.
        let filter = json!([
            { "type": "browser", "exclude": true },
            { "type": "tab", "exclude": true },
            { "type": "browser_ui", "exclude": true },
            {},
        ]);
        let attach = json!({
            "autoAttach": true,
            "waitForDebuggerOnStart": true,
            "flatten": true,
            "filter": filter,
        });
        browser.ask("Target.setAutoAttach", attach).await?;
        Ok(browser)
    }

    /// Its name and version, for instance `Chrome/156.0.8078.79`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// A context: cookies, storage and record of its own, and the browser's scope.
    ///
    /// # Errors
    ///
    /// The browser is gone.
    pub async fn context(&self) -> Result<Context, BrowserError> {
        Context::open(&self.hub, None).await
    }

    /// A context whose scope is narrower: what it allows is asked of the browser's scope too. It may answer what it
    /// likes.
    ///
    /// # Errors
    ///
    /// The browser is gone.
    pub async fn context_with(&self, scope: impl Scope + 'static) -> Result<Context, BrowserError> {
        Context::open(&self.hub, Some(Arc::new(scope))).await
    }

    /// Hosts and ports to which the browser wanted a connection it did not get, each once: those its pages tried, and
    /// now and then a service of Chromium's maker.
    #[must_use]
    pub fn refused_connections(&self) -> Vec<String> {
        self.hub.wall.refused()
    }

    /// The process group of the browser, for whoever counts processes.
    #[must_use]
    pub fn group(&self) -> Option<i32> {
        self.process.group()
    }

    async fn ask(&self, method: &str, params: Value) -> Result<Value, BrowserError> {
        self.hub.connection.call(None, method, params, COMMAND).await
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.reader.abort();
        self.hub.end();
    }
}

/// For a context's own scope.
impl Scope for Arc<dyn Scope> {
    fn judge(&self, url: &str) -> Verdict {
        self.as_ref().judge(url)
    }
}
