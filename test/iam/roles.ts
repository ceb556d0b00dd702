import { ACCOUNT, type Deployment, type Policy, type Statement } from './deployment.ts';

type RoleProperties = {
  AssumeRolePolicyDocument: Policy;
  Policies?: { PolicyDocument: Policy }[];
  ManagedPolicyArns?: string[];
};
type PolicyProperties = { PolicyDocument: Policy; Roles: string[] };

/** A role that is deployed, with all that it may do. */
export type DeployedRole = {
  readonly arn: string;
  readonly policy: Policy;
  /** The ARNs of policies of the role that AWS keeps. */
  readonly managed: readonly string[];
  /** Who may take it on. */
  readonly takenOnBy: Policy;
};

/** Roles that nothing of ours acts in: what they are called here, by the service of AWS that takes them on. */
const OF_AWS: Readonly<Record<string, string>> = {
  ec2: 'host',
  codedeploy: 'rollout',
  'vpc-flow-logs': 'flow-log',
  apigateway: 'gateway-log',
};

/** Whether only AWS acts in a role. */
export const isOfAws = (role: string): boolean =>
  role === 'instance-execution' || Object.values(OF_AWS).includes(role.split('/')[0] ?? '');

/**
 * Every role: those of functions, machines and instances as recordings name them, and those that only AWS takes on. Each may
 * do what its statements say.
 */
export const deployedRoles = (deployment: Deployment): Map<string, DeployedRole> => {
  const policies = [...deployment.ofType('AWS::IAM::Policy').values()] as PolicyProperties[];
  const roles = deployment.ofType('AWS::IAM::Role') as Map<string, RoleProperties>;
  const roleOf = (arn: string): DeployedRole => {
    const name = arn.split('/').at(-1) ?? '';
    const own = roles.get(name);
    if (own === undefined) throw new Error(`No stack has the role "${arn}".`);
    const attached = policies.filter(({ Roles }) => Roles.includes(name));
    const documents = [...(own.Policies ?? []), ...attached].map(({ PolicyDocument }) => PolicyDocument);
    return {
      arn,
      policy: { Version: '2012-10-17', Statement: documents.flatMap(({ Statement }) => Statement) },
      managed: own.ManagedPolicyArns ?? [],
      takenOnBy: own.AssumeRolePolicyDocument,
    };
  };
  const named = <Properties>(type: string, name: (id: string) => string, role: (properties: Properties) => string) =>
    [...deployment.ofType(type)].map(([id, properties]) => [name(id), roleOf(role(properties as Properties))] as const);
  const short = (id: string) => id.replace(/^graphfleet-[a-z]+-/, '');
  const [authorizer] = [...deployment.ofType('AWS::ApiGateway::Authorizer').values()];
  const [definition] = [...deployment.ofType('AWS::ECS::TaskDefinition').values()];
  const ours = new Map([
    ...named<{ Role: string }>(
      'AWS::Lambda::Function',
      (id) => `function/${short(id)}`,
      ({ Role }) => Role,
    ),
    ...named<{ RoleArn: string }>(
      'AWS::StepFunctions::StateMachine',
      (id) => `machine/${short(id)}`,
      ({ RoleArn }) => RoleArn,
    ),
    ['authorizer', roleOf(String(authorizer?.['AuthorizerCredentials']))],
    ['instance', roleOf(String(definition?.['TaskRoleArn']))],
    ['instance-execution', roleOf(String(definition?.['ExecutionRoleArn']))],
  ]);
  const arns = new Set([...ours.values()].map(({ arn }) => arn));
  const others = [...roles.keys()]
    .map((name) => [name, roleOf(`arn:aws:iam::${ACCOUNT}:role/${name}`)] as const)
    .filter(([, { arn }]) => !arns.has(arn));
  return new Map([...ours, ...others.map(([name, role]) => [`${OF_AWS[serviceOf(role)]}/${name}`, role] as const)]);
};

/**
 * The one service that may take a role on.
 * @throws {Error} others may too
 */
export const serviceOf = ({ arn, takenOnBy: { Statement } }: DeployedRole): string => {
  const [{ Effect, Action, Principal, Condition } = {}, ...others] = Statement as Partial<Statement>[];
  const { Service = '', ...rest } = Principal as Record<string, unknown>;
  const [, service] = /^([a-z0-9-]+)\.amazonaws\.com$/.exec(String(Service)) ?? [];
  const isPlain = Effect === 'Allow' && Action === 'sts:AssumeRole' && Condition === undefined;
  if (service !== undefined && isPlain && others.length === 0 && Object.keys(rest).length === 0) return service;
  throw new Error(`Not one service takes on "${arn}": ${JSON.stringify(Statement)}`);
};
