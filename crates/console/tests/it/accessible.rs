//! What everybody needs to use the pages (WCAG 2.2 AA), as far as a program can see it.

use std::collections::{BTreeMap, BTreeSet};

use gabion_service::Caller;

use crate::second_factor::App;
use crate::site::{Answer, PASSWORD, Site};

const CSS: &str = include_str!("../../../../web/css/gabion.css");

/// Pages of every template, in every state.
async fn pages(site: &Site) -> Vec<(&'static str, Answer)> {
    site.person("ada").await;
    let link = site.service.first_administrator_link(&Caller::gate()).await.unwrap().unwrap();
    let token = link.token.expose().as_str();
    let (mut stranger, mut ada) = (site.browser(), site.browser());
    ada.sign_in("ada").await;
    site.browser().sign_in("ada").await;
    let weak = [("token", token), ("password", "x"), ("repeat", "x")];
    let change = [("current", PASSWORD), ("password", "x"), ("repeat", "x")];
    let wrong = [("current", "x"), ("password", "gravel under every wheel")];
    let federated = crate::federation::site();
    federated.person("ada").await;
    let mut linking = federated.browser();
    linking.sign_in("ada").await;
    let mut factors = factor_pages(site).await;
    site.outbox.take();
    ada.post("/.gabion/account/email", &[("email", "ada@example.org")]).await.location();
    let [consent, select, back, form_post] = crate::oauth::pages(site, &mut ada).await;
    let mut pages = vec![
        ("applications", ada.get("/.gabion/account/applications").await),
        ("forgot", stranger.get("/.gabion/forgot").await),
        ("forgotten", stranger.post("/.gabion/forgot", &[("name", "ada")]).await),
        ("address", ada.get("/.gabion/account/email").await),
        ("no address", ada.post("/.gabion/account/email", &[("email", "ada")]).await),
        ("address sent", ada.get("/.gabion/account/email?notice=link-sent").await),
        ("address link", stranger.get(&site.outbox.link().await).await),
        ("consent", consent),
        ("select account", select),
        ("return", back),
        ("form post", form_post),
        ("login", stranger.get("/.gabion/login").await),
        ("login with others", federated.browser().get("/.gabion/login").await),
        ("identities", linking.get("/.gabion/account/identities").await),
        ("notice", stranger.get("/.gabion/login?notice=password-set").await),
        ("rejected", stranger.post("/.gabion/login", &[("name", "ada"), ("password", "x")]).await),
        ("malformed", stranger.post("/.gabion/login", &[]).await),
        ("signed out", stranger.get("/.gabion/logout").await),
        ("welcome", stranger.get(link.path().expose()).await),
        ("weak", stranger.post("/.gabion/welcome", &weak).await),
        ("used", stranger.get("/.gabion/welcome").await),
        ("missing", stranger.get("/.gabion/nowhere").await),
        ("sign out", ada.get("/.gabion/logout").await),
        ("account", ada.get("/.gabion/account?notice=session-revoked").await),
        ("password", ada.get("/.gabion/account/password").await),
        ("weak change", ada.post("/.gabion/account/password", &change).await),
        ("wrong change", ada.post("/.gabion/account/password", &wrong).await),
    ];
    pages.append(&mut factors);
    pages.append(&mut crate::account_pages::pages(site, &mut ada).await);
    pages
}

/// The pages of second factors, in every state.
async fn factor_pages(site: &Site) -> Vec<(&'static str, Answer)> {
    site.person("eva").await;
    let (mut eva, mut again) = (site.browser(), site.browser());
    eva.sign_in("eva").await;
    let mut pages = vec![
        ("security, empty", eva.get(SECURITY).await),
        ("passkey", eva.get("/.gabion/account/security/passkey").await),
        ("passkey, wrong", eva.post("/.gabion/account/security/passkey", &[("answer", "{}")]).await),
        ("app", eva.get("/.gabion/account/security/totp").await),
    ];
    let app = App::of(&pages[3].1);
    pages.push(("app, wrong", app.confirm(&mut eva, "000000").await));
    pages.push(("codes", app.confirm(&mut eva, &app.code(site)).await));
    pages.push(("security", eva.get("/.gabion/account/security?notice=factor-added").await));
    pages.push(("new codes", eva.get("/.gabion/account/security/recovery-codes").await));
    let factor = values(&pages[6].1.body, "href=\"/.gabion/account/security/factors/").next().unwrap();
    let factor = eva.get(&format!("/.gabion/account/security/factors/{factor}")).await;
    pages.push(("factor", factor));
    let form = [("name", "eva"), ("password", PASSWORD)];
    assert_eq!(again.post("/.gabion/login", &form).await.location(), "/.gabion/login/second-factor");
    pages.push(("second step", again.get("/.gabion/login/second-factor").await));
    for factor in ["totp", "recovery-code"] {
        let wrong = [("factor", factor), ("code", "0")];
        pages.push(("second step, wrong", again.post("/.gabion/login/second-factor", &wrong).await));
    }
    pages.push(("sign in again", eva.get("/.gabion/login?fresh=1").await));
    let wanted = [("name", "ada"), ("password", PASSWORD), ("acr", "urn:gabion:acr:2fa")];
    assert_eq!(again.post("/.gabion/login", &wanted).await.location(), "/.gabion/login/enrol");
    pages.push(("enrol", again.get("/.gabion/login/enrol").await));
    pages
}

const SECURITY: &str = "/.gabion/account/security";

#[tokio::test]
async fn structure_and_names() {
    let site = Site::new();
    for (what, answer) in pages(&site).await {
        let page = &answer.body;
        let count = |tag: &str| page.matches(tag).count();
        assert!(page.starts_with("<!doctype html>\n<html lang=\"en\">"), "{what}");
        assert_eq!((count("<h1>"), count("<main "), count("<title>")), (1, 1, 1), "{what}");
        assert!(page.contains("<a class=\"skip\" href=\"#content\">"), "{what}");

        let ids: Vec<_> = values(page, " id=\"").collect();
        let unique: BTreeSet<_> = ids.iter().collect();
        assert_eq!(ids.len(), unique.len(), "{what}: an id stands twice in {ids:?}");
        let references = ["aria-describedby=\"", "aria-labelledby=\"", "for=\""]
            .iter()
            .flat_map(|name| values(page, name));
        for reference in references.flat_map(str::split_whitespace) {
            assert!(unique.contains(&reference), "{what}: nothing has the id `{reference}`");
        }
        let fields = ["<input", "<select", "<textarea"].iter().flat_map(|tag| tags(page, tag));
        for input in fields.filter(|input| !input.contains("hidden")) {
            let id = values(input, " id=\"").next().expect("a field has an id");
            assert!(page.contains(&format!("<label for=\"{id}\">")), "{what}: `{id}` has no label");
            assert!(input.contains("autocomplete=\""), "{what}: `{id}` does not help password managers");
        }
        for svg in tags(page, "<svg ") {
            assert!(svg.contains("aria-hidden=\"true\""), "{what}");
        }
        let has_error = answer.status.is_client_error() && page.contains("<form");
        assert_eq!(page.contains("role=\"alert\""), has_error, "{what}: errors are announced");
        assert_eq!(page.contains("<title>Error: "), has_error, "{what}: errors stand in the title");
    }
}

/// Every class a page uses is in the sheet, and the sheet has none that no page uses.
#[tokio::test]
async fn sheet_and_pages_fit_together() {
    let site = Site::new();
    let mut used = BTreeSet::new();
    for (_, answer) in pages(&site).await {
        used.extend(values(&answer.body, "class=\"").flat_map(str::split_whitespace).map(str::to_owned));
    }
    let selectors = CSS.split('}').filter_map(|rule| rule.rsplit_once('{')).map(|(selector, _)| selector);
    let names = selectors.flat_map(|selector| selector.split('.').skip(1)).filter_map(|name| {
        let name = name.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-').next()?;
        name.starts_with(|first: char| first.is_ascii_lowercase()).then(|| name.to_owned())
    });
    assert_eq!(names.collect::<BTreeSet<_>>(), used);
}

/// WCAG 2.2, 1.4.3 and 1.4.11, in light and dark.
#[test]
fn contrast() {
    let dark = CSS.split("@media (prefers-color-scheme: dark)").nth(1).unwrap();
    for (theme, css) in [("light", CSS), ("dark", dark)] {
        let colours = colours(css);
        let mut pairs = vec![("accent-ink", "accent", 4.5), ("accent-ink", "accent-strong", 4.5)];
        for surface in ["ground", "card"] {
            pairs.extend(["ink", "ink-soft", "accent", "danger"].map(|text| (text, surface, 4.5)));
            pairs.push(("line-strong", surface, 3.0));
        }
        for wash in ["danger-wash", "accent-wash"] {
            pairs.push(("ink", wash, 4.5));
        }
        pairs.extend([("danger", "danger-wash", 4.5), ("accent-strong", "accent-wash", 4.5)]);
        for (text, surface, least) in pairs {
            let ratio = ratio(colours[text], colours[surface]);
            assert!(ratio >= least, "{theme}: {text} on {surface} is {ratio:.2}, below {least}");
        }
    }
}

/// The first block of custom properties.
fn colours(css: &str) -> BTreeMap<&str, [f64; 3]> {
    let block = css.split(":root {").nth(1).unwrap().split('}').next().unwrap();
    let lines = block.lines().filter_map(|line| line.trim().strip_prefix("--")?.split_once(": #"));
    lines
        .map(|(name, value)| {
            let value = u32::from_str_radix(value.trim_end_matches(';'), 16).unwrap();
            (name, [value >> 16, value >> 8, value].map(|part| f64::from(part & 255) / 255.0))
        })
        .collect()
}

fn ratio(one: [f64; 3], other: [f64; 3]) -> f64 {
    let luminance = |colour: [f64; 3]| {
        let [red, green, blue] = colour
            .map(|part| if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) });
        0.2126f64.mul_add(red, 0.7152f64.mul_add(green, 0.0722 * blue))
    };
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

fn tags<'a>(page: &'a str, start: &'a str) -> impl Iterator<Item = &'a str> {
    page.split(start).skip(1).filter_map(|rest| rest.split('>').next())
}

fn values<'a>(page: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    page.split(name).skip(1).filter_map(|rest| rest.split('"').next())
}
