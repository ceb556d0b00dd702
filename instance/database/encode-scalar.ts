import { NotExact } from './exact-text.ts';
import type { Json } from './query-parameters.ts';

/**
 * A scalar as JSON. `text` is the engine's own text of it, where there is one; the value as the binding gives it is
 * used where it is exact.
 */
export const encodeScalar = (type: string, value: unknown, text: string | undefined): Json => {
  switch (type) {
    case 'STRING':
    case 'UUID':
      return string(value);
    case 'BOOL':
      return boolean(value, text);
    case 'FLOAT':
    case 'DOUBLE':
      return real(value);
    case 'DATE':
      return text === undefined ? dateFrom(value) : isoDate(text);
    case 'TIMESTAMP_MS':
    case 'TIMESTAMP_SEC':
      return text === undefined ? timeFrom(value) : isoTimestamp(text);
    case 'TIMESTAMP':
    case 'TIMESTAMP_TZ':
      return isoTimestamp(required(text));
    case 'INTERVAL':
      return isoDuration(required(text));
    case 'BLOB':
      return bytes(value).toString('base64');
    case 'INTERNAL_ID':
      return internalId(value);
    default:
      return integer(type, value, text);
  }
};

/** `table:offset`: the same row has the same id within one snapshot, not beyond it. */
export const internalId = (value: unknown): string => {
  if (typeof value === 'object' && value !== null && 'table' in value && 'offset' in value)
    return `${String(value.table)}:${String(value.offset)}`;
  throw new NotExact();
};

/** The bytes of a blob as the binding gives them. */
export const bytes = (value: unknown): Buffer => {
  if (Buffer.isBuffer(value)) return value;
  throw new NotExact();
};

/** A decimal with its scale, from the engine's text of it, wherever that has the sign. */
export const decimalText = (text: string, scale: number): string => {
  const digits = text
    .replaceAll(/[-.]/g, '')
    .replace(/^0+/, '')
    .padStart(scale + 1, '0');
  const sign = text.includes('-') ? '-' : '';
  const whole = digits.slice(0, digits.length - scale);
  return scale === 0 ? `${sign}${whole}` : `${sign}${whole}.${digits.slice(-scale)}`;
};

const string = (value: unknown): string => {
  if (typeof value === 'string') return value;
  throw new NotExact();
};

const required = (text: string | undefined): string => {
  if (text === undefined) throw new NotExact();
  return text;
};

const boolean = (value: unknown, text: string | undefined): boolean => {
  if (typeof value === 'boolean') return value;
  return required(text) === 'True';
};

/** JSON has no name for these three. */
const real = (value: unknown): number | string => {
  if (typeof value !== 'number') throw new NotExact();
  return Number.isFinite(value) ? value : String(value);
};

/** A double that is a safe integer is the integer it came from; any other may be the rounding of several. */
const integer = (type: string, value: unknown, text: string | undefined): number | string => {
  if (!/^U?INT\d+$/.test(type)) throw new NotExact();
  if (text !== undefined) return integerText(BigInt(text));
  if (typeof value === 'bigint') return integerText(value);
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  throw new NotExact();
};

const integerText = (value: bigint): number | string => {
  const narrow = Number(value);
  return Number.isSafeInteger(narrow) ? narrow : value.toString();
};

const dateFrom = (value: unknown): string => timeFrom(value).split('T')[0] ?? '';

const timeFrom = (value: unknown): string => {
  if (!(value instanceof Date) || Number.isNaN(value.getTime())) throw new NotExact();
  return value.toISOString();
};

/** `2020-02-29` or `0044-03-15 (BC)`; years beyond four digits in the expanded form of ISO 8601, as JS writes them. */
const isoDate = (text: string): string => {
  const [, year, rest, era] = /^(\d{4,})(-\d\d-\d\d)( \(BC\))?$/.exec(text) ?? [];
  if (year === undefined || rest === undefined) throw new NotExact();
  const astronomical = era === undefined ? Number(year) : 1 - Number(year);
  if (astronomical >= 0 && astronomical <= 9_999) return `${String(astronomical).padStart(4, '0')}${rest}`;
  return `${astronomical < 0 ? '-' : '+'}${String(Math.abs(astronomical)).padStart(6, '0')}${rest}`;
};

const isoTimestamp = (text: string): string => {
  const [, date, time] = /^(.+) (\d\d:\d\d:\d\d(?:\.\d+)?)(?:\+00)?$/.exec(text) ?? [];
  if (date === undefined || time === undefined) throw new NotExact();
  return `${isoDate(date)}T${time}Z`;
};

/** `1 year 2 months -3 days 04:05:06.000789` as `P1Y2M-3DT4H5M6.000789S`: a sign stands before its own amount. */
const isoDuration = (text: string): string => {
  const date = [...text.matchAll(/(-?\d+) (year|month|day)s?/g)].map(
    ([, amount, unit]) => `${amount}${DATE_UNITS[unit ?? '']}`,
  );
  const [, sign, hours, minutes, seconds] = /(-?)(\d+):(\d\d):(\d\d(?:\.\d+)?)$/.exec(text) ?? [];
  const time = Object.entries({ H: hours, M: minutes, S: seconds })
    .filter(([, amount]) => amount !== undefined && Number(amount) !== 0)
    .map(([unit, amount]) => `${sign}${(amount ?? '').replace(/^0+(?=\d)/, '')}${unit}`);
  if (date.length + time.length === 0) return 'PT0S';
  return `P${date.join('')}${time.length === 0 ? '' : `T${time.join('')}`}`;
};

const DATE_UNITS: Readonly<Record<string, string>> = { year: 'Y', month: 'M', day: 'D' };
