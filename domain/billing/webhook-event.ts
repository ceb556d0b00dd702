import type { Page, PageRequest } from '../page.ts';

export const WEBHOOK_STATES = ['received', 'processed', 'ignored', 'dead'] as const;
export type WebhookState = (typeof WEBHOOK_STATES)[number];

/** An event of the billing provider, as it came, and how far it got. */
export type WebhookEvent = {
  eventId: string;
  /** The body as it was signed. */
  text: string;
  state: WebhookState;
  /** How often it was taken up. */
  attempts: number;
  /** Why it was not processed when it was last taken up. */
  reason: string | null;
  receivedAt: string;
};

/** Where the events are kept. Each method is one read or one conditional write. */
export interface WebhookStore {
  /** Puts an event where none is, taken up by the caller until `until`. False: it is there. */
  receive(eventId: string, text: string, at: string, until: string): Promise<boolean>;
  /** Read consistently. */
  get(eventId: string): Promise<WebhookEvent | undefined>;
  /**
   * Takes up an event that is in a state and that nobody has taken up, or whose taker is over: the claim lasts longer
   * than any function that can hold it. A dead one begins to count its attempts again.
   * @returns the event, or undefined when it is not there to be taken
   */
  claim(eventId: string, state: 'received' | 'dead', at: string, until: string): Promise<WebhookEvent | undefined>;
  /** Records how an attempt ended, if it is the newest one still. */
  settle(event: WebhookEvent, state: WebhookState, reason: string | null, at: string): Promise<void>;
  /** The events in a state, oldest first. The index may lag behind. */
  list(state: 'received' | 'dead', page: PageRequest): Promise<Page<WebhookEvent>>;
}
