import { Logger } from '@aws-lambda-powertools/logger';
import { toldError } from '../../domain/told-error.ts';

/** What is not JSON is quoted by the error that says so. */
const hasOwnWords = (error: Error): boolean => !(error instanceof SyntaxError);

/**
 * Structured lines for CloudWatch, of the stage and the level that the environment names. Each carries its invocation's
 * trace and what the invocation is {@link about}. Never a token, a secret, a task token, a whole event, or a tenant's rows.
 */
export const logger = new Logger({
  jsonReplacerFn: (_key, value: unknown) => (value instanceof Error ? toldError(value, hasOwnWords) : value),
});

/** What lines tell by ids of their own, to be looked for by them. */
const IDS = ['operationId', 'graphId', 'tenantId', 'instanceId', 'subscriptionId'] as const;
type Subject = { readonly [Id in (typeof IDS)[number]]?: string | undefined };

/** Begins an invocation: what lines told of the one before is forgotten. */
export const beginLines = (own: Record<string, string | undefined>): void => {
  logger.resetKeys();
  logger.appendKeys(own);
};

/** Has all lines of the invocation from here on tell what it is about: the ids in `found`, and nothing else of it. */
export const about = (found: unknown): void => {
  const ids = (typeof found === 'object' && found !== null ? found : {}) as Record<string, unknown>;
  const told = IDS.filter((id) => typeof ids[id] === 'string').map((id) => [id, ids[id]]);
  logger.appendKeys(Object.fromEntries(told) as Subject);
};
