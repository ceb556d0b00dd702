import { whenOpened } from '../afterwards/serve-waiting.ts';
import { forwardStep } from '../pipeline/forward-step.ts';
import { OperationInput } from '../pipeline/step-function.ts';
import { instanceRefreshes, notMine } from '../refresh/refresh-steps.ts';
import { leaseStore } from '../wiring/lease.ts';

/**
 * Opens the gate of an instance whose new task was confirmed, and ends the refresh. Should the task be gone by now, it is as
 * with any task that is: ECS starts it again.
 */
export const handler = forwardStep('reopen-instance', OperationInput, (environment) => {
  const leases = leaseStore(environment);
  const refreshes = instanceRefreshes(environment);
  const opened = whenOpened(environment);
  return async ({ operationId }, last) => {
    const refresh = await refreshes.of(operationId, last);
    const { request, place, owner } = refresh;
    const { claimed } = await refreshes.story(operationId);
    const ready = { image: request.toImage, heardSince: claimed?.at ?? '' };
    const { done } = await leases.reopen(place, owner, ready, new Date().toISOString());
    if (!done) throw notMine(place);
    await opened(place);
    await refreshes.end(refresh, claimed?.interrupted.length ? 'forced' : 'refreshed');
  };
});
