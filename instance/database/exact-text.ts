import type { PropertyType } from '../../domain/graph/property-type.ts';

/** Reads the engine's text of a value from left to right. Text that is not as expected throws `NotExact`. */
export class TextCursor {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get place(): number {
    return this.#at;
  }

  get atEnd(): boolean {
    return this.#at === this.#text.length;
  }

  /** Goes back to a place, to read on differently. */
  returnTo(place: number): void {
    this.#at = place;
  }

  startsWith(text: string): boolean {
    return this.#text.startsWith(text, this.#at);
  }

  take(text: string): void {
    if (!this.startsWith(text)) throw new NotExact();
    this.#at += text.length;
  }

  /** @param pattern sticky */
  takeMatch(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text)?.[0];
    if (match === undefined) throw new NotExact();
    this.#at += match.length;
    return match;
  }
}

/** A value can not be returned without loss, and is not returned with it. */
export class NotExact extends Error {
  override readonly name = 'NotExact';
}

const WHOLE = /-?\d+/y;
const DATE = /\d{4,}-\d\d-\d\d(?: \(BC\))?/y;
const TIMESTAMP = /\d{4,}-\d\d-\d\d(?: \(BC\))? \d\d:\d\d:\d\d(?:\.\d+)?(?:\+00)?/y;
const INTERVAL = /(?:-?\d+ (?:year|month|day)s? ?)*(?:-?\d+:\d\d:\d\d(?:\.\d+)?)?/y;
const REAL = /-?(?:nan|inf|\d+(?:\.\d+)?(?:e[+-]?\d+)?)/y;

/** The text of a scalar within a longer text. Types that are not here take as many characters as their value has. */
export const SCALAR_TEXT: Readonly<Record<string, RegExp>> = {
  BOOL: /True|False/y,
  INT8: WHOLE,
  INT16: WHOLE,
  INT32: WHOLE,
  INT64: WHOLE,
  INT128: WHOLE,
  UINT8: WHOLE,
  UINT16: WHOLE,
  UINT32: WHOLE,
  UINT64: WHOLE,
  FLOAT: REAL,
  DOUBLE: REAL,
  DATE,
  TIMESTAMP,
  TIMESTAMP_MS: TIMESTAMP,
  TIMESTAMP_SEC: TIMESTAMP,
  TIMESTAMP_TZ: TIMESTAMP,
  INTERVAL,
  UUID: /[0-9a-f-]{36}/y,
  INTERNAL_ID: /\d+:\d+/y,
};

/** The engine misplaces the sign of a decimal between -1 and 0: it writes -0.05 as `0.-5`. */
export const DECIMAL_TEXT = /[-.\d]+/y;

/** The scalars that JS holds exactly as the binding gives them, whatever their value. */
const EXACT_IN_JS: ReadonlySet<string> = new Set([
  'STRING',
  'BOOL',
  'INT8',
  'INT16',
  'INT32',
  'INT128',
  'UINT8',
  'UINT16',
  'UINT32',
  'FLOAT',
  'DOUBLE',
  'DATE',
  'UUID',
  'BLOB',
  'INTERNAL_ID',
]);

export const isExactInJs = (type: PropertyType): boolean => type.kind === 'scalar' && EXACT_IN_JS.has(type.name);
