import { scheduledFunction } from '../pipeline/scheduled-function.ts';
import { backupSchedule } from '../wiring/backup.ts';
import { rotationStore } from '../wiring/reconciliation.ts';

/** The same work every run, however many there are: 70,000 graphs are looked at in a day. */
const A_RUN = { graphs: 50, removals: 50 };

/** Keeps one backup a day of each graph that changed, and removes those whose time is over. */
export const handler = scheduledFunction('keep-backups', (environment) => {
  const schedule = backupSchedule(environment);
  return () => schedule.takeTurn(rotationStore(environment), A_RUN);
});
