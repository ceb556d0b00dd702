import type { Call } from '../../local/recording/recorded-call.ts';
import { LOCAL } from '../../local/settings.ts';
import { ACCOUNT, type Deployment, type Policy, REGION } from './deployment.ts';
import { Invocations } from './invocations.ts';
import { type DeployedRole, deployedRoles } from './roles.ts';
import type { IamRequest, Policies } from './simulate.ts';

/** What a call is in the deployment: the requests that IAM decides on, each with the policies that have a say in it. */
export type Judged = { readonly request: IamRequest; readonly policies: Policies };

const arn = (service: string, resource: string) => `arn:aws:${service}:${REGION}:${ACCOUNT}:${resource}`;

/** Turns recorded calls, which name nothing of a deployment, into requests to the deployment. */
export class Requests {
  readonly roles: ReadonlyMap<string, DeployedRole>;
  readonly #deployment: Deployment;
  readonly #invocations: Invocations;
  readonly table: string;
  readonly bucket: string;
  readonly key: { arn: string; policy: Policy };
  readonly cluster: string;
  readonly #bucketPolicy: Policy | undefined;

  constructor(deployment: Deployment) {
    this.#deployment = deployment;
    this.#invocations = new Invocations(deployment);
    this.roles = deployedRoles(deployment);
    this.table = deployment.arnOf('AWS::DynamoDB::Table');
    this.bucket = deployment.arnOf('AWS::S3::Bucket', 'SnapshotsBucket');
    this.cluster = [...deployment.ofType('AWS::ECS::Cluster').keys()].join();
    const [key] = deployment.ofType('AWS::KMS::Key');
    this.key = { arn: deployment.arnOf('AWS::KMS::Key'), policy: key?.[1]['KeyPolicy'] as Policy };
    const policies = [...deployment.ofType('AWS::S3::BucketPolicy').values()];
    const own = policies.find(({ Bucket }) => this.bucket === `arn:aws:s3:::${String(Bucket).toLowerCase()}`);
    this.#bucketPolicy = own?.['PolicyDocument'] as Policy | undefined;
  }

  /** @throws {Error} the deployment has no such role, or no such resource */
  of({ role, action, resource, key, context = {} }: Call): Judged {
    // API Gateway asks the authorizer in a role of its own.
    if (resource === 'function/authorize') return this.#byService(resource, 'authorizer');
    if (role.startsWith('service/')) return this.#byService(resource, `${role.replace('service/', '')}.amazonaws.com`);
    const deployed = this.roles.get(role);
    if (deployed === undefined) throw new Error(`No role is deployed for "${role}".`);
    return {
      request: {
        principal: deployed.arn,
        action,
        resource: this.#arnOf(resource, role),
        context: {
          'aws:SecureTransport': 'true',
          's3:TlsVersion': '1.3',
          ...(key !== undefined && { 'dynamodb:LeadingKeys': [key] }),
          ...this.#deployedContext(context),
        },
      },
      policies: { identity: deployed.policy, resource: resource.startsWith('bucket') ? this.#bucketPolicy : undefined },
    };
  }

  /** What a service runs a function by: a role, or the function's own policy. */
  #byService(resource: string, by: string): Judged {
    const arn = this.#invocations.arnOf(resource.replace('function/', ''));
    const role = this.roles.get(by);
    const action = 'lambda:InvokeFunction';
    if (role !== undefined) {
      return {
        request: { principal: role.arn, action, resource: arn, context: {} },
        policies: { identity: role.policy },
      };
    }
    const context = { 'aws:SourceArn': this.#invocations.sourceOf(arn, by) };
    return {
      request: { principal: by, action, resource: arn, context },
      policies: { identity: { Statement: [] }, resource: this.#invocations.policyOf(arn) },
    };
  }

  #deployedContext(context: NonNullable<Call['context']>): Record<string, string> {
    const cluster = context['ecs:cluster'];
    // One that is not the runtime's own is not ours on AWS either.
    const own = cluster === `cluster/${LOCAL.cluster}` ? this.cluster : 'another';
    return { ...context, ...(cluster !== undefined && { 'ecs:cluster': arn('ecs', `cluster/${own}`) }) };
  }

  #arnOf(resource: string, role: string): string {
    const [kind = '', ...rest] = resource.split('/');
    const name = rest.join('/');
    switch (kind) {
      case 'table':
        return name === '' ? this.table : `${this.table}/${name}`;
      case 'bucket':
        return name === '' ? this.bucket : `${this.bucket}/${name.replace('*', 'kg1')}`;
      case 'function':
        return this.#invoked(name, role);
      case 'stateMachine':
        return arn('states', `stateMachine:graphfleet-dev-${name}`);
      case 'execution':
        return arn('states', `execution:graphfleet-dev-${name}:op_1`);
      case 'service':
      case 'task':
        return arn('ecs', `${kind}/${this.cluster}/${name.replace('*', '1')}`);
      case 'task-definition':
        return arn('ecs', resource.replace(LOCAL.taskDefinitionPrefix, 'graphfleet-dev').replaceAll('*', '1'));
      case 'role':
        return this.#roleArn(name.replace('graphfleet-', ''));
      default:
        return resource;
    }
  }

  #roleArn(name: string): string {
    const role = this.roles.get(name);
    if (role === undefined) throw new Error(`No role "${name}" is deployed.`);
    return role.arn;
  }

  /** The function as the machine's definition names it: which version or alias, only the deployment knows. */
  #invoked(name: string, role: string): string {
    const machine = this.#deployment
      .ofType('AWS::StepFunctions::StateMachine')
      .get(role.replace('machine/', 'graphfleet-dev-'));
    const substitutions = Object.values((machine?.['DefinitionSubstitutions'] ?? {}) as Record<string, string>);
    const named = substitutions.find((value) => value.split(':')[6] === `graphfleet-dev-${name}`);
    if (named === undefined) throw new Error(`${role} names no function "${name}".`);
    return named;
  }
}
