//! Principal × act, as the real service answers, committed as `authorization.txt`.
//!
//! After a deliberate change: `GABION_BLESS=1 cargo test -p gabion-service authorization`.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gabion_identity::mail::MailLinks;
use gabion_identity::storage::{AccountChange, AccountStorage as _};
use gabion_incident::incident::{Resolution, State as IncidentState};
use gabion_incident::notify::Regime;
use gabion_incident::{Action, Class, Review, Role as IncidentRole};
use gabion_model::random::SeededRng;
use gabion_model::{Clock as _, Role, SessionId};
use gabion_service::client::Metadata;
use gabion_service::incidents::{Change, IncidentError, NewEvidence, NewIncident};
use gabion_service::oauth::{Authorization, Decision, DeviceError};
use gabion_service::resources::{Registration, RegistrationError};
use gabion_service::{
    Act, ActError, AddAccountError, ApiKeyActError, Caller, ChangeEmailError, ChangePasswordError,
    ClientActError, CreateApiKey, Declared, DirectoryError, DisableAccountError, EditGroup, EditPerson,
    EditProfile, EnrolError, EraseError, FederationError, Ground, GroupSearch, HoldRefused, IdentityError,
    LinkError, LogoutRefused, NewAccount, NewClient, NewGroup, NewHold, NewPerson, PolicyViolation,
    RekeyError, Start, UnlinkError, Which,
};
use gabion_service::{AskedDecision, AskedSearch, SearchError, Service, Sought, Submission, Until};

use gabion_service::alert::Matcher;
use gabion_service::respond::{Action as Measure, Subject};
use gabion_service::{AlertError, AskedSilence, MeasureError, TakeMeasure};

use crate::world::{PASSWORD, World, anonymous, secret, signed_in};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Anonymous,
    /// Signed in, then disabled; the caller still presents the session.
    Disabled,
    /// Signed in as administrator, then the role was taken.
    Demoted,
    Member,
    Administrator,
    Operator,
    Gate,
}

const WHO: &[Who] =
    &[Who::Anonymous, Who::Disabled, Who::Demoted, Who::Member, Who::Administrator, Who::Operator, Who::Gate];

#[tokio::test]
async fn the_matrix_is_as_committed() {
    let mut matrix =
        String::from("# Who may ask for which act. Made by tests/it/authorization.rs; do not edit.\n");
    write!(matrix, "{:<30}", "act").unwrap();
    for who in WHO {
        write!(matrix, " {:<14}", format!("{who:?}").to_lowercase()).unwrap();
    }
    for act in Act::ALL {
        for (target, name) in targets(*act) {
            write!(matrix, "\n{:<30}", format!("{}{name}", act.action())).unwrap();
            for who in WHO {
                write!(matrix, " {:<14}", answer(*act, *target, *who).await).unwrap();
            }
        }
    }
    let matrix = matrix.lines().map(str::trim_end).collect::<Vec<_>>().join("\n") + "\n";

    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/authorization.txt");
    #[expect(clippy::disallowed_methods, reason = "how the committed file is renewed")]
    if std::env::var_os("GABION_BLESS").is_some() {
        std::fs::write(path, &matrix).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap();
    assert_eq!(matrix, committed, "the matrix changed; if that is meant, renew it (see this file's head)");
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    Own,
    Other,
}

impl Target {
    /// The account as acts name it.
    const fn name(self) -> Option<&'static str> {
        match self {
            Self::Own => None,
            Self::Other => Some("victim"),
        }
    }
}

fn targets(act: Act) -> &'static [(Target, &'static str)] {
    match act {
        Act::CreateApiKey
        | Act::ListApiKeys
        | Act::RevokeApiKey
        | Act::RotateApiKey
        | Act::RevokeSession
        | Act::ListGrants
        | Act::RevokeGrant => &[(Target::Own, " (own)"), (Target::Other, " (other)")],
        _ => &[(Target::Other, "")],
    }
}

/// Asks a fresh service.
async fn answer(act: Act, target: Target, who: Who) -> &'static str {
    let world = World::new();
    let service = &world.service;
    service.add_client(&Caller::operator(), shop("shop")).await.unwrap();
    let victim = if act == Act::SignIn {
        world.person("victim", &[]).await;
        None
    } else {
        Some(world.guest("victim", &[]).await.session)
    };
    let mut own = None;
    let caller = match who {
        Who::Anonymous => anonymous("198.51.100.1"),
        Who::Operator => Caller::operator(),
        Who::Gate => Caller::gate(),
        Who::Administrator | Who::Disabled | Who::Demoted | Who::Member => {
            let roles: &[_] = match who {
                Who::Administrator | Who::Demoted => &[Role::ADMINISTRATOR],
                _ => &[],
            };
            let session = if act == Act::ChangePassword {
                world.person("me", roles).await;
                world.sign_in("me").await.session
            } else {
                world.guest("me", roles).await.session
            };
            let change = match who {
                Who::Disabled => Some(AccountChange::Disable),
                Who::Demoted => Some(AccountChange::Roles(Vec::new())),
                _ => None,
            };
            if let Some(change) = change {
                // Straight into the storage, behind the back of the living sessions.
                world.storage.update(&session.principal.account, &change).unwrap();
            }
            own = Some(session.id.clone());
            signed_in(&session)
        }
    };
    let session = match target {
        Target::Own => own.unwrap_or_else(|| SessionId::new("none")),
        Target::Other => victim.map_or_else(|| SessionId::new("none"), |session| session.id.clone()),
    };
    match act {
        Act::AcceptInvitation | Act::ReadInvitation => {
            let new = NewAccount { name: "new".to_owned(), ..NewAccount::default() };
            let link = service.add_account(&Caller::operator(), new).await.unwrap();
            let good = if act == Act::ReadInvitation {
                service.invitation(&caller, link.token).await.is_ok()
            } else {
                service.accept_invitation(&caller, link.token, secret(PASSWORD)).await.is_ok()
            };
            if good { "with-link" } else { "refused" }
        }
        Act::AddAccount => {
            let new = NewAccount { name: "new".to_owned(), ..NewAccount::default() };
            match service.add_account(&caller, new).await {
                Ok(_) => "yes",
                Err(AddAccountError::Act(error)) => word(error),
                Err(error) => panic!("{error}"),
            }
        }
        Act::AddClient => told_client(service.add_client(&caller, shop("new-shop")).await),
        Act::ChangeClient => told_client(service.change_client(&caller, "shop", shop("shop").metadata).await),
        Act::DisableClient => told_client(service.disable_client(&caller, "shop").await),
        Act::EnableClient => told_client(service.enable_client(&caller, "shop").await),
        Act::ListClients => told_client(service.list_clients(&caller).await),
        Act::RemoveClient => told_client(service.remove_client(&caller, "shop").await),
        Act::RotateClientSecret => {
            told_client(service.rotate_client_secret(&caller, "shop", Duration::ZERO).await)
        }
        Act::ChangeEmail => match service.change_email(&caller, "new@example.org").await {
            Ok(()) => "yes",
            Err(ChangeEmailError::Act(error)) => word(error),
            Err(error) => panic!("{error}"),
        },
        Act::AddFactor => match service.begin_totp(&caller, &Ground::Session).await {
            Ok(_) => "yes",
            Err(EnrolError::Act(error)) => word(error),
            Err(error) => panic!("{error}"),
        },
        Act::EnrolFactor => match service.begin_totp(&caller, &Ground::Pending(Vec::new())).await {
            Err(EnrolError::Gone) => "with-ticket",
            other => panic!("{other:?}"),
        },
        Act::ListFactors => told(service.factors(&caller).await),
        Act::NewRecoveryCodes => told(service.new_recovery_codes(&caller).await),
        Act::RemoveFactor => match service.remove_factor(&caller, "none").await {
            Err(EnrolError::Act(error)) => word(error),
            other => panic!("{other:?}"),
        },
        Act::RenameFactor => told(service.rename_factor(&caller, "none", "new").await),
        Act::ResetFactors => told(service.reset_factors(&caller, "victim").await),
        // What a provider's word is worth is looked at in `federation/`; it has none here.
        Act::AdmitIdentity | Act::FederatedSignIn | Act::MapClaims => {
            match service.federation_callback(&caller, "op", vec![], vec![]).await {
                Err(FederationError::Rejected) => "with-proof",
                other => panic!("{other:?}"),
            }
        }
        Act::FederatedLogout => match service.federation_logout(&caller, "op", "x").await {
            Err(LogoutRefused::Unknown) => "with-proof",
            other => panic!("{other:?}"),
        },
        Act::LinkIdentity => match service.link_identity(&caller, "x", vec![]).await {
            Err(LinkError::Unknown) => "with-proof",
            Err(LinkError::Act(error)) => word(error),
            other => panic!("{other:?}"),
        },
        Act::ListIdentities => told(service.identities(&caller).await),
        Act::UnlinkIdentity => match service.unlink_identity(&caller, "x").await {
            Err(UnlinkError::Act(error)) => word(error),
            other => panic!("{other:?}"),
        },
        Act::ChangePassword => {
            let new = secret("gravel under every wheel");
            match service.change_password(&caller, secret(PASSWORD), new).await {
                Ok(()) => "with-password",
                Err(ChangePasswordError::Act(error)) => word(error),
                Err(error) => panic!("{error}"),
            }
        }
        Act::DisableAccount => match service.disable_account(&caller, "victim").await {
            Ok(()) => "yes",
            Err(DisableAccountError::Act(error)) => word(error),
            Err(error) => panic!("{error}"),
        },
        Act::EnableAccount => told(service.enable_account(&caller, "victim").await),
        Act::FirstAdministratorLink => told(service.first_administrator_link(&caller).await),
        // Not acts of somebody, but events of what applications do: judged by what they bring.
        Act::Authorize | Act::IssueTokens | Act::RefreshTokens | Act::EndGrant => "with-client",
        Act::DecideDevice => match service.decide_device(&caller, "BCDF-GHJK", true).await {
            Err(DeviceError::Unknown) => "with-code",
            Err(DeviceError::Act(error)) => word(error),
            other => panic!("{other:?}"),
        },
        Act::RegisterClient => "where-enabled",
        Act::Consent => match service
            .decide_authorization(&caller, secret("a guess"), Vec::new(), "none", Decision::Allow)
            .await
        {
            Ok(Authorization::Gone) => "with-flow",
            other => panic!("{other:?}"),
        },
        Act::ListGrants => told(service.grants(&caller, target.name()).await),
        Act::RevokeGrant => told(service.revoke_grant(&caller, target.name(), "shop").await),
        Act::ForgotPassword => {
            service.forgot_password(&caller, "victim").unwrap();
            "yes"
        }
        Act::ReadEmail => told(service.email(&caller).await),
        Act::ReadMailLink | Act::UseMailLink => {
            let guest = world.guest("guest", &[]).await;
            let account = world.storage.by_id(&guest.session.principal.account).unwrap().unwrap();
            let email = "new@example.org".parse().unwrap();
            let (link, _) = MailLinks::new(world.storage.clone())
                .begin(&account, &email, world.clock.now(), &SeededRng::new(3))
                .unwrap();
            let good = if act == Act::ReadMailLink {
                service.mail_link(&caller, link.token).await.is_ok()
            } else {
                service.use_mail_link(&caller, link.token).await.is_ok()
            };
            if good { "with-link" } else { "refused" }
        }
        Act::AddServiceAccount => match service.add_service_account(&caller, "bot", Vec::new()).await {
            Ok(()) => "yes",
            Err(AddAccountError::Act(error)) => word(error),
            Err(error) => panic!("{error}"),
        },
        Act::CreateApiKey => {
            let account = target.name().map(str::to_owned);
            told_key(service.create_api_key(&caller, new_key(account)).await)
        }
        Act::ListAllApiKeys => told(service.all_api_keys(&caller).await),
        Act::ListApiKeys => told(service.api_keys(&caller, target.name()).await),
        Act::RevokeApiKey | Act::RotateApiKey => {
            let owner = if target == Target::Other { "victim" } else { "me" };
            let made = service.create_api_key(&Caller::operator(), new_key(Some(owner.to_owned()))).await;
            let id = made.map_or_else(|_| "none".to_owned(), |fresh| fresh.view.id);
            if act == Act::RevokeApiKey {
                told(service.revoke_api_key(&caller, &id).await)
            } else {
                told_key(service.rotate_api_key(&caller, &id, None).await)
            }
        }
        Act::ImportAccounts => told(service.import_accounts(&caller, Vec::new(), None, false).await),
        Act::ListAccounts => told(service.list_accounts(&caller).await),
        Act::Decide => told(service.decide(&caller, vec![AskedDecision::default()], Until::All).await),
        Act::Search => {
            let question = AskedDecision::default();
            let search = AskedSearch { sought: Sought::Subjects, question, after: None, limit: 1 };
            told(service.search(&caller, search).await.map_err(|error| match error {
                SearchError::Act(error) => error,
                SearchError::NotListed | SearchError::Undecidable => panic!("{error}"),
            }))
        }
        Act::ReadResource => {
            let operator = Caller::operator();
            service.register_resource(&operator, "Order", "1", Registration::default()).await.unwrap();
            told_resource(service.registered_resource(&caller, "Order", "1").await)
        }
        Act::FindIncidents => told_incident(service.incidents(&caller, true, None, 9).await),
        Act::OpenIncident => told_incident(service.open_incident(&caller, incident()).await),
        // With the alert, and with the time: nobody asks for these.
        Act::JoinIncident => "with-alert",
        Act::RemindIncident => "with-time",
        Act::AcknowledgeIncident
        | Act::AssignIncident
        | Act::ClassifyIncident
        | Act::CloseIncident
        | Act::ContainIncident
        | Act::KeepEvidence
        | Act::MoveIncident
        | Act::NoteIncident
        | Act::NotifyIncident
        | Act::ReadEvidence
        | Act::ReadIncident
        | Act::ReviewIncident
        | Act::SettleTask => on_incident(service, act, &caller).await,
        Act::SubmitEvent => {
            let event = serde_json::json!({ "action": "order.created", "outcome": "success" });
            let event = Submission::read(event.as_object().unwrap().clone()).unwrap();
            told(service.submit_event(&caller, event).await)
        }
        Act::RegisterResource => {
            told_resource(service.register_resource(&caller, "Order", "1", Registration::default()).await)
        }
        Act::RemoveResource => {
            let operator = Caller::operator();
            service.register_resource(&operator, "Order", "1", Registration::default()).await.unwrap();
            told_resource(service.remove_resource(&caller, "Order", "1").await)
        }
        Act::ListOperations => told(service.inventory(&caller).await),
        Act::ReadDraft => match service.contract_draft(&caller, "none").await {
            Err(ActError::NotFound) => "not-found",
            result => told(result),
        },
        Act::ListErrors => told(service.list_errors(&caller).await),
        Act::ResolveError => told(service.resolve_error(&caller, "none").await),
        Act::ListAlerts => told(service.alerts(&caller).await),
        Act::AcknowledgeAlert => told_alert(service.acknowledge_alert(&caller, 1).await),
        Act::CloseAlert => told_alert(service.close_alert(&caller, 1).await),
        Act::SilenceAlerts => {
            let matcher = Matcher { rule: Some("noise".to_owned()), ..Matcher::default() };
            let life = gabion_model::Period::from_secs(3600);
            let asked = AskedSilence { matcher, life, reason: "known".to_owned() };
            told_alert(service.silence_alerts(&caller, asked).await)
        }
        Act::UnsilenceAlerts => told_alert(service.unsilence_alerts(&caller, 1).await),
        Act::TestAlerts => told_alert(service.test_alerts(&caller, None).await),
        Act::ListMeasures => told(service.measures(&caller).await),
        Act::ExportBlocks => told(service.blocks(&caller).await),
        Act::SweepMeasures => told(service.sweep_measures(&caller).await),
        Act::TakeMeasure => {
            let subject = Subject::Network("192.0.2.7".parse().unwrap());
            let (action, reason) = (Measure::BlockAddress, "guesses".to_owned());
            let asked = TakeMeasure { action, subject, life: None, reason };
            told_measure(service.take_measure(&caller, asked).await)
        }
        Act::UndoMeasure => told_measure(service.undo_measure(&caller, 1).await),
        Act::ApproveMeasure => told_measure(service.approve_measure(&caller, 1).await),
        Act::ListKeys => told(service.list_keys(&caller).await),
        Act::ListSessions => told(service.sessions(&caller).await),
        Act::ReportPolicyViolation => {
            service.report_policy_violation(&caller, PolicyViolation::default());
            "yes"
        }
        Act::ResetAccount => told(service.reset_account(&caller, "victim").await),
        Act::RevokeKey => told(service.revoke_key(&caller, "none").await),
        Act::RevokeOtherSessions => told(service.revoke_other_sessions(&caller).await),
        Act::RevokeSession => told(service.revoke_session(&caller, &session).await),
        Act::ErasePersonal => match service.erase_personal(&caller, "nobody").await {
            Err(EraseError::NotFound) => "not-found",
            Err(EraseError::Act(error)) => word(error),
            other => panic!("{other:?}"),
        },
        // The ledger of this test keeps everything.
        Act::AddHold => match service.add_hold(&caller, NewHold::default()).await {
            Err(HoldRefused::Act(ActError::Unavailable)) => "yes",
            Err(HoldRefused::Act(error)) => word(error),
            other => panic!("{other:?}"),
        },
        Act::ListHolds => match service.holds(&caller).await {
            Ok(_) | Err(ActError::Unavailable) => "yes",
            Err(error) => word(error),
        },
        Act::RemoveHold => match service.remove_hold(&caller, "none").await {
            Err(HoldRefused::Act(ActError::Unavailable)) => "yes",
            Err(HoldRefused::Act(error)) => word(error),
            other => panic!("{other:?}"),
        },
        Act::RekeyLedger => match service.rekey_ledger(&caller, Arc::new(MemoryKey::default())).await {
            Ok(_) => "yes",
            Err(RekeyError::Act(error)) => word(error),
            Err(error) => panic!("{error}"),
        },
        // The service of this test has keys that are not replaced.
        Act::RotateKeys => told(service.rotate_keys(&caller, None).await),
        Act::SignIn => match service.sign_in(&caller, "victim", secret(PASSWORD)).await {
            Ok(_) => "with-password",
            Err(error) => panic!("{error}"),
        },
        Act::AddGroup => directory(service.add_group(&caller, group("new")).await),
        Act::EditAccount => {
            let edit = EditPerson { email: Some(Some("v@example.org".to_owned())), ..EditPerson::default() };
            directory(service.edit_person(&caller, named("victim"), edit).await)
        }
        Act::EditGroup | Act::RemoveGroup => {
            let group = service.add_group(&Caller::operator(), group("some")).await.unwrap();
            if act == Act::EditGroup {
                let edit = EditGroup { name: Some("other".to_owned()), ..EditGroup::default() };
                directory(service.edit_group(&caller, group.id, edit).await)
            } else {
                directory(service.remove_group(&caller, group.id).await)
            }
        }
        Act::EditProfile => directory(service.edit_profile(&caller, EditProfile::default()).await),
        Act::ExportData => directory(service.export(&caller).await),
        Act::FindAccounts => directory(service.person(&caller, named("victim")).await),
        Act::FindGroups => {
            directory(service.find_groups(&caller, GroupSearch::default(), Start::First, 9).await)
        }
        Act::ApplyIdentity => {
            declared(service.apply_identity(&caller, Declared::default(), false).await.map(drop))
        }
        Act::PlanIdentity => {
            declared(service.plan_identity(&caller, Declared::default(), false).await.map(drop))
        }
        Act::ExportIdentity => told(service.export_identity(&caller, false).await),
        // Part of applying an identity file, and asked for by nothing else.
        Act::SetInitialPassword => "with-file",
        Act::EndSessions => directory(service.end_sessions(&caller, named("victim")).await),
        Act::FindFactors => directory(service.find_factors(&caller, named("victim")).await),
        Act::InviteAccount => directory(service.invite(&caller, named("victim")).await),
        Act::RemoveFactorOf => match service.remove_factor_of(&caller, named("victim"), "none").await {
            Err(DirectoryError::NotFound) => "not-found",
            result => directory(result),
        },
        Act::FindSessions => directory(service.find_sessions(&caller, None, None, 9).await),
        Act::ListRoles => directory(service.roles(&caller).await),
        Act::ProvisionAccount => {
            let new = NewPerson { name: "new".to_owned(), ..NewPerson::default() };
            directory(service.provision(&caller, new).await)
        }
        Act::ReleaseName => directory(service.release_name(&caller, "ada").await),
        Act::RemoveAccount => directory(service.remove_person(&caller, named("victim"), false).await),
        Act::RemoveOwnAccount => directory(service.remove_own(&caller, "me").await),
        Act::RevokeAccount => directory(service.revoke_person(&caller, named("victim")).await),
        Act::ShowProfile => directory(service.profile(&caller).await),
        Act::SignOut => told(service.sign_out(&caller).await),
        Act::TurnKeys => told(service.turn_keys(&caller).await),
    }
}

/// Whoever got so far that there is no such alert was let in.
fn told_alert<T>(result: Result<T, AlertError>) -> &'static str {
    match result {
        Err(AlertError::Act(error)) => word(error),
        _ => "yes",
    }
}

fn told_measure<T>(result: Result<T, MeasureError>) -> &'static str {
    match result {
        Err(MeasureError::Act(error)) => word(error),
        _ => "yes",
    }
}

/// The file of the key of the ledger's records.
#[derive(Debug)]
struct MemoryKey(Mutex<Vec<u8>>);

impl Default for MemoryKey {
    fn default() -> Self {
        Self(Mutex::new(vec![1; 32]))
    }
}

impl gabion_ledger::keys::KeyFile for MemoryKey {
    fn place(&self) -> String {
        "memory".to_owned()
    }

    fn read(&self) -> std::io::Result<gabion_model::Secret<Vec<u8>>> {
        Ok(gabion_model::Secret::new(self.0.lock().unwrap().clone()))
    }

    fn write(&self, keys: &gabion_model::Secret<Vec<u8>>) -> std::io::Result<()> {
        self.0.lock().unwrap().clone_from(keys.expose());
        Ok(())
    }
}

fn incident() -> NewIncident {
    NewIncident { title: Some("Some".to_owned()), class: Some(Class::P3), ..NewIncident::default() }
}

async fn on_incident(service: &Service, act: Act, caller: &Caller) -> &'static str {
    let opened = service.open_incident(&Caller::operator(), incident()).await.unwrap();
    let id = opened.id;
    let text = || "some".to_owned();
    let change = match act {
        Act::ReadIncident => return told_incident(service.incident(caller, id).await),
        Act::KeepEvidence => {
            let new = NewEvidence { name: text(), source: text(), content: vec![7] };
            return told_incident(service.keep_evidence(caller, id, new).await);
        }
        Act::ReadEvidence => {
            let new = NewEvidence { name: text(), source: text(), content: vec![7] };
            service.keep_evidence(&Caller::operator(), id, new).await.unwrap();
            return match service.export_evidence(caller, id, "audit").await {
                // A ledger in memory is not sealed.
                Err(IncidentError::Unsealed) => "yes",
                result => told_incident(result),
            };
        }
        // Whoever opens it by hand has acknowledged it.
        Act::AcknowledgeIncident => {
            return match service.change_incident(caller, id, Change::Acknowledge).await {
                Err(IncidentError::Refused(_)) => "yes",
                result => told_incident(result),
            };
        }
        Act::AssignIncident => Change::Assign { to: text(), role: Some(IncidentRole::Scribe), task: None },
        Act::ClassifyIncident => Change::Classify { class: Class::P1, reason: text() },
        Act::CloseIncident => Change::Close { resolution: Resolution::Resolved, text: text() },
        Act::ContainIncident => {
            Change::Act { action: Some(Action::EndSessions), target: "victim".to_owned(), task: None }
        }
        Act::MoveIncident => Change::Move { to: IncidentState::Contained, reason: text() },
        Act::NotifyIncident => Change::DutyBegin { regimes: vec![Regime::Gdpr], aware: None },
        Act::ReviewIncident => {
            Change::Review { review: Review { summary: text(), cause: text(), ..Review::default() } }
        }
        Act::SettleTask => Change::Done { task: opened.tasks[0].template.id.clone(), text: text() },
        _ => Change::Note { text: text() },
    };
    told_incident(service.change_incident(caller, id, change).await)
}

fn told_incident<T>(result: Result<T, IncidentError>) -> &'static str {
    match result {
        Ok(_) => "yes",
        Err(IncidentError::Act(error)) => word(error),
        Err(error) => panic!("{error}"),
    }
}

fn told_client<T>(result: Result<T, ClientActError>) -> &'static str {
    match result {
        Ok(_) => "yes",
        Err(ClientActError::Act(error)) => word(error),
        Err(error) => panic!("{error}"),
    }
}

fn shop(id: &str) -> NewClient {
    let metadata = Metadata {
        name: "Shop".to_owned(),
        redirect_uris: vec!["https://shop.example/cb".parse().unwrap()],
        ..Metadata::default()
    };
    NewClient { id: Some(id.to_owned()), metadata, ..NewClient::default() }
}

fn directory<T>(result: Result<T, DirectoryError>) -> &'static str {
    match result {
        Ok(_) => "yes",
        Err(DirectoryError::Act(error)) => word(error),
        Err(error) => panic!("{error}"),
    }
}

fn declared(result: Result<(), IdentityError>) -> &'static str {
    match result {
        Ok(()) => "yes",
        Err(IdentityError::Act(error)) => word(error),
        Err(error) => panic!("{error}"),
    }
}

fn named(name: &str) -> Which {
    Which::Name(name.to_owned())
}

fn group(name: &str) -> NewGroup {
    NewGroup { name: name.to_owned(), ..NewGroup::default() }
}

fn new_key(account: Option<String>) -> CreateApiKey {
    CreateApiKey { account, label: "build".to_owned(), scopes: vec!["read".to_owned()], life: None }
}

fn told_key<T>(result: Result<T, ApiKeyActError>) -> &'static str {
    match result {
        Ok(_) => "yes",
        Err(ApiKeyActError::Act(error)) => word(error),
        Err(error) => panic!("{error}"),
    }
}

fn told_resource<T>(result: Result<T, RegistrationError>) -> &'static str {
    match result {
        Ok(_) => "yes",
        Err(RegistrationError::Act(error)) => word(error),
        Err(error) => panic!("{error}"),
    }
}

fn told<T>(result: Result<T, ActError>) -> &'static str {
    result.map_or_else(word, |_| "yes")
}

fn word(error: ActError) -> &'static str {
    match error {
        ActError::Forbidden => "no",
        ActError::NotFound => "not-found",
        ActError::StepUp { .. } => "step-up",
        ActError::Busy | ActError::Unavailable => panic!("{error}"),
    }
}
