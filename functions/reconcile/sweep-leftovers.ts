import { scheduledFunction } from '../pipeline/scheduled-function.ts';
import { leftoverSweep, rotationStore } from '../wiring/reconciliation.ts';

/** The same work every run, however many there are. */
const RECORDS_A_RUN = 25;

/** Removes records of operations that are over, which a run that was late has left behind. */
export const handler = scheduledFunction('sweep-leftovers', (environment) => {
  const sweep = leftoverSweep(environment);
  return () => sweep.takeTurn(rotationStore(environment), RECORDS_A_RUN);
});
