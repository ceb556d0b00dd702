import { listDeadLettersRoute } from '../../contract/api/billing-routes.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { deadLetterView } from '../views/billing-view.ts';
import { webhookStore } from '../wiring/billing.ts';
import { lineageStore } from '../wiring/lineage.ts';

/** GET /v1/dead-letters */
export const handler = apiFunction('list-dead-letters', listDeadLettersRoute, (environment) => {
  const letters = { webhook: webhookStore(environment), lineage: lineageStore(environment) };
  return async ({ query }) => {
    const { kind, ...page } = query;
    const { items, cursor } = await letters[kind].list('dead', page);
    return { status: 200, body: { deadLetters: items.map(deadLetterView), cursor } };
  };
});
