import { Refusal } from '../failure.ts';

export type TokenKind = 'word' | 'name' | 'string' | 'number' | 'parameter' | 'symbol';

/** A piece of a query. `word` is bare (a keyword or a name), `name` was in backticks; both have their plain `text`. */
export type Token = { kind: TokenKind; text: string; start: number; end: number };

export type CypherText = {
  /** The query with its comments blanked out, so that pieces of it can be put together anew. */
  source: string;
  tokens: Token[];
};

/**
 * What may stand between words. The engine takes a good many other characters for spaces; a query that has one of
 * them is refused instead of being guessed at.
 */
const SPACE = /[ \t\r\n\f\v]+/y;
const COMMENT = /\/\*[\s\S]*?\*\/|\/\/[^\r\n]*(?=\r?\n|$)/y;
const PIECES: readonly (readonly [TokenKind, RegExp])[] = [
  // Only the escapes that the engine knows: it would end the string elsewhere at any other.
  ['string', /'(?:[^'\\]|\\['"\\bfnrtxuUBFNRTX])*'|"(?:[^"\\]|\\['"\\bfnrtxuUBFNRTX])*"/y],
  ['name', /`[^`]*`/y],
  ['parameter', /\$(?:[\p{L}_][\p{L}\p{N}\p{M}_]*|\d+)/uy],
  ['word', /[\p{L}_][\p{L}\p{N}\p{M}_]*/uy],
  ['number', /\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y],
  ['symbol', /[!#$%&()*+,\-./:;<=>?@[\]^{|}~]/y],
];

/**
 * Cuts a query into its pieces as the engine's own lexer would, or refuses what the two could read differently.
 * @throws {Refusal} `query_failed`
 */
export const readCypher = (text: string): CypherText => {
  const tokens: Token[] = [];
  let source = '';
  let at = 0;
  while (at < text.length) {
    const blank = matchAt(SPACE, text, at) ?? matchAt(COMMENT, text, at);
    const token = blank === undefined ? tokenAt(text, at) : undefined;
    if (token !== undefined) tokens.push(token);
    source += blank === undefined ? text.slice(at, token?.end) : blank.replaceAll(/[^\r\n]/gu, ' ');
    at += blank?.length ?? (token?.end ?? at) - at;
  }
  return { source, tokens };
};

const tokenAt = (text: string, start: number): Token => {
  for (const [kind, pattern] of PIECES) {
    const match = matchAt(pattern, text, start);
    if (match === undefined) continue;
    // A `/` that opens a comment was not matched as one, so the comment has no proper end.
    if (kind === 'symbol' && /^\/[/*]/.test(text.slice(start, start + 2))) break;
    return { kind, text: plain(kind, match), start, end: start + match.length };
  }
  throw new Refusal('query_failed', unreadable(text, start));
};

const plain = (kind: TokenKind, match: string): string => {
  if (kind === 'name') return match.slice(1, -1);
  return kind === 'parameter' ? match.slice(1) : match;
};

const unreadable = (text: string, start: number): string => {
  const character = String.fromCodePoint(text.codePointAt(start) ?? 0);
  const where = `at character ${start + 1}`;
  if (character === '`') return `The name in backticks ${where} is not closed.`;
  if (character === '/') return `The comment ${where} is not closed.`;
  if (character === "'" || character === '"')
    return `The string ${where} is not closed, or has an escape other than \\\\ \\' \\" \\b \\f \\n \\r \\t \\x \\u \\U.`;
  const code = character.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0');
  return `The character U+${code} ${where} can only stand within quotes.`;
};

const matchAt = (pattern: RegExp, text: string, at: number): string | undefined => {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
};
