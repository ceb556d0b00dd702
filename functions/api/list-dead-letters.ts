import { listDeadLettersRoute } from '../../contract/api/billing-routes.ts';
import type { LetterKind, LetterStore } from '../../domain/letter/letter.ts';
import { lineageStore, webhookStore } from '../dependencies.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';
import { deadLetterView } from '../views/billing-view.ts';

/** GET /v1/dead-letters */
export const listDeadLetters =
  (letters: Readonly<Record<LetterKind, LetterStore>>) =>
  async ({ query }: ApiRequest<typeof listDeadLettersRoute>): Promise<ApiResponse> => {
    const { kind, ...page } = query;
    const { items, cursor } = await letters[kind].list('dead', page);
    return { status: 200, body: { deadLetters: items.map(deadLetterView), cursor } };
  };

export const handler = apiFunction('list-dead-letters', listDeadLettersRoute, (environment) =>
  listDeadLetters({ webhook: webhookStore(environment), lineage: lineageStore(environment) }),
);
