import { randomUUID } from 'node:crypto';
import type { Route } from '../../contract/api/route.ts';
import type { AuditStore } from '../../domain/audit/audit.ts';
import { Refusal } from '../../domain/failure.ts';
import { FLEET_TENANT } from '../../domain/operation/operation.ts';
import type { Commander } from '../../domain/operation/operation-commands.ts';
import type { OperationEvent } from '../../domain/operation/operation-event.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';

/** Who calls, as the authorizer tells. */
export type Caller = { tenantId: string; actor: string; scopes: readonly string[] };

/**
 * Lets a caller see an operation of its own, and any to those who may see the fleet; when it is a tenant's, that is noted
 * before they do. For everybody else it does not exist.
 * @param route as the audit names it
 * @throws {Refusal} `not_found`
 */
export const mustSee = async (
  audit: Pick<AuditStore, 'put'>,
  { method, path }: Pick<Route, 'method' | 'path'>,
  { tenantId, actor, scopes }: Caller,
  operation: { operationId: string; tenantId: string; graphId: string | null },
): Promise<void> => {
  if (operation.tenantId === tenantId && scopes.includes('graphs:read')) return;
  if (!scopes.includes('fleet:read')) throw noOperation(operation.operationId);
  if (operation.tenantId === FLEET_TENANT) return;
  await audit.put({
    auditId: randomUUID(),
    at: new Date().toISOString(),
    type: 'operator_action',
    tenantId: operation.tenantId,
    actor,
    action: `${method} ${path}`,
    operationId: operation.operationId,
    graphId: operation.graphId,
    outcome: '200',
    detail: 'Read (by an operator)',
  });
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
