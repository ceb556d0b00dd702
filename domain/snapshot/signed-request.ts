import { createHmac, timingSafeEqual } from 'node:crypto';

/** What a URL of the directory's endpoint allows. */
export type SignedTerms = {
  method: 'PUT' | 'GET';
  key: string;
  /** In seconds since 1970. */
  expires: number;
  /** Of an upload. */
  bytes?: number;
  /** Of an upload: SHA-256, hexadecimal. */
  checksum?: string;
  /** Of a download. */
  fileName?: string;
};

/** The time at which what is signed now expires: RFC 3339, UTC, in whole seconds as the signature has it. */
export const expiryOf = (signedAt: Date, expiresInSeconds: number): string =>
  new Date((Math.floor(signedAt.getTime() / 1_000) + expiresInSeconds) * 1_000).toISOString();

/** Tells a browser to keep what it gets under a name, whatever characters are in it. */
export const contentDisposition = (fileName: string): string =>
  `attachment; filename*=UTF-8''${encodeURIComponent(fileName).replaceAll(/['()*]/g, (character) => `%${character.charCodeAt(0).toString(16)}`)}`;

/** The URL of an object below an endpoint, with its terms and what proves that they are ours. */
export const signedUrl = (endpoint: string, secret: string, terms: SignedTerms): string => {
  const { method: _, key, ...limits } = terms;
  const url = new URL(key.split('/').map(encodeURIComponent).join('/'), endpoint);
  for (const [name, value] of Object.entries(limits)) url.searchParams.set(name, String(value));
  url.searchParams.set('signature', signatureOf(secret, terms));
  return url.href;
};

/** The terms of a URL that {@link signedUrl} made. Undefined: it is not one of ours. */
export const verifiedTerms = (secret: string, method: string | undefined, url: URL): SignedTerms | undefined => {
  if (method !== 'PUT' && method !== 'GET') return undefined;
  const { expires, bytes, checksum, fileName, signature = '' } = Object.fromEntries(url.searchParams);
  const terms: SignedTerms = {
    method,
    key: url.pathname.slice(1).split('/').map(decoded).join('/'),
    expires: Number(expires),
    ...(bytes !== undefined && { bytes: Number(bytes) }),
    ...(checksum !== undefined && { checksum }),
    ...(fileName !== undefined && { fileName }),
  };
  const [given, own] = [Buffer.from(signature), Buffer.from(signatureOf(secret, terms))];
  return given.length === own.length && timingSafeEqual(given, own) ? terms : undefined;
};

const decoded = (part: string): string => {
  try {
    return decodeURIComponent(part);
  } catch {
    return '';
  }
};

const signatureOf = (secret: string, { method, key, expires, bytes, checksum, fileName }: SignedTerms): string =>
  createHmac('sha256', secret)
    .update(JSON.stringify([method, key, expires, bytes ?? null, checksum ?? null, fileName ?? null]))
    .digest('base64url');
