import type { PropertyType } from './property-type.ts';
import { IDENTIFIER_PATTERN } from './schema-name.ts';

/**
 * The scalar types that a property can have: those that the engine keeps and that we can return without loss.
 * Not `TIMESTAMP_NS` (the engine's binding drops the nanoseconds), `UINT128` (the binding can not read it), `SERIAL`
 * (a rebuild would number anew), `JSON` (an extension) or `UNION` (a value does not say which member it is).
 */
export const SCALAR_TYPES = [
  'STRING',
  'BOOL',
  'INT8',
  'INT16',
  'INT32',
  'INT64',
  'INT128',
  'UINT8',
  'UINT16',
  'UINT32',
  'UINT64',
  'FLOAT',
  'DOUBLE',
  'DATE',
  'TIMESTAMP',
  'TIMESTAMP_MS',
  'TIMESTAMP_SEC',
  'TIMESTAMP_TZ',
  'INTERVAL',
  'UUID',
  'BLOB',
] as const;

/** A primary key is compared for equality and read by people: text, an integer, a date or a UUID. */
export const KEY_TYPES: readonly string[] = [
  'STRING',
  'INT8',
  'INT16',
  'INT32',
  'INT64',
  'INT128',
  'UINT8',
  'UINT16',
  'UINT32',
  'UINT64',
  'DATE',
  'TIMESTAMP',
  'UUID',
];

/** A map's keys come back from the engine as text; these are the ones that can be read back exactly. */
export const MAP_KEY_TYPES: readonly string[] = [...KEY_TYPES, 'BOOL'];

/** How deep lists, maps and structs may be nested in each other. */
const MAX_TYPE_DEPTH = 4;
const MAX_STRUCT_FIELDS = 50;
/** The engine's limit. */
const MAX_DECIMAL_PRECISION = 38;
/** An array's values lie side by side in every row. */
const MAX_ARRAY_LENGTH = 4_096;

/** Why a property can not have this type, or `undefined` when it can. */
export const unsupportedType = (type: PropertyType, depth = 0): string | undefined => {
  if (depth > MAX_TYPE_DEPTH) return `Nest lists, maps and structs at most ${MAX_TYPE_DEPTH} deep.`;
  switch (type.kind) {
    case 'scalar':
      return unsupportedScalar(type.name);
    case 'decimal':
      return unsupportedDecimal(type.precision, type.scale);
    case 'list':
      return unsupportedLength(type.length) ?? unsupportedType(type.element, depth + 1);
    case 'map':
      return unsupportedMapKey(type.key) ?? unsupportedType(type.value, depth + 1);
    case 'struct':
      return (
        unsupportedFields(type.fields) ?? firstOf(type.fields.map((field) => unsupportedType(field.type, depth + 1)))
      );
  }
};

const unsupportedScalar = (name: string): string | undefined =>
  (SCALAR_TYPES as readonly string[]).includes(name)
    ? undefined
    : `${name} is not a type that a graph can have. Use one of ${SCALAR_TYPES.join(', ')}, DECIMAL(p, s), a list T[], ` +
      'MAP(K, V) or STRUCT(name T, …).';

const unsupportedDecimal = (precision: number, scale: number): string | undefined =>
  precision >= 1 && precision <= MAX_DECIMAL_PRECISION && scale <= precision
    ? undefined
    : `Give DECIMAL(p, s) a precision of 1 to ${MAX_DECIMAL_PRECISION} and a scale of 0 to the precision.`;

const unsupportedLength = (length: number | null): string | undefined =>
  length === null || (length >= 1 && length <= MAX_ARRAY_LENGTH)
    ? undefined
    : `An array's length is 1 to ${MAX_ARRAY_LENGTH}; leave it out for a list of any length.`;

const unsupportedMapKey = (key: PropertyType): string | undefined =>
  key.kind === 'scalar' && MAP_KEY_TYPES.includes(key.name)
    ? undefined
    : `A map's key must be one of ${MAP_KEY_TYPES.join(', ')}.`;

const unsupportedFields = (fields: { name: string }[]): string | undefined => {
  if (fields.length > MAX_STRUCT_FIELDS) return `Give a struct at most ${MAX_STRUCT_FIELDS} fields.`;
  const odd = fields.find(({ name }) => !IDENTIFIER_PATTERN.test(name));
  if (odd !== undefined) return `A struct's field can not be named ${odd.name}: use letters, digits and underscores.`;
  const names = fields.map(({ name }) => name.toLowerCase());
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  return twice === undefined ? undefined : `The struct has two fields named ${twice}.`;
};

const firstOf = (reasons: (string | undefined)[]): string | undefined => reasons.find((reason) => reason !== undefined);
