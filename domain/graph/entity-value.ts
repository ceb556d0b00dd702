import * as z from 'zod';
import { type PropertyType, propertyTypeText } from './property-type.ts';

type Json = z.infer<ReturnType<typeof z.json>>;

const INTEGER_BITS: Readonly<Record<string, { bits: bigint; signed: boolean }>> = {
  INT8: { bits: 8n, signed: true },
  INT16: { bits: 16n, signed: true },
  INT32: { bits: 32n, signed: true },
  INT64: { bits: 64n, signed: true },
  INT128: { bits: 128n, signed: true },
  UINT8: { bits: 8n, signed: false },
  UINT16: { bits: 16n, signed: false },
  UINT32: { bits: 32n, signed: false },
  UINT64: { bits: 64n, signed: false },
};

/** Only `Z`: the engine's TIMESTAMP would drop another offset without applying it. */
const timestampWith = (fractionDigits: number) =>
  z.iso.datetime().refine((text) => (/\.(\d+)Z$/.exec(text)?.[1]?.length ?? 0) <= fractionDigits);

const MICROSECOND_TIMESTAMP = { accepts: timestampWith(6), hint: 'RFC 3339 with Z and at most 6 fraction digits' };

/** The types whose values are strings of one form. */
const TEXT_FORMS: Readonly<Record<string, { accepts: z.ZodType; hint: string }>> = {
  DATE: { accepts: z.iso.date(), hint: 'a date, YYYY-MM-DD' },
  TIMESTAMP: MICROSECOND_TIMESTAMP,
  TIMESTAMP_TZ: MICROSECOND_TIMESTAMP,
  TIMESTAMP_MS: { accepts: timestampWith(3), hint: 'RFC 3339 with Z and at most 3 fraction digits' },
  TIMESTAMP_SEC: { accepts: timestampWith(0), hint: 'RFC 3339 with Z and no fraction' },
  INTERVAL: {
    accepts: z
      .string()
      .regex(/^P(?=.)(\d{1,9}Y)?(\d{1,9}M)?(\d{1,9}D)?(T(?=.)(\d{1,9}H)?(\d{1,9}M)?(\d{1,9}(\.\d{1,6})?S)?)?$/),
    hint: 'an ISO 8601 duration without weeks or signs, for example P1Y2M3DT4H5M6.5S',
  },
  UUID: { accepts: z.guid(), hint: 'a UUID' },
  BLOB: { accepts: z.base64(), hint: 'base64' },
};

/** Why a value does not fit a property, or `undefined` when it does. Null fits: the property is left empty. */
export const entityValueIssue = (type: PropertyType, value: Json): string | undefined => {
  if (value === null) return undefined;
  switch (type.kind) {
    case 'scalar':
      return scalarIssue(type.name, value);
    case 'decimal':
      return fitsDecimal(type, value) ? undefined : `Give ${propertyTypeText(type)} as a string, for example "12.50".`;
    case 'list':
      return listIssue(type, value);
    case 'map':
    case 'struct':
      return `${propertyTypeText(type)} can not be given here. Leave it out and load it from a table.`;
  }
};

const scalarIssue = (name: string, value: Json): string | undefined => {
  if (name === 'STRING') return typeof value === 'string' ? undefined : 'Give a string.';
  if (name === 'BOOL') return typeof value === 'boolean' ? undefined : 'Give true or false.';
  if (name === 'FLOAT' || name === 'DOUBLE') return floatIssue(name, value);
  const range = INTEGER_BITS[name];
  if (range !== undefined) return integerIssue(name, range, value);
  const form = TEXT_FORMS[name];
  if (form === undefined) return `${name} can not be given here.`;
  return form.accepts.safeParse(value).success ? undefined : `Give ${form.hint}.`;
};

const floatIssue = (name: string, value: Json): string | undefined => {
  if (typeof value !== 'number' || !Number.isFinite(value)) return 'Give a number.';
  return name === 'DOUBLE' || Number.isFinite(Math.fround(value)) ? undefined : 'FLOAT reaches to 3.4e38. Use DOUBLE.';
};

const integerIssue = (
  name: string,
  { bits, signed }: { bits: bigint; signed: boolean },
  value: Json,
): string | undefined => {
  const whole = wholeNumber(value);
  if (whole === undefined) return 'Give a whole number; beyond 2^53 as a string of digits.';
  const lowest = signed ? -(1n << (bits - 1n)) : 0n;
  const highest = signed ? (1n << (bits - 1n)) - 1n : (1n << bits) - 1n;
  return whole >= lowest && whole <= highest ? undefined : `${name} reaches from ${lowest} to ${highest}.`;
};

const wholeNumber = (value: Json): bigint | undefined => {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : undefined;
  return typeof value === 'string' && /^-?\d{1,40}$/.test(value) ? BigInt(value) : undefined;
};

const fitsDecimal = ({ precision, scale }: { precision: number; scale: number }, value: Json): boolean => {
  const text = typeof value === 'number' || typeof value === 'string' ? String(value) : '';
  const digits = /^-?0*(\d*)(?:\.(\d+))?$/.exec(text);
  if (digits === null || !/^-?\d/.test(text)) return false;
  return (digits[1]?.length ?? 0) <= precision - scale && (digits[2]?.length ?? 0) <= scale;
};

const listIssue = (type: { element: PropertyType; length: number | null }, value: Json): string | undefined => {
  if (type.element.kind !== 'scalar' && type.element.kind !== 'decimal')
    return 'Lists of lists, maps or structs can not be given here. Leave it out and load it from a table.';
  if (!Array.isArray(value)) return 'Give a list.';
  if (type.length !== null && value.length !== type.length) return `Give exactly ${type.length} values.`;
  if (type.length !== null && value.includes(null)) return 'An array of a fixed length can not have nulls.';
  for (const [index, element] of value.entries()) {
    const issue = entityValueIssue(type.element, element);
    if (issue !== undefined) return `Item ${index}: ${issue}`;
  }
  return undefined;
};
