import { Refusal } from '../../domain/failure.ts';
import type { LaunchRequest } from '../../domain/fleet/instance-launch.ts';
import { wantedImage } from '../../domain/fleet/wanted-image.ts';
import { goesForward } from '../../domain/operation/operation.ts';
import { forwardStep } from '../pipeline/forward-step.ts';
import { OperationInput } from '../pipeline/step-function.ts';
import { instanceServices, instanceStore, tierStore } from '../wiring/fleet.ts';
import { operationLog } from '../wiring/operation.ts';

/**
 * Creates the service of an instance, which starts its task. When the operation was undone while this run was held up,
 * the run removes the service again, because nobody else would: unless the name is another operation's by then.
 * @throws {Refusal} `operation_over`
 */
export const handler = forwardStep('create-service', OperationInput, (environment) => {
  const operations = operationLog(environment);
  const instances = instanceStore(environment);
  const services = instanceServices(environment);
  const tiers = tierStore(environment);

  const undoIfLate = async (instanceId: string, operationId: string) => {
    const { status } = await operations.last(operationId);
    if (status === 'succeeded' || goesForward(status)) return;
    const claimedBy = (await instances.get(instanceId))?.launch?.operationId ?? operationId;
    if (claimedBy === operationId) await services.remove(instanceId);
    throw new Refusal('operation_over', `The operation is ${status}; it does not go forward.`);
  };

  return async ({ operationId }, last) => {
    const { instanceId, tier } = (await operations.firstBefore(last)).request as LaunchRequest;
    const started = await operations.append(
      operationId,
      { type: 'started', step: 'createService', percent: 10, message: `Launching ${instanceId}` },
      last,
    );
    const image = await wantedImage(tiers, services, tier);
    const generation = (await instances.get(instanceId))?.generation ?? 1;
    await services.create(instanceId, { tier, image, generation });
    await undoIfLate(instanceId, operationId);
    const created = { type: 'progress', percent: 30, message: `${instanceId} is starting` } as const;
    await operations.append(operationId, { ...created, step: 'createService' }, started);
  };
});
