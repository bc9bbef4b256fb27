//! One gate signs people in with the accounts of another: both sides of OpenID Connect are ours, and each holds the
//! other to what it demands.

use serde_json::Value;

use crate::application::Application;
use crate::clients;
use crate::gate::Gate;

const PASSWORD: &str = "boulders in a wire basket";

#[tokio::test]
async fn people_of_one_gate_sign_in_at_another() {
    let application = Application::start().await;
    // The gate that asks starts once for its address, which the other must know.
    let asking = Gate::start_with(application.address, "# federation\n").await;
    let address = asking.address;
    let stopped = asking.terminate().await;

    let knowing =
        Gate::start_with(application.address, &format!("[egress]\nallow = [\"{address}\"]\n")).await;
    knowing.add_account("ada", PASSWORD).await;
    let at = |path: &str| format!("http://{address}/.gabion/{path}");
    let (callback, out, told) =
        (at("federation/up/callback"), at("logout"), at("federation/up/backchannel-logout"));
    let arguments = [
        ["client", "add", "The other gate", "--id", "gate", "--format", "json"].as_slice(),
        &["--redirect-uri", &callback, "--post-logout-redirect-uri", &out, "--backchannel-logout-uri", &told],
    ];
    let client: Value = serde_json::from_str(&knowing.cli(&arguments.concat()).await).expect("a client");
    let secret = knowing.directory().join("secret");
    std::fs::write(&secret, client["client_secret"].as_str().expect("a secret")).expect("written");

    let known = knowing.address;
    stopped.reconfigure("[gateway]\nlisten = \"127.0.0.1:0\"", &format!("[gateway]\nlisten = \"{address}\""));
    stopped.reconfigure(
        "# federation\n",
        &format!(
            "[egress]\nallow = [\"{known}\"]\n\n[federation.up]\nissuer = \"http://{known}\"\nclient_id = \"gate\"\n\
             client_secret_file = {secret:?}\nprovisioning = \"create\"\nupstream_logout = \"perform\"\n"
        ),
    );
    let asking = stopped.start_again().await;
    assert_eq!(asking.address, address);

    let (site, origin) = (format!("http://{address}"), format!("http://{known}"));
    let said =
        clients::run(&mut clients::node("gabion_gabion.mjs", &[&site, &origin, "ada", PASSWORD])).await;
    for step in ["an account is made", "comes in elsewhere", "signs out there", "signs out here"] {
        assert!(said.contains(step), "{said}");
    }
}
