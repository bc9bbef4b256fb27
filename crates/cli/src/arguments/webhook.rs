//! The words of `gabion webhook`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use super::{ConfigFile, Format};

#[derive(Debug, Subcommand)]
pub(crate) enum Webhook {
    /// Print the header fields by which a sender of the configuration would sign a body
    ///
    /// To try a route out: `gabion webhook sign NAME body.json` prints `name: value` lines, as `curl -H @-`
    /// reads them.
    Sign(WebhookSign),
    /// Say whether a message would be believed, and which rule it breaks if not
    ///
    /// Nothing is remembered: the same message can be verified again.
    Verify(WebhookVerify),
}

#[derive(Debug, Args)]
pub(crate) struct WebhookSign {
    /// The sender, as in `[webhooks.NAME]`
    pub(crate) name: String,

    /// The body, byte for byte; `-` is standard input
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) body: PathBuf,

    /// The id of the message, instead of a random one
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<String>,

    /// When it is signed, in seconds since 1970, instead of now
    #[arg(long, value_name = "SECONDS")]
    pub(crate) timestamp: Option<i64>,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct WebhookVerify {
    /// The sender, as in `[webhooks.NAME]`
    pub(crate) name: String,

    /// The body, byte for byte; `-` is standard input
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) body: PathBuf,

    /// A header field of the message, `name: value`; once for each
    #[arg(long = "header", short = 'H', value_name = "FIELD", required = true)]
    pub(crate) headers: Vec<String>,

    /// The time to judge by, in seconds since 1970, instead of now
    #[arg(long, value_name = "SECONDS")]
    pub(crate) at: Option<i64>,

    /// How to print it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Format,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}
