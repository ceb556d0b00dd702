import { Terminal } from '../../domain/failure.ts';
import { type Graph, operationIdOfWriter } from '../../domain/graph/graph.ts';
import { type LoadedSnapshot, loadedSnapshotIn, sourcesOf } from '../../domain/materialization/materialization.ts';
import { isTerminal } from '../../domain/operation/operation.ts';
import { openObjectStore } from '../../domain/snapshot/open-object-store.ts';
import { pastSnapshots, type Snapshot, type SourceTable, snapshotPrefix } from '../../domain/snapshot/snapshot.ts';
import { freshnessOf } from '../../domain/table/freshness.ts';
import { tablesOf } from '../../domain/table/schema-table.ts';
import { partsToRemove } from '../../domain/table/staging.ts';
import { partsPrefix } from '../../domain/table/table.ts';
import { letGo } from '../afterwards/let-go.ts';
import { StepInput, stepFunction } from '../pipeline/step-function.ts';
import { graphStore, graphWriters } from '../wiring/graph.ts';
import { reportLineage } from '../wiring/lineage.ts';
import { operationLog } from '../wiring/operation.ts';
import { tableStore, tables } from '../wiring/table.ts';

/**
 * Publishes what was loaded, and ends the operation. First the tables that were derived, then the graph's pointer moves to
 * the snapshot of them, then what nobody reads any more is removed.
 * @throws {Terminal} `conflict`: the graph is not this operation's any more
 */
export const handler = stepFunction('publish-snapshot', StepInput, (environment) => {
  const operations = operationLog(environment);
  const graphs = graphStore(environment);
  const writers = graphWriters(environment);
  const store = tableStore(environment);
  const changes = tables(environment);
  const objects = openObjectStore(environment.OBJECT_STORE_URL);
  const endHolding = letGo(environment);
  const tellLineage = reportLineage(environment);

  const publish = async (operationId: string, graphId: string, loaded: LoadedSnapshot): Promise<Graph> => {
    const { snapshot, derived } = loaded;
    // Before the snapshot, which is never of tables that are not there. Who comes in between finds the graph stale.
    const tablesFirst = () => publishTables(operationId, graphId, loaded);
    const graph = await writers.publish(graphId, operationId, snapshot, tablesFirst);
    if (graph !== undefined) return graph;
    const named = new Set((await store.list(graphId)).flatMap(({ parts }) => parts.map(({ key }) => key)));
    for (const { part } of derived) if (!named.has(part.key)) await objects.remove(part.key);
    await objects.remove(snapshot.key);
    throw new Terminal('conflict', `The graph "${graphId}" is not this operation's to publish any more.`);
  };

  /** False: one of them is not this operation's any more. */
  const publishTables = async (operationId: string, graphId: string, { derived }: LoadedSnapshot): Promise<boolean> => {
    const at = new Date().toISOString();
    for (const { table, version, part, source } of derived) {
      const publication = { operationId, version, parts: [part], source };
      if ((await changes.publish(graphId, table, publication, at)) === undefined) return false;
    }
    return true;
  };

  const removePast = async (operationId: string, graphId: string, snapshot: Snapshot): Promise<void> => {
    const past = pastSnapshots(graphId, snapshot, await objects.list(snapshotPrefix(graphId)));
    const parts = await objects.list(partsPrefix(graphId));
    const staged = await store.list(graphId);
    // Read after what is there was listed: what a later operation has published meanwhile may name some of it.
    const current = await graphs.get(graphId);
    const isOthers = current?.writer && operationIdOfWriter(current.writer) !== operationId;
    if (current?.snapshot?.key !== snapshot.key || isOthers) return;
    const obsolete = staged.flatMap((table) => partsToRemove(table, snapshot.source, parts));
    for (const key of [...past, ...obsolete]) await objects.remove(key);
  };

  /** A repository is another tenant's. Of a graph that has gone since it was read nobody knows any more. */
  const ownerOf = async ({ graphId }: { graphId: string }, { tenantId }: { tenantId: string }): Promise<string> =>
    (await graphs.get(graphId))?.tenantId ?? tenantId;

  const finish = async (operationId: string, graphId: string): Promise<void> => {
    const last = await operations.last(operationId);
    if (isTerminal(last.status)) return;
    const loaded = loadedSnapshotIn(last);
    const { snapshot, tables: loadedTables, derived, rows, rejected } = loaded;
    const graph = await publish(operationId, graphId, loaded);
    for (const { table, version } of snapshot.source.tables) await changes.settle(graphId, table, version);
    await removePast(operationId, graphId, snapshot);
    const at = new Date().toISOString();
    const columnsOf = new Map(tablesOf(graph.schema).map(({ name, columns }) => [name, columns]));
    const seen = ({ table, part }: SourceTable) => ({
      table,
      columns: (columnsOf.get(table) ?? []).map(({ name, type }) => ({ name, type })),
      rows: part?.rows ?? 0,
      bytes: part?.bytes ?? 0,
    });
    const sources = sourcesOf(derived);
    const isDerived = ({ table }: SourceTable) => derived.some((own) => own.table === table);
    await tellLineage({
      type: 'COMPLETE',
      at,
      operationId,
      tenantId: last.tenantId,
      graphId,
      inputs: snapshot.source.tables.filter((table) => !isDerived(table)).map(seen),
      sources: await Promise.all(sources.map(async (source) => ({ ...source, tenantId: await ownerOf(source, last) }))),
      derived: snapshot.source.tables.filter(isDerived).map(seen),
      output: { version: snapshot.version, rows, bytes: snapshot.bytes },
      error: null,
    });
    const { stale, staleReason } = freshnessOf(graph, await store.list(graphId));
    const hasReport = rejected > 0;
    const result = {
      skipped: false,
      snapshotVersion: snapshot.version,
      tables: loadedTables,
      rows,
      rejected,
      sources,
      stale,
      staleReason,
      report: hasReport ? `/v1/graphs/${graphId}/materializations/${operationId}/report` : null,
    };
    const message = `Version ${snapshot.version} has ${rows} rows`;
    await operations.append(
      operationId,
      hasReport
        ? { type: 'partial', message: `${message}; ${rejected} were left out`, result }
        : { type: 'succeeded', message, result },
      last,
    );
  };

  return async ({ operationId, graphId }) => {
    await finish(operationId, graphId);
    // Also by a run that finds the operation over: the one before may have died just here.
    await writers.release(graphId, operationId);
    await endHolding(await graphs.get(graphId), operationId);
  };
});
