//! Every act there is. Who may ask for it, and how the ledger calls it, is one table: `table`.

mod table;

use gabion_model::{ControlId, EventKind};

/// What somebody can ask of [`Service`](crate::Service). Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Act {
    AcceptInvitation,
    AcknowledgeIncident,
    AcknowledgeAlert,
    AddAccount,
    AddClient,
    AddFactor,
    AddGroup,
    AddHold,
    AddServiceAccount,
    AdmitIdentity,
    ApplyIdentity,
    AssignIncident,
    ApproveMeasure,
    Authorize,
    ChangeClient,
    ChangeEmail,
    ChangePassword,
    ClassifyIncident,
    CloseIncident,
    CloseAlert,
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
    ExportBlocks,
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
    ListAlerts,
    ListAllApiKeys,
    ListApiKeys,
    ListClients,
    ListErrors,
    ListFactors,
    ListGrants,
    ListHolds,
    ListIdentities,
    ListKeys,
    ListMeasures,
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
    RemoveHold,
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
    SilenceAlerts,
    SignIn,
    SignOut,
    SubmitEvent,
    SweepMeasures,
    TakeMeasure,
    TestAlerts,
    TurnKeys,
    UndoMeasure,
    UnlinkIdentity,
    UnsilenceAlerts,
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
    /// Administrators, the operator, and the gate itself: incidents and measures, which an alert asks for, too.
    Responding,
    /// Administrators, the operator, and programs with the scope `gabion:search`: applications that ask who may,
    /// and what.
    Searching,
    /// Administrators, the operator, and programs with the scope `gabion:blocks`: other machines that block whom the
    /// gate blocks.
    Shielding,
    /// Whoever is signed in, about their own account.
    SignedIn,
}

impl Act {
    pub const ALL: &[Self] = &[
        Self::AcceptInvitation,
        Self::AcknowledgeIncident,
        Self::AcknowledgeAlert,
        Self::AddAccount,
        Self::AddClient,
        Self::AddFactor,
        Self::AddGroup,
        Self::AddHold,
        Self::AddServiceAccount,
        Self::AdmitIdentity,
        Self::ApplyIdentity,
        Self::AssignIncident,
        Self::ApproveMeasure,
        Self::Authorize,
        Self::ChangeClient,
        Self::ChangeEmail,
        Self::ChangePassword,
        Self::ClassifyIncident,
        Self::CloseIncident,
        Self::CloseAlert,
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
        Self::ExportBlocks,
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
        Self::ListAlerts,
        Self::ListAllApiKeys,
        Self::ListApiKeys,
        Self::ListClients,
        Self::ListErrors,
        Self::ListFactors,
        Self::ListGrants,
        Self::ListHolds,
        Self::ListIdentities,
        Self::ListKeys,
        Self::ListMeasures,
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
        Self::RemoveHold,
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
        Self::SilenceAlerts,
        Self::SignIn,
        Self::SignOut,
        Self::SubmitEvent,
        Self::SweepMeasures,
        Self::TakeMeasure,
        Self::TestAlerts,
        Self::TurnKeys,
        Self::UndoMeasure,
        Self::UnlinkIdentity,
        Self::UnsilenceAlerts,
        Self::UseMailLink,
    ];

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
