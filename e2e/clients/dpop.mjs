// openid-client gets a token that is bound to its key and uses it at the application behind the gate.
// Arguments: the gate's origin, a JSON object with a client.

import assert from "node:assert/strict";
import * as client from "openid-client";

const [origin, registered] = process.argv.slice(2);
const { client_id, client_secret } = JSON.parse(registered);
const options = { execute: [client.allowInsecureRequests] };
const config = await client.discovery(new URL(origin), client_id, undefined, client.ClientSecretBasic(client_secret), options);
const keys = await client.randomDPoPKeyPair("ES256");
const DPoP = client.getDPoPHandle(config, keys);
const resource = `${origin}/api`;
const tokens = await client.clientCredentialsGrant(config, { scope: "orders", resource }, { DPoP });
assert.equal(tokens.token_type, "dpop");

let sent;
config[client.customFetch] = (url, init) => {
  sent = { url, init };
  return fetch(url, init);
};
const url = new URL(`${resource}/orders?page=2`);
for (let times = 0; times < 3; times += 1) {
  const answer = await client.fetchProtectedResource(config, tokens.access_token, url, "GET", null, new Headers(), { DPoP });
  assert.equal(answer.status, 200);
  assert.match(await answer.text(), /identity=true/);
}

const field = (name) => new Headers(sent.init.headers).get(name);
const [authorization, proof] = [field("authorization"), field("dpop")];
assert.match(authorization, /^DPoP /i);
const again = (headers, method = "GET", path = "/api/orders?page=2") => fetch(`${origin}${path}`, { method, headers });
const refused = async (what, answer, status = 401) => {
  assert.equal(answer.status, status, what);
  return answer.headers.get("www-authenticate") ?? "";
};

assert.match(await refused("replayed", await again({ authorization, dpop: proof })), /^DPoP .*invalid_dpop_proof.*algs="[^"]*ES256/);
assert.match(await refused("without a proof", await again({ authorization })), /invalid_dpop_proof/);
const bearer = authorization.replace(/^DPoP/i, "Bearer");
assert.match(await refused("as a bearer token", await again({ authorization: bearer })), /^DPoP .*invalid_token/);
assert.match(await refused("nothing", await again({})), /Bearer .*DPoP .*algs=/);

// A fresh proof for something else.
const fresh = async (path, method) => {
  let made;
  config[client.customFetch] = async (_, init) => {
    made = new Headers(init.headers).get("dpop");
    return new Response(null, { status: 204 });
  };
  await client.fetchProtectedResource(config, tokens.access_token, new URL(`${origin}${path}`), method, null, new Headers(), { DPoP });
  return made;
};
await refused("another address", await again({ authorization, dpop: await fresh("/api/other", "GET") }));
await refused("another method", await again({ authorization, dpop: await fresh("/api/orders", "DELETE") }));
const elsewhere = await fresh("/api/orders", "GET");
const lured = await fetch(`${origin}/api/orders`, { headers: { authorization, dpop: elsewhere.split(".").with(2, proof.split(".")[2]).join(".") } });
await refused("a broken signature", lured);
const good = await again({ authorization, dpop: await fresh("/api/orders", "GET") });
assert.equal(good.status, 200, await good.text());

config[client.customFetch] = fetch;
const tells = await client.tokenIntrospection(config, tokens.access_token);
assert.ok(tells.active && tells.cnf.jkt);
await client.tokenRevocation(config, tokens.access_token);
assert.match(await refused("revoked", await again({ authorization, dpop: await fresh("/api/orders", "GET") })), /^DPoP .*invalid_token/);
console.log("bound to its key, and to nobody else's");
