//! Secrets behind base64, hexadecimal, notebooks and manifests.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gabion_secrets::Secrets;

const TOKEN: &str = "glpat-q7Kx2vBn9mWzR4tYc8Lp";

fn rules(path: &str, text: &str) -> Vec<String> {
    let secrets = Secrets::new().unwrap();
    secrets
        .matches(path, text)
        .0
        .iter()
        .map(|found| {
            format!("{} {}", found.rule.id, found.properties.get("encoding").map_or("", String::as_str))
        })
        .collect()
}

#[test]
fn once_and_twice_encoded() {
    let inner = format!("user=ci\ntoken={TOKEN}\n");
    let once = STANDARD.encode(&inner);
    assert_eq!(rules("a.yaml", &format!("data: {once}\n")), ["gitlab.token.personal base64"]);
    let hex: String = inner.bytes().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(rules("a.yaml", &format!("data: {hex}\n")), ["gitlab.token.personal hexadecimal"]);
    // Twice encoded shows no form of the word; what the outer layer gives away is the inner one's own name.
    let json = STANDARD.encode(format!(
        "{{\"auths\":{{\"r.acme.io\":{{\"auth\":\"{}\"}}}}}}",
        STANDARD.encode("ci:q7Kx2vBn9mWz")
    ));
    assert!(rules("a.yaml", &format!("data: {json}\n")).iter().all(|rule| rule.ends_with("base64")));
}

#[test]
fn secrets_of_kubernetes() {
    let manifest =
        format!("apiVersion: v1\nkind: Secret\ndata:\n  password: {}\n", STANDARD.encode("Tr0ub4dor-3"));
    assert_eq!(rules("deploy/secret.yaml", &manifest), ["generic.password "]);
    // In pieces: no whole key stands in this repository.
    let key = concat!(
        "-----BEGIN PRIVATE ",
        "KEY-----\nMC4CAQAwBQYDK2VwBCIEIHgXq0pTn3hN5vJ2Kc8yWf1mRz4uQbLd7oPsGtEiAj9x\n",
        "-----END PRIVATE ",
        "KEY-----\n"
    );
    assert_eq!(
        rules("kubeconfig", &format!("client-key-data: {}\n", STANDARD.encode(key))),
        ["private-key base64"]
    );
}

#[test]
fn notebooks() {
    let notebook = "{\"cells\": [{\"cell_type\": \"code\", \"source\": [\"api_key = \\\"q7Kx2vBn9mWzR4tYc8LpQ1sDf6\\\"\\n\", \"x = 1\"]}]}";
    assert_eq!(rules("a.ipynb", notebook), ["generic.secret "]);
    let output = format!("{{\"outputs\": [{{\"text\": [\"using {TOKEN}\\n\"]}}]}}");
    assert_eq!(rules("a.ipynb", &output), ["gitlab.token.personal "]);
}
