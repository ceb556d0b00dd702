import { expect } from 'vitest';
import { operationIdFor } from '../../../../domain/identifier.ts';
import type { OperationRequest } from '../../../../domain/operation/operation-commands.ts';
import type { MachineUnderTest } from '../machine-under-test.ts';
import { closedGate } from './closed-gate.ts';
import { makeGraph } from './provision-graph.ts';
import { stageRows, TABLE } from './stage-table.ts';

const ask = (graphId: string): OperationRequest => ({
  operationId: operationIdFor('acme', undefined),
  kind: 'graph.materialize',
  tenantId: 'acme',
  graphId,
  actor: 'ada',
  request: { force: false, rebuild: false, ignoreErrors: false, tables: null },
});

/** A graph whose table has been staged. */
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
        expect(items.find(({ sk }) => sk === `TABLE#${TABLE}`)).toMatchObject({ version: 1, unsettledSince: null });
      },
    };
  },
};
