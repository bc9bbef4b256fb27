//! The words of `gabion client`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use super::{ConfigFile, OutputFormat};

#[derive(Debug, Subcommand)]
pub(crate) enum Client {
    /// Register an application and print its id and secret
    ///
    /// The secret is shown this once; only its hash is kept.
    Add(Box<ClientAdd>),
    /// List the applications that may ask for tokens
    List(ClientList),
    /// Show everything about one application, except its secrets
    Show(ClientId),
    /// Give an application other metadata, from a file like the one `add --from` takes
    Change(ClientChange),
    /// Make a new secret; the former ones go on for a while
    RotateSecret(ClientRotate),
    /// Refuse an application from now on
    Disable(ClientId),
    /// Let a disabled application ask again
    Enable(ClientId),
    /// Remove an application
    Remove(ClientId),
}

#[derive(Debug, Args)]
pub(crate) struct ClientAdd {
    /// What people see when they are asked for consent
    #[arg(required_unless_present = "from")]
    pub(crate) name: Option<String>,

    /// Its id; random when not given
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<String>,

    /// Where the browser may be sent back to, exactly; can be repeated
    #[arg(long = "redirect-uri", value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) redirect_uris: Vec<String>,

    /// Where the browser may be sent after signing out, exactly; can be repeated
    #[arg(long = "post-logout-redirect-uri", value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) post_logout_redirect_uris: Vec<String>,

    /// How it proves itself: `client_secret_basic`, `client_secret_post`, `private_key_jwt`,
    /// `tls_client_auth`, `self_signed_tls_client_auth` or `none`
    #[arg(long, value_name = "METHOD", conflicts_with = "public")]
    pub(crate) authentication: Option<String>,

    /// It cannot keep a secret: an application in a browser or on people's devices
    #[arg(long)]
    pub(crate) public: bool,

    /// It runs on people's devices, so its redirect URIs may have its own scheme
    #[arg(long)]
    pub(crate) native: bool,

    /// How it may get tokens: `authorization_code`, `refresh_token`, `client_credentials` or `device_code`;
    /// can be repeated
    #[arg(long = "grant", value_name = "GRANT")]
    pub(crate) grants: Vec<String>,

    /// A scope it may ask for; can be repeated
    #[arg(long = "scope", value_name = "SCOPE")]
    pub(crate) scopes: Vec<String>,

    /// It belongs to you: people are not asked for consent
    #[arg(long)]
    pub(crate) first_party: bool,

    /// A file with its public keys (a JSON Web Key Set)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) jwks_file: Option<PathBuf>,

    /// The https address of its public keys
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) jwks_uri: Option<String>,

    /// With `tls_client_auth`: what its certificate says, as `dn:CN=billing,O=Example`, `dns:NAME`, `uri:URI`,
    /// `ip:ADDRESS` or `email:ADDRESS`
    #[arg(long, value_name = "NAME")]
    pub(crate) certificate: Option<String>,

    /// With `self_signed_tls_client_auth`: the SHA-256 of a certificate it may use, in base64url; can be repeated
    #[arg(long = "certificate-thumbprint", value_name = "SHA256")]
    pub(crate) certificate_thumbprints: Vec<String>,

    /// Its access tokens work only over connections with its certificate
    #[arg(long)]
    pub(crate) certificate_bound: bool,

    /// Its access tokens work only with a proof of possession (DPoP)
    #[arg(long)]
    pub(crate) dpop_bound: bool,

    /// An API it is itself, so that it may ask about tokens for it; `*`: for all; can be repeated
    #[arg(long = "introspects", value_name = "URL")]
    pub(crate) introspects: Vec<String>,

    /// Where it is told that somebody's session ended
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) backchannel_logout_uri: Option<String>,

    /// The customer of the application it belongs to
    #[arg(long, value_name = "TENANT")]
    pub(crate) tenant: Option<String>,

    /// A JSON file with its metadata; flags are put on top
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) from: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct ClientList {
    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct ClientId {
    /// The application's id
    pub(crate) id: String,

    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct ClientChange {
    /// The application's id
    pub(crate) id: String,

    /// A JSON file with its new metadata, as `gabion client show ID --format json` prints under `metadata`
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) from: PathBuf,

    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct ClientRotate {
    /// The application's id
    pub(crate) id: String,

    /// How much longer the former secrets work, for instance `1h`; `0s` ends them at once
    #[arg(long, value_name = "PERIOD", default_value = "24h")]
    pub(crate) overlap: String,

    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}
