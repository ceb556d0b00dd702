import { Refusal } from '../failure.ts';
import type { Token } from './cypher-tokens.ts';

/** What a reading statement can begin with, after EXPLAIN or PROFILE. Everything else writes or reaches outside. */
const READING_STARTS = new Set(['MATCH', 'OPTIONAL', 'UNWIND', 'WITH', 'RETURN', 'CALL']);

/**
 * The functions that CALL may name: they tell of the graph's own schema. The others read files or settings, change
 * the handle, or (READ_CSV_SERIAL without its right arguments) end the process.
 */
const SCHEMA_FUNCTIONS = new Set([
  'SHOW_TABLES',
  'TABLE_INFO',
  'SHOW_CONNECTION',
  'SHOW_FUNCTIONS',
  'SHOW_INDEXES',
  'DB_VERSION',
]);

/** Values of a sequence: reading one moves it. */
const MOVING_FUNCTIONS = new Set(['NEXTVAL', 'CURRVAL']);

/**
 * Refuses what must not reach the engine, not even to be prepared: preparing `LOAD FROM` already reads the file.
 * What this lets through is still asked of the engine (`isReadOnly`), on a database that is open for reading.
 * @returns the tokens of the statement, without a semicolon at its end
 * @throws {Refusal} `read_only`
 */
export const guardReadOnly = (all: readonly Token[]): Token[] => {
  const tokens = withoutLastSemicolon(all);
  if (tokens.some(isSymbol(';'))) throw new Refusal('read_only', 'Send one statement at a time.');
  refuseStart(tokens[explainLength(tokens)]);
  tokens.forEach((token, index) => {
    if (!isPropertyName(tokens, index)) {
      refuseLoad(tokens, index);
      refuseCall(tokens, index);
    }
    refuseMovingFunction(token, tokens[index + 1]);
  });
  return tokens;
};

/** How many tokens of `EXPLAIN`, `EXPLAIN LOGICAL` or `PROFILE` a statement begins with. */
export const explainLength = ([first, second]: readonly Token[]): number => {
  if (isWord(first, 'PROFILE')) return 1;
  if (!isWord(first, 'EXPLAIN')) return 0;
  return isWord(second, 'LOGICAL') ? 2 : 1;
};

/** A bare word, compared as the engine does; compatibility forms of letters count as the letters. */
export const isWord = (token: Token | undefined, word: string): boolean =>
  token?.kind === 'word' && folded(token.text) === word;

const isSymbol = (symbol: string) => (token: Token | undefined) => token?.kind === 'symbol' && token.text === symbol;

const folded = (text: string): string => text.normalize('NFKC').toUpperCase();

const withoutLastSemicolon = (tokens: readonly Token[]): Token[] =>
  isSymbol(';')(tokens.at(-1)) ? tokens.slice(0, -1) : [...tokens];

const refuseStart = (start: Token | undefined): void => {
  if (start === undefined) throw new Refusal('query_failed', 'The query is empty.');
  if (start.kind === 'word' && READING_STARTS.has(folded(start.text))) return;
  throw new Refusal(
    'read_only',
    `A query can only read: it begins with MATCH, OPTIONAL MATCH, UNWIND, WITH, RETURN or CALL, not with ${start.text}.`,
  );
};

/** `n.load`, but not `2.` before a clause: only after a name or a bracket is a dot followed by a property. */
const isPropertyName = (tokens: readonly Token[], index: number): boolean => {
  const owner = tokens[index - 2];
  if (!isSymbol('.')(tokens[index - 1]) || owner === undefined) return false;
  return owner.kind === 'word' || owner.kind === 'name' || owner.kind === 'parameter' || /^[)\]}]$/.test(owner.text);
};

const refuseLoad = (tokens: readonly Token[], index: number): void => {
  const [load, next, afterNext] = tokens.slice(index, index + 3);
  const loads = isWord(next, 'FROM') || (isWord(next, 'WITH') && isWord(afterNext, 'HEADERS'));
  if (isWord(load, 'LOAD') && loads)
    throw new Refusal('read_only', 'LOAD FROM reads files, which a query can not. Load the file into a table instead.');
};

const refuseCall = (tokens: readonly Token[], index: number): void => {
  const [call, named, open] = tokens.slice(index, index + 3);
  if (!isWord(call, 'CALL') || (named?.kind !== 'word' && named?.kind !== 'name')) return;
  if (SCHEMA_FUNCTIONS.has(folded(named.text)) && isSymbol('(')(open)) return;
  throw new Refusal(
    'read_only',
    `CALL can not be used with ${named.text}. It can be used with ${[...SCHEMA_FUNCTIONS].join(', ').toLowerCase()}; ` +
      'write a variable named call in backticks.',
  );
};

const refuseMovingFunction = (token: Token, next: Token | undefined): void => {
  if (
    (token.kind === 'word' || token.kind === 'name') &&
    MOVING_FUNCTIONS.has(folded(token.text)) &&
    isSymbol('(')(next)
  )
    throw new Refusal('read_only', `${token.text} moves a sequence, which a query can not.`);
};
