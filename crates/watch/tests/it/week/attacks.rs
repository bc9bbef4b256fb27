//! What attackers do in the measured week, and which rules are to ring.

use gabion_model::{Actor, ControlId, Outcome};

use super::events::{DAY, From, HOUR, MINUTE, Stream, Usage, Why, account};
use super::world::{MONDAY, World};

pub(crate) struct Attack {
    pub(crate) name: &'static str,
    /// Each of these rings; others may.
    pub(crate) rules: &'static [&'static str],
    pub(crate) script: fn(&mut Stream, &World),
}

/// Day and hour of the measured week.
const fn at(day: i64, hour: i64) -> i64 {
    MONDAY + (14 + day) * DAY + hour * HOUR
}

/// An attacker's machine: each attack has a network of its own.
const fn bad(network: u8) -> From<'static> {
    From { address: [45, 9, network, 66], agent: "python-httpx/0.28" }
}

/// The machines of others that do what they are told.
fn zombie(number: u64) -> From<'static> {
    From {
        address: [5, (number / 250) as u8, (number % 250) as u8, 9],
        agent: "Mozilla/5.0 (Windows NT 10.0) Chrome/120.0",
    }
}

const fn attack(
    name: &'static str,
    rules: &'static [&'static str],
    script: fn(&mut Stream, &World),
) -> Attack {
    Attack { name, rules, script }
}

pub(crate) fn all() -> Vec<Attack> {
    vec![
        attack(
            "credential stuffing, fast",
            &["credential-stuffing", "credential-stuffing-succeeded"],
            |stream, world| {
                for number in 0..5 {
                    stream.unknown_name(at(0, 9) + number * 3, bad(1));
                }
                stream.throttled(at(0, 9) + 20, 40, bad(1));
                let From { agent, .. } = bad(1);
                stream.signed_in(
                    at(0, 9) + 60,
                    &world.people[210].name,
                    From { address: [45, 9, 1, 67], agent },
                );
            },
        ),
        attack(
            "credential stuffing, slow and from everywhere",
            &["sign-in-failures-unusual"],
            |stream, _| {
                for number in 0..150 {
                    stream.unknown_name(at(1, 2) + number * 20, zombie(number as u64));
                }
            },
        ),
        attack(
            "credential stuffing from many networks at once",
            &["credential-stuffing-distributed"],
            |stream, _| {
                for number in 0..60 {
                    stream.unknown_name(at(2, 4) + number * 9, zombie(300 + number as u64));
                }
            },
        ),
        attack("password spraying from one network", &["password-spraying"], |stream, world| {
            for number in 0..20 {
                let from = From { address: [45, 9, 4, number], agent: "curl/8.5" };
                stream.wrong_password(
                    at(0, 22) + i64::from(number) * 60,
                    &world.people[100 + usize::from(number)].name,
                    from,
                );
            }
        }),
        attack("password spraying from everywhere", &["sign-in-failures-unusual"], |stream, world| {
            for number in 0..300 {
                stream.wrong_password(
                    at(5, 3) + number * 11,
                    &world.people[number as usize].name,
                    zombie(600 + number as u64),
                );
            }
        }),
        attack(
            "brute force on one account, which opens",
            &["brute-force-account", "guessed-password", "account-taken-over"],
            |stream, world| {
                let victim = &world.people[620].name;
                for number in 0..5 {
                    stream.wrong_password(at(1, 20) + number * 30, victim, bad(6));
                }
                stream.signed_in(at(1, 20) + 20 * MINUTE, victim, bad(6));
                stream.act(
                    at(1, 20) + 25 * MINUTE,
                    victim,
                    ("account.change-password", ControlId::AUTHN_PASSWORD_POLICY),
                    victim,
                    &[],
                    bad(6),
                );
            },
        ),
        attack(
            "brute force on one account from many networks",
            &["brute-force-distributed"],
            |stream, world| {
                for number in 0..12 {
                    stream.wrong_password(
                        at(3, 1) + number * 100,
                        &world.people[630].name,
                        zombie(1_000 + number as u64),
                    );
                }
            },
        ),
        attack("guessing in spite of the throttle", &["brute-force-address"], |stream, _| {
            stream.throttled(at(3, 5), 400, bad(8));
        }),
        attack("a stolen cookie", &["session-elsewhere"], |stream, world| {
            stream.moved(at(2, 11), &world.people[50].name, false, bad(9));
        }),
        attack("a session shared by many machines", &["session-everywhere"], |stream, world| {
            for number in 0..8 {
                stream.moved(
                    at(4, 3) + number * 60,
                    &world.people[60].name,
                    true,
                    zombie(1_100 + number as u64),
                );
            }
        }),
        attack("a refresh token used twice", &["grant-reused"], |stream, _| {
            stream.grant_ended(at(2, 15), "id-person-70", "shop", bad(11));
        }),
        attack("somebody makes themselves administrator", &["administrator-made"], |stream, world| {
            let (who, from) = (&world.people[3], bad(12));
            stream.act(
                at(6, 4),
                &who.name,
                ("account.edit", ControlId::AUTHZ_ADMIN_SURFACE),
                "person-77",
                &[("roles", "administrator member")],
                from,
            );
        }),
        attack("administration at night", &["administration-odd-hour"], |stream, world| {
            let who = &world.people[2];
            let from = From { address: who.desk, agent: "Mozilla/5.0 (X11; Linux x86_64)" };
            for number in 0..5 {
                stream.act(
                    at(3, 3) + number * 60,
                    &who.name,
                    ("api-key.create", ControlId::TOKEN_API_KEYS),
                    "shop",
                    &[],
                    from,
                );
            }
        }),
        attack("a helpdesk that was talked into it", &["factors-taken-entered"], |stream, world| {
            let (helper, victim) = (&world.people[1], &world.people[90]);
            let from = From { address: helper.desk, agent: "Mozilla/5.0 (X11; Linux x86_64)" };
            stream.act(
                at(3, 13),
                &helper.name,
                ("account.reset-factors", ControlId::AUTHN_RECOVERY_CODES),
                &victim.name,
                &[],
                from,
            );
            stream.signed_in(at(3, 13) + 10 * MINUTE, &victim.name, bad(14));
        }),
        attack("one account reads everything", &["mass-read"], |stream, world| {
            let who = &world.people[110].name;
            let usage = Usage { requests: 1_600, distinct: 1_300, bytes: 30_000_000, failed: 0 };
            stream.counted(at(2, 14), Some((who, false)), "/orders/*", "open", usage);
        }),
        attack("one account takes everything out", &["mass-export"], |stream, world| {
            let who = &world.people[120].name;
            let usage = Usage { requests: 90, distinct: 60, bytes: 900_000_000, failed: 0 };
            stream.counted(at(4, 14), Some((who, false)), "/orders/*", "closed", usage);
        }),
        attack("addresses are tried", &["enumeration"], |stream, _| {
            for number in 0..40 {
                stream.refused(
                    at(0, 3) + number,
                    Actor::Anonymous,
                    &format!("/backup-{number}"),
                    Why::NOT_THERE,
                    1,
                    bad(17),
                );
            }
        }),
        attack("numbers of orders are tried", &["enumeration-below"], |stream, world| {
            let who = account(&world.people[640].name);
            stream.answered(at(1, 4), who, "/orders/1", 403, (500, 300), bad(18));
        }),
        attack("a scanner", &["scanner-paths", "scanner-agent"], |stream, _| {
            let from = From { agent: "Mozilla/5.0 (compatible; Nuclei)", ..bad(19) };
            for (number, path) in
                ["/.env", "/.git/config", "/wp-login.php", "/actuator/env"].into_iter().enumerate()
            {
                stream.refused(at(4, 1) + number as i64, Actor::Anonymous, path, Why::NOT_THERE, 1, from);
            }
        }),
        attack("a canary key", &["canary-credential"], |stream, _| {
            stream.canary(at(5, 10), account("canary-backup"), "/orders/1", bad(20));
        }),
        attack("a canary page", &["canary-address"], |stream, world| {
            stream.canary(
                at(5, 11),
                account(&world.people[130].name),
                "/files/canary-salaries.xlsx",
                bad(21),
            );
        }),
        attack("far over the limit", &["rate-limit-saturation"], |stream, _| {
            stream.refused(at(0, 12), Actor::Anonymous, "/orders/1", Why::TOO_MANY, 4_000, bad(22));
        }),
        attack("a flood from many networks", &["rate-limit-distributed"], |stream, _| {
            for number in 0..200 {
                stream.refused(
                    at(6, 12) + number,
                    Actor::Anonymous,
                    "/orders/1",
                    Why::TOO_MANY,
                    50,
                    zombie(1_300 + number as u64),
                );
            }
        }),
        attack("a check is switched off", &["protection-weakened"], |stream, _| {
            let weak = "off:checks.csrf off:gateway.tls public:/assets/*";
            for outcome in [Outcome::Begun, Outcome::Success] {
                stream.gate(
                    at(5, 2),
                    "configuration.reload",
                    outcome,
                    &[("changed", "checks"), ("weak", weak)],
                );
            }
        }),
        attack("the record is damaged", &["detection-gap"], |stream, _| stream.gap(at(6, 2))),
        attack("a key from another place", &["key-elsewhere"], |stream, _| {
            stream.key_moved(at(4, 2), "program-7", bad(26));
        }),
        attack("a key that is tried at everything", &["key-misuse"], |stream, _| {
            for number in 0..12 {
                let why = Why { key: Some("key-of-program-9"), ..Why::FORBIDDEN };
                let actor = super::events::without_session("program-9");
                stream.refused(at(4, 4) + number, actor, &format!("/part-{number}/x"), why, 1, bad(27));
            }
        }),
        attack("a new device after guessing", &["new-device-guessed"], |stream, world| {
            let victim = &world.people[8].name;
            for number in 0..5 {
                stream.wrong_password(at(2, 1) + number * 20, victim, bad(28));
            }
            stream.signed_in(at(2, 6), victim, zombie(1_600));
        }),
        attack("two places at once", &["impossible-travel"], |stream, world| {
            let victim = &world.people[10];
            stream.signed_in(
                at(3, 9),
                &victim.name,
                From { address: victim.desk, agent: "Mozilla/5.0 (X11; Linux x86_64)" },
            );
            stream.signed_in(
                at(3, 10),
                &victim.name,
                From { address: [10, 66, 1, 1], agent: "Mozilla/5.0 (X11; Linux x86_64)" },
            );
        }),
        attack("errors are provoked", &["errors-provoked"], |stream, _| {
            stream.answered(at(1, 3), Actor::Anonymous, "/api/orders", 500, (120, 90), bad(30));
        }),
        attack("second factors are guessed", &["second-factor-guessing"], |stream, world| {
            for number in 0..6 {
                stream.wrong_factor(at(5, 21) + number * 40, &world.people[20].name, bad(31));
            }
        }),
        attack("tokens are guessed", &["token-guessing"], |stream, _| {
            stream.refused(at(6, 9), Actor::Anonymous, "/api/orders", Why::BAD_TOKEN, 300, bad(32));
        }),
        attack("input is tried out", &["input-fuzzing"], |stream, _| {
            stream.refused(at(6, 10), Actor::Anonymous, "/api/orders", Why::MALFORMED, 200, bad(33));
        }),
    ]
}
