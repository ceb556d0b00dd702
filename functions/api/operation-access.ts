import { Refusal } from '../../domain/failure.ts';
import { FLEET_TENANT } from '../../domain/operation/operation.ts';
import type { Commander } from '../../domain/operation/operation-commands.ts';
import type { OperationEvent } from '../../domain/operation/operation-event.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';

/** Who calls, as the authorizer tells. */
export type Caller = { tenantId: string; actor: string; scopes: readonly string[] };

/**
 * Lets a caller see an operation of its own, and one of the fleet to those who may see the fleet. Any other does not exist.
 * @throws {Refusal} `not_found`
 */
export const mustSee = ({ tenantId, scopes }: Caller, operation: { operationId: string; tenantId: string }): void => {
  const needed = operation.tenantId === FLEET_TENANT ? 'fleet:read' : 'graphs:read';
  const visible = [tenantId, FLEET_TENANT].includes(operation.tenantId) && scopes.includes(needed);
  if (!visible) throw noOperation(operation.operationId);
};

/**
 * The operation that a caller wants to command, as of its newest event, and in what capacity: an operator commands
 * anybody's, a tenant its own.
 * @throws {Refusal} `not_found`
 */
export const commandOn = async (
  operations: OperationLog,
  { tenantId, actor, scopes }: Caller,
  operationId: string,
): Promise<{ last: OperationEvent; by: Commander }> => {
  const last = await operations.last(operationId);
  const own = last.tenantId === tenantId && scopes.includes('graphs:write');
  if (own) return { last, by: { actor } };
  if (scopes.includes('fleet:operate')) return { last, by: { actor, detail: { byOperator: true } } };
  throw noOperation(operationId);
};

/** What is there and not the caller's: the same answer as for what is not there. */
const noOperation = (operationId: string): Refusal =>
  new Refusal('not_found', `There is no operation "${operationId}".`, { denied: true });
