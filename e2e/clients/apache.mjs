// A person at a page that Apache's mod_auth_openidc protects.
// Arguments: the site's origin, the gate's origin, name, password.

import assert from "node:assert/strict";
import { Browser } from "./follow.mjs";

const [site, origin, name, password] = process.argv.slice(2);
const page = `${site}/protected/index.shtml`;
const hook = (fields) => `${site}/protected/redirect_uri?${new URLSearchParams(fields)}`;
const person = () => new Browser(origin, name, password, [site]);
const locked = async (browser) => (await browser.open(page)).status === 302;

const done = [];
const step = async (what, act) => {
  await act();
  done.push(what);
};

const ada = person();
let callback;

await step("asks the gate, with PKCE, state and nonce", async () => {
  const answer = await person().open(page);
  assert.equal(answer.status, 302, answer.text);
  const asked = new URL(answer.location);
  assert.equal(`${asked.origin}${asked.pathname}`, `${origin}/.gabion/oauth/authorize`);
  assert.equal(asked.searchParams.get("code_challenge_method"), "S256");
  for (const name of ["code_challenge", "state", "nonce"]) assert.ok(asked.searchParams.get(name), name);
});

await step("shows who signed in", async () => {
  const open = ada.open.bind(ada);
  ada.open = (url, form) => {
    if (String(url).includes("code=")) callback = String(url);
    return open(url, form);
  };
  const here = await ada.follow(page);
  assert.equal(here.href, page, ada.pages.join("\n"));
  assert.match(ada.page.text, new RegExp(`user=${name} sub=\\S+ issuer=${origin}`));
});

await step("an answer works once, and in one browser", async () => {
  assert.ok(callback);
  const other = person();
  await other.open(callback);
  assert.ok(await locked(other), "another browser is not let in");
});

await step("refreshes", async () => {
  const told = async () => JSON.parse((await ada.open(hook({ info: "json" }))).text);
  const before = await told();
  assert.ok(before.refresh_token && before.access_token, JSON.stringify(Object.keys(before)));
  const answer = await ada.open(hook({ refresh: page, access_token: before.access_token }));
  assert.equal(answer.location, page);
  const after = await told();
  assert.notEqual(after.access_token, before.access_token);
  assert.notEqual(after.refresh_token, before.refresh_token);
});

await step("signs out here and there", async () => {
  const here = await ada.follow(hook({ logout: `${site}/out.html` }));
  assert.equal(here.href, `${site}/out.html`, ada.pages.join("\n"));
  assert.ok(ada.page.text.includes("Gone"));
  assert.ok(await locked(ada), "the page is locked");
  assert.notEqual((await ada.open(`${origin}/.gabion/account`)).status, 200, "signed out at the gate");
});

await step("is told when the person signs out at the gate", async () => {
  await ada.follow(page);
  assert.equal(await locked(ada), false);
  await ada.open(`${origin}/.gabion/logout`, {});
  let told = false;
  for (let turn = 0; turn < 200 && !told; turn++) {
    told = await locked(ada);
    if (!told) await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.ok(told, "the session at the site ends by the back channel");
});

console.log(done.join("\n"));
