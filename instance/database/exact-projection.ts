import type { CypherText, Token } from '../../domain/query/cypher-tokens.ts';
import { isWord } from '../../domain/query/read-only-guard.ts';

/** A query, cut where its columns are named. */
export type Projection = {
  /** One for each query of a UNION. */
  parts: ProjectionPart[];
};

type ProjectionPart = {
  /** Up to and with RETURN, and DISTINCT. */
  head: string;
  items: ProjectionItem[];
  /** ORDER BY, SKIP, LIMIT. */
  tail: string;
  hasLimit: boolean;
  /** `UNION` or `UNION ALL`, which ties the part to the next. */
  union: string;
};

type ProjectionItem = {
  /** As it was written, with its alias. */
  text: string;
  expression: string;
  /** `*`, or the `n` of `n.*`: columns whose names only the engine knows. */
  star: { of: string | null } | null;
};

/**
 * Finds what a query returns, or `undefined` when it is not of a form that we know: then it runs as it is.
 * Nothing here decides what may run; a wrong cut gives a text that the engine refuses.
 */
export const readProjection = ({ source }: CypherText, tokens: readonly Token[]): Projection | undefined => {
  const depths = depthsOf(tokens);
  const unions = indexesWhere(tokens, (index) => depths[index] === 0 && isKeyword(tokens, index, 'UNION'));
  const parts: ProjectionPart[] = [];
  let begin = 0;
  for (const end of [...unions, tokens.length]) {
    const all = isWord(tokens[end + 1], 'ALL') ? 1 : 0;
    const union = end < tokens.length ? textOf(source, tokens.slice(end, end + 1 + all)) : '';
    const part = readPart(source, tokens, depths, begin, end);
    if (part === undefined) return undefined;
    parts.push({ ...part, union });
    begin = end + 1 + all;
  }
  return { parts };
};

/** The name of the text form of a column, beside the column itself. */
export const exactColumn = (index: number): string => `__exact_${index}`;

/**
 * The query with a text form of every column added. The binding turns 64-bit integers and decimals into doubles,
 * drops microseconds and flattens intervals; the engine's own text of a value has them all.
 * @param limit rows beyond it are not asked for, where that can not change the ones before
 */
export const withExactColumns = ({ parts }: Projection, limit: number): string =>
  parts
    .map(({ head, items, tail, hasLimit, union }) => {
      const exact = items.map(({ expression }, index) => `CAST((${expression}), 'STRING') AS ${exactColumn(index)}`);
      const bounded = parts.length === 1 && !hasLimit ? ` LIMIT ${limit}` : '';
      return `${head} ${[...items.map(({ text }) => text), ...exact].join(', ')} ${tail}${bounded} ${union}`;
    })
    .join(' ');

export const hasStar = ({ parts }: Projection): boolean => parts.some(({ items }) => items.some(({ star }) => star));

/** A query for the names of the columns alone, or `undefined` for a UNION, whose parts would each need one. */
export const columnsOnly = ({ parts }: Projection): string | undefined => {
  const [part] = parts;
  if (part === undefined || parts.length !== 1) return undefined;
  return `${part.head} ${part.items.map(({ text }) => text).join(', ')} LIMIT 0`;
};

/** The query with its star written out as the columns that it stands for, or `undefined` when they can not be told. */
export const withStarWrittenOut = ({ parts }: Projection, columns: readonly string[]): Projection | undefined => {
  const [part] = parts;
  const at = part?.items.findIndex(({ star }) => star !== null) ?? -1;
  if (part === undefined || at < 0 || part.items.filter(({ star }) => star).length !== 1) return undefined;
  const of = part.items[at]?.star?.of ?? null;
  const names = columns.slice(at, columns.length - (part.items.length - at - 1));
  const written = names.map((column) => starColumn(of, column));
  if (written.some((item) => item === undefined)) return undefined;
  const items = part.items.toSpliced(at, 1, ...written.filter((item) => item !== undefined));
  return { parts: [{ ...part, items }] };
};

const starColumn = (of: string | null, column: string): ProjectionItem | undefined => {
  const prefix = of === null ? '' : `${of}.`;
  if (!column.startsWith(prefix) || column.includes('`')) return undefined;
  const expression = `${of === null ? '' : `\`${of}\`.`}\`${column.slice(prefix.length)}\``;
  return { text: `${expression} AS \`${column}\``, expression, star: null };
};

const readPart = (
  source: string,
  tokens: readonly Token[],
  depths: readonly number[],
  begin: number,
  end: number,
): Omit<ProjectionPart, 'union'> | undefined => {
  const isTop = (word: string) => (index: number) =>
    index >= begin && index < end && depths[index] === 0 && isKeyword(tokens, index, word);
  const returned = indexesWhere(tokens, isTop('RETURN')).at(-1);
  if (returned === undefined) return undefined;
  const first = returned + (isWord(tokens[returned + 1], 'DISTINCT') ? 2 : 1);
  const closing = TAIL_WORDS.flatMap((word) => indexesWhere(tokens, isTop(word))).filter((index) => index >= first);
  const last = Math.min(end, ...closing);
  const items = splitItems(tokens, depths, first, last).map((item) => readItem(source, item));
  if (items.length === 0 || items.some((item) => item === undefined)) return undefined;
  return {
    head: textOf(source, tokens.slice(begin, first)),
    items: items.filter((item) => item !== undefined),
    tail: textOf(source, tokens.slice(last, end)),
    hasLimit: closing.some((index) => isWord(tokens[index], 'LIMIT')),
  };
};

const TAIL_WORDS = ['ORDER', 'SKIP', 'OFFSET', 'LIMIT'];

const readItem = (source: string, tokens: readonly Token[]): ProjectionItem | undefined => {
  if (tokens.length === 0) return undefined;
  const text = textOf(source, tokens);
  const [owner, dot] = tokens;
  if (text === '*') return { text, expression: text, star: { of: null } };
  if (tokens.length === 3 && dot?.text === '.' && tokens[2]?.text === '*')
    return { text, expression: text, star: { of: owner?.text ?? '' } };
  const aliased = tokens.length > 2 && isWord(tokens.at(-2), 'AS');
  return { text, expression: aliased ? textOf(source, tokens.slice(0, -2)) : text, star: null };
};

const splitItems = (tokens: readonly Token[], depths: readonly number[], begin: number, end: number): Token[][] => {
  const items: Token[][] = [[]];
  for (let index = begin; index < end; index += 1) {
    const token = tokens[index];
    if (token === undefined) continue;
    if (token.text === ',' && token.kind === 'symbol' && depths[index] === 0) items.push([]);
    else items.at(-1)?.push(token);
  }
  return items;
};

/** A word that is not a property's, a parameter's or an alias's name. */
const isKeyword = (tokens: readonly Token[], index: number, word: string): boolean => {
  const before = tokens[index - 1];
  const names = before?.kind === 'symbol' && (before.text === '.' || before.text === ':');
  return isWord(tokens[index], word) && !names && !isWord(before, 'AS');
};

const depthsOf = (tokens: readonly Token[]): number[] => {
  let depth = 0;
  return tokens.map(({ kind, text }) => {
    if (kind !== 'symbol') return depth;
    if ('([{'.includes(text)) depth += 1;
    if (')]}'.includes(text)) depth -= 1;
    return depth;
  });
};

const indexesWhere = (tokens: readonly Token[], holds: (index: number) => boolean): number[] =>
  tokens.flatMap((_, index) => (holds(index) ? [index] : []));

const textOf = (source: string, tokens: readonly Token[]): string =>
  source.slice(tokens[0]?.start ?? 0, tokens.at(-1)?.end ?? 0);
