import { readFileSync } from 'node:fs';
import { RemovalPolicy } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import {
  type CfnStateMachine,
  CfnStateMachineAlias,
  CfnStateMachineVersion,
  DefinitionBody,
  LogLevel,
  StateMachine,
  StateMachineType,
} from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { type FunctionName, functionReference } from '../../contract/functions.ts';
import { LIVE_ALIAS } from '../../domain/operation/workflows.ts';
import { acknowledge } from '../acknowledge.ts';
import type { Configuration } from '../configuration-schema.ts';
import { ServiceRole } from '../service-role.ts';
import { deploymentPreference } from './rollout.ts';

export type OperationWorkflowProps = {
  /** The machine's file is `statemachines/asl/<name>.asl.json`. */
  readonly name: string;
  /** Machines are named `<prefix>-<name>`. */
  readonly namePrefix: string;
  /** The functions that its tasks may name; those that they do not name can not be invoked by it. */
  readonly functions: { readonly [Name in FunctionName]?: { readonly live: IFunction } };
  /** What goes wrong in executions, of all machines. */
  readonly log: ILogGroup;
  readonly canary: Configuration['canary'];
  /** Names of alarms: a new version goes back when one of them goes off while it has a share of the executions. */
  readonly rollbackAlarms: readonly string[];
};

/**
 * A workflow, deployed as its ASL is committed. Its executions are started by its alias, and end with the version that they
 * began with.
 */
export class OperationWorkflow extends Construct {
  readonly machine: StateMachine;

  constructor(scope: Construct, id: string, props: OperationWorkflowProps) {
    super(scope, id);
    const { name, namePrefix, functions, log } = props;
    const file = new URL(`../../statemachines/asl/${name}.asl.json`, import.meta.url);
    const definition = JSON.stringify(JSON.parse(readFileSync(file, 'utf8')));
    const named = functionsIn(definition, functions);

    const role = new ServiceRole(this, 'Role', { service: 'states', description: `The workflow ${name}` });
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
      logs: { destination: log, level: LogLevel.ERROR, includeExecutionData: false },
    });
    this.#publish(props);
    acknowledge(role, {
      'AwsSolutions-IAM5[Resource::*]': 'Traces belong to no resource, nor does the delivery of logs, as AWS asks it.',
    });
    acknowledge(this.machine, {
      'AwsSolutions-SF1': 'Every event is in the execution history for 90 days; a second copy would be paid for twice.',
    });
  }

  /** Each revision becomes a version, which is kept: the alias goes back to it when the next one fails. */
  #publish({ canary, rollbackAlarms }: OperationWorkflowProps): void {
    const { attrStateMachineRevisionId } = this.machine.node.defaultChild as CfnStateMachine;
    const version = new CfnStateMachineVersion(this, 'Version', {
      stateMachineArn: this.machine.stateMachineArn,
      stateMachineRevisionId: attrStateMachineRevisionId,
    });
    version.applyRemovalPolicy(RemovalPolicy.RETAIN);
    new CfnStateMachineAlias(this, 'Live', {
      name: LIVE_ALIAS,
      deploymentPreference: deploymentPreference(version.ref, canary, rollbackAlarms),
    });
  }
}

/**
 * The functions that a definition names, by the name that it uses.
 * @throws {Error} for a name that no function has: `fromString` itself would deploy it as it is
 */
const functionsIn = (definition: string, functions: OperationWorkflowProps['functions']): Map<string, IFunction> => {
  const known = new Map(
    Object.entries(functions).map(([name, made]) => [functionReference(name as FunctionName), made.live]),
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
