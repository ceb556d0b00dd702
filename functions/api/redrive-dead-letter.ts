import { redriveDeadLetterRoute } from '../../contract/api/billing-routes.ts';
import type { Letter, LetterKind } from '../../domain/letter/letter.ts';
import { requeue } from '../../domain/letter/letter-box.ts';
import { webhookInbox } from '../billing.ts';
import { lineageStore } from '../dependencies.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';
import { deadLetterView } from '../views/billing-view.ts';

type Redrive = (eventId: string) => Promise<Letter>;

/** POST /v1/dead-letters/{deadLetterId}/redrive: what is processed here is tried at once, what goes out within a minute. */
export const redriveDeadLetter =
  (redrive: Readonly<Record<LetterKind, Redrive>>) =>
  async ({ params, query }: ApiRequest<typeof redriveDeadLetterRoute>): Promise<ApiResponse> => ({
    status: 200,
    body: deadLetterView(await redrive[query.kind](params.deadLetterId)),
  });

export const handler = apiFunction('redrive-dead-letter', redriveDeadLetterRoute, (environment) => {
  const inbox = webhookInbox(environment);
  const lineage = lineageStore(environment);
  return redriveDeadLetter({
    webhook: (eventId) => inbox.redrive(eventId),
    lineage: (eventId) => requeue(lineage, eventId),
  });
});
