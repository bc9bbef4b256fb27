//! The words of `gabion user`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use super::{ConfigFile, OutputFormat};

#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// Add a person and print the one-time link with which they choose a password
    Add(UserAdd),
    /// List everybody who may sign in
    List(UserList),
    /// Refuse a person from now on; their sessions end at once
    Disable(UserName),
    /// Let a disabled person sign in again
    Enable(UserName),
    /// Print a one-time link with which a person chooses a new password
    ///
    /// The old password stops working and every session of the person ends at once, not when the link is
    /// used.
    Reset(UserReset),
    /// Take a person's second factors away, all of them; their sessions end at once
    ///
    /// For somebody who lost them all, recovery codes included, and proved to you who they are. Where a
    /// second factor is required, the next sign-in sets up a new one.
    ResetFactors(UserName),
    /// Show everything about a person but secrets
    Show(UserName),
    /// Give a person another name to sign in with; their sessions end
    Rename(UserRename),
    /// Show or change the roles of a person's own; a change ends their sessions
    Roles(UserRoles),
    /// Set or take away a person's e-mail address
    Email(UserEmail),
    /// List where a person is signed in
    Sessions(UserName),
    /// Sign a person out everywhere; tokens, keys and open links stay
    RevokeSessions(UserName),
    /// End everything granted to a person until now: sessions, tokens and open links; they may sign in again
    Revoke(UserName),
    /// Print a new one-time link for a person who has no password yet
    Invite(UserName),
    /// Remove a person with their sessions, keys, grants, factors and links
    Remove(UserRemove),
    /// Remove a person, and at once what the ledger says of them: records stay, who it was reads as erased
    Erase(UserName),
    /// Let the kept name of a removed person be given again
    ReleaseName(UserName),
    /// Print the first administrator's one-time link again
    Link(UserLink),
    /// Take people over from another program, with the passwords it hashed
    ///
    /// Reads JSON lines, CSV, a Keycloak realm export or Django's `dumpdata`. Each person is taken over whole
    /// or not at all; whatever is wrong is reported with its place, and the others are taken over.
    Import(UserImport),
}

#[derive(Debug, Args)]
pub(crate) struct UserAdd {
    /// The name the person signs in with
    pub(crate) name: String,

    /// A role, for instance `administrator` or one of the application's own; can be repeated
    #[arg(long = "role", value_name = "ROLE")]
    pub(crate) roles: Vec<String>,

    /// The customer of the application the person belongs to
    #[arg(long, value_name = "TENANT")]
    pub(crate) tenant: Option<String>,

    #[command(flatten)]
    pub(crate) password: PasswordFrom,

    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct UserReset {
    /// The name the person signs in with
    pub(crate) name: String,

    #[command(flatten)]
    pub(crate) password: PasswordFrom,

    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct PasswordFrom {
    /// Read the password from standard input instead of printing a link
    #[arg(long, conflicts_with = "password_file")]
    pub(crate) password_stdin: bool,

    /// Read the password from the first line of a file instead of printing a link
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) password_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct UserName {
    /// The name the person signs in with
    pub(crate) name: String,

    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct UserList {
    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct UserLink {
    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct UserImport {
    /// The file; what it is shows by its content
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,

    /// Look at everything and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// The file whose first line the other program appended to every password (devise's `pepper`)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) pepper_file: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct UserRename {
    /// The name the person signs in with now
    pub(crate) name: String,

    /// The name from now on
    pub(crate) to: String,

    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct UserRoles {
    /// The name the person signs in with
    pub(crate) name: String,

    /// Exactly these roles; can be repeated
    #[arg(long = "set", value_name = "ROLE", conflicts_with_all = ["add", "remove", "none"])]
    pub(crate) set: Vec<String>,

    /// No role at all
    #[arg(long, conflicts_with_all = ["add", "remove"])]
    pub(crate) none: bool,

    /// One role more; can be repeated
    #[arg(long = "add", value_name = "ROLE")]
    pub(crate) add: Vec<String>,

    /// One role less; can be repeated
    #[arg(long = "remove", value_name = "ROLE")]
    pub(crate) remove: Vec<String>,

    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct UserEmail {
    /// The name the person signs in with
    pub(crate) name: String,

    /// The address
    #[arg(required_unless_present = "none")]
    pub(crate) address: Option<String>,

    /// Take the address away
    #[arg(long, conflicts_with_all = ["address", "verified"])]
    pub(crate) none: bool,

    /// You vouch that the address is the person's
    #[arg(long)]
    pub(crate) verified: bool,

    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct UserRemove {
    /// The name the person signs in with
    pub(crate) name: String,

    /// Nobody else is given the name afterwards
    #[arg(long)]
    pub(crate) keep_name: bool,

    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}
