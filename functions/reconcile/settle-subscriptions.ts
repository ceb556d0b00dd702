import { subscriptions } from '../billing.ts';
import { measure } from '../pipeline/metrics.ts';
import { scheduledFunction } from '../pipeline/scheduled-function.ts';

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
