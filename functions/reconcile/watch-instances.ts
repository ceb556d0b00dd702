import { InstanceWatch } from '../../domain/fleet/instance-watch.ts';
import { StepFunctionsWaitingTasks } from '../../domain/operation/step-functions-waiting-tasks.ts';
import { graphStore, instanceStore, operationLog, rotationStore } from '../dependencies.ts';
import { capacityWait } from '../fleet.ts';
import { countQuarantine } from '../pipeline/operation-metrics.ts';
import { scheduledFunction } from '../pipeline/scheduled-function.ts';

/** So many instances have their slots looked through in a run. */
const INSTANCES_A_RUN = 2;

/** Puts silent instances in quarantine, reports launches that nobody reported, frees slots that are nobody's. */
export const handler = scheduledFunction('watch-instances', (environment) => {
  const watch = new InstanceWatch({
    instances: instanceStore(environment),
    graphs: graphStore(environment),
    operations: operationLog(environment),
    capacity: capacityWait(environment),
    tasks: new StepFunctionsWaitingTasks(),
  });
  return async () => {
    const looked = await watch.look();
    for (let silent = 0; silent < looked.silent; silent += 1) countQuarantine();
    return { ...looked, freed: await watch.freeLeakedSlots(rotationStore(environment), INSTANCES_A_RUN) };
  };
});
