import { Retryable, Terminal } from '../../domain/failure.ts';
import { heardSince } from '../../domain/fleet/heartbeat.ts';
import { taskTurnedBackTo } from '../../domain/refresh/instance-refresh.ts';
import { whenOpened } from '../afterwards/serve-waiting.ts';
import { OperationInput, stepFunction } from '../pipeline/step-function.ts';
import { type InstanceRefresh, instanceRefreshes } from '../refresh/refresh-steps.ts';
import { instanceServices } from '../wiring/fleet.ts';
import { leaseStore } from '../wiring/lease.ts';
import { operationLog } from '../wiring/operation.ts';

/**
 * Undoes a drain: opens the gate again. When the cycle was claimed, it is opened for the task that the cycle was turned back
 * to; if that does not come up either, the instance is put in quarantine.
 * @throws {Retryable} `unavailable`: the task is starting still
 * @throws {Terminal} `unavailable`: the cycle was not turned back
 */
export const handler = stepFunction('undrain', OperationInput, (environment) => {
  const operations = operationLog(environment);
  const leases = leaseStore(environment);
  const refreshes = instanceRefreshes(environment);
  const services = instanceServices(environment);
  const opened = whenOpened(environment);

  const quarantine = async ({ operationId, place, owner }: InstanceRefresh, now: Date): Promise<void> => {
    if (!(await leases.quarantine(place, owner, now.toISOString())).done) return;
    const message = `${place.instanceId} does not come up and is in quarantine`;
    await operations.append(operationId, { type: 'progress', step: 'undrain', message });
  };

  return async ({ operationId }) => {
    const refresh = await refreshes.of(operationId);
    const { place, owner } = refresh;
    const { instanceId } = place;
    if ((await leases.get(instanceId)) === undefined) return;
    const now = new Date();
    const at = now.toISOString();
    const { done, instance } = await leases.undrain(place, owner, at);
    if (done) return opened(place);
    const service = await services.describe(instanceId);
    const task = taskTurnedBackTo(instance, service, now);
    if (service === undefined || task === 'missing') {
      throw new Terminal('unavailable', `The service of "${instanceId}" was not rolled back.`);
    }
    const ready = { image: service.image, heardSince: heardSince(now) };
    if ((await leases.reopen(place, owner, ready, at)).done) return opened(place);
    if (task === 'failed') return quarantine(refresh, now);
    throw new Retryable('unavailable', `The task of "${instanceId}" is starting.`);
  };
});
