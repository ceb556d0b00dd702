import { rm } from 'node:fs/promises';
import { Refusal, Terminal } from '../../domain/failure.ts';
import type { JobOf } from '../../domain/fleet/instance-job.ts';
import { type GraphStore, writerOf } from '../../domain/graph/graph.ts';
import type { EventDraft, OperationEvent } from '../../domain/operation/operation-event.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import type { ObjectStore } from '../../domain/snapshot/object-store.ts';
import { newSnapshot } from '../../domain/snapshot/snapshot.ts';
import { insertEntity } from '../database/build-database.ts';
import { engineRefusal } from '../database/engine-refusal.ts';
import type { DatabaseTemplates } from '../database-templates.ts';
import type { SnapshotCache } from '../snapshot-cache.ts';
import { measureFile, type Workspace } from '../workspace.ts';
import type { JobWork } from './job-runner.ts';

type Dependencies = {
  workspace: Workspace;
  templates: DatabaseTemplates;
  cache: SnapshotCache;
  operations: OperationLog;
  graphs: GraphStore;
  objects: ObjectStore;
};

type Job = JobOf<'build-graph'>;

const FIRST_VERSION = 1;

const DONE = {
  createDatabase: { type: 'step_completed', step: 'createDatabase', percent: 25, message: 'Database created' },
  applySchema: { type: 'step_completed', step: 'applySchema', percent: 40, message: 'Schema applied' },
  createEntity: { type: 'step_completed', step: 'createEntity', percent: 55, message: 'Entity created' },
  publishSnapshot: { type: 'step_completed', step: 'publishSnapshot', percent: 80, message: 'Snapshot published' },
} as const satisfies Record<string, EventDraft>;

/**
 * Builds a graph's first version and publishes it. Nothing of it counts before the pointer moves, so a run that was cut
 * short anywhere is simply done again, here or on another instance.
 */
export const buildGraph = ({
  workspace,
  templates,
  cache,
  operations,
  graphs,
  objects,
}: Dependencies): JobWork<'build-graph'> => {
  const build = async (
    file: string,
    { operationId, definition }: Job,
    signal: AbortSignal,
  ): Promise<OperationEvent> => {
    const { schema, entity } = definition;
    const last = await operations.last(operationId);
    // A job that was handed over late, when the operation has gone on without it, is nobody's any more.
    if (last.status !== 'running') throw new Refusal('operation_over', `The operation is ${last.status}.`);
    await templates.copyTo(file, schema);
    signal.throwIfAborted();
    const created = await operations.append(operationId, DONE.createDatabase, last);
    const applied = operations.append(operationId, DONE.applySchema, created);
    if (entity === null) return applied;
    // The events are written while the engine works, and in order.
    const inserted = insertEntity(file, entity, schema).catch((error: unknown) => {
      throw engineRefusal(error);
    });
    // Both are awaited, however one ends: the engine must have left the file before it is removed.
    await Promise.allSettled([applied, inserted]);
    await inserted;
    signal.throwIfAborted();
    return operations.append(operationId, DONE.createEntity, await applied);
  };

  const publish = async (file: string, { graphId, operationId }: Job, signal: AbortSignal): Promise<void> => {
    const snapshot = newSnapshot(graphId, FIRST_VERSION, await measureFile(file));
    await objects.upload(snapshot.key, file);
    const current = signal.aborted ? undefined : await graphs.publish(graphId, writerOf(operationId), snapshot);
    if (current?.key === snapshot.key) return cache.adopt(graphId, snapshot, file);
    // An earlier run has published its own file, or the claim is lost: this one is nobody's.
    await objects.remove(snapshot.key);
    signal.throwIfAborted();
    if (current === undefined) throw new Terminal('conflict', "The graph is not this operation's to publish any more.");
  };

  return async (job, signal) => {
    const file = workspace.scratchFile();
    try {
      const known = await build(file, job, signal);
      await publish(file, job, signal);
      await operations.append(job.operationId, DONE.publishSnapshot, known);
    } finally {
      await rm(file, { force: true });
    }
  };
};
