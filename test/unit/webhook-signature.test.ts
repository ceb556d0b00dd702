import { Webhook } from 'standardwebhooks';
import { describe, expect, test } from 'vitest';
import { verifyWebhook } from '../../domain/billing/webhook-signature.ts';

const SECRET = `whsec_${Buffer.from('the secret that is in use now').toString('base64')}`;
const OLD_SECRET = `whsec_${Buffer.from('the secret that was in use before').toString('base64')}`;
const TEXT = '{ "type": "invoice.paid" }';

const signed = ({ secret = SECRET, text = TEXT, secondsAgo = 0, id = 'evt_1' } = {}) => {
  const at = new Date(Date.now() - secondsAgo * 1_000);
  const headers: Record<string, string> = {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
    'webhook-signature': new Webhook(secret).sign(id, at, text),
  };
  return headers;
};

const verify = (headers: Record<string, string>, { text = TEXT, secrets = [SECRET] } = {}) =>
  verifyWebhook(secrets, text, (name) => headers[name]);

describe('a webhook', () => {
  test('that is signed with the secret is taken', () => {
    expect(verify(signed())).toBe('evt_1');
  });

  test.each<[string, Record<string, string>, { text?: string; secrets?: string[] }]>([
    ['another secret', signed({ secret: OLD_SECRET }), {}],
    ['a changed body', signed(), { text: '{ "type": "invoice.paid"  }' }],
    ['another id', { ...signed(), 'webhook-id': 'evt_2' }, {}],
    ['another time', { ...signed(), 'webhook-timestamp': String(Math.floor(Date.now() / 1_000) - 1) }, {}],
    ['no signature', { ...signed(), 'webhook-signature': '' }, {}],
    ['an empty signature', { ...signed(), 'webhook-signature': 'v1,' }, {}],
    ['a signature without its value', { ...signed(), 'webhook-signature': 'v1' }, {}],
    ['no headers', {}, {}],
    ['no secrets to verify by', signed(), { secrets: [] }],
    ['a time of 5 minutes ago and more', signed({ secondsAgo: 302 }), {}],
    ['a time 5 minutes ahead and more', signed({ secondsAgo: -303 }), {}],
  ])('with %s is refused', (_what, headers, own) => {
    expect(() => verify(headers, own)).toThrow(expect.objectContaining({ name: 'Refusal', code: 'unauthorized' }));
  });

  test('of almost 5 minutes ago is taken', () => {
    expect(verify(signed({ secondsAgo: 290 }))).toBe('evt_1');
  });

  test('is taken by the new secret and the old one while it is changed', () => {
    const secrets = [SECRET, OLD_SECRET];
    expect(verify(signed({ secret: OLD_SECRET }), { secrets })).toBe('evt_1');
    expect(verify(signed({ secret: SECRET }), { secrets })).toBe('evt_1');
  });

  test('with several signatures is taken when one of them is right', () => {
    const headers = signed();
    const other = signed({ secret: OLD_SECRET })['webhook-signature'];
    expect(verify({ ...headers, 'webhook-signature': `v1a,x ${other} ${headers['webhook-signature']}` })).toBe('evt_1');
  });

  test('whose id can not be a key is refused, although it is signed', () => {
    expect(() => verify(signed({ id: 'evt#1' }))).toThrow(expect.objectContaining({ code: 'invalid_request' }));
  });
});
