//! What `gabion ledger search` and `export` can be asked.

use std::net::IpAddr;

use clap::Args;

#[derive(Debug, Args)]
#[command(next_help_heading = "Filters")]
pub(crate) struct LedgerFilters {
    /// What was done, for instance `account.disable`
    #[arg(long, value_name = "ACTION")]
    pub(crate) action: Option<String>,

    /// Who: an account's name or id, `anonymous`, `gate` or `operator`
    #[arg(long, value_name = "ACTOR")]
    pub(crate) actor: Option<String>,

    /// From which address
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) address: Option<IpAddr>,

    /// Which control, for instance `web.csrf`
    #[arg(long, value_name = "CONTROL")]
    pub(crate) control: Option<String>,

    /// What kind: `administration`, `application`, `configuration`, `decision`, `login`, `logout`, `refusal` or `session`
    #[arg(long, value_name = "KIND")]
    pub(crate) kind: Option<String>,

    /// How it ended: `begun`, `failure` or `success`
    #[arg(long, value_name = "OUTCOME")]
    pub(crate) outcome: Option<String>,

    /// The request id, as an error page shows it
    #[arg(long, value_name = "ID")]
    pub(crate) request: Option<String>,

    /// On what: a path or a name, with a `*` at its end everything that begins so
    #[arg(long, value_name = "RESOURCE")]
    pub(crate) resource: Option<String>,

    /// Not older than this, for instance `15m`, `24h` or `7d`
    #[arg(long, value_name = "PERIOD")]
    pub(crate) since: Option<String>,
}
