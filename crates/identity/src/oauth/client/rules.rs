//! What a client's metadata must be, whoever wrote it.

use gabion_model::Problem;

use super::redirect::Kind;
use super::{Application, AuthenticationMethod, CertificateSubject, GrantType, Metadata};
use crate::oauth::resource::is_resource;
use crate::oauth::scope;

impl Metadata {
    /// Everything that is wrong with it; a client that has problems is not stored.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        self.words(&mut problems);
        self.redirects(&mut problems);
        self.grants(&mut problems);
        self.proof(&mut problems);
        self.addresses(&mut problems);
        problems
    }

    fn words(&self, problems: &mut Vec<Problem>) {
        let name = self.name.trim();
        if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
            problems.push(Problem::new("name", "a client has a name of 1 to 100 characters"));
        }
        many(problems, "scopes", self.scopes.len());
        for name in &self.scopes {
            if !scope::is_token(name) {
                problems.push(
                    Problem::new("scopes", format!("`{name}` is no scope"))
                        .hint("1 to 64 printable ASCII characters without spaces, `\"` and `\\`"),
                );
            }
        }
        many(problems, "resources", self.resources.len());
        for resource in &self.resources {
            if !is_resource(resource) {
                problems.push(
                    Problem::new("resources", format!("`{resource}` is no resource"))
                        .hint("an absolute address without a fragment (RFC 8707)"),
                );
            }
        }
        many(problems, "introspects", self.introspects.len());
        for resource in self.introspects.iter().filter(|one| *one != "*" && !is_resource(one)) {
            problems.push(
                Problem::new("introspects", format!("`{resource}` is no resource"))
                    .hint("an absolute address without a fragment (RFC 8707), or `*`"),
            );
        }
        if !self.introspects.is_empty() && self.authentication == AuthenticationMethod::None {
            problems
                .push(Problem::new("introspects", "only a client that authenticates may ask about tokens"));
        }
        many(problems, "contacts", self.contacts.len());
        many(problems, "default_acr_values", self.default_acr_values.len());
        let texts = [
            ("software_id", &self.software_id),
            ("software_version", &self.software_version),
            ("token_endpoint_auth_signing_alg", &self.token_endpoint_auth_signing_alg),
        ];
        let lists = self.contacts.iter().map(|text| ("contacts", text));
        let lists = lists.chain(self.default_acr_values.iter().map(|text| ("default_acr_values", text)));
        let texts = texts.into_iter().filter_map(|(path, text)| Some((path, text.as_ref()?))).chain(lists);
        for (path, text) in texts {
            if text.is_empty() || text.len() > 200 || text.chars().any(char::is_control) {
                problems.push(Problem::new(path, "1 to 200 characters, no control characters"));
            }
        }
        if self.default_max_age.is_some_and(|age| age > 10 * 365 * 86_400) {
            problems.push(Problem::new("default_max_age", "more than ten years"));
        }
    }

    fn redirects(&self, problems: &mut Vec<Problem>) {
        let lists = [
            ("redirect_uris", &self.redirect_uris),
            ("post_logout_redirect_uris", &self.post_logout_redirect_uris),
        ];
        for (path, list) in lists {
            many(problems, path, list.len());
            for uri in list {
                if uri.kind() == Kind::Private && self.application == Application::Web {
                    problems.push(
                        Problem::new(path, format!("`{uri}` has an application's own scheme"))
                            .hint("only native applications have those: `application = \"native\"`"),
                    );
                }
            }
        }
        let redirecting = self.grant_types.contains(&GrantType::AuthorizationCode);
        if redirecting && self.redirect_uris.is_empty() {
            problems.push(
                Problem::new("redirect_uris", "the code flow needs at least one redirect URI")
                    .hint("register where the browser comes back to, or leave out `authorization_code`"),
            );
        }
        if redirecting && self.response_types.is_empty() {
            problems.push(Problem::new("response_types", "the code flow needs the response type `code`"));
        }
    }

    fn grants(&self, problems: &mut Vec<Problem>) {
        if self.grant_types.is_empty() {
            problems.push(Problem::new("grant_types", "a client without a grant type can do nothing"));
        }
        many(problems, "grant_types", self.grant_types.len());
        let gets_refreshed = self
            .grant_types
            .iter()
            .any(|grant| matches!(grant, GrantType::AuthorizationCode | GrantType::DeviceCode));
        if self.grant_types.contains(&GrantType::RefreshToken) && !gets_refreshed {
            problems.push(Problem::new(
                "grant_types",
                "refresh tokens come from `authorization_code` or the device grant, and neither is there",
            ));
        }
        let public = self.authentication == AuthenticationMethod::None;
        if public && self.grant_types.contains(&GrantType::ClientCredentials) {
            problems.push(
                Problem::new("grant_types", "`client_credentials` needs a client that authenticates")
                    .hint("RFC 6749, section 4.4: choose another `authentication` than `none`"),
            );
        }
        if public && !self.require_pkce {
            problems.push(Problem::new("require_pkce", "a public client always uses PKCE"));
        }
    }

    fn proof(&self, problems: &mut Vec<Problem>) {
        if self.jwks.is_some() && self.jwks_uri.is_some() {
            problems
                .push(Problem::new("jwks", "either `jwks` or `jwks_uri`, not both (RFC 7591, section 2)"));
        }
        if let Some(jwks) = &self.jwks {
            let keys = jwks.get("keys").and_then(serde_json::Value::as_array);
            if !keys.is_some_and(|keys| (1..=MOST_KEYS).contains(&keys.len()))
                || jwks.to_string().len() > LARGEST_KEYS
            {
                problems.push(Problem::new(
                    "jwks",
                    format!("a JSON Web Key Set has a member `keys` with 1 to {MOST_KEYS} keys"),
                ));
            }
            let private =
                |key: &serde_json::Value| PRIVATE_MEMBERS.iter().any(|name| key.get(name).is_some());
            if keys.is_some_and(|keys| keys.iter().any(private)) {
                problems.push(
                    Problem::new("jwks", "there is a private or secret key in it")
                        .hint("register public keys only, and replace that one: it is known to others now"),
                );
            }
        }
        let keys = self.jwks.is_some() || self.jwks_uri.is_some();
        let missing = match self.authentication {
            AuthenticationMethod::PrivateKeyJwt => !keys,
            AuthenticationMethod::Tls => self.certificate_subject.is_none(),
            AuthenticationMethod::SelfSignedTls => !keys && self.certificate_thumbprints.is_empty(),
            AuthenticationMethod::None
            | AuthenticationMethod::SecretBasic
            | AuthenticationMethod::SecretPost => false,
        };
        if missing {
            let (path, hint) = match self.authentication {
                AuthenticationMethod::Tls => ("certificate_subject", "what the certificate must say"),
                AuthenticationMethod::SelfSignedTls => ("certificate_thumbprints", "or `jwks` with `x5c`"),
                _ => ("jwks", "its public keys, or `jwks_uri`"),
            };
            let reason = format!("`{}` needs something to check against", self.authentication);
            problems.push(Problem::new(path, reason).hint(hint));
        }
        if let Some(reason) = self.certificate_subject.as_ref().and_then(CertificateSubject::problem) {
            problems.push(Problem::new("certificate_subject", reason));
        }
        many(problems, "certificate_thumbprints", self.certificate_thumbprints.len());
        for thumbprint in &self.certificate_thumbprints {
            if gabion_vault::encoding::base64url_decode_32(thumbprint).is_err() {
                problems.push(
                    Problem::new("certificate_thumbprints", format!("`{thumbprint}` is no thumbprint"))
                        .hint("the SHA-256 of the certificate (DER) in base64url: 43 characters"),
                );
            }
        }
    }

    fn addresses(&self, problems: &mut Vec<Problem>) {
        let fetched =
            [("jwks_uri", &self.jwks_uri), ("backchannel_logout_uri", &self.backchannel_logout_uri)];
        for (path, address) in fetched.into_iter().filter_map(|(path, one)| Some((path, one.as_ref()?))) {
            if !is_fetchable(address) {
                problems.push(
                    Problem::new(path, format!("`{address}` cannot be called"))
                        .hint("an https address without a name, a fragment and spaces; http on loopback"),
                );
            }
        }
        let shown = [
            ("client_uri", &self.client_uri),
            ("logo_uri", &self.logo_uri),
            ("policy_uri", &self.policy_uri),
            ("tos_uri", &self.tos_uri),
        ];
        for (path, address) in shown.into_iter().filter_map(|(path, one)| Some((path, one.as_ref()?))) {
            if !is_shown(address) {
                problems.push(
                    Problem::new(path, format!("`{address}` cannot be linked")).hint("an https address"),
                );
            }
        }
    }
}

fn many(problems: &mut Vec<Problem>, path: &str, count: usize) {
    if count > MOST {
        problems.push(Problem::new(path, format!("at most {MOST} of them, not {count}")));
    }
}

fn is_fetchable(text: &str) -> bool {
    text.parse::<super::RedirectUri>().is_ok_and(|uri| uri.kind() != Kind::Private)
}

fn is_shown(text: &str) -> bool {
    text.parse::<super::RedirectUri>().is_ok_and(|uri| uri.kind() == Kind::Https)
}

/// Of any list.
const MOST: usize = 50;
const MOST_KEYS: usize = 20;
const LARGEST_KEYS: usize = 32 * 1024;
/// Members of a JSON Web Key that only its owner may know (RFC 7518, sections 6.2.2, 6.3.2, 6.4.1).
const PRIVATE_MEMBERS: &[&str] = &["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

#[cfg(test)]
mod tests {
    use super::super::ResponseType;
    use super::*;
    use serde_json::json;

    fn web() -> Metadata {
        Metadata {
            name: "Shop".to_owned(),
            redirect_uris: vec!["https://shop.example/cb".parse().unwrap()],
            ..Metadata::default()
        }
    }

    fn tls(subject: CertificateSubject) -> Metadata {
        let (authentication, certificate_subject) = (AuthenticationMethod::Tls, Some(subject));
        Metadata { authentication, certificate_subject, ..web() }
    }

    fn paths(metadata: &Metadata) -> Vec<String> {
        metadata.problems().into_iter().map(|problem| problem.path).collect()
    }

    #[test]
    fn the_usual_clients_are_fine() {
        let native = Metadata {
            application: Application::Native,
            authentication: AuthenticationMethod::None,
            redirect_uris: vec!["com.example.app:/cb".parse().unwrap(), "http://127.0.0.1/".parse().unwrap()],
            ..web()
        };
        let machine = Metadata {
            redirect_uris: vec![],
            grant_types: vec![GrantType::ClientCredentials],
            response_types: vec![],
            authentication: AuthenticationMethod::Tls,
            certificate_subject: Some(CertificateSubject::SanDns("batch.example".to_owned())),
            ..web()
        };
        let signing = Metadata {
            authentication: AuthenticationMethod::PrivateKeyJwt,
            jwks_uri: Some("https://shop.example/jwks.json".to_owned()),
            ..web()
        };
        for good in [web(), native, machine, signing] {
            assert_eq!(good.problems(), vec![], "{good:?}");
            let text = serde_json::to_string(&good).unwrap();
            assert_eq!(serde_json::from_str::<Metadata>(&text).unwrap(), good);
        }
    }

    #[test]
    fn every_rule_names_its_place() {
        let cases: Vec<(Metadata, &str)> = vec![
            (Metadata { name: " ".to_owned(), ..web() }, "name"),
            (Metadata { name: "a\u{7}".to_owned(), ..web() }, "name"),
            (Metadata { redirect_uris: vec![], ..web() }, "redirect_uris"),
            (
                Metadata { redirect_uris: vec!["com.example.app:/cb".parse().unwrap()], ..web() },
                "redirect_uris",
            ),
            (
                Metadata {
                    redirect_uris: vec!["https://shop.example/cb".parse().unwrap(); MOST + 1],
                    ..web()
                },
                "redirect_uris",
            ),
            (Metadata { grant_types: vec![], ..web() }, "grant_types"),
            (Metadata { grant_types: vec![GrantType::RefreshToken], ..web() }, "grant_types"),
            (
                Metadata {
                    authentication: AuthenticationMethod::None,
                    grant_types: vec![GrantType::ClientCredentials],
                    ..web()
                },
                "grant_types",
            ),
            (
                Metadata { authentication: AuthenticationMethod::None, require_pkce: false, ..web() },
                "require_pkce",
            ),
            (Metadata { response_types: Vec::<ResponseType>::new(), ..web() }, "response_types"),
            (Metadata { scopes: vec!["a b".to_owned()], ..web() }, "scopes"),
            (Metadata { resources: vec!["not absolute".to_owned()], ..web() }, "resources"),
            (Metadata { resources: vec!["https://api.example/#x".to_owned()], ..web() }, "resources"),
            (Metadata { authentication: AuthenticationMethod::PrivateKeyJwt, ..web() }, "jwks"),
            (Metadata { authentication: AuthenticationMethod::Tls, ..web() }, "certificate_subject"),
            (tls(CertificateSubject::Dn("billing".to_owned())), "certificate_subject"),
            (tls(CertificateSubject::SanDns("*.example".to_owned())), "certificate_subject"),
            (tls(CertificateSubject::SanIp("example".to_owned())), "certificate_subject"),
            (Metadata { introspects: vec!["x y".to_owned()], ..web() }, "introspects"),
            (
                Metadata { authentication: AuthenticationMethod::SelfSignedTls, ..web() },
                "certificate_thumbprints",
            ),
            (Metadata { jwks: Some(json!({"keys": []})), ..web() }, "jwks"),
            (Metadata { jwks: Some(json!({"keys": [{"kty": "EC", "d": "private"}]})), ..web() }, "jwks"),
            (Metadata { jwks_uri: Some("http://shop.example/jwks".to_owned()), ..web() }, "jwks_uri"),
            (
                Metadata { backchannel_logout_uri: Some("ftp://shop.example/".to_owned()), ..web() },
                "backchannel_logout_uri",
            ),
            (Metadata { policy_uri: Some("javascript:alert(1)".to_owned()), ..web() }, "policy_uri"),
        ];
        for (metadata, path) in cases {
            assert_eq!(paths(&metadata), [path], "{metadata:?}");
        }
    }

    /// identity.md 2b: the schema has no type for a pattern, so none can be stored or configured.
    #[test]
    fn a_wildcard_cannot_be_written_down() {
        for uri in ["https://*.example.org/cb", "https://shop.example/*", "*", "https://shop.example/cb#*"] {
            let text = json!({"name": "Shop", "redirect_uris": [uri]}).to_string();
            assert!(serde_json::from_str::<Metadata>(&text).is_err(), "{uri}");
        }
    }
}
