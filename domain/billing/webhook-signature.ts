import { createHmac, timingSafeEqual } from 'node:crypto';
import { Refusal } from '../failure.ts';

/** A header of the call by its lower-case name. */
type Header = (name: string) => string | undefined;

/** Either way: the sender's clock may be ahead. */
const TOLERANCE_SECONDS = 5 * 60;
/** Base64, of one byte at least: anybody could sign with an empty key. */
const SECRET = /^(?:whsec_)?([A-Za-z0-9+/]{2,}={0,2})$/;

/** Part of a key in the control table and of a path. */
const EVENT_ID = /^[\w.:-]{1,200}$/;

/**
 * Checks a call by the Standard Webhooks specification: a signature over id, time and the text as it was sent, by any of
 * the secrets, no older than 5 minutes. While a secret is changed there are two.
 * @returns the event's id
 * @throws {Refusal} `unauthorized`; `invalid_request` when the sender has signed an id that can not be one
 */
export const verifyWebhook = (secrets: readonly string[], text: string, header: Header): string => {
  const id = header('webhook-id') ?? '';
  const time = header('webhook-timestamp') ?? '';
  const given = (header('webhook-signature') ?? '').split(' ');
  if (!isRecent(time)) throw notTaken('Its time is not within 5 minutes of now');
  const right = secrets.flatMap((secret) => signatureBy(secret, `${id}.${time}.${text}`) ?? []);
  if (!right.some((signature) => given.some((one) => isEqual(one, signature)))) {
    throw notTaken('It is not signed with a secret of ours');
  }
  if (EVENT_ID.test(id)) return id;
  throw new Refusal('invalid_request', 'The webhook-id is not valid.', {
    issues: [{ path: 'webhook-id', message: 'Use 1 to 200 letters, digits and "_.:-".' }],
  });
};

const notTaken = (why: string): Refusal => new Refusal('unauthorized', `The webhook is not taken: ${why}.`);

const isRecent = (time: string): boolean =>
  /^\d+$/.test(time) && Math.abs(Math.floor(Date.now() / 1_000) - Number(time)) <= TOLERANCE_SECONDS;

/** Undefined: the secret is none. */
const signatureBy = (secret: string, signed: string): string | undefined => {
  const [, key] = SECRET.exec(secret) ?? [];
  if (key === undefined) return undefined;
  return `v1,${createHmac('sha256', Buffer.from(key, 'base64')).update(signed).digest('base64')}`;
};

/** How long it takes tells nothing of a signature that is not right. */
const isEqual = (given: string, right: string): boolean => {
  const [one, other] = [Buffer.from(given), Buffer.from(right)];
  return one.length === other.length && timingSafeEqual(one, other);
};
