import {
  DescribeExecutionCommand,
  ExecutionAlreadyExists,
  ExecutionDoesNotExist,
  type ExecutionStatus,
  SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { type Attempt, type ExecutionState, executionName, type WorkflowInput, type Workflows } from './workflows.ts';

const STATES: Record<ExecutionStatus, ExecutionState> = {
  RUNNING: 'running',
  PENDING_REDRIVE: 'running',
  SUCCEEDED: 'succeeded',
  FAILED: 'failed',
  TIMED_OUT: 'timed_out',
  ABORTED: 'stopped',
};

/** Workflows as Step Functions executions. */
export class StepFunctionsWorkflows implements Workflows {
  readonly #machineArnPrefix: string;
  readonly #client: SFNClient;

  /** @param machineArnPrefix what the ARN of every state machine begins with, up to the machine's own name */
  constructor(machineArnPrefix: string, client: SFNClient = new SFNClient({})) {
    this.#machineArnPrefix = machineArnPrefix;
    this.#client = client;
  }

  async start(attempt: Attempt, input: WorkflowInput): Promise<void> {
    try {
      await this.#client.send(
        new StartExecutionCommand({
          stateMachineArn: `${this.#machineArnPrefix}${attempt.machine}`,
          name: executionName(attempt),
          input: JSON.stringify(input),
        }),
      );
    } catch (error) {
      // Already over: there is nothing to start.
      if (!(error instanceof ExecutionAlreadyExists)) throw error;
    }
  }

  async stop(attempt: Attempt, cause: string): Promise<void> {
    try {
      await this.#client.send(new StopExecutionCommand({ executionArn: this.#executionArn(attempt), cause }));
    } catch (error) {
      if (!(error instanceof ExecutionDoesNotExist)) throw error;
    }
  }

  async stateOf(attempt: Attempt): Promise<ExecutionState> {
    try {
      const { status } = await this.#client.send(
        new DescribeExecutionCommand({ executionArn: this.#executionArn(attempt) }),
      );
      return status === undefined ? 'absent' : STATES[status];
    } catch (error) {
      if (error instanceof ExecutionDoesNotExist) return 'absent';
      throw error;
    }
  }

  #executionArn(attempt: Attempt): string {
    const machineArn = `${this.#machineArnPrefix}${attempt.machine}`;
    return `${machineArn.replace(':stateMachine:', ':execution:')}:${executionName(attempt)}`;
  }
}
