import { Duration } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import type { Construct } from 'constructs';
import { FUNCTIONS, type FunctionDefinition, type FunctionName } from '../../contract/functions.ts';
import type { FunctionTable } from './function-table.ts';
import type { GraphfleetFunction } from './graphfleet-function.ts';

/** The functions that run by themselves, and what each may do. */
export const RECONCILE_FUNCTIONS: FunctionTable<'reconcile'> = {
  'reconcile-operations': {
    may: ['findsOpenOperations', 'readsLog', 'appendsToLog', 'keepsRotations'],
    drivesWorkflows: true,
  },
  'keep-tier-minimum': { may: ['readsTiers'] },
};

/** Runs each of the functions as often as its definition says. */
export const scheduleFunctions = (
  scope: Construct,
  functions: { readonly [Name in FunctionName]?: GraphfleetFunction },
): void => {
  for (const [name, scheduled] of Object.entries(functions)) {
    const { everyMinutes }: FunctionDefinition = FUNCTIONS[name as FunctionName];
    if (everyMinutes === undefined) continue;
    const every = Duration.minutes(everyMinutes);
    new Rule(scope, `${scheduled.node.id}Schedule`, {
      schedule: Schedule.rate(every),
      // The next run does the same work, so one that is missed or failed is not repeated.
      targets: [new LambdaFunction(scheduled.function, { retryAttempts: 0, maxEventAge: every })],
    });
  }
};
