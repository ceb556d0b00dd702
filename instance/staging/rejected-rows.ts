import { Refusal } from '../../domain/failure.ts';

/** A row that can not be in the table. `line` is where it begins, in formats that have lines; `row` counts from 1. */
export type RejectedRow = {
  file: string;
  row: number;
  line: number | null;
  /** None when the row as a whole is wrong. */
  column: string | null;
  /** As the file has it, the first characters. */
  value: string | null;
  reason: string;
};

/** All are counted; the first are kept, in the order of the files. */
export type RejectedRows = { count: number; first: readonly RejectedRow[] };

export const NO_REJECTS: RejectedRows = { count: 0, first: [] };

/** Rows were wrong, and the request does not say that they may be left out. */
export class RowsRejected extends Refusal {
  readonly rejected: RejectedRows;

  constructor(table: string, rejected: RejectedRows) {
    const [first] = rejected.first;
    const example = first === undefined ? '' : ` The first: ${placeOf(first)} ${sentenceOf(first)}.`;
    super('invalid_request', `${rejected.count} of the rows for ${table} can not be staged.${example}`, {
      issues: rejected.first.map((row) => ({ path: placeOf(row), message: sentenceOf(row) })),
    });
    this.rejected = rejected;
  }
}

const placeOf = ({ file, row, line }: RejectedRow): string =>
  line === null ? `${file}, row ${row}:` : `${file}, line ${line}:`;

/** What is wrong with a row, without where it is. */
export const sentenceOf = ({ column, value, reason }: RejectedRow): string =>
  [column, value === null ? null : JSON.stringify(value), reason].filter((part) => part !== null).join(' ');
