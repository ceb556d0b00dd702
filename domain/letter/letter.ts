import type { Page, PageRequest } from '../page.ts';

/** What letters are about: events of the billing provider that came in, events of lineage that are to go out. */
export type LetterKind = 'webhook' | 'lineage';

export type LetterState = 'received' | 'processed' | 'ignored' | 'dead';

/** An event that is kept until something was done about it, and how far that got. */
export type Letter = {
  eventId: string;
  /** The event as it came. */
  text: string;
  state: LetterState;
  /** How often it was taken up. */
  attempts: number;
  /** Why it was not processed when it was last taken up. */
  reason: string | null;
  receivedAt: string;
};

/** How an attempt ended. An open letter with `notBefore` is not taken up before then. */
export type Settlement = { state: LetterState; reason: string | null; at: string; notBefore: string | null };

/** Where the letters of a kind are kept. Each method is one read or one conditional write. */
export interface LetterStore {
  readonly kind: LetterKind;
  /** Puts an event where none is, taken up by the caller until `until`; null: by nobody yet. False: it is there. */
  receive(eventId: string, text: string, at: string, until: string | null): Promise<boolean>;
  /** Read consistently. */
  get(eventId: string): Promise<Letter | undefined>;
  /**
   * Takes up an event that is in a state and that nobody has taken up, or whose taker is over: the claim lasts longer
   * than any function that can hold it. A dead one begins to count its attempts again.
   * @returns the event, or undefined when it is not there to be taken
   */
  claim(eventId: string, state: 'received' | 'dead', at: string, until: string): Promise<Letter | undefined>;
  /** Records how an attempt ended, if it is the newest one still. */
  settle(letter: Letter, settlement: Settlement): Promise<void>;
  /** The events in a state, oldest first. The index may lag behind. */
  list(state: 'received' | 'dead', page: PageRequest): Promise<Page<Letter>>;
}
