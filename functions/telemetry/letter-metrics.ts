import type { LetterStore } from '../../domain/letter/letter.ts';
import { measure } from './metrics.ts';

/** Each is read to be counted; that there are any is what matters. */
const MOST_COUNTED = 25;

/** Measures how many letters of a kind wait for an operator. */
export const measureDeadLetters = async (letters: LetterStore): Promise<void> => {
  const { items } = await letters.list('dead', { limit: MOST_COUNTED });
  measure('DeadLetters', items.length, { letters: letters.kind });
};
