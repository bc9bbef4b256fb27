use proptest::prelude::*;

use super::range::Range;
use super::*;

fn version(ecosystem: Ecosystem, text: &str) -> Version {
    Version::read(ecosystem, text).unwrap_or_else(|| panic!("{text}"))
}

/// Each stands before all behind it.
fn ascending(ecosystem: Ecosystem, texts: &[&str]) {
    let versions: Vec<_> = texts.iter().map(|text| version(ecosystem, text)).collect();
    for (at, one) in versions.iter().enumerate() {
        for other in &versions[at + 1..] {
            assert!(
                one.cmp(other).is_lt() && other.cmp(one).is_gt(),
                "{} < {}",
                one.as_str(),
                other.as_str()
            );
        }
    }
}

fn equal(ecosystem: Ecosystem, pairs: &[(&str, &str)]) {
    for (one, other) in pairs {
        assert_eq!(version(ecosystem, one), version(ecosystem, other), "{one} = {other}");
    }
}

#[test]
fn semantic_versions_follow_their_standard() {
    // Semantic Versioning 2.0.0 §11.
    let labels = ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2"];
    ascending(Ecosystem::Npm, &[&labels[..], &["1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "2.0.0"]].concat());
    ascending(Ecosystem::Cargo, &["0.9.9", "1.0.0", "2.0.0", "2.1.0", "2.1.1", "99999999999999999999.0.0"]);
    equal(
        Ecosystem::Npm,
        &[("v1.2.3", "1.2.3"), ("1.2.3+a", "1.2.3+b"), ("=1.2.3", "1.2.3"), ("1.2", "1.2.0")],
    );
    for wrong in ["", "1.2.3.4", "a.b.c", "^1.2.3", "latest", "git+ssh://x", "1.2.3-", "1.2.3-a..b"] {
        assert!(Version::read(Ecosystem::Npm, wrong).is_none(), "{wrong}");
    }
}

#[test]
fn versions_of_go_know_pseudo_versions() {
    let pseudo = ["v0.0.0-20190101000000-abcdefabcdef", "v0.0.0-20210101000000-000000000000", "v0.1.0"];
    ascending(
        Ecosystem::Go,
        &[&pseudo[..], &["v1.2.3-pre.0.20200101000000-abcdefabcdef", "v1.2.3"]].concat(),
    );
    ascending(Ecosystem::Go, &["v1.2.3", "v1.2.4-0.20200101000000-abcdefabcdef", "v1.2.4"]);
    equal(Ecosystem::Go, &[("v2.0.0+incompatible", "2.0.0")]);
}

#[test]
fn versions_of_python_follow_pep_440() {
    // PEP 440, "Summary of permitted suffixes and relative ordering".
    let before = ["1.dev0", "1.0.dev456", "1.0a1", "1.0a2.dev456", "1.0a12.dev456", "1.0a12", "1.0b1.dev456"];
    let after = ["1.0b2", "1.0b2.post345.dev456", "1.0b2.post345", "1.0rc1.dev456", "1.0rc1", "1.0"];
    let local =
        ["1.0+abc.5", "1.0+abc.7", "1.0+5", "1.0.post456.dev34", "1.0.post456", "1.0.15", "1.1.dev1", "1!0"];
    ascending(Ecosystem::PyPi, &[&before[..], &after[..], &local[..]].concat());
    equal(
        Ecosystem::PyPi,
        &[("1.0", "1.0.0"), ("1.0-ALPHA1", "1.0a1"), ("v1.0", "1"), ("1.0-r4", "1.0.post4")],
    );
}

#[test]
fn versions_of_maven_follow_comparable_version() {
    // Vectors of Maven's ComparableVersionTest.
    let qualifiers =
        ["1-alpha2snapshot", "1-alpha2", "1-alpha-123", "1-beta-2", "1-beta123", "1-m2", "1-m11"];
    let last = ["1-rc", "1-cr2", "1-rc123", "1-snapshot", "1", "1-sp", "1-sp2", "1-sp123", "1-abc", "1-def"];
    let numbered = ["1-pom-1", "1-1-snapshot", "1-1", "1-2", "1-123"];
    ascending(Ecosystem::Maven, &[&qualifiers[..], &last[..], &numbered[..]].concat());
    ascending(
        Ecosystem::Maven,
        &["2.0", "2.0.a", "2-1", "2.0.2", "2.0.123", "2.1.0", "2.1-a", "2.1b", "2.1-c"],
    );
    ascending(
        Ecosystem::Maven,
        &["2.1-1", "2.1.0.1", "2.2", "2.123", "11.a2", "11.a11", "11.b2", "11.b11", "11"],
    );
    equal(
        Ecosystem::Maven,
        &[("1", "1.0"), ("1", "1-ga"), ("1", "1.final"), ("1.0.0", "1-0"), ("1x", "1.0.0-x"), ("1a", "1-a")],
    );
    equal(
        Ecosystem::Maven,
        &[("1-cr1", "1-rc1"), ("1a1", "1-alpha-1"), ("1M2", "1-milestone-2"), ("1.x", "1-x")],
    );
    ascending(Ecosystem::Maven, &["2.13.4", "2.13.4.1", "2.13.4.2", "2.14.0-rc1", "2.14.0"]);
    ascending(Ecosystem::Maven, &["5.3.18.RELEASE-x", "5.3.20.RELEASE"]);
}

#[test]
fn versions_of_ruby_follow_gem_version() {
    // Documentation of Gem::Version.
    ascending(
        Ecosystem::RubyGems,
        &["0.9", "1.0.a1", "1.0.a.2", "1.0.b1", "1.0", "1.0.1", "1.10", "2.0.a", "2"],
    );
    ascending(Ecosystem::RubyGems, &["1.0.0-rc1", "1.0.0", "6.1.7.9", "6.1.7.10"]);
    equal(Ecosystem::RubyGems, &[("1", "1.0.0"), ("1.0.0.pre.x", "1-x"), ("1.a1.0", "1.a.1")]);
    for wrong in ["a", "1..2", "-1", "1 2", ">= 1"] {
        assert!(Version::read(Ecosystem::RubyGems, wrong).is_none(), "{wrong}");
    }
}

#[test]
fn versions_of_php_follow_composer() {
    let early = ["1.0.0-dev", "1.0.0-alpha1", "1.0-alpha.2", "1.0.0-beta2", "1.0.0-RC1-dev", "1.0.0-RC1"];
    ascending(
        Ecosystem::Composer,
        &[&early[..], &["v1.0.0", "1.0.0-patch1", "1.0.0-pl2", "1.0.1", "2.0"]].concat(),
    );
    equal(Ecosystem::Composer, &[("1.0", "1.0.0.0"), ("1.0.0-b1", "1.0.0-beta1"), ("1.0+x", "1")]);
    for wrong in ["dev-main", "1.x-dev", "main", "1.0.0-foo", "^1"] {
        assert!(Version::read(Ecosystem::Composer, wrong).is_none(), "{wrong}");
    }
}

#[test]
fn versions_of_nuget_have_four_numbers() {
    ascending(Ecosystem::NuGet, &["1.0.0-alpha", "1.0.0-Beta", "1.0.0-rc", "1.0.0", "1.0.0.1", "1.0.1"]);
    equal(Ecosystem::NuGet, &[("1.0", "1.0.0.0"), ("1.0.0-BETA", "1.0.0-beta"), ("1.01.1", "1.1.1")]);
}

#[test]
fn ranges_of_npm_hold_what_npm_installs() {
    // Documentation of node-semver: ranges and their versions within and without.
    let cases: &[(&str, &[&str], &[&str])] = &[
        ("^1.2.3", &["1.2.3", "1.9.9"], &["2.0.0", "1.2.2", "2.0.0-rc", "1.5.0-beta"]),
        ("^0.2.3", &["0.2.3", "0.2.9"], &["0.3.0", "1.0.0"]),
        ("^0.0.3", &["0.0.3"], &["0.0.4"]),
        ("^0.0", &["0.0.9"], &["0.1.0"]),
        ("^1.x", &["1.0.0", "1.9.0"], &["2.0.0"]),
        ("~1.2.3", &["1.2.3", "1.2.9"], &["1.3.0"]),
        ("~1", &["1.9.0"], &["2.0.0"]),
        ("1.2.x", &["1.2.0", "1.2.8"], &["1.3.0"]),
        ("1.2.3 - 2.3", &["1.2.3", "2.3.9"], &["2.4.0", "1.2.2"]),
        (">=1.2.7 <1.3.0", &["1.2.8"], &["1.3.0", "1.2.6"]),
        (">= 1.2.7", &["1.2.7", "9.0.0"], &["1.2.6"]),
        ("<1 || >=3", &["0.9.0", "3.0.0"], &["1.0.0", "2.0.0"]),
        (">1.2", &["1.3.0"], &["1.2.9"]),
        (">1.2.3-alpha.3", &["1.2.3-alpha.7", "3.4.5"], &["3.4.5-alpha.9"]),
        ("*", &["1.0.0"], &["1.0.0-rc"]),
        ("1.2.3", &["1.2.3", "v1.2.3"], &["1.2.4"]),
    ];
    for (range, within, without) in cases {
        let read = Range::npm(range).unwrap();
        for text in *within {
            assert!(read.holds(&version(Ecosystem::Npm, text)), "{text} in {range}");
        }
        for text in *without {
            assert!(!read.holds(&version(Ecosystem::Npm, text)), "{text} not in {range}");
        }
    }
    for open in ["*", "", "x", ">=0", ">=0.0.0", "^1 || *"] {
        assert!(Range::npm(open).unwrap().is_anything(), "{open}");
    }
    for bounded in ["^0", "1", "<2", ">=1"] {
        assert!(!Range::npm(bounded).unwrap().is_anything(), "{bounded}");
    }
    for wrong in ["latest", "git+https://a", "file:../x", "workspace:*", "npm:a@1", "1.2.3.4", ">"] {
        assert!(Range::npm(wrong).is_none(), "{wrong}");
    }
}

/// `npm_ranges.tsv` is what `semver` of npm says: versions in the first line, then ranges with those that satisfy them.
#[test]
fn ranges_of_npm_hold_what_its_own_program_holds() {
    let mut lines = include_str!("../../tests/versions/npm_ranges.tsv").lines();
    let versions: Vec<&str> = lines.next().unwrap().split('\t').collect();
    let mut wrong = Vec::new();
    for line in lines {
        let mut cells = line.split('\t');
        let text = cells.next().unwrap();
        let expected: Vec<&str> = cells.collect();
        let Some(range) = Range::npm(text) else {
            wrong.push(format!("`{text}` is not read"));
            continue;
        };
        for one in &versions {
            if range.holds(&version(Ecosystem::Npm, one)) != expected.contains(one) {
                wrong.push(format!("`{text}` {one}: {}", expected.contains(one)));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn ranges_of_cargo_take_a_bare_version_for_a_caret() {
    let holds = |range, text| Range::cargo(range).unwrap().holds(&version(Ecosystem::Cargo, text));
    assert!(holds("1.2", "1.9.0") && !holds("1.2", "2.0.0") && !holds("=1.2.3", "1.2.4"));
    assert!(
        holds(">=1, <3", "2.5.0")
            && !holds(">=1, <3", "3.0.0")
            && holds("1.*", "1.7.0")
            && holds("0", "0.9.0")
    );
}

fn written(ecosystem: Ecosystem) -> &'static str {
    match ecosystem {
        Ecosystem::Maven => "[0-3](\\.[0-3]){0,3}([.-](alpha|beta|rc|SNAPSHOT|sp|final|jre|x)(-?[0-2])?)?",
        Ecosystem::PyPi => "[0-3](\\.[0-3]){0,3}((a|b|rc)[0-2])?(\\.post[0-2])?(\\.dev[0-2])?",
        Ecosystem::RubyGems => "[0-3](\\.[0-3]){0,3}(\\.(a|b|rc|pre)[0-2]?){0,2}",
        Ecosystem::Composer => "v?[0-3](\\.[0-3]){0,3}(-(dev|alpha[0-2]|beta|RC[0-2]|p1))?",
        Ecosystem::NuGet => "[0-3](\\.[0-3]){0,3}(-(a|B|1)(\\.[0-2a]){0,2})?",
        _ => "v?[0-3](\\.[0-3]){2}(-(a|b|1)(\\.[0-2a]){0,2})?(\\+x)?",
    }
}

proptest! {
    #[test]
    fn every_ecosystem_has_a_total_order(
        (ecosystem, texts) in proptest::sample::select(Ecosystem::ALL)
            .prop_flat_map(|ecosystem| (Just(ecosystem), proptest::collection::vec(written(ecosystem), 3)))
    ) {
        let [one, two, three] = [0, 1, 2].map(|at| version(ecosystem, &texts[at]));
        prop_assert_eq!(one.cmp(&two), two.cmp(&one).reverse());
        prop_assert!(one.cmp(&one).is_eq());
        if one <= two && two <= three {
            prop_assert!(one <= three, "{} {} {}", texts[0], texts[1], texts[2]);
        }
    }

    #[test]
    fn no_text_makes_reading_panic(text in ".{0,300}", at in 0_usize..8) {
        let ecosystem = Ecosystem::ALL[at];
        if let Some(version) = Version::read(ecosystem, &text) {
            prop_assert!(version.cmp(&version.clone()).is_eq());
        }
        let _ = Range::npm(&text);
        let _ = Range::cargo(&text);
    }
}
