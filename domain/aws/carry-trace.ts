import { currentTrace, TRACE_HEADER } from '../trace.ts';

type Next = (call: { request: unknown }) => Promise<unknown>;
type Client = { middlewareStack: { add(middleware: (next: Next) => Next, options: object): void } };

/** Has a client's calls carry the trace of the work that they are made for, as the SDK itself has them in Lambda only. */
export const carryTrace = <Carrier>(client: Carrier): Carrier => {
  const carry =
    (next: Next): Next =>
    (call) => {
      const { headers = {} } = call.request as { headers?: Record<string, string> };
      const trace = currentTrace();
      if (trace !== undefined) headers[TRACE_HEADER] ??= trace;
      return next(call);
    };
  (client as Client).middlewareStack.add(carry, { step: 'build', name: 'carryTrace', override: true });
  return client;
};
