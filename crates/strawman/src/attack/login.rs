//! The login people use there: the application's own, or the gate's. These run last, because a gate counts
//! their wrong passwords.

use super::client::{Call, Reply, marker};
use super::ground::{Attempts, Ground, Seen, described};
use super::scripting::three;

pub(super) async fn weak_cookie(ground: &Ground) -> Attempts {
    let twin = sign_in_and_out(ground).await;
    let (Ok(_), Ok(own)) = (ground.sign_in("alice", None).await, ground.sign_in("mallory", None).await)
    else {
        let failed = || Seen::new(false, "no: mallory could not sign in");
        return Attempts { variants: [failed(), failed(), failed()], twin };
    };
    let mut guessed = None;
    for cookie in neighbours(&own.cookie) {
        let name = ground.whoami(&cookie).await;
        if !name.is_empty() && name != "mallory" {
            guessed = Some(name);
            break;
        }
    }
    let readable = !own.set_cookie.contains("httponly") || !own.set_cookie.contains("samesite");
    let name = own.cookie.split('=').next().unwrap_or_default();
    let chosen = format!("{name}=chosen{}", marker());
    let fixed = ground.sign_in("bob", Some(&chosen)).await.is_ok() && ground.whoami(&chosen).await == "bob";
    Attempts {
        variants: [
            match guessed {
                Some(name) => Seen::new(true, format!("mallory counts to the session of {name}")),
                None => Seen::new(false, "no: no neighbouring value is a session"),
            },
            Seen::new(
                readable,
                if readable { "the cookie lacks HttpOnly or SameSite" } else { "no: HttpOnly and SameSite" },
            ),
            Seen::new(
                fixed,
                if fixed {
                    "a cookie chosen before the login is bob's session"
                } else {
                    "no: the login gives a new value"
                },
            ),
        ],
        twin,
    }
}

async fn sign_in_and_out(ground: &Ground) -> Seen {
    let ticket = match ground.sign_in("alice", None).await {
        Ok(ticket) => ticket,
        Err(reason) => return Seen::new(false, format!("no: {reason}")),
    };
    let inside = ground.whoami(&ticket.cookie).await == "alice";
    let out = ground.sign_out(&ticket.cookie).await;
    let ended = ground.whoami(&ticket.cookie).await.is_empty();
    match (inside, ended) {
        (true, true) => Seen::new(true, "alice signs in and out"),
        (false, _) => Seen::new(false, "no: alice is not known after signing in"),
        (true, false) => {
            Seen::new(false, format!("no: alice is still known after signing out: {}", described(&out)))
        }
    }
}

/// Values close to a cookie's: the numbers around it, or its last letter changed.
fn neighbours(cookie: &str) -> Vec<String> {
    let Some((name, value)) = cookie.split_once('=') else { return Vec::new() };
    if let Ok(number) = value.parse::<u64>() {
        return (1..=8).map(|back| format!("{name}={}", number.saturating_sub(back))).collect();
    }
    let mut letters: Vec<char> = value.chars().collect();
    let last = letters.pop();
    let start: String = letters.into_iter().collect();
    "AQgw048cM"
        .chars()
        .filter(|letter| Some(*letter) != last)
        .map(|letter| format!("{name}={start}{letter}"))
        .collect()
}

pub(super) async fn enumeration(ground: &Ground) -> Attempts {
    let nobody = format!("nobody-{}", marker());
    let unknown = ground.try_login(&nobody, "wrong-password-here", &[]).await;
    let known = ground.try_login("bob", "wrong-password-here", &[]).await;
    let reset = async |name: &str| {
        ground.send(ground.same_origin(Call::post("/reset").form(&[("name", name)]))).await
    };
    let (reset_unknown, reset_known) = (reset(&nobody).await, reset("bob").await);
    let check = async |name: &str| ground.send(Call::get(format!("/signup/check?name={name}"))).await;
    let (check_unknown, check_known) = (check(&nobody).await, check("bob").await);
    let told = |what: &str, unknown: &Reply, known: &Reply| {
        let differ = unknown.status != known.status || shape(unknown, &nobody) != shape(known, "bob");
        let answered = unknown.status != 0 && known.status != 0;
        let worked = differ && answered;
        let text =
            if worked { format!("{what} answers differently") } else { format!("no: {what} answers alike") };
        Seen::new(worked, text)
    };
    let right = ground.sign_in("bob", None).await;
    let judged = (200..500).contains(&known.status) && !known.body.trim().is_empty();
    let twin = match right {
        Ok(_) if judged => Seen::new(true, "a wrong password is explained, the right one signs in"),
        Ok(_) => Seen::new(false, format!("no: a wrong password gets {}", described(&known))),
        Err(reason) => Seen::new(false, format!("no: {reason}")),
    };
    Attempts {
        variants: [
            told("the login", &unknown, &known),
            told("the password reset", &reset_unknown, &reset_known),
            told("the sign-up check", &check_unknown, &check_known),
        ],
        twin,
    }
}

/// An answer without what differs between any two: the name that was typed, and random ids.
fn shape(reply: &Reply, name: &str) -> String {
    let words = reply.body.replace(name, "NAME");
    let random = |word: &&str| word.len() >= 12 && word.contains(|letter: char| letter.is_ascii_digit());
    words
        .split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-' && letter != '_')
        .filter(|word| !word.is_empty() && !random(word))
        .collect::<Vec<_>>()
        .join(" ")
}

pub(super) async fn rate(ground: &Ground) -> Attempts {
    let twin = match ground.sign_in("alice", None).await {
        Ok(_) => Seen::new(true, "the right password signs in"),
        Err(reason) => Seen::new(false, format!("no: {reason}")),
    };
    let one = format!("nobody-{}", marker());
    let mut one_name = Vec::new();
    let mut forged = Vec::new();
    let mut many_names = Vec::new();
    for number in 0..TRIES {
        one_name.push(ground.try_login(&one, &format!("guess-number-{number}"), &[]).await.status);
    }
    for number in 0..TRIES {
        let address = format!("198.51.100.{}", number + 1);
        let fields = [("x-forwarded-for", address.as_str()), ("x-real-ip", address.as_str())];
        forged.push(ground.try_login(&one, &format!("guess-again-{number}"), &fields).await.status);
    }
    for number in 0..TRIES {
        let name = format!("nobody-{}-{number}", marker());
        many_names.push(ground.try_login(&name, "summer-season-2026", &[]).await.status);
    }
    let free = |what: &str, statuses: &[u16]| {
        let refused = statuses.iter().position(|status| matches!(status, 0 | 429 | 503));
        match refused {
            None => Seen::new(true, format!("{TRIES} passwords for {what}, all judged")),
            Some(before) => Seen::new(false, format!("no: refused after {before} tries for {what}")),
        }
    };
    Attempts {
        variants: three(vec![
            free("one name", &one_name),
            free("one name under forged addresses", &forged),
            free("many names", &many_names),
        ]),
        twin,
    }
}

const TRIES: usize = 20;
