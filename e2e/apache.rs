//! `mod_auth_openidc` (Debian) lets people in at a page of Apache: a relying party written in C, by others, long ago.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Child;

use crate::application::Application;
use crate::clients;
use crate::gate::{Gate, PATIENCE};

const PASSWORD: &str = "boulders in a wire basket";

/// Apache with one protected page, until it is dropped.
struct Apache {
    _process: Child,
    directory: TempDir,
}

impl Apache {
    async fn start(address: SocketAddr, gate: &Gate, secret: &str) -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let documents = directory.path().join("documents");
        fs::create_dir_all(documents.join("protected")).expect("a directory");
        let page = "user=<!--#echo var=\"REMOTE_USER\" --> sub=<!--#echo var=\"OIDC_CLAIM_sub\" --> \
                    issuer=<!--#echo var=\"OIDC_CLAIM_iss\" -->";
        fs::write(documents.join("protected/index.shtml"), page).expect("written");
        fs::write(documents.join("out.html"), "Gone").expect("written");
        // Started by root, it serves as `www-data`.
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).expect("readable");
        let written = configuration(directory.path(), address, gate, secret);
        fs::write(directory.path().join("httpd.conf"), written).expect("written");
        // One process, so that none is left behind when the test ends.
        let process = clients::program("apache2")
            .arg("-X")
            .arg("-f")
            .arg(directory.path().join("httpd.conf"))
            .spawn()
            .expect("Apache starts (hint: `cargo xtask test tools` installs it)");
        let listening = async {
            while tokio::net::TcpStream::connect(address).await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, listening).await.expect("Apache listens");
        Self { _process: process, directory }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("error.log")).unwrap_or_default()
    }
}

fn configuration(directory: &Path, address: SocketAddr, gate: &Gate, secret: &str) -> String {
    let modules: String =
        ["mpm_event", "authn_core", "authz_core", "authz_user", "mime", "include", "auth_openidc"]
            .map(|name| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"))
            .concat();
    format!(
        "ServerName 127.0.0.1\nListen {address}\n{modules}\
         DefaultRuntimeDir {at}\nPidFile {at}/pid\nMutex file:{at}\nErrorLog {at}/error.log\n\
         User www-data\nGroup www-data\nServerLimit 1\nThreadsPerChild 8\nMaxRequestWorkers 8\n\
         TypesConfig /dev/null\nAddType text/html .html .shtml\nAddOutputFilter INCLUDES .shtml\n\
         DocumentRoot {at}/documents\n<Directory {at}/documents>\nOptions +Includes\nRequire all granted\n</Directory>\n\
         OIDCProviderMetadataURL http://{gate}/.well-known/openid-configuration\n\
         OIDCClientID site\nOIDCClientSecret {secret}\n\
         OIDCRedirectURI http://{address}/protected/redirect_uri\n\
         OIDCDefaultLoggedOutURL http://{address}/out.html\n\
         OIDCScope \"openid profile email offline_access\"\nOIDCPKCEMethod S256\n\
         OIDCProviderTokenEndpointAuth client_secret_basic\n\
         OIDCCryptoPassphrase 0123456789abcdef0123456789abcdef\nOIDCRemoteUserClaim preferred_username\n\
         OIDCInfoHook access_token refresh_token\nOIDCPassClaimsAs environment\n\
         <Location /protected>\nAuthType openid-connect\nRequire valid-user\n</Location>\n",
        at = directory.display(),
        gate = gate.address,
    )
}

#[tokio::test]
async fn mod_auth_openidc_signs_people_in() {
    let application = Application::start().await;
    // Free now, and nobody else asks for it before Apache does.
    let address = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port");
    let gate = Gate::start_with(application.address, &format!("[egress]\nallow = [\"{address}\"]\n")).await;
    gate.add_account("ada", PASSWORD).await;
    let site = format!("http://{address}");
    let redirect = format!("{site}/protected/redirect_uri");
    let (out, told) = (format!("{site}/out.html"), format!("{redirect}?logout=backchannel"));
    let arguments = [
        ["client", "add", "The site", "--id", "site", "--format", "json"].as_slice(),
        &["--redirect-uri", &redirect, "--post-logout-redirect-uri", &out, "--backchannel-logout-uri", &told],
    ];
    let client: Value = serde_json::from_str(&gate.cli(&arguments.concat()).await).expect("a client");
    let secret = client["client_secret"].as_str().expect("a secret");
    let apache = Apache::start(address, &gate, secret).await;

    let origin = format!("http://{}", gate.address);
    let mut script = clients::node("apache.mjs", &[&site, &origin, "ada", PASSWORD]);
    let said = script.output().await.expect("node runs");
    let told = String::from_utf8_lossy(&said.stdout);
    assert!(said.status.success(), "{told}\n{}\n{}", String::from_utf8_lossy(&said.stderr), apache.log());
    for step in ["shows who signed in", "refreshes", "signs out here and there", "is told when"] {
        assert!(told.contains(step), "{told}");
    }
}
