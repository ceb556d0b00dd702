import { decodeJwt } from 'jose';
import { callerKindOf, usagePlanKey } from '../../contract/usage-plans.ts';

const NAME_PREFIX = 'graphfleet-dev';

/**
 * The header by which the emulator wants to be told what it could know of the authorizer, whose answer it does not ask for a
 * key. A caller without a token that can be read gets none, and is refused by the authorizer first.
 */
export const callerKeyHeader = (authorization = ''): { 'x-api-key'?: string } => {
  try {
    const { scope } = decodeJwt<{ scope?: unknown }>(authorization.replace(/^bearer /i, ''));
    return { 'x-api-key': usagePlanKey(NAME_PREFIX, callerKindOf(String(scope))) };
  } catch {
    return {};
  }
};
