/** Every code that a problem body or an operation's error can carry, with its HTTP status. Closed: clients switch on it. */
export const FAILURE_STATUS = {
  invalid_request: 400,
  read_only: 400,
  query_failed: 400,
  unauthorized: 401,
  payment_required: 402,
  forbidden: 403,
  not_found: 404,
  query_timeout: 408,
  conflict: 409,
  operation_over: 409,
  graph_not_ready: 409,
  too_large: 413,
  idempotency_key_reused: 422,
  limit_reached: 429,
  internal: 500,
  instance_draining: 503,
  writes_paused: 503,
  at_capacity: 503,
  unavailable: 503,
  job_failed: 502,
} as const;

export type FailureCode = keyof typeof FAILURE_STATUS;

/** A field of the request that is wrong: `path` is dotted from the body's root, for example `schema.nodes.0.name`. */
export type FieldIssue = { path: string; message: string };

export type FailureOptions = {
  cause?: unknown;
  issues?: readonly FieldIssue[];
  operationId?: string;
  /** The thing is there and not the caller's: the answer does not tell, the audit does. */
  denied?: true;
};

/**
 * What can go wrong, in a word. The word is the error's `name`, because that is what a state machine's
 * `Retry` and `Catch` match on; the `code` is what clients see.
 */
export abstract class Failure extends Error {
  readonly code: FailureCode;
  readonly issues: readonly FieldIssue[];
  readonly operationId: string | undefined;
  readonly denied: boolean;
  abstract readonly retryable: boolean;

  constructor(code: FailureCode, message: string, options: FailureOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : {});
    this.code = code;
    this.issues = options.issues ?? [];
    this.operationId = options.operationId;
    this.denied = options.denied ?? false;
  }
}

/** The request can not be met as asked (4xx); nobody is paged. */
export class Refusal extends Failure {
  override readonly name = 'Refusal';
  readonly retryable = false;
}

/** A request with fields that are wrong, at least one; `what` they are fields of. */
export const invalidRequest = (issues: readonly FieldIssue[], what = 'request'): Refusal => {
  const [first] = issues;
  return new Refusal('invalid_request', `The ${what} is not valid: ${first?.path || what}: ${first?.message}`, {
    issues,
  });
};

/** The same call can succeed later. */
export class Retryable extends Failure {
  override readonly name: string = 'Retryable';
  readonly retryable = true;
  /** How long a client should wait before it asks again. */
  readonly delaySeconds: number;

  constructor(code: FailureCode, message: string, options: FailureOptions & { delaySeconds?: number } = {}) {
    super(code, message, options);
    this.delaySeconds = options.delaySeconds ?? 1;
  }
}

/** The step can never succeed: the undos start. */
export class Terminal extends Failure {
  override readonly name = 'Terminal';
  readonly retryable = false;
}

/** A write whose answer was lost: it may have happened, and must be checked before anything else. */
export class Unknown extends Failure {
  override readonly name = 'Unknown';
  readonly retryable = true;
}

/** The operation is past its point of no return, and the step comes before it: the work goes on behind it. */
export class PastNoReturn extends Failure {
  override readonly name = 'PastNoReturn';
  readonly retryable = false;
}

/** The step can not go on before somebody has answered what the operation asks. */
export class WaitingForInput extends Failure {
  override readonly name = 'WaitingForInput';
  readonly retryable = true;
}

/** No instance of the tier has room for the step now: the operation is to queue for it. */
export class WaitingForCapacity extends Failure {
  override readonly name = 'WaitingForCapacity';
  readonly retryable = true;
}

/** A job elsewhere is not over: the step is to look again. */
export class JobUnderWay extends Failure {
  override readonly name = 'JobUnderWay';
  readonly retryable = true;
}
