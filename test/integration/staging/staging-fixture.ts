import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { ResolvedSchema } from '../../../domain/graph/graph-schema.ts';
import { DuckDBSession, sqlText } from '../../../instance/staging/duckdb-session.ts';
import type { SourceFile } from '../../../instance/staging/source-file.ts';
import { type StagedTable, type StageTable, stageTable } from '../../../instance/staging/stage-table.ts';

/** A directory of a test's own, with the schema that its tables are of. */
export class Staging implements AsyncDisposable {
  readonly directory: string;
  readonly schema: ResolvedSchema;

  private constructor(directory: string, schema: ResolvedSchema) {
    this.directory = directory;
    this.schema = schema;
  }

  static async open(tables: Partial<Pick<ResolvedSchema, 'nodes' | 'relationships'>>): Promise<Staging> {
    const directory = await mkdtemp(join(tmpdir(), 'graphfleet-staging-'));
    const named = { name: 'test', version: '1.0.0', extends: null, extensions: [] };
    return new Staging(directory, { ...named, nodes: [], relationships: [], ...tables });
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  /** Writes a file whose format and compression its name tells. */
  async file(name: string, content: string | Buffer, more: Partial<SourceFile> = {}): Promise<SourceFile> {
    const source = { ...this.source(name), ...more };
    await writeFile(source.path, source.compression === 'gzip' ? gzipSync(content) : content);
    return source;
  }

  /** Writes a Parquet file of what a query of DuckDB's answers. */
  async parquet(name: string, query: string): Promise<SourceFile> {
    await using duckdb = await this.duckdb();
    await duckdb.run(`COPY (${query}) TO ${sqlText(this.path(name))} (FORMAT parquet)`);
    return this.source(name);
  }

  source(name: string): SourceFile {
    const [, format, gzip] = /\.(csv|json|ndjson|parquet)(\.gz)?$/.exec(name) ?? [];
    return {
      name,
      path: this.path(name),
      format: format as SourceFile['format'],
      compression: gzip === undefined ? 'none' : 'gzip',
    };
  }

  async stage(table: string, files: SourceFile[], more: Partial<StageTable> = {}): Promise<StagedTable> {
    const { signal, ...request } = more as Partial<StageTable> & { signal?: AbortSignal };
    return stageTable(
      {
        schema: this.schema,
        table,
        files,
        existing: null,
        output: this.path(`${table}.parquet`),
        ignoreErrors: false,
        limits: { rows: 1_000_000, bytes: 2 ** 30 },
        ...request,
      },
      { temporaryDirectory: this.directory, ...(signal && { signal }) },
    );
  }

  /** Rows of a staged table, by a query on `staged`. */
  async query(table: string, query = 'FROM staged'): Promise<unknown[]> {
    await using duckdb = await this.duckdb();
    return await duckdb.rows(`WITH staged AS (FROM read_parquet(${sqlText(this.path(`${table}.parquet`))})) ${query}`);
  }

  duckdb(): Promise<DuckDBSession> {
    return DuckDBSession.open({ temporaryDirectory: this.directory });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}
