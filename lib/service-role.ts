import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { type AddToPrincipalPolicyResult, PolicyDocument, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';

export type ServiceRoleProps = {
  /** The service that acts as it: `<service>.amazonaws.com`. */
  readonly service: 'lambda' | 'states' | 'ec2' | 'apigateway' | 'codedeploy';
  /** Who acts as it, for people. */
  readonly description: string;
};

/** A role with its permissions in itself: a policy beside each role would be half of what a stack has room for. */
export class ServiceRole extends Role {
  readonly #permissions: PolicyDocument;

  constructor(scope: Construct, id: string, { service, description }: ServiceRoleProps) {
    const permissions = new PolicyDocument();
    super(scope, id, {
      assumedBy: new ServicePrincipal(`${service}.amazonaws.com`),
      description,
      inlinePolicies: { Permissions: permissions },
    });
    this.#permissions = permissions;
  }

  override addToPrincipalPolicy(statement: PolicyStatement): AddToPrincipalPolicyResult {
    this.#permissions.addStatements(statement);
    return { statementAdded: true, policyDependable: this };
  }
}
