import * as z from 'zod';
import { EntityInput } from '../graph/entity.ts';
import { ResolvedSchema } from '../graph/graph-schema.ts';

/** What a snapshot was made from is nothing to an instance. */
const SnapshotReference = z.object({
  version: z.int(),
  key: z.string(),
  checksum: z.string(),
  bytes: z.int(),
});

const Common = z.strictObject({
  operationId: z.string(),
  graphId: z.string(),
  /** Whose operation it is: for the instance's log. */
  tenantId: z.string(),
  taskToken: z.string(),
  /** What the instance is busy by while it does the job; without it the job is refused. */
  leaseId: z.string(),
  /** The instance's generation when the job was handed out; an instance that was cycled since refuses it. */
  generation: z.int(),
});

const BuildGraphJob = Common.extend({
  kind: z.literal('build-graph'),
  /** What the graph begins with. */
  definition: z.strictObject({ schema: ResolvedSchema, entity: EntityInput.nullable() }),
});

const LoadSnapshotJob = Common.extend({ kind: z.literal('load-snapshot'), snapshot: SnapshotReference });

/** The rest is in the operation's log and in the table's record, which the job reads as they are when it begins. */
const StageTableJob = Common.extend({ kind: z.literal('stage-table') });
const MaterializeJob = Common.extend({ kind: z.literal('materialize') });

const BackUpJob = Common.extend({ kind: z.literal('back-up') });
const ForkGraphJob = Common.extend({ kind: z.literal('fork-graph') });
const RestoreJob = Common.extend({ kind: z.literal('restore') });

/**
 * A job as it is handed to an instance, at `PUT /jobs/<operation>.<kind>`: the work that it does for a workflow. The
 * instance answers 202 and reports by the task token. The same job again gets the same answer, under its newest token.
 */
export const InstanceJob = z.discriminatedUnion('kind', [
  BuildGraphJob,
  LoadSnapshotJob,
  StageTableJob,
  MaterializeJob,
  BackUpJob,
  RestoreJob,
  ForkGraphJob,
]);
export type InstanceJob = z.infer<typeof InstanceJob>;

export type JobKind = InstanceJob['kind'];
export const JOB_KINDS = InstanceJob.options.map(({ shape }) => shape.kind.value);
/** A job of one kind. */
export type JobOf<Kind extends JobKind> = Extract<InstanceJob, { kind: Kind }>;

/** One Cypher query on one snapshot of a graph, at `POST /queries`. The answer is NDJSON: header, rows, summary. */
export const InstanceQuery = z.strictObject({
  graphId: z.string(),
  snapshot: SnapshotReference,
  cypher: z.string(),
  parameters: z.record(z.string(), z.json()),
  limit: z.int(),
  timeoutMs: z.int(),
});
export type InstanceQuery = z.infer<typeof InstanceQuery>;

/** The first line of a query's answer. */
export type QueryHeader = { columns: string[]; types: string[] };
/** The last line: an answer without it was cut short. */
export type QuerySummary = { rowCount: number; truncated: boolean; durationMs: number; snapshotVersion: number };

/** What an instance answers instead when it refuses. */
export const InstanceRefusal = z.object({ code: z.string(), message: z.string() });
