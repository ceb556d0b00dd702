import { Failure, Refusal } from '../failure.ts';
import { nextTurn, type RotationStore } from '../rotation/rotation.ts';
import type { Letter, LetterStore } from './letter.ts';

/** Longer than any function that processes an event can run: a claim that has run out belongs to nobody. */
const CLAIM_MS = 90_000;

/** Does what an event says; it may be asked to do so again. */
export type Apply = (event: Letter) => Promise<'processed' | 'ignored'>;

/** How long is gone on with an event that can not be processed. */
export type Patience = {
  readonly maxAttempts: number;
  /** How long it rests after so many attempts; null: until the next turn. */
  readonly restMs: (attempts: number) => number | null;
};

export type LetterBoxOptions = {
  patience?: Patience;
  /** The event that is to be processed before another, if there is one. */
  follows?: (eventId: string) => string | undefined;
  now?: () => Date;
};

type Claim = { at: string; until: string };

const TEN_TURNS: Patience = { maxAttempts: 10, restMs: () => null };

/**
 * Events that must not be lost. An event is kept before anything is done about it, and taken up by one at a time; one that
 * can not be processed is tried again and in the end is a dead letter, which is there until an operator has it tried again.
 */
export class LetterBox {
  readonly #store: LetterStore;
  readonly #apply: Apply;
  readonly #patience: Patience;
  readonly #follows: (eventId: string) => string | undefined;
  readonly #now: () => Date;

  constructor(
    store: LetterStore,
    apply: Apply,
    { patience = TEN_TURNS, follows = () => undefined, now = () => new Date() }: LetterBoxOptions = {},
  ) {
    this.#store = store;
    this.#apply = apply;
    this.#patience = patience;
    this.#follows = follows;
    this.#now = now;
  }

  /** Keeps an event for the next turn. Repeating it is harmless. */
  async keep(eventId: string, text: string): Promise<void> {
    await this.#store.receive(eventId, text, this.#now().toISOString(), null);
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
    const name = `received-${this.#store.kind}s`;
    const waiting = await nextTurn(rotations, name, limit, (page) => this.#store.list('received', page));
    // At once: one that takes long does not hold up the others, but those that follow it.
    const turns = new Map<string, Promise<Letter['state'] | undefined>>();
    for (const { eventId } of waiting) {
      const before = this.#follows(eventId);
      const isOver = before === undefined ? undefined : turns.get(before);
      turns.set(
        eventId,
        Promise.resolve(isOver).then(() => this.#takeUpInOrder(eventId, before)),
      );
    }
    const states = await Promise.all(turns.values());
    for (const state of states) {
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
  async redrive(eventId: string): Promise<Letter> {
    const event = await revive(this.#store, eventId, this.#claim());
    await this.#process(event);
    return (await this.#store.get(eventId)) ?? event;
  }

  #claim(): Claim {
    const now = this.#now();
    return { at: now.toISOString(), until: new Date(now.getTime() + CLAIM_MS).toISOString() };
  }

  /** One that follows another is not taken up before that one is done with, or dead. */
  async #takeUpInOrder(eventId: string, before: string | undefined): Promise<Letter['state'] | undefined> {
    if (before !== undefined && (await this.#store.get(before))?.state === 'received') return undefined;
    return this.#takeUp(eventId);
  }

  async #takeUp(eventId: string): Promise<Letter['state'] | undefined> {
    const { at, until } = this.#claim();
    const event = await this.#store.claim(eventId, 'received', at, until);
    return event && this.#process(event);
  }

  async #process(event: Letter): Promise<Letter['state']> {
    const [state, reason] = await this.#attempt(event);
    const now = this.#now();
    const restMs = state === 'received' ? this.#patience.restMs(event.attempts) : null;
    const notBefore = restMs === null ? null : new Date(now.getTime() + restMs).toISOString();
    await this.#store.settle(event, { state, reason, at: now.toISOString(), notBefore });
    return state;
  }

  async #attempt(event: Letter): Promise<[Letter['state'], string | null]> {
    const { maxAttempts } = this.#patience;
    if (event.attempts > maxAttempts) return ['dead', event.reason ?? 'No attempt to process it came to an end.'];
    try {
      return [await this.#apply(event), null];
    } catch (error) {
      const isHopeless = error instanceof Failure && !error.retryable;
      const reason = error instanceof Error ? error.message : String(error);
      return [isHopeless || event.attempts >= maxAttempts ? 'dead' : 'received', reason];
    }
  }
}

/**
 * Leaves a dead letter to the next turn, for what takes longer than a caller waits.
 * @returns the event as it is then
 * @throws {Refusal} as {@link LetterBox.redrive}
 */
export const requeue = (store: LetterStore, eventId: string, now = new Date()): Promise<Letter> =>
  revive(store, eventId, { at: now.toISOString(), until: now.toISOString() });

const revive = async (store: LetterStore, eventId: string, { at, until }: Claim): Promise<Letter> => {
  const event = await store.claim(eventId, 'dead', at, until);
  if (event !== undefined) return event;
  const found = await store.get(eventId);
  if (found === undefined) throw new Refusal('not_found', `There is no dead letter "${eventId}".`);
  throw new Refusal('conflict', `The event is ${found.state}; only a dead letter is redriven.`);
};
