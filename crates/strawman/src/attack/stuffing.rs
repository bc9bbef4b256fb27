//! Somebody with a list of names and passwords from elsewhere, at a gate's sign-in.

use http::header;

use super::client::{Call, Client};

/// Tries one after the other, each from an address of its own.
#[derive(Debug, Clone)]
pub struct Stuffer {
    client: Client,
}

impl Stuffer {
    /// `base` is the gate's, for instance `http://127.0.0.1:8080`.
    #[must_use]
    pub fn new(base: &str) -> Self {
        Self { client: Client::new(base) }
    }

    /// One try, as if it came through a proxy from `from`; the session's cookie when it succeeds.
    ///
    /// # Errors
    /// What was answered instead.
    pub async fn try_one(&self, from: &str, name: &str, password: &str) -> Result<String, u16> {
        let call = Call::post("/.gabion/login")
            .form(&[("name", name), ("password", password)])
            .header(header::ORIGIN, &self.client.base())
            .header("sec-fetch-site", "same-origin")
            .header("x-forwarded-for", from)
            .header(header::USER_AGENT, "python-requests/2.32");
        let reply = self.client.send(call).await;
        let cookies =
            reply.headers.get_all(header::SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
        let fresh = cookies.into_iter().find(|value| !value.to_ascii_lowercase().contains("max-age=0"));
        match fresh {
            Some(cookie) if reply.status == 303 => {
                Ok(cookie.split(';').next().unwrap_or_default().to_owned())
            }
            _ => Err(reply.status),
        }
    }

    /// What a page answers to somebody with this cookie.
    pub async fn visit(&self, from: &str, cookie: &str, path: &str) -> u16 {
        let call = Call::get(path).header(header::COOKIE, cookie).header("x-forwarded-for", from);
        self.client.send(call).await.status
    }
}
