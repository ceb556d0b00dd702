import { text } from 'node:stream/consumers';
import { defaultProvider } from '@aws-sdk/credential-provider-node';
import { Sha256 } from '@smithy/core/checksum';
import { HttpRequest } from '@smithy/core/protocols';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { SignatureV4 } from '@smithy/signature-v4';
import { currentTrace, TRACE_HEADER } from '../trace.ts';
import { Attempts } from './attempts.ts';
import { addressOf } from './service-address.ts';
import { ServiceError } from './service-error.ts';

const KNOWN_FOR_MS = 5 * 60_000;
/** To connect, and then to be answered: three attempts of both are less than the 10 s that a function has. */
const TIMEOUT_MS = 1_500;

export type SecretSettings = {
  /** @default as the SDK's own settings have it, and so the endpoint */
  credentials?: { accessKeyId: string; secretAccessKey: string; sessionToken?: string };
  /** Of a server that is not AWS. */
  endpoint?: string;
  now?: () => number;
};

/**
 * The secret that a reference names: `arn:…` of a secret of AWS Secrets Manager, which may change at any time, or the
 * secret itself.
 */
export const openSecret = (reference: string, settings: SecretSettings = {}): (() => Promise<string>) =>
  reference.startsWith('arn:') ? secretValue(reference, settings) : async () => reference;

/** Reads a secret as it is, or was within the last 5 minutes. */
const secretValue = (arn: string, { now = Date.now, ...settings }: SecretSettings) => {
  const call = getSecretValue(arn, settings);
  const attempts = new Attempts();
  let known: { value: string; until: number } | undefined;
  return async (): Promise<string> => {
    if (known !== undefined && now() < known.until) return known.value;
    known = { value: await attempts.make(call), until: now() + KNOWN_FOR_MS };
    return known.value;
  };
};

type Answer = { SecretString?: string; __type?: string; message?: string; Message?: string };

/** One call of Secrets Manager, in the region of the secret. It is made as `S3Client` makes its calls. */
const getSecretValue = (arn: string, { credentials, endpoint }: Omit<SecretSettings, 'now'>) => {
  const [, , , region = ''] = arn.split(':');
  const signer = new SignatureV4({
    service: 'secretsmanager',
    region,
    credentials: credentials ?? defaultProvider(),
    sha256: Sha256,
  });
  const address = addressOf('secretsmanager', endpoint);
  const http = new NodeHttpHandler({ connectionTimeout: TIMEOUT_MS, socketTimeout: TIMEOUT_MS });
  return async (): Promise<string> => {
    const { protocol, hostname, port, host, pathname } = await address(region);
    const trace = currentTrace();
    const request = new HttpRequest({
      method: 'POST',
      protocol,
      hostname,
      ...(port !== '' && { port: Number(port) }),
      path: pathname,
      headers: {
        host,
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': 'secretsmanager.GetSecretValue',
        ...(trace !== undefined && { [TRACE_HEADER]: trace }),
      },
      body: JSON.stringify({ SecretId: arn }),
    });
    const { response } = await http.handle(new HttpRequest(await signer.sign(request)));
    const answer = parsed(await text(response.body));
    if (response.statusCode >= 300) throw errorIn(response.statusCode, answer);
    if (answer === undefined) throw new ServiceError('Unreadable', 502, 'Secrets Manager did not answer in JSON.');
    return answer.SecretString ?? '';
  };
};

/** Undefined: it is not JSON, as what comes from a gateway in between. Its error would quote the answer. */
const parsed = (body: string): Answer | undefined => {
  try {
    return JSON.parse(body) as Answer;
  } catch {
    return undefined;
  }
};

/** The error that an answer tells. A namespace may stand before its code: `com.amazonaws.secretsmanager#DecryptionFailure`. */
const errorIn = (status: number, { __type = '', message, Message = message }: Answer = {}): ServiceError => {
  const code = __type.replace(/^.*#/, '') || `Http${status}`;
  return new ServiceError(code, status, Message ?? `Secrets Manager answered ${status}.`);
};
