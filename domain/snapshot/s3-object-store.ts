import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  NoSuchKey,
  NotFound,
  PutObjectCommand,
  paginateListObjectsV2,
  S3Client,
  type S3ClientConfig,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { Terminal } from '../failure.ts';
import type { DownloadTerms, ObjectStore, SignedRequest, StoredObject, UploadTerms } from './object-store.ts';
import { contentDisposition, expiryOf } from './signed-request.ts';

const CHECKSUM_HEADER = 'x-amz-checksum-sha256';

/** Objects in a bucket. */
export class S3ObjectStore implements ObjectStore {
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #settings: S3ClientConfig;
  #signing: S3Client | undefined;

  constructor(bucket: string, settings: S3ClientConfig = {}) {
    this.#bucket = bucket;
    this.#settings = settings;
    this.#client = new S3Client(settings);
  }

  async upload(key: string, file: string): Promise<void> {
    const { size } = await stat(file);
    await this.#client.send(
      new PutObjectCommand({ Bucket: this.#bucket, Key: key, Body: createReadStream(file), ContentLength: size }),
    );
  }

  async download(key: string, file: string): Promise<void> {
    try {
      const { Body } = await this.#client.send(new GetObjectCommand({ Bucket: this.#bucket, Key: key }));
      if (!(Body instanceof Readable)) throw new Terminal('internal', `"${key}" has no content.`);
      await pipeline(Body, createWriteStream(file));
    } catch (cause) {
      if (!(cause instanceof NoSuchKey)) throw cause;
      throw new Terminal('internal', `The object store has no "${key}".`, { cause });
    }
  }

  /** S3 copies up to 5 GB in one call, and computes the checksum while it does. */
  async copy(from: string, to: string): Promise<string> {
    try {
      const { CopyObjectResult } = await this.#client.send(
        new CopyObjectCommand({
          Bucket: this.#bucket,
          CopySource: `${this.#bucket}/${from}`,
          Key: to,
          ChecksumAlgorithm: 'SHA256',
        }),
      );
      return Buffer.from(CopyObjectResult?.ChecksumSHA256 ?? '', 'base64').toString('hex');
    } catch (cause) {
      if (!(cause instanceof NoSuchKey)) throw cause;
      throw new Terminal('internal', `The object store has no "${from}".`, { cause });
    }
  }

  async head(key: string): Promise<StoredObject | undefined> {
    try {
      const { ContentLength: bytes = 0, ChecksumSHA256: checksum } = await this.#client.send(
        new HeadObjectCommand({ Bucket: this.#bucket, Key: key, ChecksumMode: 'ENABLED' }),
      );
      return { bytes, checksum: checksum === undefined ? null : Buffer.from(checksum, 'base64').toString('hex') };
    } catch (error) {
      if (error instanceof NotFound) return undefined;
      throw error;
    }
  }

  async signUpload({ key, bytes, checksum, expiresInSeconds }: UploadTerms): Promise<SignedRequest> {
    const ChecksumSHA256 = checksum === null ? undefined : Buffer.from(checksum, 'hex').toString('base64');
    const command = new PutObjectCommand({
      Bucket: this.#bucket,
      Key: key,
      ContentLength: bytes,
      IfNoneMatch: '*',
      ChecksumSHA256,
    });
    const headers = {
      'if-none-match': '*',
      ...(ChecksumSHA256 !== undefined && { [CHECKSUM_HEADER]: ChecksumSHA256 }),
    };
    return { method: 'PUT', headers, ...(await this.#sign(command, expiresInSeconds)) };
  }

  async signDownload({ key, fileName, expiresInSeconds }: DownloadTerms): Promise<SignedRequest> {
    const command = new GetObjectCommand({
      Bucket: this.#bucket,
      Key: key,
      ResponseContentDisposition: contentDisposition(fileName),
    });
    return { method: 'GET', headers: {}, ...(await this.#sign(command, expiresInSeconds)) };
  }

  async #sign(command: PutObjectCommand | GetObjectCommand, expiresIn: number) {
    // By default the checksum of a body is signed too: here there is none yet, and nothing but nothing could be sent.
    this.#signing ??= new S3Client({ ...this.#settings, requestChecksumCalculation: 'WHEN_REQUIRED' });
    const signingDate = new Date();
    const url = await getSignedUrl(this.#signing, command, {
      expiresIn,
      signingDate,
      unhoistableHeaders: new Set([CHECKSUM_HEADER]),
    });
    return { url, expiresAt: expiryOf(signingDate, expiresIn) };
  }

  async list(prefix: string, most = Number.POSITIVE_INFINITY): Promise<string[]> {
    const keys: string[] = [];
    for await (const page of paginateListObjectsV2(
      { client: this.#client },
      { Bucket: this.#bucket, Prefix: prefix },
    )) {
      keys.push(...(page.Contents ?? []).flatMap(({ Key }) => Key ?? []));
      if (keys.length >= most) break;
    }
    return keys.slice(0, most);
  }

  async remove(key: string): Promise<void> {
    await this.#client.send(new DeleteObjectCommand({ Bucket: this.#bucket, Key: key }));
  }
}
