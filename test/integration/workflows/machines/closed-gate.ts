import type { FleetTier } from '../../../../domain/fleet/tier.ts';
import type { OperationRequest } from '../../../../domain/operation/operation-commands.ts';
import type { Stage } from '../stage.ts';

const AT = '2026-01-01T00:00:00.000Z';

/**
 * Leads a run to the wait for its instance: a drain closes the gate before the job is handed out, and opens it just before
 * the workflow waits, which then wakes itself.
 */
export const closedGate =
  (stage: Stage, tier: FleetTier, job: string) =>
  async ({ operationId }: Pick<OperationRequest, 'operationId'>): Promise<void> => {
    const place = { instanceId: `inst-${tier}-1`, tier };
    const owner = `drain-for-${operationId}.1`;
    await stage.leases.beginDrain(place, { owner, reason: 'A test', since: AT });
    const act = () => stage.leases.undrain(place, owner, AT);
    stage.faults.afterwards({ operationId, from: '', after: job, act });
  };
