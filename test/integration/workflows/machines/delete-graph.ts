import { expect } from 'vitest';
import type { DeletionRequest } from '../../../../domain/graph/deletion.ts';
import { operationIdFor } from '../../../../domain/identifier.ts';
import type { OperationRequest } from '../../../../domain/operation/operation-commands.ts';
import type { MachineUnderTest } from '../machine-under-test.ts';
import { makeGraph } from './provision-graph.ts';
import { makeSubgraph } from './provision-subgraph.ts';

/** A graph with a subgraph, both of which are backed up. */
export const deleteGraph: MachineUnderTest = {
  name: 'delete-graph',
  open: async (stage) => {
    const graphId = await makeGraph(stage);
    await makeSubgraph(stage, graphId, 'only');
    const ask = (): OperationRequest => ({
      operationId: operationIdFor('acme', undefined),
      kind: 'graph.delete',
      tenantId: 'acme',
      graphId,
      actor: 'ada',
      request: { backup: true, place: null, emptyVersion: null } satisfies DeletionRequest,
    });
    return {
      request: ask,
      again: ask,
      expectDone: ({ graphs, instances, objects }) => {
        expect([...graphs.keys()]).toEqual([]);
        expect(instances.flatMap(({ slots }) => Object.keys(slots))).toEqual([]);
        expect(objects.filter((key) => key.startsWith('graphs/'))).toEqual([]);
      },
    };
  },
};

/** An empty subgraph, deleted without a backup; its parent stays. */
export const deleteSubgraph: MachineUnderTest = {
  name: 'delete-graph',
  open: async (stage) => {
    const parentId = await makeGraph(stage);
    const graphId = await makeSubgraph(stage, parentId, 'only');
    const ask = (): OperationRequest => ({
      operationId: operationIdFor('acme', undefined),
      kind: 'subgraph.delete',
      tenantId: 'acme',
      graphId,
      actor: 'ada',
      request: { backup: false, place: { parentId, name: 'only' }, emptyVersion: 1 } satisfies DeletionRequest,
    });
    return {
      request: ask,
      again: () => {
        const asked = ask();
        return { ...asked, request: { ...(asked.request as DeletionRequest), emptyVersion: null } };
      },
      expectDone: ({ graphs, instances, objects }) => {
        expect([...graphs.keys()]).toEqual([parentId]);
        expect(graphs.get(parentId)).toMatchObject({ status: 'active', writer: null, subgraphs: {} });
        expect(instances.flatMap(({ slots }) => Object.keys(slots))).toEqual([parentId]);
        expect(objects).toEqual([graphs.get(parentId)?.snapshot?.key]);
      },
    };
  },
};
