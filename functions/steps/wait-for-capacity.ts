import * as z from 'zod';
import { slotAskedFor } from '../../domain/fleet/capacity-wait.ts';
import { forwardStep } from '../pipeline/forward-step.ts';
import { StepInput } from '../pipeline/step-function.ts';
import { capacityWait, launches } from '../wiring/fleet.ts';
import { operationLog } from '../wiring/operation.ts';

/**
 * Waits in the queue of the tier until there is a slot, has instances launched if the tier may have more, and serves the
 * queue itself if nobody is before it: a slot may have been freed just before.
 */
export const handler = forwardStep('wait-for-capacity', StepInput.extend({ taskToken: z.string() }), (environment) => {
  const operations = operationLog(environment);
  const capacity = capacityWait(environment);
  const fleet = launches(environment);
  return async ({ taskToken }, last) => {
    const slot = slotAskedFor(await operations.firstBefore(last));
    const { isFirst } = await capacity.enter(last, slot, taskToken);
    await fleet.keep(slot.tier);
    if (isFirst) await capacity.serve(slot.tier);
  };
});
