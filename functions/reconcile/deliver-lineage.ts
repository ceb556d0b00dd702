import { scheduledFunction } from '../pipeline/scheduled-function.ts';
import { measureDeadLetters } from '../telemetry/letter-metrics.ts';
import { lineageOutbox, lineageStore } from '../wiring/lineage.ts';
import { rotationStore } from '../wiring/reconciliation.ts';

/** The same work every run, however many are waiting. */
const EVENTS_A_RUN = 25;
const NOTHING = { processed: 0, failed: 0, dead: 0 };

/** Posts the events of lineage that are due. */
export const handler = scheduledFunction('deliver-lineage', (environment) => {
  const outbox = lineageOutbox(environment);
  return async () => {
    const turn = (await outbox?.takeTurn(rotationStore(environment), EVENTS_A_RUN)) ?? NOTHING;
    await measureDeadLetters(lineageStore(environment));
    return turn;
  };
});
