import { setTimeout as sleep } from 'node:timers/promises';
import type { OperationKind } from '../../domain/operation/operation.ts';
import { type RecordedCall, readRecording } from '../../local/recording/recorded-call.ts';
import { companiesGraph } from '../../test/fixtures/graph-requests.ts';
import type { RuntimeProcess } from '../../test/fixtures/runtime-process.ts';
import { recordedBetween } from './cost.ts';

/** A recording is on disk a quarter of a second later; what an execution's end starts is over by then. */
const SETTLED_MS = 2_000;
/** The instances that a runtime starts with are launched meanwhile. */
const STARTED_MS = 15_000;

type Body = Record<string, unknown>;
type Caller = 'tenant' | 'otherTenant' | 'operator';
export type Recorded = { kind: string; runs: number; seconds: number; calls: RecordedCall[] };

/** Runs operations of each kind alone, one after another, and gives what was recorded meanwhile. */
export class RecordedOperations {
  readonly #runtime: RuntimeProcess;
  readonly #directory: string;
  readonly #runs: number;

  constructor(runtime: RuntimeProcess, directory: string, runs: number) {
    this.#runtime = runtime;
    this.#directory = directory;
    this.#runs = runs;
  }

  /** A span in which nobody asks for anything. */
  async idle(seconds: number): Promise<Recorded> {
    await sleep(STARTED_MS);
    const before = readRecording(this.#directory);
    await sleep(seconds * 1_000);
    return { kind: 'idle', runs: 1, seconds, calls: recordedBetween(before, readRecording(this.#directory)) };
  }

  async *all(): AsyncGenerator<Recorded> {
    const graphs: string[] = [];
    yield await this.#measure('graph.create', async () => {
      graphs.push(
        String((await this.#done('/v1/graphs', companiesGraph({ kind: 'generic', entity: null })))['graphId']),
      );
    });
    yield await this.#measure('subgraph.create', (run) =>
      this.#done(`/v1/graphs/${graphs[run]}/subgraphs`, { name: 'empty' }),
    );
    yield await this.#measure('subgraph.fork', (run) =>
      this.#done(`/v1/graphs/${graphs[run]}/subgraphs`, { name: 'fork', fork: {} }),
    );
    yield await this.#measure('subgraph.delete', (run) =>
      this.#done(`/v1/graphs/${graphs[run]}/subgraphs/empty`, undefined, 'tenant', 'DELETE'),
    );
    yield* this.#loading(graphs);
    yield* this.#backups(graphs);
    yield await this.#measure('graph.change_tier', (run) =>
      this.#done(`/v1/graphs/${graphs[run]}/tier`, { tier: 'large' }),
    );
    await this.#done('/v1/repositories/filings/access', {});
    yield await this.#measure(
      'repository.access',
      () => this.#done('/v1/repositories/filings/access', {}, 'otherTenant'),
      { runs: 1 },
    );
    yield await this.#measure('graph.delete', (run) =>
      this.#done(`/v1/graphs/${graphs[run]}`, undefined, 'tenant', 'DELETE'),
    );
    yield* this.#fleet();
  }

  async *#loading(graphs: readonly string[]): AsyncGenerator<Recorded> {
    const stage = (run: number, mode: 'create' | 'insert', fileIds: string[]) =>
      this.#done(`/v1/graphs/${graphs[run]}/tables/Company/stage`, { fileIds, mode });
    for (const mode of ['create', 'insert'] as const) {
      const fileIds: string[] = [];
      yield await this.#measure(`table.${mode}`, (run) => stage(run, mode, fileIds.slice(run, run + 1)), {
        prepare: async (run) => void fileIds.push(await this.#upload(graphs[run] ?? '', `${mode}${run}`)),
      });
    }
    yield await this.#measure('graph.materialize', (run) =>
      this.#done(`/v1/graphs/${graphs[run]}/materializations`, {}),
    );
  }

  async *#backups(graphs: readonly string[]): AsyncGenerator<Recorded> {
    const backups: string[] = [];
    yield await this.#measure('backup.create', async (run) => {
      const { result } = await this.#done(`/v1/graphs/${graphs[run]}/backups`, {});
      backups.push(String(Object(result)['backupId']));
    });
    yield await this.#measure('backup.restore', (run) =>
      this.#done(`/v1/graphs/${graphs[run]}/backups/${backups[run]}/restore`, {}),
    );
  }

  async *#fleet(): AsyncGenerator<Recorded> {
    const request = { tiers: ['large'], forceRestart: true };
    yield await this.#measure('fleet.refresh', () => this.#done('/v1/fleet/refreshes', request, 'operator'), {
      runs: 1,
    });
    let instanceId = '';
    yield await this.#measure(
      'instance.launch',
      async () => {
        const { result } = await this.#done('/v1/fleet/instances', { tier: 'standard' }, 'operator');
        instanceId = String(Object(result)['instanceId']);
      },
      { runs: 1 },
    );
    yield await this.#measure(
      'instance.retire',
      () => this.#done(`/v1/fleet/instances/${instanceId}`, undefined, 'operator', 'DELETE'),
      { runs: 1 },
    );
  }

  async #measure(
    kind: OperationKind,
    run: (run: number) => Promise<unknown>,
    { runs = this.#runs, prepare }: { runs?: number; prepare?: (run: number) => Promise<void> } = {},
  ): Promise<Recorded> {
    for (let at = 0; at < runs; at += 1) await prepare?.(at);
    await sleep(SETTLED_MS);
    const before = readRecording(this.#directory);
    const startedAt = performance.now();
    for (let at = 0; at < runs; at += 1) await run(at);
    await sleep(SETTLED_MS);
    const calls = recordedBetween(before, readRecording(this.#directory));
    return { kind, runs, seconds: (performance.now() - startedAt) / 1_000, calls };
  }

  /** Asks for an operation, and follows its events to the end, as whoever asks for one would. */
  async #done(path: string, body: Body | undefined, caller: Caller = 'tenant', method = 'POST'): Promise<Body> {
    const { operationId = '', ...accepted } = await this.#call(path, method, body, caller);
    for (let seen = 0; ; ) {
      const response = await this.#fetch(`/v1/operations/${operationId as string}/events`, 'GET', undefined, caller, {
        accept: 'text/event-stream',
        'last-event-id': String(seen),
      });
      if (response.status !== 200)
        throw new Error(`The events of ${String(operationId)} were answered ${response.status}.`);
      const lines = (await response.text()).split('\n').filter((line) => line.startsWith('data: {"seq"'));
      const events = lines.map((line) => JSON.parse(line.slice('data: '.length)) as Body);
      const last = events.at(-1);
      seen = Number(last?.['seq'] ?? seen);
      if (last?.['status'] === 'succeeded') return { ...accepted, ...Object(last['detail']) };
      if (['failed', 'partial', 'cancelled', 'timed_out', 'compensation_failed'].includes(String(last?.['status'])))
        throw new Error(`${method} ${path}: ${JSON.stringify(last)}`);
    }
  }

  async #upload(graphId: string, name: string): Promise<string> {
    const rows = Array.from({ length: 100 }, (_, row) => `${name}-${row},2001-02-03,1.5,1`);
    const content = ['id,founded,revenue,employees', ...rows].join('\n');
    const path = `/v1/graphs/${graphId}/tables/Company/files`;
    const { fileId, upload } = await this.#call(path, 'POST', { fileName: 'rows.csv', bytes: content.length });
    const { url, headers } = upload as { url: string; headers: Record<string, string> };
    const { ok, status } = await fetch(url, { method: 'PUT', headers, body: content });
    if (!ok) throw new Error(`The upload was answered ${status}.`);
    return String(fileId);
  }

  async #call(path: string, method: string, body: Body | undefined, caller: Caller = 'tenant'): Promise<Body> {
    const response = await this.#fetch(path, method, body, caller);
    const answer = (await response.json()) as Body;
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
    return answer;
  }

  #fetch(path: string, method: string, body: Body | undefined, caller: Caller, headers: Record<string, string> = {}) {
    const authorization = `Bearer ${this.#runtime.tokens[caller]}`;
    return fetch(new URL(path, this.#runtime.url), {
      method,
      headers: { authorization, ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  }
}
