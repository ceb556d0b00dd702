import { getOperationRoute } from '../../contract/api/operation-routes.ts';
import type { CapacityQueue } from '../../domain/fleet/capacity-queue.ts';
import { slotAskedFor } from '../../domain/fleet/capacity-wait.ts';
import type { Operation, OperationKind } from '../../domain/operation/operation.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import { mustSee } from '../access/operation-access.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { operationView } from '../views/operation-view.ts';
import { auditStore } from '../wiring/audit.ts';
import { capacityQueue } from '../wiring/fleet.ts';
import { operationLog } from '../wiring/operation.ts';

/** GET /v1/operations/{operationId}: with its place in the queue, while it waits for capacity. */
export const handler = apiFunction('get-operation', getOperationRoute, (environment) => {
  const operations = operationLog(environment);
  const queue = capacityQueue(environment);
  const audit = auditStore(environment);
  return async ({ params, ...caller }) => {
    const operation = await operations.get(params.operationId);
    await mustSee(audit, getOperationRoute, caller, operation);
    const view = operationView(operation);
    const position = waitsForCapacity(operation) ? await positionOf(operations, queue, operation) : undefined;
    return { status: 200, body: { ...view, queue: position === undefined ? null : { position } } };
  };
});

/** The kinds of operation that take a slot. */
const TAKES_SLOTS: readonly OperationKind[] = ['graph.create', 'graph.change_tier'];

const waitsForCapacity = ({ kind, status, input }: Operation): boolean =>
  TAKES_SLOTS.includes(kind) && status === 'queued' && (input === null || input.answer !== null);

const positionOf = async (operations: OperationLog, queue: CapacityQueue, { operationId }: Operation) => {
  const first = await operations.first(operationId);
  return queue.position(slotAskedFor(first).tier, first);
};
