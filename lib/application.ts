import { type App, Tags, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import type { Configuration } from './configuration.ts';
import { DataStack } from './data/data-stack.ts';
import { FleetStack } from './fleet/fleet-stack.ts';
import { ApiStack } from './service/api-stack.ts';
import { WorkflowsStack } from './service/workflows-stack.ts';

/** A stage's stacks, from what must survive to what can be made anew. */
export type Application = {
  readonly data: DataStack;
  readonly fleet: FleetStack;
  readonly workflows: WorkflowsStack;
  readonly api: ApiStack;
};

/** Puts a stage's stacks into an app. */
export const buildApplication = (app: App, configuration: Configuration, imageReference: string): Application => {
  const prefix = `graphfleet-${configuration.stage}`;
  const data = new DataStack(app, 'Data', { stackName: `${prefix}-data` });
  const { controlTable, snapshots, webhookSecrets } = data;
  const fleet = new FleetStack(app, 'Fleet', {
    stackName: `${prefix}-fleet`,
    configuration,
    controlTable,
    snapshots,
    imageReference,
  });
  const parts = { configuration, stores: { controlTable, snapshots, webhookSecrets }, fleet: fleet.fleet };
  const workflows = new WorkflowsStack(app, 'Workflows', { stackName: `${prefix}-workflows`, ...parts });
  const api = new ApiStack(app, 'Api', { stackName: `${prefix}-api`, ...parts });
  Tags.of(app).add('graphfleet:stage', configuration.stage);
  return { data, fleet, workflows, api };
};

/** Makes the synthesis fail on a finding of the AWS Solutions checks that is not acknowledged beside its resource. */
export const addChecks = (app: App): void => {
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
};
