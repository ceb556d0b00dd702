import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  NoSuchKey,
  PutObjectCommand,
  paginateListObjectsV2,
  S3Client,
} from '@aws-sdk/client-s3';
import { Terminal } from '../failure.ts';
import type { ObjectStore } from './object-store.ts';

/** Objects in a bucket. */
export class S3ObjectStore implements ObjectStore {
  readonly #client: S3Client;
  readonly #bucket: string;

  constructor(bucket: string, client: S3Client = new S3Client({})) {
    this.#bucket = bucket;
    this.#client = client;
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

  async list(prefix: string): Promise<string[]> {
    const keys: string[] = [];
    for await (const page of paginateListObjectsV2(
      { client: this.#client },
      { Bucket: this.#bucket, Prefix: prefix },
    )) {
      keys.push(...(page.Contents ?? []).flatMap(({ Key }) => Key ?? []));
    }
    return keys;
  }

  async remove(key: string): Promise<void> {
    await this.#client.send(new DeleteObjectCommand({ Bucket: this.#bucket, Key: key }));
  }
}
