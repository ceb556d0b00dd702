import { setTimeout as sleep } from 'node:timers/promises';
import {
  CreateStateMachineAliasCommand,
  DescribeStateMachineCommand,
  ListStateMachinesCommand,
  PublishStateMachineVersionCommand,
  SFNClient,
  UpdateStateMachineAliasCommand,
} from '@aws-sdk/client-sfn';
import { LIVE_ALIAS } from '../../domain/operation/workflows.ts';

const LOOK_AGAIN_MS = 1_000;

/** What CloudFormation does with workflows on AWS: whatever is deployed is a version, and the alias that is in use moves to it. */
export class WorkflowAliases {
  readonly #client: SFNClient;
  /** The revision of each workflow that its alias has. */
  readonly #revisions = new Map<string, string | undefined>();

  constructor({ endpoint, region }: { readonly endpoint: string; readonly region: string }) {
    this.#client = new SFNClient({
      endpoint,
      region,
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    });
  }

  /** Moves those of the workflows that were changed. */
  async move(): Promise<void> {
    const { stateMachines = [] } = await this.#client.send(new ListStateMachinesCommand({}));
    for (const { stateMachineArn } of stateMachines) {
      if (stateMachineArn !== undefined) await this.#moveTo(stateMachineArn);
    }
  }

  /** Moves them as often as workflows are changed, until `signal`. */
  async keepMoving(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.move().catch((error: unknown) => {
        if (!signal.aborted) process.stderr.write(`Aliases of workflows do not move: ${String(error)}\n`);
      });
      await sleep(LOOK_AGAIN_MS, undefined, { signal }).catch(() => {});
    }
  }

  async #moveTo(stateMachineArn: string): Promise<void> {
    const { revisionId } = await this.#client.send(new DescribeStateMachineCommand({ stateMachineArn }));
    if (revisionId === this.#revisions.get(stateMachineArn)) return;
    const { stateMachineVersionArn } = await this.#client.send(
      new PublishStateMachineVersionCommand({ stateMachineArn, revisionId }),
    );
    const routingConfiguration = [{ stateMachineVersionArn, weight: 100 }];
    if (this.#revisions.has(stateMachineArn)) {
      const stateMachineAliasArn = `${stateMachineArn}:${LIVE_ALIAS}`;
      await this.#client.send(new UpdateStateMachineAliasCommand({ stateMachineAliasArn, routingConfiguration }));
    } else {
      await this.#client.send(new CreateStateMachineAliasCommand({ name: LIVE_ALIAS, routingConfiguration }));
    }
    this.#revisions.set(stateMachineArn, revisionId);
  }
}
