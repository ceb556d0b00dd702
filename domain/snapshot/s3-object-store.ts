import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { buffer, text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { escapeUriPath } from '@smithy/core/protocols';
import { errorIn, S3Error, textsIn } from '../aws/s3-answers.ts';
import { type S3Answer, type S3Call, S3Client, type S3Settings } from '../aws/s3-client.ts';
import { Terminal } from '../failure.ts';
import type { DownloadTerms, ObjectStore, SignedRequest, StoredObject, UploadTerms } from './object-store.ts';
import { contentDisposition, expiryOf } from './signed-request.ts';

const CHECKSUM = 'x-amz-checksum-sha256';
const WITH_CHECKSUM = { 'x-amz-checksum-mode': 'ENABLED' };

/** Objects in a bucket. */
export class S3ObjectStore implements ObjectStore {
  readonly #client: S3Client;
  readonly #bucket: string;

  constructor(bucket: string, settings: S3Settings = {}) {
    this.#client = new S3Client(bucket, settings);
    this.#bucket = bucket;
  }

  /** S3 takes up to 5 GB in one call, and only what has the checksum that the file had when it was read here. */
  async upload(key: string, file: string): Promise<void> {
    const [{ size }, sha256] = await Promise.all([stat(file), sha256Of(file)]);
    const headers = {
      'content-length': String(size),
      'content-type': 'application/octet-stream',
      'x-amz-content-sha256': sha256.toString('hex'),
      [CHECKSUM]: sha256.toString('base64'),
    };
    await this.#client.send({ method: 'PUT', key, headers, body: () => createReadStream(file) }, drained);
  }

  async download(key: string, file: string): Promise<void> {
    await this.#client
      .send({ method: 'GET', key, headers: WITH_CHECKSUM }, async ({ headers, body }) => {
        const hash = createHash('sha256');
        body.on('data', (chunk: Buffer) => hash.update(chunk));
        await pipeline(body, createWriteStream(file));
        const declared = checksumIn(headers);
        if (declared === null || declared === hash.digest('hex')) return;
        throw new S3Error('ContentMismatch', 500, `What S3 sent as "${key}" has not the checksum of the object.`);
      })
      .catch(whenMissing(key));
  }

  /** S3 copies up to 5 GB in one call, and computes the checksum while it does. */
  async copy(from: string, to: string): Promise<string> {
    const headers = {
      'x-amz-copy-source': `${this.#bucket}/${escapeUriPath(from)}`,
      'x-amz-checksum-algorithm': 'SHA256',
    };
    const answer = await this.#client
      .send({ method: 'PUT', key: to, headers }, async ({ body }) => {
        const content = await text(body);
        // S3 answers 200 before it has copied; what went wrong then is in the body.
        if (textsIn(content, 'Code').length > 0) throw errorIn(content, 500);
        return content;
      })
      .catch(whenMissing(from));
    return Buffer.from(textsIn(answer, 'ChecksumSHA256')[0] ?? '', 'base64').toString('hex');
  }

  async head(key: string): Promise<StoredObject | undefined> {
    try {
      const { headers } = await this.#client.send({ method: 'HEAD', key, headers: WITH_CHECKSUM }, drained);
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
      const page = await this.#client.send({ method: 'GET', query }, ({ body }) => text(body));
      keys.push(...textsIn(page, 'Key'));
      const [token] = textsIn(page, 'NextContinuationToken');
      next = token === undefined ? undefined : { 'continuation-token': token };
    }
    return keys.slice(0, most);
  }

  async remove(key: string): Promise<void> {
    await this.#client.send({ method: 'DELETE', key }, drained);
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

const whenMissing = (key: string) => (cause: unknown) => {
  if (!(cause instanceof S3Error && cause.name === 'NoSuchKey')) throw cause;
  throw new Terminal('internal', `The object store has no "${key}".`, { cause });
};
