import type { PropertyType } from '../../domain/graph/property-type.ts';
import { bytes, decimalText, encodeScalar, internalId } from './encode-scalar.ts';
import { DECIMAL_TEXT, isExactInJs, NotExact, SCALAR_TEXT, TextCursor } from './exact-text.ts';
import type { Json } from './query-parameters.ts';
import type { TableProperties } from './table-properties.ts';

/**
 * Values as JSON without loss:
 *
 * | type | JSON |
 * |---|---|
 * | BOOL, STRING, UUID | as they are |
 * | integers | a number when it is a safe integer, else a string of digits |
 * | FLOAT, DOUBLE | a number; `"NaN"`, `"Infinity"`, `"-Infinity"` |
 * | DECIMAL | a string with its scale |
 * | DATE, TIMESTAMP | `YYYY-MM-DD`, RFC 3339 in UTC with the digits that the engine has |
 * | INTERVAL | an ISO 8601 duration |
 * | BLOB | base64 |
 * | lists and arrays | an array |
 * | MAP | an array of `[key, value]` pairs in order, whatever the type of its keys |
 * | STRUCT | an object |
 * | node | `{ id, label, properties }` |
 * | relationship | `{ id, label, from, to, properties }` |
 * | path | `{ nodes, relationships }` |
 *
 * The binding's values alone are not exact, so the engine's text of the value is read along with them: the types and
 * the values tell where in the text each part begins and ends, however odd the strings in it are.
 * @param text the engine's text of the whole value; without one only what is exact in JS can be encoded
 * @throws {NotExact} when the value can not be returned without loss
 */
export const encodeValue = (
  type: PropertyType | undefined,
  value: unknown,
  text: string | null | undefined,
  tables: TableProperties,
): Json => {
  if (value === null) return null;
  if (type === undefined) throw new NotExact();
  if (typeof text !== 'string' || isExactInJs(type)) return encode(type, value, undefined, tables);
  const cursor = new TextCursor(text);
  const encoded = encode(type, value, cursor, tables);
  if (!cursor.atEnd) throw new NotExact();
  return encoded;
};

/** True when a column's values hold nodes or relationships, whose properties have types of their own. */
export const holdsGraphValues = (type: PropertyType | undefined): boolean => {
  switch (type?.kind) {
    case 'scalar':
      return type.name in GRAPH_VALUES;
    case 'list':
      return holdsGraphValues(type.element);
    case 'map':
      return holdsGraphValues(type.value);
    case 'struct':
      return type.fields.some((field) => holdsGraphValues(field.type));
    default:
      return false;
  }
};

type Encoder = (value: unknown, cursor: TextCursor | undefined, tables: TableProperties) => Json;

const encode = (type: PropertyType, value: unknown, cursor: TextCursor | undefined, tables: TableProperties): Json => {
  // In the engine's text a null is the empty text.
  if (value === null) return null;
  switch (type.kind) {
    case 'scalar':
      return (
        GRAPH_VALUES[type.name]?.(value, cursor, tables) ?? encodeScalar(type.name, value, textOf(type, value, cursor))
      );
    case 'decimal':
      if (cursor === undefined) throw new NotExact();
      return decimalText(cursor.takeMatch(DECIMAL_TEXT), type.scale);
    case 'list':
      return encodeList(type.element, value, cursor, tables);
    case 'map':
      return encodeMap(type, value, cursor, tables);
    case 'struct':
      return encodeStruct(type, value, cursor, tables);
  }
};

const textOf = (type: { name: string }, value: unknown, cursor: TextCursor | undefined): string | undefined => {
  if (cursor === undefined) return undefined;
  const pattern = SCALAR_TEXT[type.name];
  if (pattern !== undefined) return cursor.takeMatch(pattern);
  if (type.name === 'STRING' && typeof value === 'string') cursor.take(value);
  // A byte is one character or an escape of four.
  else if (type.name === 'BLOB') for (const _ of bytes(value)) cursor.takeMatch(/\\x[0-9A-F]{2}|[\s\S]/y);
  else throw new NotExact();
  return undefined;
};

const encodeList = (
  element: PropertyType,
  value: unknown,
  cursor: TextCursor | undefined,
  tables: TableProperties,
): Json => {
  if (!Array.isArray(value)) throw new NotExact();
  cursor?.take('[');
  const items = value.map((item: unknown, index) => {
    if (index > 0) cursor?.take(',');
    return encode(element, item, cursor, tables);
  });
  cursor?.take(']');
  return items;
};

const encodeStruct = (
  { fields }: Extract<PropertyType, { kind: 'struct' }>,
  value: unknown,
  cursor: TextCursor | undefined,
  tables: TableProperties,
): Json => {
  const values = record(value);
  cursor?.take('{');
  const entries = fields.map(({ name, type }, index) => {
    if (!Object.hasOwn(values, name)) throw new NotExact();
    cursor?.take(`${index > 0 ? ', ' : ''}${name}: `);
    return [name, encode(type, values[name], cursor, tables)] as const;
  });
  cursor?.take('}');
  return Object.fromEntries(entries);
};

/** The binding gives a map as an object, which keeps neither the keys' types nor, for some keys, their order. */
const encodeMap = (
  type: Extract<PropertyType, { kind: 'map' }>,
  value: unknown,
  cursor: TextCursor | undefined,
  tables: TableProperties,
): Json => {
  if (cursor === undefined) throw new NotExact();
  const values = record(value);
  const left = new Set(Object.keys(values));
  const pairs: [Json, Json][] = [];
  cursor.take('{');
  while (left.size > 0) {
    if (pairs.length > 0) cursor.take(', ');
    const [key, pair] = takePair(type, values, left, cursor, tables);
    left.delete(key);
    pairs.push(pair);
  }
  cursor.take('}');
  return pairs;
};

/** A key can hold `=`, so of the keys that could begin here the first one whose value fits is meant, the longest first. */
const takePair = (
  { key: keyType, value: valueType }: Extract<PropertyType, { kind: 'map' }>,
  values: Readonly<Record<string, unknown>>,
  left: ReadonlySet<string>,
  cursor: TextCursor,
  tables: TableProperties,
): [string, [Json, Json]] => {
  const place = cursor.place;
  const possible = [...left]
    .filter((key) => cursor.startsWith(`${key}=`))
    .sort((one, other) => other.length - one.length);
  for (const key of possible) {
    try {
      cursor.take(`${key}=`);
      const value = encode(valueType, values[key], cursor, tables);
      if (left.size > 1 ? cursor.startsWith(', ') : cursor.startsWith('}'))
        return [key, [encodeKey(keyType, key), value]];
    } catch (error) {
      if (!(error instanceof NotExact)) throw error;
    }
    cursor.returnTo(place);
  }
  throw new NotExact();
};

const encodeKey = (type: PropertyType, text: string): Json => {
  if (type.kind === 'decimal') return decimalText(text, type.scale);
  // The text of a FLOAT or DOUBLE has six digits, and that of a list or struct can be read in several ways.
  if (type.kind !== 'scalar' || type.name === 'FLOAT' || type.name === 'DOUBLE' || type.name === 'BLOB')
    throw new NotExact();
  return encodeScalar(type.name, text, text);
};

const encodeNode: Encoder = (value, cursor, tables) => {
  const node = record(value);
  const id = internalId(node['_id']);
  const label = String(node['_label']);
  cursor?.take(`{_ID: ${id}, _LABEL: ${label}`);
  const properties = encodeProperties(label, node, cursor, tables);
  return { id, label, properties };
};

const encodeRelationship: Encoder = (value, cursor, tables) => {
  const relationship = record(value);
  const [id, from, to] = ['_id', '_src', '_dst'].map((name) => internalId(relationship[name]));
  const label = String(relationship['_label']);
  if (id === undefined || from === undefined || to === undefined) throw new NotExact();
  cursor?.take(`{_SRC: ${from}, _DST: ${to}, _LABEL: ${label}, _ID: ${id}`);
  const properties = encodeProperties(label, relationship, cursor, tables);
  return { id, label, from, to, properties };
};

/** The properties of the row's own table: a row of several tables has those of the others too, all null. */
const encodeProperties = (
  label: string,
  row: Readonly<Record<string, unknown>>,
  cursor: TextCursor | undefined,
  tables: TableProperties,
): Record<string, Json> => {
  const types = tables.get(label);
  if (types === undefined) throw new NotExact();
  const properties: Record<string, Json> = {};
  for (const [name, value] of Object.entries(row)) {
    const type = types.get(name);
    if (type === undefined) continue;
    if (value !== null) cursor?.take(`, ${name}: `);
    properties[name] = encode(type, value, cursor, tables);
  }
  cursor?.take('}');
  return properties;
};

const encodePath: Encoder = (value, cursor, tables) => {
  const { _nodes: nodes, _rels: relationships } = record(value);
  cursor?.take('{_NODES: ');
  const encodedNodes = encodeList(NODE, nodes, cursor, tables);
  cursor?.take(', _RELS: ');
  const encodedRelationships = encodeList(RELATIONSHIP, relationships, cursor, tables);
  cursor?.take('}');
  return { nodes: encodedNodes, relationships: encodedRelationships };
};

const NODE: PropertyType = { kind: 'scalar', name: 'NODE' };
const RELATIONSHIP: PropertyType = { kind: 'scalar', name: 'REL' };
const GRAPH_VALUES: Readonly<Record<string, Encoder>> = {
  NODE: encodeNode,
  REL: encodeRelationship,
  RECURSIVE_REL: encodePath,
};

const record = (value: unknown): Readonly<Record<string, unknown>> => {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw new NotExact();
};
