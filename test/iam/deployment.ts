import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const REGION = 'us-east-1';
export const ACCOUNT = '111122223333';

export type Statement = {
  Effect: 'Allow' | 'Deny';
  Action: string | string[];
  Resource?: string | string[];
  Principal?: unknown;
  Condition?: Record<string, Record<string, string | string[]>>;
};
export type Policy = { Version: string; Statement: Statement[] };
type Resource = { Type: string; Properties: Record<string, unknown>; stack: string };
type Template = {
  Resources: Record<string, Omit<Resource, 'stack'>>;
  Outputs?: Record<string, { Value: unknown; Export?: { Name: string } }>;
};

/** Which ARN resources of a type have, by their name. An alias and a version are named by what they are of. */
const ARNS: Record<string, (name: string) => string> = {
  'AWS::DynamoDB::Table': (name) => arn('dynamodb', `table/${name}`),
  'AWS::S3::Bucket': (name) => `arn:aws:s3:::${name.toLowerCase()}`,
  'AWS::KMS::Key': (name) => arn('kms', `key/${name}`),
  'AWS::SecretsManager::Secret': (name) => arn('secretsmanager', `secret:${name}-AbCdEf`),
  'AWS::Lambda::Function': (name) => arn('lambda', `function:${name}`),
  'AWS::Lambda::Alias': (name) => arn('lambda', `function:${name}`),
  'AWS::Lambda::Version': (name) => arn('lambda', `function:${name}`),
  'AWS::StepFunctions::StateMachine': (name) => arn('states', `stateMachine:${name}`),
  'AWS::StepFunctions::StateMachineAlias': (name) => arn('states', `stateMachine:${name}`),
  'AWS::StepFunctions::StateMachineVersion': (name) => arn('states', `stateMachine:${name}`),
  'AWS::Logs::LogGroup': (name) => arn('logs', `log-group:${name}:*`),
  'AWS::ECS::Cluster': (name) => arn('ecs', `cluster/${name}`),
  'AWS::Events::Rule': (name) => arn('events', `rule/${name}`),
  'AWS::IAM::Role': (name) => `arn:aws:iam::${ACCOUNT}:role/${name}`,
};
/** What a `Ref` to them is: their ARN, where it is not their name. */
const REF_IS_ARN = /::(Secret|Alias|Version|StateMachine\w*)$/;
const NAMES = ['FunctionName', 'StateMachineName', 'TableName', 'BucketName', 'Name'];

const arn = (service: string, resource: string) => `arn:aws:${service}:${REGION}:${ACCOUNT}:${resource}`;

const PSEUDO_PARAMETERS: Record<string, string> = {
  'AWS::AccountId': ACCOUNT,
  'AWS::Region': REGION,
  'AWS::Partition': 'aws',
  'AWS::URLSuffix': 'amazonaws.com',
};

/** The synthesized templates of the dev stage, as they would be deployed: each value as it would read. */
export class Deployment {
  readonly #resources = new Map<string, Resource>();
  readonly #exports = new Map<string, { stack: string; value: unknown }>();

  constructor(directory: string) {
    for (const file of readdirSync(directory).filter((name) => name.endsWith('.template.json'))) {
      const stack = file.slice(0, file.indexOf('.'));
      const { Resources, Outputs = {} } = JSON.parse(readFileSync(join(directory, file), 'utf8')) as Template;
      for (const [id, resource] of Object.entries(Resources))
        this.#resources.set(`${stack}/${id}`, { ...resource, stack });
      for (const { Value, Export } of Object.values(Outputs)) {
        if (Export !== undefined) this.#exports.set(Export.Name, { stack, value: Value });
      }
    }
  }

  /** The properties of all resources of a type, by a name that is theirs alone. */
  ofType(type: string): Map<string, Record<string, unknown>> {
    const found = [...this.#resources].filter(([, resource]) => resource.Type === type);
    return new Map(
      found.map(([id, { Properties, stack }]) => [
        this.#nameOf(id),
        this.resolved(Properties, stack) as Record<string, unknown>,
      ]),
    );
  }

  /** The ARN of the one resource of a type whose name has a part in it. */
  arnOf(type: string, part = ''): string {
    const [name, another] = [...this.ofType(type).keys()].filter((candidate) => candidate.includes(part));
    if (name === undefined || another !== undefined) throw new Error(`There is not just one ${type} "${part}".`);
    return ARNS[type]?.(name) ?? name;
  }

  /** @throws {Error} for a function of CloudFormation that is not known here */
  resolved(value: unknown, stack: string): unknown {
    if (Array.isArray(value)) return value.map((each) => this.resolved(each, stack));
    if (typeof value !== 'object' || value === null) return value;
    const [[name, given] = ['', undefined], ...others] = Object.entries(value);
    if (others.length > 0 || !(name === 'Ref' || name.startsWith('Fn::'))) {
      return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, this.resolved(each, stack)]));
    }
    return this.#called(name, given, stack);
  }

  #called(name: string, given: unknown, stack: string): unknown {
    const text = (value: unknown) => String(this.resolved(value, stack));
    if (name === 'Ref') return PSEUDO_PARAMETERS[String(given)] ?? this.#reference(`${stack}/${String(given)}`);
    if (name === 'Fn::GetAtt') return this.#attribute(stack, given as [string, string]);
    if (name === 'Fn::ImportValue') return this.#imported(text(given));
    if (name === 'Fn::Join') {
      const [separator, parts] = given as [string, unknown[]];
      return parts.map(text).join(separator);
    }
    if (name === 'Fn::Select') {
      const [at, list] = given as [number | string, unknown];
      return (this.resolved(list, stack) as unknown[])[Number(at)];
    }
    if (name === 'Fn::Split') {
      const [separator, whole] = given as [string, unknown];
      return text(whole).split(separator);
    }
    if (name === 'Fn::Sub' && typeof given === 'string') {
      return given.replaceAll(/\$\{([\w:]+)\}/g, (_, reference: string) => text({ Ref: reference }));
    }
    if (name === 'Fn::GetAZs') return [`${REGION}a`, `${REGION}b`, `${REGION}c`];
    throw new Error(`No such function of CloudFormation is known here: ${name}`);
  }

  #reference(id: string): string {
    const type = this.#resources.get(id)?.Type ?? '';
    return REF_IS_ARN.test(type) ? this.#arn(id) : this.#nameOf(id);
  }

  #attribute(stack: string, [logicalId, attribute]: [string, string]): string {
    const id = `${stack}/${logicalId}`;
    return attribute === 'Arn' ? this.#arn(id) : `${this.#nameOf(id)}.${attribute}`;
  }

  #imported(name: string): unknown {
    const found = this.#exports.get(name);
    if (found === undefined) throw new Error(`No stack exports "${name}".`);
    return this.resolved(found.value, found.stack);
  }

  #arn(id: string): string {
    const { Type = '' } = this.#resources.get(id) ?? {};
    const make = ARNS[Type];
    if (make === undefined) throw new Error(`The ARN of a ${Type} is not known here.`);
    return make(this.#nameOf(id));
  }

  #nameOf(id: string): string {
    const { Type = '', Properties = {}, stack = '' } = this.#resources.get(id) ?? {};
    const property = (name: string) => String(this.resolved(Properties[name], stack));
    const lastPart = (text: string) => text.split(':')[6] ?? text;
    if (Type === 'AWS::Lambda::Alias') return `${lastPart(property('FunctionName'))}:${property('Name')}`;
    if (Type === 'AWS::Lambda::Version') return `${lastPart(property('FunctionName'))}:1`;
    if (Type === 'AWS::StepFunctions::StateMachineVersion') return `${lastPart(property('StateMachineArn'))}:1`;
    if (Type === 'AWS::StepFunctions::StateMachineAlias') {
      const routes = this.resolved(Properties['RoutingConfiguration'] ?? Properties['DeploymentPreference'], stack);
      const version = /stateMachine:[\w-]+/.exec(JSON.stringify(routes))?.[0] ?? '';
      return `${version.replace('stateMachine:', '')}:${property('Name')}`;
    }
    const named = NAMES.find((name) => Properties[name] !== undefined);
    return named === undefined ? id.replace('/', '-') : property(named);
  }
}
