import { Refusal } from '../../domain/failure.ts';
import type { Token } from '../../domain/query/cypher-tokens.ts';
import { isWord } from '../../domain/query/read-only-guard.ts';

/**
 * The engine's parser can not be interrupted, and what it needs grows with the square of a query's length and of its
 * depth, for CASE even faster: 20,000 brackets, or forty CASEs in each other, would hold a thread for hours. What these let
 * through takes it a second at the most.
 */
const MOST_TOKENS = 5_000;
const DEEPEST = 30;
const WEIGHTS = { '(': 1, '[': 1, '{': 1, CASE: 3 } as const;
const CLOSED_BY = { '(': ')', '[': ']', '{': '}', CASE: 'END' } as const;
type Opening = keyof typeof WEIGHTS;

/**
 * Refuses a query that the engine would be too long about before it looks at its clock.
 * @throws {Refusal} `query_failed`
 */
export const refuseTooLarge = (tokens: readonly Token[]): void => {
  if (tokens.length > MOST_TOKENS) {
    throw new Refusal(
      'query_failed',
      `The query has more than ${MOST_TOKENS} words, numbers and signs. Send long lists as parameters.`,
    );
  }
  const open: Opening[] = [];
  let depth = 0;
  for (const token of tokens) {
    const opening = openingOf(token);
    const last = open.at(-1);
    if (opening !== undefined) {
      open.push(opening);
      depth += WEIGHTS[opening];
    } else if (last !== undefined && isClosedBy(last, token)) {
      open.pop();
      depth -= WEIGHTS[last];
    }
    if (depth > DEEPEST) {
      throw new Refusal(
        'query_failed',
        `The query has more than ${DEEPEST} brackets in each other; a CASE counts for ${WEIGHTS.CASE}. Take it apart by WITH.`,
      );
    }
  }
};

const openingOf = (token: Token): Opening | undefined => {
  if (isWord(token, 'CASE')) return 'CASE';
  return token.kind === 'symbol' && token.text in CLOSED_BY ? (token.text as Opening) : undefined;
};

const isClosedBy = (opening: Opening, token: Token): boolean =>
  opening === 'CASE' ? isWord(token, 'END') : token.kind === 'symbol' && token.text === CLOSED_BY[opening];
