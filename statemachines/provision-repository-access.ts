import { whilePreparing } from './retry-policies.ts';
import { lambda, RECORDS, undo } from './runs.ts';
import { saga } from './saga.ts';

/**
 * The repository's creation, which is waited for up to 90 minutes; then three steps of 9 tries in 15 s and six undos
 * and records of 21 tries in 30 s, with 1 minute of waiting for each step and 4 for each undo: 3.2 hours.
 */
const LONGEST_SECONDS = 4 * 3_600;

/**
 * Gives a tenant access to a repository: the repository itself, created for the first who asks; the record of the
 * access; its credits; and only then a query gets through. What was there before is neither made again nor undone.
 */
export const provisionRepositoryAccess = saga({
  name: 'provision-repository-access',
  comment: 'Gives a tenant access to a shared repository; whatever fails is undone in reverse.',
  timeoutSeconds: LONGEST_SECONDS,
  steps: [
    // It belongs to the fleet and others may read it: nothing of it is undone.
    { name: 'EnsureRepository', run: { ...lambda('ensure-repository'), retry: whilePreparing }, undos: [] },
    { name: 'GrantAccess', run: lambda('grant-access'), undos: [undo('RevokeAccess', 'revoke-access')] },
    {
      name: 'AllocateCredits',
      run: lambda('allocate-access-credits'),
      undos: [undo('RevokeCredits', 'revoke-access-credits')],
    },
    { name: 'ActivateAccess', run: lambda('activate-access'), undos: [undo('DeactivateAccess', 'deactivate-access')] },
  ],
  records: RECORDS,
});
