import { readFile } from 'node:fs/promises';
import {
  CreateStateMachineCommand,
  type SFNClient,
  StateMachineAlreadyExists,
  UpdateStateMachineCommand,
} from '@aws-sdk/client-sfn';
import { FUNCTIONS, type FunctionName, functionReference } from '../contract/functions.ts';
import { STATE_MACHINES, type StateMachineName } from '../domain/operation/workflows.ts';
import { aslFile } from '../statemachines/machines.ts';
import { LOCAL } from './settings.ts';

/** What the ARN of every state machine on this machine begins with. */
export const STATE_MACHINE_ARN_PREFIX = `arn:aws:states:${LOCAL.region}:${LOCAL.accountId}:stateMachine:`;

/** Deploys the committed ASL of every machine, with the substitutions that CDK makes. */
export const deployStateMachines = async (
  client: SFNClient,
  functionArn: (name: FunctionName) => string,
): Promise<void> => {
  const arns = new Map(
    (Object.keys(FUNCTIONS) as FunctionName[]).map((name) => [`\${${functionReference(name)}}`, functionArn(name)]),
  );
  for (const name of STATE_MACHINES) {
    const asl = await readFile(aslFile(name), 'utf8');
    await deploy(
      client,
      name,
      asl.replaceAll(/\$\{\w+\}/g, (reference) => arns.get(reference) ?? reference),
    );
  }
};

const deploy = async (client: SFNClient, name: StateMachineName, definition: string): Promise<void> => {
  const roleArn = `arn:aws:iam::${LOCAL.accountId}:role/graphfleet-${name}`;
  try {
    await client.send(new CreateStateMachineCommand({ name, definition, roleArn }));
  } catch (error) {
    if (!(error instanceof StateMachineAlreadyExists)) throw error;
    await client.send(
      new UpdateStateMachineCommand({ stateMachineArn: `${STATE_MACHINE_ARN_PREFIX}${name}`, definition }),
    );
  }
};
