import { Terminal } from '../../domain/failure.ts';
import { isTerminal } from '../../domain/operation/operation.ts';
import { openObjectStore } from '../../domain/snapshot/open-object-store.ts';
import { partsToRemove, type StageRequest, stagedPartIn } from '../../domain/table/staging.ts';
import { partsPrefix } from '../../domain/table/table.ts';
import { letGo } from '../afterwards/let-go.ts';
import { StepInput, stepFunction } from '../pipeline/step-function.ts';
import { graphStore } from '../wiring/graph.ts';
import { operationLog } from '../wiring/operation.ts';
import { tableFileStore, tables } from '../wiring/table.ts';

/**
 * Publishes what was staged and ends the operation. From here on the graph is stale.
 * @throws {Terminal} `conflict`: the table is not this operation's any more
 */
export const handler = stepFunction('publish-table', StepInput, (environment) => {
  const operations = operationLog(environment);
  const graphs = graphStore(environment);
  const changes = tables(environment);
  const files = tableFileStore(environment);
  const objects = openObjectStore(environment.OBJECT_STORE_URL);
  const endHolding = letGo(environment);
  const finish = async (operationId: string, graphId: string): Promise<void> => {
    const last = await operations.last(operationId);
    if (isTerminal(last.status)) return;
    const { table: name, fileIds, mode } = (await operations.firstBefore(last)).request as StageRequest;
    const { part, version, rejected } = stagedPartIn(last);
    const publication = { operationId, version, parts: [part] };
    const published = await changes.publish(graphId, name, publication, new Date().toISOString());
    if (published === undefined) {
      await objects.remove(part.key);
      throw new Terminal('conflict', `The table ${name} is not this operation's to publish any more.`);
    }
    for (const fileId of fileIds) await files.markStaged({ graphId, table: name, fileId }, operationId);

    // A materialization that began before this look may be reading them, and removes them itself; one that begins later
    // finds the new part.
    const graph = await graphs.get(graphId);
    if (graph?.writer === null) {
      const keys = await objects.list(partsPrefix(graphId, name));
      for (const key of partsToRemove(published.table, graph.snapshot?.source, keys)) await objects.remove(key);
    }

    const { rows, bytes } = part;
    const result = { table: name, mode, version, rows, bytes, rejected: rejected.count, rejectedRows: rejected.first };
    const message = `${name} has ${rows} rows`;
    await operations.append(
      operationId,
      rejected.count === 0
        ? { type: 'succeeded', message, result }
        : { type: 'partial', message: `${message}; ${rejected.count} were left out`, result },
      last,
    );
  };

  return async ({ operationId, graphId }) => {
    await finish(operationId, graphId);
    await endHolding(await graphs.get(graphId), operationId);
  };
});
