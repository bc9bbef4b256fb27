use proptest::prelude::*;

use super::*;
use crate::control::Kind;
use crate::error::{Flaw, Rule};

/// The built-in files, so that a test can spoil one.
fn whole() -> Vec<(String, String)> {
    FILES.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())).collect()
}

fn parse(files: &[(String, String)]) -> Result<Catalogue, CatalogueError> {
    let files: Vec<(&str, &str)> = files.iter().map(|(file, text)| (file.as_str(), text.as_str())).collect();
    Catalogue::parse(&files)
}

/// The flaws after `web.toml` was changed by replacing the first `from` with `to`.
fn spoil(from: &str, to: &str) -> Vec<Flaw> {
    let mut files = whole();
    let (_, text) = files.iter_mut().find(|(file, _)| file == "catalogue/web.toml").unwrap();
    assert!(text.contains(from), "the sample no longer has `{from}`");
    *text = text.replacen(from, to, 1);
    parse(&files).unwrap_err().flaws
}

#[test]
fn the_built_in_catalogue_has_every_control_once_and_in_order() {
    let catalogue = Catalogue::parse(FILES).unwrap_or_else(|error| panic!("{error}"));
    let ids: Vec<ControlId> = catalogue.controls().iter().map(|control| control.id).collect();
    assert_eq!(ids, ControlId::ALL);
    assert_eq!(catalogue.groups().len(), FILES.len());
    assert_eq!(Catalogue::built_in(), &catalogue);
}

#[test]
fn a_flaw_names_file_id_and_rule() {
    assert_eq!(
        spoil("id = \"web.csrf\"", "id = \"web.csfr\"").first().map(ToString::to_string).as_deref(),
        Some("catalogue/web.toml: `web.csfr`: no control has this id; did you mean `web.csrf`?")
    );
    assert_eq!(
        spoil("\"A01\"", "\"A99\"").first().map(ToString::to_string).as_deref(),
        Some("catalogue/web.toml: `web.csrf`: `A99` is not a requirement number of OWASP Top 10:2025")
    );
}

#[test]
fn every_rule_fires() {
    let rules = |from: &str, to: &str| spoil(from, to).into_iter().map(|flaw| flaw.rule).collect::<Vec<_>>();
    assert!(rules("id = \"web.cors\"", "id = \"web.csrf\"").contains(&Rule::Duplicate));
    assert!(rules("id = \"web.cors\"", "id = \"web.csrf\"").contains(&Rule::Missing));
    assert!(rules("id = \"web.csrf\"", "").contains(&Rule::NoId));
    assert!(matches!(
        rules("id = \"web.csrf\"", "id = \"api.errors\"").as_slice(),
        [Rule::WrongFile { .. }, ..]
    ));
    assert!(matches!(rules("title = ", "tilte = ").as_slice(), [Rule::Group(_), ..]));
    assert!(matches!(rules("promise = ", "promises = ").as_slice(), [Rule::Shape(_), ..]));
    assert!(matches!(rules("[group]", "[group").as_slice(), [Rule::Syntax(_), ..]));
}

#[test]
fn an_entry_cannot_claim_what_nothing_does() {
    let entry = |body: &str| {
        let text = format!(
            "[group]\ntitle = \"t\"\nabout = \"a\"\n[[control]]\nid = \"abuse.rate-limits\"\n\
             title = \"t\"\npromise = \"p\"\nwhy = \"w\"\n{body}\n"
        );
        let mut files = whole();
        files.iter_mut().find(|(file, _)| file == "catalogue/abuse.toml").unwrap().1 = text;
        parse(&files)
            .map_or_else(|error| error.flaws.into_iter().map(|flaw| flaw.rule).collect(), |_| Vec::new())
    };
    let met = "[control.requirements]\nowasp = [\"A06\"]";
    assert_eq!(entry(&format!("planned = \"later\"\n{met}")), []);
    assert_eq!(entry(&format!("enforced = \"e\"\nenforced_by = [\"checks.rate\"]\n{met}")), []);
    assert_eq!(entry(&format!("enforced = \"e\"\n{met}")), [Rule::TextWithoutSource]);
    assert_eq!(
        entry(&format!("planned = \"p\"\nread_by = [\"checks.rate\"]\n{met}")),
        [Rule::SourceWithoutText("read_by", "read")]
    );
    assert!(matches!(
        entry(&format!("enforced = \"e\"\nenforced_by = [\"rate\"]\n{met}")).as_slice(),
        [Rule::BadSource { field: "enforced_by", .. }]
    ));
    assert_eq!(entry(met), [Rule::NoEvidence]);
    assert_eq!(entry("planned = \"p\""), [Rule::NoRequirement]);
    assert_eq!(entry(&format!("planned = \"\"\n{met}")), [Rule::EmptyText("planned")]);
}

#[test]
fn what_was_typed_finds_its_control_or_a_neighbour() {
    let catalogue = Catalogue::built_in();
    assert_eq!(catalogue.find("web.csrf").map(|control| control.id), Ok(ControlId::WEB_CSRF));
    let first = |text: &str| catalogue.find(text).unwrap_err().suggestions.first().copied();
    assert_eq!(first("web.crsf"), Some(ControlId::WEB_CSRF));
    assert_eq!(first("csrf"), Some(ControlId::WEB_CSRF));
    assert_eq!(first("session.cookie"), Some(ControlId::SESSION_COOKIES));
    assert_eq!(first("SESSION.COOKIES"), Some(ControlId::SESSION_COOKIES));
    assert_eq!(first("0123456789"), None);
    assert_eq!(first(""), None);
}

#[test]
fn a_requirement_finds_the_controls_that_meet_it() {
    let catalogue = Catalogue::built_in();
    let ids = |framework, number| {
        catalogue.meeting(framework, number).map(|control| control.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(Framework::Asvs, "V3.5.1"), [ControlId::WEB_CSRF]);
    assert!(ids(Framework::Asvs, "V3.3").contains(&ControlId::SESSION_COOKIES));
    assert!(ids(Framework::Owasp, "A04").len() > 10);
    assert!(ids(Framework::Gdpr, "Art. 99").is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_text_makes_the_parser_panic(text in ".{0,400}") {
        let _ = Catalogue::parse(&[("catalogue/web.toml", &text)]);
    }

    #[test]
    fn no_damage_to_a_real_file_makes_the_parser_panic(
        file in 0..FILES.len(), at in any::<prop::sample::Index>(), cut in 0_usize..40, put in "[\\PC\n\"=\\[\\]]{0,6}"
    ) {
        let mut files = whole();
        let chars: Vec<char> = files[file].1.chars().collect();
        let at = at.index(chars.len());
        files[file].1 = chars[..at].iter().copied()
            .chain(put.chars())
            .chain(chars[(at + cut).min(chars.len())..].iter().copied())
            .collect();
        if let Err(error) = parse(&files) {
            prop_assert!(!error.flaws.is_empty());
        }
    }

    #[test]
    fn suggestions_never_panic_and_name_real_controls(text in ".{0,200}") {
        for id in suggest(&text) {
            prop_assert!(Catalogue::built_in().get(id).is_some());
        }
    }
}

#[test]
fn rules_of_a_scan_stand_behind_the_control_they_are_for() {
    let queries = ControlId::ALL.iter().find(|id| id.as_str() == "input.queries").copied().unwrap();
    let rules = [(queries, "sql.injection"), (queries, "nosql.where"), (queries, "sql.injection")];
    let catalogue = Catalogue::built_in().clone().with_rules(rules);
    let control = catalogue.get(queries).unwrap();
    let names: Vec<String> = control.read_by.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["rules/nosql.where", "rules/sql.injection"]);
    assert!(control.has_evidence_source());
    assert!(control.evidence().iter().any(|one| one.kind == Kind::Read && !one.planned));
    // A rule is no switch that is on: nothing is enforced by it.
    assert_eq!(control.enforced_by, []);
    let tested = catalogue.with_tests([(queries, "sql-injection"), (queries, "nosql-injection")]);
    let attacked = &tested.get(queries).unwrap().attacked_by;
    assert_eq!(
        attacked.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["tests/nosql-injection", "tests/sql-injection"]
    );
    let without = Catalogue::built_in().get(queries).unwrap();
    assert!(without.read_by.is_empty() && without.attacked_by.is_empty());
}
