import { rm } from 'node:fs/promises';
import { Refusal } from '../../domain/failure.ts';
import type { GraphStore } from '../../domain/graph/graph.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import type { ObjectStore } from '../../domain/snapshot/object-store.ts';
import type { StagedPart, StageRequest } from '../../domain/table/staging.ts';
import { newPartKey, type TablePart, type TableStore } from '../../domain/table/table.ts';
import { type TableFile, type TableFileStore, uploadKey } from '../../domain/table/table-file.ts';
import { TABLE_LIMITS } from '../../domain/table/table-limits.ts';
import type { SourceFile } from '../staging/source-file.ts';
import { stageTable } from '../staging/stage-table.ts';
import { fetchChecked, type Workspace } from '../workspace.ts';
import { askedOf, commitUpload } from './commit-upload.ts';
import type { JobWork } from './job-runner.ts';
import { tellRejects } from './tell-rejects.ts';

type Dependencies = {
  workspace: Workspace;
  operations: OperationLog;
  graphs: GraphStore;
  objects: ObjectStore;
  tables: TableStore;
  files: Pick<TableFileStore, 'get'>;
};

/**
 * Makes one part of all rows that a table is to have, and uploads it under the operation's claim. An insert makes the rows
 * that are there anew with those of the files, so that a table is one part, and no key is in it twice.
 */
export const stageFiles =
  ({ workspace, operations, graphs, objects, tables, files }: Dependencies): JobWork<'stage-table'> =>
  async (job, signal) => {
    const { operationId, graphId } = job;
    const asked = await askedOf<StageRequest>(operations, operationId);
    if (asked === undefined) return;
    const { table: name, fileIds, mode, ignoreErrors } = asked;
    const [graph, table] = await Promise.all([graphs.get(graphId), tables.get(graphId, name)]);
    if (graph === undefined || table.writer !== operationId)
      throw new Refusal('conflict', `The table ${name} is not this operation's any more.`);

    const scratch: string[] = [];
    const scratchFile = () => {
      scratch.push(workspace.scratchFile());
      return scratch.at(-1) ?? '';
    };
    const fetchUpload = async (fileId: string): Promise<SourceFile> => {
      const file = await files.get({ graphId, table: name, fileId });
      if (file === undefined) throw new Refusal('not_found', `The table ${name} has no file "${fileId}" any more.`);
      const path = scratchFile();
      await fetchChecked(objects, { key: uploadKey(file), checksum: file.checksum }, path, file.fileName);
      signal.throwIfAborted();
      return sourceOf(file, path);
    };
    const fetchPart = async (part: TablePart): Promise<string> => {
      const path = scratchFile();
      await fetchChecked(objects, part, path, `What is staged of ${name}`);
      return path;
    };

    try {
      const sources: SourceFile[] = [];
      for (const fileId of fileIds) sources.push(await fetchUpload(fileId));
      const [existing, ...more] = mode === 'insert' ? table.parts : [];
      if (more.length > 0) throw new Refusal('conflict', `The rows of ${name} are in several parts; stage them anew.`);
      const output = scratchFile();
      const { rowsPerTable: rows, bytes } = TABLE_LIMITS[graph.tier];
      const { rejected, ...staged } = await stageTable(
        {
          schema: graph.schema,
          table: name,
          files: sources,
          existing: existing === undefined ? null : await fetchPart(existing),
          output,
          ignoreErrors,
          limits: { rows, bytes },
        },
        { temporaryDirectory: scratchFile(), signal },
      );
      const part: TablePart = { key: newPartKey(table), ...staged };
      const { count, first } = rejected;
      const made: StagedPart = { part, version: table.version + 1, rejected: { count, first: [...first] } };
      const { rows: rowsStaged, bytes: bytesStaged } = part;
      const told = { table: name, files: sources.map((source) => source.name), rejected: count };
      await commitUpload({ operations, objects }, job, {
        files: [{ key: part.key, file: output }],
        signal,
        done: {
          step: 'stageFiles',
          message: `${rowsStaged} rows of ${name} staged`,
          detail: { ...told, rows: rowsStaged, bytes: bytesStaged },
          made,
        },
      });
    } catch (error) {
      await tellRejects(operations, operationId, 'stageFiles', error);
      throw error;
    } finally {
      for (const path of scratch) await rm(path, { recursive: true, force: true });
    }
  };

const sourceOf = ({ fileName, format, compression, delimiter }: TableFile, path: string): SourceFile => ({
  name: fileName,
  path,
  format,
  compression,
  ...(delimiter !== null && { delimiter }),
});
