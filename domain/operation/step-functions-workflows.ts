import {
  DescribeExecutionCommand,
  ExecutionAlreadyExists,
  ExecutionDoesNotExist,
  type ExecutionStatus,
  SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { currentTrace } from '../trace.ts';
import {
  type Attempt,
  type ExecutionState,
  executionName,
  LIVE_ALIAS,
  type WorkflowInput,
  type Workflows,
} from './workflows.ts';

const STATES: Record<ExecutionStatus, ExecutionState> = {
  RUNNING: 'running',
  PENDING_REDRIVE: 'running',
  SUCCEEDED: 'succeeded',
  FAILED: 'failed',
  TIMED_OUT: 'timed_out',
  ABORTED: 'stopped',
};

/**
 * Workflows as Step Functions executions. They are started by the machine's alias, which decides on the version; their own
 * ARN names the machine only, and a name that one version has used is used for all.
 */
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
          stateMachineArn: `${this.#machineArnPrefix}${attempt.machine}:${LIVE_ALIAS}`,
          name: executionName(attempt),
          input: JSON.stringify(input),
          // Every function of the workflow gets it, and through them the instance.
          traceHeader: currentTrace(),
        }),
      );
    } catch (error) {
      // Over already, or begun by another version while the alias moved: there is nothing to start.
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
