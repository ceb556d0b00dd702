import { forwardStep } from '../pipeline/forward-step.ts';
import { OperationInput } from '../pipeline/step-function.ts';
import { instanceRefreshes, notMine } from '../refresh/refresh-steps.ts';
import { instanceServices } from '../wiring/fleet.ts';
import { operationLog } from '../wiring/operation.ts';

/**
 * Has the task of a claimed instance replaced by one with the wanted image, of the generation that the claim began.
 * @throws {Refusal} `conflict`: the cycle was turned back meanwhile
 */
export const handler = forwardStep('replace-task', OperationInput, (environment) => {
  const operations = operationLog(environment);
  const refreshes = instanceRefreshes(environment);
  const services = instanceServices(environment);
  return async ({ operationId }, last) => {
    const refresh = await refreshes.of(operationId, last);
    const { instanceId, tier, toImage: image } = refresh.request;
    const { generation } = await refreshes.cycled(refresh);
    if ((await services.replace(instanceId, { tier, image, generation })) === 'superseded')
      throw notMine(refresh.place);
    const message = `${instanceId} is stopping, and starts again with ${image}`;
    await operations.append(operationId, { type: 'progress', step: 'replaceTask', percent: 60, message }, last);
  };
});
