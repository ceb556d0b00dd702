import { type FieldIssue, Refusal } from '../failure.ts';
import type { Page, PageRequest } from '../page.ts';
import { uploadsPrefix } from './uploads.ts';

export const FILE_FORMATS = ['csv', 'json', 'ndjson', 'parquet'] as const;
export type FileFormat = (typeof FILE_FORMATS)[number];
export const FILE_COMPRESSIONS = ['none', 'gzip'] as const;
export type FileCompression = (typeof FILE_COMPRESSIONS)[number];
export const FILE_STATES = ['awaiting_upload', 'uploaded', 'staged'] as const;
export type FileState = (typeof FILE_STATES)[number];

/** What S3 takes in one upload. */
export const MAX_FILE_BYTES = 5 * 2 ** 30;
/** So many files of a table may wait to be staged. */
export const MAX_PENDING_FILES = 100;
export const UPLOAD_SECONDS = 15 * 60;

export type FileKey = { graphId: string; table: string; fileId: string };

/** A file as its tenant describes it. The checksum is SHA-256, hexadecimal. */
export type FileDescription = {
  fileName: string;
  format: FileFormat;
  compression: FileCompression;
  /** Of CSV; null: a comma. */
  delimiter: string | null;
  bytes: number;
  checksum: string | null;
};

/** A file that a tenant sends to be staged into a table. */
export type TableFile = FileKey &
  FileDescription & {
    createdBy: string;
    createdAt: string;
    /** From then on it does not exist any more. */
    keptUntil: string;
    /** When its bytes were first seen. */
    uploadedAt: string | null;
    /** The operation that staged it last. */
    stagedBy: string | null;
  };

/** @throws {Refusal} `too_large` */
export const refuseLongFile = ({ bytes }: Pick<FileDescription, 'bytes'>): void => {
  if (bytes > MAX_FILE_BYTES)
    throw new Refusal('too_large', `The file has ${bytes} bytes; a file can have ${MAX_FILE_BYTES}.`);
};

export const fileState = ({ uploadedAt, stagedBy }: TableFile): FileState =>
  stagedBy !== null ? 'staged' : uploadedAt !== null ? 'uploaded' : 'awaiting_upload';

/** Where files are kept. Those whose time is over are not there. Each change is one conditional write. */
export interface TableFileStore {
  /**
   * Lets a file wait among its table's, if fewer than {@link MAX_PENDING_FILES} do. Repeating it is harmless.
   * @returns false when there is no room
   */
  admit(file: FileKey, keptUntil: string): Promise<boolean>;
  /** Puts a file where none is. Returns the file that is there then: this one, or the one of an earlier call. */
  create(file: TableFile): Promise<TableFile>;
  /** Read consistently. */
  get(file: FileKey): Promise<TableFile | undefined>;
  /** The files of a table, by id. */
  list(graphId: string, table: string, page: PageRequest): Promise<Page<TableFile>>;
  /** How many files of each table of a graph wait to be staged; tables without any are left out. */
  countPending(graphId: string): Promise<ReadonlyMap<string, number>>;
  /** Notes that the bytes are there. The first time counts. */
  markUploaded(file: FileKey, at: string): Promise<void>;
  /** Notes which operation staged it, and that it waits no more. */
  markStaged(file: FileKey, operationId: string): Promise<void>;
  /** Removes a file's record and its place; one that is not there is removed already. */
  remove(file: FileKey): Promise<void>;
}

export const uploadKey = ({ graphId, table, fileId }: FileKey): string => `${uploadsPrefix(graphId)}${table}/${fileId}`;

type Described = { fileName: string; format: FileFormat | null; compression: FileCompression | null };

const EXTENSIONS: Readonly<Record<string, FileFormat>> = {
  csv: 'csv',
  json: 'json',
  ndjson: 'ndjson',
  jsonl: 'ndjson',
  parquet: 'parquet',
};

/**
 * The format and compression of a file, by what is said of it or else by its name. What is said must not be another
 * than what the name says.
 */
export const formatOf = ({
  fileName,
  ...said
}: Described): { format: FileFormat; compression: FileCompression; issues: FieldIssue[] } => {
  const [, stem = fileName, suffix] = /^(.*?)(\.gz)?$/is.exec(fileName) ?? [];
  const extension = /\.([^.]+)$/.exec(stem)?.[1]?.toLowerCase() ?? '';
  const named = Object.hasOwn(EXTENSIONS, extension) ? EXTENSIONS[extension] : undefined;
  const packed = suffix === undefined ? undefined : 'gzip';
  const format = said.format ?? named;
  const compression = said.compression ?? packed ?? 'none';
  const issues: FieldIssue[] = [];
  if (format === undefined)
    issues.push({
      path: 'format',
      message: `The name does not tell the format. Use one of ${FILE_FORMATS.join(', ')}.`,
    });
  else if (named !== undefined && named !== format)
    issues.push({ path: 'format', message: `The file is named as ${named}, not as ${format}.` });
  if (packed !== undefined && compression !== packed)
    issues.push({ path: 'compression', message: 'The file is named as gzip, and said not to be compressed.' });
  if (format === 'parquet' && compression === 'gzip')
    issues.push({ path: 'compression', message: 'Parquet is compressed within; send it as it is.' });
  return { format: format ?? 'csv', compression, issues };
};
