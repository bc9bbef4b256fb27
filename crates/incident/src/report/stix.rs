//! Indicators as a STIX 2.1 bundle (OASIS, 2021-06-10): the addresses and networks an attack came from, the techniques, and
//! the incident. Accounts are victims and no indicators: their names stay here.

use gabion_model::Timestamp;
use gabion_vault::digest::sha1;
use serde_json::{Value, json};

use super::Material;
use crate::incident::Resolution;
use crate::subject::{Subject, network};

/// The bundle. The same incident makes the same ids.
#[must_use]
pub fn bundle(material: &Material, organisation: Option<&str>) -> Value {
    let incident = &material.incident;
    let seed = format!("{}\u{0}{}", incident.id, incident.opened.as_micros());
    let id = |kind: &str, name: &str| format!("{kind}--{}", uuid(&format!("{seed}\u{0}{kind}\u{0}{name}")));
    let (created, modified) = (time(incident.opened), time(incident.changed));
    let author = id("identity", "author");
    let base = |kind: &str, own: &str| {
        json!({
            "type": kind, "spec_version": "2.1", "id": own, "created_by_ref": author,
            "created": created, "modified": modified,
        })
    };
    let with = |mut object: Value, more: Value| {
        if let (Some(object), Value::Object(more)) = (object.as_object_mut(), more) {
            object.extend(more);
        }
        object
    };
    let mut objects = vec![json!({
        "type": "identity", "spec_version": "2.1", "id": author, "created": created, "modified": modified,
        "name": organisation.unwrap_or("Gabion"), "identity_class": "organization",
    })];
    let own = id("incident", "");
    objects.push(with(
        base("incident", &own),
        json!({ "name": format!("{}: {}", material.name, incident.title), "description": format!("{} of class {}", incident.kind, incident.class) }),
    ));
    let mut techniques: Vec<&str> = incident
        .alerts
        .iter()
        .flat_map(|alert| &alert.techniques)
        .map(String::as_str)
        .filter(|one| is_technique(one))
        .collect();
    techniques.sort_unstable();
    techniques.dedup();
    let relate = |from: &str, kind: &str, to: &str| {
        with(
            base("relationship", &id("relationship", &format!("{from} {kind} {to}"))),
            json!({ "relationship_type": kind, "source_ref": from, "target_ref": to }),
        )
    };
    for technique in &techniques {
        let external = technique.to_ascii_uppercase();
        objects.push(with(
            base("attack-pattern", &id("attack-pattern", technique)),
            json!({
                "name": external,
                "external_references": [{ "source_name": "mitre-attack", "external_id": external }],
            }),
        ));
    }
    // What was a false alarm accuses nobody.
    let is_false = matches!(incident.resolution, Some(Resolution::FalseAlarm));
    for subject in incident.subjects.iter().filter(|_| !is_false) {
        let Some((kind, value)) = observable(subject) else { continue };
        let indicator = id("indicator", &value);
        objects.push(with(
            base("indicator", &indicator),
            json!({
                "name": format!("Address {value}"),
                "description": format!("Seen in {}", material.name),
                "indicator_types": ["malicious-activity"],
                "pattern": format!("[{kind}:value = '{value}']"),
                "pattern_type": "stix",
                "pattern_version": "2.1",
                "valid_from": time(incident.detected),
                // An address changes hands.
                "valid_until": time(incident.changed.saturating_add(std::time::Duration::from_secs(30 * 24 * 3600))),
            }),
        ));
        objects.push(relate(&indicator, "related-to", &own));
        objects.extend(
            techniques
                .iter()
                .map(|technique| relate(&indicator, "indicates", &id("attack-pattern", technique))),
        );
    }
    json!({ "type": "bundle", "id": id("bundle", &modified), "objects": objects })
}

fn observable(subject: &Subject) -> Option<(&'static str, String)> {
    match subject {
        Subject::Address(address) => {
            Some((if address.is_ipv4() { "ipv4-addr" } else { "ipv6-addr" }, address.to_string()))
        }
        Subject::Network(written) => {
            let (address, length) = network(written)?;
            Some((if address.is_ipv4() { "ipv4-addr" } else { "ipv6-addr" }, format!("{address}/{length}")))
        }
        Subject::Account(_) | Subject::ApiKey(_) | Subject::Key(_) => None,
    }
}

/// `T1110` or `t1110.004`.
fn is_technique(text: &str) -> bool {
    let Some(digits) = text.strip_prefix(['t', 'T']) else { return false };
    let (main, sub) = digits.split_once('.').map_or((digits, None), |(main, sub)| (main, Some(sub)));
    let are_digits =
        |text: &str, count: usize| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    are_digits(main, 4) && sub.is_none_or(|sub| are_digits(sub, 3))
}

/// To the millisecond, as STIX writes times.
fn time(at: Timestamp) -> String {
    let text = at.to_string();
    format!("{}Z", text.get(..23).unwrap_or(&text))
}

/// A UUID shaped as version 4, which STIX asks for (2.9), made of the digest of a name, so that the same thing has the same.
fn uuid(name: &str) -> String {
    const SPACE: [u8; 16] = *b"gabion incident\0";
    let digest = sha1(&[&SPACE, name.as_bytes()].concat());
    let mut bytes = [0_u8; 16];
    for (own, byte) in bytes.iter_mut().zip(digest) {
        *own = byte;
    }
    let number = u128::from_be_bytes(bytes) & !(0xf << 76) | 4 << 76;
    let number = number & !(0b11 << 62) | 0b10 << 62;
    let text = format!("{number:032x}");
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}
