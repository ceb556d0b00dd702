import { readFileSync } from 'node:fs';
import { RemovalPolicy } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { DefinitionBody, LogLevel, StateMachine, StateMachineType } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { type FunctionName, functionReference } from '../../contract/functions.ts';
import { acknowledge } from '../acknowledge.ts';

export type OperationWorkflowProps = {
  /** The machine's file is `statemachines/asl/<name>.asl.json`. */
  readonly name: string;
  /** Machines are named `<prefix>-<name>`. */
  readonly namePrefix: string;
  /** The functions that its tasks may name; those that they do not name can not be invoked by it. */
  readonly functions: { readonly [Name in FunctionName]?: { readonly function: IFunction } };
  readonly logRetention: RetentionDays;
};

/** A workflow, deployed as its ASL is committed. */
export class OperationWorkflow extends Construct {
  readonly machine: StateMachine;

  constructor(scope: Construct, id: string, { name, namePrefix, functions, logRetention }: OperationWorkflowProps) {
    super(scope, id);
    const file = new URL(`../../statemachines/asl/${name}.asl.json`, import.meta.url);
    const definition = JSON.stringify(JSON.parse(readFileSync(file, 'utf8')));
    const named = functionsIn(definition, functions);

    const role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('states.amazonaws.com'),
      description: `The workflow ${name}`,
    });
    role.addToPolicy(
      new PolicyStatement({
        actions: ['lambda:InvokeFunction'],
        resources: [...named.values()].map(({ functionArn }) => functionArn),
      }),
    );
    this.machine = new StateMachine(this, 'StateMachine', {
      stateMachineName: `${namePrefix}-${name}`,
      stateMachineType: StateMachineType.STANDARD,
      definitionBody: DefinitionBody.fromString(definition),
      definitionSubstitutions: Object.fromEntries([...named].map(([key, { functionArn }]) => [key, functionArn])),
      role,
      tracingEnabled: true,
      logs: {
        destination: new LogGroup(this, 'Log', { retention: logRetention, removalPolicy: RemovalPolicy.DESTROY }),
        level: LogLevel.ERROR,
        includeExecutionData: false,
      },
    });
    acknowledge(role, {
      'AwsSolutions-IAM5[Resource::*]': 'Traces belong to no resource, nor does the delivery of logs, as AWS asks it.',
    });
    acknowledge(this.machine, {
      'AwsSolutions-SF1': 'Every event is in the execution history for 90 days; a second copy would be paid for twice.',
    });
  }
}

/**
 * The functions that a definition names, by the name that it uses.
 * @throws {Error} for a name that no function has: `fromString` itself would deploy it as it is
 */
const functionsIn = (definition: string, functions: OperationWorkflowProps['functions']): Map<string, IFunction> => {
  const known = new Map(
    Object.entries(functions).map(([name, made]) => [functionReference(name as FunctionName), made.function]),
  );
  const names = new Set([...definition.matchAll(/\$\{([^}]*)\}/g)].map(([, name = '']) => name));
  return new Map(
    [...names].map((name) => {
      const found = known.get(name);
      if (found === undefined) throw new Error(`The state machine names "${name}", which is not one of the functions.`);
      return [name, found];
    }),
  );
};
