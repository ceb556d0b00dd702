import { createHash } from 'node:crypto';
import type { GraphTier } from '../fleet/tier.ts';
import { graphIdFor, operationIdFor } from '../identifier.ts';
import type { Operation } from '../operation/operation.ts';
import type { AcceptedEvent } from '../operation/operation-event.ts';
import type { OpenedOperation, OperationLog } from '../operation/operation-log.ts';
import type { Workflows } from '../operation/workflows.ts';
import type { EntityInput } from './entity.ts';
import { type Graph, writerOf } from './graph.ts';
import type { GraphKind } from './graph-kind.ts';
import type { ResolvedSchema } from './graph-schema.ts';

/** A graph as its tenant asked for it, with its schema merged and checked. */
export type GraphRequest = {
  name: string;
  kind: GraphKind;
  tier: GraphTier;
  schema: ResolvedSchema;
  entity: EntityInput | null;
  tags: Record<string, string>;
};

export type RequestGraph = {
  tenantId: string;
  actor: string;
  idempotencyKey: string | undefined;
  /** The request before named schemas are merged in: what a repeated call is compared by. */
  body: unknown;
  request: GraphRequest;
};

/** `startError` is set when the workflow could not be started now: the reconciler starts it. */
export type AcceptedGraph = OpenedOperation & { startError?: unknown };

/** Accepts the creation of graphs: opens the operation, then starts its workflow. */
export class GraphCreation {
  readonly #operations: OperationLog;
  readonly #workflows: Workflows;

  constructor(operations: OperationLog, workflows: Workflows) {
    this.#operations = operations;
    this.#workflows = workflows;
  }

  /**
   * Opens the operation and starts it. From the moment that it is open it is accepted, whatever becomes of the start.
   * @throws {Refusal} `idempotency_key_reused`
   */
  async accept({ tenantId, actor, idempotencyKey, body, request }: RequestGraph): Promise<AcceptedGraph> {
    const operationId = operationIdFor(tenantId, idempotencyKey);
    const opened = await this.#operations.open({
      operationId,
      kind: 'graph.create',
      tenantId,
      graphId: graphIdFor(operationId),
      request,
      requestHash: hashOf(body),
      message: 'Accepted',
      actor,
    });
    if (opened.replayed && (await this.#operations.get(operationId)).status !== 'accepted') return opened;
    // Listed before it is answered: the reconciler finds by the listing what was accepted and not started.
    await this.#operations.project(opened.accepted);
    try {
      await this.start(opened.accepted);
      return opened;
    } catch (startError) {
      return { ...opened, startError };
    }
  }

  /** Starts an accepted operation; safe to repeat at any time, even when the operation is over. */
  async start({ operationId, tenantId, graphId }: Operation | AcceptedEvent): Promise<void> {
    await this.#workflows.start('provision-graph', { operationId, tenantId, graphId });
  }

  /**
   * Starts the operations that were accepted and have not begun, the longest waiting first, at most `limit`: the answer
   * to a start that failed. One that can not be started now does not hold up the others.
   */
  async startAccepted(limit: number): Promise<{ started: number; failed: number }> {
    const count = { started: 0, failed: 0 };
    for (const { operationId } of await this.#operations.listByStatus('graph.create', 'accepted', limit)) {
      const operation = await this.#operations.catchUp(operationId);
      if (operation.status !== 'accepted') continue;
      await this.start(operation).then(
        () => (count.started += 1),
        () => (count.failed += 1),
      );
    }
    return count;
  }
}

/** The graph that an operation asks for, before anything of it exists. */
export const graphRequestedBy = ({ operationId, tenantId, createdAt, request }: AcceptedEvent): Graph => ({
  ...(request as GraphRequest),
  graphId: graphIdFor(operationId),
  tenantId,
  status: 'provisioning',
  placement: null,
  snapshot: null,
  writer: writerOf(operationId),
  createdBy: operationId,
  createdAt,
});

const hashOf = (body: unknown): string =>
  createHash('sha256').update(JSON.stringify(body, withSortedKeys)).digest('hex');

const withSortedKeys = (_key: string, value: unknown): unknown =>
  value !== null && typeof value === 'object' && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1)))
    : value;
