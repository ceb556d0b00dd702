import type { IncomingHttpHeaders } from 'node:http';
import { roleOf } from './caller.ts';
import { record } from './record.ts';
import { callsOfRequest } from './service-calls.ts';

/** Answers a request to a service, and notes it if its caller has told a role. */
export const recordRequest = async <Answer>(
  headers: IncomingHttpHeaders,
  target: string,
  body: unknown,
  answer: () => Answer | Promise<Answer>,
): Promise<Answer> => {
  const role = roleOf(headers);
  if (role === undefined) return answer();
  const note = (refused: number) => {
    for (const call of callsOfRequest(target, body as Record<string, unknown>)) record({ role, ...call }, { refused });
  };
  try {
    const answered = await answer();
    note(0);
    return answered;
  } catch (error) {
    note(1);
    throw error;
  }
};
