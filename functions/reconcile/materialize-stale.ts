import { StaleGraphs } from '../../domain/materialization/stale-graphs.ts';
import { scheduledFunction } from '../pipeline/scheduled-function.ts';
import { paymentGate } from '../wiring/billing.ts';
import { flagStore } from '../wiring/flags.ts';
import { instanceStore } from '../wiring/fleet.ts';
import { graphStore, graphWriters } from '../wiring/graph.ts';
import { pauseGate } from '../wiring/lease.ts';
import { operationCommands, operationLog } from '../wiring/operation.ts';
import { rotationStore } from '../wiring/reconciliation.ts';
import { tableStore, tables } from '../wiring/table.ts';

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
