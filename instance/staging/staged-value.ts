import type { PropertyType } from '../../domain/graph/property-type.ts';
import { sqlName, sqlText } from './duckdb-session.ts';
import { duckdbType, stagedType, textShape } from './staged-type.ts';

/**
 * SQL that turns a text into the staged value of a type, and fails for every text that does not say such a value
 * exactly: DuckDB's own casts round `1.5` to 2, `1.239` to two digits, cut a time from a date and a zone from a timestamp.
 * Nested values are JSON texts. `text` is evaluated more than once: give a column.
 */
export const valueFromText = (type: PropertyType, text: string): string => {
  if (type.kind === 'scalar' || type.kind === 'decimal') return leaf(type, text);
  return bound(`CAST(CAST(${text} AS JSON) AS ${textShape(type)})`, (value) => nested(type, value, leaf));
};

/** The same from a value of the type's own DuckDB type, where only what the engine could not keep has to be refused. */
export const valueFromTyped = (type: PropertyType, value: string): string => {
  if (type.kind === 'decimal') return `CAST(${value} AS VARCHAR)`;
  if (type.kind !== 'scalar') return needsCheck(type) ? nested(type, value, valueFromTyped) : value;
  switch (type.name) {
    case 'FLOAT':
    case 'DOUBLE':
      return unless(`isnan(${value})`, value, duckdbType(type), "'NaN'");
    case 'DATE':
    case 'TIMESTAMP':
    case 'TIMESTAMP_MS':
    case 'TIMESTAMP_SEC':
    case 'TIMESTAMP_TZ':
      return unless(
        `NOT isfinite(CAST(${value} AS ${type.name === 'DATE' ? 'DATE' : 'TIMESTAMP'}))`,
        value,
        duckdbType(type),
        "'infinity'",
      );
    case 'INT128':
      return `CAST(${value} AS VARCHAR)`;
    case 'INTERVAL':
      return unless(`contains(${intervalText(value)}, '-')`, intervalText(value), 'VARCHAR', "'negative'");
    default:
      return value;
  }
};

/** The same from a value of another DuckDB type, by way of its text. */
export const valueFromOtherType = (type: PropertyType, value: string): string =>
  type.kind === 'scalar' || type.kind === 'decimal'
    ? leaf(type, `CAST(${value} AS VARCHAR)`)
    : bound(`CAST(${value} AS ${textShape(type)})`, (shaped) => nested(type, shaped, leaf));

/** What a text of this type must be, for the one whose text was not. */
export const expectation = (type: PropertyType): string => {
  if (type.kind === 'decimal') {
    const digits = type.precision - type.scale;
    return `is not a decimal number of at most ${digits} digits before and ${type.scale} after the point`;
  }
  if (type.kind !== 'scalar') return `is not a JSON value of the shape`;
  if (/^U?INT/.test(type.name)) return 'is not a whole number in the range of';
  return EXPECTATIONS[type.name] ?? 'is not a';
};

const EXPECTATIONS: Readonly<Record<string, string>> = {
  STRING: 'is not text:',
  BOOL: 'is neither true nor false:',
  FLOAT: 'is not a number (NaN is none) in the range of',
  DOUBLE: 'is not a number (NaN is none) in the range of',
  DATE: 'is not a date such as 2024-02-29 without a time:',
  TIMESTAMP: 'is not a time such as 2024-02-29T12:34:56.123456Z, of at most 6 digits of a second:',
  TIMESTAMP_MS: 'is not a time such as 2024-02-29T12:34:56.123Z, of at most 3 digits of a second:',
  TIMESTAMP_SEC: 'is not a time such as 2024-02-29T12:34:56Z, in whole seconds:',
  TIMESTAMP_TZ: 'is not a time such as 2024-02-29T12:34:56+02:00, of at most 6 digits of a second:',
  INTERVAL: 'is not a duration such as P1DT2H or 1 day 2 hours, and not negative:',
  BLOB: 'is not base64:',
};

const leaf = (type: PropertyType, text: string): string => {
  if (type.kind === 'decimal') return decimal(text, type.precision, type.scale);
  if (type.kind !== 'scalar') throw new TypeError('Not a scalar.');
  const target = duckdbType(type);
  switch (type.name) {
    case 'STRING':
      return text;
    case 'FLOAT':
    case 'DOUBLE':
      return real(text, target);
    case 'DATE':
      return date(text);
    case 'TIMESTAMP':
      return timestamp(text);
    case 'TIMESTAMP_MS':
      return unless(
        `epoch_us(${timestamp(text)}) % 1000 <> 0`,
        `CAST(${timestamp(text)} AS TIMESTAMP_MS)`,
        target,
        text,
      );
    case 'TIMESTAMP_SEC':
      return unless(
        `epoch_us(${timestamp(text)}) % 1000000 <> 0`,
        `CAST(${timestamp(text)} AS TIMESTAMP_S)`,
        target,
        text,
      );
    case 'TIMESTAMP_TZ':
      return careful(`NOT ${isPlainTime(text)}`, text, target, exactTime(text));
    case 'INTERVAL':
      return interval(text);
    case 'BLOB':
      return `from_base64(${text})`;
    case 'INT128':
      // The engine keeps the least of them and can not read it again.
      return unless(
        `starts_with(${text}, '-') AND CAST(${text} AS HUGEINT) = ${LEAST_INT128}`,
        `CAST(${integer(text, target)} AS VARCHAR)`,
        'VARCHAR',
        text,
      );
    default:
      return /^U?INT/.test(type.name) ? integer(text, target) : `CAST(${text} AS ${target})`;
  }
};

const LEAST_INT128 = `'-170141183460469231731687303715884105728'::HUGEINT`;

/**
 * Fails for a row, in a way that TRY can catch: of DuckDB's `error()` it says that it is volatile. The text is part of it, so
 * that it is not evaluated ahead of the rows.
 */
const failing = (target: string, text: string): string => `CAST(concat(${text}, ' ?') AS BIGINT)::VARCHAR::${target}`;

const unless = (condition: string, value: string, target: string, text: string): string =>
  `CASE WHEN ${condition} THEN ${failing(target, text)} ELSE ${value} END`;

/** A plain cast, and the long way only for the rows that might need it. */
const careful = (suspicion: string, text: string, target: string, isExact: string): string =>
  `CASE WHEN ${suspicion} THEN CASE WHEN ${isExact} THEN CAST(${text} AS ${target}) ELSE ${failing(target, text)} END ` +
  `ELSE CAST(${text} AS ${target}) END`;

const hasAny = (text: string, characters: string): string =>
  `(${[...characters].map((character) => `contains(${text}, ${sqlText(character)})`).join(' OR ')})`;

/** `12.0` is a whole number, as tools write that have no integers with nulls. */
const integer = (text: string, target: string): string =>
  careful(hasAny(text, '.eE'), text, target, `regexp_full_match(${text}, '\\s*[+-]?\\d+\\.0*\\s*')`);

const decimal = (text: string, precision: number, scale: number): string => {
  const target = `DECIMAL(${precision},${scale})`;
  const fits = `NOT ${hasAny(text, 'eE')} AND length(rtrim(${text}, '0 ')) - position('.' IN ${text}) <= ${scale}`;
  return `CAST(${careful(hasAny(text, '.eE'), text, target, fits)} AS VARCHAR)`;
};

/** LadybugDB loses the other values of a column that has a NaN among them; and too large a number is none. */
const real = (text: string, target: string): string =>
  careful(
    `strlen(${text}) > 30 OR ${hasAny(text, 'eEnN')}`,
    text,
    target,
    `isfinite(CAST(${text} AS ${target})) OR regexp_full_match(${text}, '(?i)\\s*[+-]?inf(inity)?\\s*')`,
  );

const date = (text: string): string => {
  const midnight = `(NOT contains(${text}, ':') OR CAST(${text} AS TIMESTAMP) = CAST(CAST(${text} AS DATE) AS TIMESTAMP))`;
  return careful(`strlen(${text}) <> 10`, text, 'DATE', `isfinite(CAST(${text} AS DATE)) AND ${midnight}`);
};

/**
 * A cast to TIMESTAMP drops a zone, and one to a time with a zone costs six times as much: only what looks as if it had none
 * is cast at once. Without a zone a time is in UTC.
 */
const timestamp = (text: string): string => {
  const zoned = `CAST(${text} AS TIMESTAMP WITH TIME ZONE)`;
  return `CASE WHEN ${isPlainTime(text)} THEN CAST(${text} AS TIMESTAMP)
    WHEN ${text} IS NULL OR (${exactTime(text)}) THEN CAST(${zoned} AS TIMESTAMP) ELSE ${failing('TIMESTAMP', text)} END`;
};

const isPlainTime = (text: string): string =>
  `(substr(${text}, 17, 1) = ':' AND (strlen(${text}) = 19 OR regexp_full_match(${text}, '.{19}\\.\\d{1,6}')))`;

const exactTime = (text: string): string =>
  `isfinite(CAST(${text} AS TIMESTAMP WITH TIME ZONE)) AND NOT regexp_matches(${text}, '\\.\\d{6}\\d*[1-9]')`;

/** Both DuckDB's words and ISO 8601, as our own answers are. LadybugDB reads no negative duration from a file. */
const interval = (text: string): string => {
  const days = replaceEach(`substr(split_part(${text}, 'T', 1), 2)`, {
    Y: 'years',
    M: 'months',
    W: 'weeks',
    D: 'days',
  });
  const clock = replaceEach(`split_part(${text}, 'T', 2)`, { H: 'hours', M: 'minutes', S: 'seconds' });
  const words = `CASE WHEN starts_with(${text}, 'P') THEN ${days} || ${clock} ELSE ${text} END`;
  const value = intervalText(`CAST(${words} AS INTERVAL)`);
  const isNegative = `contains(${value}, '-')`;
  return unless(`regexp_matches(${text}, '\\.\\d{6}\\d*[1-9]') OR ${isNegative}`, value, 'VARCHAR', text);
};

const replaceEach = (text: string, words: Readonly<Record<string, string>>): string =>
  Object.entries(words).reduce((inner, [letter, word]) => `replace(${inner}, '${letter}', ' ${word} ')`, text);

/** DuckDB's own text of a duration has forms that LadybugDB does not read. */
const intervalText = (value: string): string => {
  const part = (unit: string) => `datepart('${unit}', ${value})`;
  const months = `(${part('year')} * 12 + ${part('month')})`;
  const clock = `(${part('hour')} * 3600000000 + ${part('minute')} * 60000000 + ${part('microsecond')})`;
  return `${months} || ' months ' || ${part('day')} || ' days ' || ${clock} || ' microseconds'`;
};

/** Evaluates a value once for an expression that names it more often. */
const bound = (value: string, expression: (name: string) => string): string =>
  `list_transform([${value}], lambda whole: ${expression('whole')})[1]`;

/** Walks a nested value and converts each scalar in it. Null stays null at every depth. */
const nested = (type: PropertyType, value: string, scalar: typeof leaf, depth = 0): string => {
  const item = `item${depth}`;
  const within = (inner: PropertyType, text: string) => nested(inner, text, scalar, depth + 1);
  switch (type.kind) {
    case 'scalar':
    case 'decimal':
      return scalar(type, value);
    case 'list': {
      const list = `list_transform(${value}, lambda ${item}: ${within(type.element, item)})`;
      if (type.length === null) return list;
      return `CASE WHEN len(${value}) <> ${type.length} THEN ${failing('BIGINT', "'length'")}::VARCHAR::${stagedType(type)} ELSE ${list} END`;
    }
    case 'map': {
      const entry = `struct_pack("key" := ${within(type.key, `${item}.key`)}, "value" := ${within(type.value, `${item}.value`)})`;
      return `map_from_entries(list_transform(map_entries(${value}), lambda ${item}: ${entry}))`;
    }
    case 'struct': {
      const fields = type.fields.map(({ name, type: field }) => {
        return `${sqlName(name)} := ${within(field, `struct_extract(${value}, ${sqlText(name)})`)}`;
      });
      return `CASE WHEN ${value} IS NULL THEN NULL ELSE struct_pack(${fields.join(', ')}) END`;
    }
  }
};

/** Whether a nested value has something in it that can not go as it is. */
const needsCheck = (type: PropertyType): boolean => {
  switch (type.kind) {
    case 'scalar':
      return !UNCHECKED.test(type.name);
    case 'decimal':
      return true;
    case 'list':
      return type.length !== null || needsCheck(type.element);
    case 'map':
      return needsCheck(type.key) || needsCheck(type.value);
    case 'struct':
      return type.fields.some(({ type: field }) => needsCheck(field));
  }
};

const UNCHECKED = /^(STRING|BOOL|U?INT(8|16|32|64)|UUID|BLOB)$/;
