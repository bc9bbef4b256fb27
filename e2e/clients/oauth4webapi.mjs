// oauth4webapi signs somebody in at a gate, checks what it is given, and tries what must not work.
// Arguments: the gate's origin, name, password, a JSON object of registered clients.

import assert from "node:assert/strict";
import * as oauth from "oauth4webapi";
import { Browser } from "./follow.mjs";

const [origin, name, password, registered] = process.argv.slice(2);
const clients = JSON.parse(registered);
const plain = { [oauth.allowInsecureRequests]: true };
const web = "https://app.example/cb";
const native = "http://127.0.0.1:49152/cb";
const scope = "openid profile email offline_access";
const known = ({ client_id }) => ({ client_id });
const secret = ({ client_secret }) => oauth.ClientSecretBasic(client_secret);

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

const issuer = new URL(origin);
const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, plain));

// To the gate and back to the application: what the application has to redeem.
async function ask(client, redirect_uri, { browser = new Browser(origin, name, password), push, more = {}, auth, dpop } = {}) {
  const verifier = oauth.generateRandomCodeVerifier();
  const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()];
  const fields = {
    client_id: client.client_id, redirect_uri, response_type: "code", scope, state, nonce, prompt: "consent",
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256", ...more,
  };
  let query = new URLSearchParams(fields);
  if (push) {
    const answer = await oauth.pushedAuthorizationRequest(server, client, auth, fields, { ...plain, DPoP: dpop });
    const { request_uri } = await oauth.processPushedAuthorizationResponse(server, client, answer);
    query = new URLSearchParams({ client_id: client.client_id, request_uri });
  }
  const back = await browser.follow(`${server.authorization_endpoint}?${query}`);
  const parameters = oauth.validateAuthResponse(server, client, back, state);
  return { parameters, verifier, nonce, redirect_uri, browser, back, state };
}

async function redeem(client, auth, asked, { dpop, verifier = asked.verifier, redirect_uri = asked.redirect_uri } = {}) {
  const options = { ...plain, DPoP: dpop };
  const answer = await oauth.authorizationCodeGrantRequest(server, client, auth, asked.parameters, redirect_uri, verifier, options);
  const expected = { expectedNonce: asked.nonce, requireIdToken: true };
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, answer, expected);
  await oauth.validateApplicationLevelSignature(server, answer, plain);
  return tokens;
}

const signIn = async (client, auth, redirect_uri, options = {}) =>
  redeem(client, auth, await ask(client, redirect_uri, { ...options, auth }), options);
// The error is in the body, or in the challenge where the body was not read for one.
const refuses = async (promise, error, status = 400) => {
  const found = await promise.then(() => assert.fail(`${error} was expected`), (found) => found);
  if (!found.status) throw found;
  const code = found.error ?? found.cause?.[0]?.parameters?.error ?? (await found.response.json()).error;
  assert.deepEqual([code, found.status], [error, status], `${found} ${JSON.stringify(found.cause)}`);
};
const info = async (client, tokens, subject, dpop) => oauth.processUserInfoResponse(server, client, subject,
  await oauth.userInfoRequest(server, client, tokens.access_token, { ...plain, DPoP: dpop }));
const refresh = async (client, auth, token, dpop) => oauth.processRefreshTokenResponse(server, client,
  await oauth.refreshTokenGrantRequest(server, client, auth, token, { ...plain, DPoP: dpop }));
const introspect = async (client, auth, token) => oauth.processIntrospectionResponse(server, client,
  await oauth.introspectionRequest(server, client, auth, token, plain));
const shown = (token, scheme = "Bearer") => new Request(`${origin}/api`, { headers: { authorization: `${scheme} ${token}` } });

const shop = known(clients.web);
const shopSecret = secret(clients.web);

await step("code flow, userinfo, a verified access token", async () => {
  const tokens = await signIn(shop, shopSecret, web);
  const claims = oauth.getValidatedIdTokenClaims(tokens);
  assert.equal((await info(shop, tokens, claims.sub)).preferred_username, name);
  // RFC 9068, as a resource server of somebody else reads it.
  const access = await oauth.validateJwtAccessToken(server, shown(tokens.access_token), origin, plain);
  assert.deepEqual([access.sub, access.client_id], [claims.sub, shop.client_id]);
  await assert.rejects(oauth.validateJwtAccessToken(server, shown(tokens.access_token), "https://other.example", plain));
  await assert.rejects(oauth.validateJwtAccessToken(server, shown(tokens.id_token), shop.client_id, plain), "an ID token is none");
});

await step("refresh, introspection, revocation", async () => {
  const tokens = await signIn(shop, shopSecret, web);
  const fresh = await refresh(shop, shopSecret, tokens.refresh_token);
  assert.notEqual(fresh.refresh_token, tokens.refresh_token);
  const told = await introspect(shop, shopSecret, fresh.access_token);
  assert.deepEqual([told.active, told.client_id, told.token_type], [true, shop.client_id, "Bearer"]);
  await oauth.processRevocationResponse(await oauth.revocationRequest(server, shop, shopSecret, fresh.refresh_token, plain));
  assert.equal((await introspect(shop, shopSecret, fresh.access_token)).active, false);
  await refuses(refresh(shop, shopSecret, fresh.refresh_token), "invalid_grant");
  await oauth.processRevocationResponse(await oauth.revocationRequest(server, shop, shopSecret, "never-issued", plain));
});

await step("a code is for one verifier, one address, one client, once", async () => {
  await refuses(redeem(shop, shopSecret, await ask(shop, web), { verifier: oauth.generateRandomCodeVerifier() }), "invalid_grant");
  await refuses(redeem(shop, shopSecret, await ask(shop, web), { redirect_uri: "https://app.example/other" }), "invalid_grant");
  const foreign = { parameters: (await ask(shop, web)).parameters, verifier: oauth.generateRandomCodeVerifier(), redirect_uri: native };
  await refuses(redeem(known(clients.native), oauth.None(), foreign), "invalid_grant");
  const asked = await ask(shop, web);
  const tokens = await redeem(shop, shopSecret, asked);
  await refuses(redeem(shop, shopSecret, asked), "invalid_grant");
  await refuses(info(shop, tokens, oauth.skipSubjectCheck), "invalid_token", 401);
  await refuses(refresh(shop, shopSecret, tokens.refresh_token), "invalid_grant");
});

await step("without PKCE nothing begins", async () => {
  await assert.rejects(ask(shop, web, { more: { code_challenge: "", code_challenge_method: "" } }), { error: "invalid_request" });
  await assert.rejects(ask(shop, web, { more: { code_challenge_method: "plain" } }), { error: "invalid_request" });
});

await step("the answer names its issuer and its state", async () => {
  const { back, state } = await ask(shop, web);
  const changed = (name, value) => {
    const url = new URL(back);
    url.searchParams.set(name, value);
    return url;
  };
  oauth.validateAuthResponse(server, shop, back, state);
  assert.throws(() => oauth.validateAuthResponse(server, shop, changed("iss", "https://other.example"), state));
  assert.throws(() => oauth.validateAuthResponse(server, shop, changed("state", "another"), state));
});

await step("wrong client authentication", async () => {
  const codes = await ask(shop, web);
  await refuses(redeem(shop, oauth.ClientSecretBasic("wrong"), codes), "invalid_client", 401);
  await refuses(redeem(shop, oauth.ClientSecretPost(clients.web.client_secret), await ask(shop, web)), "invalid_client", 401);
  await refuses(redeem(shop, oauth.None(), await ask(shop, web)), "invalid_client", 401);
});

const algorithm = { name: "ECDSA", namedCurve: "P-256" };
const key = await crypto.subtle.importKey("jwk", clients.signing.key, algorithm, false, ["sign"]);
const signing = known(clients.signing);
const asserts = (change = () => {}) => oauth.PrivateKeyJwt({ key, kid: clients.signing.kid }, {
  [oauth.modifyAssertion]: (header, payload) => change(payload, header),
});

await step("private_key_jwt, pushed request", async () => {
  const tokens = await signIn(signing, asserts(), web, { push: true });
  await refresh(signing, asserts(), tokens.refresh_token);
});

await step("private_key_jwt refused", async () => {
  const tokens = await signIn(signing, asserts(), web);
  const wrong = {
    audience: asserts((claims) => { claims.aud = "https://other.example"; }),
    audiences: asserts((claims) => { claims.aud = [origin, "https://other.example"]; }),
    expired: asserts((claims) => { claims.exp = claims.iat - 120; }),
    subject: asserts((claims) => { claims.sub = "web"; }),
    life: asserts((claims) => { claims.exp = claims.iat + 86_400; }),
    unsigned: asserts((_, header) => { header.alg = "none"; }),
    key: oauth.PrivateKeyJwt((await oauth.generateKeyPair("ES256")).privateKey),
  };
  for (const [why, auth] of Object.entries(wrong)) {
    await assert.rejects(refresh(signing, auth, tokens.refresh_token), (error) => {
      assert.equal(error.status, 401, `${why}: ${error}`);
      return true;
    });
  }
  const twice = asserts((claims) => { claims.jti = "one-and-the-same"; });
  const fresh = await refresh(signing, twice, tokens.refresh_token);
  await refuses(refresh(signing, twice, fresh.refresh_token), "invalid_client", 401);
});

await step("DPoP: bound tokens, other keys, used proofs", async () => {
  const app = known(clients.native);
  const dpop = oauth.DPoP(app, await oauth.generateKeyPair("ES256"));
  const other = oauth.DPoP(app, await oauth.generateKeyPair("ES256"));
  const asked = await ask(app, native, { push: true, auth: oauth.None(), dpop });
  await refuses(redeem(app, oauth.None(), asked, { dpop: other }), "invalid_grant");
  const tokens = await signIn(app, oauth.None(), native, { push: true, dpop });
  assert.equal(tokens.token_type, "dpop");
  await info(app, tokens, oauth.skipSubjectCheck, dpop);
  await refuses(info(app, tokens, oauth.skipSubjectCheck, other), "invalid_token", 401);
  await assert.rejects(info(app, tokens, oauth.skipSubjectCheck), (error) => error.status === 401);
  const fresh = await refresh(app, oauth.None(), tokens.refresh_token, dpop);

  // One proof, sent twice.
  let proof;
  const kept = { ...plain, DPoP: dpop, [oauth.customFetch]: (url, options) => {
    proof = new Headers(options.headers).get("dpop");
    return fetch(url, options);
  } };
  assert.equal((await oauth.userInfoRequest(server, app, fresh.access_token, kept)).status, 200);
  const headers = { authorization: `DPoP ${fresh.access_token}`, dpop: proof };
  assert.equal((await fetch(server.userinfo_endpoint, { headers })).status, 401, "a proof works once");
  await assert.rejects(refresh(app, oauth.None(), fresh.refresh_token, other), (error) => error.status === 400);
  await refuses(refresh(app, oauth.None(), fresh.refresh_token, dpop), "invalid_grant");
});

await step("client credentials", async () => {
  const batch = known(clients.batch);
  const grant = async (fields) => oauth.processClientCredentialsResponse(server, batch,
    await oauth.clientCredentialsGrantRequest(server, batch, secret(clients.batch), fields, plain));
  const tokens = await grant({ scope: "orders" });
  assert.deepEqual([tokens.scope, tokens.refresh_token], ["orders", undefined]);
  const access = await oauth.validateJwtAccessToken(server, shown(tokens.access_token), origin, plain);
  assert.equal(access.client_id, batch.client_id);
  await refuses(grant({ scope: "everything" }), "invalid_scope");
  await refuses(grant({ scope: "orders", resource: "https://other.example/" }), "invalid_target");
  const answer = await oauth.clientCredentialsGrantRequest(server, shop, shopSecret, {}, plain);
  await refuses(oauth.processClientCredentialsResponse(server, shop, answer), "unauthorized_client");
});

await step("device", async () => {
  const device = known(clients.device);
  const begin = async () => oauth.processDeviceAuthorizationResponse(server, device,
    await oauth.deviceAuthorizationRequest(server, device, oauth.None(), { scope }, plain));
  const poll = async (codes) => oauth.processDeviceCodeResponse(server, device,
    await oauth.deviceCodeGrantRequest(server, device, oauth.None(), codes.device_code, plain));
  const codes = await begin();
  await refuses(poll(codes), "authorization_pending");
  await refuses(poll(codes), "slow_down");
  await new Browser(origin, name, password).follow(codes.verification_uri_complete, { last: "The device is signed in" });
  const tokens = await poll(await approved(begin));
  assert.ok(oauth.getValidatedIdTokenClaims(tokens).sub && tokens.refresh_token);
  await refuses(poll({ device_code: "made-up" }), "expired_token");

  async function approved(begin) {
    const codes = await begin();
    await new Browser(origin, name, password).follow(codes.verification_uri_complete, { last: "The device is signed in" });
    return codes;
  }
});

await step("protected resource metadata", async () => {
  const resource = await (await oauth.resourceDiscoveryRequest(issuer, plain)).json();
  assert.deepEqual(resource.authorization_servers, [origin]);
});

console.log(done.join("\n"));
