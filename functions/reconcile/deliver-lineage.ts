import { lineageStore, rotationStore } from '../dependencies.ts';
import { lineageOutbox } from '../lineage.ts';
import { measureDeadLetters } from '../pipeline/letter-metrics.ts';
import { scheduledFunction } from '../pipeline/scheduled-function.ts';

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
