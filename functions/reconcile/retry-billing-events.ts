import { scheduledFunction } from '../pipeline/scheduled-function.ts';
import { measureDeadLetters } from '../telemetry/letter-metrics.ts';
import { webhookInbox, webhookStore } from '../wiring/billing.ts';
import { rotationStore } from '../wiring/reconciliation.ts';

/** The same work every run, however many are waiting. */
const EVENTS_A_RUN = 25;

/** Processes the events of the billing provider that were kept, and then lost. */
export const handler = scheduledFunction('retry-billing-events', (environment) => {
  const inbox = webhookInbox(environment);
  return async () => {
    const turn = await inbox.takeTurn(rotationStore(environment), EVENTS_A_RUN);
    await measureDeadLetters(webhookStore(environment));
    return turn;
  };
});
