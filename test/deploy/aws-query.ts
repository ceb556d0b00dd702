import { inject } from 'vitest';
import { signedFor } from './signed-for.ts';

/**
 * A call of the emulator by the account's own key, for services that this project has no client of.
 * @param call the parameters of a query, or the target of a call by JSON without any
 * @returns the answer's body
 */
export const awsQuery = async (service: string, call: Readonly<Record<string, string>> | string): Promise<string> => {
  const byJson = typeof call === 'string';
  const response = await fetch(inject('deployed').endpoint, {
    method: 'POST',
    body: byJson ? '{}' : new URLSearchParams(call),
    headers: {
      authorization: signedFor(service),
      ...(byJson && { 'x-amz-target': call, 'content-type': 'application/x-amz-json-1.0' }),
    },
  });
  return response.text();
};
