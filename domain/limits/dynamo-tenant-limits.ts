import { GetCommand, UpdateCommand, type UpdateCommandInput } from '@aws-sdk/lib-dynamodb';
import { type ControlTableClient, whenConditionHolds } from '../aws/control-table-client.ts';
import type { TenantLimits } from './tenant-limits.ts';

const HAS_ROOM = 'size(streams) < :most';
const NEW_WINDOW = 'attribute_not_exists(pk) OR windowAt < :now';
// Another process's clock may be a little ahead: then its window is the one.
const ROOM_IN_WINDOW = 'windowAt >= :now AND taken < :most';

/** Of each tenant two items in the control table: its open streams, and its commands of this second. */
export class DynamoTenantLimits implements TenantLimits {
  readonly #table: ControlTableClient;
  readonly #nowMs: () => number;
  /** The last second of which this process knows that a tenant's window is open: then one write is enough. */
  readonly #windows = new Map<string, number>();

  constructor(table: ControlTableClient, nowMs: () => number = Date.now) {
    this.#table = table;
    this.#nowMs = nowMs;
  }

  async openStream(tenantId: string, stream: { streamId: string; endsAt: number }, most: number): Promise<boolean> {
    const streams = await this.#readStreams(tenantId);
    const over = Object.keys(streams ?? {}).filter((id) => (streams?.[id] ?? 0) < this.#nowMs() / 1_000);
    if (streams === undefined) {
      await this.#update(streamsOf(tenantId), {
        UpdateExpression: 'SET streams = if_not_exists(streams, :none)',
        ExpressionAttributeValues: { ':none': {} },
      });
    }
    if (over.length > 0) await this.#removeStreams(tenantId, over);
    return this.#addStream(tenantId, stream, most);
  }

  async closeStream(tenantId: string, streamId: string): Promise<void> {
    await this.#removeStreams(tenantId, [streamId]);
  }

  async takeCommand(tenantId: string, most: number): Promise<boolean> {
    const now = Math.floor(this.#nowMs() / 1_000);
    const open = this.#windows.get(tenantId) === now;
    const taken = (!open && (await this.#openWindow(tenantId, now))) || (await this.#takeInWindow(tenantId, now, most));
    this.#windows.set(tenantId, now);
    return taken;
  }

  #addStream(tenantId: string, { streamId, endsAt }: { streamId: string; endsAt: number }, most: number) {
    return this.#update(streamsOf(tenantId), {
      UpdateExpression: 'SET streams.#id = :end',
      ConditionExpression: HAS_ROOM,
      ExpressionAttributeNames: { '#id': streamId },
      ExpressionAttributeValues: { ':end': endsAt, ':most': most },
    });
  }

  async #removeStreams(tenantId: string, streamIds: readonly string[]): Promise<void> {
    await this.#update(streamsOf(tenantId), {
      UpdateExpression: `REMOVE ${streamIds.map((_, at) => `streams.#id${at}`).join(', ')}`,
      ConditionExpression: 'attribute_exists(streams)',
      ExpressionAttributeNames: Object.fromEntries(streamIds.map((streamId, at) => [`#id${at}`, streamId])),
    });
  }

  async #readStreams(tenantId: string): Promise<Record<string, number> | undefined> {
    const { Item } = await this.#table.documents.send(
      new GetCommand({ TableName: this.#table.tableName, Key: streamsOf(tenantId), ConsistentRead: true }),
    );
    return Item?.['streams'] as Record<string, number> | undefined;
  }

  #openWindow(tenantId: string, now: number): Promise<boolean> {
    return this.#update(commandsOf(tenantId), {
      UpdateExpression: 'SET windowAt = :now, taken = :one',
      ConditionExpression: NEW_WINDOW,
      ExpressionAttributeValues: { ':now': now, ':one': 1 },
    });
  }

  #takeInWindow(tenantId: string, now: number, most: number): Promise<boolean> {
    return this.#update(commandsOf(tenantId), {
      UpdateExpression: 'SET taken = taken + :one',
      ConditionExpression: ROOM_IN_WINDOW,
      ExpressionAttributeValues: { ':now': now, ':one': 1, ':most': most },
    });
  }

  #update(Key: { pk: string; sk: string }, update: Omit<UpdateCommandInput, 'TableName' | 'Key'>): Promise<boolean> {
    return whenConditionHolds(
      this.#table.documents.send(new UpdateCommand({ TableName: this.#table.tableName, Key, ...update })),
    );
  }
}

const streamsOf = (tenantId: string) => ({ pk: `TENANT#${tenantId}`, sk: 'STREAMS' });
const commandsOf = (tenantId: string) => ({ pk: `TENANT#${tenantId}`, sk: 'COMMANDS' });
