import { createHmac } from 'node:crypto';
import * as fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { verifyWebhook } from '../../domain/billing/webhook-signature.ts';
import { Refusal } from '../../domain/failure.ts';

const NOW = Date.UTC(2026, 0, 1);
const SECRET = `whsec_${Buffer.from('the secret that is in use now').toString('base64')}`;
const OLD_SECRET = `whsec_${Buffer.from('the secret that was in use before').toString('base64')}`;
const TEXT = '{ "type": "invoice.paid" }';

// The library looks at the clock itself.
beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: NOW }));
afterEach(() => void vi.useRealTimers());

const signed = ({ secret = SECRET, text = TEXT, secondsAgo = 0, id = 'evt_1' } = {}) => {
  const at = new Date(NOW - secondsAgo * 1_000);
  const headers: Record<string, string> = {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
    'webhook-signature': new Webhook(secret).sign(id, at, text),
  };
  return headers;
};

/** As by a secret without a byte. */
const signedWithNothing = () => {
  const headers = signed();
  const text = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${TEXT}`;
  return { ...headers, 'webhook-signature': `v1,${createHmac('sha256', '').update(text).digest('base64')}` };
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
    ['another time', { ...signed(), 'webhook-timestamp': String(NOW / 1_000 - 1) }, {}],
    ['no signature', { ...signed(), 'webhook-signature': '' }, {}],
    ['an empty signature', { ...signed(), 'webhook-signature': 'v1,' }, {}],
    ['a signature without its value', { ...signed(), 'webhook-signature': 'v1' }, {}],
    ['no headers', {}, {}],
    ['no time', { ...signed(), 'webhook-timestamp': '' }, {}],
    ['no secrets to verify by', signed(), { secrets: [] }],
    ['a secret in the alphabet of URLs', signed({ secret: 'whsec_+/+/' }), { secrets: ['whsec_-_-_'] }],
    ['an empty secret, which anybody has', signedWithNothing(), { secrets: ['', 'whsec_', '==', 'A', 'whsec_-'] }],
    ['a time of more than 5 minutes ago', signed({ secondsAgo: 301 }), {}],
    ['a time more than 5 minutes ahead', signed({ secondsAgo: -301 }), {}],
  ])('with %s is refused', (_what, headers, own) => {
    expect(() => verify(headers, own)).toThrow(expect.objectContaining({ name: 'Refusal', code: 'unauthorized' }));
  });

  test.each([300, -300])('of %i seconds ago is taken', (secondsAgo) => {
    expect(verify(signed({ secondsAgo }))).toBe('evt_1');
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

/** A call and the secret that it is verified by. */
type Call = { secret: string; text: string; [header: string]: string };

const isTakenByTheirs = ({ secret, text, ...headers }: Call): boolean => {
  try {
    new Webhook(secret).verify(text, headers, { jsonParse: false });
    return true;
  } catch {
    return false;
  }
};
const isTakenByOurs = ({ secret, text, ...headers }: Call): boolean => {
  try {
    verify(headers, { text, secrets: [secret] });
    return true;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    // What is signed, and can not be a key, is refused by us alone.
    return error.code === 'invalid_request';
  }
};

describe('any webhook', () => {
  const base64 = fc.uint8Array({ minLength: 3, maxLength: 64 }).map((key) => Buffer.from(key).toString('base64'));
  const anySecret = fc.oneof(
    base64.map((key) => `whsec_${key}`),
    base64,
    base64.map((key) => key.replaceAll('=', '')),
  );
  const delivery = {
    secret: anySecret,
    id: fc.oneof(fc.stringMatching(/^[\w.:-]{1,20}$/), fc.string({ unit: 'binary', minLength: 1 })),
    text: fc.oneof(fc.json(), fc.string({ unit: 'binary' })),
    secondsAgo: fc.integer({ min: -400, max: 400 }),
  };

  test('is taken just when the library of the standard takes it', () => {
    fc.assert(
      fc.property(fc.record(delivery), (sent) => {
        const { secret, text, secondsAgo } = sent;
        const call = { secret, text, ...signed(sent) };
        const isTaken = Math.abs(secondsAgo) <= 300;
        expect({ theirs: isTakenByTheirs(call), ours: isTakenByOurs(call) }).toEqual({
          theirs: isTaken,
          ours: isTaken,
        });
      }),
    );
  });

  test('that was changed in any way is not taken when the library of the standard would not take it', () => {
    const change = fc.record({
      part: fc.constantFrom('webhook-id', 'webhook-timestamp', 'webhook-signature', 'text', 'secret'),
      at: fc.nat(),
      removed: fc.nat({ max: 3 }),
      inserted: fc.oneof(fc.constant(''), fc.string({ maxLength: 3 }), fc.constantFrom(' ', ' v1,', '=', '.', '0')),
    });
    fc.assert(
      fc.property(fc.record(delivery), change, ({ secret, text, ...of }, { part, at, removed, inserted }) => {
        const call: Call = { secret, text, ...signed({ secret, text, ...of }) };
        const before = call[part] ?? '';
        const place = at % (before.length + 1);
        const changed = { ...call, [part]: before.slice(0, place) + inserted + before.slice(place + removed) };
        expect(isTakenByOurs(changed) && !isTakenByTheirs(changed)).toBe(false);
      }),
      { numRuns: 1_000 },
    );
  });
});
