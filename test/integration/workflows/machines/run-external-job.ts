import { expect } from 'vitest';
import type { ExternalJobRequest } from '../../../../domain/external-job/external-job.ts';
import { operationIdFor } from '../../../../domain/identifier.ts';
import type { OperationRequest } from '../../../../domain/operation/operation-commands.ts';
import type { MachineUnderTest } from '../machine-under-test.ts';
import { makeGraph } from './provision-graph.ts';

export const askForJob = (graphId: string, request: Partial<ExternalJobRequest> = {}): OperationRequest => ({
  operationId: operationIdFor('acme', undefined),
  kind: 'job.run',
  tenantId: 'acme',
  graphId,
  actor: 'ada',
  request: { job: 'nightly-export', config: { ops: { export: { config: { day: '2026-01-01' } } } }, ...request },
});

/** A job of Dagster, which is followed until it has succeeded. */
export const runExternalJob: MachineUnderTest = {
  name: 'run-external-job',
  polls: ['AwaitJob'],
  open: async (stage) => {
    const graphId = await makeGraph(stage);
    return {
      request: () => askForJob(graphId),
      expectDone: ({ operations }, { operationId }) => {
        expect(stage.dagster.runOf(operationId)).toMatchObject([{ status: 'SUCCESS', jobName: 'nightly_export' }]);
        expect(operations.get(operationId)?.result).toMatchObject({ job: 'nightly-export' });
      },
      expectUndone: ({ operationId }) => {
        const runs = stage.dagster.runOf(operationId);
        expect(runs.length).toBeLessThanOrEqual(1);
        expect(runs.filter((run) => !stage.dagster.isOver(run))).toEqual([]);
      },
    };
  },
};
