//! Members are taken out of a JSON document; everything else stays as it was written.

use bytes::Bytes;
use gabion_openapi::json::{self, Bounds, Object, Pointer, Value};
use std::sync::Arc;

/// The document without what the pointers name; nothing when it cannot be read.
pub(super) fn mask(bytes: &[u8], fields: &[Arc<str>], limit: usize) -> Option<Bytes> {
    let bounds = Bounds {
        size: limit,
        depth: DEEPEST,
        members: limit,
        items: limit,
        string: limit,
        ..Bounds::default()
    };
    let mut document = json::parse(bytes, &bounds).ok()?;
    for field in fields {
        let pointer = Pointer::parse(field)?;
        let steps: Vec<&str> = pointer.segments().collect();
        document = without(document, &steps)?;
    }
    Some(document.to_string().into())
}

/// The value without what lies at the steps; nothing when it is the value itself.
fn without(value: Value, steps: &[&str]) -> Option<Value> {
    let (step, rest) = steps.split_first()?;
    Some(match value {
        Value::Object(members) => {
            let kept = members.iter().filter_map(|(name, value)| {
                let value = if name == *step { without(value.clone(), rest)? } else { value.clone() };
                Some((name.to_owned(), value))
            });
            Value::Object(kept.collect::<Object>())
        }
        Value::Array(items) => {
            let fits = |index: usize| *step == "*" || *step == index.to_string();
            let kept = items
                .into_iter()
                .enumerate()
                .filter_map(|(index, item)| if fits(index) { without(item, rest) } else { Some(item) });
            Value::Array(kept.collect())
        }
        other => other,
    })
}

/// Deeper answers are not passed on.
const DEEPEST: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn masked(document: &str, fields: &[&str]) -> Option<String> {
        let fields: Vec<Arc<str>> = fields.iter().map(|field| Arc::from(*field)).collect();
        let masked = mask(document.as_bytes(), &fields, 1 << 20)?;
        Some(String::from_utf8(masked.to_vec()).unwrap())
    }

    #[test]
    fn what_is_named_is_gone_and_the_rest_stays_as_it_was() {
        let rows = [
            (r#"{"id":1,"email":"a"}"#, &["/email"][..], r#"{"id":1}"#),
            (r#"{"n":12345678901234567890.10,"e":1}"#, &["/e"], r#"{"n":12345678901234567890.10}"#),
            (r#"[{"e":1,"i":1},{"e":2,"i":2}]"#, &["/*/e"], r#"[{"i":1},{"i":2}]"#),
            (r#"{"items":[{"a":{"b":1,"c":2}}]}"#, &["/items/*/a/b"], r#"{"items":[{"a":{"c":2}}]}"#),
            (r#"[1,2,3]"#, &["/1"], "[1,3]"),
            (r#"{"a~b":1,"c/d":2,"*":3}"#, &["/a~0b", "/c~1d", "/*"], "{}"),
            (r#"{"a":1}"#, &["/b", "/a/c"], r#"{"a":1}"#),
            (r#"{"\u0065mail":"x"}"#, &["/email"], "{}"),
        ];
        for (document, fields, expected) in rows {
            assert_eq!(masked(document, fields).as_deref(), Some(expected), "{document}");
        }
        for document in ["", "{", r#"{"a":1,"a":2}"#, "<html>", r#"{"a":"\ud800"}"#, "nul"] {
            assert_eq!(masked(document, &["/email"]), None, "{document}");
        }
        assert_eq!(masked("{}", &[""]), None, "nothing would be left");
        assert_eq!(masked(&"[".repeat(65), &["/a"]), None);
    }

    proptest! {
        #[test]
        fn a_masked_member_is_never_in_what_is_left(
            name in "[a-z*~/]{1,4}", depth in 0_usize..4, other in "[a-z]{1,4}", bytes in proptest::collection::vec(any::<u8>(), 0..64),
        ) {
            let secret = "PLANTED";
            let mut document = serde_json::json!({ (name.clone()): secret, (format!("{other}_")): 1 });
            let mut pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
            for _ in 0..depth {
                document = serde_json::json!([document, document]);
                pointer = format!("/*{pointer}");
            }
            let left = masked(&document.to_string(), &[&pointer]).unwrap();
            prop_assert!(!left.contains(secret), "{left}");
            let _ = mask(&bytes, &[Arc::from("/a")], 64);
        }
    }
}
