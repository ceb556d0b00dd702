import { Terminal } from '../failure.ts';
import type { Graph, GraphStore } from '../graph/graph.ts';
import type { LeaseKind } from '../lease/lease.ts';
import type { OperationEvent } from '../operation/operation-event.ts';
import { placedGraph } from './host.ts';
import type { JobKind, JobOf } from './instance-job.ts';

/** What a job of a kind needs to know besides who asks for it. */
type JobContent<Kind extends JobKind> = Omit<
  JobOf<Kind>,
  'operationId' | 'graphId' | 'tenantId' | 'taskToken' | 'generation' | 'leaseId'
>;

/** How jobs of a kind are handed out. */
type Assignment<Kind extends JobKind> = {
  /** What the instance is busy with meanwhile. */
  readonly lease: LeaseKind | ((operation: Pick<OperationEvent, 'kind'>) => LeaseKind);
  /** @default the instance that the graph, or its parent, has its slot on */
  readonly instance?: (graph: Graph, operationId: string) => string | null;
  readonly content: (graph: Graph, operationId: string) => JobContent<Kind>;
};

/** How the jobs of every kind are handed out. */
export const ASSIGNMENTS: { readonly [Kind in JobKind]: Assignment<Kind> } = {
  'build-graph': {
    lease: 'provisioning',
    content: ({ schema, entity }) => ({ kind: 'build-graph', definition: { schema, entity } }),
  },
  materialize: { lease: 'materialization', content: () => ({ kind: 'materialize' }) },
  'back-up': {
    lease: ({ kind }) => (kind === 'backup.restore' ? 'restore' : 'backup'),
    content: () => ({ kind: 'back-up' }),
  },
  'fork-graph': { lease: 'fork', content: () => ({ kind: 'fork-graph' }) },
  restore: { lease: 'restore', content: () => ({ kind: 'restore' }) },
  'stage-table': {
    lease: ({ kind }) => (kind === 'table.insert' ? 'bulk_table_insert' : 'bulk_table_create'),
    content: () => ({ kind: 'stage-table' }),
  },
  'load-snapshot': {
    lease: 'snapshot_load',
    instance: (graph, operationId) => movingTo(graph, operationId).spare.placement,
    content: (graph, operationId) => {
      const { snapshot } = movingTo(graph, operationId);
      return { kind: 'load-snapshot', snapshot };
    },
  },
};

/** What the instance of a job is busy with: one job may do the work of several kinds of operation. */
export const leaseKindOf = (kind: JobKind, operation: Pick<OperationEvent, 'kind'>): LeaseKind => {
  const { lease } = ASSIGNMENTS[kind];
  return typeof lease === 'function' ? lease(operation) : lease;
};

/**
 * The instance that is to do a job for a graph.
 * @throws {Terminal} there is none: the graph has no slot
 */
export const assignedInstance = async (
  kind: JobKind,
  graph: Graph,
  graphs: GraphStore,
  operationId: string,
): Promise<string> => {
  const { instance } = ASSIGNMENTS[kind];
  const placement = instance ? instance(graph, operationId) : (await placedGraph(graph, graphs))?.placement;
  if (placement) return placement;
  throw new Terminal('internal', `The graph "${graph.graphId}" has no slot.`);
};

const movingTo = ({ graphId, move, snapshot }: Graph, operationId: string) => {
  if (snapshot !== null && move?.operationId === operationId && move.state === 'preparing')
    return { ...move, snapshot };
  throw new Terminal('conflict', `The graph "${graphId}" does not move to where its snapshot was to be loaded.`);
};
