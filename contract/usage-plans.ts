import { createHash } from 'node:crypto';
import { SCOPES } from './api/route.ts';

/** Callers whose requests API Gateway counts together: each kind has its usage plan, and so its share of what the account has. */
export const CALLER_KINDS = ['tenants', 'operators'] as const;
export type CallerKind = (typeof CALLER_KINDS)[number];

const FLEET_SCOPES: readonly string[] = SCOPES.filter((scope) => scope.startsWith('fleet:'));

/**
 * The kind of a caller: who may see or change the fleet is an operator, whatever else the token allows.
 * @param scope the claim of the token, with a space between scopes
 */
export const callerKindOf = (scope: string): CallerKind =>
  scope.split(' ').some((each) => FLEET_SCOPES.includes(each)) ? 'operators' : 'tenants';

/**
 * The value of the API key that stands for all callers of a kind in their plan. It is no secret, and nobody sends it: the API
 * has its keys from the authorizer (`apiKeySourceType`), which names one as `usageIdentifierKey`, so a header `x-api-key` counts
 * for nothing. API Gateway takes 20 to 128 letters and digits, and no value twice in an account and region.
 */
export const usagePlanKey = (namePrefix: string, kind: CallerKind): string =>
  createHash('sha256').update(`${namePrefix} ${kind}`).digest('hex');
