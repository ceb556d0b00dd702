import type { OperationLog } from '../../domain/operation/operation-log.ts';
import { RowsRejected } from '../staging/rejected-rows.ts';

/** An operation's error has room for one row; when rows are what is wrong, the others are told before it. */
export const tellRejects = async (
  operations: OperationLog,
  operationId: string,
  step: string,
  error: unknown,
): Promise<void> => {
  if (!(error instanceof RowsRejected)) return;
  const { rejected, message } = error;
  const detail = { rejected: rejected.count, rejectedRows: rejected.first };
  await operations.append(operationId, { type: 'progress', step, message, detail });
};
