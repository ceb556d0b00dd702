import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';

type Invocation = { readonly requestId: string; readonly trace: string; readonly kept: Map<PropertyKey, unknown> };
const invocations = new AsyncLocalStorage<Invocation>();

/**
 * What Lambda's own runtime keeps of each invocation where one process serves several at once, as this one does: the trace,
 * and what libraries keep until the invocation is over. Beside it `_X_AMZN_TRACE_ID` would be everybody's.
 */
export const invokeStore = {
  getRequestId: () => invocations.getStore()?.requestId ?? '-',
  getXRayTraceId: () => invocations.getStore()?.trace,
  getTraceparent: () => undefined,
  hasContext: () => invocations.getStore() !== undefined,
  get: (key: PropertyKey) => invocations.getStore()?.kept.get(key),
  set: (key: PropertyKey, value: unknown) => void invocations.getStore()?.kept.set(key, value),
};

/** Runs an invocation as a part of a trace. */
export const duringInvocation = <Result>(requestId: string, trace: string, run: () => Result): Result =>
  invocations.run({ requestId, trace, kept: new Map() }, run);

/** A trace that begins here, as API Gateway and Lambda begin one for a call that has none. */
export const newTrace = (): string => {
  const seconds = Math.floor(Date.now() / 1_000).toString(16);
  return `Root=1-${seconds}-${randomBytes(12).toString('hex')}`;
};
