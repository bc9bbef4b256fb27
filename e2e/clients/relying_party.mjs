// `oidc-provider` on loopback, and a browser that signs in to a gate with it. Says where it listens, reads
// the gate's origin from standard input, then prints one line of JSON per thing done.
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import Provider from 'oidc-provider';

const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
console.warn = console.info = console.error = () => {};

const server = createServer();
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const issuer = `http://127.0.0.1:${server.address().port}`;
say({ issuer });
const [gate, name, password] = (await createInterface({ input: process.stdin })[Symbol.asyncIterator]().next()).value.split(' ').map((part) => part.replaceAll('+', ' '));

const back = `${gate}/.gabion/federation/op`;
const provider = new Provider(issuer, {
  clients: [{
    client_id: 'gabion',
    client_secret: 'planted-federation-secret-5d0c',
    redirect_uris: [`${back}/callback`],
    post_logout_redirect_uris: [`${gate}/.gabion/logout`],
    backchannel_logout_uri: `${back}/backchannel-logout`,
    backchannel_logout_session_required: true,
  }],
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'preferred_username'] },
  features: { backchannelLogout: { enabled: true }, devInteractions: { enabled: true } },
  // Its own guard lets it call no loopback address; the gate is on one.
  fetch: (url, options) => globalThis.fetch(url, { ...options, dispatcher: undefined }),
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email: `${id}@op.example`, email_verified: true, name: id, preferred_username: id }),
  }),
});
server.on('request', provider.callback());

class Browser {
  jar = new Map();
  async send(url, form) {
    const { origin } = new URL(url);
    const cookies = [...(this.jar.get(origin) ?? new Map())].map(([key, value]) => `${key}=${value}`).join('; ');
    const headers = { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', 'sec-fetch-site': form ? 'same-origin' : 'cross-site' };
    if (cookies) headers.cookie = cookies;
    if (form) headers.origin = origin;
    const answer = await fetch(url, {
      method: form ? 'POST' : 'GET', headers, redirect: 'manual', body: form && new URLSearchParams(form),
    });
    const kept = this.jar.get(origin) ?? new Map();
    for (const cookie of answer.headers.getSetCookie()) {
      const [pair] = cookie.split(';');
      const at = pair.indexOf('=');
      if (/max-age=0|expires=thu, 01 jan 1970/i.test(cookie)) kept.delete(pair.slice(0, at));
      else kept.set(pair.slice(0, at), pair.slice(at + 1));
    }
    this.jar.set(origin, kept);
    return { url, status: answer.status, location: answer.headers.get('location'), body: await answer.text() };
  }
  // Follows redirects and fills in the provider's forms as `who`; stops at the first page of the gate.
  async go(url, who, form) {
    this.seen = [];
    for (let step = 0; step < 30; step += 1) {
      this.seen.push(url);
      const answer = await this.send(url, form);
      form = undefined;
      if (answer.location) { url = new URL(answer.location, url).href; continue; }
      if (!url.startsWith(issuer)) return answer;
      const action = answer.body.match(/<form[^>]*action="([^"]+)"/)?.[1];
      if (!action) return answer;
      form = {};
      for (const [input] of answer.body.matchAll(/<input[^>]*type="hidden"[^>]*>/g)) {
        form[input.match(/name="([^"]*)"/)[1]] = input.match(/value="([^"]*)"/)?.[1] ?? '';
      }
      if (form.prompt === 'login') Object.assign(form, { login: who, password: 'x' });
      if (action.includes('/session/end')) form.logout = 'yes';
      url = new URL(action, url).href;
    }
    throw new Error(`no end: ${this.seen.join(' ')}`);
  }
}

const start = `${back}/start?next=/hello`;
const ticket = (page) => new URL(page.url).searchParams.get('ticket');
const choose = `${gate}/.gabion/federation/choose`;

// Somebody unknown: nothing happens before they choose.
const alice = new Browser();
let page = await alice.go(start, 'alice');
say({ unknown: new URL(page.url).pathname, names: page.body.includes('alice@op.example') });
page = await alice.go(choose, 'alice', { ticket: ticket(page), choice: 'create' });
say({ created: page.status, at: new URL(page.url).pathname, body: page.body });

// The same person again, elsewhere; and the address they came back by, once more and in another browser.
const again = new Browser();
page = await again.go(start, 'alice');
say({ again: page.status, at: new URL(page.url).pathname });
const callback = again.seen.find((url) => url.startsWith(`${back}/callback`));
say({ replayed: (await again.send(callback)).status, elsewhere: (await new Browser().send(callback)).status });

// A member links another identity to the account they have.
const member = new Browser();
await member.send(`${gate}/.gabion/login`, { name, password });
page = await member.go(`${start}&link=1`, 'robert');
page = await member.go(choose, 'robert', { ticket: ticket(page), choice: 'link' });
page = await member.send(`${gate}/.gabion/account/identities`);
say({ linked: page.status, names: page.body.includes('robert@op.example') });
const linked = new Browser();
await linked.go(start, 'robert');
page = await linked.send(`${gate}/.gabion/account`);
say({ signedInAs: page.body.includes(`>${name}<`) });

// Signing out at the provider ends the session here.
await linked.go(`${issuer}/session/end`, 'robert');
say({ afterLogout: (await linked.send(`${gate}/hello`)).status, others: (await again.send(`${gate}/hello`)).status });

// Signing out here leads on to the provider, and back.
page = await again.send(`${gate}/.gabion/logout`, {});
const onward = page.body.match(/<meta http-equiv="refresh" content="0; url=([^"]+)">/)[1];
page = await again.go(onward.replaceAll('&amp;', '&').replaceAll('&#38;', '&'), 'alice');
say({ out: page.status, at: new URL(page.url).pathname, said: page.body.includes('You are signed out') });
await again.go(start, 'alice');
say({ askedAnew: again.seen.some((url) => url.includes('/interaction/')) });
process.exit(0);
