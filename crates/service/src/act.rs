//! Every act there is, and who may ask for it: one table, read top to bottom.

use gabion_model::{ControlId, EventKind};

/// What somebody can ask of [`Service`](crate::Service). Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Act {
    AcceptInvitation,
    AcknowledgeIncident,
    AddAccount,
    AddClient,
    AddFactor,
    AddGroup,
    AddServiceAccount,
    AdmitIdentity,
    ApplyIdentity,
    AssignIncident,
    Authorize,
    ChangeClient,
    ChangeEmail,
    ChangePassword,
    ClassifyIncident,
    CloseIncident,
    Consent,
    ContainIncident,
    CreateApiKey,
    Decide,
    DecideDevice,
    DisableAccount,
    DisableClient,
    EditAccount,
    EditGroup,
    EditProfile,
    EnableAccount,
    EnableClient,
    EndGrant,
    EndSessions,
    EnrolFactor,
    ErasePersonal,
    ExportData,
    ExportIdentity,
    FederatedLogout,
    FederatedSignIn,
    FindAccounts,
    FindFactors,
    FindGroups,
    FindIncidents,
    FindSessions,
    FirstAdministratorLink,
    ForgotPassword,
    ImportAccounts,
    InviteAccount,
    IssueTokens,
    JoinIncident,
    KeepEvidence,
    LinkIdentity,
    ListAccounts,
    ListAllApiKeys,
    ListApiKeys,
    ListClients,
    ListErrors,
    ListFactors,
    ListGrants,
    ListIdentities,
    ListKeys,
    ListOperations,
    ListRoles,
    ListSessions,
    MapClaims,
    MoveIncident,
    NewRecoveryCodes,
    NoteIncident,
    NotifyIncident,
    OpenIncident,
    PlanIdentity,
    ProvisionAccount,
    ReadDraft,
    ReadEmail,
    ReadEvidence,
    ReadIncident,
    ReadInvitation,
    ReadMailLink,
    ReadResource,
    RefreshTokens,
    RegisterClient,
    RegisterResource,
    RekeyLedger,
    ReleaseName,
    RemindIncident,
    RemoveAccount,
    RemoveClient,
    RemoveFactor,
    RemoveFactorOf,
    RemoveGroup,
    RemoveOwnAccount,
    RemoveResource,
    RenameFactor,
    ReportPolicyViolation,
    ResetAccount,
    ResetFactors,
    ResolveError,
    ReviewIncident,
    RevokeAccount,
    RevokeApiKey,
    RevokeGrant,
    RevokeKey,
    RevokeOtherSessions,
    RevokeSession,
    RotateApiKey,
    RotateClientSecret,
    RotateKeys,
    Search,
    SetInitialPassword,
    SettleTask,
    ShowProfile,
    SignIn,
    SignOut,
    SubmitEvent,
    TurnKeys,
    UnlinkIdentity,
    UseMailLink,
}

/// Who may ask for an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Administrators and the operator of the machine.
    Administration,
    /// Administrators, the operator, and programs with the scope `gabion:authorize`: applications that ask what
    /// somebody may.
    Deciding,
    /// Anybody; what they must bring (a password, a one-time link) decides.
    Everybody,
    /// The operator and the gate itself: whoever holds the machine.
    Machine,
    /// Whoever is signed in, about their own; administrators and the operator, about anybody's.
    Owner,
    /// Administrators, the operator, and programs with the scope `gabion:scim`, which keep people and
    /// groups in step with a directory elsewhere.
    Provisioning,
    /// Whoever is signed in, and programs with the scope `gabion:events`: applications that say what happened.
    Recording,
    /// Administrators, the operator, and programs with the scope `gabion:resources`: applications that say what
    /// their objects are.
    Registering,
    /// Administrators, the operator, and the gate itself, which opens an incident when an alert asks for one.
    Responding,
    /// Administrators, the operator, and programs with the scope `gabion:search`: applications that ask who may,
    /// and what.
    Searching,
    /// Whoever is signed in, about their own account.
    SignedIn,
}

impl Act {
    pub const ALL: &[Self] = &[
        Self::AcceptInvitation,
        Self::AcknowledgeIncident,
        Self::AddAccount,
        Self::AddClient,
        Self::AddFactor,
        Self::AddGroup,
        Self::AddServiceAccount,
        Self::AdmitIdentity,
        Self::ApplyIdentity,
        Self::AssignIncident,
        Self::Authorize,
        Self::ChangeClient,
        Self::ChangeEmail,
        Self::ChangePassword,
        Self::ClassifyIncident,
        Self::CloseIncident,
        Self::Consent,
        Self::ContainIncident,
        Self::CreateApiKey,
        Self::Decide,
        Self::DecideDevice,
        Self::DisableAccount,
        Self::DisableClient,
        Self::EditAccount,
        Self::EditGroup,
        Self::EditProfile,
        Self::EnableAccount,
        Self::EnableClient,
        Self::EndGrant,
        Self::EndSessions,
        Self::EnrolFactor,
        Self::ErasePersonal,
        Self::ExportData,
        Self::ExportIdentity,
        Self::FederatedLogout,
        Self::FederatedSignIn,
        Self::FindAccounts,
        Self::FindFactors,
        Self::FindGroups,
        Self::FindIncidents,
        Self::FindSessions,
        Self::FirstAdministratorLink,
        Self::ForgotPassword,
        Self::ImportAccounts,
        Self::InviteAccount,
        Self::IssueTokens,
        Self::JoinIncident,
        Self::KeepEvidence,
        Self::LinkIdentity,
        Self::ListAccounts,
        Self::ListAllApiKeys,
        Self::ListApiKeys,
        Self::ListClients,
        Self::ListErrors,
        Self::ListFactors,
        Self::ListGrants,
        Self::ListIdentities,
        Self::ListKeys,
        Self::ListOperations,
        Self::ListRoles,
        Self::ListSessions,
        Self::MapClaims,
        Self::MoveIncident,
        Self::NewRecoveryCodes,
        Self::NoteIncident,
        Self::NotifyIncident,
        Self::OpenIncident,
        Self::PlanIdentity,
        Self::ProvisionAccount,
        Self::ReadDraft,
        Self::ReadEmail,
        Self::ReadEvidence,
        Self::ReadIncident,
        Self::ReadInvitation,
        Self::ReadMailLink,
        Self::ReadResource,
        Self::RefreshTokens,
        Self::RegisterClient,
        Self::RegisterResource,
        Self::RekeyLedger,
        Self::ReleaseName,
        Self::RemindIncident,
        Self::RemoveAccount,
        Self::RemoveClient,
        Self::RemoveFactor,
        Self::RemoveFactorOf,
        Self::RemoveGroup,
        Self::RemoveOwnAccount,
        Self::RemoveResource,
        Self::RenameFactor,
        Self::ReportPolicyViolation,
        Self::ResetAccount,
        Self::ResetFactors,
        Self::ResolveError,
        Self::ReviewIncident,
        Self::RevokeAccount,
        Self::RevokeApiKey,
        Self::RevokeGrant,
        Self::RevokeKey,
        Self::RevokeOtherSessions,
        Self::RevokeSession,
        Self::RotateApiKey,
        Self::RotateClientSecret,
        Self::RotateKeys,
        Self::Search,
        Self::SetInitialPassword,
        Self::SettleTask,
        Self::ShowProfile,
        Self::SignIn,
        Self::SignOut,
        Self::SubmitEvent,
        Self::TurnKeys,
        Self::UnlinkIdentity,
        Self::UseMailLink,
    ];

    /// Who may, how the ledger calls it, and the control it serves.
    const fn row(self) -> (Audience, &'static str, EventKind, ControlId) {
        use Audience::{
            Administration, Deciding, Everybody, Machine, Owner, Provisioning, Recording, Registering,
            Responding, Searching, SignedIn,
        };
        use EventKind as Kind;
        match self {
            Self::SignIn => (Everybody, "account.sign-in", Kind::Login, ControlId::AUTHN_PASSWORD_HASHING),
            Self::ReadInvitation => {
                (Everybody, "invitation.read", Kind::Administration, ControlId::AUTHN_PASSWORD_RESET)
            }
            Self::AcceptInvitation => {
                (Everybody, "invitation.accept", Kind::Administration, ControlId::AUTHN_PASSWORD_RESET)
            }
            Self::ForgotPassword => {
                (Everybody, "account.forgot-password", Kind::Administration, ControlId::AUTHN_PASSWORD_RESET)
            }
            Self::ReadMailLink => {
                (Everybody, "mail-link.read", Kind::Administration, ControlId::AUTHN_PASSWORD_RESET)
            }
            Self::UseMailLink => (Everybody, "mail-link.use", Kind::Administration, ControlId::AUTHZ_STEP_UP),
            Self::EnrolFactor => (Everybody, "factor.enrol", Kind::Administration, ControlId::AUTHN_TOTP),
            Self::FederatedSignIn => {
                (Everybody, "federation.sign-in", Kind::Login, ControlId::OAUTH_EXACT_REDIRECTS)
            }
            Self::AdmitIdentity => {
                (Everybody, "federation.admit", Kind::Administration, ControlId::OAUTH_EXACT_REDIRECTS)
            }
            Self::MapClaims => (Everybody, "federation.map", Kind::Administration, ControlId::AUTHZ_ROLES),
            Self::FederatedLogout => {
                (Everybody, "federation.logout", Kind::Logout, ControlId::SESSION_REVOCATION)
            }
            Self::ReportPolicyViolation => (Everybody, "csp.report", Kind::Refusal, ControlId::WEB_CSP),

            Self::Authorize => (Everybody, "oauth.authorize", Kind::Refusal, ControlId::OAUTH_PKCE),
            Self::DecideDevice => (SignedIn, "oauth.device", Kind::Administration, ControlId::OAUTH_CONSENT),
            Self::RegisterClient => {
                (Everybody, "client.register", Kind::Administration, ControlId::OAUTH_EXACT_REDIRECTS)
            }
            Self::IssueTokens => (Everybody, "oauth.token", Kind::Session, ControlId::TOKEN_LIFETIMES),
            Self::RefreshTokens => (Everybody, "oauth.refresh", Kind::Session, ControlId::TOKEN_LIFETIMES),
            Self::EndGrant => (Everybody, "oauth.grant-ended", Kind::Session, ControlId::TOKEN_LIFETIMES),
            Self::Consent => (SignedIn, "oauth.consent", Kind::Administration, ControlId::OAUTH_CONSENT),
            Self::ListGrants => (Owner, "grant.list", Kind::Session, ControlId::OAUTH_CONSENT),
            Self::RevokeGrant => (Owner, "grant.revoke", Kind::Session, ControlId::OAUTH_CONSENT),

            Self::SignOut => (SignedIn, "account.sign-out", Kind::Logout, ControlId::SESSION_REVOCATION),
            Self::ListSessions => (SignedIn, "session.list", Kind::Session, ControlId::SESSION_REVOCATION),
            Self::RevokeSession => (Owner, "session.revoke", Kind::Session, ControlId::SESSION_REVOCATION),
            Self::RevokeOtherSessions => {
                (SignedIn, "session.revoke-others", Kind::Session, ControlId::SESSION_REVOCATION)
            }
            Self::ReadEmail => {
                (SignedIn, "account.read-email", Kind::Administration, ControlId::AUTHZ_STEP_UP)
            }
            Self::ChangeEmail => {
                (SignedIn, "account.change-email", Kind::Administration, ControlId::AUTHZ_STEP_UP)
            }
            Self::ChangePassword => {
                (SignedIn, "account.change-password", Kind::Administration, ControlId::AUTHN_PASSWORD_POLICY)
            }
            Self::ListFactors => (SignedIn, "factor.list", Kind::Administration, ControlId::AUTHN_TOTP),
            Self::AddFactor => (SignedIn, "factor.add", Kind::Administration, ControlId::AUTHN_TOTP),
            Self::RenameFactor => (SignedIn, "factor.rename", Kind::Administration, ControlId::AUTHN_TOTP),
            Self::RemoveFactor => (SignedIn, "factor.remove", Kind::Administration, ControlId::AUTHN_TOTP),
            Self::NewRecoveryCodes => {
                (SignedIn, "factor.new-recovery-codes", Kind::Administration, ControlId::AUTHN_RECOVERY_CODES)
            }

            Self::CreateApiKey => (Owner, "api-key.create", Kind::Administration, ControlId::TOKEN_API_KEYS),
            Self::ListApiKeys => (Owner, "api-key.list", Kind::Administration, ControlId::TOKEN_API_KEYS),
            Self::RotateApiKey => (Owner, "api-key.rotate", Kind::Administration, ControlId::TOKEN_API_KEYS),
            Self::RevokeApiKey => (Owner, "api-key.revoke", Kind::Administration, ControlId::TOKEN_API_KEYS),
            Self::ListAllApiKeys => {
                (Administration, "api-key.list-all", Kind::Administration, ControlId::TOKEN_API_KEYS)
            }
            Self::AddServiceAccount => {
                (Administration, "service-account.add", Kind::Administration, ControlId::LEDGER_ADMIN_ACTS)
            }
            Self::ListIdentities => {
                (SignedIn, "identity.list", Kind::Administration, ControlId::OAUTH_EXACT_REDIRECTS)
            }
            Self::LinkIdentity => {
                (SignedIn, "identity.link", Kind::Administration, ControlId::OAUTH_EXACT_REDIRECTS)
            }
            Self::UnlinkIdentity => {
                (SignedIn, "identity.unlink", Kind::Administration, ControlId::OAUTH_EXACT_REDIRECTS)
            }

            Self::AddAccount => {
                (Administration, "account.add", Kind::Administration, ControlId::LEDGER_ADMIN_ACTS)
            }
            Self::ImportAccounts => {
                (Administration, "account.import", Kind::Administration, ControlId::LEDGER_ADMIN_ACTS)
            }
            Self::ListAccounts => {
                (Administration, "account.list", Kind::Administration, ControlId::LEDGER_ADMIN_ACTS)
            }
            Self::DisableAccount => (
                Administration,
                "account.disable",
                Kind::Administration,
                ControlId::AUTHN_INSTANT_OFFBOARDING,
            ),
            Self::EnableAccount => {
                (Administration, "account.enable", Kind::Administration, ControlId::LEDGER_ADMIN_ACTS)
            }
            Self::InviteAccount => {
                (Administration, "account.invite", Kind::Administration, ControlId::AUTHN_PASSWORD_RESET)
            }
            Self::FindFactors => (Administration, "factor.find", Kind::Administration, ControlId::AUTHN_TOTP),
            Self::RemoveFactorOf => {
                (Administration, "factor.remove-of", Kind::Administration, ControlId::AUTHN_RECOVERY_CODES)
            }
            Self::EndSessions => {
                (Administration, "session.revoke-all", Kind::Session, ControlId::SESSION_REVOCATION)
            }
            Self::ResetAccount => {
                (Administration, "account.reset", Kind::Administration, ControlId::AUTHN_PASSWORD_RESET)
            }
            Self::ResetFactors => (
                Administration,
                "account.reset-factors",
                Kind::Administration,
                ControlId::AUTHN_RECOVERY_CODES,
            ),

            Self::Decide => (Deciding, "decision.ask", Kind::Decision, ControlId::AUTHZ_ROLES),
            Self::Search => (Searching, "decision.search", Kind::Decision, ControlId::AUTHZ_ROLES),
            Self::ReadResource => {
                (Registering, "resource.read", Kind::Administration, ControlId::AUTHZ_OBJECTS)
            }
            Self::RegisterResource => {
                (Registering, "resource.register", Kind::Administration, ControlId::AUTHZ_OBJECTS)
            }
            Self::RemoveResource => {
                (Registering, "resource.remove", Kind::Administration, ControlId::AUTHZ_OBJECTS)
            }

            Self::AcknowledgeIncident => {
                (Administration, "incident.acknowledge", Kind::Incident, ControlId::INCIDENT_CLASSIFICATION)
            }
            Self::AssignIncident => {
                (Administration, "incident.assign", Kind::Incident, ControlId::INCIDENT_PROCEDURE)
            }
            Self::ClassifyIncident => {
                (Responding, "incident.classify", Kind::Incident, ControlId::INCIDENT_CLASSIFICATION)
            }
            Self::CloseIncident => {
                (Administration, "incident.close", Kind::Incident, ControlId::INCIDENT_REVIEW)
            }
            Self::ContainIncident => {
                (Administration, "incident.contain", Kind::Incident, ControlId::INCIDENT_PROCEDURE)
            }
            Self::FindIncidents => {
                (Administration, "incident.find", Kind::Incident, ControlId::INCIDENT_PROCEDURE)
            }
            Self::JoinIncident => {
                (Responding, "incident.join", Kind::Incident, ControlId::INCIDENT_CLASSIFICATION)
            }
            Self::KeepEvidence => {
                (Administration, "incident.keep-evidence", Kind::Incident, ControlId::INCIDENT_CUSTODY)
            }
            Self::MoveIncident => {
                (Administration, "incident.move", Kind::Incident, ControlId::INCIDENT_PROCEDURE)
            }
            Self::NoteIncident => {
                (Administration, "incident.note", Kind::Incident, ControlId::INCIDENT_PROCEDURE)
            }
            Self::NotifyIncident => {
                (Administration, "incident.notify", Kind::Incident, ControlId::INCIDENT_NOTIFICATION)
            }
            Self::OpenIncident => {
                (Responding, "incident.open", Kind::Incident, ControlId::INCIDENT_CLASSIFICATION)
            }
            Self::ReadEvidence => {
                (Administration, "incident.read-evidence", Kind::Incident, ControlId::INCIDENT_CUSTODY)
            }
            Self::ReadIncident => {
                (Administration, "incident.read", Kind::Incident, ControlId::INCIDENT_PROCEDURE)
            }
            Self::RemindIncident => {
                (Machine, "incident.remind", Kind::Incident, ControlId::INCIDENT_CLASSIFICATION)
            }
            Self::ReviewIncident => {
                (Administration, "incident.review", Kind::Incident, ControlId::INCIDENT_REVIEW)
            }
            Self::SettleTask => {
                (Administration, "incident.task", Kind::Incident, ControlId::INCIDENT_PROCEDURE)
            }

            Self::SubmitEvent => {
                (Recording, "event.submit", Kind::Application, ControlId::LEDGER_SECURITY_EVENTS)
            }

            Self::ListErrors => {
                (Administration, "error.list", Kind::Administration, ControlId::LEDGER_SECURITY_EVENTS)
            }
            Self::ResolveError => {
                (Administration, "error.resolve", Kind::Administration, ControlId::LEDGER_SECURITY_EVENTS)
            }

            Self::ListKeys => {
                (Administration, "key.list", Kind::Administration, ControlId::TOKEN_KEY_ROTATION)
            }
            Self::RotateKeys => {
                (Administration, "key.rotate", Kind::Administration, ControlId::TOKEN_KEY_ROTATION)
            }
            Self::RevokeKey => {
                (Administration, "key.revoke", Kind::Administration, ControlId::TOKEN_KEY_ROTATION)
            }

            Self::TurnKeys => (Machine, "key.turn", Kind::Administration, ControlId::TOKEN_KEY_ROTATION),
            Self::AddClient => {
                (Administration, "client.add", Kind::Administration, ControlId::OAUTH_EXACT_REDIRECTS)
            }
            Self::ChangeClient => {
                (Administration, "client.change", Kind::Administration, ControlId::OAUTH_EXACT_REDIRECTS)
            }
            Self::DisableClient => {
                (Administration, "client.disable", Kind::Administration, ControlId::LEDGER_ADMIN_ACTS)
            }
            Self::EnableClient => {
                (Administration, "client.enable", Kind::Administration, ControlId::LEDGER_ADMIN_ACTS)
            }
            Self::ListClients => {
                (Administration, "client.list", Kind::Administration, ControlId::LEDGER_ADMIN_ACTS)
            }
            Self::RemoveClient => {
                (Administration, "client.remove", Kind::Administration, ControlId::LEDGER_ADMIN_ACTS)
            }
            Self::RotateClientSecret => {
                (Administration, "client.rotate-secret", Kind::Administration, ControlId::LEDGER_ADMIN_ACTS)
            }

            Self::AddGroup => (Provisioning, "group.add", Kind::Administration, ControlId::AUTHZ_ROLES),
            Self::EditAccount => {
                (Provisioning, "account.edit", Kind::Administration, ControlId::LEDGER_ADMIN_ACTS)
            }
            Self::EditGroup => (Provisioning, "group.edit", Kind::Administration, ControlId::AUTHZ_ROLES),
            Self::EditProfile => {
                (SignedIn, "profile.edit", Kind::Administration, ControlId::LEDGER_ADMIN_ACTS)
            }
            Self::ExportData => {
                (SignedIn, "account.export", Kind::Administration, ControlId::LEDGER_ADMIN_ACTS)
            }
            Self::FindAccounts => {
                (Provisioning, "account.find", Kind::Administration, ControlId::LEDGER_ADMIN_ACTS)
            }
            Self::FindGroups => {
                (Provisioning, "group.find", Kind::Administration, ControlId::LEDGER_ADMIN_ACTS)
            }
            Self::FindSessions => {
                (Administration, "session.find", Kind::Session, ControlId::SESSION_REVOCATION)
            }
            Self::ListOperations => {
                (Administration, "operation.list", Kind::Administration, ControlId::API_INVENTORY)
            }
            Self::ReadDraft => {
                (Administration, "contract-draft.read", Kind::Administration, ControlId::API_INVENTORY)
            }
            Self::ListRoles => {
                (Administration, "role.list", Kind::Administration, ControlId::LEDGER_ADMIN_ACTS)
            }
            Self::ProvisionAccount => {
                (Provisioning, "account.provision", Kind::Administration, ControlId::LEDGER_ADMIN_ACTS)
            }
            Self::ReleaseName => {
                (Administration, "account.release-name", Kind::Administration, ControlId::LEDGER_ADMIN_ACTS)
            }
            Self::RemoveAccount => {
                (Provisioning, "account.remove", Kind::Administration, ControlId::AUTHN_INSTANT_OFFBOARDING)
            }
            Self::RemoveGroup => (Provisioning, "group.remove", Kind::Administration, ControlId::AUTHZ_ROLES),
            Self::RemoveOwnAccount => {
                (SignedIn, "account.remove-own", Kind::Administration, ControlId::AUTHN_INSTANT_OFFBOARDING)
            }
            Self::RevokeAccount => {
                (Administration, "account.revoke", Kind::Administration, ControlId::AUTHN_INSTANT_OFFBOARDING)
            }
            Self::ShowProfile => {
                (SignedIn, "profile.show", Kind::Administration, ControlId::LEDGER_ADMIN_ACTS)
            }

            Self::ErasePersonal => {
                (Machine, "ledger.erase", Kind::Administration, ControlId::LEDGER_RETENTION)
            }
            Self::RekeyLedger => {
                (Machine, "ledger.rekey", Kind::Configuration, ControlId::LEDGER_TAMPER_EVIDENCE)
            }
            Self::ApplyIdentity => {
                (Machine, "identity.apply", Kind::Configuration, ControlId::LEDGER_ADMIN_ACTS)
            }
            Self::ExportIdentity => {
                (Machine, "identity.export", Kind::Administration, ControlId::LEDGER_ADMIN_ACTS)
            }
            Self::PlanIdentity => {
                (Machine, "identity.plan", Kind::Administration, ControlId::LEDGER_ADMIN_ACTS)
            }
            Self::SetInitialPassword => (
                Machine,
                "account.initial-password",
                Kind::Administration,
                ControlId::AUTHN_NO_DEFAULT_ACCOUNTS,
            ),
            Self::FirstAdministratorLink => (
                Machine,
                "account.first-administrator",
                Kind::Administration,
                ControlId::AUTHN_NO_DEFAULT_ACCOUNTS,
            ),
        }
    }

    #[must_use]
    pub const fn audience(self) -> Audience {
        self.row().0
    }

    /// Whether it needs a fresh proof of who asks ([`ActError::StepUp`](crate::ActError::StepUp)): what a
    /// session left open on a shared computer must not be enough for: whatever gives lasting access, takes
    /// it from others, or tells everything about somebody. Ending what one doubts (a session, a key, a
    /// grant) is not: that must be quick. Holds for people with a session; the operator and programs have
    /// none.
    #[must_use]
    pub const fn is_critical(self) -> bool {
        matches!(
            self,
            Self::AddAccount
                | Self::AddClient
                | Self::AddFactor
                | Self::AddGroup
                | Self::AddServiceAccount
                | Self::ChangeClient
                | Self::ChangeEmail
                | Self::ChangePassword
                | Self::CreateApiKey
                | Self::DisableAccount
                | Self::DisableClient
                | Self::EditAccount
                | Self::EditGroup
                | Self::EnableAccount
                | Self::EnableClient
                | Self::ExportData
                | Self::ImportAccounts
                | Self::InviteAccount
                | Self::LinkIdentity
                | Self::NewRecoveryCodes
                | Self::ProvisionAccount
                | Self::ReleaseName
                | Self::RemoveAccount
                | Self::RemoveClient
                | Self::RemoveFactor
                | Self::RemoveFactorOf
                | Self::RemoveGroup
                | Self::RemoveOwnAccount
                | Self::ResetAccount
                | Self::ResetFactors
                | Self::RevokeKey
                | Self::RotateApiKey
                | Self::RotateClientSecret
                | Self::RotateKeys
                | Self::UnlinkIdentity
        )
    }

    /// The `action` of its events.
    #[must_use]
    pub const fn action(self) -> &'static str {
        self.row().1
    }

    #[must_use]
    pub const fn kind(self) -> EventKind {
        self.row().2
    }

    #[must_use]
    pub const fn control(self) -> ControlId {
        self.row().3
    }
}
