// Verifies with the senders' own libraries what `gabion webhook sign` printed.
// Arguments: the scheme, the secret, the header fields as JSON, the body.
import { createPublicKey, verify as verifyBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import Stripe from 'stripe';
import { verify as githubVerify } from '@octokit/webhooks-methods';
import bolt from '@slack/bolt';

const [scheme, secret, fields, body] = process.argv.slice(2);
const headers = JSON.parse(fields);
switch (scheme) {
  case 'standard':
    new Webhook(secret).verify(body, headers);
    break;
  case 'pair': {
    const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), Buffer.from(secret, 'base64')]);
    const key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
    const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
    const signature = Buffer.from(headers['webhook-signature'].replace('v1a,', ''), 'base64');
    if (!verifyBytes(null, Buffer.from(signed), key, signature)) throw new Error('wrong signature');
    break;
  }
  case 'stripe':
    new Stripe('unused').webhooks.constructEvent(body, headers['stripe-signature'], secret);
    break;
  case 'github':
    if (!(await githubVerify(secret, body, headers['x-hub-signature-256']))) throw new Error('wrong signature');
    break;
  case 'slack':
    bolt.verifySlackRequest({ signingSecret: secret, body, headers });
    break;
  default:
    throw new Error(`no library for ${scheme}`);
}
console.log('verified');
