import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import { expect, onTestFinished, test } from 'vitest';
import { type Identity, startIdentity } from '../../../local/identity/start-identity.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const audience = 'graphfleet';
const claims = { subject: 'dev', tenantId: 'tenant-a', scopes: ['graphs:read', 'graphs:write'] } as const;

const start = async (directory: string): Promise<Identity> => {
  const identity = await startIdentity({ port: 0, directory, audience });
  onTestFinished(() => identity.close());
  return identity;
};

const verify = (token: string, { issuer, jwksUrl }: Identity) =>
  jwtVerify(token, createRemoteJWKSet(new URL(jwksUrl)), { issuer, audience, algorithms: ['ES256'] });

test('a token has tenant, subject and scopes, and can be verified with the published keys', async () => {
  const identity = await start(await temporaryDirectory());

  const { payload } = await verify(await identity.sign(claims), identity);

  expect(payload).toMatchObject({ sub: 'dev', tenant_id: 'tenant-a', scope: 'graphs:read graphs:write' });
  expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(30 * 24 * 60 * 60);
  expect(payload.jti).toEqual(expect.any(String));
});

test('a token of an earlier run is valid after a restart on another port', async () => {
  const directory = await temporaryDirectory();
  const earlier = await start(directory);
  const token = await earlier.sign(claims);

  const later = await start(directory);

  expect(later.jwksUrl).not.toBe(earlier.jwksUrl);
  await expect(verify(token, later)).resolves.toMatchObject({ payload: { sub: 'dev' } });
});

test('a token of another directory is not valid', async () => {
  const [one, other] = [await start(await temporaryDirectory()), await start(await temporaryDirectory())];

  await expect(verify(await one.sign(claims), other)).rejects.toThrow();
});

test('an expired token can be made, for tests of refusals', async () => {
  const identity = await start(await temporaryDirectory());

  const token = await identity.sign({ ...claims, lifetimeSeconds: -60 });

  expect(decodeJwt(token).exp).toBeLessThan(decodeJwt(token).iat ?? 0);
  await expect(verify(token, identity)).rejects.toThrow('exp');
});

test('the discovery document leads to the keys, which are public parts only', async () => {
  const identity = await start(await temporaryDirectory());
  const wellKnown = new URL('/.well-known/openid-configuration', identity.jwksUrl);

  const document = (await (await fetch(wellKnown)).json()) as { issuer: string; jwks_uri: string };
  const { keys } = (await (await fetch(document.jwks_uri)).json()) as { keys: object[] };

  expect(document.issuer).toBe(identity.issuer);
  expect(keys).toEqual([expect.objectContaining({ kty: 'EC', crv: 'P-256', use: 'sig', kid: expect.any(String) })]);
  expect(keys[0]).not.toHaveProperty('d');
  expect((await fetch(new URL('/other', identity.jwksUrl))).status).toBe(404);
});
