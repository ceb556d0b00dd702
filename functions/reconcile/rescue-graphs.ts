import { GraphRescue } from '../../domain/fleet/graph-rescue.ts';
import { wakeWaiting } from '../afterwards/serve-waiting.ts';
import { scheduledFunction } from '../pipeline/scheduled-function.ts';
import { evacuation, instanceServices, instanceStore } from '../wiring/fleet.ts';
import { rotationStore } from '../wiring/reconciliation.ts';

/** The same work every run, however many instances are gone, and however many graphs they have. */
const INSTANCES_A_RUN = 5;
const GRAPHS_A_RUN = 100;

/** Gives the graphs of instances that are gone places on others. */
export const handler = scheduledFunction('rescue-graphs', (environment) => {
  const rescue = new GraphRescue({
    instances: instanceStore(environment),
    services: instanceServices(environment),
    evacuation: evacuation(environment),
    wake: wakeWaiting(environment),
  });
  return () => rescue.takeTurn(rotationStore(environment), INSTANCES_A_RUN, GRAPHS_A_RUN);
});
