// Our own tests, named after the modules of the OpenID conformance plans and modelled on them. They are not
// the conformance suite. `conformance/oidc/modules.toml` lists every module with its plan.
// Arguments: the gate's origin, name, password, registered clients, the port of the applications' own listener,
// the gate's binary and its directory.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, createPublicKey, generateKeyPairSync, randomBytes, sign, verify } from "node:crypto";
import { createServer } from "node:http";
import { Browser } from "./follow.mjs";

const [origin, name, password, registered, port, gabion, directory] = process.argv.slice(2);
const clients = JSON.parse(registered);
const at = (path) => `${origin}/.gabion/oauth/${path}`;
const json = async (url, options) => (await fetch(url, options)).json();
const metadata = await json(`${origin}/.well-known/openid-configuration`);
const random = () => randomBytes(32).toString("base64url");
const form = (fields) => ({ method: "POST", headers: { "content-type": "application/x-www-form-urlencoded" }, body: new URLSearchParams(fields) });
const decode = (part) => JSON.parse(Buffer.from(part, "base64url"));
const fresh = () => new Browser(origin, name, password);
const shared = fresh();

function request(more = {}, client = clients.web) {
  const verifier = random();
  const all = {
    client_id: client.client_id, redirect_uri: "https://app.example/cb", response_type: "code", scope: "openid",
    state: random(), nonce: random(), code_challenge_method: "S256",
    code_challenge: createHash("sha256").update(verifier).digest("base64url"), ...more,
  };
  for (const name of Object.keys(all)) if (all[name] === null) delete all[name];
  return { verifier, all, url: `${at("authorize")}?${new URLSearchParams(all)}` };
}

const basic = (client) => ({ authorization: `Basic ${Buffer.from(`${client.client_id}:${client.client_secret}`).toString("base64")}` });

// Clients with keys of their own sign an assertion for this server; its name is the issuer or the endpoint.
function assertion(client, audience) {
  const now = Math.floor(Date.now() / 1000);
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = { iss: client.client_id, sub: client.client_id, aud: audience, iat: now, exp: now + 60, jti: random() };
  const text = `${encode({ alg: "ES256", kid: client.key.kid })}.${encode(claims)}`;
  const signature = sign("sha256", Buffer.from(text), { key: client.key.privateKey, dsaEncoding: "ieee-p1363" });
  return {
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    client_assertion: `${text}.${signature.toString("base64url")}`,
  };
}

async function redeem(code, verifier, client = clients.web, redirect_uri = "https://app.example/cb", audience = metadata.token_endpoint) {
  const options = form({
    grant_type: "authorization_code", code, redirect_uri, ...(verifier && { code_verifier: verifier }),
    ...(client.key && assertion(client, audience)),
  });
  if (!client.key) Object.assign(options.headers, basic(client));
  const answer = await fetch(metadata.token_endpoint, options);
  assert.equal(answer.headers.get("cache-control"), "no-store");
  return { status: answer.status, body: await answer.json() };
}

function claimsOf(token, published = keys) {
  const [header, payload, signature] = token.split(".");
  const head = decode(header);
  const key = published.find((key) => key.kid === head.kid);
  assert.ok(key && key.alg === head.alg, "the key is published");
  const options = { key: createPublicKey({ key, format: "jwk" }), dsaEncoding: "ieee-p1363" };
  const digest = head.alg === "EdDSA" ? null : "sha256";
  assert.ok(verify(digest, Buffer.from(`${header}.${payload}`), options, Buffer.from(signature, "base64url")), "signature");
  return decode(payload);
}
const { keys } = await json(metadata.jwks_uri);

async function flow(more = {}, { browser = shared, client = clients.web, pkce = true, audience } = {}) {
  const { verifier, all, url } = request(pkce ? more : { ...more, code_challenge: null, code_challenge_method: null }, client);
  const back = await browser.follow(url);
  assert.equal(back.searchParams.get("error"), null, back.href);
  assert.equal(back.searchParams.get("state"), all.state ?? null);
  assert.equal(back.searchParams.get("iss"), origin);
  const { status, body } = await redeem(back.searchParams.get("code"), pkce && verifier, client, all.redirect_uri, audience);
  assert.equal(status, 200, JSON.stringify(body));
  const claims = claimsOf(body.id_token);
  assert.deepEqual([claims.iss, claims.aud, claims.nonce ?? null], [origin, client.client_id, all.nonce ?? null]);
  return { ...body, claims, code: back.searchParams.get("code"), verifier, browser };
}

const bearer = (token) => ({ headers: { authorization: `Bearer ${token}` } });
const userinfo = (tokens) => json(metadata.userinfo_endpoint, bearer(tokens.access_token));
const errorOf = async (more, browser = shared, client = clients.web) =>
  (await browser.follow(request(more, client).url)).searchParams.get("error");
// An answer that stays at the gate: nobody is redirected.
const stays = async (url) => {
  const answer = await fresh().open(url);
  assert.ok(answer.status >= 400 && !answer.location, `${answer.status} ${answer.location}`);
};
const scoped = (scope, ...wanted) => async () => {
  const person = await userinfo(await flow({ scope: `openid ${scope}` }));
  assert.ok(person.sub);
  for (const claim of wanted) assert.ok(claim in person, claim);
};
const logout = (fields) => `${metadata.end_session_endpoint}?${new URLSearchParams(fields)}`;
const out = "https://app.example/out";
const signedIn = async (browser) => (await browser.open(`${origin}/.gabion/account`)).status === 200;
const loggedOutTo = async (fields, expected) => {
  const tokens = await flow({}, { browser: fresh() });
  const back = await tokens.browser.follow(logout(fields(tokens)));
  assert.equal(back.href, expected);
  assert.equal(await signedIn(tokens.browser), false);
};
const logoutRefused = async (fields) => {
  const tokens = await flow({}, { browser: fresh() });
  const answer = await tokens.browser.open(logout(fields(tokens)));
  assert.ok(answer.status === 400 && !answer.location, `${answer.status} ${answer.location}`);
  assert.equal(await signedIn(tokens.browser), true);
};
const logoutAsks = async (fields) => {
  const tokens = await flow({}, { browser: fresh() });
  await tokens.browser.follow(logout(fields), { last: "You are signed out" });
  assert.equal(await signedIn(tokens.browser), false);
};

// Applications register themselves, with keys of their own where they do not say otherwise.
const pair = () => {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const kid = random();
  return { kid, privateKey, jwk: { ...publicKey.export({ format: "jwk" }), kid, alg: "ES256", use: "sig" } };
};
const registers = (document) => fetch(metadata.registration_endpoint, {
  method: "POST", headers: { "content-type": "application/json" },
  body: JSON.stringify({ redirect_uris: ["https://app.example/cb"], ...document }),
});
async function register(more = {}) {
  const key = pair();
  const answer = await registers({ token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [key.jwk] }, ...more });
  const told = await answer.json();
  assert.equal(answer.status, 201, JSON.stringify(told));
  return { ...told, key };
}
const algorithmOf = (token) => decode(token.split(".")[0]).alg;
// What the person is asked, before they answer.
async function question(client) {
  const browser = fresh();
  await flow({}, { browser });
  const page = await pageOf({}, browser, client);
  assert.ok(page.includes('value="allow"'), page);
  return page;
}

// The page at the end of the gate's own redirects.
async function pageOf(more, browser = shared, client = clients.web) {
  let answer = await browser.open(request(more, client).url);
  while (answer.location) {
    const next = new URL(answer.location, origin);
    assert.equal(next.origin, origin, next.href);
    answer = await browser.open(next);
  }
  return answer.text;
}
const essential = (values) => JSON.stringify({ id_token: { acr: { essential: true, values } } });

const told = [];
const jwks = { keys: [] };
createServer((incoming, answer) => {
  if (incoming.url === "/jwks") {
    answer.setHeader("content-type", "application/jwk-set+json");
    answer.end(JSON.stringify(jwks));
    return;
  }
  let body = "";
  incoming.on("data", (part) => { body += part; });
  incoming.on("end", () => { told.push(new URLSearchParams(body)); answer.end(); });
}).listen(Number(port), "127.0.0.1").unref();

const modules = {
  "oidcc-server": () => flow(),
  "oidcc-response-type-missing": async () => assert.equal(await errorOf({ response_type: null }), "invalid_request"),
  "oidcc-idtoken-signature": () => flow(),
  "oidcc-userinfo-get": async () => {
    const tokens = await flow();
    assert.equal((await userinfo(tokens)).sub, tokens.claims.sub);
  },
  "oidcc-userinfo-post-header": async () => {
    const tokens = await flow();
    const person = await json(metadata.userinfo_endpoint, { method: "POST", ...bearer(tokens.access_token) });
    assert.equal(person.sub, tokens.claims.sub);
  },
  "oidcc-userinfo-post-body": async () => {
    const tokens = await flow();
    const person = await json(metadata.userinfo_endpoint, form({ access_token: tokens.access_token }));
    assert.equal(person.sub, tokens.claims.sub);
  },
  "oidcc-ensure-request-without-nonce-succeeds-for-code-flow": () => flow({ nonce: null }),
  "oidcc-scope-profile": scoped("profile", "preferred_username", "updated_at"),
  "oidcc-scope-email": scoped("email"),
  "oidcc-scope-address": scoped("address"),
  "oidcc-scope-phone": scoped("phone"),
  "oidcc-scope-all": scoped("profile email address phone", "preferred_username"),
  "oidcc-ensure-other-scope-order-succeeds": () => flow({ scope: "email openid" }),
  "oidcc-alternate-happy-flow": () => flow({ response_mode: "query" }, { browser: fresh() }),
  "oidcc-display-page": () => flow({ display: "page" }),
  "oidcc-display-popup": () => flow({ display: "popup" }),
  "oidcc-prompt-login": async () => {
    const browser = fresh();
    const first = await flow({}, { browser });
    await new Promise((resolve) => setTimeout(resolve, 1100));
    const second = await flow({ prompt: "login" }, { browser });
    assert.ok(second.claims.auth_time > first.claims.auth_time && second.claims.sub === first.claims.sub);
  },
  "oidcc-prompt-none-not-logged-in": async () => assert.equal(await errorOf({ prompt: "none" }, fresh()), "login_required"),
  "oidcc-prompt-none-logged-in": async () => {
    const browser = fresh();
    const first = await flow({}, { browser, client: clients.own });
    const second = await flow({ prompt: "none" }, { browser, client: clients.own });
    assert.deepEqual([second.claims.sub, second.claims.auth_time], [first.claims.sub, first.claims.auth_time]);
  },
  "oidcc-max-age-1": async () => {
    const browser = fresh();
    const first = await flow({}, { browser });
    await new Promise((resolve) => setTimeout(resolve, 2100));
    const second = await flow({ max_age: "1" }, { browser });
    assert.ok(second.claims.auth_time > first.claims.auth_time);
  },
  "oidcc-max-age-10000": async () => {
    const browser = fresh();
    const first = await flow({ max_age: "15000" }, { browser });
    const second = await flow({ max_age: "10000" }, { browser });
    assert.equal(second.claims.auth_time, first.claims.auth_time);
  },
  "oidcc-ensure-request-with-unknown-parameter-succeeds": () => flow({ extra: "foobar" }),
  "oidcc-id-token-hint": async () => {
    const browser = fresh();
    const first = await flow({}, { browser, client: clients.own });
    const second = await flow({ prompt: "none", id_token_hint: first.id_token }, { browser, client: clients.own });
    assert.equal(second.claims.sub, first.claims.sub);
  },
  "oidcc-login-hint": () => flow({ login_hint: name }, { browser: fresh() }),
  "oidcc-ui-locales": () => flow({ ui_locales: "se" }),
  "oidcc-claims-locales": () => flow({ claims_locales: "se" }),
  "oidcc-ensure-request-with-acr-values-succeeds": () => flow({ acr_values: "1 2" }),
  "oidcc-codereuse": async () => {
    const tokens = await flow();
    const again = await redeem(tokens.code, tokens.verifier);
    assert.deepEqual([again.status, again.body.error], [400, "invalid_grant"]);
    assert.equal((await fetch(metadata.userinfo_endpoint, bearer(tokens.access_token))).status, 401, "its tokens are revoked");
  },
  "oidcc-ensure-registered-redirect-uri": () => stays(request({ redirect_uri: "https://app.example/other" }).url),
  "oidcc-ensure-post-request-succeeds": async () => {
    const { all } = request();
    const browser = fresh();
    const answer = await browser.open(at("authorize"), all);
    const back = await browser.follow(new URL(answer.location, origin).href);
    assert.ok(back.searchParams.get("code"));
  },
  "oidcc-server-client-secret-post": async () => {
    const { verifier, url } = request({}, clients.post);
    const code = (await shared.follow(url)).searchParams.get("code");
    const { client_id, client_secret } = clients.post;
    const body = await json(metadata.token_endpoint, form({
      grant_type: "authorization_code", code, redirect_uri: "https://app.example/cb", code_verifier: verifier, client_id, client_secret,
    }));
    assert.ok(body.id_token, JSON.stringify(body));
  },
  "oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported": async () => {
    const object = `${Buffer.from('{"alg":"none"}').toString("base64url")}.${Buffer.from("{}").toString("base64url")}.`;
    assert.equal(await errorOf({ request: object }), "request_not_supported");
  },
  "oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported": async () =>
    assert.equal(await errorOf({ request_uri: "https://app.example/request.jwt" }), "request_uri_not_supported"),
  "oidcc-claims-essential": async () => {
    const tokens = await flow({ claims: JSON.stringify({ userinfo: { preferred_username: { essential: true } } }) });
    assert.equal((await userinfo(tokens)).preferred_username, name);
  },
  "oidcc-refresh-token": async () => {
    const tokens = await flow({ scope: "openid offline_access", prompt: "consent" });
    const ask = (client) => {
      const options = form({ grant_type: "refresh_token", refresh_token: tokens.refresh_token });
      Object.assign(options.headers, basic(client));
      return fetch(metadata.token_endpoint, options);
    };
    const body = await (await ask(clients.web)).json();
    assert.equal(claimsOf(body.id_token).sub, tokens.claims.sub);
    const foreign = await ask(clients.own);
    assert.deepEqual([foreign.status, (await foreign.json()).error], [400, "invalid_grant"], "bound to its client");
  },
  "oidcc-ensure-request-with-valid-pkce-succeeds": () => flow(),

  "oidcc-discovery-endpoint-verification": async () => {
    assert.equal(metadata.issuer, origin);
    for (const member of [
      "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "scopes_supported",
      "response_types_supported", "subject_types_supported", "id_token_signing_alg_values_supported", "claims_supported",
    ]) assert.ok(metadata[member], member);
    assert.ok(metadata.scopes_supported.includes("openid") && metadata.response_types_supported.includes("code"));
    for (const key of keys) assert.ok(key.kid && !("d" in key), "public keys with names");
  },

  "oidcc-idtoken-rs256": async () => {
    for (const more of [{ id_token_signed_response_alg: "RS256" }, {}]) {
      const client = await register(more);
      assert.equal(client.id_token_signed_response_alg, "RS256", "the default of the specification, and said so");
      assert.equal(algorithmOf((await flow({}, { client })).id_token), "RS256");
    }
  },
  "oidcc-userinfo-rs256": async () => {
    const client = await register({ userinfo_signed_response_alg: "RS256" });
    const tokens = await flow({}, { client });
    const answer = await fetch(metadata.userinfo_endpoint, bearer(tokens.access_token));
    assert.match(answer.headers.get("content-type"), /^application\/jwt/);
    const token = await answer.text();
    assert.equal(algorithmOf(token), "RS256");
    const person = claimsOf(token);
    assert.deepEqual([person.iss, person.aud, person.sub], [origin, client.client_id, tokens.claims.sub]);
  },
  "oidcc-ensure-redirect-uri-in-authorization-request": () => stays(request({ redirect_uri: null }).url),
  "oidcc-ensure-client-assertion-with-iss-aud-succeeds": async () => {
    await flow({}, { client: await register(), audience: origin });
  },
  "oidcc-registration-jwks-uri": async () => {
    const client = await register({ jwks: undefined, jwks_uri: `http://127.0.0.1:${port}/jwks` });
    jwks.keys = [client.key.jwk];
    await flow({}, { client });
  },
  "oidcc-registration-policy-uri": async () => {
    const client = await register({ policy_uri: "https://app.example/policy" });
    assert.equal(client.policy_uri, "https://app.example/policy");
    assert.ok((await question(client)).includes('href="https://app.example/policy"'));
  },
  "oidcc-registration-tos-uri": async () => {
    const client = await register({ tos_uri: "https://app.example/tos" });
    assert.ok((await question(client)).includes('href="https://app.example/tos"'));
  },
  "oidcc-server-rotate-keys": async () => {
    const before = await flow();
    execFileSync(gabion, ["key", "rotate"], { cwd: directory });
    const { keys: after } = await json(metadata.jwks_uri);
    for (const { kid } of keys) assert.ok(after.some((key) => key.kid === kid), "the former keys stay");
    const added = after.filter((key) => !keys.some((former) => former.kid === key.kid));
    assert.deepEqual(new Set(added.map((key) => key.alg)), new Set(keys.map((key) => key.alg)), "each has a successor");
    assert.equal(claimsOf(before.id_token, after).sub, before.claims.sub);
    await flow();
  },

  "oidcc-redirect-uri-query-OK": async () => {
    const uri = "https://app.example/cb?foo=bar";
    const { url } = request({ redirect_uri: uri }, clients.own);
    const back = await shared.follow(url);
    assert.equal(back.searchParams.get("foo"), "bar");
    assert.ok(back.searchParams.get("code"));
  },
  "oidcc-redirect-uri-query-mismatch": () => stays(request({ redirect_uri: "https://app.example/cb?foo=baz" }, clients.own).url),
  "oidcc-redirect-uri-query-added": () => stays(request({ redirect_uri: "https://app.example/cb?x=1" }).url),
  "oidcc-redirect-uri-regfrag": async () => {
    const body = JSON.stringify({ redirect_uris: ["https://app.example/cb#foo"] });
    const answer = await fetch(metadata.registration_endpoint, { method: "POST", headers: { "content-type": "application/json" }, body });
    assert.deepEqual([answer.status, (await answer.json()).error], [400, "invalid_redirect_uri"]);
  },

  // What an authorization request can ask for, beyond what the plans look at.
  "prompt-consent": async () => {
    await flow();
    assert.ok((await pageOf({ prompt: "consent" })).includes('value="allow"'), "asked although it is remembered");
  },
  "prompt-select-account": async () => {
    const browser = fresh();
    await flow({}, { browser, client: clients.own });
    const page = await pageOf({ prompt: "select_account" }, browser, clients.own);
    assert.ok(page.includes('value="continue"') && page.includes('value="switch"'), page);
    await flow({ prompt: "select_account" }, { browser, client: clients.own });
  },
  "prompt-none-beside-others": async () => {
    for (const prompt of ["none login", "consent none"]) assert.equal(await errorOf({ prompt }), "invalid_request");
  },
  "prompt-none-without-consent": async () => {
    const browser = fresh();
    await flow({}, { browser });
    assert.equal(await errorOf({ prompt: "none" }, browser, await register()), "consent_required");
  },
  "max-age-0": async () => {
    const browser = fresh();
    const first = await flow({}, { browser });
    assert.match(await pageOf({ max_age: "0" }, browser), /name="password"/);
    assert.equal(await errorOf({ max_age: "0", prompt: "none" }, browser), "login_required");
    const second = await flow({ max_age: "0" }, { browser });
    assert.ok(second.claims.auth_time >= first.claims.auth_time);
    assert.equal(await errorOf({ max_age: "soon" }, browser), "invalid_request");
  },
  "default-max-age": async () => {
    const client = await register({ default_max_age: 0 });
    const browser = fresh();
    await flow({}, { browser });
    assert.match(await pageOf({}, browser, client), /name="password"/);
  },
  "id-token-hint-of-somebody-else": async () => {
    const { id_token } = await flow({}, { client: clients.own });
    const eve = new Browser(origin, "eve", password);
    await flow({}, { browser: eve, client: clients.own });
    assert.equal(await errorOf({ id_token_hint: id_token, prompt: "none" }, eve, clients.own), "login_required");
    assert.match(await pageOf({ id_token_hint: id_token }, eve, clients.own), /name="password"/);
    assert.equal(await errorOf({ id_token_hint: id_token }, eve, clients.own), "login_required", "eve signs in again");
    assert.equal(await errorOf({ id_token_hint: "e30.e30.e30" }, eve, clients.own), "invalid_request");
  },
  "login-hint-in-the-form": async () => {
    const page = await pageOf({ login_hint: `bob"><b>@example.org` }, fresh());
    const [input] = page.match(/<input [^>]*name="name"[^>]*>/);
    assert.match(input, /value="bob&#34;&#62;&#60;b&#62;@example.org"/);
  },
  "claims-in-the-id-token": async () => {
    const claims = JSON.stringify({ id_token: { preferred_username: null, given_name: { value: "x" }, unknown: null } });
    assert.equal((await flow({ claims })).claims.preferred_username, name);
    assert.equal(await errorOf({ claims: "{" }), "invalid_request");
  },
  "claims-sub-of-somebody-else": async () => {
    const { claims: { sub } } = await flow();
    const wish = (value) => JSON.stringify({ id_token: { sub: { value } } });
    assert.equal((await flow({ claims: wish(sub) })).claims.sub, sub);
    assert.equal(await errorOf({ claims: wish("somebody"), prompt: "none" }), "login_required");
  },
  "acr-values": async () => {
    const [least] = metadata.acr_values_supported;
    assert.equal((await flow({ acr_values: `unknown ${least}` })).claims.acr, least);
    // One that is not reached is a wish (Core, 5.5.1.1), unless it is essential.
    for (const more of metadata.acr_values_supported.slice(1)) {
      const browser = fresh();
      await flow({}, { browser, client: clients.own });
      const reached = await flow({ acr_values: more, prompt: "none" }, { browser, client: clients.own });
      assert.equal(reached.claims.acr, least);
      const error = await errorOf({ claims: essential([more]), prompt: "none" }, browser, clients.own);
      assert.equal(error, "unmet_authentication_requirements");
    }
    assert.equal(await errorOf({ claims: essential(["unknown"]) }), "unmet_authentication_requirements");
  },
  "ui-locales-in-the-page": async () => {
    assert.deepEqual(metadata.ui_locales_supported, ["en"]);
    assert.match(await pageOf({ ui_locales: "fr-CA fr en" }, fresh()), /<html lang="en"/);
  },
  "display-of-every-kind": async () => {
    for (const display of ["page", "popup", "touch", "wap", "unknown"]) await flow({ display });
  },

  "oidcc-rp-initiated-logout-discovery-endpoint-verification": async () => assert.ok(metadata.end_session_endpoint),
  "oidcc-rp-initiated-logout": () =>
    loggedOutTo((tokens) => ({ id_token_hint: tokens.id_token, post_logout_redirect_uri: out, state: "s" }), `${out}?state=s`),
  "oidcc-rp-initiated-logout-no-state": () =>
    loggedOutTo((tokens) => ({ id_token_hint: tokens.id_token, post_logout_redirect_uri: out }), out),
  "oidcc-rp-initiated-logout-bad-post-logout-redirect-uri": () =>
    logoutRefused((tokens) => ({ id_token_hint: tokens.id_token, post_logout_redirect_uri: "https://app.example/other" })),
  "oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri": () =>
    logoutRefused((tokens) => ({ id_token_hint: tokens.id_token, post_logout_redirect_uri: `${out}?foo=bar` })),
  "oidcc-rp-initiated-logout-modified-id-token-hint": () =>
    logoutRefused((tokens) => ({ id_token_hint: `${tokens.id_token.slice(0, -6)}AAAAAA`, post_logout_redirect_uri: out })),
  "oidcc-rp-initiated-logout-bad-id-token-hint": () =>
    logoutRefused(() => ({ id_token_hint: "e30.e30.e30", post_logout_redirect_uri: out })),
  "oidcc-rp-initiated-logout-no-id-token-hint": () => logoutRefused(() => ({ post_logout_redirect_uri: out, state: "s" })),
  "oidcc-rp-initiated-logout-no-params": () => logoutAsks({}),
  "oidcc-rp-initiated-logout-only-state": () => logoutAsks({ state: "s" }),
  "oidcc-rp-initiated-logout-no-post-logout-redirect-uri": async () => {
    const tokens = await flow({}, { browser: fresh() });
    const answer = await tokens.browser.open(logout({ id_token_hint: tokens.id_token }));
    assert.ok(answer.text.includes("You are signed out"));
    assert.equal(await signedIn(tokens.browser), false);
  },

  "oidcc-backchannel-logout-discovery-endpoint-verification": async () =>
    assert.ok(metadata.backchannel_logout_supported && metadata.backchannel_logout_session_supported),
  "oidcc-backchannel-rp-initiated-logout": async () => {
    const tokens = await flow({}, { browser: fresh(), client: clients.told });
    told.length = 0;
    await tokens.browser.follow(logout({ id_token_hint: tokens.id_token, client_id: clients.told.client_id, post_logout_redirect_uri: out }));
    for (let wait = 0; wait < 200 && told.length === 0; wait++) await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(told.length, 1, "told once");
    const token = told[0].get("logout_token");
    assert.equal(decode(token.split(".")[0]).typ, "logout+jwt");
    const claims = claimsOf(token);
    assert.deepEqual([claims.iss, claims.aud, claims.sub, claims.sid], [origin, clients.told.client_id, tokens.claims.sub, tokens.claims.sid]);
    assert.ok(claims.jti && !("nonce" in claims) && "http://schemas.openid.net/event/backchannel-logout" in claims.events);
  },
};

const failed = [];
for (const [module, run] of Object.entries(modules)) {
  try {
    await run();
    console.log(module);
  } catch (error) {
    failed.push(module);
    console.error(`${module}: ${error.stack}`);
  }
}
process.exit(failed.length ? 1 : 0);
