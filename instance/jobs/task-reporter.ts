import {
  InvalidToken,
  SendTaskFailureCommand,
  SendTaskHeartbeatCommand,
  SendTaskSuccessCommand,
  SFNClient,
  TaskDoesNotExist,
  TaskTimedOut,
} from '@aws-sdk/client-sfn';
import { carryTrace } from '../../domain/aws/carry-trace.ts';

/** Reports to the workflow that waits by a task token. One that waits no more is not told, and that is no fault. */
export class TaskReporter {
  readonly #client: SFNClient;

  constructor(client: SFNClient = new SFNClient({})) {
    this.#client = carryTrace(client);
  }

  async succeeded(taskToken: string): Promise<void> {
    await unlessOver(this.#client.send(new SendTaskSuccessCommand({ taskToken, output: '{}' })));
  }

  async failed(taskToken: string, { word, report }: { word: string; report: string }): Promise<void> {
    await unlessOver(this.#client.send(new SendTaskFailureCommand({ taskToken, error: word, cause: report })));
  }

  /** One that is lost is followed by another before the workflow's patience ends. */
  async heartbeat(taskToken: string): Promise<void> {
    await this.#client.send(new SendTaskHeartbeatCommand({ taskToken })).catch(() => undefined);
  }
}

const unlessOver = async (report: Promise<unknown>): Promise<void> => {
  try {
    await report;
  } catch (error) {
    const over = error instanceof TaskTimedOut || error instanceof TaskDoesNotExist || error instanceof InvalidToken;
    if (!over) throw error;
  }
};
