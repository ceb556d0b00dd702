import type { FleetRefreshRequest } from '../../domain/refresh/refresh-plan.ts';
import type { FleetRefreshResult } from '../../domain/refresh/refresh-report.ts';
import { forwardStep } from '../pipeline/forward-step.ts';
import { OperationInput } from '../pipeline/step-function.ts';
import { refreshLock } from '../wiring/lease.ts';
import { operationLog } from '../wiring/operation.ts';
import { refreshReport } from '../wiring/refresh.ts';

/** Gives the tiers free, and ends the operation as its instances have. */
export const handler = forwardStep('finish-refresh', OperationInput, (environment) => {
  const operations = operationLog(environment);
  const lock = refreshLock(environment);
  const report = refreshReport(environment);
  return async ({ operationId }, last) => {
    const { tiers } = (await operations.firstBefore(last)).request as FleetRefreshRequest;
    const result = await report.result(operationId);
    for (const tier of tiers) await lock.free(tier, operationId);
    await operations.append(operationId, { ...endingOf(result), message: messageOf(result), result }, last);
  };
});

const endingOf = ({ outcome, instances }: FleetRefreshResult) => {
  if (outcome === 'refreshed' || outcome === 'unchanged') return { type: 'succeeded' } as const;
  if (outcome !== 'failed') return { type: 'partial' } as const;
  const error = instances.find((instance) => instance.outcome === 'failed')?.error;
  const unknown = { code: 'internal', message: 'An instance was not refreshed.', retryable: true } as const;
  return { type: 'failed', error: error ?? unknown } as const;
};

const messageOf = ({ outcome, counts }: FleetRefreshResult): string => {
  const told = Object.entries(counts).flatMap(([of, count]) => (count > 0 ? [`${count} ${of}`] : []));
  return `${outcome[0]?.toUpperCase()}${outcome.slice(1)}: ${told.length === 0 ? 'there is no instance' : told.join(', ')}`;
};
