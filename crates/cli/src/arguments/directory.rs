//! The words of `gabion service-account`, `group`, `session` and `grant`.

use clap::{Args, Subcommand};

use super::{ConfigFile, OutputFormat};

#[derive(Debug, Subcommand)]
pub(crate) enum ServiceAccount {
    /// Add an account for a program
    Add(ServiceAccountAdd),
    /// List the accounts of programs
    List(ServiceAccountList),
    /// Refuse a program from now on; its keys, tokens and streams end at once and for good
    Disable(ServiceAccountName),
    /// Let a disabled program ask again; keys it had do not come back
    Enable(ServiceAccountName),
    /// Remove a program's account with its keys
    Remove(ServiceAccountName),
}

#[derive(Debug, Args)]
pub(crate) struct ServiceAccountAdd {
    /// The account's name
    pub(crate) name: String,

    /// A role; can be repeated
    #[arg(long = "role", value_name = "ROLE")]
    pub(crate) roles: Vec<String>,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct ServiceAccountName {
    /// The account's name
    pub(crate) name: String,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct ServiceAccountList {
    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Group {
    /// List the groups and what each gives
    List(GroupList),
    /// Show a group and who is in it
    Show(GroupName),
    /// Make a group
    Add(GroupAdd),
    /// Change the name or the roles of a group; sessions of those in it end
    Change(GroupChange),
    /// Remove a group; those in it lose what it gave
    Remove(GroupName),
    /// Put people or programs into a group; their sessions end
    AddMember(GroupMembers),
    /// Take people or programs out of a group; their sessions end
    RemoveMember(GroupMembers),
}

#[derive(Debug, Args)]
pub(crate) struct GroupList {
    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct GroupName {
    /// The group's name
    pub(crate) name: String,

    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct GroupAdd {
    /// The group's name
    pub(crate) name: String,

    /// A role everybody in it has; can be repeated
    #[arg(long = "role", value_name = "ROLE")]
    pub(crate) roles: Vec<String>,

    /// The customer of the application it belongs to
    #[arg(long, value_name = "TENANT")]
    pub(crate) tenant: Option<String>,

    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct GroupChange {
    /// The group's name
    pub(crate) name: String,

    /// Its name from now on
    #[arg(long, value_name = "NAME")]
    pub(crate) rename: Option<String>,

    /// Exactly these roles; can be repeated
    #[arg(long = "role", value_name = "ROLE", conflicts_with = "no_roles")]
    pub(crate) roles: Vec<String>,

    /// No role at all
    #[arg(long)]
    pub(crate) no_roles: bool,

    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct GroupMembers {
    /// The group's name
    pub(crate) group: String,

    /// Names of people or programs
    #[arg(value_name = "NAME", required = true)]
    pub(crate) names: Vec<String>,

    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Session {
    /// List who is signed in, and from where
    List(SessionList),
    /// End a session and the live streams in it
    Revoke(SessionRevoke),
}

#[derive(Debug, Args)]
pub(crate) struct SessionList {
    /// Only those of one person
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,

    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct SessionRevoke {
    /// The session's id, as `gabion session list` shows it
    #[arg(allow_hyphen_values = true)]
    pub(crate) id: String,

    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Grant {
    /// List what a person allows applications
    List(GrantList),
    /// End what a person allows one application: every token made from it, and the consent
    Revoke(GrantRevoke),
}

#[derive(Debug, Args)]
pub(crate) struct GrantList {
    /// The name the person signs in with
    pub(crate) user: String,

    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct GrantRevoke {
    /// The name the person signs in with
    pub(crate) user: String,

    /// The application's id, as `gabion grant list` shows it
    #[arg(allow_hyphen_values = true)]
    pub(crate) client: String,

    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}
