import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * The header by which a trace goes from service to service: `Root=1-…;Parent=…;Sampled=1`. API Gateway makes it, Lambda
 * and Step Functions hand it on, and so does whatever speaks to an instance.
 */
export const TRACE_HEADER = 'x-amzn-trace-id';

const given = new AsyncLocalStorage<string>();

/** What Lambda's runtime has of an invocation where a process serves several at once. */
type Invocation = { getXRayTraceId(): string | undefined };
const ofInvocation = (): string | undefined => {
  const { awslambda } = globalThis as { awslambda?: { InvokeStore?: Invocation } };
  return awslambda?.InvokeStore?.getXRayTraceId() ?? process.env['_X_AMZN_TRACE_ID'];
};

/** Does work, and all that follows from it, as a part of a trace; undefined: of none. */
export const withinTrace = <Result>(header: string | undefined, work: () => Result): Result =>
  header === undefined ? work() : given.run(header, work);

/** The trace that the work in hand is a part of, as its header: in a function, the invocation's. */
export const currentTrace = (): string | undefined => given.getStore() ?? ofInvocation();

/** What all that belongs to a trace has in common, to look for it in logs. */
export const traceRoot = (header: string | undefined): string | undefined => /\bRoot=([^;]+)/.exec(header ?? '')?.[1];
