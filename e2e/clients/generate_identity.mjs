// What was generated for Express and Next.js, and compiled: `FRAMEWORK FOLDER PORT`; the keys are served at PORT.
import { createServer } from "node:http";
import { once } from "node:events";
import { pathToFileURL } from "node:url";
import { SignJWT, base64url, exportJWK, generateKeyPair } from "jose";

const [, , framework, folder, port] = process.argv;
const verifier = await import(pathToFileURL(`${folder}/gabion-identity.js`).href);
const { ISSUER, AUDIENCE } = verifier;

let set = { keys: [] };
const server = createServer((request, response) => response.setHeader("content-type", "application/json").end(JSON.stringify(set)));
const open = async () => { server.listen(Number(port), "127.0.0.1"); await once(server, "listening"); };
const key = async (kid, algorithm = "ES256") => {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });
  return { kid, algorithm, privateKey, public: { ...(await exportJWK(publicKey)), kid, alg: algorithm, use: "sig" } };
};
const first = await key("first");
const second = await key("second");
const rsa = await key("rsa", "RS256");
const clock = Date.now;
const now = () => Math.floor(clock() / 1000);
const claims = () => ({ iss: ISSUER, aud: AUDIENCE, sub: "u1", iat: now(), exp: now() + 300, name: "Ada", tenant: "t", roles: ["user"], credential: "session", scope: "a b" });
const sign = (signer, changes = {}, header = {}) => {
  const all = { ...claims(), ...changes };
  for (const [name, value] of Object.entries(all)) if (value === undefined) delete all[name];
  return new SignJWT(all).setProtectedHeader({ alg: signer.algorithm, kid: signer.kid, typ: "gabion-identity+jwt", ...header }).sign(signer.privateKey);
};

// How a request is answered: its status, and who it was.
let ask;
if (framework === "express") {
  const { default: express } = await import("express");
  const application = express();
  application.use(verifier.requireIdentity);
  application.get("/me", (request, response) => response.json(verifier.identityOf(request)));
  const listening = application.listen(0, "127.0.0.1");
  await once(listening, "listening");
  ask = (headers) => fetch(`http://127.0.0.1:${listening.address().port}/me`, { headers });
  process.on("beforeExit", () => process.exit());
} else {
  const { proxy } = await import(pathToFileURL(`${folder}/proxy.js`).href);
  const GET = verifier.withIdentity((_, identity) => Response.json(identity));
  ask = async (headers) => {
    const request = new Request("http://application.example/me", { headers });
    const refused = await proxy(request);
    const answer = await GET(request, {});
    if (refused && refused.status !== answer.status) throw new Error("proxy and handler differ");
    if (!refused && answer.status !== 200) throw new Error("the proxy let it pass");
    return answer;
  };
}

let wrong = 0;
const expect = async (why, token, status) => {
  const headers = new Headers();
  for (const one of token === undefined ? [] : [token].flat()) headers.append("gabion-identity", one);
  const answer = await ask(headers);
  const body = await answer.json();
  if (answer.status !== status || (status === 200) !== (body.subject === "u1")) {
    console.error(`${why}: ${answer.status} instead of ${status}`);
    wrong += 1;
  }
  return body;
};

await expect("keys that cannot be had", await sign(first), 503);
await open();
set = { keys: [first.public, rsa.public] };
const good = await sign(first);
const identity = await expect("a token", good, 200);
if (identity.scopes.join() !== "a,b" || identity.roles.join() !== "user" || identity.name !== "Ada") wrong += 1;
await expect("none", undefined, 401);
await expect("two", [good, good], 401);
await expect("no token at all", "Bearer", 401);
await expect("a changed signature", good.slice(0, -6) + "AAAAAA", 401);
const [head, , signature] = good.split(".");
await expect("changed claims", [head, base64url.encode(JSON.stringify({ ...claims(), sub: "u2" })), signature].join("."), 401);
await expect("no algorithm", `${base64url.encode('{"alg":"none","typ":"gabion-identity+jwt"}')}.${base64url.encode(JSON.stringify(claims()))}.`, 401);
const secret = { kid: "first", algorithm: "HS256", privateKey: new TextEncoder().encode(JSON.stringify(first.public)) };
await expect("a public key as a secret", await sign(secret), 401);
await expect("a key of another algorithm", await sign(rsa), 401);
await expect("another issuer", await sign(first, { iss: "https://evil.example" }), 401);
await expect("another application", await sign(first, { aud: "other" }), 401);
await expect("past", await sign(first, { iat: now() - 600, exp: now() - 60 }), 401);
await expect("without end", await sign(first, { exp: undefined }), 401);
await expect("without an account", await sign(first, { sub: undefined }), 401);
await expect("an access token", await sign(first, {}, { typ: "at+jwt" }), 401);
await expect("no type", await sign(first, {}, { typ: undefined }), 401);
await expect("roles that are none", await sign(first, { roles: "admin" }), 401);
await expect("an unknown key", await sign(second), 401);
// A new key is asked for once half a minute has gone by, not before.
set = { keys: [second.public] };
await expect("a new key at once", await sign(second), 401);
Date.now = () => clock() + 31_000;
await expect("a new key after a while", await sign(second), 200);
await expect("the old key", await sign(first), 401);
console.log(`${framework}: ${wrong} wrong`);
process.exit(wrong === 0 ? 0 : 1);
