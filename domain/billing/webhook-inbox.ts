import { Failure, Refusal } from '../failure.ts';
import { nextTurn, type RotationStore } from '../reconciliation/rotation.ts';
import type { WebhookEvent, WebhookStore } from './webhook-event.ts';

/** Longer than any function that processes an event can run: a claim that has run out belongs to nobody. */
const CLAIM_MS = 90_000;
const MAX_ATTEMPTS = 10;

/** Does what an event says; it may be asked to do so again. */
export type Apply = (event: WebhookEvent) => Promise<'processed' | 'ignored'>;

/**
 * The events of the billing provider. An event is kept before anything is done about it, and taken up by one at a time;
 * one that can not be processed is tried again and in the end is a dead letter, which is there until an operator has it
 * tried again.
 */
export class WebhookInbox {
  readonly #store: WebhookStore;
  readonly #apply: Apply;
  readonly #now: () => Date;

  constructor(store: WebhookStore, apply: Apply, now: () => Date = () => new Date()) {
    this.#store = store;
    this.#apply = apply;
    this.#now = now;
  }

  /** Keeps an event and processes it. A delivery that is repeated processes only what no other one has, or is about to. */
  async receive(eventId: string, text: string): Promise<void> {
    const { at, until } = this.#claim();
    if (await this.#store.receive(eventId, text, at, until)) {
      await this.#process({ eventId, text, state: 'received', attempts: 1, reason: null, receivedAt: at });
    } else {
      await this.#takeUp(eventId);
    }
  }

  /** Takes up the next `limit` events that were received and are not processed. */
  async takeTurn(
    rotations: RotationStore,
    limit: number,
  ): Promise<{ processed: number; failed: number; dead: number }> {
    const count = { processed: 0, failed: 0, dead: 0 };
    const waiting = await nextTurn(rotations, 'received-webhooks', limit, (page) => this.#store.list('received', page));
    for (const { eventId } of waiting) {
      const state = await this.#takeUp(eventId);
      if (state === 'dead') count.dead += 1;
      else if (state === 'received') count.failed += 1;
      else if (state !== undefined) count.processed += 1;
    }
    return count;
  }

  /**
   * Tries a dead letter again, once, however many ask for it at once.
   * @returns the event as that left it
   * @throws {Refusal} `not_found`; `conflict` when it is not dead, or not any more
   */
  async redrive(eventId: string): Promise<WebhookEvent> {
    const { at, until } = this.#claim();
    const event = await this.#store.claim(eventId, 'dead', at, until);
    if (event === undefined) {
      const found = await this.#store.get(eventId);
      if (found === undefined) throw new Refusal('not_found', `There is no dead letter "${eventId}".`);
      throw new Refusal('conflict', `The event is ${found.state}; only a dead letter is redriven.`);
    }
    await this.#process(event);
    return (await this.#store.get(eventId)) ?? event;
  }

  #claim(): { at: string; until: string } {
    const now = this.#now();
    return { at: now.toISOString(), until: new Date(now.getTime() + CLAIM_MS).toISOString() };
  }

  async #takeUp(eventId: string): Promise<WebhookEvent['state'] | undefined> {
    const { at, until } = this.#claim();
    const event = await this.#store.claim(eventId, 'received', at, until);
    return event && this.#process(event);
  }

  async #process(event: WebhookEvent): Promise<WebhookEvent['state']> {
    const [state, reason] = await this.#attempt(event);
    await this.#store.settle(event, state, reason, this.#now().toISOString());
    return state;
  }

  async #attempt(event: WebhookEvent): Promise<[WebhookEvent['state'], string | null]> {
    if (event.attempts > MAX_ATTEMPTS) return ['dead', event.reason ?? 'No attempt to process it came to an end.'];
    try {
      return [await this.#apply(event), null];
    } catch (error) {
      const isHopeless = error instanceof Failure && !error.retryable;
      const reason = error instanceof Error ? error.message : String(error);
      return [isHopeless || event.attempts >= MAX_ATTEMPTS ? 'dead' : 'received', reason];
    }
  }
}
