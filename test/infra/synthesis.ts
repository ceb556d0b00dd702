import { globSync, mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { inject } from 'vitest';
import { type Application, buildApplication } from '../../lib/application.ts';
import { CONFIGURATIONS } from '../../lib/configuration.ts';
import type { Configuration } from '../../lib/configuration-schema.ts';
import { DataStack } from '../../lib/data/data-stack.ts';
import { FleetStack } from '../../lib/fleet/fleet-stack.ts';
import { PLACEHOLDER_IMAGE } from '../../lib/fleet/instance-image.ts';
import { contextOf } from './cdk-context.ts';
import { EVERYTHING } from './everything.ts';

/** A CloudFormation resource as a template has it. */
export type Resource = {
  Type: string;
  Properties: Record<string, unknown>;
  DependsOn?: string[];
  DeletionPolicy?: string;
  UpdateReplacePolicy?: string;
  Metadata?: Record<string, unknown>;
};

/** An app with the settings of `cdk.json`, whose assembly goes to a directory of its own; it is removed with the templates. */
export const newApp = ({ bundles = false, validates = false } = {}): App => {
  const outdir = mkdtempSync(join(inject('templates'), 'app-'));
  return new App({ outdir, context: contextOf({ bundles, validates }) });
};

export const buildDev = (app: App): Application => buildApplication(app, CONFIGURATIONS.dev, PLACEHOLDER_IMAGE);

/** The templates of a stage with everything, by the stack. It takes seconds, and is done once in a worker. */
export const synthesizedEverything = (): Readonly<Record<string, TemplateJson>> => {
  everything ??= synthesizeEverything();
  return everything;
};
const synthesizeEverything = () => {
  const app = newApp();
  buildApplication(app, EVERYTHING, PLACEHOLDER_IMAGE);
  app.synth();
  const stacks = globSync('*.template.json', { cwd: app.outdir }).map((file) => file.replace('.template.json', ''));
  return Object.fromEntries(stacks.map((stack) => [stack, templateIn(app.outdir, stack)]));
};
let everything: ReturnType<typeof synthesizeEverything> | undefined;

/** The fleet of a stage without what only uses it: to synthesize all of an application takes seconds. */
export const buildFleet = (app: App, configuration: Configuration): FleetStack => {
  const { controlTable, snapshots } = new DataStack(app, 'Data', { configuration });
  const imageReference = PLACEHOLDER_IMAGE;
  return new FleetStack(app, 'Fleet', { configuration, controlTable, snapshots, imageReference });
};

/** The templates of the dev stage, without the functions' code. */
export const synthesizedTemplates = () => {
  const read = (stack: string) => {
    const json = templateIn(inject('templates'), stack);
    return { template: Template.fromJSON(json), resources: json.Resources };
  };
  const [data, fleet, observability] = [read('Data'), read('Fleet'), read('Observability')];
  const [steps, workflows, apiFunctions, api] = [read('Steps'), read('Workflows'), read('ApiFunctions'), read('Api')];
  // The stacks of the control plane, as one: no logical id is in two of them but that of the CDK's own metadata.
  const resources = Object.assign(
    {},
    ...[steps, workflows, apiFunctions, api].map((stack) => stack.resources),
  ) as Resources;
  return { data, fleet, observability, steps, workflows, apiFunctions, api, service: { resources } };
};

export type Resources = Record<string, Resource>;
export type TemplateJson = {
  Resources: Resources;
  Outputs?: Record<string, { Value: unknown; Export?: { Name: string } }>;
};

export const templateIn = (directory: string, stack: string): TemplateJson =>
  JSON.parse(readFileSync(join(directory, `${stack}.template.json`), 'utf8')) as TemplateJson;

/** What the stacks of the dev stage export, by name, with the resources that it is about. */
const exportsOf = (): Map<string, { value: unknown; resources: Resources }> => {
  const directory = inject('templates');
  const templates = globSync('*.template.json', { cwd: directory }).map((file) =>
    templateIn(directory, file.replace('.template.json', '')),
  );
  return new Map(
    templates.flatMap(({ Resources: resources, Outputs = {} }) =>
      Object.values(Outputs).flatMap(({ Value: value, Export }) =>
        Export === undefined ? [] : [[Export.Name, { value, resources }] as const],
      ),
    ),
  );
};
let exported: ReturnType<typeof exportsOf> | undefined;

export type Statement = {
  Effect: string;
  Action: string | string[];
  Resource: unknown;
  Condition?: Record<string, unknown>;
};

/** What roles are allowed, in themselves or by a policy beside them, by the logical id of the one or the other. */
export const statementsIn = (resources: Resources): (Statement & { of: string })[] =>
  Object.entries(resources).flatMap(([of, { Type, Properties }]) => {
    const inline = Type === 'AWS::IAM::Role' ? ((Properties['Policies'] ?? []) as { PolicyDocument: unknown }[]) : [];
    const documents =
      Type === 'AWS::IAM::Policy' ? [Properties['PolicyDocument']] : inline.map((one) => one.PolicyDocument);
    return documents.flatMap((document) =>
      (document as { Statement: Statement[] }).Statement.map((statement) => ({ of, ...statement })),
    );
  });

/** The resources of a type, by logical id. */
export const ofType = (resources: Resources, type: string): [id: string, resource: Resource][] =>
  Object.entries(resources).filter(([, resource]) => resource.Type === type);

type Intrinsic = {
  Ref?: string;
  'Fn::GetAtt'?: [string, string];
  'Fn::Join'?: [string, unknown[]];
  'Fn::ImportValue'?: string;
};

/** A value as it might read once it is deployed: what only AWS knows is invented in its own form. */
export const deployed = (value: unknown, resources: Resources): string => {
  if (typeof value === 'string') return value;
  const { Ref: ref, 'Fn::GetAtt': attribute, 'Fn::Join': join, 'Fn::ImportValue': imported } = value as Intrinsic;
  if (join !== undefined) return join[1].map((part) => deployed(part, resources)).join(join[0]);
  if (attribute !== undefined) return attribute[1] === 'Arn' ? `arn:aws:${attribute[0]}` : attribute.join('.');
  if (ref !== undefined) return referred(ref, resources);
  if (imported !== undefined) {
    exported ??= exportsOf();
    const { value: found, resources: of } = exported.get(imported) ?? {};
    if (of === undefined) throw new Error(`No stack exports ${imported}.`);
    return deployed(found, of);
  }
  throw new Error(`No such function of CloudFormation is known here: ${JSON.stringify(value)}`);
};

const referred = (id: string, resources: Resources): string => {
  const { Type, Properties = {} } = resources[id] ?? {};
  if (Type === 'AWS::StepFunctions::StateMachine') return `arn:aws:states:${id}`;
  if (Type === 'AWS::Lambda::Alias') {
    return `arn:aws:${deployed(Properties['FunctionName'], resources)}:${String(Properties['Name'])}`;
  }
  return Type === 'AWS::SecretsManager::Secret' ? `arn:aws:${id}` : id;
};
