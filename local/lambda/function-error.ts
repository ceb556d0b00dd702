/** A function did not answer in its time. The name is the one that Step Functions gives it. */
export class TimedOut extends Error {
  override readonly name = 'Sandbox.Timedout';

  constructor(requestId: string, timeoutSeconds: number) {
    super(`RequestId: ${requestId} Error: Task timed out after ${timeoutSeconds.toFixed(2)} seconds`);
  }
}

/** There is no such function, or it can not be called in this way: Lambda refuses the call, no code of ours runs. */
export class InvocationRefused extends Error {
  override readonly name = 'InvocationRefused';
}
