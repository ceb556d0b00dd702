import { GraphCreation } from '../../domain/graph/graph-creation.ts';
import { StepFunctionsWorkflows } from '../../domain/operation/step-functions-workflows.ts';
import { operationLog } from '../dependencies.ts';
import { scheduledFunction } from '../pipeline/scheduled-function.ts';

/** The same work every run, however many wait. */
const OPERATIONS_A_RUN = 50;

/** Starts operations that were accepted while Step Functions could not be reached. */
export const handler = scheduledFunction('start-accepted-operations', (environment) => {
  const workflows = new StepFunctionsWorkflows({ 'provision-graph': environment.PROVISION_GRAPH_STATE_MACHINE_ARN });
  const creation = new GraphCreation(operationLog(environment), workflows);
  return () => creation.startAccepted(OPERATIONS_A_RUN);
});
