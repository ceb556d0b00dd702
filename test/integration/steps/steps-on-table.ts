import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { Context } from 'aws-lambda';
import type { ControlTableClient } from '../../../domain/aws/control-table-client.ts';
import { DynamoInstanceStore } from '../../../domain/fleet/dynamo-instance-store.ts';
import { DynamoGraphStore } from '../../../domain/graph/dynamo-graph-store.ts';
import { DynamoOperationStore } from '../../../domain/operation/dynamo-operation-store.ts';
import { OperationLog } from '../../../domain/operation/operation-log.ts';
import { startControlTable } from '../../fixtures/control-table.ts';

/** Runs a step as its workflow does. */
export type Step = (input: Record<string, unknown> & { operationId: string }) => Promise<unknown>;

export type StepsOnTable<Name extends string> = {
  table: ControlTableClient;
  store: DynamoOperationStore;
  log: OperationLog;
  graphs: DynamoGraphStore;
  instances: DynamoInstanceStore;
  steps: Readonly<Record<Name, Step>>;
  /**
   * Holds up the next call of this kind that a step makes to the table (`GetItem` of a key that begins with `GRAPH#`),
   * and does something else meanwhile. What that throws is the table's refusal.
   */
  holdUp(action: string, key: string, meanwhile: () => Promise<unknown>): void;
  close(): Promise<void>;
};

/** The handlers of steps on a control table of their own, and the stores to look at it. */
export const stepsOnTable = async <Name extends string>(
  names: readonly Name[],
  environment: Record<string, string> = {},
): Promise<StepsOnTable<Name>> => {
  const { table, close } = await startControlTable();
  const { hostname, port } = await (table.documents.config.endpoint?.() ?? Promise.reject(new Error('No endpoint')));
  const road = await startRoad(`http://${hostname}:${port}`);
  Object.assign(process.env, {
    CONTROL_TABLE_NAME: table.tableName,
    AWS_ENDPOINT_URL_DYNAMODB: road.url,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    POWERTOOLS_LOG_LEVEL: 'SILENT',
    POWERTOOLS_METRICS_DISABLED: 'true',
    ...environment,
  });
  const store = new DynamoOperationStore(table);
  const loaded = await Promise.all(names.map(async (name) => [name, await load(name)] as const));
  return {
    table,
    store,
    log: new OperationLog(store),
    graphs: new DynamoGraphStore(table),
    instances: new DynamoInstanceStore(table),
    steps: Object.fromEntries(loaded) as Record<Name, Step>,
    holdUp: (action, key, meanwhile) => road.heldUp.push({ action, key, meanwhile }),
    async close() {
      road.close();
      await close();
    },
  };
};

type HeldUp = { action: string; key: string; meanwhile: () => Promise<unknown> };

/** The steps' way to the table, on which something can come in between. */
export const startRoad = async (target: string): Promise<{ url: string; heldUp: HeldUp[]; close(): void }> => {
  const heldUp: HeldUp[] = [];
  const pass = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await buffer(request);
    const action = String(request.headers['x-amz-target']).split('.')[1];
    const at = heldUp.findIndex((held) => held.action === action && body.includes(`"${held.key}`));
    try {
      if (at !== -1) await heldUp.splice(at, 1)[0]?.meanwhile();
    } catch (error) {
      // One that the SDK does not repeat.
      const refusal = { __type: 'com.amazon.coral.validate#ValidationException', message: String(error) };
      return void response.writeHead(400).end(JSON.stringify(refusal));
    }
    const { host: _host, connection: _connection, ...headers } = request.headers as Record<string, string>;
    const answer = await fetch(target, { method: 'POST', headers, body: new Uint8Array(body) });
    const { 'content-length': _length, connection: _c, ...answered } = Object.fromEntries(answer.headers);
    response.writeHead(answer.status, answered).end(Buffer.from(await answer.arrayBuffer()));
  };
  const server = createServer((request, response) => void pass(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    heldUp,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
};

const load = async (name: string): Promise<Step> => {
  const { handler } = (await import(`../../../functions/steps/${name}.ts`)) as {
    handler: (event: unknown, context: Context) => Promise<unknown>;
  };
  return (input) => handler(input, {} as Context);
};
