import { Refusal, Retryable } from '../../domain/failure.ts';
import { holdingOfLease } from '../../domain/lease/lease.ts';
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

/** A job as it is held now. */
export type HeldJob = { operationId: string; leaseId: string };

type Upload = {
  /** What goes where; the log takes all of it or none. */
  files: readonly { key: string; file: string }[];
  signal: AbortSignal;
  /** What the log is told: `detail` for whoever follows the operation, `made` for the step that publishes it. */
  done: { step: string; message: string; detail: Record<string, unknown>; made: Record<string, unknown> };
  onCommitted?: () => Promise<void>;
};

/** The work was handed out anew while this run was not heard of; whoever has it now makes what counts. */
class HandedOver extends Retryable {
  constructor(operationId: string) {
    super('conflict', `The work of "${operationId}" was handed out again meanwhile.`);
  }
}

/** @throws {HandedOver} */
export const refuseHandedOver = ({ holding }: OperationEvent, { operationId, leaseId }: HeldJob): void => {
  if (holding !== undefined && holding > holdingOfLease(leaseId)) throw new HandedOver(operationId);
};

/**
 * Uploads what a job has made and tells the log, from which on the operation only goes forward. Of several runs the log
 * takes one, of one that was taken for lost since none, and of an operation that is being undone none: the others remove what
 * they uploaded. What is uploaded and not known to be refused stays: the log may have it, and whoever undoes the operation
 * looks for it.
 */
export const commitUpload = async (
  { operations, objects }: { operations: OperationLog; objects: ObjectStore },
  job: HeldJob,
  { files, signal, done, onCommitted }: Upload,
): Promise<void> => {
  const removeAll = async () => {
    for (const { key } of files) await objects.remove(key);
  };
  for (const { key, file } of files) await objects.upload(key, file);
  try {
    if (signal.aborted) throw new Refusal('operation_over', 'The job was stopped.');
    if (!(await isCommitted(operations, job, { files, done }))) return await removeAll();
  } catch (error) {
    if (error instanceof Refusal || error instanceof HandedOver) await removeAll();
    throw error;
  }
  await onCommitted?.();
};

const isCommitted = async (
  operations: OperationLog,
  job: HeldJob,
  { files, done }: Pick<Upload, 'files' | 'done'>,
): Promise<boolean> => {
  const draft = { type: 'progress', percent: 90, ...done, pointOfNoReturn: true } as const;
  for (;;) {
    const last = await operations.last(job.operationId);
    if (!last.cancellable) return false;
    // Whoever hands the work out again tells the log before: what is put behind this event is not late.
    refuseHandedOver(last, job);
    if ((await operations.appendAfter(last, draft)) !== undefined) return true;
    // A write that was repeated, because its answer was lost, is refused by what it has written itself.
    const [taken] = await operations.events(job.operationId, last.seq, 1);
    if (files.some(({ key }) => isNamed(key, taken?.made))) return true;
  }
};

/** Every run has keys of its own. */
const isNamed = (key: string, made: OperationEvent['made'] = {}): boolean =>
  JSON.stringify(made).includes(JSON.stringify(key));
