import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { GetCommand, PutCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ControlTableClient } from '../../../domain/aws/control-table-client.ts';
import { DynamoInstanceStore } from '../../../domain/fleet/dynamo-instance-store.ts';
import { DynamoLeaseStore } from '../../../domain/lease/dynamo-lease-store.ts';
import { DynamoOperationStore } from '../../../domain/operation/dynamo-operation-store.ts';
import { OperationLog } from '../../../domain/operation/operation-log.ts';
import { startControlTable } from '../../fixtures/control-table.ts';
import { acceptedEvent } from '../../fixtures/operations.ts';
import { type Partition, partitionKeyOf, perform, type TableInput } from '../../model/table-in-memory.ts';
import { AT, registerInstance } from './instances.ts';

let table: ControlTableClient;
let close: () => Promise<void>;
beforeAll(async () => {
  ({ table, close } = await startControlTable());
});
afterAll(() => close());

/** Sends every command to the store and to the one in memory, and compares what they answer and what they hold then. */
const sendingToBoth = (): ControlTableClient => {
  const memory = new Map<string, Partition>();
  const send = async (command: { constructor: { name: string }; input: TableInput }) => {
    const key = partitionKeyOf(command.input);
    const { partition, answer } = perform(memory.get(key) ?? {}, command.constructor.name, command.input);
    memory.set(key, partition);
    const real = await table.documents.send(again(command)).then(
      (output): unknown => ({ output: withoutMetadata(output) }),
      (error: unknown) => {
        if (error instanceof ConditionalCheckFailedException) return { error: error.name };
        throw error;
      },
    );
    expect(answer).toEqual(real);
    const stored = await table.documents.send(
      new QueryCommand({
        TableName: table.tableName,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': key },
        ConsistentRead: true,
      }),
    );
    expect(Object.values(partition)).toEqual(expect.arrayContaining(stored.Items ?? []));
    expect(Object.keys(partition)).toHaveLength(stored.Items?.length ?? 0);
    if ('error' in answer) throw new ConditionalCheckFailedException({ message: answer.error, $metadata: {} });
    return answer.output;
  };
  return { tableName: table.tableName, documents: { send } } as unknown as ControlTableClient;
};

/** The same command, for a client that is to send it itself. */
const again = (command: { constructor: { name: string }; input: unknown }) => {
  const kinds = { GetCommand, PutCommand, QueryCommand, UpdateCommand };
  const kind = kinds[command.constructor.name as keyof typeof kinds] as typeof UpdateCommand;
  return new kind(command.input as ConstructorParameters<typeof UpdateCommand>[0]);
};

const withoutMetadata = (output: object): object => {
  const {
    $metadata: _m,
    Count: _c,
    ScannedCount: _s,
    LastEvaluatedKey: _l,
    ...rest
  } = output as Record<string, unknown>;
  return rest;
};

test('the store in memory answers and holds what dynalite does, whatever the protocol sends', {
  timeout: 120_000,
}, async () => {
  const lease = fc.constantFrom('op_1.1', 'op_2.1');
  const owner = fc.constantFrom('op_r.1', 'op_r.1', 'op_r.1', 'op_s.1');
  const call = fc.oneof(
    fc.record({ name: fc.constantFrom('acquire' as const, 'release' as const, 'confirm' as const), of: lease }),
    fc.record({
      name: fc.constantFrom(
        'beginDrain',
        'awaitIdle',
        'claim',
        'force',
        'reopen',
        'undrain',
        'turnBack',
        'adopt',
        'quarantine',
        'recover',
      ),
      of: owner,
    }),
    fc.record({ name: fc.constantFrom('register', 'heartbeat', 'append'), of: fc.constantFrom('task-1', 'task-2') }),
  );
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(call, { minLength: 5, maxLength: 25 }), async (calls) => {
      run += 1;
      const both = sendingToBoth();
      const place = await registerInstance(both, { instanceId: `both-${run}` });
      const id = place.instanceId;
      const store = new DynamoLeaseStore(both);
      const instances = new DynamoInstanceStore(both);
      const log = new OperationLog(new DynamoOperationStore(both), { now: () => new Date(AT) });
      const { request: _r, requestHash, ...event } = acceptedEvent({ operationId: `op_both${run}` });
      await log.open({ ...event, request: {}, requestHash });
      const calling: Record<string, (of: string) => Promise<unknown>> = {
        acquire: (of) => store.acquire(id, { leaseId: of, kind: 'backup', acquiredAt: AT }),
        release: (of) => store.release(id, of, AT),
        confirm: (of) => store.confirm(id, of, 1),
        beginDrain: (of) => store.beginDrain(place, { owner: of, reason: 'refresh', since: AT }),
        awaitIdle: (of) => store.awaitIdle(place, of, 'token'),
        claim: (of) => store.claimCycle(place, of),
        force: (of) => store.forceCycle(place, of, AT),
        reopen: (of) => store.reopen(place, of, { image: 'sha256:one', heardSince: AT }, AT),
        undrain: (of) => store.undrain(place, of, AT),
        turnBack: (of) => store.turnBack(place, of, AT),
        adopt: (of) => store.adopt(place, 'op_r.1', { owner: of, reason: 'refresh', since: AT }),
        quarantine: (of) => store.quarantine(place, of, AT),
        recover: () => store.recover(place, AT),
        register: (of) => registerInstance(both, { instanceId: id, taskArn: of }),
        heartbeat: (of) => instances.heartbeat(id, of, AT),
        append: (of) => log.append(`op_both${run}`, { type: 'progress', message: of }),
      };
      for (const { name, of } of calls) {
        await calling[name]?.(of).catch((failure: unknown) => {
          if (!(failure instanceof Error) || !('retryable' in failure)) throw failure;
        });
      }
    }),
    { numRuns: 20 },
  );
});
