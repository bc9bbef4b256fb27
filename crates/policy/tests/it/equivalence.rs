//! The slices, what is read and what is remembered change no answer: over random policies, entities and requests the
//! engine says what plain Cedar says.

use gabion_model::Acr;
use gabion_policy::SubjectKind;
use proptest::prelude::*;

use crate::plain::{Asked, agree, compile};

const CONDITIONS: &[&str] = &[
    "principal.id == \"u1\"",
    "principal.roles.contains(\"r1\")",
    "principal has tenant && principal.tenant == Tenant::\"t1\"",
    "principal has profile && principal.profile has department && principal.profile.department like \"s*\"",
    "principal has profile.department && principal.profile.department == \"sales\"",
    "principal in [Role::\"r0\", Group::\"g1\"]",
    "principal in Group::\"g0\"",
    "[principal].contains(User::\"u0\")",
    "{ who: principal }.who.name == \"u1\"",
    "(if context.secure then principal else User::\"u0\").name == \"u1\"",
    "context.acr >= 2",
    "context has ip && context.ip.isInRange(ip(\"10.0.0.0/8\"))",
    "context has ip && context.ip == ip(\"10.0.0.1\")",
    "context.secure",
    "context.scopes.contains(\"orders\")",
    "context.credential == \"bearer\"",
    "context.acr + 9223372036854775805 > 0",
    "context.acr * 4611686018427387904 >= 0",
];

const OF_DOCUMENTS: &[&str] = &[
    "resource.owner == principal",
    "resource.owner in Group::\"g0\"",
    "resource.owner.name == \"u1\"",
    "resource.owner has profile && resource.owner.profile has department",
    "resource.owner has profile.department",
    "resource has tenant && principal has tenant && resource.tenant == principal.tenant",
    "resource.level < context.acr",
    "resource.level + 9223372036854775806 > 0",
    "resource has tags && resource.tags.contains(\"secret\")",
    "resource.hasTag(\"k\") && resource.getTag(\"k\") == \"v\"",
    "resource in Folder::\"root\"",
    "resource has folder && resource.folder has label && resource.folder.label == \"red\"",
    "resource has folder && resource.folder in Folder::\"sub\"",
    "resource has folder && resource.folder has keeper && resource.folder.keeper == principal",
    "resource has folder && resource.folder has keeper && resource.folder.keeper.name == principal.name",
    "Folder::\"root\" has label && Folder::\"root\".label == \"red\"",
    "resource == Document::\"d1\"",
];

/// A policy, and whether it is one the validator may refuse.
fn policy() -> impl Strategy<Value = String> {
    let principal = prop::sample::select(vec![
        "principal",
        "principal is User",
        "principal is ServiceAccount",
        "principal == User::\"u0\"",
        "principal == User::\"u1\"",
        "principal in Role::\"r0\"",
        "principal in Role::\"r1\"",
        "principal in Group::\"g0\"",
        "principal in Group::\"g1\"",
        "principal in Tenant::\"t1\"",
        "principal is User in Role::\"r1\"",
        "principal in User::\"u0\"",
    ]);
    let action = prop::sample::select(vec![
        "action == Action::\"see\"",
        "action in Action::\"any\"",
        "action in [Action::\"see\", Action::\"edit\"]",
        "action in Action::\"read\"",
        "action == Action::\"edit\"",
    ]);
    let resource = prop::sample::select(vec![
        "resource is Document",
        "resource == Document::\"d0\"",
        "resource == Document::\"d1\"",
        "resource is Document in Folder::\"root\"",
        "resource is Document in Tenant::\"t1\"",
        "resource is Document in Folder::\"leaf\"",
    ]);
    let conditions = prop::collection::vec(
        (
            any::<bool>(),
            prop_oneof![prop::sample::select(CONDITIONS), prop::sample::select(OF_DOCUMENTS)],
            any::<bool>(),
        ),
        0..3,
    );
    let of_documents = (any::<bool>(), principal.clone(), action, resource, conditions).prop_map(
        |(permit, principal, action, resource, conditions)| {
            let mut text =
                format!("{}({principal}, {action}, {resource})", if permit { "permit" } else { "forbid" });
            for (when, condition, negated) in conditions {
                let condition = if negated { format!("!({condition})") } else { condition.to_owned() };
                text.push_str(&format!(" {} {{ {condition} }}", if when { "when" } else { "unless" }));
            }
            text + ";"
        },
    );
    let plain = (
        any::<bool>(),
        principal,
        prop::sample::select(vec![
            "action, resource",
            "action == Action::\"see\", resource is Folder",
            "action == Action::\"see\", resource in Folder::\"sub\"",
            "action == Action::\"edit\", resource is User",
            "action == Action::\"edit\", resource in Role::\"r1\"",
            "action == Action::\"edit\", resource == User::\"u1\"",
        ]),
    )
        .prop_map(|(permit, principal, rest)| {
            format!("{}({principal}, {rest});", if permit { "permit" } else { "forbid" })
        });
    prop_oneof![4 => of_documents, 1 => plain]
}

fn asked() -> impl Strategy<Value = Asked> {
    let principal = (
        prop::sample::select(vec![
            SubjectKind::User,
            SubjectKind::User,
            SubjectKind::ServiceAccount,
            SubjectKind::Anonymous,
        ]),
        prop::sample::select(vec!["u0", "u1", "u2"]),
        prop::option::of(prop::sample::select(vec!["t0", "t1"])),
        prop::sample::subsequence(vec!["r0", "r1", "r2"], 0..3),
        prop::sample::subsequence(vec!["g0", "g1", "g2"], 0..2),
        prop::option::of(prop::sample::select(vec!["sales", "it"])),
    );
    let resource = (
        prop::sample::select(vec![
            ("Document", "d0"),
            ("Document", "d1"),
            ("Document", "d2"),
            ("Folder", "sub"),
            ("Folder", "new"),
            ("User", "u0"),
            ("User", "u1"),
        ]),
        prop::sample::subsequence(vec![("Folder", "root"), ("Folder", "leaf"), ("Tenant", "t1")], 0..2),
        prop::sample::select(vec!["u0", "u1"]),
        prop::option::of(prop::sample::select(vec!["root", "sub", "leaf"])),
        prop::option::of(prop::sample::select(vec!["t0", "t1"])),
        prop::option::of(any::<bool>()),
        prop::sample::select(vec![0_i64, 1, 2]),
        prop::option::of(prop::sample::select(vec!["v", "w"])),
    );
    let context = (
        prop::option::of(prop::sample::select(vec!["10.0.0.1", "10.0.0.2", "192.0.2.1"])),
        prop::option::of(prop::sample::select(vec![Acr::OneFactor, Acr::TwoFactors])),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    );
    (principal, prop::sample::select(vec!["see", "edit"]), resource, context).prop_map(|(p, action, r, c)| {
        Asked {
            kind: p.0,
            id: p.1.to_owned(),
            tenant: p.2,
            roles: p.3,
            groups: p.4,
            department: p.5,
            action,
            resource: r.0,
            parents: r.1,
            owner: r.2,
            folder: r.3,
            of_tenant: r.4,
            secret: r.5,
            level: r.6,
            tag: r.7,
            ip: c.0,
            acr: c.1,
            secure: c.2,
            scope: c.3,
            bearer: c.4,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn slices_and_memory_change_no_answer(
        texts in prop::collection::vec(policy(), 1..12),
        questions in prop::collection::vec(asked(), 1..40),
    ) {
        // What the validator refuses alone does not take part.
        let takes_part = |text: &String| compile(std::slice::from_ref(text)).is_some();
        let texts: Vec<String> = texts.into_iter().filter(takes_part).collect();
        agree(&texts, &questions);
    }
}
