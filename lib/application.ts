import { type App, Tags, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { type Configuration, namePrefixOf } from './configuration-schema.ts';
import { DataStack } from './data/data-stack.ts';
import { FleetStack } from './fleet/fleet-stack.ts';
import { ObservabilityStack } from './observability/observability-stack.ts';
import { API_FUNCTIONS } from './service/api-functions.ts';
import { ApiStack } from './service/api-stack.ts';
import { FunctionsStack } from './service/functions-stack.ts';
import { STEP_FUNCTIONS } from './service/step-functions.ts';
import { WorkflowsStack } from './service/workflows-stack.ts';

/** A stage's stacks, in the order in which they are deployed: from what must survive to what can be made anew. */
export type Application = {
  readonly data: DataStack;
  readonly fleet: FleetStack;
  readonly observability: ObservabilityStack;
  readonly steps: FunctionsStack<'steps'>;
  readonly workflows: WorkflowsStack;
  readonly apiFunctions: FunctionsStack<'api'>;
  readonly api: ApiStack;
};

/** Puts a stage's stacks into an app. */
export const buildApplication = (app: App, configuration: Configuration, imageReference: string): Application => {
  const named = (name: string) => ({ stackName: `${namePrefixOf(configuration)}-${name}`, configuration });
  const data = new DataStack(app, 'Data', named('data'));
  const { controlTable, snapshots, webhookSecrets } = data;
  const fleet = new FleetStack(app, 'Fleet', { ...named('fleet'), controlTable, snapshots, imageReference });
  const observability = new ObservabilityStack(app, 'Observability', { ...named('observability'), controlTable });

  const parts = {
    stores: { controlTable, snapshots, webhookSecrets },
    fleet: fleet.fleet,
    rollbackAlarms: observability.rollbackAlarms,
  };
  const steps = new FunctionsStack(app, 'Steps', {
    ...named('steps'),
    ...parts,
    folder: 'steps',
    table: STEP_FUNCTIONS,
  });
  const workflows = new WorkflowsStack(app, 'Workflows', { ...named('workflows'), ...parts, steps: steps.functions });
  const apiFunctions = new FunctionsStack(app, 'ApiFunctions', {
    ...named('api-functions'),
    ...parts,
    folder: 'api',
    table: API_FUNCTIONS,
  });
  for (const released of [steps, workflows, apiFunctions]) released.addStackDependency(observability);
  const api = new ApiStack(app, 'Api', { ...named('api'), functions: apiFunctions.functions });
  Tags.of(app).add('graphfleet:stage', configuration.stage);
  return { data, fleet, observability, steps, workflows, apiFunctions, api };
};

/** Makes the synthesis fail on a finding of the AWS Solutions checks that is not acknowledged beside its resource. */
export const addChecks = (app: App): void => {
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
};
