import { gzipSync } from 'node:zlib';
import { expect } from 'vitest';
import type { Client, StreamedEvent } from './client.ts';

/** Files, staging and materializing of one graph, as an application team would write it. */
export class Loading {
  readonly #client: Client;
  readonly graphId: string;

  constructor(client: Client, graphId: string) {
    this.#client = client;
    this.graphId = graphId;
  }

  /** Sends a file, gzipped if its name says so, and gives its id. */
  async upload(table: string, fileName: string, content: string | Buffer): Promise<string> {
    return this.send(table, fileName, fileName.endsWith('.gz') ? gzipSync(content) : Buffer.from(content));
  }

  /** Sends bytes as they are, and gives the file's id. */
  async send(table: string, fileName: string, bytes: Buffer): Promise<string> {
    const answer = await this.#client.call(this.path(`/tables/${table}/files`), {
      body: { fileName, bytes: bytes.length },
    });
    expect(answer).toMatchObject({ status: 201 });
    const { fileId, upload } = answer.body as {
      fileId: string;
      upload: { url: string; headers: Record<string, string> };
    };
    const { url, headers } = upload;
    expect((await fetch(url, { method: 'PUT', headers, body: new Uint8Array(bytes) })).status).toBe(200);
    return fileId;
  }

  askToStage(table: string, body: Record<string, unknown>) {
    return this.#client.call(this.path(`/tables/${table}/stage`), { body });
  }

  /** Stages files and gives the operation at its end. */
  async stage(table: string, body: Record<string, unknown>): Promise<Operation> {
    return this.ended(await this.askToStage(table, body));
  }

  /** Sends one file of rows and stages it. */
  async stageRows(table: string, rows: string, mode = 'create'): Promise<Operation> {
    return this.stage(table, { fileIds: [await this.upload(table, 'rows.csv', rows)], mode });
  }

  askToMaterialize(body: Record<string, unknown> = {}) {
    return this.#client.call(this.path('/materializations'), { body });
  }

  async materialize(body: Record<string, unknown> = {}): Promise<Operation> {
    return this.ended(await this.askToMaterialize(body));
  }

  async ended({ status, body }: { status: number; body: Record<string, unknown> }): Promise<Operation> {
    expect({ status, body }).toMatchObject({ status: 202 });
    const events = await this.#client.follow(body['operationId'] as string);
    // Whoever follows is told of tables and files, never where they are kept.
    expect(JSON.stringify(events)).not.toMatch(/(graphs|uploads)\/kg\w+\/[^"]*\.\w+"/);
    const operation = await this.#client.call(`/v1/operations/${body['operationId'] as string}`);
    return { ...(operation.body as Omit<Operation, 'events'>), events };
  }

  async freshness(): Promise<Record<string, unknown>> {
    return (await this.#client.call(this.path('/freshness'))).body;
  }

  async rows(cypher: string): Promise<unknown> {
    const { status, body } = await this.#client.query(this.graphId, cypher);
    expect({ status, body }).toMatchObject({ status: 200 });
    return body['rows'];
  }

  path(rest: string): string {
    return `/v1/graphs/${this.graphId}${rest}`;
  }
}

export type Operation = {
  operationId: string;
  kind: string;
  status: string;
  result: Record<string, unknown> | null;
  error: { code: string; message: string } | null;
  events: StreamedEvent[];
};
