// A signing key as JSON: its private part, and the set to register.

const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
const kid = "one";
const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", pair.publicKey);
console.log(JSON.stringify({
  private: await crypto.subtle.exportKey("jwk", pair.privateKey),
  kid,
  set: { keys: [{ kty, crv, x, y, kid, alg: "ES256", use: "sig" }] },
}));
