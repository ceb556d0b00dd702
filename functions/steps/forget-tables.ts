import { forgetsTables } from '../afterwards/forget-tables.ts';
import { StepInput, stepFunction } from '../pipeline/step-function.ts';

/** Undoes AdoptTables, and what ForkGraph has kept of tables: of a graph that its creating operation gives up. */
export const handler = stepFunction('forget-tables', StepInput, (environment) => {
  const forget = forgetsTables(environment);
  return ({ graphId }) => forget(graphId);
});
