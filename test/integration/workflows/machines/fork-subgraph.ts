import { expect } from 'vitest';
import { graphIdFor, operationIdFor } from '../../../../domain/identifier.ts';
import type { OperationRequest } from '../../../../domain/operation/operation-commands.ts';
import type { MachineUnderTest } from '../machine-under-test.ts';
import { closedGate } from './closed-gate.ts';
import { askForGraph, makeGraph } from './provision-graph.ts';

const ask = (parentId: string, name: string): OperationRequest => {
  const operationId = operationIdFor('acme', undefined);
  const fork = { tables: [], excludePatterns: [] };
  // The tests' graph begins with a row; a fork takes it over as any other.
  const { request } = askForGraph({ parentId, name, entity: null, fork });
  return {
    operationId,
    kind: 'subgraph.fork',
    tenantId: 'acme',
    graphId: graphIdFor(operationId),
    actor: 'ada',
    request,
  };
};

/** A fork of a graph that begins with a row. */
export const forkSubgraph: MachineUnderTest = {
  name: 'fork-subgraph',
  detours: ['WaitToForkGraph'],
  open: async (stage) => {
    const parentId = await makeGraph(stage, { entity: { table: 'Entity', properties: { identifier: 'first' } } });
    return {
      request: () => ask(parentId, 'forked'),
      detours: { WaitToForkGraph: closedGate(stage, 'standard', 'ForkGraph') },
      expectDone: ({ items, graphs, instances, objects, operations }, { graphId, operationId }) => {
        const graph = graphs.get(graphId ?? '');
        expect(graph).toMatchObject({ status: 'active', parentId, writer: null, snapshot: { version: 1 } });
        expect(graphs.get(parentId)?.subgraphs).toEqual({ forked: graphId });
        expect(operations.get(operationId)).toMatchObject({ status: 'succeeded', result: { rows: 1, rejected: 0 } });
        const table = items.find(({ pk, sk }) => pk === `GRAPH#${graphId}` && sk === 'TABLE#Entity');
        expect(table).toMatchObject({ version: 1, parts: [{ rows: 1 }], unsettledSince: null });
        expect(objects.filter((key) => key.startsWith(`graphs/${graphId}/`))).toHaveLength(2);
        expect(instances.flatMap(({ slots }) => Object.keys(slots))).toEqual([parentId]);
      },
    };
  },
};
