import { scheduledFunction } from '../pipeline/scheduled-function.ts';
import { measure } from '../telemetry/metrics.ts';
import { subscriptions } from '../wiring/billing.ts';

/** The same work every run, however many there are; what is due longest comes first. */
const SUBSCRIPTIONS_A_RUN = 25;

/** Looks after subscriptions when their time has come: suspends what has ended, deletes what was kept long enough. */
export const handler = scheduledFunction('settle-subscriptions', (environment) => {
  const billing = subscriptions(environment);
  return async () => {
    const turn = await billing.takeTurn(SUBSCRIPTIONS_A_RUN);
    measure('SubscriptionsWaiting', turn.waiting);
    return turn;
  };
});
