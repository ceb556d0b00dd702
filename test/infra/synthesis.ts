import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { afterAll, inject } from 'vitest';
import { type Application, buildApplication } from '../../lib/application.ts';
import { CONFIGURATIONS } from '../../lib/configuration.ts';
import { PLACEHOLDER_IMAGE } from '../../lib/fleet/instance-image.ts';
import { contextOf } from './cdk-context.ts';

/** A CloudFormation resource as a template has it. */
export type Resource = {
  Type: string;
  Properties: Record<string, unknown>;
  DeletionPolicy?: string;
  UpdateReplacePolicy?: string;
};

const directories: string[] = [];
afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

/** An app with the settings of `cdk.json`, whose assembly goes to a directory of its own. */
export const newApp = ({ bundles = false, validates = false } = {}): App => {
  const outdir = mkdtempSync(join(tmpdir(), 'graphfleet-infra-'));
  directories.push(outdir);
  return new App({ outdir, context: contextOf({ bundles, validates }) });
};

export const buildDev = (app: App): Application => buildApplication(app, CONFIGURATIONS.dev, PLACEHOLDER_IMAGE);

/** The templates of the dev stage, without the functions' code. */
export const synthesizedTemplates = () => {
  const read = (stack: string) => {
    const json = JSON.parse(readFileSync(join(inject('templates'), `${stack}.template.json`), 'utf8')) as {
      Resources: Record<string, Resource>;
    };
    return { template: Template.fromJSON(json), resources: json.Resources };
  };
  const stacks = { data: read('Data'), fleet: read('Fleet'), workflows: read('Workflows'), api: read('Api') };
  // The two stacks of the control plane, as one: no logical id is in both but that of the CDK's own metadata.
  return { ...stacks, service: { resources: { ...stacks.workflows.resources, ...stacks.api.resources } } };
};

/** The resources of a type, by logical id. */
export const ofType = (resources: Record<string, Resource>, type: string): [id: string, resource: Resource][] =>
  Object.entries(resources).filter(([, resource]) => resource.Type === type);

type Intrinsic = {
  Ref?: string;
  'Fn::GetAtt'?: [string, string];
  'Fn::Join'?: [string, unknown[]];
  'Fn::ImportValue'?: string;
};

/** A value as it might read once it is deployed: what only AWS knows is invented in its own form. */
export const deployed = (value: unknown, resources: Record<string, Resource>): string => {
  if (typeof value === 'string') return value;
  const { Ref: ref, 'Fn::GetAtt': attribute, 'Fn::Join': join, 'Fn::ImportValue': imported } = value as Intrinsic;
  if (join !== undefined) return join[1].map((part) => deployed(part, resources)).join(join[0]);
  if (attribute !== undefined) return attribute[1] === 'Arn' ? `arn:aws:${attribute[0]}` : attribute.join('.');
  if (ref !== undefined)
    return resources[ref]?.Type === 'AWS::StepFunctions::StateMachine' ? `arn:aws:states:${ref}` : ref;
  if (imported !== undefined)
    return /Arn[0-9A-F]{8}$/.test(imported) ? `arn:aws:${imported}` : imported.replace(/.*:/, '');
  throw new Error(`No such function of CloudFormation is known here: ${JSON.stringify(value)}`);
};
