import { Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { STATE_MACHINES } from '../../domain/operation/workflows.ts';
import { addAlarms } from '../observability/alarms.ts';
import { makeFunctions } from './function-table.ts';
import { functionVariables, namePrefixOf, type ServiceParts } from './function-variables.ts';
import { OperationWorkflow } from './operation-workflow.ts';
import { RECONCILE_FUNCTIONS, runOnExecutionOver, scheduleFunctions } from './reconcile-functions.ts';
import { STEP_FUNCTIONS } from './step-functions.ts';

/** The work behind the API: the workflows with their steps, and what looks after them. It keeps nothing. */
export class WorkflowsStack extends Stack {
  constructor(scope: Construct, id: string, { configuration, stores, fleet, ...props }: StackProps & ServiceParts) {
    super(scope, id, props);
    const { logRetention } = configuration;
    const namePrefix = namePrefixOf(configuration);
    const settings = { namePrefix, logRetention, network: fleet.network };
    const variables = functionVariables(this, { configuration, stores, fleet });

    const steps = makeFunctions<'steps'>(this, STEP_FUNCTIONS, { stores, fleet }, variables, settings);
    const workflows = STATE_MACHINES.map(
      (name) => new OperationWorkflow(this, pascalCase(name), { name, namePrefix, functions: steps, logRetention }),
    );
    const reconcilers = makeFunctions<'reconcile'>(this, RECONCILE_FUNCTIONS, { stores, fleet }, variables, settings);
    scheduleFunctions(this, reconcilers);
    runOnExecutionOver(
      this,
      reconcilers,
      workflows.map(({ machine }) => machine),
    );
    addAlarms(this, namePrefix, configuration);
  }
}

const pascalCase = (name: string): string =>
  name.replaceAll(/(^|-)([a-z])/g, (_, _dash, letter: string) => letter.toUpperCase());
