import type { DeletionRequest } from '../graph/deletion.ts';
import { operationIdFor } from '../identifier.ts';
import type { OperationCommands } from '../operation/operation-commands.ts';
import { CONTROL_PLANE } from '../operation/operation-event.ts';

export const DAY_MS = 24 * 60 * 60_000;

/**
 * Opens the deletion of a graph that nobody has paid for since it was suspended. Asked again on the same day it is the
 * same one; one that failed is opened again the next day; one that a payment has overtaken is refused by its first step.
 * @param mark of the end that it follows from
 */
export const deleteUnpaid = async (
  commands: OperationCommands,
  { tenantId, graphId }: { tenantId: string; graphId: string },
  mark: string,
  now: Date,
): Promise<void> => {
  const request: DeletionRequest = { backup: true, place: null, emptyVersion: null, unlessPaid: true };
  const day = now.toISOString().slice(0, 'yyyy-mm-dd'.length);
  await commands.accept({
    operationId: operationIdFor(tenantId, `retention ${graphId} ${mark} ${day}`),
    kind: 'graph.delete',
    tenantId,
    graphId,
    actor: CONTROL_PLANE,
    request,
  });
};
