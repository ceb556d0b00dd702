import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { isIpAddress, isVirtualHostableS3Bucket } from '@aws-sdk/core/client';
import { defaultProvider } from '@aws-sdk/credential-provider-node';
import { Sha256 } from '@smithy/core/checksum';
import { loadConfig, NODE_REGION_CONFIG_FILE_OPTIONS, NODE_REGION_CONFIG_OPTIONS } from '@smithy/core/config';
import { buildQueryString, escapeUriPath, HttpRequest } from '@smithy/core/protocols';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { SignatureV4 } from '@smithy/signature-v4';
import { currentTrace, TRACE_HEADER } from '../trace.ts';
import { Attempts } from './attempts.ts';
import { errorIn } from './s3-answers.ts';
import { addressOf } from './service-address.ts';

const CONNECTION_TIMEOUT_MS = 3_000;
/** Nothing came or went for so long. */
const SILENCE_TIMEOUT_MS = 60_000;
const NOT_SIGNED = 'UNSIGNED-PAYLOAD';

/** What is not given is as the SDK's own settings have it. */
export type S3Settings = {
  region?: string;
  credentials?: { accessKeyId: string; secretAccessKey: string; sessionToken?: string };
  /** Of a server that is not AWS. */
  endpoint?: string;
};

/** A call on an object, or without `key` on the bucket. */
export type S3Call = {
  method: 'GET' | 'HEAD' | 'PUT' | 'DELETE';
  key?: string;
  query?: Record<string, string>;
  headers?: Record<string, string>;
  /** Opened for each attempt. `content-length` and `x-amz-content-sha256` have to be in the headers. */
  body?: () => Readable;
};

export type S3Answer = { headers: Record<string, string>; body: Readable };

/**
 * Calls on one bucket. Made of what the SDK's clients are made of: its credentials, its signatures, its retries, its HTTP.
 * The SDK's client of S3 itself is 170 KB in each function that has it, for all that nobody calls here.
 */
export class S3Client {
  readonly #bucket: string;
  readonly #region: () => Promise<string>;
  readonly #address: (region: string) => Promise<URL>;
  readonly #signer: SignatureV4;
  readonly #http = new NodeHttpHandler({
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    socketTimeout: SILENCE_TIMEOUT_MS,
  });
  readonly #attempts = new Attempts();

  constructor(bucket: string, { region, credentials, endpoint }: S3Settings = {}) {
    this.#bucket = bucket;
    this.#region =
      region === undefined
        ? loadConfig(NODE_REGION_CONFIG_OPTIONS, NODE_REGION_CONFIG_FILE_OPTIONS)
        : async () => region;
    this.#address = addressOf('s3', endpoint);
    this.#signer = new SignatureV4({
      service: 's3',
      region: this.#region,
      credentials: credentials ?? defaultProvider(),
      sha256: Sha256,
      // A key is signed as it is sent.
      uriEscapePath: false,
    });
  }

  /**
   * Makes a call, again while that can help, until `read` has read its answer.
   * @throws {S3Error} S3 refuses it; after three attempts, also that S3 can not do it now
   */
  async send<Result>(call: S3Call, read: (answer: S3Answer) => Promise<Result>): Promise<Result> {
    return this.#attempts.make(async () => read(await this.#attempt(call)));
  }

  /** The URL by which anybody can make a call until it expires. Headers that S3 takes from a URL are put there. */
  async presign(
    call: S3Call,
    { signingDate, expiresIn }: { signingDate: Date; expiresIn: number },
    unhoistableHeaders: ReadonlySet<string> = new Set(),
  ): Promise<string> {
    const request = await this.#request({
      ...call,
      headers: { ...call.headers, 'X-Amz-Content-Sha256': NOT_SIGNED },
    });
    const signed = await this.#signer.presign(request, {
      signingDate,
      expiresIn,
      unhoistableHeaders: new Set(unhoistableHeaders),
    });
    const { protocol, headers, path, query = {} } = signed;
    return `${protocol}//${headers['host']}${path}?${buildQueryString(query)}`;
  }

  async #attempt(call: S3Call): Promise<S3Answer> {
    const request = await this.#request(call);
    const trace = currentTrace();
    if (trace !== undefined) request.headers[TRACE_HEADER] = trace;
    const signed = new HttpRequest(await this.#signer.sign(request));
    const body = call.body?.();
    const unreadable = new AbortController();
    body?.once('error', (error) => unreadable.abort(error));
    signed.body = body;
    try {
      const { response } = await this.#http.handle(signed, { abortSignal: unreadable.signal });
      if (response.statusCode >= 300) throw errorIn(await text(response.body), response.statusCode);
      return { headers: response.headers, body: response.body };
    } catch (error) {
      throw unreadable.signal.aborted ? unreadable.signal.reason : error;
    } finally {
      body?.destroy();
    }
  }

  async #request({ method, key = '', query = {}, headers = {} }: S3Call): Promise<HttpRequest> {
    const { protocol, hostname, port, host, basePath } = await this.#place();
    return new HttpRequest({
      method,
      protocol,
      hostname,
      ...(port !== '' && { port: Number(port) }),
      path: `${basePath}/${escapeUriPath(key)}`,
      query,
      headers: { ...headers, host },
    });
  }

  /** A bucket is named by the host, where a host can have its name. */
  async #place() {
    const { protocol, hostname, port, host, pathname } = await this.#address(await this.#region());
    const basePath = pathname.replace(/\/$/, '');
    const isAddress = isIpAddress(hostname);
    return isAddress || !isVirtualHostableS3Bucket(this.#bucket, protocol === 'http:')
      ? { protocol, hostname, port, host, basePath: `${basePath}/${this.#bucket}` }
      : { protocol, hostname: `${this.#bucket}.${hostname}`, port, host: `${this.#bucket}.${host}`, basePath };
  }
}
