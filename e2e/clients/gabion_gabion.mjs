// Somebody signs in at one gate with an account of another.
// Arguments: the origin of the gate that asks, the origin of the one that knows, name and password there.

import assert from "node:assert/strict";
import { Browser } from "./follow.mjs";

const [site, origin, name, password] = process.argv.slice(2);
const person = () => new Browser(origin, name, password, [site]);
const start = `${site}/.gabion/federation/up/start?next=/hello`;
const isIn = async (browser) => (await browser.open(`${site}/hello`)).status === 200;
const isInThere = async (browser) => (await browser.open(`${origin}/.gabion/account`)).status === 200;

const done = [];
const step = async (what, act) => {
  await act();
  done.push(what);
};

const [one, other] = [person(), person()];

await step("an account is made for somebody new", async () => {
  const here = await one.follow(start);
  assert.equal(here.pathname, "/.gabion/federation/choose", one.pages.join("\n"));
  assert.ok(one.page.text.includes(name));
  await one.open(`${site}/.gabion/federation/choose`, { ticket: here.searchParams.get("ticket"), choice: "create" });
  assert.ok(await isIn(one));
});

await step("the same person comes in elsewhere", async () => {
  const here = await other.follow(start);
  assert.equal(here.href, `${site}/hello`, other.pages.join("\n"));
  assert.match(other.page.text, /identity=true/);
});

await step("signing out here signs out there, and nobody is asked", async () => {
  const answer = await one.open(`${site}/.gabion/logout`, {});
  assert.match(answer.text, /http-equiv="refresh"/);
  const onward = answer.text.match(/<meta http-equiv="refresh" content="0; url=([^"]+)">/)[1];
  const here = await one.follow(onward.replaceAll("&amp;", "&").replaceAll("&#38;", "&"));
  assert.equal(`${here.origin}${here.pathname}`, `${site}/.gabion/logout`);
  assert.ok(one.page.text.includes("You are signed out"));
  assert.equal(await isIn(one), false);
  assert.equal(await isInThere(one), false);
  assert.ok(await isIn(other), "another session of the same person goes on");
});

await step("signing out there signs out here", async () => {
  assert.ok(await isInThere(other));
  await other.open(`${origin}/.gabion/logout`, {});
  let ended = false;
  for (let turn = 0; turn < 200 && !ended; turn++) {
    ended = !(await isIn(other));
    if (!ended) await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.ok(ended, "by the back channel");
});

console.log(done.join("\n"));
