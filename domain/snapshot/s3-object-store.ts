import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { buffer, text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { escapeUriPath } from '@smithy/core/protocols';
import { errorIn, S3Error, textsIn } from '../aws/s3-answers.ts';
import { type S3Answer, type S3Call, S3Client, type S3Settings } from '../aws/s3-client.ts';
import { Terminal } from '../failure.ts';
import {
  type DownloadTerms,
  LARGEST_OBJECT_BYTES,
  type ObjectStore,
  type SignedRequest,
  type StoredObject,
  type UploadTerms,
} from './object-store.ts';
import { contentDisposition, expiryOf } from './signed-request.ts';

const CHECKSUM = 'x-amz-checksum-sha256';
const WITH_CHECKSUM = { 'x-amz-checksum-mode': 'ENABLED' };

/** Objects in a bucket. */
export class S3ObjectStore implements ObjectStore {
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #mostBytes: number;

  constructor(bucket: string, settings: S3Settings = {}, mostBytes = LARGEST_OBJECT_BYTES) {
    this.#client = new S3Client(bucket, settings);
    this.#bucket = bucket;
    this.#mostBytes = mostBytes;
  }

  /**
   * S3 takes only what has the checksum that the file had when it was read here.
   * @throws {Terminal} `too_large`
   */
  async upload(key: string, file: string): Promise<void> {
    const { size } = await stat(file);
    this.#mustFit(size);
    const sha256 = await sha256Of(file);
    const headers = {
      'content-length': String(size),
      'content-type': 'application/octet-stream',
      'x-amz-content-sha256': sha256.toString('hex'),
      [CHECKSUM]: sha256.toString('base64'),
    };
    await this.#send({ method: 'PUT', key, headers, body: () => createReadStream(file) }, drained);
  }

  async download(key: string, file: string): Promise<void> {
    await this.#send({ method: 'GET', key, headers: WITH_CHECKSUM }, async ({ headers, body }) => {
      const hash = createHash('sha256');
      body.on('data', (chunk: Buffer) => hash.update(chunk));
      await pipeline(body, createWriteStream(file));
      const declared = checksumIn(headers);
      if (declared === null || declared === hash.digest('hex')) return;
      throw new S3Error('ContentMismatch', 500, `What S3 sent as "${key}" has not the checksum of the object.`);
    }).catch(whenMissing(key));
  }

  /**
   * S3 computes the checksum while it copies.
   * @throws {Terminal} `too_large`
   */
  async copy(from: string, to: string): Promise<string> {
    this.#mustFit((await this.head(from))?.bytes ?? 0);
    const headers = {
      'x-amz-copy-source': `${this.#bucket}/${escapeUriPath(from)}`,
      'x-amz-checksum-algorithm': 'SHA256',
    };
    const answer = await this.#send({ method: 'PUT', key: to, headers }, async ({ body }) => {
      const content = await text(body);
      // S3 answers 200 before it has copied; what went wrong then is in the body.
      if (textsIn(content, 'Code').length > 0) throw errorIn(content, 500);
      return content;
    }).catch(whenMissing(from));
    return Buffer.from(textsIn(answer, 'ChecksumSHA256')[0] ?? '', 'base64').toString('hex');
  }

  async head(key: string): Promise<StoredObject | undefined> {
    try {
      const { headers } = await this.#send({ method: 'HEAD', key, headers: WITH_CHECKSUM }, drained);
      return { bytes: Number(headers['content-length']), checksum: checksumIn(headers) };
    } catch (error) {
      if (error instanceof S3Error && error.name === 'NotFound') return undefined;
      throw error;
    }
  }

  async signUpload({ key, bytes, checksum, expiresInSeconds }: UploadTerms): Promise<SignedRequest> {
    const headers = {
      'if-none-match': '*',
      ...(checksum !== null && { [CHECKSUM]: Buffer.from(checksum, 'hex').toString('base64') }),
    };
    const call: S3Call = {
      method: 'PUT',
      key,
      query: { 'x-id': 'PutObject' },
      headers: { ...headers, 'content-length': String(bytes) },
    };
    return { method: 'PUT', headers, ...(await this.#sign(call, expiresInSeconds)) };
  }

  async signDownload({ key, fileName, expiresInSeconds }: DownloadTerms): Promise<SignedRequest> {
    const query = { 'x-id': 'GetObject', 'response-content-disposition': contentDisposition(fileName) };
    return { method: 'GET', headers: {}, ...(await this.#sign({ method: 'GET', key, query }, expiresInSeconds)) };
  }

  #mustFit(bytes: number): void {
    if (bytes > this.#mostBytes)
      throw new Terminal(
        'too_large',
        `What is to be kept has ${bytes} bytes, and can have ${this.#mostBytes} at most.`,
      );
  }

  async #send<Result>(call: S3Call, read: (answer: S3Answer) => Promise<Result>): Promise<Result> {
    return this.#client.send(call, read).catch((cause: unknown) => {
      throw isForGood(cause) ? finalRefusal(cause) : cause;
    });
  }

  async #sign(call: S3Call, expiresIn: number) {
    const signingDate = new Date();
    // What an object has to be is asked of whoever sends it, so it stays a header.
    const url = await this.#client.presign(call, { signingDate, expiresIn }, new Set([CHECKSUM]));
    return { url, expiresAt: expiryOf(signingDate, expiresIn) };
  }

  async list(prefix: string, most = Number.POSITIVE_INFINITY): Promise<string[]> {
    const keys: string[] = [];
    let next: Record<string, string> | undefined = {};
    while (next !== undefined && keys.length < most) {
      const query: Record<string, string> = { 'list-type': '2', prefix, ...next };
      const page = await this.#send({ method: 'GET', query }, ({ body }) => text(body));
      keys.push(...textsIn(page, 'Key'));
      const [token] = textsIn(page, 'NextContinuationToken');
      next = token === undefined ? undefined : { 'continuation-token': token };
    }
    return keys.slice(0, most);
  }

  async remove(key: string): Promise<void> {
    await this.#send({ method: 'DELETE', key }, drained);
  }
}

/** An answer of which the body does not matter, read so that the connection can be used again. */
const drained = async (answer: S3Answer): Promise<S3Answer> => {
  await buffer(answer.body);
  return answer;
};

const checksumIn = ({ [CHECKSUM]: checksum }: Record<string, string>): string | null =>
  checksum === undefined ? null : Buffer.from(checksum, 'base64').toString('hex');

const sha256Of = async (file: string): Promise<Buffer> => {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest();
};

/** What may be otherwise at the next call: rights, what is there, how much is asked, and another call under way. */
const PASSING_STATUS = [403, 404, 408, 409, 429];
/** Of credentials that have run out, of a call that was spoiled on its way, and of a HEAD, which does not tell why. */
const PASSING = [
  'ExpiredToken',
  'RequestTimeout',
  'IncompleteBody',
  'BadDigest',
  'XAmzContentSHA256Mismatch',
  'Http400',
];

/** S3 will refuse the same call again, however often it is made. */
const isForGood = (error: unknown): error is S3Error => {
  if (!(error instanceof S3Error) || error.$fault !== 'client') return false;
  return !PASSING_STATUS.includes(error.$metadata.httpStatusCode) && !PASSING.includes(error.name);
};

const finalRefusal = (cause: S3Error): Terminal => {
  const code = cause.name === 'EntityTooLarge' ? 'too_large' : 'internal';
  return new Terminal(code, `The object store refuses it: ${cause.name}.`, { cause });
};

const whenMissing = (key: string) => (cause: unknown) => {
  if (!(cause instanceof S3Error && cause.name === 'NoSuchKey')) throw cause;
  throw new Terminal('internal', `The object store has no "${key}".`, { cause });
};
