import { planRefresh } from '../../domain/refresh/plan-refresh.ts';
import type { FleetRefreshRequest } from '../../domain/refresh/refresh-plan.ts';
import { forwardStep } from '../pipeline/forward-step.ts';
import { OperationInput } from '../pipeline/step-function.ts';
import { instanceStore, tierStore } from '../wiring/fleet.ts';
import { operationLog } from '../wiring/operation.ts';
import { refreshPlanStore } from '../wiring/refresh.ts';

/**
 * Plans a refresh, by what there is when its tiers are locked. The first plan stays.
 * @throws {Refusal} as {@link planRefresh}
 */
export const handler = forwardStep('plan-refresh', OperationInput, (environment) => {
  const operations = operationLog(environment);
  const stores = { instances: instanceStore(environment), tiers: tierStore(environment) };
  const plans = refreshPlanStore(environment);
  return async ({ operationId }, last) => {
    const request = (await operations.firstBefore(last)).request as FleetRefreshRequest;
    if ((await plans.get(operationId)) === undefined)
      await plans.create(operationId, await planRefresh(stores, request));
    const { instances = [] } = (await plans.get(operationId)) ?? {};
    const toCycle = instances.filter(({ leftOut }) => leftOut === null).length;
    const message = `${toCycle} of ${instances.length} instances are to be refreshed`;
    const planned = { type: 'step_completed', step: 'planRefresh', percent: 5, message } as const;
    await operations.append(operationId, { ...planned, detail: { total: instances.length, toCycle } }, last);
  };
});
