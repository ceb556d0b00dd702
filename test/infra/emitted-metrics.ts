import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import { FUNCTIONS, type FunctionName } from '../../contract/functions.ts';
import { DynamoAccountStore } from '../../domain/billing/dynamo-account-store.ts';
import { DynamoOrderStore } from '../../domain/billing/dynamo-order-store.ts';
import { DynamoReminderStore } from '../../domain/billing/dynamo-reminder-store.ts';
import { markOf } from '../../domain/billing/subscription.ts';
import { DynamoCapacityQueue } from '../../domain/fleet/dynamo-capacity-queue.ts';
import { DynamoInstanceStore } from '../../domain/fleet/dynamo-instance-store.ts';
import { DynamoTierStore } from '../../domain/fleet/dynamo-tier-store.ts';
import type { GraphRequest } from '../../domain/graph/graph-request.ts';
import { DynamoLeaseStore } from '../../domain/lease/dynamo-lease-store.ts';
import { DynamoLetterStore } from '../../domain/letter/dynamo-letter-store.ts';
import { DynamoOperationStore } from '../../domain/operation/dynamo-operation-store.ts';
import type { OperationKind } from '../../domain/operation/operation.ts';
import { OperationLog } from '../../domain/operation/operation-log.ts';
import { executionName } from '../../domain/operation/workflows.ts';
import { drainOwnerOf } from '../../domain/refresh/instance-refresh.ts';
import type { InstanceRefreshRequest } from '../../domain/refresh/refresh.ts';
import { functionEnvironments } from '../../local/function-environments.ts';
import { startLambda } from '../../local/lambda/start-lambda.ts';
import { LOCAL } from '../../local/settings.ts';
import { startControlTable } from '../fixtures/control-table.ts';
import { acceptedEvent } from '../fixtures/operations.ts';
import { registerInstance } from '../integration/lease/instances.ts';
import { startRoad } from '../integration/steps/steps-on-table.ts';

/** What CloudWatch makes of a line: a value of a metric, with the dimensions that it is written under. */
export type EmittedMetric = {
  namespace: string;
  name: string;
  unit: string;
  dimensions: Record<string, string>;
  value: number;
};

const LONG_AGO = '2026-01-01T00:00:00.000Z';

/**
 * Runs the functions themselves on a control table, each so that it has something to tell.
 * @param service what the functions find as `POWERTOOLS_SERVICE_NAME`
 * @returns every metric that came out of them, as lines on standard output
 */
export const emitMetrics = async (service: string): Promise<EmittedMetric[]> => {
  const { table, close } = await startControlTable();
  const { hostname, port } = await (table.documents.config.endpoint?.() ?? Promise.reject(new Error('No endpoint')));
  const road = await startRoad(`http://${hostname}:${port}`);
  const stepFunctions = await startLostExecutions();
  const variables = functionEnvironments({
    identity: { issuer: 'http://127.0.0.1/', jwksUrl: 'http://127.0.0.1/keys' },
    objectStoreUrl: 'file:///nowhere',
    webhookSecret: 'whsec_bm9ib2R5IHNlbmRzIG9uZSBoZXJl',
  });
  const ofThisTable = Object.entries(variables).map(([name, own]) => [
    name,
    'CONTROL_TABLE_NAME' in own ? { ...own, CONTROL_TABLE_NAME: table.tableName } : own,
  ]);
  const lambda = startLambda({
    functions: FUNCTIONS,
    environments: Object.fromEntries(ofThisTable),
    common: {
      AWS_REGION: LOCAL.region,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_ENDPOINT_URL_DYNAMODB: road.url,
      AWS_ENDPOINT_URL_SFN: stepFunctions.url,
      POWERTOOLS_SERVICE_NAME: service,
      POWERTOOLS_METRICS_DISABLED: 'false',
      POWERTOOLS_LOG_LEVEL: 'SILENT',
    },
    region: LOCAL.region,
    accountId: LOCAL.accountId,
  });
  const log = new OperationLog(new DynamoOperationStore(table));
  const leases = new DynamoLeaseStore(table);
  const run = (name: FunctionName, event: unknown = {}) => lambda.invoke(name, event);
  /** A failure is what is wanted of some: it is in what they write that it shows. */
  const fail = async (name: FunctionName, event: unknown = {}) => void (await run(name, event).catch(() => undefined));
  const open = async (own: { kind?: OperationKind; graphId?: string | null; request?: unknown } = {}) => {
    const { operationId, ...event } = acceptedEvent(own);
    await log.open({ ...event, operationId });
    await log.append(operationId, { type: 'started', message: 'Started' });
    return operationId;
  };
  const refuse = (action: string, key: string) =>
    road.heldUp.push({ action, key, meanwhile: () => Promise.reject(new Error('Not now')) });

  const lines: string[] = [];
  const { write } = process.stdout;
  process.stdout.write = (chunk: string | Uint8Array) => lines.push(...String(chunk).split('\n')) > 0;
  try {
    await endOperations();
    await refreshInstances();
    await leaveWorkForSchedules();
    await runSchedules();
    await answerCalls();
  } finally {
    process.stdout.write = write;
    stepFunctions.close();
    road.close();
    await close();
  }
  return lines.flatMap(metricsIn);

  async function endOperations(): Promise<void> {
    const [inVain, notUndone, unwritten] = [await open(), await open(), await open()];
    const failure = {
      Error: 'States.Timeout',
      Cause: JSON.stringify({ code: 'at_capacity', message: 'There was no place.', retryable: true }),
    };
    await run('begin-undo', {
      operationId: inVain,
      execution: executionName({ operationId: inVain, attempt: 1 }),
      failure,
    });
    await run('record-undone', { operationId: inVain, execution: inVain });
    await run('record-undo-failure', { operationId: notUndone, execution: notUndone, failure });
    refuse('PutItem', `OP#${unwritten}`);
    await fail('begin-undo', { operationId: unwritten, execution: unwritten, failure });
    const lost = await open();
    const detail = { name: lost, status: 'FAILED' };
    await run('settle-operation', {
      source: 'aws.states',
      'detail-type': 'Step Functions Execution Status Change',
      detail,
    });
  }

  async function refreshInstances(): Promise<void> {
    for (const onDeadline of ['force', 'defer'] as const) {
      const place = await registerInstance(table, { instanceId: `inst-${onDeadline}` });
      await leases.acquire(place.instanceId, { leaseId: `op_${onDeadline}.1`, kind: 'backup', acquiredAt: LONG_AGO });
      const request: InstanceRefreshRequest = {
        ...{ parentOperationId: 'op_parent', instanceId: place.instanceId, tier: place.tier, toImage: 'sha256:two' },
        ...{
          maxWaitMinutes: 1,
          onBusy: 'wait',
          onDeadline,
          forceIgnoreBusy: false,
          forceRestart: false,
          reason: 'Test',
        },
      };
      const operationId = await open({ kind: 'instance.refresh', graphId: null, request });
      await leases.beginDrain(place, { owner: drainOwnerOf(operationId), reason: 'Test', since: LONG_AGO });
      await fail('claim-cycle', { operationId });
    }
  }

  /** Something of all that schedules measure. */
  async function leaveWorkForSchedules(): Promise<void> {
    const past = new OperationLog(new DynamoOperationStore(table), { now: () => new Date(LONG_AGO) });
    const { operationId, createdAt, graphId, tenantId, ...event } = acceptedEvent();
    const { accepted } = await past.open({ ...event, operationId, graphId, tenantId });
    await past.project(accepted);
    const waiting = {
      operationId,
      createdAt,
      graphId: graphId ?? '',
      tenantId,
      taskToken: 'token',
      enqueuedAt: LONG_AGO,
    };
    await new DynamoCapacityQueue(table).put('large', waiting);

    const active = await registerInstance(table, { instanceId: 'inst-active' });
    const instances = new DynamoInstanceStore(table);
    await instances.heartbeat(active.instanceId, 'task-1', new Date().toISOString());
    const over = await open();
    await log.append(over, { type: 'failed', message: 'Failed', error: null });
    for (const holder of [over, 'op_of_nobody']) {
      await leases.acquire(active.instanceId, { leaseId: `${holder}.1`, kind: 'backup', acquiredAt: LONG_AGO });
    }
    const closed = await registerInstance(table, { instanceId: 'inst-closed' });
    await leases.beginDrain(closed, { owner: 'op_of_nobody.1', reason: 'Test', since: LONG_AGO });
    const wanted = { tier: 'standard', minInstances: 0, maxInstances: 9, capacity: 10, image: 'sha256:two' } as const;
    await new DynamoTierStore(table).put(wanted);

    for (const kind of ['webhook', 'lineage'] as const) {
      const letters = new DynamoLetterStore(table, kind);
      await letters.receive('event', '{}', LONG_AGO, null);
      const letter = await letters.claim('event', 'received', LONG_AGO, new Date().toISOString());
      if (letter === undefined) throw new Error('The letter is not there to be taken.');
      await letters.settle(letter, { state: 'dead', reason: 'Test', at: LONG_AGO, notBefore: null });
    }

    const accounts = new DynamoAccountStore(table);
    const subscription = ['acme', 'sub_1'] as const;
    await accounts.open(...subscription);
    await accounts.moveStanding(...subscription, { status: 'live', mark: markOf(LONG_AGO, 'live', 'event') });
    await new DynamoOrderStore(table).put(...subscription, acceptedEvent().request as GraphRequest);
    await accounts.begin(...subscription, { attempt: 1, operationId: 'op_1', graphId: 'kg1' });
    const reminders = new DynamoReminderStore(table);
    await reminders.set(await reminders.get(...subscription), LONG_AGO);
  }

  async function runSchedules(): Promise<void> {
    const scheduled = Object.entries(FUNCTIONS).flatMap(([name, definition]) =>
      'everyMinutes' in definition ? [name as FunctionName] : [],
    );
    for (const name of scheduled) await run(name);
    refuse('Query', 'OP#OPEN');
    await fail('reconcile-operations');
  }

  async function answerCalls(): Promise<void> {
    const operationId = await open();
    refuse('Query', `OP#${operationId}`);
    await run('get-operation', callOf('GET', { operationId }));
    // The denial of a scope is to be written down.
    refuse('PutItem', 'AUDIT');
    await run('get-operation', callOf('GET', { operationId }, { scopes: 'none' }));
    const headers = { accept: 'text/event-stream' };
    await lambda
      .invokeStreaming(
        'list-events',
        callOf('GET', { operationId }, {}, headers),
        () => breakOff(),
        new AbortController().signal,
      )
      .catch(() => undefined);

    function breakOff(): Writable {
      // The first page is there; the next can not be read.
      refuse('Query', `OP#${operationId}`);
      return new Writable({ write: (_chunk, _encoding, done) => done() });
    }
  }
};

const callOf = (
  httpMethod: string,
  pathParameters: Record<string, string>,
  own: { scopes?: string } = {},
  headers: Record<string, string> = {},
): Partial<APIGatewayProxyEvent> => ({
  httpMethod,
  pathParameters,
  headers,
  queryStringParameters: null,
  body: null,
  requestContext: {
    requestId: 'request-1',
    authorizer: { tenantId: 'acme', subject: 'ada', scopes: 'graphs:read graphs:write', ...own },
  } as unknown as APIGatewayProxyEvent['requestContext'],
});

/** A Step Functions where every execution has failed, and every report is taken. */
const startLostExecutions = async (): Promise<{ url: string; close(): void }> => {
  const server = createServer((request, response) => {
    void text(request).then(() => {
      const answer = { status: 'FAILED', executionArn: 'arn', startDate: 0 };
      response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(answer));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() };
};

type EmbeddedLine = Record<string, unknown> & {
  _aws?: {
    CloudWatchMetrics: { Namespace: string; Dimensions: string[][]; Metrics: { Name: string; Unit: string }[] }[];
  };
};

/** Reads a line as CloudWatch does: each set of dimensions makes a metric of its own. */
const metricsIn = (line: string): EmittedMetric[] => {
  if (!line.startsWith('{')) return [];
  const content = JSON.parse(line) as EmbeddedLine;
  return (content._aws?.CloudWatchMetrics ?? []).flatMap(({ Namespace: namespace, Dimensions, Metrics }) =>
    Metrics.flatMap(({ Name: name, Unit: unit }) =>
      Dimensions.map((keys) => ({
        namespace,
        name,
        unit,
        dimensions: Object.fromEntries(keys.map((key) => [key, String(content[key])])),
        value: Number(content[name]),
      })),
    ),
  );
};
