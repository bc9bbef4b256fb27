//! An authenticator in software, and everything it can get wrong.

use gabion_model::{AccountId, Timestamp};
use gabion_vault::encoding::base64url_encode;
use gabion_vault::sha256;
use minicbor::Encoder;
use serde_json::json;

use super::*;
use crate::factors::FactorId;

/// A P-256 key pair whose signatures are made by the vault's own signing key in tests.
struct Authenticator {
    key: gabion_vault::signature::testing::Es256Pair,
    credential: Vec<u8>,
}

const ORIGIN: &str = "https://notes.example:8443";
const CHALLENGE: &[u8] = &[9; 32];

/// What can be changed about an answer.
#[derive(Clone)]
struct Say {
    kind: &'static str,
    origin: &'static str,
    challenge: Vec<u8>,
    rp_id: &'static str,
    flags: u8,
    count: u32,
}

fn say(kind: &'static str) -> Say {
    Say {
        kind,
        origin: ORIGIN,
        challenge: CHALLENGE.to_vec(),
        rp_id: "notes.example",
        flags: 0b101,
        count: 1,
    }
}

impl Authenticator {
    fn new() -> Self {
        Self { key: gabion_vault::signature::testing::Es256Pair::generate(), credential: vec![3; 20] }
    }

    fn client_data(say: &Say) -> Vec<u8> {
        json!({ "type": say.kind, "challenge": base64url_encode(&say.challenge), "origin": say.origin })
            .to_string()
            .into_bytes()
    }

    fn data(&self, say: &Say, with_credential: bool) -> Vec<u8> {
        let mut data = sha256(say.rp_id.as_bytes()).to_vec();
        data.push(say.flags | if with_credential { 1 << 6 } else { 0 });
        data.extend(say.count.to_be_bytes());
        if with_credential {
            data.extend([0; 16]);
            data.extend(u16::try_from(self.credential.len()).unwrap().to_be_bytes());
            data.extend(&self.credential);
            let (x, y) = self.key.public();
            data.extend(cose::tests::es256(x, y));
        }
        data
    }

    fn register(&self, say: &Say) -> Result<Registered, PasskeyError> {
        let data = self.data(say, true);
        let mut out = Encoder::new(Vec::new());
        out.map(3).unwrap().str("fmt").unwrap().str("none").unwrap();
        out.str("attStmt").unwrap().map(0).unwrap().str("authData").unwrap().bytes(&data).unwrap();
        self.register_raw(say, &out.into_writer())
    }

    fn register_raw(&self, say: &Say, attestation_object: &[u8]) -> Result<Registered, PasskeyError> {
        let client_data = Self::client_data(say);
        let registration =
            Registration { credential: &self.credential, client_data: &client_data, attestation_object };
        registration.verify(&rp(), CHALLENGE, true)
    }

    fn authenticate(
        &self,
        say: &Say,
        passkey: &Passkey,
        demand: Demand,
    ) -> Result<Authenticated, PasskeyError> {
        let (client_data, data) = (Self::client_data(say), self.data(say, false));
        let signature = self.key.sign(&[&data[..], &sha256(&client_data)].concat());
        let assertion = Assertion {
            credential: &self.credential,
            client_data: &client_data,
            authenticator_data: &data,
            signature: &signature,
            user_handle: Some(b"ada"),
        };
        assertion.verify(&rp(), CHALLENGE, passkey, demand)
    }
}

fn rp() -> RelyingParty {
    RelyingParty::of(ORIGIN).unwrap()
}

fn passkey(registered: Registered) -> Passkey {
    Passkey {
        id: FactorId::new("one"),
        account: AccountId::new("ada"),
        name: "key".to_owned(),
        credential: registered.credential,
        public_key: registered.public_key,
        sign_count: registered.sign_count,
        backup_eligible: registered.backup_eligible,
        backed_up: registered.backed_up,
        transports: Vec::new(),
        aaguid: registered.aaguid,
        created: Timestamp::from_secs(1),
        last_used: None,
    }
}

const ALL: Demand = Demand { user_verification: true, user_handle: true };

#[test]
fn a_passkey_registers_and_proves_itself() {
    let authenticator = Authenticator::new();
    let registered = authenticator.register(&say("webauthn.create")).unwrap();
    assert_eq!((registered.sign_count, registered.user_verified), (1, true));
    let passkey = passkey(registered);
    let shown = authenticator.authenticate(&Say { count: 2, ..say("webauthn.get") }, &passkey, ALL);
    assert_eq!(shown, Ok(Authenticated { sign_count: 2, user_verified: true, backed_up: false }));
}

#[test]
fn every_wrong_answer_names_its_rule() {
    let authenticator = Authenticator::new();
    let (create, get) = (say("webauthn.create"), Say { count: 2, ..say("webauthn.get") });
    let passkey = passkey(authenticator.register(&create).unwrap());
    let wrong = |change: &dyn Fn(&mut Say)| {
        let (mut one, mut other) = (create.clone(), get.clone());
        change(&mut one);
        change(&mut other);
        (
            authenticator.register(&one).unwrap_err(),
            authenticator.authenticate(&other, &passkey, ALL).unwrap_err(),
        )
    };
    let both = |error| (error, error);
    assert_eq!(wrong(&|say| say.kind = "payment.get"), both(PasskeyError::WrongCeremony));
    assert_eq!(wrong(&|say| say.origin = "https://badnotes.example:8443"), both(PasskeyError::WrongOrigin));
    assert_eq!(wrong(&|say| say.challenge = vec![8; 32]), both(PasskeyError::WrongChallenge));
    assert_eq!(wrong(&|say| say.rp_id = "badnotes.example"), both(PasskeyError::WrongRelyingParty));
    assert_eq!(wrong(&|say| say.flags = 0b100), both(PasskeyError::NoUserPresent));
    assert_eq!(wrong(&|say| say.flags = 0b001), both(PasskeyError::NoUserVerified));
    assert_eq!(wrong(&|say| say.flags = 0b1_0101), both(PasskeyError::Malformed), "backed up, not eligible");
    assert_eq!(
        authenticator.authenticate(&create, &passkey, ALL),
        Err(PasskeyError::WrongCeremony),
        "an answer to a registration is none to an authentication"
    );
    let eligible = Say { flags: 0b1101, ..get.clone() };
    assert_eq!(authenticator.authenticate(&eligible, &passkey, ALL), Err(PasskeyError::Malformed));
}

#[test]
fn a_counter_that_does_not_rise_is_refused_where_there_is_one() {
    let authenticator = Authenticator::new();
    let mut passkey = passkey(authenticator.register(&say("webauthn.create")).unwrap());
    for (kept, shown, good) in
        [(5, 6, true), (5, 5, false), (5, 4, false), (5, 0, false), (0, 0, true), (0, 1, true)]
    {
        passkey.sign_count = kept;
        let answer = authenticator.authenticate(&Say { count: shown, ..say("webauthn.get") }, &passkey, ALL);
        assert_eq!(answer.is_ok(), good, "{kept} then {shown}");
        if !good {
            assert_eq!(answer, Err(PasskeyError::CounterWentBack));
        }
    }
}

#[test]
fn a_passkey_is_its_accounts_only_and_its_own_keys_only() {
    let (authenticator, thief) = (Authenticator::new(), Authenticator::new());
    let mut passkey = passkey(authenticator.register(&say("webauthn.create")).unwrap());
    let get = Say { count: 9, ..say("webauthn.get") };
    assert_eq!(thief.authenticate(&get, &passkey, ALL), Err(PasskeyError::WrongSignature));
    passkey.account = AccountId::new("bob");
    assert_eq!(authenticator.authenticate(&get, &passkey, ALL), Err(PasskeyError::WrongUser));
    passkey.account = AccountId::new("ada");
    passkey.credential = vec![4; 20];
    assert_eq!(authenticator.authenticate(&get, &passkey, ALL), Err(PasskeyError::WrongUser));
}

#[test]
fn attestation_objects_are_read_whole_or_not_at_all() {
    let authenticator = Authenticator::new();
    let create = say("webauthn.create");
    let data = authenticator.data(&create, true);
    let object = |entries: &[&str]| {
        let mut out = Encoder::new(Vec::new());
        out.map(entries.len() as u64).unwrap();
        for entry in entries {
            match *entry {
                "authData" => out.str(entry).unwrap().bytes(&data).unwrap(),
                "fmt" => out.str(entry).unwrap().str("packed").unwrap(),
                _ => out.str(entry).unwrap().map(1).unwrap().str("sig").unwrap().bytes(&[1]).unwrap(),
            };
        }
        out.into_writer()
    };
    for good in [&["fmt", "attStmt", "authData"][..], &["authData", "extra", "attStmt", "fmt"]] {
        assert!(authenticator.register_raw(&create, &object(good)).is_ok(), "{good:?}");
    }
    for wrong in [
        &["fmt", "attStmt"][..],
        &["fmt", "authData"],
        &["attStmt", "authData"],
        &["fmt", "attStmt", "authData", "authData"],
        &["fmt", "fmt", "attStmt", "authData"],
    ] {
        assert_eq!(
            authenticator.register_raw(&create, &object(wrong)),
            Err(PasskeyError::Malformed),
            "{wrong:?}"
        );
    }
    let mut longer = object(&["fmt", "attStmt", "authData"]);
    longer.push(0);
    assert!(authenticator.register_raw(&create, &longer).is_err());
    assert!(authenticator.register_raw(&create, &vec![0xa0; 20_000]).is_err());
}

#[test]
fn a_relying_party_is_a_name_reached_safely() {
    for (origin, id) in [
        ("https://notes.example", Some("notes.example")),
        ("https://notes.example:8443/x", Some("notes.example")),
        ("http://localhost:8080", Some("localhost")),
        ("https://localhost:8443", Some("localhost")),
        ("http://app.localhost:1", Some("app.localhost")),
        ("http://notes.example", None),
        ("https://127.0.0.1", None),
        ("https://[::1]:8443", None),
        ("nonsense", None),
        ("ftp://localhost", None),
    ] {
        assert_eq!(RelyingParty::of(origin).as_ref().map(RelyingParty::id), id, "{origin}");
    }
    assert_eq!(RelyingParty::of("https://Notes.Example:443").unwrap().origin(), "https://notes.example");
}
