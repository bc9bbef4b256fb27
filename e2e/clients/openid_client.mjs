// openid-client (certified RP) signs somebody in at a gate, every way there is.
// Arguments: the gate's origin, name, password, a JSON object of registered clients.

import assert from "node:assert/strict";
import * as client from "openid-client";
import { Browser } from "./follow.mjs";

const [origin, name, password, registered] = process.argv.slice(2);
const clients = JSON.parse(registered);
const execute = [client.allowInsecureRequests];
const scope = "openid profile email offline_access";

const discover = (id, metadata, auth) => client.discovery(new URL(origin), id, metadata, auth, { execute });

async function signIn(config, redirect_uri, { par = false, dpop, browser = new Browser(origin, name, password) } = {}) {
  const verifier = client.randomPKCECodeVerifier();
  const state = client.randomState();
  const nonce = client.randomNonce();
  const parameters = {
    redirect_uri, scope, state, nonce, prompt: "consent",
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
  };
  const url = par
    ? await client.buildAuthorizationUrlWithPAR(config, parameters, { DPoP: dpop })
    : client.buildAuthorizationUrl(config, parameters);
  const back = await browser.follow(url.href);
  assert.equal(back.searchParams.get("iss"), origin, "RFC 9207");
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true };
  const tokens = await client.authorizationCodeGrant(config, back, checks, undefined, { DPoP: dpop });
  return { tokens, browser };
}

const done = [];
const step = async (what, act) => {
  try {
    await act();
  } catch (error) {
    console.error(`${what}:`, error, error?.cause ?? "");
    process.exit(1);
  }
  done.push(what);
};

const web = "https://app.example/cb";
let tokens;
let browser;

await step("client_secret_basic, code flow, userinfo", async () => {
  const config = await discover(clients.web.client_id, undefined, client.ClientSecretBasic(clients.web.client_secret));
  ({ tokens, browser } = await signIn(config, web));
  const claims = tokens.claims();
  const info = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
  assert.equal(info.preferred_username, name);
});

await step("refresh, introspection, revocation", async () => {
  const config = await discover(clients.web.client_id, undefined, client.ClientSecretBasic(clients.web.client_secret));
  const fresh = await client.refreshTokenGrant(config, tokens.refresh_token);
  assert.notEqual(fresh.refresh_token, tokens.refresh_token);
  assert.equal((await client.tokenIntrospection(config, fresh.access_token)).active, true);
  await client.tokenRevocation(config, fresh.refresh_token);
  assert.equal((await client.tokenIntrospection(config, fresh.access_token)).active, false);
});

await step("client_secret_post is not what the client is registered for", async () => {
  const config = await discover(clients.web.client_id, undefined, client.ClientSecretPost(clients.web.client_secret));
  await assert.rejects(client.clientCredentialsGrant(config), (error) => error.cause?.[0]?.scheme === "basic" || error.error === "invalid_client");
});

await step("private_key_jwt, pushed request", async () => {
  const key = await crypto.subtle.importKey("jwk", clients.signing.key, { name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
  const config = await discover(clients.signing.client_id, undefined, client.PrivateKeyJwt({ key, kid: clients.signing.kid }));
  const { tokens } = await signIn(config, web, { par: true });
  await client.refreshTokenGrant(config, tokens.refresh_token);
});

await step("public client, DPoP, pushed request, bound refresh token", async () => {
  const config = await discover(clients.native.client_id, undefined, client.None());
  const keys = await client.randomDPoPKeyPair("ES256");
  const dpop = client.getDPoPHandle(config, keys);
  const { tokens } = await signIn(config, "http://127.0.0.1:49152/cb", { par: true, dpop });
  assert.equal(tokens.token_type, "dpop");
  await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub, { DPoP: dpop });
  await assert.rejects(client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub), "without a proof");
  await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP: dpop });
  const other = client.getDPoPHandle(config, await client.randomDPoPKeyPair("ES256"));
  const again = await signIn(config, "http://127.0.0.1:49152/cb", { dpop });
  await assert.rejects(client.refreshTokenGrant(config, again.tokens.refresh_token, undefined, { DPoP: other }));
});

await step("client credentials", async () => {
  const config = await discover(clients.batch.client_id, undefined, client.ClientSecretBasic(clients.batch.client_secret));
  const tokens = await client.clientCredentialsGrant(config, { scope: "orders" });
  assert.equal(tokens.scope, "orders");
  assert.equal(tokens.refresh_token, undefined);
});

await step("device", async () => {
  const config = await discover(clients.device.client_id, undefined, client.None());
  const codes = await client.initiateDeviceAuthorization(config, { scope });
  const person = new Browser(origin, name, password);
  await person.follow(codes.verification_uri_complete, { last: "The device is signed in" });
  const tokens = await client.pollDeviceAuthorizationGrant(config, { ...codes, interval: 0.1 });
  assert.ok(tokens.refresh_token && tokens.claims().sub);
});

await step("device, denied", async () => {
  const config = await discover(clients.device.client_id, undefined, client.None());
  const codes = await client.initiateDeviceAuthorization(config, { scope });
  const person = new Browser(origin, name, password);
  await person.follow(codes.verification_uri_complete, { decision: "deny", last: "The device was not signed in" });
  await assert.rejects(client.pollDeviceAuthorizationGrant(config, { ...codes, interval: 0.1 }), { error: "access_denied" });
});

await step("dynamic registration", async () => {
  const metadata = { redirect_uris: [web], client_name: "Registered by itself", token_endpoint_auth_method: "client_secret_post", grant_types: ["authorization_code", "refresh_token"] };
  const config = await client.dynamicClientRegistration(new URL(origin), metadata, undefined, { execute });
  await signIn(config, web);
  const own = config.clientMetadata();
  const headers = { authorization: `Bearer ${own.registration_access_token}` };
  const read = await fetch(own.registration_client_uri, { headers });
  assert.equal(read.status, 200);
  assert.equal((await read.json()).client_name, "Registered by itself");
  assert.equal((await fetch(own.registration_client_uri, { method: "DELETE", headers })).status, 204);
  assert.equal((await fetch(own.registration_client_uri, { headers })).status, 401);
});

await step("logout by the application", async () => {
  const config = await discover(clients.web.client_id, undefined, client.ClientSecretBasic(clients.web.client_secret));
  const { tokens, browser } = await signIn(config, web);
  const url = client.buildEndSessionUrl(config, {
    id_token_hint: tokens.id_token, post_logout_redirect_uri: "https://app.example/out", state: "s",
  });
  const back = await browser.follow(url.href);
  assert.equal(back.href, "https://app.example/out?state=s");
  const again = await browser.open(`${origin}/.gabion/account`);
  assert.notEqual(again.status, 200, "signed out");
});

console.log(done.join("\n"));
