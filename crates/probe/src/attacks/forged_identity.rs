//! Whether the application believes a header that only a gate in front of it should set (CWE-290).
//!
//! 1. An operation that tells who is calling: B's answer and V's differ, and V's has words of V's own. That is the control.
//! 2. B, and nobody, send the headers by which gates say who is calling, with V in them: names in plain fields; and assertions
//!    (JWT) that are unsigned, signed with noise, or signed with a key of our own.
//! 3. It is proven when the answer has V's own words, which were not in the request, and not B's; and one header alone does it.
//! 4. Negative twin: the same header with a name that nobody has.
//!
//! Fields and assertions of many products go in one request each; only what works is taken apart.

use gabion_model::outbound::BoxFuture;
use gabion_vault::encoding::{base64_encode, base64url_encode};
use gabion_vault::jose::SigningKey;
use serde_json::json;

use super::compact::compact;
use super::{Attack, Phase, takes_two, usable};
use crate::field::{Field, Known};
use crate::learn::works;
use crate::matrix::Access;
use crate::standing::standing;
use crate::surface::strings;
use crate::verdict::{Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

pub(super) struct ForgedIdentity;

const ID: &str = "forged-identity";

impl Attack for ForgedIdentity {
    fn id(&self) -> &'static str {
        ID
    }

    fn phase(&self) -> Phase {
        Phase::Read
    }

    fn run<'a>(&'a self, field: &'a Field) -> BoxFuture<'a, Result<(), WireError>> {
        Box::pin(run(field))
    }
}

/// An operation that tells who is calling, the one who calls and the one they want to be.
struct Aim<'a> {
    field: &'a Field,
    operation: String,
    caller: usize,
    victim: usize,
    known: &'a Known,
    /// Only the victim's answer has them.
    theirs: Vec<String>,
    /// Only the caller's answer has them.
    callers: Vec<String>,
}

async fn run(field: &Field) -> Result<(), WireError> {
    if !takes_two(field, ID) {
        return Ok(());
    }
    let aims = aims(field);
    if aims.is_empty() {
        field.not_tested(ID, "no operation answers who is calling");
        return Ok(());
    }
    for aim in &aims {
        if attack(aim).await? {
            return Ok(());
        }
        let says = "headers that name somebody else change nothing";
        field.say(Outcome::new(ID, &aim.operation, Verdict::Passed, says));
    }
    Ok(())
}

/// Operations that are looked at.
const AIMS: usize = 2;

fn aims(field: &Field) -> Vec<Aim<'_>> {
    let mut people: Vec<usize> = field.signed_in().collect();
    people.sort_by_key(|who| standing(field, *who));
    let (Some(caller), Some(top)) = (people.first().copied(), people.last().copied()) else {
        return Vec::new();
    };
    // Somebody else where all stand alike.
    let victim = if top == caller { people.get(1).copied().unwrap_or(top) } else { top };
    let mut aims: Vec<Aim<'_>> = Vec::new();
    for (at, operation) in field.operations.iter().enumerate() {
        if operation.method != "GET" || operation.path.contains('{') {
            continue;
        }
        let of = |who: usize| field.known_of(at).find(|known| known.who == who);
        let (Some(own), Some(known)) = (of(caller), of(victim)) else { continue };
        let theirs = own_words(field, &known.answer, &own.answer, victim);
        let callers = own_words(field, &own.answer, &known.answer, caller);
        // It tells who somebody is, and is no list that only differs.
        let name = &field.person(victim).user;
        if theirs.iter().any(|word| word.contains(name.as_str())) && !callers.is_empty() {
            aims.push(Aim { field, operation: operation.id(), caller, victim, known, theirs, callers });
        }
    }
    aims.sort_by_key(|aim| {
        (!aim.known.answer.json().is_some_and(|body| body.is_object()), aim.operation.len())
    });
    aims.truncate(AIMS);
    aims
}

/// Texts that one answer has and the other has not.
fn own_words(field: &Field, answer: &Answer, other: &Answer, who: usize) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    if let Some(body) = answer.json() {
        strings(&body, &mut |text| {
            if text.len() >= 3 && text.len() <= 200 && !other.has(text) {
                words.push(text.to_owned());
            }
        });
    } else {
        let user = &field.person(who).user;
        if answer.has(user) && !other.has(user) {
            words.push(user.clone());
        }
    }
    // Times and tokens of one answer are nobody's own.
    words.retain(|word| {
        !word.bytes().any(|byte| byte.is_ascii_digit()) || word.contains('@') || word.len() < 12
    });
    words.dedup();
    words
}

/// Fields that go together in one request, and how a report calls them.
struct Disguise {
    says: &'static str,
    fields: Vec<(&'static str, String)>,
}

/// What gates would send of somebody.
fn disguises(field: &Field, name: &str, mail: &str, id: &str, role: &str) -> Vec<Disguise> {
    let mut all = Vec::new();
    let mut plain: Vec<(&'static str, String)> =
        NAMES.iter().map(|header| (*header, name.to_owned())).collect();
    plain.extend(MAILS.iter().map(|header| (*header, mail.to_owned())));
    plain.extend(IDS.iter().map(|header| (*header, id.to_owned())));
    plain.extend(ROLES.iter().map(|header| (*header, role.to_owned())));
    plain.push(("X-Goog-Authenticated-User-Email", format!("accounts.google.com:{mail}")));
    let now = field.clock.now().as_secs();
    let base = field.wire.origin().base();
    let claims = json!({
        "iss": base, "aud": base, "sub": id, "name": name, "preferred_username": name, "username": name,
        "user": name, "email": mail, "email_verified": true, "role": role, "roles": [role], "groups": [role],
        "iat": now, "nbf": now, "exp": now.saturating_add(300),
    });
    plain.push(("X-Userinfo", base64_encode(claims.to_string().as_bytes())));
    plain.push(("X-Apigateway-Api-Userinfo", base64url_encode(claims.to_string().as_bytes())));
    plain.push(("X-Endpoint-Api-Userinfo", base64url_encode(claims.to_string().as_bytes())));
    let principal = json!({ "auth_typ": "aad", "claims": [{ "typ": "name", "val": name }], "userId": id, "userDetails": name, "userRoles": [role] });
    plain.push(("X-Ms-Client-Principal", base64_encode(principal.to_string().as_bytes())));
    all.push(Disguise { says: "with a name in it", fields: plain });
    let mut assertion = |says: &'static str, token: &str| {
        let fields = ASSERTIONS.iter().map(|header| (*header, token.to_owned())).collect();
        all.push(Disguise { says, fields });
    };
    let head = |algorithm: &str| json!({ "alg": algorithm, "typ": "JWT" });
    assertion("with an unsigned assertion", &compact(&head("none"), &claims, |_| Vec::new()));
    assertion("with an assertion signed with noise", &compact(&head("ES256"), &claims, |_| vec![7; 64]));
    let own = SigningKey::generate().ok().and_then(|key| key.sign("gabion-identity+jwt", &claims).ok());
    if let Some(own) = own {
        assertion("with an assertion that anybody signed", &own);
    }
    all
}

/// Whether it was found.
async fn attack(aim: &Aim<'_>) -> Result<bool, WireError> {
    let (field, person) = (aim.field, aim.field.person(aim.victim));
    let body = aim.known.answer.json().unwrap_or_default();
    let member = |names: &[&str]| {
        let found = names.iter().find_map(|name| body.get(*name));
        found.filter(|value| value.is_string() || value.is_number()).map(crate::call::text_of)
    };
    let mail = member(&["email", "mail"]).unwrap_or_else(|| person.user.clone());
    let id = member(&["id", "user_id", "userId", "sub", "uuid"]).unwrap_or_else(|| person.user.clone());
    let role = person.role.clone().unwrap_or_else(|| "admin".to_owned());
    let stranger = field.canary();
    let real = disguises(field, &person.user, &mail, &id, &role);
    let twins = disguises(field, &stranger, &format!("{stranger}@example.com"), &stranger, &role);
    for sender in [aim.caller, 0] {
        for (disguise, twin) in real.iter().zip(&twins) {
            let Some((_, answer)) = send(aim, sender, &disguise.fields).await? else { continue };
            // Many fields say many words; which of them were told is asked of one field.
            if !is_victim(aim, &answer, &[]) {
                continue;
            }
            for (field_of, twin_of) in disguise.fields.iter().zip(&twin.fields) {
                let one = std::slice::from_ref(field_of);
                let Some((request, answer)) = send(aim, sender, one).await? else { continue };
                if is_victim(aim, &answer, one)
                    && report(aim, sender, disguise.says, field_of, twin_of, (request, answer)).await?
                {
                    return Ok(true);
                }
            }
        }
    }
    Ok(false)
}

async fn send(
    aim: &Aim<'_>,
    sender: usize,
    fields: &[(&'static str, String)],
) -> Result<Option<(Request, Answer)>, WireError> {
    let mut request = aim.known.call.request();
    for (name, value) in fields {
        request = request.header(name, value);
    }
    Ok(usable(aim.field.request(sender, &request).await)?.map(|answer| (request, answer)))
}

/// Whether an answer is the victim's: words of theirs, at least one of which the request did not have, and none of the caller's.
fn is_victim(aim: &Aim<'_>, answer: &Answer, sent: &[(&'static str, String)]) -> bool {
    let has_all = aim.theirs.iter().all(|word| answer.has(word));
    let silent = |word: &String| sent.iter().all(|(_, value)| !value.contains(word.as_str()));
    // Where the name is the only word of theirs, the twin has to tell an echo.
    let told = aim.theirs.iter().any(silent) || aim.theirs.len() == 1;
    let none = !aim.callers.iter().any(|word| answer.has(word));
    works(aim.field, answer) && has_all && told && none
}

async fn report(
    aim: &Aim<'_>,
    sender: usize,
    says: &str,
    field_of: &(&'static str, String),
    twin_of: &(&'static str, String),
    (request, answer): (Request, Answer),
) -> Result<bool, WireError> {
    let field = aim.field;
    let Some((twin_request, twin)) = send(aim, sender, std::slice::from_ref(twin_of)).await? else {
        return Ok(false);
    };
    // What echoes whatever it is sent believes nothing.
    if is_victim(aim, &twin, std::slice::from_ref(twin_of)) || (aim.theirs.len() == 1 && twin.has(&twin_of.1))
    {
        return Ok(false);
    }
    let Some((control_request, control)) = usable(field.exchange(aim.victim, &aim.known.call).await)? else {
        return Ok(false);
    };
    let (from, to) = (&field.person(sender).name, &field.person(aim.victim).name);
    let says = format!("`{from}` is taken for `{to}` by the header `{}` {says}", field_of.0);
    field.saw(&aim.operation, sender, Access::Violation, says.as_str());
    let word = aim.theirs.iter().find(|word| !field_of.1.contains(word.as_str())).or(aim.theirs.first());
    let evidence = format!("the answer has `{}`, as that of `{to}`", word.map_or("", String::as_str));
    let proof = Proof::new(field.evidence(sender, &request, &answer), evidence)
        .twin(field.evidence(sender, &twin_request, &twin))
        .shown(field.evidence(aim.victim, &control_request, &control));
    field.say(Outcome::new(ID, &aim.operation, Verdict::Proven, says).proof(proof));
    Ok(true)
}

/// Fields that have a name.
const NAMES: &[&str] = &[
    "X-User",
    "X-Username",
    "X-User-Name",
    "X-Remote-User",
    "Remote-User",
    "X-Forwarded-User",
    "X-Forwarded-Preferred-Username",
    "X-Auth-User",
    "X-Auth-Username",
    "X-Authenticated-User",
    "X-Auth-Request-User",
    "X-Auth-Request-Preferred-Username",
    "X-Webauth-User",
    "X-Consumer-Username",
    "X-Credential-Username",
    "X-Authentik-Username",
    "X-Ms-Client-Principal-Name",
    "X-Token-Subject",
    "X-Login",
];
const MAILS: &[&str] = &[
    "X-Forwarded-Email",
    "X-Auth-Request-Email",
    "X-User-Email",
    "X-Email",
    "Remote-Email",
    "X-Authentik-Email",
    "Cf-Access-Authenticated-User-Email",
];
const IDS: &[&str] = &[
    "X-User-Id",
    "X-Userid",
    "X-Auth-User-Id",
    "X-Consumer-Custom-Id",
    "X-Ms-Client-Principal-Id",
    "X-Amzn-Oidc-Identity",
];
const ROLES: &[&str] =
    &["X-Role", "X-Roles", "X-User-Role", "X-User-Roles", "Remote-Groups", "X-Forwarded-Groups"];
/// Fields that have an assertion.
const ASSERTIONS: &[&str] = &[
    "Gabion-Identity",
    "X-Amzn-Oidc-Data",
    "X-Goog-Iap-Jwt-Assertion",
    "Cf-Access-Jwt-Assertion",
    "X-Pomerium-Jwt-Assertion",
    "X-Jwt-Assertion",
    "X-Authentik-Jwt",
    "X-Forwarded-Access-Token",
    "X-Auth-Request-Access-Token",
    "X-Id-Token",
    "X-Identity",
];
