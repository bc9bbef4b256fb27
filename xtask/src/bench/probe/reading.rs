//! What the tools say they found, by their own words.

use std::collections::BTreeSet;

use serde_json::Value;

use super::judge::Found;
use crate::bench::Failure;

/// Our report in JSON: what is tentative is called so.
pub(super) fn gabion(text: &str) -> Result<BTreeSet<Found>, Failure> {
    let report: Value = serde_json::from_str(text)?;
    let one = |finding: &Value| {
        let tentative = text_of(finding, "verdict") == "tentative";
        let class = if tentative { "tentative" } else { text_of(finding, "test") };
        let place = if tentative {
            format!("{} {}", text_of(finding, "test"), text_of(finding, "operation"))
        } else {
            text_of(finding, "operation").to_owned()
        };
        Found { class: class.to_owned(), place }
    };
    Ok(list(&report, "findings").iter().map(one).collect())
}

/// wapiti's vulnerabilities and anomalies, by category. What it lists as additional is no finding.
pub(super) fn wapiti(text: &str) -> Result<BTreeSet<Found>, Failure> {
    let report: Value = serde_json::from_str(text)?;
    let mut found = BTreeSet::new();
    for kind in ["vulnerabilities", "anomalies"] {
        for (class, all) in report.get(kind).and_then(Value::as_object).into_iter().flatten() {
            for one in all.as_array().into_iter().flatten() {
                let place = format!("{} {}", text_of(one, "method"), text_of(one, "path"));
                found.insert(Found { class: class.clone(), place });
            }
        }
    }
    Ok(found)
}

/// The failures of schemathesis, by the name of their kind.
pub(super) fn schemathesis(text: &str) -> Result<BTreeSet<Found>, Failure> {
    let report: Value = serde_json::from_str(text)?;
    let mut found = BTreeSet::new();
    for failure in list(&report, "failures") {
        // One that was found by several requests in a row names no operation.
        let places = list(failure, "operations").iter().filter_map(Value::as_str);
        for place in places.filter(|place| place.contains('/')) {
            found.insert(Found { class: text_of(failure, "type").to_owned(), place: place.to_owned() });
        }
    }
    Ok(found)
}

/// sqlmap's table of results: address, place, parameter, techniques, notes. A row with a note is one it takes back.
pub(super) fn sqlmap(text: &str) -> BTreeSet<Found> {
    let rows = text.lines().skip(1).filter(|row| !row.is_empty() && row.ends_with(','));
    let place = |row: &str| {
        let address = row.split(',').next().unwrap_or_default();
        let path = address.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
        path.map(|(_, path)| format!("/{path}"))
    };
    rows.filter_map(place).map(|place| Found { class: "SQL injection".to_owned(), place }).collect()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text_of<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(found: BTreeSet<Found>) -> Vec<String> {
        found.into_iter().map(|one| format!("{}: {}", one.class, one.place)).collect()
    }

    #[test]
    fn what_tools_write_is_read() {
        let text = r#"{"findings": [{"test": "cors", "verdict": "proven", "operation": "GET /a"},
            {"test": "jwt", "verdict": "tentative", "operation": "GET /b"}]}"#;
        assert_eq!(lines(gabion(text).unwrap()), ["cors: GET /a", "tentative: jwt GET /b"]);
        let text = r#"{"vulnerabilities": {"XSS": [{"method": "GET", "path": "/a"}], "CSP": []},
            "anomalies": {"Error": [{"method": "GET", "path": "/b"}]}, "additionals": {"X": [{"path": "/"}]}}"#;
        assert_eq!(lines(wapiti(text).unwrap()), ["Error: GET /b", "XSS: GET /a"]);
        let text = r#"{"failures": [{"type": "ServerError", "operations": ["GET /a", "Stateful tests"]}]}"#;
        assert_eq!(lines(schemathesis(text).unwrap()), ["ServerError: GET /a"]);
        let text = "Target URL,Place,Parameter,Technique(s),Note(s)\nhttp://h:1/a?b=1,GET,b,BT,\nhttp://h:1/c,POST,d,B,false positive\n";
        assert_eq!(lines(sqlmap(text)), ["SQL injection: /a?b=1"]);
    }
}
