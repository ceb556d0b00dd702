import { RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { STATE_MACHINES } from '../../domain/operation/workflows.ts';
import { namePrefixOf } from '../configuration-schema.ts';
import { pascalCase } from '../pascal-case.ts';
import { type Functions, makeFunctions } from './function-table.ts';
import { functionSettings, functionVariables, type ServiceParts } from './function-variables.ts';
import { OperationWorkflow } from './operation-workflow.ts';
import { RECONCILE_FUNCTIONS, runOnExecutionOver, scheduleFunctions } from './reconcile-functions.ts';

export type WorkflowsStackProps = StackProps & ServiceParts & { readonly steps: Functions<'steps'> };

/** The workflows, and what looks after them. It keeps nothing. */
export class WorkflowsStack extends Stack {
  constructor(scope: Construct, id: string, props: WorkflowsStackProps) {
    const { configuration, stores, fleet, rollbackAlarms, steps, ...stackProps } = props;
    super(scope, id, stackProps);
    const { stage, logRetention, canary } = configuration;
    const namePrefix = namePrefixOf(configuration);
    const log = new LogGroup(this, 'ExecutionLog', {
      // With this beginning, one policy of the account lets all machines write; others are listed in it, up to a length.
      logGroupName: `/aws/vendedlogs/states/graphfleet-${stage}`,
      retention: logRetention,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const settingsOfAll = { namePrefix, functions: steps, log, canary, rollbackAlarms };
    const workflows = STATE_MACHINES.map(
      (name) => new OperationWorkflow(this, pascalCase(name), { name, ...settingsOfAll }),
    );

    const variables = functionVariables(this, { configuration, stores, fleet });
    const settings = functionSettings(this, 'reconcile', { configuration, fleet, rollbackAlarms });
    const reconcilers = makeFunctions<'reconcile'>(this, RECONCILE_FUNCTIONS, { stores, fleet }, variables, settings);
    scheduleFunctions(this, reconcilers);
    runOnExecutionOver(
      this,
      reconcilers,
      workflows.map(({ machine }) => machine),
    );
  }
}
