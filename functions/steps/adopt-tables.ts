import { Refusal, Terminal } from '../../domain/failure.ts';
import { forkedIn } from '../../domain/graph/fork.ts';
import type { SourceTable } from '../../domain/snapshot/snapshot.ts';
import { emptyTable } from '../../domain/table/table.ts';
import { forgetsTables } from '../afterwards/forget-tables.ts';
import { forwardStep, refuseUnlessForward } from '../pipeline/forward-step.ts';
import { StepInput } from '../pipeline/step-function.ts';
import { graphStore } from '../wiring/graph.ts';
import { operationLog } from '../wiring/operation.ts';
import { tableStore } from '../wiring/table.ts';

/**
 * Makes the rows that the forked snapshot has the tables' truth, as if they had been staged. A run that is late for its
 * operation's log takes them back.
 * @throws {Terminal} `conflict`: the snapshot has been withdrawn
 */
export const handler = forwardStep('adopt-tables', StepInput, (environment) => {
  const operations = operationLog(environment);
  const graphs = graphStore(environment);
  const store = tableStore(environment);
  const forget = forgetsTables(environment);
  return async ({ operationId, graphId }, last) => {
    const { parentId, snapshot } = (await graphs.get(graphId)) ?? {};
    const source = snapshot?.source;
    if (source === undefined) throw new Terminal('conflict', `The graph "${graphId}" has no snapshot of its tables.`);
    const from = parentId
      ? ({ kind: 'snapshot', graphId: parentId, snapshotVersion: forkedIn(last).parentVersion } as const)
      : null;
    const adopt = async ({ table, version, part }: SourceTable) => {
      const empty = emptyTable(graphId, table);
      const parts = part === undefined ? [] : [part];
      // What is there already is what an earlier run has put: nobody stages into a graph that is not in use.
      const staged = { version, parts, stagedBy: operationId, stagedAt: source.at, source: from };
      await store.replace(empty, { ...empty, revision: 1, ...staged });
    };
    for (let at = 0; at < source.tables.length; at += WRITTEN_TOGETHER)
      await Promise.all(source.tables.slice(at, at + WRITTEN_TOGETHER).map(adopt));
    const message = `${source.tables.length} tables kept`;
    const completed = { type: 'step_completed', step: 'adoptTables', percent: 85, message } as const;
    try {
      // By the newest event: what was known before may have been undone since.
      refuseUnlessForward(await operations.append(operationId, completed));
    } catch (error) {
      if (error instanceof Refusal) await forget(graphId);
      throw error;
    }
  };
});

const WRITTEN_TOGETHER = 25;
