import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose';

const ALGORITHM = 'ES256';

/** The key that signs tokens, and the part of it that the world may see. */
export type SigningKey = {
  readonly algorithm: string;
  readonly privateKey: Awaited<ReturnType<typeof importJWK>>;
  readonly publicJwk: JWK & { kid: string };
};

/** The key in the directory, made when there is none: tokens outlive the runtime that signed them. */
export const signingKeyIn = async (directory: string): Promise<SigningKey> => {
  await mkdir(directory, { recursive: true });
  const file = join(directory, 'signing-key.json');
  const jwk = (await readKey(file)) ?? (await createKey(file));
  const { d: _secret, ...visible } = jwk;
  const publicJwk = { ...visible, use: 'sig', alg: ALGORITHM, kid: await calculateJwkThumbprint(visible) };
  return { algorithm: ALGORITHM, privateKey: await importJWK(jwk, ALGORITHM), publicJwk };
};

const readKey = async (file: string): Promise<JWK | undefined> => {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as JWK;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
};

const createKey = async (file: string): Promise<JWK> => {
  const { privateKey } = await generateKeyPair(ALGORITHM, { extractable: true });
  const jwk = await exportJWK(privateKey);
  const unfinished = `${file}.new`;
  // Renamed into place, so that a crash leaves a whole key or none.
  await writeFile(unfinished, JSON.stringify(jwk), { mode: 0o600 });
  await rename(unfinished, file);
  return jwk;
};
