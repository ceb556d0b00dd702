import { InvalidToken, SendTaskSuccessCommand, SFNClient, TaskDoesNotExist, TaskTimedOut } from '@aws-sdk/client-sfn';
import type { WaitingTasks } from './waiting-tasks.ts';

/** Waiting tasks of Step Functions. */
export class StepFunctionsWaitingTasks implements WaitingTasks {
  readonly #client: SFNClient;

  constructor(client: SFNClient = new SFNClient({})) {
    this.#client = client;
  }

  async succeed(taskToken: string): Promise<void> {
    try {
      await this.#client.send(new SendTaskSuccessCommand({ taskToken, output: '{}' }));
    } catch (error) {
      const over = error instanceof TaskTimedOut || error instanceof TaskDoesNotExist || error instanceof InvalidToken;
      if (!over) throw error;
    }
  }
}
