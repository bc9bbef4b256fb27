//! A gate that runs: started, reloaded, stopped, and each of it recorded.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use gabion_checks::{Contracts, Pipeline};
use gabion_courier::{Archive, Counts, Courier, Cursors, Sinks, Witnessed, Witnesses};
use gabion_gateway::{
    Addresses, Gate, Generation, LocalService, Options, Probe, Reading, StartError, TlsMode,
};
use gabion_ledger::{Ledger, Position, Status};
use gabion_model::{Actor, Clock, ControlId, Event, EventKind, Outcome};
use gabion_policy::Policies;
use gabion_service::Caller;
use gabion_service::resources::{Resolvers, Tools};
use tokio::task::JoinSet;

use super::alerts::{self, Alerting};
use super::errors::Errors;
use super::generation::Logs;
use super::incidents::{self, Responding};
use super::state::{State, service_settings, set_breached_list};
use super::traces::Traces;
use super::watch::{Figures, Plan, Watching};
use super::{access_log, generation, policies, sinks, weak};
use crate::config::Config;
use crate::failure::{Exit, Failure};

/// A started gate and what it was started with.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) state: State,
    gate: Gate,
    config: Config,
    pipeline: Arc<Pipeline>,
    watching: Watching,
    alerting: Alerting,
    figures: Arc<Figures>,
    sinks: Sinks,
    /// Ends with this.
    _witnesses: Witnesses,
    _archive: Archive,
    _responding: Responding,
    errors: Errors,
    traces: Traces,
}

impl Running {
    /// Starts serving. Must be called on a tokio runtime.
    pub(crate) async fn start(config: Config, state: State) -> Result<Self, Failure> {
        let log = access_log::open(&config.log)?;
        let contracts = contracts(&config, &state)?;
        let policies = compiled(&config, &state, &contracts).await?;
        let plan = Plan::of(&config).map_err(|problems| generation::disagree(&problems))?;
        let (listen, knowing) = (config.gateway.listen, resolvers(&config, &state, config.gateway.listen)?);
        let errors = Errors::start(&state);
        let mut traces = Traces::default();
        let tracer = traces.tracer(&config.traces, &state)?;
        let fault_log = errors.log(&config.errors);
        let logs = Logs { access_log: log, fault_log: fault_log.clone(), tracer: tracer.clone() };
        let generation = generation::build(&config, &state, listen, logs, None, &knowing, contracts.clone())?;
        state.service.policies().store(policies);
        state.service.set_resolvers(knowing);
        let mut pipeline = Arc::clone(&generation.pipeline);
        let sinks = sinks::open(&config, &state.clock, &state.rng)?;
        // Whatever is wrong with the channels is said before anybody is let in.
        drop(alerts::Plan::of(&config, &state)?);
        state.courier.start();
        let figures = Arc::new(Figures::default());
        let witnesses = witnesses(&config, &state)?;
        let seen = (&figures, &sinks, &witnesses, &errors, &traces);
        let gate = start(&config, &state, generation, seen).map_err(|error| cannot_start(&error, &config))?;
        let listening = gate.addresses().gateway;
        if config.gateway.listen.port() != listening.port() {
            // Which port is free was not known before; what the gate calls itself has it in.
            let log = access_log::open(&config.log)?;
            let knowing = resolvers(&config, &state, listening)?;
            let logs = Logs { access_log: log, fault_log, tracer };
            let next =
                generation::build(&config, &state, listening, logs, Some(&pipeline), &knowing, contracts)?;
            state.service.set_resolvers(knowing);
            pipeline = Arc::clone(&next.pipeline);
            gate.reload(next).map_err(|error| cannot_start(&error, &config))?;
        }
        let watching = Watching::start(&state, plan, Arc::clone(&figures), pipeline.tally())?;
        let cursors: Arc<dyn Cursors> = Arc::new(sinks::Kept(state.directory.clone()));
        sinks.start(&state.ledger, &cursors);
        if let Err(error) = state.ledger.keep_indexes() {
            tracing::warn!(%error, "ledger searched without new indexes");
        }
        state.service.set_origin(&generation::origin(&config, listening));
        let archive = super::archive::start(&config, &state)?;
        let alerting = Alerting::start(alerts::Plan::of(&config, &state)?, &state, &figures);
        let responding = Responding::start(state.service.clone(), state.ledger.clone())?;
        let running = Self {
            state,
            gate,
            config,
            pipeline,
            sinks,
            watching,
            errors,
            traces,
            alerting,
            figures,
            _witnesses: witnesses,
            _archive: archive,
            _responding: responding,
        };
        if running.state.unknown > 0 {
            let mut event = configuration_event(&running.state, "ledger.seal.begin", Outcome::Success);
            event.control = ControlId::LEDGER_TAMPER_EVIDENCE;
            event.metadata.insert("removed".to_owned(), running.state.unknown.to_string());
            event.reason = Some(
                "records were removed by age before the ledger was sealed; nothing vouches for them"
                    .to_owned(),
            );
            running.record(event).await?;
        }
        let mut event = running.event("gate.start", Outcome::Success);
        event.metadata.insert("weak".to_owned(), weak::words(&running.config));
        running.record(event).await?;
        Ok(running)
    }

    pub(crate) fn addresses(&self) -> &Addresses {
        self.gate.addresses()
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// Scheme, host and port people reach the gate by.
    pub(crate) fn origin(&self) -> String {
        generation::origin(&self.config, self.gate.addresses().gateway)
    }

    /// The link for the first administrator, while there is none.
    pub(crate) async fn first_link(&self) -> Result<Option<gabion_service::OneTimeLink>, Failure> {
        let link = self.state.service.first_administrator_link(&Caller::gate()).await;
        link.map_err(|error| Failure::new("the first administrator's link cannot be made").because(&error))
    }

    /// Serves by `config` from now on, and says which changes only a restart brings about. When it cannot
    /// be used, everything stays as it was.
    pub(crate) async fn reload(&mut self, config: Config) -> Result<Vec<&'static str>, Failure> {
        let (later, changed) = (fixed(&self.config, &config), changed(&self.config, &config));
        let config = as_started(&self.config, config);
        let log = access_log::open(&config.log)?;
        let contracts = contracts(&config, &self.state)?;
        let policies = compiled(&config, &self.state, &contracts).await?;
        let plan = Plan::of(&config).map_err(|problems| generation::disagree(&problems))?;
        let procedures = incidents::procedures(&config);
        let procedures = procedures.map_err(|problems| generation::disagree(&problems))?;
        let sinks = sinks::prepare(&config)?;
        let alerts = alerts::Plan::of(&config, &self.state)?;
        let address = self.gate.addresses().gateway;
        let resolvers = resolvers(&config, &self.state, address)?;
        let former = Some(&*self.pipeline);
        let tracer = self.traces.tracer(&config.traces, &self.state)?;
        let logs = Logs { access_log: log, fault_log: self.errors.log(&config.errors), tracer };
        let next = generation::build(&config, &self.state, address, logs, former, &resolvers, contracts)?;
        set_breached_list(&self.state.service, &config)?;
        let pipeline = Arc::clone(&next.pipeline);
        let mut event = self.event("configuration.reload", Outcome::Begun);
        event.metadata.insert("changed".to_owned(), changed.join(" "));
        event.metadata.insert("weak".to_owned(), weak::words(&config));
        let former = self.state.service.policies().load().generation();
        if former != policies.generation() {
            event.metadata.insert("policy.generation".to_owned(), policies.generation().to_string());
            event.metadata.insert("policy.former".to_owned(), former.to_string());
        }
        // Recorded first: what cannot be recorded does not happen.
        self.record(event.clone()).await?;
        self.gate.reload(next).map_err(|error| cannot_start(&error, &config))?;
        self.state.service.policies().store(policies);
        self.state.service.set_resolvers(resolvers);
        self.state.service.set_settings(&service_settings(&config));
        event.time = self.state.clock.now();
        event.outcome = Outcome::Success;
        if let Err(error) = self.record(event).await {
            tracing::error!(%error, "completed reload not recorded");
        }
        self.watching.adopt(plan);
        let settings = Arc::new(config.incidents.clone());
        self.state.service.set_incident_rules(Arc::new(procedures), settings);
        self.sinks.adopt(sinks);
        self.alerting.adopt(alerts, &config, &self.state, &self.figures).await;
        self.pipeline = pipeline;
        self.config = config;
        Ok(later)
    }

    /// Records that a new configuration was not taken over.
    pub(crate) async fn reload_refused(&self, reason: &str) {
        let mut event = self.event("configuration.reload", Outcome::Failure);
        event.reason = Some(reason.to_owned());
        if let Err(error) = self.record(event).await {
            tracing::error!(%error, "refused reload not recorded");
        }
    }

    /// Housekeeping; see [`gabion_service::Service::tick`].
    pub(crate) async fn tick(&self) {
        if let Err(error) = self.state.service.tick().await {
            tracing::error!(%error, "housekeeping failed");
        }
        crate::contract::keep(&self.state.directory, &self.state.interfaces);
    }

    /// Lets requests in flight end, makes everything durable, and answers how many connections were cut.
    pub(crate) async fn stop(self, deadline: Duration) -> Result<usize, Failure> {
        let Self { state, gate, sinks, pipeline, errors, traces, alerting, .. } = self;
        let cut = gate.drain(deadline).await;
        alerting.close().await;
        let mut event = configuration_event(&state, "gate.stop", Outcome::Success);
        event.metadata.insert("connections_cut".to_owned(), cut.to_string());
        crate::contract::keep(&state.directory, &state.interfaces);
        state.courier.close(LETTERS).await;
        errors.close().await;
        let ticked = state.service.tick().await;
        // Each by itself: what is observed is folded.
        let mut recording = JoinSet::new();
        for counted in pipeline.tally().drain() {
            let ledger = state.ledger.clone();
            recording.spawn(async move { ledger.record(counted).await });
        }
        if let Some(Err(error)) = recording.join_all().await.into_iter().find(Result::is_err) {
            tracing::error!(%error, "what was asked of the application is not recorded");
        }
        let recorded = state.ledger.record(event).await;
        let closed = state.ledger.close().await;
        sinks.close(LAST_RECORDS).await;
        traces.close(LAST_SPANS).await;
        ticked.map_err(|error| Failure::new("sessions could not be saved at the end").because(&error))?;
        recorded
            .map(drop)
            .and(closed)
            .map_err(|error| Failure::new("the stop could not be recorded").because(&error))?;
        Ok(cut)
    }

    async fn record(&self, event: Event) -> Result<(), Failure> {
        self.state.ledger.record(event).await.map(drop).map_err(|error| {
            Failure::new("the ledger cannot record, so nothing was changed")
                .because(&error)
                .hint("make space for the data directory")
        })
    }

    fn event(&self, action: &str, outcome: Outcome) -> Event {
        let mut event = configuration_event(&self.state, action, outcome);
        let addresses = self.gate.addresses();
        event.metadata.insert("listen".to_owned(), addresses.gateway.to_string());
        event.metadata.insert("version".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
        event.metadata.insert("tls".to_owned(), tls_word(&self.config).to_owned());
        event
    }
}

fn contracts(config: &Config, state: &State) -> Result<Contracts, Failure> {
    crate::contract::contracts(config, &state.interfaces).map_err(|problems| generation::disagree(&problems))
}

/// The policies, compiled before anything is replaced; none at all where there is no folder.
async fn compiled(config: &Config, state: &State, contracts: &Contracts) -> Result<Arc<Policies>, Failure> {
    if config.policy.directory.is_none() {
        return Ok(Arc::new(Policies::none()));
    }
    let names = state.service.known_names().await;
    let names = names.map_err(|error| Failure::new("the directory cannot be read").because(&error))?;
    match policies::compile(config, contracts, Some(&names)) {
        Ok(found) => {
            let policies = found.unwrap_or_else(Policies::none);
            for warning in policies.warnings() {
                let hint = warning.hint.as_deref().unwrap_or_default();
                tracing::warn!(
                    place = warning.path,
                    reason = warning.reason,
                    hint,
                    "a policy is worth a look"
                );
            }
            Ok(Arc::new(policies))
        }
        Err(problems) => Err(generation::disagree(&problems)),
    }
}

fn resolvers(config: &Config, state: &State, listening: SocketAddr) -> Result<Arc<Resolvers>, Failure> {
    let tools = Tools {
        storage: state.service.resource_storage(),
        keys: state.service.keyring(),
        issuer: generation::origin(config, listening).into(),
        clock: Arc::clone(&state.clock),
        rng: Arc::clone(&state.rng),
        sleep: |long| Box::pin(tokio::time::sleep(long)),
    };
    policies::resolvers(config, &tools).map(Arc::new)
}

/// What a stop may take for records that sinks have not taken.
const LAST_RECORDS: Duration = Duration::from_secs(5);

/// What a stop may take for spans that wait.
const LAST_SPANS: Duration = Duration::from_secs(2);

/// What a stop may take for letters that wait.
const LETTERS: Duration = Duration::from_secs(5);

fn configuration_event(state: &State, action: &str, outcome: Outcome) -> Event {
    let control = ControlId::CONFIG_SAFE_STARTUP;
    Event::new(state.clock.now(), EventKind::Configuration, action, Actor::Gate, outcome, control)
}

const fn tls_word(config: &Config) -> &'static str {
    match config.gateway.tls.mode {
        TlsMode::LocalCa => "local-ca",
        TlsMode::Files => "files",
        TlsMode::Off => "off",
    }
}

fn start(
    config: &Config,
    state: &State,
    generation: Generation,
    (figures, sinks, witnesses, errors, traces): (&Arc<Figures>, &Sinks, &Witnesses, &Errors, &Traces),
) -> Result<Gate, StartError> {
    let pages = gabion_console::router(gabion_console::Parts {
        service: state.service.clone(),
        clock: Arc::clone(&state.clock),
        api: config.api.clone(),
        scim: config.scim.clone(),
        decisions: config.decisions.clone(),
        events: config.events.clone(),
    });
    let ledger = state.ledger.clone();
    let ready = Probe {
        name: "ledger_ready",
        help: "1 when security events can be recorded",
        read: Box::new(move || {
            let well = ledger.status() == Status::Ready;
            Reading { value: if well { 1.0 } else { 0.0 }, well }
        }),
    };
    Gate::start(Options {
        settings: config.gateway.clone(),
        admin: config.admin.clone(),
        generation,
        local: LocalService::new(pages),
        clock: Arc::clone(&state.clock),
        probes: [ready]
            .into_iter()
            .chain(letters(&state.courier))
            .chain(super::watch::probes(figures, &state.ledger))
            .chain(shipping(sinks, &state.ledger))
            .chain(cosigning(witnesses, &state.clock))
            .chain(super::archive::probes(config, state))
            .chain(errors.probes())
            .chain(traces.probes())
            .chain(alerts::probes(&state.service))
            .collect(),
    })
}

/// How far the sinks are.
fn shipping(sinks: &Sinks, ledger: &Ledger) -> [Probe; 3] {
    let reading = |count: u64| Reading { value: u32::try_from(count).unwrap_or(u32::MAX).into(), well: true };
    let (failing, behind, rejected, ledger) = (sinks.clone(), sinks.clone(), sinks.clone(), ledger.clone());
    let failing = move || reading(failing.standings().iter().filter(|sink| sink.fails).count() as u64);
    let behind = move || {
        let last = ledger.last().map_or(0, |last| last.0);
        let delivered = |delivered: Option<Position>| last.saturating_sub(delivered.map_or(last, |it| it.0));
        reading(behind.standings().iter().map(|sink| delivered(sink.delivered)).max().unwrap_or(0))
    };
    [
        Probe { name: "sinks_failing", help: "sinks whose last try failed", read: Box::new(failing) },
        Probe {
            name: "sinks_behind",
            help: "records that the sink furthest behind has not taken",
            read: Box::new(behind),
        },
        Probe {
            name: "sinks_rejected",
            help: "records that sinks will never take, since the start",
            read: Box::new(move || reading(rejected.standings().iter().map(|sink| sink.rejected).sum())),
        },
    ]
}

fn witnesses(config: &Config, state: &State) -> Result<Witnesses, Failure> {
    let witnessed = Witnessed {
        ledger: state.ledger.clone(),
        tree: Arc::new(state.directory.ledger_tree()),
        log: state.log.clone(),
        clock: Arc::clone(&state.clock),
    };
    Witnesses::start(&config.ledger, witnessed)
        .map_err(|error| Failure::new("the ledger's witnesses cannot be asked").because(&error))
}

/// How far witnesses have cosigned the ledger; nothing where none are asked.
fn cosigning(witnesses: &Witnesses, clock: &Arc<dyn Clock>) -> Vec<Probe> {
    if !witnesses.are_asked() {
        return Vec::new();
    }
    let reading = |count: u64| Reading { value: u32::try_from(count).unwrap_or(u32::MAX).into(), well: true };
    let (size, at, failing) = (witnesses.standing(), witnesses.standing(), witnesses.standing());
    let (clock, begun) = (Arc::clone(clock), clock.now());
    let age = move || reading(clock.now().saturating_since(at().at.unwrap_or(begun)).as_secs());
    vec![
        Probe {
            name: "ledger_cosigned_records",
            help: "records of the last checkpoint that enough witnesses cosigned",
            read: Box::new(move || reading(size().cosigned)),
        },
        Probe {
            name: "ledger_cosigned_age_seconds",
            help: "seconds since enough witnesses cosigned a checkpoint, or since the start",
            read: Box::new(age),
        },
        Probe {
            name: "ledger_witnesses_failing",
            help: "witnesses whose last answer was no cosignature",
            read: Box::new(move || reading(failing().failing)),
        },
    ]
}

/// What becomes of letters.
fn letters(courier: &Courier) -> [Probe; 3] {
    let probe = |name, help, read: fn(Counts) -> u64| {
        let courier = courier.clone();
        let read = move || {
            let count = u32::try_from(read(courier.counts())).unwrap_or(u32::MAX);
            Reading { value: count.into(), well: true }
        };
        Probe { name, help, read: Box::new(read) }
    };
    [
        probe("mail_waiting", "letters that wait for their first or next try", |counts| {
            counts.waiting as u64
        }),
        probe("mail_sent", "letters delivered since the start", |counts| counts.sent),
        probe("mail_given_up", "letters given up since the start", |counts| counts.dead),
    ]
}

fn cannot_start(error: &StartError, config: &Config) -> Failure {
    let failure = Failure::new("the gate cannot start").because(error);
    match error {
        StartError::Listen { address, cause } if cause.kind() == std::io::ErrorKind::AddrInUse => {
            let key = if *address == config.admin.listen { "admin.listen" } else { "gateway.listen" };
            failure.hint(format!("something listens on {address} already; stop it, or change `{key}`"))
        }
        StartError::Listen { address, cause } if cause.kind() == std::io::ErrorKind::PermissionDenied => {
            failure.hint(format!(
                "port {} needs a privilege; use one above 1023, or give it CAP_NET_BIND_SERVICE",
                address.port()
            ))
        }
        StartError::Tls(_) | StartError::NoCertificate | StartError::Upstream { .. } => {
            failure.exit(Exit::Usage)
        }
        _ => failure,
    }
}

/// The tables that differ.
fn changed(old: &Config, new: &Config) -> Vec<String> {
    let (old, new) =
        (serde_json::to_value(old).unwrap_or_default(), serde_json::to_value(new).unwrap_or_default());
    let tables = new.as_object().into_iter().flatten();
    tables.filter(|(name, value)| old.get(name) != Some(value)).map(|(name, _)| name.clone()).collect()
}

/// What a reload cannot change: what was bound or opened at the start.
fn fixed(old: &Config, new: &Config) -> Vec<&'static str> {
    let (before, after) = (&old.gateway, &new.gateway);
    [
        ("gateway.listen", before.listen != after.listen),
        ("gateway.listen_plain", before.listen_plain != after.listen_plain),
        ("gateway.tls.mode", before.tls.mode != after.tls.mode),
        ("gateway.threads", before.threads != after.threads),
        ("gateway.max_connections", before.max_connections != after.max_connections),
        ("admin", old.admin != new.admin),
        ("api", old.api != new.api),
        ("scim", old.scim != new.scim),
        ("decisions", old.decisions != new.decisions),
        ("events", old.events != new.events),
        ("mail", old.mail != new.mail),
        ("egress", old.egress != new.egress),
        ("data.directory", old.data != new.data),
        ("ledger", old.ledger != new.ledger),
        ("log.level", old.log.level != new.log.level || old.log.format != new.log.format),
    ]
    .into_iter()
    .filter_map(|(key, differs)| differs.then_some(key))
    .collect()
}

/// The new configuration with what a reload cannot change as it was: what listens without TLS must not
/// send people to where TLS would be.
fn as_started(old: &Config, mut new: Config) -> Config {
    let (before, after) = (&old.gateway, &mut new.gateway);
    (after.listen, after.listen_plain) = (before.listen, before.listen_plain);
    (after.threads, after.max_connections) = (before.threads, before.max_connections);
    if after.tls.mode != before.tls.mode {
        after.tls = before.tls.clone();
    }
    (new.admin, new.data, new.ledger) = (old.admin.clone(), old.data.clone(), old.ledger.clone());
    (new.mail, new.egress) = (old.mail.clone(), old.egress.clone());
    (new.log.level, new.log.format) = (old.log.level, old.log.format);
    new
}
