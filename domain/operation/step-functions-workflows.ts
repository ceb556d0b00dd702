import { ExecutionAlreadyExists, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import type { StateMachineName, WorkflowInput, Workflows } from './workflows.ts';

/** Workflows as Step Functions executions. */
export class StepFunctionsWorkflows implements Workflows {
  readonly #arns: Record<StateMachineName, string>;
  readonly #client: SFNClient;

  constructor(arns: Record<StateMachineName, string>, client: SFNClient = new SFNClient({})) {
    this.#arns = arns;
    this.#client = client;
  }

  async start(machine: StateMachineName, input: WorkflowInput): Promise<void> {
    try {
      await this.#client.send(
        new StartExecutionCommand({
          stateMachineArn: this.#arns[machine],
          name: input.operationId,
          input: JSON.stringify(input),
        }),
      );
    } catch (error) {
      // Already over: there is nothing to start.
      if (!(error instanceof ExecutionAlreadyExists)) throw error;
    }
  }
}
