// Messages signed by the senders' own libraries, sent through the gate; prints the statuses as JSON.
// Arguments: the gate's address, and the secrets as JSON.
import { createPrivateKey, createHmac, sign as signBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import Stripe from 'stripe';
import { sign as githubSign } from '@octokit/webhooks-methods';

const [gate, text] = process.argv.slice(2);
const secrets = JSON.parse(text);
const stripe = new Stripe('unused');
const now = () => Math.floor(Date.now() / 1000);
let count = 0;

const schemes = {
  standard(body, time) {
    const id = `msg_${++count}`;
    const signature = new Webhook(secrets.standard).sign(id, new Date(time * 1000), body);
    return { 'webhook-id': id, 'webhook-timestamp': `${time}`, 'webhook-signature': signature };
  },
  pair(body, time) {
    const id = `msg_${++count}`;
    const key = createPrivateKey({ key: Buffer.from(secrets.pairPkcs8, 'base64'), format: 'der', type: 'pkcs8' });
    const signature = signBytes(null, Buffer.from(`${id}.${time}.${body}`), key).toString('base64');
    return { 'webhook-id': id, 'webhook-timestamp': `${time}`, 'webhook-signature': `v1,AAAA v1a,${signature}` };
  },
  stripe: (body, time) => ({
    'stripe-signature': stripe.webhooks.generateTestHeaderString({ payload: body, secret: secrets.stripe, timestamp: time }),
  }),
  'stripe-old': (body, time) => ({
    'stripe-signature': stripe.webhooks.generateTestHeaderString({ payload: body, secret: secrets.stripeOld, timestamp: time }),
  }),
  github: async (body) => ({
    'x-github-delivery': `${++count}`,
    'x-hub-signature-256': await githubSign(secrets.github, body),
  }),
  // https://api.slack.com/authentication/verifying-requests-from-slack
  slack: (body, time) => ({
    'x-slack-request-timestamp': `${time}`,
    'x-slack-signature': `v0=${createHmac('sha256', secrets.slack).update(`v0:${time}:${body}`).digest('hex')}`,
  }),
  custom: (body, time) => ({
    'x-time': `${time}`,
    'x-signature': `sha512=${createHmac('sha512', secrets.custom).update(`${time}\n${body}`).digest('base64')}`,
  }),
};

async function send(path, headers, body) {
  const answer = await fetch(`${gate}/hooks/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  });
  return { status: answer.status, text: await answer.text() };
}

const rows = {};
for (const [name, sign] of Object.entries(schemes)) {
  const path = name.replace('-old', '');
  // White space as no serialiser writes it: what is verified is what came.
  const body = `{ "order":  ${Math.random()},\n "text": "é" }`;
  const headers = await sign(body, now());
  const good = await send(path, headers, body);
  const foreign = name === 'github' ? headers : await sign(body, now() - 600);
  rows[name] = {
    good: good.status,
    echoed: good.text.endsWith(body),
    again: (await send(path, headers, body)).status,
    otherBody: (await send(path, await sign(body, now()), `${body} `)).status,
    old: name === 'github' ? 403 : (await send(path, foreign, body)).status,
    unsigned: (await send(path, {}, body)).status,
  };
}
console.log(JSON.stringify(rows));
