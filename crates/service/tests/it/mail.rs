//! Forgotten passwords, proof of addresses, notices.

use gabion_identity::Email;
use gabion_identity::storage::{AccountChange, AccountStorage as _};
use gabion_model::outbound::Letter;
use gabion_model::{AccountId, Clock as _, Outcome};
use gabion_service::{
    ActError, Caller, ChangeEmailError, ForgotPasswordError, InvitationError, MailLinkError, Notice, Purpose,
    SignInError,
};

use crate::world::{PASSWORD, World, anonymous, secret, signed_in, token};

const NEW: &str = "gravel under every wheel";

impl World {
    /// An account with [`PASSWORD`] and a proven address of its name.
    pub(crate) async fn reachable(&self, name: &str) -> AccountId {
        let link = self.person(name, &[]).await;
        self.address(&link.account, &format!("{name}@example.org"));
        self.outbox.take();
        link.account
    }

    fn address(&self, account: &AccountId, email: &str) {
        let now = self.clock.now();
        let change = AccountChange::Email { email: email.parse().ok(), verified: Some(now), now };
        self.storage.update(account, &change).unwrap();
    }

    fn email(&self, account: &AccountId) -> Option<(Email, bool)> {
        let account = self.storage.by_id(account).unwrap().unwrap();
        Some((account.email?, account.email_verified.is_some()))
    }

    /// Waits until what was asked before is worked off.
    pub(crate) async fn settled(&self, letters: usize) -> Vec<Letter> {
        let letters = self.outbox.wait(letters).await;
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
        letters
    }
}

#[tokio::test]
async fn a_link_for_a_forgotten_password_works_once_and_signs_everybody_out() {
    let world = World::new();
    world.reachable("ada").await;
    let before = world.sign_in("ada").await;
    world.outbox.take();
    world.service.forgot_password(&anonymous("203.0.113.7"), "ada").unwrap();
    let letter = world.settled(1).await.remove(0);
    assert_eq!(letter.to, "ada@example.org");
    assert_eq!(letter.subject, "Choose a new password");
    let visitor = anonymous("203.0.113.7");
    let shown = world.service.invitation(&visitor, token(&letter)).await.unwrap();
    assert_eq!((shown.name.as_str(), shown.purpose), ("ada", Purpose::Forgotten));
    assert!(world.lives(&before), "asking changes nothing");
    world.sign_in("ada").await;

    world.service.accept_invitation(&visitor, token(&letter), secret(NEW)).await.unwrap();
    assert!(!world.lives(&before));
    assert_eq!(world.try_sign_in("ada", PASSWORD).await.unwrap_err(), SignInError::Rejected);
    world.try_sign_in("ada", NEW).await.unwrap();
    let again = world.service.accept_invitation(&visitor, token(&letter), secret(NEW)).await;
    assert_eq!(again, Err(InvitationError::Invalid));
    let subjects: Vec<_> = world.outbox.take().into_iter().map(|letter| letter.subject).collect();
    assert!(subjects.contains(&"Your password was changed".to_owned()), "{subjects:?}");
}

#[tokio::test]
async fn a_link_for_a_forgotten_password_lives_an_hour() {
    let world = World::new();
    world.reachable("ada").await;
    world.service.forgot_password(&anonymous("203.0.113.7"), "ada@example.org").unwrap();
    let letter = world.settled(1).await.remove(0);
    world.pass(60);
    let late = world.service.accept_invitation(&anonymous("203.0.113.7"), token(&letter), secret(NEW)).await;
    assert_eq!(late, Err(InvitationError::Invalid));
}

/// CWE-204, CWE-208: nothing that depends on the account has happened when the answer is given, and the
/// answer is the same. On this runtime nothing else runs before the next await.
#[tokio::test]
async fn whoever_asks_for_a_link_learns_nothing() {
    for name in ["ada", "nobody", "disabled", "unproven", "no such <name>", "", "eve@example.org"] {
        let world = World::new();
        for known in ["ada", "disabled", "unproven"] {
            let guest = world.guest(known, &[]).await;
            let account = guest.session.principal.account.clone();
            if known != "unproven" {
                world.address(&account, &format!("{known}@example.org"));
            }
            if known == "disabled" {
                world.storage.update(&account, &AccountChange::Disable).unwrap();
            }
        }
        let before = world.events().await.len();
        let told = world.service.forgot_password(&anonymous("203.0.113.7"), name);
        assert_eq!(told, Ok(()), "{name}");
        assert_eq!(world.ledger.tail(10_000).unwrap().len(), before, "{name}: nothing was recorded yet");
        assert!(world.outbox.take().is_empty(), "{name}: nothing was sent yet");
        let letters = world.settled(usize::from(name == "ada")).await.len();
        assert_eq!(letters, usize::from(name == "ada"), "{name}");
        let recorded = world.events().await;
        let mut asked = recorded.iter().filter(|event| event.action == "account.forgot-password");
        let expected = if name == "ada" { "ada" } else { "" };
        let typed = asked.any(|event| event.resource != expected);
        assert!(!typed, "what is typed there may be a password");
    }
}

#[tokio::test]
async fn a_flood_of_requests_is_bounded_by_name_by_address_and_by_account() {
    let world = World::new();
    world.reachable("ada").await;
    let ask = |address: &str, name: &str| world.service.forgot_password(&anonymous(address), name);
    let throttled = |told| matches!(told, Err(ForgotPasswordError::Throttled { .. }));
    // One name, known or not, from many addresses.
    for name in ["ada", "nobody"] {
        for host in 0..5 {
            ask(&format!("198.51.100.{host}"), name).unwrap();
            world.settled(usize::from(name == "ada")).await;
        }
        assert!(throttled(ask("198.51.100.200", name)), "{name}");
    }
    // Another spelling of the same account is asked for, and sends nothing any more.
    ask("198.51.100.201", "ada@example.org").unwrap();
    assert!(world.settled(0).await.is_empty());
    let reasons = world.outcomes("account.forgot-password").await;
    assert!(reasons.contains(&(Outcome::Failure, Some("too many links for one account".to_owned()))));
    // Many names from one address.
    for name in 0..10 {
        ask("192.0.2.1", &format!("somebody-{name}")).unwrap();
        world.settled(0).await;
    }
    assert!(throttled(ask("192.0.2.1", "somebody-else")));
    world.pass(60);
    ask("192.0.2.1", "somebody-else").unwrap();
}

/// Host-header poisoning: links begin with the gate's own origin, and nothing a request says is in them.
#[tokio::test]
async fn links_begin_with_the_origin() {
    let world = World::new();
    world.reachable("ada").await;
    let caller = Caller { user_agent: Some("evil.example".to_owned()), ..anonymous("203.0.113.7") };
    world.service.forgot_password(&caller, "ada").unwrap();
    let letter = world.settled(1).await.remove(0);
    for body in [letter.text.expose(), letter.html.as_ref().unwrap().expose()] {
        for (place, _) in body.match_indices("://") {
            let (before, after) = body.split_at(place);
            assert!(before.ends_with("https"), "{body}");
            assert!(after.starts_with("://gate.example"), "{body}");
        }
        assert!(!body.contains("evil.example"));
    }
    world.service.set_origin("https://other.example");
    world.service.forgot_password(&caller, "ada").unwrap();
    assert!(world.settled(1).await[0].text.expose().contains("https://other.example/.gabion/welcome?token="));
}

#[tokio::test]
async fn an_address_is_the_accounts_when_its_link_is_used() {
    let world = World::new();
    let guest = world.guest("ada", &[]).await;
    let account = guest.session.principal.account.clone();
    let caller = signed_in(&guest.session);
    world.service.change_email(&caller, " Ada@Example.ORG ").await.unwrap();
    let letter = world.outbox.take().remove(0);
    assert_eq!(
        (letter.to.as_str(), letter.subject.as_str()),
        ("ada@example.org", "Confirm your e-mail address")
    );
    assert_eq!(world.email(&account), None);
    let stranger = anonymous("203.0.113.9");
    let shown = world.service.mail_link(&stranger, token(&letter)).await.unwrap();
    assert_eq!((shown.name.as_str(), shown.cancels), ("ada", false));
    world.service.use_mail_link(&stranger, token(&letter)).await.unwrap();
    assert_eq!(world.email(&account), Some(("ada@example.org".parse().unwrap(), true)));
    let again = world.service.use_mail_link(&stranger, token(&letter)).await;
    assert_eq!(again, Err(MailLinkError::Invalid));
    assert_eq!(world.service.change_email(&caller, "ada@example.org").await, Err(ChangeEmailError::Same));
}

#[tokio::test]
async fn a_change_of_address_is_told_at_both_ends_and_can_be_taken_back_afterwards() {
    let world = World::new();
    let account = world.reachable("ada").await;
    let thief = world.sign_in("ada").await;
    world.outbox.take();
    world.service.change_email(&signed_in(&thief.session), "eve@example.net").await.unwrap();
    let letters = world.outbox.take();
    let to = |address: &str| letters.iter().find(|letter| letter.to == address).unwrap();
    let (confirm, cancel) = (to("eve@example.net"), to("ada@example.org"));
    assert!(cancel.text.expose().contains("eve@example.net"));
    let visitor = anonymous("203.0.113.9");
    world.service.use_mail_link(&visitor, token(confirm)).await.unwrap();
    assert_eq!(world.email(&account).unwrap().0.as_str(), "eve@example.net");
    assert_eq!(world.outbox.take().remove(0).subject, "Your e-mail address was changed");

    let kept = world.service.use_mail_link(&visitor, token(cancel)).await.unwrap();
    assert!(kept.cancels);
    assert_eq!(world.email(&account).unwrap().0.as_str(), "ada@example.org");
    assert!(!world.lives(&thief), "whoever changed it is out");
    assert_eq!(world.try_sign_in("ada", PASSWORD).await.unwrap_err(), SignInError::Rejected);
    assert!(world.service.use_mail_link(&visitor, token(cancel)).await.is_err(), "once");
    // The owner gets in by the address that is theirs again.
    world.service.forgot_password(&visitor, "ada").unwrap();
    let letter = world.settled(1).await.remove(0);
    world.service.accept_invitation(&visitor, token(&letter), secret(NEW)).await.unwrap();
    world.try_sign_in("ada", NEW).await.unwrap();
}

#[tokio::test]
async fn a_cancelled_change_cannot_be_confirmed() {
    let world = World::new();
    let account = world.reachable("ada").await;
    let thief = world.sign_in("ada").await;
    world.outbox.take();
    world.service.change_email(&signed_in(&thief.session), "eve@example.net").await.unwrap();
    let letters = world.outbox.take();
    let (confirm, cancel) = (token(&letters[0]), token(&letters[1]));
    world.service.use_mail_link(&anonymous("203.0.113.9"), cancel).await.unwrap();
    let late = world.service.use_mail_link(&anonymous("203.0.113.9"), confirm).await;
    assert_eq!(late, Err(MailLinkError::Invalid));
    assert_eq!(world.email(&account).unwrap().0.as_str(), "ada@example.org");
}

/// A stolen session must not become a stolen account.
#[tokio::test]
async fn an_address_is_changed_only_soon_after_signing_in() {
    let world = World::new();
    let guest = world.guest("ada", &[]).await;
    world.pass(6);
    let told = world.service.change_email(&signed_in(&guest.session), "eve@example.net").await;
    assert!(matches!(told, Err(ChangeEmailError::Act(ActError::StepUp { .. }))), "{told:?}");
    assert!(world.outbox.take().is_empty());
}

#[tokio::test]
async fn an_address_of_somebody_else_is_told_only_to_who_holds_the_mailbox() {
    let world = World::new();
    world.reachable("bob").await;
    let guest = world.guest("ada", &[]).await;
    let told = world.service.change_email(&signed_in(&guest.session), "bob@example.org").await;
    assert_eq!(told, Ok(()), "the answer tells nothing");
    let letter = world.outbox.take().remove(0);
    let used = world.service.use_mail_link(&anonymous("203.0.113.9"), token(&letter)).await;
    assert_eq!(used, Err(MailLinkError::Taken));
}

#[tokio::test]
async fn a_sign_in_from_a_new_device_is_told() {
    let world = World::new();
    world.reachable("ada").await;
    let sign_in = async |address: &str, user_agent: &str| {
        let caller = Caller { user_agent: Some(user_agent.to_owned()), ..anonymous(address) };
        world.service.sign_in(&caller, "ada", secret(PASSWORD)).await.unwrap();
        world.outbox.take()
    };
    let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0";
    assert!(sign_in("203.0.113.7", firefox).await.is_empty(), "the first one surprises nobody");
    assert!(sign_in("203.0.113.8", firefox).await.is_empty());
    let letters = sign_in("198.51.100.1", firefox).await;
    assert_eq!((letters.len(), letters[0].subject.as_str()), (1, "New sign-in to your account"));
    for part in ["Firefox on Linux", "198.51.100.1", "2026-11-21"] {
        assert!(letters[0].text.expose().contains(part), "{part}");
    }
    assert!(sign_in("198.51.100.1", firefox).await.is_empty(), "known from now on");
    let hostile = sign_in("198.51.100.1", "<img src=x>\r\nBcc: eve@example.org").await;
    let html = hostile[0].html.as_ref().unwrap().expose();
    assert!(!html.contains("<img") && !html.contains("Bcc"), "{html}");
}

#[tokio::test]
async fn notices_go_to_proven_addresses_only() {
    let world = World::new();
    let ada = world.reachable("ada").await;
    let bob = world.guest("bob", &[]).await.session.principal.account.clone();
    let now = world.clock.now();
    let unproven = AccountChange::Email { email: "bob@example.org".parse().ok(), verified: None, now };
    world.storage.update(&bob, &unproven).unwrap();
    let notice = Notice::SecondFactorAdded { what: "<b>key</b>".to_owned() };
    world.service.notify(&bob, notice.clone());
    world.service.notify(&ada, notice);
    let letters = world.settled(1).await;
    assert_eq!(letters.iter().map(|letter| letter.to.as_str()).collect::<Vec<_>>(), ["ada@example.org"]);
    assert!(letters[0].text.expose().contains("<b>key</b>"), "plain text is plain");
    assert!(!letters[0].html.as_ref().unwrap().expose().contains("<b>"), "and HTML is escaped");
}
