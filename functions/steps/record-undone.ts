import { parentWaker } from '../afterwards/wake-parent.ts';
import { RecordInput, stepFunction } from '../pipeline/step-function.ts';
import { operationLog } from '../wiring/operation.ts';

const MESSAGES = {
  failed: 'Failed; everything was undone',
  cancelled: 'Cancelled; everything was undone',
  timed_out: 'Timed out; everything was undone',
};

/** Ends an operation whose every trace is undone, as its log says that it is to end. */
export const handler = stepFunction('record-undone', RecordInput, (environment) => {
  const wakeParent = parentWaker(environment);
  const operations = operationLog(environment);
  return async ({ operationId, execution }) => {
    const last = await operations.last(operationId);
    const { ending, error } = last.undo ?? { ending: 'failed', error: last.error };
    const ended = { type: ending, message: MESSAGES[ending], error, ofAttempt: execution } as const;
    await operations.append(operationId, ended, last);
    await wakeParent(operationId, last.kind);
  };
});
