import { expect } from 'vitest';
import { operationIdFor } from '../../../../domain/identifier.ts';
import type { MaterializationSource } from '../../../../domain/materialization/sources.ts';
import type { OperationRequest } from '../../../../domain/operation/operation-commands.ts';
import type { MachineUnderTest } from '../machine-under-test.ts';
import { closedGate } from './closed-gate.ts';
import { makeGraph } from './provision-graph.ts';
import { stageRows, TABLE } from './stage-table.ts';

/** The graph's own snapshot is asked for one relationship. */
const SOURCE = {
  kind: 'query',
  table: 'RELATED_TO',
  graphId: null,
  cypher: "RETURN 'first' AS `from`, 'second' AS `to`",
  parameters: {},
} as const satisfies MaterializationSource;

const ask = (graphId: string): OperationRequest => ({
  operationId: operationIdFor('acme', undefined),
  kind: 'graph.materialize',
  tenantId: 'acme',
  graphId,
  actor: 'ada',
  request: { force: false, rebuild: false, ignoreErrors: false, tables: null, sources: [SOURCE] },
});

/** A graph one of whose tables has been staged, and another is to be derived. */
export const materialize: MachineUnderTest = {
  name: 'materialize',
  detours: ['WaitToLoadGraph'],
  open: async (stage) => {
    const graphId = await makeGraph(stage);
    await stageRows(stage, graphId, TABLE, 'identifier\nfirst\nsecond\n');
    return {
      request: () => ask(graphId),
      again: () => ask(graphId),
      detours: { WaitToLoadGraph: closedGate(stage, 'standard', 'LoadGraph') },
      expectDone: ({ items, graphs, objects }, { operationId }) => {
        const graph = graphs.get(graphId);
        expect(graph).toMatchObject({ writer: null, snapshot: { version: 2, source: { operationId } } });
        const versions = objects.filter((key) => key.includes('/snapshots/')).map((key) => key.split('/').at(-1));
        expect(versions.map((name) => name?.slice(0, 8))).toEqual(['00000001', '00000002']);
        for (const table of [TABLE, SOURCE.table]) {
          const published = { version: 1, writer: null, unsettledSince: null };
          expect(items.find(({ sk }) => sk === `TABLE#${table}`)).toMatchObject(published);
        }
      },
    };
  },
};
