import { webhookInbox } from '../billing.ts';
import { rotationStore } from '../dependencies.ts';
import { scheduledFunction } from '../pipeline/scheduled-function.ts';

/** The same work every run, however many are waiting. */
const EVENTS_A_RUN = 25;

/** Processes the events of the billing provider that were kept, and then lost. */
export const handler = scheduledFunction('retry-billing-events', (environment) => {
  const inbox = webhookInbox(environment);
  return () => inbox.takeTurn(rotationStore(environment), EVENTS_A_RUN);
});
