import { Refusal } from '../../domain/failure.ts';
import type { AcceptedEvent, OperationEvent } from '../../domain/operation/operation-event.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import type { ObjectStore } from '../../domain/snapshot/object-store.ts';

/** What a job is asked for, by its operation's log; undefined when an earlier run of it has done all there is to do. */
export const askedOf = async <Request>(operations: OperationLog, operationId: string): Promise<Request | undefined> => {
  const last: OperationEvent = await operations.last(operationId);
  // A job that was handed over late, when the operation has gone on without it, is nobody's any more.
  if (last.status !== 'running') throw new Refusal('operation_over', `The operation is ${last.status}.`);
  if (!last.cancellable) return undefined;
  return ((await operations.firstBefore(last)) as AcceptedEvent & { request: Request }).request;
};

type Upload = {
  key: string;
  file: string;
  signal: AbortSignal;
  /** What the log is told. */
  done: { step: string; message: string; detail: Record<string, unknown> };
  onCommitted?: () => Promise<void>;
};

/**
 * Uploads what a job has made and tells the log, from which on the operation only goes forward. Of several runs the log
 * takes one, and of an operation that is being undone none: the others remove what they uploaded. What is uploaded and
 * not known to be refused stays: the log may have it, and whoever undoes the operation looks for it.
 */
export const commitUpload = async (
  { operations, objects }: { operations: OperationLog; objects: ObjectStore },
  operationId: string,
  { key, file, signal, done, onCommitted }: Upload,
): Promise<void> => {
  await objects.upload(key, file);
  try {
    if (signal.aborted) throw new Refusal('operation_over', 'The job was stopped.');
    if (await isCommitted(operations, operationId, done)) return await onCommitted?.();
  } catch (error) {
    if (error instanceof Refusal) await objects.remove(key);
    throw error;
  }
  await objects.remove(key);
};

const isCommitted = async (
  operations: OperationLog,
  operationId: string,
  { step, message, detail }: Upload['done'],
): Promise<boolean> => {
  const draft = { type: 'progress', step, percent: 90, message, detail, pointOfNoReturn: true } as const;
  for (;;) {
    const last = await operations.last(operationId);
    if (!last.cancellable) return false;
    if ((await operations.appendAfter(last, draft)) !== undefined) return true;
  }
};
