import { Refusal } from '../failure.ts';
import type { OperationEvent } from '../operation/operation-event.ts';
import type { OperationLog } from '../operation/operation-log.ts';
import { answerTo } from '../operation/operator-input.ts';
import type { FleetTier, TierStore } from './tier.ts';

/**
 * Has an operator agree to what goes on a tier that is marked for it.
 * @throws {WaitingForInput} nobody has answered yet
 * @throws {Refusal} `forbidden` when the answer is no
 */
export const requireApproval = async (
  operations: OperationLog,
  tiers: TierStore,
  last: OperationEvent,
  tier: FleetTier,
): Promise<void> => {
  if ((await tiers.get(tier)).approval !== true) return;
  const answer = await answerTo(operations, last, {
    question: `May this operation use the tier "${tier}"?`,
    options: ['approve', 'reject'],
    scope: 'fleet:operate',
  });
  if (answer === 'reject') throw new Refusal('forbidden', `An operator has refused the tier "${tier}".`);
};
