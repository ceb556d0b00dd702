import { StaleGraphs } from '../../domain/materialization/stale-graphs.ts';
import {
  flagStore,
  graphStore,
  graphWriters,
  instanceStore,
  operationCommands,
  operationLog,
  pauseGate,
  paymentGate,
  rotationStore,
  tableStore,
} from '../dependencies.ts';
import { scheduledFunction } from '../pipeline/scheduled-function.ts';
import { tables } from '../tables.ts';

/** The same work every run, however many there are. */
const TABLES_A_RUN = 50;

/** Materializes stale graphs, where that is switched on and their instances have nothing else to do. */
export const handler = scheduledFunction('materialize-stale', (environment) => {
  const stale = new StaleGraphs({
    flags: flagStore(environment),
    store: tableStore(environment),
    changes: tables(environment),
    graphs: graphStore(environment),
    writers: graphWriters(environment),
    instances: instanceStore(environment),
    gate: paymentGate(environment),
    pauses: pauseGate(environment),
    operations: operationLog(environment),
    commands: operationCommands(environment),
    rotations: rotationStore(environment),
  });
  return () => stale.takeTurn(TABLES_A_RUN);
});
