import { redriveDeadLetterRoute } from '../../contract/api/billing-routes.ts';
import type { Letter, LetterKind } from '../../domain/letter/letter.ts';
import { requeue } from '../../domain/letter/letter-box.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { deadLetterView } from '../views/billing-view.ts';
import { webhookInbox } from '../wiring/billing.ts';
import { lineageStore } from '../wiring/lineage.ts';

/** POST /v1/dead-letters/{deadLetterId}/redrive: what is processed here is tried at once, what goes out within a minute. */
export const handler = apiFunction('redrive-dead-letter', redriveDeadLetterRoute, (environment) => {
  const inbox = webhookInbox(environment);
  const lineage = lineageStore(environment);
  const redrive: Readonly<Record<LetterKind, (eventId: string) => Promise<Letter>>> = {
    webhook: (eventId) => inbox.redrive(eventId),
    lineage: (eventId) => requeue(lineage, eventId),
  };
  return async ({ params, query }) => ({
    status: 200,
    body: deadLetterView(await redrive[query.kind](params.deadLetterId)),
  });
});
