//! Who somebody is by a provider's word, in our words.

use gabion_model::{Methods, Role, TenantId, Timestamp};
use serde_json::{Map, Value};

use super::end_session::Hint;
use super::settings::ProviderSettings;
use crate::email::Email;
use crate::personal::Personal;

/// What a provider said of somebody, all of it verified to be the provider's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asserted {
    pub issuer: String,
    pub subject: String,
    pub email: Option<Email>,
    /// The provider says that the person holds the address. Whether its word counts is a setting
    /// (`trust_email`).
    pub email_verified: bool,
    /// What the person calls themselves there. Nobody vouches for it.
    pub username: Option<String>,
    pub personal: Personal,
    /// When the person last proved to the provider who they are, if it says.
    pub authenticated: Option<Timestamp>,
    pub two_factors: bool,
    /// The provider's name for the session (OpenID Connect Back-Channel Logout 1.0, section 2.1).
    pub sid: Option<String>,
    /// The ID token itself, for signing out there.
    pub hint: Hint,
    pub granted: Granted,
    /// One of the conditions of `admit` holds, or there are none.
    pub admitted: bool,
}

/// What the rules give.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Granted {
    pub roles: Vec<Role>,
    pub groups: Vec<String>,
    pub tenant: Option<TenantId>,
}

impl Asserted {
    /// Reads verified claims: those of the ID token and, where they say nothing, those of `userinfo`.
    #[must_use]
    pub fn read(
        settings: &ProviderSettings,
        issuer: &str,
        subject: &str,
        id_token: &Map<String, Value>,
        userinfo: Option<&Map<String, Value>>,
    ) -> Self {
        let mut claims = userinfo.cloned().unwrap_or_default();
        // An address and the word that it is verified belong together: they are never mixed.
        if id_token.contains_key("email") {
            claims.remove("email_verified");
        }
        claims.extend(id_token.iter().map(|(name, value)| (name.clone(), value.clone())));
        let email = text(&claims, "email", 254).and_then(|email| email.parse::<Email>().ok());
        let verified = match claims.get("email_verified") {
            Some(Value::Bool(verified)) => *verified,
            // Some providers write it as text.
            Some(Value::String(verified)) => verified == "true",
            _ => false,
        };
        Self {
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
            email_verified: verified && email.is_some(),
            email,
            username: text(&claims, "preferred_username", 254),
            personal: personal(&claims),
            authenticated: claims.get("auth_time").and_then(Value::as_i64).map(Timestamp::from_secs),
            two_factors: has_two_factors(settings, id_token),
            sid: text(id_token, "sid", 255),
            hint: Hint::default(),
            granted: granted(settings, &claims),
            admitted: settings.admit.is_empty()
                || settings.admit.iter().any(|one| holds(&claims, &one.claim, one.value.as_deref())),
        }
    }

    /// By what the person proved who they are, as far as we believe it.
    #[must_use]
    pub const fn methods(&self, settings: &ProviderSettings) -> Methods {
        if settings.trust_mfa && self.two_factors {
            Methods::FEDERATED_TWO_FACTORS
        } else {
            Methods::FEDERATED
        }
    }

    /// The address, if the provider's word for it counts.
    #[must_use]
    pub fn trusted_email(&self, settings: &ProviderSettings) -> Option<&Email> {
        self.email.as_ref().filter(|_| self.email_verified && settings.trust_email)
    }

    /// What a person would recognise the identity by.
    #[must_use]
    pub fn label(&self) -> &str {
        match (&self.email, &self.username, &self.personal.name) {
            (Some(email), _, _) => email.as_str(),
            (None, Some(username), _) => username,
            (None, None, Some(name)) => name,
            (None, None, None) => &self.subject,
        }
    }

    /// The roles of an account after this sign-in, if they change: those a rule names come and go, others
    /// stay.
    #[must_use]
    pub fn roles(&self, settings: &ProviderSettings, now: &[Role]) -> Option<Vec<Role>> {
        let managed: Vec<&Role> = settings.map.iter().flat_map(|rule| &rule.roles).collect();
        let stays = |role: &&Role| !managed.contains(role) || self.granted.roles.contains(role);
        let mut roles: Vec<Role> = now.iter().filter(stays).cloned().collect();
        for role in &self.granted.roles {
            if !roles.contains(role) {
                roles.push(role.clone());
            }
        }
        (roles != now).then_some(roles)
    }
}

fn granted(settings: &ProviderSettings, claims: &Map<String, Value>) -> Granted {
    let mut granted = Granted::default();
    for rule in settings.map.iter().filter(|rule| holds(claims, &rule.claim, rule.value.as_deref())) {
        for role in rule.roles.iter().filter(|role| !role.as_str().is_empty()) {
            if !granted.roles.contains(role) {
                granted.roles.push(role.clone());
            }
        }
        for group in &rule.groups {
            if !granted.groups.contains(group) {
                granted.groups.push(group.clone());
            }
        }
        if let (None, Some(tenant)) = (&granted.tenant, &rule.tenant) {
            granted.tenant = Some(TenantId::new(tenant));
        }
    }
    granted
}

/// Whether a claim is `value` or a list that has it; without a value, whether it is there at all.
fn holds(claims: &Map<String, Value>, claim: &str, value: Option<&str>) -> bool {
    let found = match claim.strip_prefix('/') {
        None => claims.get(claim),
        // RFC 6901 within the top-level claim of that name.
        Some(pointer) => {
            let (first, rest) =
                pointer.split_once('/').map_or((pointer, None), |(one, rest)| (one, Some(rest)));
            let first = first.replace("~1", "/").replace("~0", "~");
            match (claims.get(&first), rest) {
                (Some(found), None) => Some(found),
                (Some(found), Some(rest)) => found.pointer(&format!("/{rest}")),
                (None, _) => None,
            }
        }
    };
    let is = |found: &Value, wanted: &str| match found {
        Value::String(text) => text == wanted,
        Value::Bool(truth) => wanted == if *truth { "true" } else { "false" },
        Value::Number(number) => number.to_string() == wanted,
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    };
    match (found, value) {
        (None | Some(Value::Null | Value::Bool(false)), None) | (None, Some(_)) => false,
        (Some(_), None) => true,
        (Some(Value::Array(many)), Some(wanted)) => many.iter().any(|one| is(one, wanted)),
        (Some(one), Some(wanted)) => is(one, wanted),
    }
}

/// RFC 8176's `mfa`, or an `acr` that is known to mean it. Only what the ID token says counts.
fn has_two_factors(settings: &ProviderSettings, id_token: &Map<String, Value>) -> bool {
    let amr = matches!(id_token.get("amr"), Some(Value::Array(_))) && holds(id_token, "amr", Some("mfa"));
    let acr = id_token.get("acr").and_then(Value::as_str);
    amr || acr.is_some_and(|acr| settings.two_factor_acrs.iter().any(|one| one == acr))
}

fn personal(claims: &Map<String, Value>) -> Personal {
    let short = |name| text(claims, name, LONGEST_TEXT);
    let web = |name| short(name).filter(|url| url.starts_with("https://"));
    Personal {
        name: short("name"),
        given_name: short("given_name"),
        middle_name: short("middle_name"),
        family_name: short("family_name"),
        nickname: short("nickname"),
        profile: web("profile"),
        picture: web("picture"),
        website: web("website"),
        gender: None,
        birthdate: None,
        zoneinfo: short("zoneinfo"),
        locale: short("locale"),
        phone_number: None,
        address: None,
    }
}

/// A claim that is a text of at most so many characters; others are as if they were not there.
fn text(claims: &Map<String, Value>, name: &str, most: usize) -> Option<String> {
    let text = claims.get(name)?.as_str()?.trim();
    let well = !text.is_empty() && text.chars().count() <= most && !text.chars().any(char::is_control);
    well.then(|| text.to_owned())
}

const LONGEST_TEXT: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::federation::settings::{Condition, MapRule};
    use serde_json::json;

    fn object(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    fn read(settings: &ProviderSettings, id_token: &Value, userinfo: Option<&Value>) -> Asserted {
        let userinfo = userinfo.map(object);
        Asserted::read(settings, "https://op.example", "7", &object(id_token), userinfo.as_ref())
    }

    fn rule(claim: &str, value: Option<&str>, roles: &[&str], tenant: Option<&str>) -> MapRule {
        MapRule {
            claim: claim.to_owned(),
            value: value.map(str::to_owned),
            roles: roles.iter().map(|role| Role::new(role)).collect(),
            groups: Vec::new(),
            tenant: tenant.map(str::to_owned),
        }
    }

    /// "nOAuth": an address without the provider's word that it was verified is anybody's.
    #[test]
    fn an_address_is_verified_only_by_the_word_that_came_with_it() {
        let settings = ProviderSettings { trust_email: true, ..ProviderSettings::default() };
        let trusted = |id_token: Value, userinfo: Option<Value>| {
            read(&settings, &id_token, userinfo.as_ref()).trusted_email(&settings).map(ToString::to_string)
        };
        let yes = Some("ada@example.org".to_owned());
        assert_eq!(trusted(json!({"email": "Ada@Example.org", "email_verified": true}), None), yes);
        assert_eq!(trusted(json!({"email": "ada@example.org", "email_verified": "true"}), None), yes);
        assert_eq!(
            trusted(json!({}), Some(json!({"email": "ada@example.org", "email_verified": true}))),
            yes
        );
        for (id_token, userinfo) in [
            (json!({"email": "ada@example.org"}), None),
            (json!({"email": "ada@example.org", "email_verified": false}), None),
            (json!({"email": "ada@example.org", "email_verified": 1}), None),
            (json!({"email": "ada@example.org", "email_verified": "yes"}), None),
            (json!({"email": ["ada@example.org"], "email_verified": true}), None),
            (json!({"email": "ada@example.org@evil.example", "email_verified": true}), None),
            (json!({"email_verified": true}), None),
            // The word of the one document does not speak for the address of the other.
            (
                json!({"email": "ada@example.org"}),
                Some(json!({"email": "x@y.example", "email_verified": true})),
            ),
        ] {
            assert_eq!(trusted(id_token.clone(), userinfo), None, "{id_token}");
        }
        let distrusting = ProviderSettings::default();
        let asserted = read(&distrusting, &json!({"email": "a@b.example", "email_verified": true}), None);
        assert_eq!(asserted.trusted_email(&distrusting), None);
    }

    #[test]
    fn rules_add_up_and_take_back() {
        let settings = ProviderSettings {
            map: vec![
                rule("groups", Some("staff"), &["member"], Some("acme")),
                rule("/realm_access/roles", Some("boss"), &["administrator"], Some("other")),
                rule("contractor", None, &["guest"], None),
            ],
            ..ProviderSettings::default()
        };
        let claims =
            json!({"groups": ["staff", "x"], "realm_access": {"roles": ["boss"]}, "contractor": false});
        let asserted = read(&settings, &claims, None);
        assert_eq!(asserted.granted.roles, ["member", "administrator"].map(Role::new));
        assert_eq!(asserted.granted.tenant, Some(TenantId::new("acme")), "the first rule decides");
        let roles = |now: &[&str]| {
            let now: Vec<_> = now.iter().map(|role| Role::new(role)).collect();
            asserted.roles(&settings, &now)
        };
        assert_eq!(roles(&["own", "member", "administrator"]), None);
        let expected = ["own", "member", "administrator"].map(Role::new).to_vec();
        assert_eq!(roles(&["own", "guest"]), Some(expected), "given and taken, others stay");
        let nobody = read(&settings, &json!({"groups": "staffers", "realm_access": "boss"}), None);
        assert_eq!(nobody.granted, Granted::default());
    }

    #[test]
    fn who_may_come() {
        let condition = Condition { claim: "hd".to_owned(), value: Some("example.org".to_owned()) };
        let settings = ProviderSettings { admit: vec![condition], ..ProviderSettings::default() };
        assert!(read(&settings, &json!({"hd": "example.org"}), None).admitted);
        for claims in [json!({}), json!({"hd": "evil.example"}), json!({"hd": null}), json!({"hd": {}})] {
            assert!(!read(&settings, &claims, None).admitted, "{claims}");
        }
    }

    #[test]
    fn two_factors_need_trust_and_the_id_tokens_word() {
        let trusting = ProviderSettings {
            trust_mfa: true,
            two_factor_acrs: vec!["gold".to_owned()],
            ..ProviderSettings::default()
        };
        let methods = |settings: &ProviderSettings, id_token: Value, userinfo: Option<Value>| {
            read(settings, &id_token, userinfo.as_ref()).methods(settings)
        };
        let mfa = json!({"amr": ["pwd", "mfa"]});
        assert_eq!(methods(&trusting, mfa.clone(), None), Methods::FEDERATED_TWO_FACTORS);
        assert_eq!(methods(&trusting, json!({"acr": "gold"}), None), Methods::FEDERATED_TWO_FACTORS);
        assert_eq!(methods(&ProviderSettings::default(), mfa.clone(), None), Methods::FEDERATED);
        for claims in [json!({}), json!({"amr": "mfa"}), json!({"amr": ["pwd"]}), json!({"acr": "silver"})] {
            assert_eq!(methods(&trusting, claims, None), Methods::FEDERATED);
        }
        assert_eq!(methods(&trusting, json!({}), Some(mfa)), Methods::FEDERATED);
    }

    #[test]
    fn texts_are_bounded() {
        let long = "x".repeat(257);
        let claims =
            json!({"name": long, "nickname": "a\u{0}b", "given_name": " Ada ", "picture": "javascript:1"});
        let asserted = read(&ProviderSettings::default(), &claims, None);
        let expected = Personal { given_name: Some("Ada".to_owned()), ..Personal::default() };
        assert_eq!(asserted.personal, expected);
        assert_eq!(asserted.label(), "7");
    }
}
