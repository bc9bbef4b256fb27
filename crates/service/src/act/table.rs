//! One row for every act, read top to bottom.

use gabion_model::{ControlId, EventKind};

use super::{Act, Audience};

impl Act {
    /// Who may, how the ledger calls it, and the control it serves.
    pub(super) const fn row(self) -> (Audience, &'static str, EventKind, ControlId) {
        use Audience::{
            Administration, Deciding, Everybody, Machine, Owner, Provisioning, Recording, Registering,
            Responding, Searching, Shielding, SignedIn,
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
            Self::ListAlerts => (Administration, "alert.list", Kind::Administration, ControlId::WATCH_ALERTS),
            Self::AcknowledgeAlert => {
                (Administration, "alert.acknowledge", Kind::Administration, ControlId::WATCH_ALERTS)
            }
            Self::CloseAlert => (Responding, "alert.close", Kind::Administration, ControlId::WATCH_ALERTS),
            Self::SilenceAlerts => {
                (Administration, "alert.silence", Kind::Administration, ControlId::WATCH_ALERTS)
            }
            Self::UnsilenceAlerts => {
                (Administration, "alert.unsilence", Kind::Administration, ControlId::WATCH_ALERTS)
            }
            Self::TestAlerts => (Responding, "alert.test", Kind::Administration, ControlId::WATCH_ALERTS),

            Self::TakeMeasure => {
                (Responding, "response.take", Kind::Administration, ControlId::INCIDENT_PROCEDURE)
            }
            Self::UndoMeasure => {
                (Responding, "response.undo", Kind::Administration, ControlId::INCIDENT_PROCEDURE)
            }
            Self::ApproveMeasure => {
                (Administration, "response.approve", Kind::Administration, ControlId::INCIDENT_PROCEDURE)
            }
            Self::ListMeasures => {
                (Administration, "response.list", Kind::Administration, ControlId::INCIDENT_PROCEDURE)
            }
            Self::SweepMeasures => {
                (Machine, "response.end", Kind::Administration, ControlId::INCIDENT_PROCEDURE)
            }
            Self::ExportBlocks => {
                (Shielding, "response.export", Kind::Administration, ControlId::INCIDENT_PROCEDURE)
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
            Self::AddHold => (Machine, "ledger.hold.add", Kind::Administration, ControlId::LEDGER_RETENTION),
            Self::ListHolds => {
                (Machine, "ledger.hold.list", Kind::Administration, ControlId::LEDGER_RETENTION)
            }
            Self::RemoveHold => {
                (Machine, "ledger.hold.remove", Kind::Administration, ControlId::LEDGER_RETENTION)
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
}
