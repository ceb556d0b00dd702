import { randomUUID } from 'node:crypto';
import type { APIGatewayAuthorizerResult, APIGatewayTokenAuthorizerEvent } from 'aws-lambda';
import { createRemoteJWKSet, errors, jwtVerify } from 'jose';
import * as z from 'zod';
import type { TokenEnvironment, UsagePlanEnvironment } from '../../contract/environment.ts';
import { FUNCTIONS } from '../../contract/functions.ts';
import { callerKindOf, usagePlanKey } from '../../contract/usage-plans.ts';
import type { AuditEntry, AuditStore } from '../../domain/audit/audit.ts';
import { CONTROL_PLANE } from '../../domain/operation/operation-event.ts';
import { logger } from '../telemetry/logger.ts';
import { measure } from '../telemetry/metrics.ts';
import { auditStore } from '../wiring/audit.ts';

/** Asymmetric only: a key set that is public must not double as a shared secret, and `none` is not an algorithm. */
const ALGORITHMS = ['RS256', 'PS256', 'ES256'];
const CLOCK_TOLERANCE_SECONDS = 5;

const Claims = z.object({
  // Nobody can go by the name under which the control plane acts: the audit leaves out what that does by itself.
  sub: z
    .string()
    .min(1)
    .refine((subject) => subject !== CONTROL_PLANE),
  // Part of keys in the control table, so no separator of keys.
  tenant_id: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
  scope: z.string(),
});

/** What handlers find in the request's authorizer context. */
type CallerContext = { tenantId: string; subject: string; scopes: string };

/**
 * API Gateway's token authorizer: tenant and scopes come from the claims of a token that the issuer signed, and by the scopes
 * it is counted in the usage plan of tenants or of operators.
 * @throws {Error} `Unauthorized`, the word that API Gateway turns into 401; anything else is a fault of ours, 500
 */
const authorize = (
  { TOKEN_ISSUER, TOKEN_AUDIENCE, TOKEN_JWKS_URL, NAME_PREFIX }: TokenEnvironment & UsagePlanEnvironment,
  audit: Pick<AuditStore, 'count'>,
) => {
  const keys = createRemoteJWKSet(new URL(TOKEN_JWKS_URL));
  const expected = {
    issuer: TOKEN_ISSUER,
    audience: TOKEN_AUDIENCE,
    algorithms: ALGORITHMS,
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
    requiredClaims: ['exp', 'sub', 'tenant_id', 'scope'],
  };
  const decide = async ({
    authorizationToken,
    methodArn,
  }: APIGatewayTokenAuthorizerEvent): Promise<APIGatewayAuthorizerResult> => {
    const [scheme, token] = authorizationToken.split(' ');
    if (scheme?.toLowerCase() !== 'bearer' || token === undefined) throw unauthorized();
    const { payload } = await jwtVerify(token, keys, expected).catch((error: unknown) => {
      throw isTokensFault(error) ? unauthorized(error) : error;
    });
    const claims = Claims.safeParse(payload);
    if (!claims.success) throw unauthorized(claims.error);
    const { sub, tenant_id, scope } = claims.data;
    const usageIdentifierKey = usagePlanKey(NAME_PREFIX, callerKindOf(scope));
    return { ...allow(methodArn, { tenantId: tenant_id, subject: sub, scopes: scope }), usageIdentifierKey };
  };
  return async (event: APIGatewayTokenAuthorizerEvent): Promise<APIGatewayAuthorizerResult> => {
    try {
      return await decide(event);
    } catch (error) {
      if (error instanceof Error && error.message === UNAUTHORIZED) await note(audit, event, error.cause);
      throw error;
    }
  };
};

/**
 * Notes a token that was not taken. Nothing that it says of itself is believed, so it is nobody's; and anybody can send
 * any number of them, so they are counted.
 */
const note = async (
  audit: Pick<AuditStore, 'count'>,
  { methodArn }: APIGatewayTokenAuthorizerEvent,
  cause: unknown,
): Promise<void> => {
  const [, , method, ...path] = methodArn.split('/');
  const entry: AuditEntry = {
    auditId: randomUUID(),
    at: new Date().toISOString(),
    type: 'denial',
    tenantId: null,
    actor: '',
    action: `${method} /${path.join('/')}`.slice(0, 200),
    operationId: null,
    graphId: null,
    outcome: 'unauthorized',
    detail: cause instanceof errors.JOSEError ? cause.code : 'The token is not one of ours.',
  };
  await audit.count('token', entry).catch((error: unknown) => {
    logger.error('An entry of the audit was not written', { entry, error: error as Error });
    measure('AuditFailed', 1);
  });
};

/** The answer is cached for a token, so it allows every method; scopes are checked where the route is known. */
const allow = (methodArn: string, context: CallerContext): APIGatewayAuthorizerResult => {
  const [api, stage] = methodArn.split('/');
  return {
    principalId: context.subject,
    policyDocument: {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: 'execute-api:Invoke', Resource: `${api}/${stage}/*` }],
    },
    context,
  };
};

const isTokensFault = (error: unknown): boolean =>
  error instanceof errors.JOSEError && !(error instanceof errors.JWKSTimeout) && error.code !== 'ERR_JOSE_GENERIC';

/** The word that API Gateway turns into 401. */
const UNAUTHORIZED = 'Unauthorized';
const unauthorized = (cause?: unknown) => new Error(UNAUTHORIZED, { cause });

const environment = FUNCTIONS.authorize.environment.parse(process.env);
export const handler = authorize(environment, auditStore(environment));
