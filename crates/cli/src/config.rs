//! The configuration: one `gabion.toml`, over which environment variables win, over which flags win.
//!
//! Each crate owns its settings; [`Config`] composes them. Whatever is wrong anywhere is found in one
//! pass and shown where it was written, and nothing starts before all of it is right.

mod circle;
mod cross;
pub(crate) mod diagnostic;
pub(crate) mod explain;
pub(crate) mod load;
pub(crate) mod schema;
pub(crate) mod settings;
pub(crate) mod tree;
pub(crate) mod warnings;

use std::collections::BTreeMap;
use std::path::Path;

use gabion_model::Problem;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use settings::{Data, Identity, Log};

pub(crate) use circle::authority;
pub(crate) use load::{FlagValue, LoadError, Loaded, Sources};
pub(crate) use schema::Schema;

/// The configuration of Gabion, usually in `gabion.toml`.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// Where people connect, over what, and how long they may take.
    pub(crate) gateway: gabion_gateway::Settings,
    /// The applications behind the gate, each under a name of its own.
    pub(crate) upstreams: BTreeMap<String, gabion_gateway::Upstream>,
    /// What the applications offer, and to whom. A request that no route matches is refused.
    pub(crate) routes: Vec<gabion_checks::Route>,
    /// OpenAPI documents that routes name, each under a name of its own.
    pub(crate) contracts: BTreeMap<String, gabion_checks::ContractSettings>,
    /// Systems that send signed messages, each under a name that routes give as `webhook`.
    pub(crate) webhooks: BTreeMap<String, gabion_checks::webhook::SenderSettings>,
    /// What every request goes through, one table per check.
    pub(crate) checks: gabion_checks::Settings,
    /// Who may do what, in policies.
    pub(crate) policy: gabion_policy::Settings,
    /// Who knows the attributes of the applications' objects, each under a name of its own.
    pub(crate) resolvers: BTreeMap<String, gabion_service::resources::ResolverSettings>,
    /// How long people stay signed in.
    pub(crate) sessions: gabion_identity::SessionSettings,
    /// What a password must be and how it is kept.
    pub(crate) passwords: gabion_identity::PasswordSettings,
    /// How often sign-in may fail, and how long one-time links live.
    pub(crate) login: gabion_identity::LoginSettings,
    /// How letters leave: links to choose a new password, notices of new devices.
    pub(crate) mail: gabion_courier::MailSettings,
    /// What may be reached when the gate follows an address somebody else chose.
    pub(crate) egress: gabion_egress::EgressSettings,
    /// Answers a proxy that asks before it passes requests on.
    pub(crate) forward_auth: gabion_checks::forward_auth::Settings,
    /// The keys of programs.
    pub(crate) machines: gabion_identity::MachineSettings,
    /// The keys that sign tokens, and how they are replaced.
    pub(crate) tokens: gabion_identity::KeySettings,
    /// Letting other applications sign people in here: what they get, and for how long.
    pub(crate) provider: gabion_identity::ProviderSettings,
    /// Who must have a second factor, and how strict second factors are.
    pub(crate) factors: gabion_identity::FactorSettings,
    /// Other OpenID providers people may sign in with, each under a name of its own.
    pub(crate) federation: BTreeMap<String, gabion_service::federation::ProviderSettings>,
    /// Groups, people, service accounts and applications that a file declares.
    pub(crate) identity: Identity,
    /// How much is kept of what happened.
    pub(crate) ledger: gabion_ledger::Settings,
    /// Noticing attacks in what is recorded.
    pub(crate) watch: gabion_watch::Settings,
    /// What people do once something was noticed.
    pub(crate) incidents: gabion_incident::Settings,
    /// Whom alerts are told to.
    pub(crate) alerts: gabion_alert::Settings,
    /// What is done by itself when a rule rings.
    pub(crate) respond: gabion_respond::Settings,
    /// Where the ledger's records go besides: files, log servers, webhooks; each under a name of its own.
    pub(crate) sinks: BTreeMap<String, gabion_courier::SinkSettings>,
    /// What goes wrong behind the gate, grouped.
    pub(crate) errors: gabion_service::FaultSettings,
    /// What becomes of requests, as spans for a collector.
    pub(crate) traces: gabion_courier::TraceSettings,
    /// Where Gabion keeps what it must remember.
    pub(crate) data: Data,
    /// Administration by programs: the admin API.
    pub(crate) api: gabion_console::ApiSettings,
    /// Applications that ask what somebody may: the decision API and AuthZEN.
    pub(crate) decisions: gabion_console::DecisionSettings,
    /// Applications that say what happened in them.
    pub(crate) events: gabion_console::EventSettings,
    /// Provisioning by a directory elsewhere: SCIM.
    pub(crate) scim: gabion_console::ScimSettings,
    /// Metrics and health, for operators.
    pub(crate) admin: gabion_gateway::AdminSettings,
    /// What the program says while it runs.
    pub(crate) log: Log,
}

impl Config {
    /// Everything wrong with the values of each table by itself; paths are those of the whole file.
    fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut add = |section: String, found: Vec<Problem>| {
            problems.extend(found.into_iter().map(|problem| problem.under(&section)));
        };
        add("gateway".to_owned(), self.gateway.problems());
        for (name, upstream) in &self.upstreams {
            let path = tree::Path::default().key("upstreams").key(name);
            add(path.to_string(), upstream.problems());
        }
        for (index, route) in self.routes.iter().enumerate() {
            add(format!("routes[{index}]"), route.problems());
        }
        for (name, contract) in &self.contracts {
            let path = tree::Path::default().key("contracts").key(name);
            add(path.to_string(), contract.problems());
        }
        add("checks".to_owned(), self.checks.problems());
        add("policy".to_owned(), self.policy.problems());
        add("resolvers".to_owned(), gabion_service::resources::problems(&self.resolvers));
        add("sessions".to_owned(), self.sessions.problems());
        add("passwords".to_owned(), self.passwords.problems());
        add("login".to_owned(), self.login.problems());
        add("mail".to_owned(), self.mail.problems());
        add("egress".to_owned(), self.egress.problems());
        add("machines".to_owned(), self.machines.problems());
        add("tokens".to_owned(), self.tokens.problems());
        add("provider".to_owned(), self.provider.problems());
        add("factors".to_owned(), self.factors.problems());
        add("federation".to_owned(), gabion_service::federation::problems(&self.federation));
        add("identity".to_owned(), self.identity.problems());
        add("ledger".to_owned(), self.ledger.problems());
        add("ledger".to_owned(), gabion_courier::witness_problems(&self.ledger));
        add("ledger".to_owned(), gabion_courier::archive_problems(&self.ledger));
        add("watch".to_owned(), self.watch.problems());
        add("incidents".to_owned(), self.incidents.problems());
        add("alerts".to_owned(), self.alerts.problems());
        add("alerts".to_owned(), gabion_courier::channel_problems(&self.alerts));
        add("respond".to_owned(), self.respond.problems());
        add("sinks".to_owned(), gabion_courier::sink_problems(&self.sinks));
        add("errors".to_owned(), self.errors.problems());
        add("traces".to_owned(), crate::gate::traces::problems(&self.traces));
        add("data".to_owned(), self.data.problems());
        add("api".to_owned(), self.api.problems());
        add("decisions".to_owned(), self.decisions.problems());
        add("events".to_owned(), self.events.problems());
        add("scim".to_owned(), self.scim.problems());
        add("admin".to_owned(), self.admin.problems());
        add("log".to_owned(), self.log.problems());
        problems.extend(gabion_checks::webhook::Senders::problems(&self.webhooks, &self.routes));
        problems
    }

    /// Makes relative paths count from the folder of the configuration file.
    /// Gives the hosts of the gateway to routes that name none. Those that cannot be used are told of once.
    fn share_hosts(&mut self) {
        if self.gateway.hosts.iter().all(|host| gabion_checks::route::is_host_pattern(host)) {
            for route in self.routes.iter_mut().filter(|route| route.hosts.is_empty()) {
                route.hosts.clone_from(&self.gateway.hosts);
            }
        }
    }

    fn resolve_paths(&mut self, base: &Path) {
        if let Some(client) = &mut self.gateway.tls.client_certificates {
            for path in [Some(&mut client.ca_file), client.crl_file.as_mut()].into_iter().flatten() {
                if path.is_relative() && !path.as_os_str().is_empty() {
                    *path = base.join(&path);
                }
            }
        }
        let tls = &mut self.gateway.tls;
        let optional = [
            &mut tls.certificate,
            &mut tls.key,
            &mut self.log.access_file,
            &mut self.passwords.breached_file,
            &mut self.mail.password_file,
            &mut self.mail.ca_file,
            &mut self.egress.ca_file,
            &mut self.identity.file,
            &mut self.policy.directory,
            &mut self.watch.directory,
            &mut self.ledger.key_file,
            &mut self.watch.places,
            &mut self.incidents.procedures,
            &mut self.alerts.heartbeat.url_file,
        ];
        let upstreams = self.upstreams.values_mut().map(|upstream| &mut upstream.ca_file);
        let resolvers = self.resolvers.values_mut().map(|resolver| &mut resolver.ca_file);
        let providers = self.federation.values_mut();
        let providers = providers.flat_map(|one| [&mut one.client_secret_file, &mut one.client_key_file]);
        let senders = self.webhooks.values_mut().flat_map(|one| &mut one.secrets).map(|from| &mut from.file);
        let sinks = self.sinks.values_mut();
        let sinks = sinks.flat_map(|one| [&mut one.path, &mut one.secret_file, &mut one.ca_file]);
        let witnesses = self.ledger.witnesses.iter_mut().map(|witness| &mut witness.ca_file);
        let archive = self.ledger.archive.iter_mut().flat_map(|one| {
            [&mut one.directory, &mut one.secret_key_file, &mut one.session_token_file, &mut one.ca_file]
        });
        let sinks = sinks.chain([&mut self.traces.secret_file, &mut self.traces.ca_file]);
        let channels = self.alerts.channels.iter_mut();
        let channels = channels.flat_map(|one| [&mut one.url_file, &mut one.key_file, &mut one.ca_file]);
        let given = optional
            .into_iter()
            .chain(upstreams)
            .chain(resolvers)
            .chain(providers)
            .chain(senders)
            .chain(sinks)
            .chain(witnesses)
            .chain(archive)
            .chain(channels);
        let given = given.filter_map(Option::as_mut);
        let given = given.chain(self.contracts.values_mut().map(|contract| &mut contract.file));
        for path in given.chain([&mut self.data.directory, &mut self.mail.directory]) {
            if path.is_relative() && !path.as_os_str().is_empty() {
                *path = base.join(&path);
            }
        }
    }
}
