import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { SignJWT } from 'jose';
import type { Scope } from '../../contract/api/route.ts';
import { listenOnLoopback } from '../loopback.ts';
import { signingKeyIn } from './signing-key.ts';

/**
 * `iss` of every development token: a name, not an address. The port may change from run to run, and a token of an
 * earlier run must stay valid; where the keys are is told apart from it, as TOKEN_JWKS_URL.
 */
const ISSUER = 'http://graphfleet.localhost';

const LIFETIME_SECONDS = 30 * 24 * 60 * 60;

export type IdentityOptions = {
  /** The port on 127.0.0.1; 0 takes one that is free. */
  readonly port: number;
  /** Where the key pair is kept. */
  readonly directory: string;
  /** `aud` of the tokens. */
  readonly audience: string;
};

/** Who a token is for, and what it allows. */
export type TokenClaims = {
  readonly subject: string;
  readonly tenantId: string;
  readonly scopes: readonly Scope[];
  /** @default 30 days */
  readonly lifetimeSeconds?: number;
};

/** An OIDC issuer for development, as far as an API needs one: discovery, keys and access tokens; nobody logs in. */
export type Identity = {
  readonly issuer: string;
  readonly jwksUrl: string;
  sign(claims: TokenClaims): Promise<string>;
  close(): Promise<void>;
};

/** Starts the issuer. Tokens that it signed in earlier runs in the same directory are valid still. */
export const startIdentity = async ({ port, directory, audience }: IdentityOptions): Promise<Identity> => {
  const { algorithm, privateKey, publicJwk } = await signingKeyIn(directory);
  const documents = new Map<string | undefined, () => object>([
    ['/jwks.json', () => ({ keys: [publicJwk] })],
    ['/.well-known/openid-configuration', () => discoveryDocument(jwksUrl, algorithm)],
  ]);
  const server = createServer((request, response) => {
    const document = request.method === 'GET' ? documents.get(request.url) : undefined;
    response.writeHead(document === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(document?.() ?? { error: 'not_found' }));
  });
  const { url, close } = await listenOnLoopback(server, port);
  const jwksUrl = `${url}/jwks.json`;

  return {
    issuer: ISSUER,
    jwksUrl,
    sign({ subject, tenantId, scopes, lifetimeSeconds = LIFETIME_SECONDS }) {
      const issuedAt = Math.floor(Date.now() / 1000);
      return new SignJWT({ tenant_id: tenantId, scope: scopes.join(' ') })
        .setProtectedHeader({ alg: algorithm, kid: publicJwk.kid, typ: 'at+jwt' })
        .setIssuer(ISSUER)
        .setAudience(audience)
        .setSubject(subject)
        .setJti(randomUUID())
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + lifetimeSeconds)
        .sign(privateKey);
    },
    close,
  };
};

const discoveryDocument = (jwksUrl: string, algorithm: string) => ({
  issuer: ISSUER,
  jwks_uri: jwksUrl,
  id_token_signing_alg_values_supported: [algorithm],
  subject_types_supported: ['public'],
  response_types_supported: [],
});
