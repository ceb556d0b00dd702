import { figuresOf } from '../../domain/fleet/fleet-figures.ts';
import { InstanceWatch } from '../../domain/fleet/instance-watch.ts';
import { FLEET_TIERS } from '../../domain/fleet/tier.ts';
import { StepFunctionsWaitingTasks } from '../../domain/operation/step-functions-waiting-tasks.ts';
import { scheduledFunction } from '../pipeline/scheduled-function.ts';
import { measureFleet } from '../telemetry/fleet-metrics.ts';
import { capacityWait, instanceStore, tierStore } from '../wiring/fleet.ts';
import { graphStore } from '../wiring/graph.ts';
import { operationLog } from '../wiring/operation.ts';
import { rotationStore } from '../wiring/reconciliation.ts';

/** So many instances have their slots looked through in a run. */
const INSTANCES_A_RUN = 2;

/** Puts silent instances in quarantine, reports launches that nobody reported, measures the fleet, frees slots that are nobody's. */
export const handler = scheduledFunction('watch-instances', (environment) => {
  const instances = instanceStore(environment);
  const tiers = tierStore(environment);
  const watch = new InstanceWatch({
    instances,
    graphs: graphStore(environment),
    operations: operationLog(environment),
    capacity: capacityWait(environment),
    tasks: new StepFunctionsWaitingTasks(),
  });
  return async () => {
    const looked = await watch.look();
    const all = (await Promise.all(FLEET_TIERS.map((tier) => instances.listAll(tier)))).flat();
    measureFleet(figuresOf(all, await tiers.list(), new Date()));
    return { ...looked, freed: await watch.freeLeakedSlots(rotationStore(environment), INSTANCES_A_RUN) };
  };
});
