import type * as z from 'zod';
import { Refusal } from '../../domain/failure.ts';
import type { CypherText, Token } from '../../domain/query/cypher-tokens.ts';
import type { EngineParameters, EngineValue } from './engine.ts';

/** JSON, as a parameter's value comes. */
export type Json = z.infer<ReturnType<typeof z.json>>;
export type QueryParameters = Readonly<Record<string, Json>>;

/**
 * Fits JSON parameters to the engine, which learns a parameter's type from its value.
 *
 * A whole number is an INT64 (beyond 2^53 JSON itself is not exact: send a string and write `CAST($n, 'INT64')`), any
 * other number a DOUBLE, an object a STRUCT. There are no dates in JSON: send a string and write `date($d)` or
 * `timestamp($t)`. A list without values has no type, so it is written into the text instead.
 * @returns the query's text with such lists in place of their parameters, and the parameters that are left
 * @throws {Refusal} `query_failed` for a parameter that is missing, not used, or that the engine would misread
 */
export const bindParameters = (
  { source, tokens }: CypherText,
  values: QueryParameters,
): { source: string; parameters: EngineParameters } => {
  const used = tokens.filter(({ kind }) => kind === 'parameter');
  const missing = used.find(({ text }) => !Object.hasOwn(values, text));
  if (missing) throw new Refusal('query_failed', `The query uses $${missing.text}, but it is not in the parameters.`);
  const unused = Object.keys(values).find((name) => !used.some(({ text }) => text === name));
  if (unused !== undefined)
    throw new Refusal(
      'query_failed',
      `The parameter ${unused} is not used: write $${unused} in the query or leave it out.`,
    );

  const parameters: EngineParameters = {};
  for (const [name, value] of Object.entries(values))
    if (!isUntypedList(value)) parameters[name] = engineValue(value, `$${name}`);
  return { source: withListsWrittenOut(source, used, values), parameters };
};

/** Written from the end, so that the places of the tokens before stay true. */
const withListsWrittenOut = (source: string, used: readonly Token[], values: QueryParameters): string =>
  used.toReversed().reduce((text, { text: name, start, end }) => {
    const value = values[name];
    if (value === undefined || !isUntypedList(value)) return text;
    return `${text.slice(0, start)}[${value.map(() => 'NULL').join(', ')}]${text.slice(end)}`;
  }, source);

const isUntypedList = (value: Json): value is null[] => Array.isArray(value) && value.every((item) => item === null);

const engineValue = (value: Json, path: string): EngineValue => {
  if (Array.isArray(value)) return listValue(value, path);
  if (typeof value === 'object' && value !== null) return structValue(value, path);
  return value;
};

const listValue = (items: Json[], path: string): EngineValue => {
  if (isUntypedList(items)) throw unfit(path, 'has no value to tell its type by. Leave it out or give it a value');
  const shapes = new Set(items.filter((item) => item !== null).map(shapeOf));
  // The engine would turn numbers into text, and lay the fields of different objects over each other.
  if (shapes.size > 1)
    throw unfit(path, 'mixes values of different types. Give values of one type, objects with the same fields');
  return items.map((item, index) => engineValue(item, `${path}[${index}]`));
};

const structValue = (fields: Record<string, Json>, path: string): EngineValue => {
  const entries = Object.entries(fields);
  if (entries.length === 0) throw unfit(path, 'is an object without fields. Give it a field');
  return Object.fromEntries(
    entries.map(([name, value]) => {
      if (value === null) throw unfit(`${path}.${name}`, 'is null, and a field needs a type. Leave it out');
      return [name, engineValue(value, `${path}.${name}`)];
    }),
  );
};

const shapeOf = (value: Json): string => {
  if (Array.isArray(value)) return 'list';
  return typeof value === 'object' && value !== null ? `object ${Object.keys(value).sort().join()}` : typeof value;
};

const unfit = (path: string, reason: string): Refusal => new Refusal('query_failed', `${path} ${reason}.`);
