//! Learning from an HTTP Archive, as browsers and proxies write them.

use super::{Draft, Observation};
use crate::json::{Bounds, Value, parse};

/// Learns from an HTTP Archive (HAR 1.2, `log.entries`). `hosts`: only these; empty: all.
///
/// # Errors
/// What is wrong with the file.
pub fn har(text: &[u8], hosts: &[String]) -> Result<Draft, String> {
    let value = parse(text, &Bounds::file()).map_err(|error| error.to_string())?;
    let entries = value.get("log").and_then(|log| log.get("entries")).and_then(Value::as_array);
    let entries = entries.ok_or("this is no HTTP archive: `log.entries` is missing")?;
    let mut draft = Draft::default();
    for entry in entries {
        let (Some(request), Some(response)) = (entry.get("request"), entry.get("response")) else { continue };
        let url = request.get("url").and_then(Value::as_str).unwrap_or_default();
        let Some((_, rest)) = url.split_once("://") else { continue };
        let (host, path) = rest.find('/').and_then(|at| rest.split_at_checked(at)).unwrap_or((rest, "/"));
        if !hosts.is_empty() && !hosts.iter().any(|known| known == host) {
            continue;
        }
        let path = path.split('#').next().unwrap_or_default();
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let post = request.get("postData");
        let content = response.get("content");
        let text = |at: Option<&Value>, key: &str| {
            at.and_then(|at| at.get(key)).and_then(Value::as_str).map(str::to_owned)
        };
        let plain = content.is_none_or(|content| content.get("encoding").is_none());
        let (sent, sent_type) = (text(post, "text"), text(post, "mimeType"));
        let (answered, answer_type) = (text(content, "text").filter(|_| plain), text(content, "mimeType"));
        draft.observe(&Observation {
            method: request.get("method").and_then(Value::as_str).unwrap_or_default(),
            path,
            query,
            request_type: sent_type.as_deref(),
            request_body: sent.as_deref().map(str::as_bytes),
            status: response
                .get("status")
                .and_then(Value::as_u64)
                .and_then(|status| u16::try_from(status).ok())
                .unwrap_or(0),
            answer_type: answer_type.as_deref(),
            answer_body: answered.as_deref().map(str::as_bytes),
        });
    }
    Ok(draft)
}
