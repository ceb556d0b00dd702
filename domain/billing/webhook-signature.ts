import { Webhook } from 'standardwebhooks';
import { Refusal } from '../failure.ts';

/** A header of the call by its lower-case name. */
type Header = (name: string) => string | undefined;

/** Part of a key in the control table and of a path. */
const EVENT_ID = /^[\w.:-]{1,200}$/;

/**
 * Checks a call by the Standard Webhooks specification: a signature over id, time and the text as it was sent, by any of
 * the secrets, no older than 5 minutes. While a secret is changed there are two.
 * @returns the event's id
 * @throws {Refusal} `unauthorized`; `invalid_request` when the sender has signed an id that can not be one
 */
export const verifyWebhook = (secrets: readonly string[], text: string, header: Header): string => {
  const names = ['webhook-id', 'webhook-timestamp', 'webhook-signature'];
  const headers = Object.fromEntries(names.map((name) => [name, header(name) ?? '']));
  let cause: unknown = new Error('There are no secrets to verify by.');
  const signed = secrets.some((secret) => {
    try {
      new Webhook(secret).verify(text, headers, { jsonParse: false });
      return true;
    } catch (error) {
      cause = error;
      return false;
    }
  });
  if (!signed) throw new Refusal('unauthorized', `The webhook is not taken: ${(cause as Error).message}.`, { cause });
  const eventId = headers['webhook-id'] ?? '';
  if (EVENT_ID.test(eventId)) return eventId;
  throw new Refusal('invalid_request', 'The webhook-id is not valid.', {
    issues: [{ path: 'webhook-id', message: 'Use 1 to 200 letters, digits and "_.:-".' }],
  });
};
