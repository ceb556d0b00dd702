import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TokenEnvironment } from '../../contract/environment.ts';

/** Types of resources that MiniStack 1.5.33 can not make, and what that leaves untried. */
export const UNKNOWN_TYPES: Readonly<Record<string, string>> = {
  'AWS::EC2::FlowLog': 'the log of the network’s traffic',
  'AWS::EC2::SecurityGroupIngress': 'who may call instances: there is no network',
  'AWS::EC2::SecurityGroupEgress': 'whom instances may call: there is no network',
  'AWS::ECS::ClusterCapacityProviderAssociations': 'where tasks run: no task is placed',
  'AWS::WAFv2::WebACLAssociation': 'the firewall: its rules are made, and belong to nothing',
  'AWS::WAFv2::LoggingConfiguration': 'what the firewall logs',
  'AWS::StepFunctions::StateMachineVersion': 'versions of workflows by CloudFormation: they are made after the deploy',
  'AWS::StepFunctions::StateMachineAlias': 'aliases of workflows by CloudFormation, and their canary: likewise',
};

/** Policies of buckets ask for TLS, and here everything is plain HTTP. */
const ASKS_FOR_TLS = 'AWS::S3::BucketPolicy';

/** Where each function has a processor of its own its limits are short; here fifty that start share two. */
const SECONDS_OF_A_BUSY_MACHINE = 60;

/** What starts a function's process, of a custom runtime. */
const BOOTSTRAP = `#!/bin/sh
exec '${process.execPath}' '${fileURLToPath(new URL('node-runtime.ts', import.meta.url))}'
`;

type Resource = { Type: string; Properties?: Record<string, unknown>; DependsOn?: string | string[] };
type Template = { Resources: Record<string, Resource> };

/**
 * Makes an assembly one that the emulator takes, in place; docs/emulator.md says why, change by change. Whose tokens are
 * taken is set here too, as whoever deploys does in `lib/configuration.ts`.
 */
export const adaptAssembly = async (directory: string, tokens: TokenEnvironment): Promise<void> => {
  for (const file of await readdir(directory)) {
    const path = join(directory, file);
    if (file.startsWith('asset.') && (await stat(path)).isDirectory())
      await writeFile(join(path, 'bootstrap'), BOOTSTRAP);
    const change = CHANGES.find(([name]) => file.endsWith(name))?.[1];
    if (change === undefined) continue;
    await writeFile(path, JSON.stringify(change(JSON.parse(await readFile(path, 'utf8')), tokens), null, 1));
  }
};

type Change = (content: unknown, tokens: TokenEnvironment) => unknown;

const CHANGES: readonly (readonly [file: string, change: Change])[] = [
  ['.template.json', (content, tokens) => adapt(content as Template, tokens)],
  ['.assets.json', (content) => withoutRoles(content)],
  ['manifest.json', (content) => withoutRoles(content)],
];

/** The roles of the bootstrap, which the command line assumes to deploy: its bucket takes no role's call without TLS. */
const ROLES = new Set(['assumeRoleArn', 'cloudFormationExecutionRoleArn', 'lookupRole']);

const withoutRoles = (content: unknown): unknown =>
  JSON.parse(JSON.stringify(content), (key, value: unknown) => (ROLES.has(key) ? undefined : value));

const adapt = (template: Template, tokens: TokenEnvironment): Template => {
  for (const [id, { Type, Properties = {} }] of Object.entries(template.Resources)) {
    if (Type in UNKNOWN_TYPES || Type === ASKS_FOR_TLS || isComputed(Type, Properties)) delete template.Resources[id];
    if (Type === 'AWS::Lambda::Function') adaptFunction(Properties, tokens);
    if (Type === 'AWS::ApiGateway::Method') Properties['Integration'] = buffered(Properties['Integration']);
  }
  for (const resource of Object.values(template.Resources)) {
    if (resource.DependsOn === undefined) continue;
    resource.DependsOn = [resource.DependsOn].flat().filter((id) => id in template.Resources);
  }
  return withSecretsById(withKnownConditions(template));
};

/** Keys of conditions of permissions that the emulator never has: with them, a permission would be none. */
const UNKNOWN_KEYS = new Set([
  'dynamodb:LeadingKeys',
  'states:StateMachineQualifier',
  'ecs:cluster',
  'ecs:CreateAction',
]);

const withKnownConditions = (template: Template): Template =>
  JSON.parse(JSON.stringify(template), (key, value: unknown) => (UNKNOWN_KEYS.has(key) ? undefined : value));

const adaptFunction = (properties: Record<string, unknown>, tokens: TokenEnvironment): void => {
  const { Variables } = (properties['Environment'] ?? {}) as { Variables?: Record<string, unknown> };
  if (Variables !== undefined && 'TOKEN_ISSUER' in Variables) Object.assign(Variables, tokens);
  if (String(properties['Runtime']).startsWith('nodejs')) properties['Runtime'] = 'provided.al2023';
  properties['Timeout'] = Math.max(Number(properties['Timeout']), SECONDS_OF_A_BUSY_MACHINE);
};

/** An alarm on what is computed of several metrics: the emulator has those on a metric only. */
const isComputed = (type: string, properties: Record<string, unknown>): boolean =>
  type === 'AWS::CloudWatch::Alarm' && 'Metrics' in properties;

/** An integration that streams, as one that does not. */
const buffered = (integration: unknown): unknown => {
  const { ResponseTransferMode, ...rest } = (integration ?? {}) as Record<string, unknown>;
  if (ResponseTransferMode !== 'STREAM') return integration;
  const text = JSON.stringify(rest)
    .replace('lambda:path/2021-11-15/', 'lambda:path/2015-03-31/')
    .replace('/response-streaming-invocations', '/invocations');
  return JSON.parse(text);
};

/** `Ref` of a secret is its ARN, and so is its attribute `Id`; to the emulator the former is its name. */
const withSecretsById = (template: Template): Template => {
  const walk = (each: unknown): unknown => {
    if (Array.isArray(each)) return each.map(walk);
    if (typeof each !== 'object' || each === null) return each;
    const { Ref: id } = each as { Ref?: string };
    if (id !== undefined && template.Resources[id]?.Type === 'AWS::SecretsManager::Secret') {
      return { 'Fn::GetAtt': [id, 'Id'] };
    }
    return Object.fromEntries(Object.entries(each).map(([key, part]) => [key, walk(part)]));
  };
  return walk(template) as Template;
};
