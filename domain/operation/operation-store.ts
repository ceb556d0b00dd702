import type { Page, PageRequest, Span } from '../page.ts';
import type { Operation, OperationKind, OperationStatus } from './operation.ts';
import type { AcceptedEvent, OperationEvent } from './operation-event.ts';

export type OperationFilter = {
  kind?: OperationKind | undefined;
  status?: OperationStatus | undefined;
  graphId?: string | undefined;
};

export type OperationTimes = Pick<Operation, 'kind' | 'status' | 'createdAt' | 'updatedAt'>;

/** Where logs and their projections are kept. Each method is one read or one conditional write. */
export interface OperationStore {
  /** Puts an event where no event is. False: that place in the log is taken. */
  putEvent(event: OperationEvent | AcceptedEvent): Promise<boolean>;
  readFirst(operationId: string): Promise<AcceptedEvent | undefined>;
  /** Read consistently: an append builds on it. One that is also the first comes whole. */
  readLast(operationId: string): Promise<OperationEvent | AcceptedEvent | undefined>;
  /** Events with a greater seq than `after`, in order, at most `limit`. Read consistently: no gap can hide in a page. */
  readEvents(operationId: string, after: number, limit: number): Promise<OperationEvent[]>;
  /** Writes the projection; one that is as far or further already stays. */
  moveProjection(operation: Operation): Promise<void>;
  /** Newest first. The index may lag behind. */
  listByTenant(tenantId: string, filter: OperationFilter, page: PageRequest): Promise<Page<Operation>>;
  /** Those that were accepted in a span of time, newest first: kind, status and times of each. The index may lag behind. */
  listInSpan(tenantId: string, span: Span, page: PageRequest): Promise<Page<OperationTimes>>;
  /** What is not over, oldest first. The index may lag behind. */
  listOpen(page: PageRequest): Promise<Page<Operation>>;
  /** What ended `compensation_failed`, oldest first. The index may lag behind. */
  listUndoFailed(page: PageRequest): Promise<Page<Operation>>;
}
