import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { describe, expect, test } from 'vitest';
import type { AuditEntry } from '../../domain/audit/audit.ts';
import { DynamoAuditStore } from '../../domain/audit/dynamo-audit-store.ts';
import type { ControlTableClient } from '../../domain/aws/control-table-client.ts';
import type { Backup } from '../../domain/backup/backup.ts';
import { DynamoBackupStore } from '../../domain/backup/dynamo-backup-store.ts';
import { DynamoAccountStore } from '../../domain/billing/dynamo-account-store.ts';
import { DynamoCreditDebtStore } from '../../domain/billing/dynamo-credit-debt-store.ts';
import { DynamoCreditStore } from '../../domain/billing/dynamo-credit-store.ts';
import { DynamoGraphQuota } from '../../domain/billing/dynamo-graph-quota.ts';
import { DynamoOrderStore } from '../../domain/billing/dynamo-order-store.ts';
import { DynamoReminderStore } from '../../domain/billing/dynamo-reminder-store.ts';
import { DynamoFlagStore } from '../../domain/flags/dynamo-flag-store.ts';
import { DEFAULT_FLAGS } from '../../domain/flags/feature-flags.ts';
import { DynamoCapacityQueue } from '../../domain/fleet/dynamo-capacity-queue.ts';
import { DynamoInstanceLaunchStore } from '../../domain/fleet/dynamo-instance-launch-store.ts';
import { DynamoInstanceRetirementStore } from '../../domain/fleet/dynamo-instance-retirement-store.ts';
import { DynamoInstanceStore } from '../../domain/fleet/dynamo-instance-store.ts';
import { DynamoTierStore } from '../../domain/fleet/dynamo-tier-store.ts';
import type { Instance } from '../../domain/fleet/instance.ts';
import { DynamoDeletionStore } from '../../domain/graph/dynamo-deletion-store.ts';
import { DynamoGraphMoveStore } from '../../domain/graph/dynamo-graph-move-store.ts';
import { DynamoGraphStore } from '../../domain/graph/dynamo-graph-store.ts';
import { DynamoSubgraphStore } from '../../domain/graph/dynamo-subgraph-store.ts';
import type { Graph } from '../../domain/graph/graph.ts';
import type { GraphRequest } from '../../domain/graph/graph-request.ts';
import { DynamoInstanceWaitStore } from '../../domain/lease/dynamo-instance-wait-store.ts';
import { DynamoLeaseStore } from '../../domain/lease/dynamo-lease-store.ts';
import { DynamoRefreshLockStore } from '../../domain/lease/dynamo-refresh-lock-store.ts';
import { DynamoWritePauseStore } from '../../domain/lease/dynamo-write-pause-store.ts';
import { DynamoLetterStore } from '../../domain/letter/dynamo-letter-store.ts';
import type { Letter } from '../../domain/letter/letter.ts';
import { DynamoTenantLimits } from '../../domain/limits/dynamo-tenant-limits.ts';
import { DynamoInputTokenStore } from '../../domain/operation/dynamo-input-token-store.ts';
import { DynamoOperationStore } from '../../domain/operation/dynamo-operation-store.ts';
import type { OperationEvent } from '../../domain/operation/operation-event.ts';
import { operationAsOf } from '../../domain/operation/operation-event.ts';
import { DynamoRefreshPlanStore } from '../../domain/refresh/dynamo-refresh-plan-store.ts';
import type { InstanceRefreshResult } from '../../domain/refresh/refresh.ts';
import { DynamoRepositoryAccessStore } from '../../domain/repository/dynamo-repository-access-store.ts';
import { DynamoRepositoryStore } from '../../domain/repository/dynamo-repository-store.ts';
import { DynamoRotationStore } from '../../domain/rotation/dynamo-rotation-store.ts';
import { DynamoTableFileStore } from '../../domain/table/dynamo-table-file-store.ts';
import { DynamoTableStore } from '../../domain/table/dynamo-table-store.ts';
import { emptyTable } from '../../domain/table/table.ts';
import type { TableFile } from '../../domain/table/table-file.ts';
import { TABLE_PERMISSIONS, type TablePermission } from '../../lib/data/table-permissions.ts';

describe('a permission on the control table allows what its adapters do', () => {
  const at = '2026-01-01T00:00:00.000Z';
  const graph = { graphId: 'kg1', tenantId: 't', createdAt: at, tier: 'standard' } as Graph;
  const event = {
    operationId: 'op_1',
    seq: 1,
    tenantId: 't',
    kind: 'graph.create',
    status: 'accepted',
    at,
  } as OperationEvent;
  const snapshot = { version: 1, key: 'k', checksum: 'c', bytes: 1 };
  const registration = {
    instanceId: 'inst-1',
    tier: 'standard',
    endpoint: 'e',
    image: 'i',
    taskArn: 'a',
    capacity: 1,
    generation: 1,
  } as const;
  const spare = { tier: 'large', placement: null, slotHolder: 'op_1' } as const;
  const move = { operationId: 'op_1', state: 'preparing', spare } as const;
  const access = {
    tenantId: 't',
    repository: 'filings',
    plan: 'reader',
    graphId: 'kg1',
    status: 'active',
    operationId: 'op_1',
    grantedAt: at,
  } as const;
  const wait = { instanceId: 'inst-1', operationId: 'op_1', taskToken: 'token', since: at };
  const file = { graphId: 'kg1', table: 'Company', fileId: 'file_1', keptUntil: at } as TableFile;
  const backup = { graphId: 'kg1', backupId: 'bk_1', keptUntil: at } as Backup;
  const place = { parentId: 'kg1', name: 'one', graphId: 'kg2' };
  const page = { limit: 1 };
  const letter = { eventId: 'e', attempts: 1 } as Letter;
  const span = { from: at, to: '2026-01-01T01:00:00.000Z' };
  const entry: AuditEntry = {
    auditId: 'a',
    at,
    type: 'denial',
    tenantId: 't',
    actor: 'ada',
    action: 'GET /v1/graphs',
    operationId: null,
    graphId: null,
    outcome: 'forbidden',
    detail: '',
  };
  const wanted = { tier: 'standard', minInstances: 1, maxInstances: 1, capacity: 1 } as const;
  const launch = { instanceId: 'inst-1', tier: 'standard', operationId: 'op_1' } as const;
  const instance = { ...registration, heartbeatAt: at } as Instance;
  const waiting = { operationId: 'op_1', graphId: 'kg1', tenantId: 't', createdAt: at, taskToken: 't', enqueuedAt: at };
  type Stores = {
    queue: DynamoCapacityQueue;
    launches: DynamoInstanceLaunchStore;
    retirements: DynamoInstanceRetirementStore;
    log: DynamoOperationStore;
    graphs: DynamoGraphStore;
    moves: DynamoGraphMoveStore;
    subgraphs: DynamoSubgraphStore;
    deletions: DynamoDeletionStore;
    repositories: DynamoRepositoryStore;
    accesses: DynamoRepositoryAccessStore;
    instances: DynamoInstanceStore;
    tiers: DynamoTierStore;
    rotations: DynamoRotationStore;
    accounts: DynamoAccountStore;
    quota: DynamoGraphQuota;
    credits: DynamoCreditStore;
    debts: DynamoCreditDebtStore;
    orders: DynamoOrderStore;
    reminders: DynamoReminderStore;
    webhooks: DynamoLetterStore;
    lineage: DynamoLetterStore;
    flags: DynamoFlagStore;
    inputTokens: DynamoInputTokenStore;
    audit: DynamoAuditStore;
    limits: DynamoTenantLimits;
    leases: DynamoLeaseStore;
    waits: DynamoInstanceWaitStore;
    pauses: DynamoWritePauseStore;
    locks: DynamoRefreshLockStore;
    tables: DynamoTableStore;
    files: DynamoTableFileStore;
    backups: DynamoBackupStore;
    plans: DynamoRefreshPlanStore;
  };

  const noPlan = { toImages: {}, instances: [] };
  const walk = { version: 0, steps: [], end: null };
  const uses: Record<TablePermission, ((stores: Stores) => Promise<unknown>)[]> = {
    readsLog: [
      ({ log }) => log.readFirst('op_1'),
      ({ log }) => log.readLast('op_1'),
      ({ log }) => log.readEvents('op_1', 0, 1),
      ({ inputTokens }) => inputTokens.get('op_1'),
    ],
    appendsToLog: [
      ({ log }) => log.putEvent(event),
      ({ log }) => log.moveProjection(operationAsOf(event)),
      ({ inputTokens }) => inputTokens.put('op_1', 'token'),
    ],
    listsOperations: [({ log }) => log.listByTenant('t', {}, page), ({ log }) => log.listInSpan('t', span, page)],
    recordsAudit: [({ audit }) => audit.put(entry), ({ audit }) => audit.count('kind', entry)],
    listsAudit: [({ audit }) => audit.list(span, page)],
    listsAuditOfTenants: [({ audit }) => audit.listByTenant('t', span, page)],
    countsCommands: [({ limits }) => limits.takeCommand('t', 1)],
    countsQueries: [({ limits }) => limits.takeQuery('t', 1)],
    countsStreams: [
      ({ limits }) => limits.openStream('t', { streamId: 's', endsAt: 1 }, NO_ROOM),
      ({ limits }) => limits.closeStream('t', 's'),
    ],
    findsOpenOperations: [({ log }) => log.listOpen(page)],
    findsFailedUndos: [({ log }) => log.listUndoFailed(page)],
    keepsRotations: [({ rotations }) => rotations.get('all'), ({ rotations }) => rotations.put('all', null)],
    readsGraphs: [({ graphs }) => graphs.get('kg1')],
    createsGraphs: [({ graphs }) => graphs.create(graph)],
    changesGraphs: [
      ({ graphs }) => graphs.place('kg1', null, 'inst-1'),
      ({ graphs }) => graphs.publish('kg1', 'op_1.1', snapshot),
      ({ graphs }) => graphs.withdraw('kg1', 'op_1.1'),
      ({ graphs }) => graphs.activate('kg1', 'op_1.1'),
      ({ graphs }) => graphs.deactivate('kg1', 'op_1.1'),
      ({ moves }) => moves.begin('kg1', 'op_1', { tier: 'large', placement: null }),
      ({ moves }) => moves.place('kg1', 'op_1', null, 'inst-1'),
      ({ moves }) => moves.switchOver({ ...graph, move }),
      ({ moves }) => moves.switchBack({ ...graph, move }),
      ({ moves }) => moves.abandon('kg1', 'op_1'),
      ({ moves }) => moves.end('kg1', move),
      ({ subgraphs }) => subgraphs.reserve(graph, place),
      ({ subgraphs }) => subgraphs.release(place),
      ({ graphs }) => graphs.followStanding('kg1', 'active', 'm'),
      ({ graphs }) => graphs.followTier('kg2', graph),
      ({ deletions }) => deletions.claim(graph, 'op_1.1', 1, 'active'),
      ({ deletions }) => deletions.release('kg1', 'op_1.1'),
      ({ deletions }) => deletions.forgetSnapshot('kg1', 'op_1.1'),
    ],
    removesGraphs: [({ graphs }) => graphs.remove('kg1', 'op_1'), ({ deletions }) => deletions.erase('kg1', 'op_1.1')],
    listsGraphs: [({ graphs }) => graphs.listByTenant('t', page), ({ graphs }) => graphs.listPayers('t', page)],
    readsTables: [
      ({ tables }) => tables.get('kg1', 'Company'),
      ({ tables }) => tables.list('kg1'),
      ({ tables }) => tables.erase('kg1', 1),
    ],
    changesTables: [({ tables }) => tables.replace(emptyTable('kg1', 'Company'), emptyTable('kg1', 'Company'))],
    findsStaleGraphs: [({ tables }) => tables.listUnsettled(page)],
    readsFiles: [
      ({ files }) => files.get(file),
      ({ files }) => files.list('kg1', 'Company', page),
      ({ files }) => files.countPending('kg1'),
    ],
    keepsFiles: [({ files }) => files.admit(file, at), ({ files }) => files.create(file)],
    changesFiles: [({ files }) => files.markUploaded(file, at), ({ files }) => files.markStaged(file, 'op_1')],
    removesFiles: [({ files }) => files.remove(file)],
    readsBackups: [
      ({ backups }) => backups.get(backup),
      ({ backups }) => backups.list('kg1', page),
      ({ backups }) => backups.listAll('kg1'),
    ],
    keepsBackups: [({ backups }) => backups.put(backup)],
    forgetsBackups: [({ backups }) => backups.remove(backup)],
    findsPastBackups: [({ backups }) => backups.listPast(at, 1)],
    readsInstances: [
      ({ instances }) => instances.get('inst-1'),
      ({ instances }) => instances.readSlots('inst-1'),
      ({ leases }) => leases.get('inst-1'),
    ],
    changesInstances: [
      ({ instances }) => instances.register(registration, at),
      ({ instances }) => instances.heartbeat('inst-1', 'a', at),
      ({ instances }) => instances.takeSlot('inst-1', 'kg1', 'op_1'),
      ({ leases }) => leases.acquire('inst-1', { leaseId: 'op_1.1', kind: 'backup', acquiredAt: at }),
      ({ leases }) => leases.release('inst-1', 'op_1.1', at),
      ({ leases }) => leases.prune('inst-1', ['op_1.1']),
      ({ leases }) => leases.beginDrain(registration, { owner: 'op_r.1', reason: 'r', since: at }),
      ({ leases }) => leases.awaitIdle(registration, 'op_r.1', 'token'),
      ({ leases }) => leases.claimCycle(registration, 'op_r.1'),
      ({ leases }) => leases.adopt(registration, 'op_r.1', { owner: 'op_s.1', reason: 'r', since: at }),
      ({ leases }) => leases.turnBack(registration, 'op_r.1', at),
      ({ leases }) => leases.awaitTask(registration, 'op_r.1', 'token'),
      ({ leases }) => leases.reopen(registration, 'op_r.1', { image: 'i', heardSince: at }, at),
      ({ leases }) => leases.undrain(registration, 'op_r.1', at),
      ({ leases }) => leases.quarantine(registration, 'op_r.1', at),
      ({ leases }) => leases.recover(registration, at),
      ({ instances }) => instances.freeSlot('inst-1', 'kg1', 'op_1'),
      ({ instances }) => instances.quarantineSilent(instance),
      ({ launches }) => launches.claim({ ...launch, capacity: 1 }, at),
      ({ launches }) => launches.end('inst-1', 'op_1'),
      ({ launches }) => launches.giveUp(launch),
      ({ retirements }) => retirements.drainQuarantined(registration, { owner: 'op_1.1', reason: 'r', since: at }),
      ({ retirements }) => retirements.requarantine(registration, 'op_1.1', at),
      ({ retirements }) => retirements.noteEmpty('inst-1', at),
      ({ retirements }) => retirements.renewEmpty('inst-1', at, at),
    ],
    entersInstanceWaits: [({ waits }) => waits.put(wait)],
    leavesInstanceWaits: [
      ({ waits }) => waits.remove('inst-1', 'op_1'),
      ({ waits }) => waits.remove('inst-1', 'op_1', 'token'),
    ],
    listsInstanceWaits: [({ waits }) => waits.list('inst-1', 1)],
    findsInstances: [
      ({ waits }) => waits.listAll(page),
      ({ instances }) => instances.listByTier('standard', 'ACTIVE'),
      ({ instances }) => instances.listAll('standard'),
      ({ leases }) => leases.list(page),
    ],
    findsProvisioningGraphs: [({ graphs }) => graphs.listProvisioning(page)],
    findsUnsettledAccesses: [({ accesses }) => accesses.listUnsettled(page)],
    readsRepositories: [({ repositories }) => repositories.attempt('filings')],
    changesRepositories: [
      ({ repositories }) => repositories.moveOn('filings', 1),
      ({ repositories }) => repositories.moveOn('filings', 2),
    ],
    readsAccesses: [({ accesses }) => accesses.get('t', 'filings')],
    grantsAccesses: [({ accesses }) => accesses.grant(access)],
    changesAccesses: [
      ({ accesses }) => accesses.activate('t', 'filings', 'op_1'),
      ({ accesses }) => accesses.deactivate('t', 'filings', 'op_1'),
      ({ accesses }) => accesses.end(access),
      ({ accesses }) => accesses.end({ ...access, status: 'suspended' }),
      ({ accesses }) => accesses.follow('t', 'filings', 'active', 'm'),
    ],
    removesAccesses: [({ accesses }) => accesses.remove('t', 'filings', 'op_1', ['granting', 'ending'])],
    readsAccounts: [
      ({ accounts }) => accounts.get('t'),
      ({ quota }) => quota.count('t'),
      ({ credits }) => credits.get('t', 'kg1'),
      ({ debts }) => debts.takeOver('t', 'graphs', 'kg1', 1),
      ({ orders }) => orders.get('t', 's'),
      ({ reminders }) => reminders.get('t', 's'),
    ],
    changesAccounts: [
      ({ accounts }) => accounts.open('t', 's'),
      ({ accounts }) => accounts.moveStanding('t', 's', { status: 'live', mark: 'm' }),
      ({ accounts }) => accounts.moveTerms('t', 's', { plan: 'starter', periodEnd: null, mark: 'm' }),
      ({ accounts }) => accounts.close('t', 's', { status: 'active', reason: null }),
      ({ accounts }) => accounts.begin('t', 's', { attempt: 1, operationId: 'op_1', graphId: 'kg1' }),
      ({ accounts }) => accounts.activate('t', 's', 'op_1'),
      ({ accounts }) => accounts.fail('t', 's', 'op_1', 'reason'),
      ({ quota }) => quota.admit('t', 'kg1', 1),
      ({ quota }) => quota.release('t', 'kg1'),
    ],
    putsIntoAccounts: [
      ({ orders }) => orders.put('t', 's', {} as GraphRequest),
      ({ reminders }) =>
        reminders.set({ tenantId: 't', subscriptionId: 's', dueAt: null, revision: 0, sweep: null }, at),
    ],
    settlesCredits: [({ credits }) => credits.revoke('t', 'kg1'), ({ debts }) => debts.owe('t', 'graphs', 'kg1', 1)],
    findsDueSubscriptions: [({ reminders }) => reminders.listDue(at, 1)],
    receivesWebhooks: [({ webhooks }) => webhooks.receive('e', '{}', at, at)],
    readsWebhooks: [({ webhooks }) => webhooks.get('e')],
    processesWebhooks: [
      ({ webhooks }) => webhooks.claim('e', 'dead', at, at),
      ({ webhooks }) => webhooks.settle(letter, { state: 'processed', reason: null, at, notBefore: null }),
    ],
    reportsLineage: [({ lineage }) => lineage.receive('e', '{}', at, null)],
    readsLineage: [({ lineage }) => lineage.get('e')],
    deliversLineage: [
      ({ lineage }) => lineage.claim('e', 'received', at, at),
      ({ lineage }) => lineage.settle(letter, { state: 'received', reason: 'r', at, notBefore: at }),
    ],
    findsLineage: [({ lineage }) => lineage.list('received', page), ({ lineage }) => lineage.list('dead', page)],
    findsWebhooks: [({ webhooks }) => webhooks.list('received', page), ({ webhooks }) => webhooks.list('dead', page)],
    readsFlags: [({ flags }) => flags.get()],
    setsFlags: [({ flags }) => flags.put(DEFAULT_FLAGS)],
    removesInstances: [
      ({ launches }) => launches.remove('inst-1', 'op_1'),
      ({ retirements }) => retirements.remove('inst-1', 'op_1.1'),
    ],
    readsQueues: [
      ({ queue }) => queue.list('standard', 1),
      ({ queue }) => queue.count('standard', 1),
      ({ queue }) => queue.position('standard', waiting),
    ],
    entersQueues: [({ queue }) => queue.put('standard', waiting)],
    leavesQueues: [
      ({ queue }) => queue.remove('standard', waiting),
      ({ queue }) => queue.remove('standard', waiting, 't'),
    ],
    readsPauses: [({ pauses }) => pauses.get('standard')],
    setsPauses: [({ pauses }) => pauses.put({ tier: 'standard', owner: 'ola', reason: 'r', until: at })],
    endsPauses: [({ pauses }) => pauses.remove('standard')],
    locksTiers: [
      ({ locks }) => locks.take('standard', 'op_1', at),
      ({ locks }) => locks.free('standard', 'op_1'),
      ({ locks }) => locks.holder('standard'),
    ],
    unlocksTiers: [({ locks }) => locks.free('standard', 'op_1')],
    readsPlans: [
      ({ plans }) => plans.get('op_1'),
      ({ plans }) => plans.getWalk('op_1'),
      ({ plans }) => plans.results('op_1', 0, 1),
    ],
    keepsPlans: [
      ({ plans }) => plans.get('op_1'),
      ({ plans }) => plans.create('op_1', noPlan),
      ({ plans }) => plans.moveWalk('op_1', walk),
      ({ plans }) => plans.putResult('op_1', 0, {} as InstanceRefreshResult),
    ],
    setsTiers: [({ tiers }) => tiers.put(wanted), ({ tiers }) => tiers.putFirstImage('standard', 'sha256:1')],
    readsTiers: [({ tiers }) => tiers.list(), ({ tiers }) => tiers.get('standard')],
  };

  test.each(Object.entries(uses) as [TablePermission, (typeof uses)[TablePermission]][])('%s', async (name, calls) => {
    const { client, made } = recordingClient();
    const stores = {
      log: new DynamoOperationStore(client),
      graphs: new DynamoGraphStore(client),
      moves: new DynamoGraphMoveStore(client),
      subgraphs: new DynamoSubgraphStore(client),
      deletions: new DynamoDeletionStore(client),
      repositories: new DynamoRepositoryStore(client),
      accesses: new DynamoRepositoryAccessStore(client),
      instances: new DynamoInstanceStore(client),
      queue: new DynamoCapacityQueue(client),
      launches: new DynamoInstanceLaunchStore(client),
      retirements: new DynamoInstanceRetirementStore(client),
      tiers: new DynamoTierStore(client),
      inputTokens: new DynamoInputTokenStore(client),
      plans: new DynamoRefreshPlanStore(client),
      audit: new DynamoAuditStore(client),
      limits: new DynamoTenantLimits(client),
      leases: new DynamoLeaseStore(client),
      waits: new DynamoInstanceWaitStore(client),
      pauses: new DynamoWritePauseStore(client),
      locks: new DynamoRefreshLockStore(client),
      tables: new DynamoTableStore(client),
      files: new DynamoTableFileStore(client),
      backups: new DynamoBackupStore(client),
      rotations: new DynamoRotationStore(client),
      accounts: new DynamoAccountStore(client),
      quota: new DynamoGraphQuota(client),
      credits: new DynamoCreditStore(client),
      debts: new DynamoCreditDebtStore(client),
      orders: new DynamoOrderStore(client),
      reminders: new DynamoReminderStore(client),
      webhooks: new DynamoLetterStore(client, 'webhook'),
      lineage: new DynamoLetterStore(client, 'lineage'),
      flags: new DynamoFlagStore(client),
    };
    for (const call of calls) await call(stores);

    const { actions, items, index } = TABLE_PERMISSIONS[name];
    const leadingKey = new RegExp(`^${items.replaceAll('*', '.*')}$`);
    expect(made.length).toBeGreaterThanOrEqual(calls.length);
    for (const call of made)
      expect(call).toEqual({ action: expect.any(String), index, key: expect.stringMatching(leadingKey) });
    expect([...new Set(made.map(({ action }) => action))].sort()).toEqual([...actions].sort());
  });
});

test('credits are moved by what reads, changes and puts into accounts', async () => {
  const { client, made } = recordingClient();
  const credits = new DynamoCreditStore(client);
  await credits.allocate('t', 'kg1', { key: 'k', amount: 1 });
  await expect(credits.consume('t', 'kg1', { key: 'k', amount: 1 })).rejects.toMatchObject({ code: 'not_found' });
  expect(new Set(made.map(({ action }) => action))).toEqual(new Set(['GetItem', 'PutItem', 'UpdateItem']));
  expect(made.every(({ key, index }) => key === 'TENANT#t' && index === null)).toBe(true);
});

type Input = {
  IndexName?: string;
  Key?: { pk: string };
  Item?: { pk: string };
  ExpressionAttributeValues?: { ':pk'?: string; ':partition'?: string; ':most'?: number };
};

const NO_ROOM = 0;

/** A client that finds nothing, lets every write through but into what has no room, and notes what IAM would decide on. */
const recordingClient = () => {
  const made: { action: string; index: string | null; key: string | undefined }[] = [];
  const send = async (command: { constructor: { name: string }; input: Input }) => {
    const { IndexName, Key, Item, ExpressionAttributeValues: values } = command.input;
    const key = Key?.pk ?? Item?.pk ?? values?.[':pk'] ?? values?.[':partition'];
    made.push({
      action: command.constructor.name.replace('Command', 'Item').replace('QueryItem', 'Query'),
      index: IndexName ?? null,
      key,
    });
    if (values?.[':most'] === NO_ROOM) throw new ConditionalCheckFailedException({ message: 'full', $metadata: {} });
    return {};
  };
  return { client: { tableName: 'table', documents: { send } } as unknown as ControlTableClient, made };
};
