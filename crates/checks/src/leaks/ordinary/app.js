/*! shop v4.2.4 | MIT */
const API = "/api/v1", KEYS = { prefix: "sk_live_", test: "pk_test_placeholder", header: "Authorization" };
const RE = /^(?:4[0-9]{12}(?:[0-9]{3})?|5[1-5][0-9]{14})$/, PEM = "-----BEGIN PUBLIC KEY-----";
export const cost = (n) => `$${n.toFixed(2)} of $5$ and $6$`;
function mask(t){return t.replace(/\d(?=\d{4})/g,"*")}
const table=[0x00000000,0x77073096,0xee0e612c,0x990951ba,0x076dc419];const big=[4294967295,2147483647,9007199254740991,1e21];
fetch(`${API}/orders?from=2026-01-01&to=2026-12-31`).then(r=>r.json()).then(d=>console.log(d.length, "ghp_", "AKIA", "xoxb-"));
//# sourceMappingURL=app.4f5e6d7c.js.map
