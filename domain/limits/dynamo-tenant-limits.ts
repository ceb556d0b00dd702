import { GetCommand, UpdateCommand, type UpdateCommandInput } from '@aws-sdk/lib-dynamodb';
import { type ControlTableClient, whenConditionHolds } from '../aws/control-table-client.ts';
import type { TenantLimits } from './tenant-limits.ts';

const HAS_ROOM = 'size(streams) < :most';
const NEW_WINDOW = 'attribute_not_exists(pk) OR windowAt < :now';
// Another process's clock may be a little ahead: then its window is the one.
const ROOM_IN_WINDOW = 'windowAt >= :now AND taken < :most';

/** Queries are so many that a window of their own is cheaper than to find out whether the last one is over. */
const ROOM_FOR_QUERIES = 'attribute_not_exists(taken) OR taken < :most';
const QUERIES_KEPT_SECONDS = 3_600;

/**
 * Of each tenant two items in the control table: its open streams, and its commands of this second; and one that expires
 * for each second in which it queried.
 */
export class DynamoTenantLimits implements TenantLimits {
  readonly #table: ControlTableClient;
  readonly #nowMs: () => number;
  /** The last second of which this process knows that a tenant's window is open: then one write is enough. */
  readonly #windows = new Map<string, number>();
  /** The last second in which this process was told that a tenant has had its queries. */
  readonly #queriesFull = new Map<string, number>();

  constructor(table: ControlTableClient, nowMs: () => number = Date.now) {
    this.#table = table;
    this.#nowMs = nowMs;
  }

  async openStream(tenantId: string, stream: { streamId: string; endsAt: number }, most: number): Promise<boolean> {
    // Most often there is room, and nothing has to be read. Streams that are over by their time go when they are in the way.
    if (await this.#addStream(tenantId, stream, most)) return true;
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

  async takeQuery(tenantId: string, most: number): Promise<boolean> {
    const now = Math.floor(this.#nowMs() / 1_000);
    // Nothing makes room within a second: what comes beyond costs no write.
    if (this.#queriesFull.get(tenantId) === now) return false;
    const taken = await this.#update(
      { pk: `QUERIES#${tenantId}`, sk: String(now) },
      {
        UpdateExpression: 'SET expiresAt = :expires ADD taken :one',
        ConditionExpression: ROOM_FOR_QUERIES,
        ExpressionAttributeValues: { ':expires': now + QUERIES_KEPT_SECONDS, ':one': 1, ':most': most },
      },
    );
    if (!taken) this.#queriesFull.set(tenantId, now);
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
