//! Which class and which activity an event is.
//!
//! | kind | class |
//! |---|---|
//! | login, logout | Authentication 3002 |
//! | session | Authentication for tokens, User Access 3005 for grants, Entity Management 3004 for sessions |
//! | administration | Account Change 3001, Group Management 3006, User Access, Authorize Session 3003; Entity Management for what is read and for everything else |
//! | alert | Detection Finding 2004 |
//! | incident | Incident Finding 2005 |
//! | configuration | Application Lifecycle 6002 |
//! | decision, application | API Activity 6003 |
//! | refusal | HTTP Activity 4002 for requests, API Activity for acts, Detection Finding for what a browser reports |

use std::borrow::Cow;

use gabion_model::{Event, EventKind};

/// The classes Gabion's events are of. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    AccountChange,
    ApiActivity,
    ApplicationLifecycle,
    Authentication,
    AuthorizeSession,
    DetectionFinding,
    EntityManagement,
    GroupManagement,
    HttpActivity,
    IncidentFinding,
    UserAccess,
}

impl Class {
    /// Its number in the schema.
    #[must_use]
    pub const fn uid(self) -> u64 {
        match self {
            Self::AccountChange => 3001,
            Self::ApiActivity => 6003,
            Self::ApplicationLifecycle => 6002,
            Self::Authentication => 3002,
            Self::AuthorizeSession => 3003,
            Self::DetectionFinding => 2004,
            Self::EntityManagement => 3004,
            Self::GroupManagement => 3006,
            Self::HttpActivity => 4002,
            Self::IncidentFinding => 2005,
            Self::UserAccess => 3005,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::AccountChange => "Account Change",
            Self::ApiActivity => "API Activity",
            Self::ApplicationLifecycle => "Application Lifecycle",
            Self::Authentication => "Authentication",
            Self::AuthorizeSession => "Authorize Session",
            Self::DetectionFinding => "Detection Finding",
            Self::EntityManagement => "Entity Management",
            Self::GroupManagement => "Group Management",
            Self::HttpActivity => "HTTP Activity",
            Self::IncidentFinding => "Incident Finding",
            Self::UserAccess => "User Access Management",
        }
    }

    pub(super) const fn category(self) -> &'static str {
        match self.uid() / 1000 {
            2 => "Findings",
            3 => "Identity & Access Management",
            4 => "Network Activity",
            _ => "Application Activity",
        }
    }

    /// The profiles whose attributes it uses.
    pub(super) const fn profiles(self) -> &'static [&'static str] {
        match self {
            Self::ApiActivity => &["security_control"],
            Self::ApplicationLifecycle => &["host"],
            Self::DetectionFinding | Self::HttpActivity => &["host", "security_control"],
            _ => &[],
        }
    }
}

/// A class and an activity of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Classified {
    pub class: Class,
    /// The number of the activity; 99 for one the schema does not know.
    pub activity: u8,
    pub activity_name: Cow<'static, str>,
}

/// What the event is.
#[must_use]
pub fn of(event: &Event) -> Classified {
    let action = event.action.as_str();
    let known = match event.kind {
        EventKind::Alert => Some((Class::DetectionFinding, 1, "Create")),
        EventKind::Login => Some((Class::Authentication, 1, "Logon")),
        EventKind::Logout => Some((Class::Authentication, 2, "Logoff")),
        EventKind::Configuration => Some(match action {
            "gate.start" => (Class::ApplicationLifecycle, 3, "Start"),
            "gate.stop" => (Class::ApplicationLifecycle, 4, "Stop"),
            _ => (Class::ApplicationLifecycle, 8, "Update"),
        }),
        EventKind::Refusal if action == "csp.report" => Some((Class::DetectionFinding, 1, "Create")),
        EventKind::Refusal | EventKind::Traffic if is_request(action) => {
            let method = event.metadata.get("method").and_then(|method| http_method(method));
            let (activity, name) = method.unwrap_or((0, "Unknown"));
            Some((Class::HttpActivity, activity, name))
        }
        EventKind::Application | EventKind::Refusal | EventKind::Traffic => {
            api(action).map(|(id, name)| (Class::ApiActivity, id, name))
        }
        EventKind::Decision | EventKind::Error => None,
        EventKind::Incident => Some(match action {
            "incident.open" => (Class::IncidentFinding, 1, "Create"),
            "incident.close" => (Class::IncidentFinding, 3, "Close"),
            _ => (Class::IncidentFinding, 2, "Update"),
        }),
        EventKind::Administration | EventKind::Session => identity(action),
    };
    if let Some((class, activity, name)) = known {
        return Classified { class, activity, activity_name: Cow::Borrowed(name) };
    }
    let class = match event.kind {
        EventKind::Administration | EventKind::Session => Class::EntityManagement,
        _ => Class::ApiActivity,
    };
    Classified { class, activity: OTHER, activity_name: Cow::Owned(action.to_owned()) }
}

/// Refusals of the request path; every other one is the refusal of an act.
fn is_request(action: &str) -> bool {
    noun(action) == "request" || noun(action) == "flood"
}

/// What people and programs do with accounts, groups, sessions, keys and clients.
fn identity(action: &str) -> Option<(Class, u8, &'static str)> {
    let account = |activity, name| Some((Class::AccountChange, activity, name));
    match action {
        "account.add"
        | "account.first-administrator"
        | "account.import"
        | "account.provision"
        | "federation.admit"
        | "service-account.add" => account(1, "Create"),
        "account.enable" => account(2, "Enable"),
        "account.change-password" | "account.initial-password" | "invitation.accept" => {
            account(3, "Password Change")
        }
        "account.forgot-password" | "account.reset" => account(4, "Password Reset"),
        "account.disable" | "account.revoke" => account(5, "Disable"),
        "account.remove" | "account.remove-own" => account(6, "Delete"),
        "factor.add" | "factor.enrol" => account(10, "MFA Factor Enable"),
        "account.reset-factors" | "factor.remove" | "factor.remove-of" => account(11, "MFA Factor Disable"),
        "account.change-email"
        | "account.edit"
        | "account.invite"
        | "account.release-name"
        | "factor.new-recovery-codes"
        | "factor.rename"
        | "identity.link"
        | "identity.unlink"
        | "mail-link.use"
        | "profile.edit" => account(OTHER, "Edit"),
        "federation.map" => Some((Class::AuthorizeSession, 1, "Assign Privileges")),
        "group.add" => Some((Class::GroupManagement, 6, "Create")),
        "group.edit" => Some((Class::GroupManagement, OTHER, "Edit")),
        "group.remove" => Some((Class::GroupManagement, 5, "Delete")),
        "grant.revoke" | "oauth.grant-ended" => Some((Class::UserAccess, 2, "Revoke Privileges")),
        "oauth.backchannel-logout" => Some((Class::Authentication, 2, "Logoff")),
        "oauth.consent" | "oauth.device" => Some((Class::UserAccess, 1, "Assign Privileges")),
        "oauth.refresh" => Some((Class::Authentication, OTHER, "Token Renewal")),
        "oauth.token" => Some((Class::Authentication, OTHER, "Token Issue")),
        _ => entity(action).map(|(id, name)| (Class::EntityManagement, id, name)),
    }
}

/// Whether what the event is about, its resource, is an account.
pub(super) fn is_about_an_account(event: &Event) -> bool {
    let nouns = ["account", "federation", "invitation", "mail-link", "service-account"];
    // A provider's name, a session's id.
    let others = ["account.sign-out", "federation.logout", "federation.sign-in"];
    nouns.contains(&noun(&event.action)) && !others.contains(&&*event.action)
}

/// Which API an event is about: the application's, or Gabion's own.
pub(super) fn service(event: &Event) -> &'static str {
    if event.kind == EventKind::Application { "application" } else { "gabion" }
}

/// The first part of an action: `api-key` of `api-key.revoke`.
pub(super) fn noun(action: &str) -> &str {
    action.split('.').next().unwrap_or_default()
}

/// The first word of an action's last part: `revoke` of `session.revoke-others`.
fn verb(action: &str) -> &str {
    let last = action.rsplit('.').next().unwrap_or_default();
    last.split(['-', '_']).next().unwrap_or_default()
}

fn entity(action: &str) -> Option<(u8, &'static str)> {
    match verb(action) {
        "disable" | "disabled" => Some((9, "Disable")),
        "enable" | "enabled" => Some((8, "Enable")),
        _ => api(action),
    }
}

/// Create, read, update and delete, by what they are usually called, in the infinitive or the past.
fn api(action: &str) -> Option<(u8, &'static str)> {
    Some(match verb(action) {
        "accept" | "accepted" | "add" | "added" | "create" | "created" | "import" | "imported" | "insert"
        | "inserted" | "issue" | "issued" | "place" | "placed" | "register" | "registered" | "upload"
        | "uploaded" => (1, "Create"),
        "download" | "downloaded" | "export" | "exported" | "find" | "found" | "list" | "listed" | "plan"
        | "read" | "search" | "searched" | "show" | "shown" | "view" | "viewed" => (2, "Read"),
        "apply" | "applied" | "approve" | "approved" | "change" | "changed" | "edit" | "edited"
        | "rename" | "renamed" | "rotate" | "rotated" | "set" | "turn" | "update" | "updated" => {
            (3, "Update")
        }
        "cancel" | "cancelled" | "delete" | "deleted" | "remove" | "removed" | "revoke" | "revoked" => {
            (4, "Delete")
        }
        _ => return None,
    })
}

/// The activity of HTTP Activity; none for a method the schema does not know.
pub(super) fn http_method(method: &str) -> Option<(u8, &'static str)> {
    Some(match method {
        "CONNECT" => (1, "Connect"),
        "DELETE" => (2, "Delete"),
        "GET" => (3, "Get"),
        "HEAD" => (4, "Head"),
        "OPTIONS" => (5, "Options"),
        "POST" => (6, "Post"),
        "PUT" => (7, "Put"),
        "TRACE" => (8, "Trace"),
        "PATCH" => (9, "Patch"),
        _ => return None,
    })
}

/// An activity the schema does not know.
const OTHER: u8 = 99;
