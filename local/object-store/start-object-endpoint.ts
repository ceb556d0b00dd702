import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { link, mkdir, rm, stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type ObjectEndpoint, objectDirectories, partialFile } from '../../domain/snapshot/directory-object-store.ts';
import { contentDisposition, type SignedTerms, verifiedTerms } from '../../domain/snapshot/signed-request.ts';
import { listenOnLoopback } from '../loopback.ts';

/** What S3 would refuse with this status; the message is for people. */
class Refused extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export type RunningObjectEndpoint = ObjectEndpoint & { close(): Promise<void> };

/**
 * Serves the objects of a directory, on 127.0.0.1, to those who have a URL that the directory's store signed: what
 * presigned URLs are on S3. The secret is new each time, so that no URL outlives the endpoint.
 */
export const startObjectEndpoint = async (directory: string): Promise<RunningObjectEndpoint> => {
  const secret = randomBytes(32).toString('base64url');
  const server = createServer((request, response) => {
    serve(directory, secret, request, response).catch((error: unknown) => refuse(request, response, error));
  });
  const { url, close } = await listenOnLoopback(server);
  return { endpoint: `${url}/`, secret, close };
};

const serve = async (directory: string, secret: string, request: IncomingMessage, response: ServerResponse) => {
  const terms = verifiedTerms(secret, request.method, new URL(request.url ?? '/', 'http://127.0.0.1'));
  if (terms === undefined) throw new Refused(403, 'The signature is not one for this request.');
  if (terms.expires * 1_000 <= Date.now()) throw new Refused(403, 'The URL has expired.');
  if (terms.key.split('/').some(isOdd)) throw new Refused(400, 'The key is not one that an object can have.');
  await (terms.method === 'PUT' ? take : give)(directory, terms, request, response);
};

/** A part of a key that would be another place than it says, or none. */
const isOdd = (part: string): boolean => part === '' || part === '.' || part === '..' || /[\\\0]/.test(part);

const take = async (
  directory: string,
  { key, bytes, checksum }: SignedTerms,
  request: IncomingMessage,
  response: ServerResponse,
) => {
  if (request.headers['if-none-match'] !== '*') throw new Refused(403, 'The header "if-none-match: *" is signed.');
  if (Number(request.headers['content-length'] ?? 'none') !== bytes)
    throw new Refused(403, `The length is signed: send just ${bytes} bytes.`);
  const { objects, partial } = objectDirectories(directory);
  const whole = join(objects, key);
  if ((await sizeOf(whole)) !== undefined) throw new Refused(412, 'The object is there already.');
  const part = await partialFile(partial);
  await mkdir(dirname(whole), { recursive: true });
  try {
    const hash = createHash('sha256');
    const hashing = new Transform({
      transform(chunk: Buffer, _encoding, next) {
        hash.update(chunk);
        next(null, chunk);
      },
    });
    await pipeline(request, hashing, createWriteStream(part));
    if (checksum !== undefined && hash.digest('hex') !== checksum)
      throw new Refused(400, 'The bytes do not have the checksum that was said.');
    // A link is whole or not at all, and never replaces another's.
    await link(part, whole).catch((cause: NodeJS.ErrnoException) => {
      throw cause.code === 'EEXIST' ? new Refused(412, 'The object is there already.') : cause;
    });
  } finally {
    await rm(part, { force: true });
  }
  response.writeHead(200, { 'content-length': 0 }).end();
};

const give = async (
  directory: string,
  { key, fileName }: SignedTerms,
  _request: IncomingMessage,
  response: ServerResponse,
) => {
  const file = join(objectDirectories(directory).objects, key);
  const bytes = await sizeOf(file);
  if (bytes === undefined) throw new Refused(404, 'There is no such object.');
  response.writeHead(200, {
    'content-length': bytes,
    'content-type': 'application/octet-stream',
    ...(fileName !== undefined && { 'content-disposition': contentDisposition(fileName) }),
  });
  await pipeline(createReadStream(file), response);
};

const sizeOf = async (file: string): Promise<number | undefined> => {
  const found = await stat(file).catch(() => undefined);
  return found?.isFile() ? found.size : undefined;
};

const refuse = (request: IncomingMessage, response: ServerResponse, error: unknown): void => {
  if (response.headersSent || response.destroyed) return void response.destroy();
  const { status, message } = error instanceof Refused ? error : new Refused(500, 'Something went wrong on our side.');
  // What is still being sent is read and left: a connection that is cut would cut the answer too.
  request.resume();
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
  response.end(JSON.stringify({ message }));
};
