import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DynamoRefreshPlanStore } from '../../../domain/refresh/dynamo-refresh-plan-store.ts';
import type { FleetRefreshResult } from '../../../domain/refresh/refresh-report.ts';
import { childOf, RefreshReport } from '../../../domain/refresh/refresh-report.ts';
import { inconsistencies } from '../../fixtures/consistency.ts';
import { askForFleetRefresh, wantImage } from './machines/refresh-fleet.ts';
import { NEW_IMAGE } from './machines/refresh-instance.ts';
import { openStage, type Stage } from './stage.ts';

const TIER = 'large';
let stage: Stage;
let launched = 1;

beforeAll(async () => {
  stage = await openStage();
  await wantImage(stage, TIER, NEW_IMAGE);
});
afterAll(() => stage.close());

/** A refresh of three instances that their services have just started. */
const askForThree = async () => {
  const instances: string[] = [];
  for (let at = 0; at < 3; at += 1) {
    launched += 1;
    instances.push(`inst-${TIER}-${launched}`);
    await stage.launch(`inst-${TIER}-${launched}`, TIER);
  }
  const [first = '', ...others] = instances;
  const asked = askForFleetRefresh({ tiers: [TIER], instances });
  return { asked, operationId: asked.operationId, instances, first, others };
};

/** Ends well or not, and leaves nothing half way. */
const ended = async (operationId: string) => {
  await stage.finish(operationId);
  const world = await stage.world();
  expect(inconsistencies(world)).toEqual([]);
  expect(world.items.filter(({ pk, sk }) => pk === `TIER#${TIER}` && sk === 'REFRESH')).toEqual([]);
  expect(world.instances.filter(({ state }) => state !== 'ACTIVE')).toEqual([]);
  const rows = await new RefreshReport(new DynamoRefreshPlanStore(stage.table), stage.log).page(operationId, {
    from: 0,
    limit: 10,
  });
  return { operation: await stage.log.last(operationId), outcomes: rows.map(({ result }) => result?.outcome) };
};

test('every instance is cycled once, one after the other', async () => {
  const { asked, operationId, instances } = await askForThree();
  await stage.commands.accept(asked);
  const { operation, outcomes } = await ended(operationId);
  expect(operation).toMatchObject({ status: 'succeeded' });
  expect((operation.result as FleetRefreshResult).outcome).toBe('refreshed');
  expect(outcomes).toEqual(['refreshed', 'refreshed', 'refreshed']);
  for (const instanceId of instances) expect(stage.startsOf(instanceId)).toEqual([1, 2]);
});

test('cancelled while an instance is cycling, that one comes up and the others are left alone', async () => {
  const { asked, operationId, first, others } = await askForThree();
  const act = () => stage.commands.cancel(operationId, { actor: 'ada' });
  const child = childOf(operationId, { instanceId: first });
  stage.faults.afterwards({ operationId: child, from: '', after: 'ReplaceTask', act });
  await stage.commands.accept(asked);
  const { operation, outcomes } = await ended(operationId);
  expect(operation.status).toBe('cancelled');
  expect(outcomes).toEqual(['refreshed', 'skipped', 'skipped']);
  expect(stage.startsOf(first)).toEqual([1, 2]);
  for (const instanceId of others) expect(stage.startsOf(instanceId)).toEqual([1]);
});

test('stopped by hand while it waits for an instance that is at work, it gives that back to its work', async () => {
  const { asked, operationId, instances } = await askForThree();
  for (const instanceId of instances) await stage.holdings.acquire(instanceId, operationId, 'backup', 1);
  stage.faults.afterwards({ operationId, from: '', after: 'AwaitInstances', act: () => stage.stopByHand(operationId) });
  // The work is over once the refresh has given up.
  const release = async () => {
    for (const instanceId of instances) await stage.holdings.releaseAll(instanceId, operationId);
  };
  stage.faults.afterwards({ operationId, from: '', after: 'UnlockTiers', act: release });
  await stage.commands.accept(asked);
  const { operation, outcomes } = await ended(operationId);
  expect(operation.status).toBe('failed');
  expect(outcomes).toEqual(['skipped', 'skipped', 'skipped']);
  for (const instanceId of instances) expect(stage.startsOf(instanceId)).toEqual([1]);
});

test('nobody wakes it when an instance is over, and it looks by itself', async () => {
  const { asked, operationId, instances } = await askForThree();
  // Whoever ends the refresh of an instance finds a token of somebody else there.
  const lose = () =>
    stage.table.documents.send(
      new PutCommand({
        TableName: stage.table.tableName,
        Item: { pk: `OP#${operationId}`, sk: 'INPUT', taskToken: 'of-nobody' },
      }),
    );
  stage.faults.afterwards({ operationId, from: '', after: 'AwaitInstances', act: lose });
  await stage.commands.accept(asked);
  const { operation } = await ended(operationId);
  expect(operation).toMatchObject({ status: 'succeeded' });
  for (const instanceId of instances) expect(stage.startsOf(instanceId)).toEqual([1, 2]);
});
