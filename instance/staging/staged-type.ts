import { type PropertyType, propertyTypeText } from '../../domain/graph/property-type.ts';
import { sqlName } from './duckdb-session.ts';

/**
 * The type that a property has in staged Parquet, in DuckDB's words. It is the property's own, except that INT128,
 * DECIMAL and INTERVAL are text: DuckDB writes an INT128 as a double and an interval in milliseconds, and LadybugDB does
 * not read Parquet's decimals. LadybugDB's COPY reads the text back exactly.
 */
export const stagedType = (type: PropertyType): string => {
  switch (type.kind) {
    case 'scalar':
      return isText(type) ? 'VARCHAR' : typedName(type.name);
    case 'decimal':
      return 'VARCHAR';
    case 'list':
      return `${stagedType(type.element)}[]`;
    case 'map':
      return `MAP(${stagedType(type.key)}, ${stagedType(type.value)})`;
    case 'struct':
      return structOf(type.fields.map(({ name, type: field }) => [name, stagedType(field)]));
  }
};

/** The type that DuckDB itself would give such a property: what a typed source can hold it in. */
export const duckdbType = (type: PropertyType): string => {
  switch (type.kind) {
    case 'scalar':
      return typedName(type.name);
    case 'decimal':
      return `DECIMAL(${type.precision},${type.scale})`;
    case 'list':
      return `${duckdbType(type.element)}[${type.length ?? ''}]`;
    case 'map':
      return `MAP(${duckdbType(type.key)}, ${duckdbType(type.value)})`;
    case 'struct':
      return structOf(type.fields.map(({ name, type: field }) => [name, duckdbType(field)]));
  }
};

/** The same shape with text in the place of every scalar: what nested values are read as before they are checked. */
export const textShape = (type: PropertyType): string => {
  switch (type.kind) {
    case 'scalar':
    case 'decimal':
      return 'VARCHAR';
    case 'list':
      return `${textShape(type.element)}[]`;
    case 'map':
      return `MAP(VARCHAR, ${textShape(type.value)})`;
    case 'struct':
      return structOf(type.fields.map(({ name, type: field }) => [name, textShape(field)]));
  }
};

/**
 * Why a property can not be staged although a graph can have it, or `undefined` when it can. What LadybugDB reads from
 * text it reads only in some places: text in a MAP fails at the first null, and a DECIMAL within a list ends its process.
 */
export const unstageableType = (type: PropertyType): string | undefined =>
  isStageable(type)
    ? undefined
    : `${propertyTypeText(type)} can not be staged: INT128, DECIMAL and INTERVAL can stand alone, as a field of a STRUCT, ` +
      'and (DECIMAL only as DECIMAL(p, s)[] itself) in a list.';

/** Whether LadybugDB would end its process casting the column by itself, so that the loading statement casts its elements. */
export const isDecimalList = (type: PropertyType): boolean =>
  type.kind === 'list' && type.length === null && type.element.kind === 'decimal';

const isStageable = (type: PropertyType): boolean => {
  if (type.kind === 'scalar' || type.kind === 'decimal' || isDecimalList(type)) return true;
  if (type.kind === 'struct') return type.fields.every(({ type: field }) => field.kind === 'decimal' || isPlain(field));
  return isPlain(type);
};

/** A type of which no text is in a place where LadybugDB can not read it. */
const isPlain = (type: PropertyType): boolean => {
  if (type.kind === 'scalar') return true;
  if (type.kind === 'list' && type.element.kind !== 'struct' && type.element.kind !== 'map')
    return isPlain(type.element);
  return !hasText(type);
};

const hasText = (type: PropertyType): boolean => {
  switch (type.kind) {
    case 'scalar':
    case 'decimal':
      return isText(type);
    case 'list':
      return hasText(type.element);
    case 'map':
      return hasText(type.key) || hasText(type.value);
    case 'struct':
      return type.fields.some(({ type: field }) => hasText(field));
  }
};

const isText = (type: PropertyType): boolean =>
  type.kind === 'decimal' || (type.kind === 'scalar' && (type.name === 'INT128' || type.name === 'INTERVAL'));

const typedName = (name: string): string => DUCKDB_NAMES[name] ?? name;

const DUCKDB_NAMES: Readonly<Record<string, string>> = {
  STRING: 'VARCHAR',
  BOOL: 'BOOLEAN',
  INT8: 'TINYINT',
  INT16: 'SMALLINT',
  INT32: 'INTEGER',
  INT64: 'BIGINT',
  INT128: 'HUGEINT',
  UINT8: 'UTINYINT',
  UINT16: 'USMALLINT',
  UINT32: 'UINTEGER',
  UINT64: 'UBIGINT',
  TIMESTAMP_SEC: 'TIMESTAMP_S',
  TIMESTAMP_TZ: 'TIMESTAMP WITH TIME ZONE',
};

const structOf = (fields: readonly (readonly [string, string])[]): string =>
  `STRUCT(${fields.map(([name, type]) => `${sqlName(name)} ${type}`).join(', ')})`;
