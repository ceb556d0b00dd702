import type { Deployment, Policy } from './deployment.ts';

type RoleProperties = {
  Policies?: { PolicyDocument: Policy }[];
  ManagedPolicyArns?: string[];
};
type PolicyProperties = { PolicyDocument: Policy; Roles: string[] };

/** A role that is deployed, with all that it may do. */
export type DeployedRole = { readonly arn: string; readonly policy: Policy };

/** The roles of functions, machines and instances, as recordings name them: each may do what its statements say. */
export const deployedRoles = (deployment: Deployment): Map<string, DeployedRole> => {
  const policies = [...deployment.ofType('AWS::IAM::Policy').values()] as PolicyProperties[];
  const roles = deployment.ofType('AWS::IAM::Role') as Map<string, RoleProperties>;
  const roleOf = (arn: string): DeployedRole => {
    const name = arn.split('/').at(-1) ?? '';
    const own = roles.get(name);
    if (own === undefined) throw new Error(`No stack has the role "${arn}".`);
    const attached = policies.filter(({ Roles }) => Roles.includes(name));
    const documents = [...(own.Policies ?? []), ...attached].map(({ PolicyDocument }) => PolicyDocument);
    return { arn, policy: { Version: '2012-10-17', Statement: documents.flatMap(({ Statement }) => Statement) } };
  };
  const named = <Properties>(type: string, name: (id: string) => string, role: (properties: Properties) => string) =>
    [...deployment.ofType(type)].map(([id, properties]) => [name(id), roleOf(role(properties as Properties))] as const);
  const short = (id: string) => id.replace(/^graphfleet-dev-/, '');
  const [authorizer] = [...deployment.ofType('AWS::ApiGateway::Authorizer').values()];
  const [definition] = [...deployment.ofType('AWS::ECS::TaskDefinition').values()];
  return new Map([
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
};
