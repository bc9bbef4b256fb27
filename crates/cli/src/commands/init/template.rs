//! The first gabion.toml: short, commented, and right as it stands.

use std::fmt::Write as _;

use super::framework::Framework;

/// What is known about the application.
pub(super) struct Facts<'a> {
    pub(super) upstream: &'a str,
    pub(super) framework: Option<&'a Framework>,
    /// Where the gate listens on loopback.
    pub(super) own_port: u16,
}

pub(super) fn render(facts: &Facts<'_>) -> String {
    let Facts { upstream, framework, own_port } = facts;
    let known = framework.map(|framework| format!(" {} usually listens there.", framework.name));
    let known = known.filter(|_| framework.is_some_and(|one| upstream.ends_with(&format!(":{}", one.port))));
    let mut text = format!(
        r#"# Gabion: who may reach your application, and how.
#   gabion config check             checks this file
#   gabion config explain KEY       explains a key, for instance `gateway.tls` or `checks.rate`
#   kill -HUP PID                   uses it without a restart; with an error in it the old one stays

[gateway]
# Where people connect. On a server: "0.0.0.0:8443", with TLS.
listen = "127.0.0.1:{own_port}"
# "off" speaks plain HTTP, for development on this machine only. "local-ca" makes a certificate of its
# own; "files" takes yours: tls = {{ mode = "files", certificate = "cert.pem", key = "key.pem" }}
tls = {{ mode = "off" }}

[upstreams.app]
# Your application.{known}
url = "{upstream}"

# Every path must be declared; what no route matches is refused. Who may come: "signed-in" or "public".
[[routes]]
path = "/*"
access = "signed-in"
upstream = "app"
# Answer to these names only; say it before others can connect:
# hosts = ["app.example"]

"#,
        known = known.unwrap_or_default(),
    );
    let public = framework.map(|framework| framework.public).filter(|public| !public.is_empty());
    let _ = writeln!(text, "# To let everybody see a part of it, take the # away:");
    for path in public.unwrap_or(&["/assets/*"]) {
        let _ = writeln!(
            text,
            "# [[routes]]\n# path = \"{path}\"\n# access = \"public\"\n# upstream = \"app\"\n"
        );
    }
    text.push_str(
        r#"[data]
# Accounts, sessions, keys and the record of what happened. Readable by you only; back it up.
directory = "gabion-data"
"#,
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_writes_has_no_fault_also_with_the_comments_taken_away() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("Gemfile"), "gem 'rails'").unwrap();
        for framework in [None, Framework::detect(folder.path())] {
            let text = render(&Facts { upstream: "http://127.0.0.1:3000", framework, own_port: 8080 });
            let loaded = crate::config::load::load_text(&text).expect("it is right");
            assert_eq!(loaded.config.routes.len(), 1);
            let commented = text.split("take the # away:\n").nth(1).unwrap();
            let open = text.replace(
                commented,
                &commented
                    .replace("# [[", "[[")
                    .replace("\n# path", "\npath")
                    .replace("\n# access", "\naccess")
                    .replace("\n# upstream", "\nupstream"),
            );
            let loaded = crate::config::load::load_text(&open).expect("it is right without the #");
            assert!(loaded.config.routes.len() > 1);
        }
    }
}
