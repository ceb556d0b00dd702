import { remindOfUse } from '../../domain/billing/account-lifecycle.ts';
import { Terminal } from '../../domain/failure.ts';
import type { AccessRequest } from '../../domain/repository/repository-access.ts';
import { forwardStep } from '../pipeline/forward-step.ts';
import { OperationInput } from '../pipeline/step-function.ts';
import { accountStore, reminderStore } from '../wiring/billing.ts';
import { operationLog } from '../wiring/operation.ts';
import { repositoryAccessStore } from '../wiring/repository.ts';

/**
 * Makes the access usable and ends the operation with success.
 * @throws {Terminal} `conflict` when the access was taken back
 */
export const handler = forwardStep('activate-access', OperationInput, (environment) => {
  const operations = operationLog(environment);
  const accesses = repositoryAccessStore(environment);
  const accounts = accountStore(environment);
  const reminders = reminderStore(environment);
  return async ({ operationId }, last) => {
    const { tenantId, request } = await operations.firstBefore(last);
    const { repository } = request as AccessRequest;
    await accesses.activate(tenantId, repository, operationId);
    const access = await accesses.get(tenantId, repository);
    if (access?.status !== 'active' && access?.status !== 'suspended') {
      throw new Terminal('conflict', 'The access was taken back.');
    }
    await remindOfUse(accounts, reminders, tenantId);
    const { graphId, plan } = access;
    const result = { repository, graphId, plan, existed: access.operationId !== operationId };
    await operations.append(operationId, { type: 'succeeded', message: 'Access active', result }, last);
  };
});
