/** A state that failed, in the words of the States language: an error name and a cause. */
export class StateFailure extends Error {
  override readonly name = 'StateFailure';
  readonly error: string | undefined;
  override readonly cause: string | undefined;
  /** A further name that `ErrorEquals` may call it by. */
  readonly alias: string | undefined;

  constructor(error: string | undefined, cause?: string, alias?: string) {
    super(`${error ?? 'no error name'}: ${cause ?? 'no cause'}`);
    this.error = error;
    this.cause = cause;
    this.alias = alias;
  }

  /** What a Catch reads as `$states.errorOutput`. */
  get output(): { Error: string; Cause: string } {
    return { Error: this.error ?? '', Cause: this.cause ?? '' };
  }
}

/** The task took longer than its TimeoutSeconds. */
export const timedOut = (): StateFailure => new StateFailure('States.Timeout');

/** No heartbeat came in time. AWS reports it as `States.Timeout`, and lets it be caught by either name. */
export const heartbeatMissed = (): StateFailure =>
  new StateFailure('States.Timeout', undefined, 'States.HeartbeatTimeout');

const PAYLOAD_LIMIT_BYTES = 256 * 1024;

/**
 * Guards the quota on what passes between states.
 * @throws {StateFailure} States.DataLimitExceeded
 */
export const withinLimit = <Payload>(payload: Payload, what: string): Payload => {
  if (Buffer.byteLength(JSON.stringify(payload)) <= PAYLOAD_LIMIT_BYTES) return payload;
  throw new StateFailure('States.DataLimitExceeded', `The ${what} is larger than ${PAYLOAD_LIMIT_BYTES} bytes.`);
};

/** Whether an `ErrorEquals` names this failure, by name or by wildcard. */
export const matches = (errorEquals: readonly string[], failure: StateFailure): boolean => {
  // A broken machine is never retried nor caught, whatever the machine says.
  if (failure.error === 'States.Runtime') return false;
  if (errorEquals.includes(failure.error ?? '')) return true;
  if (failure.alias !== undefined && errorEquals.includes(failure.alias)) return true;
  if (failure.error === 'States.DataLimitExceeded') return false;
  if (errorEquals.includes('States.ALL')) return true;
  return errorEquals.includes('States.TaskFailed') && failure.error !== 'States.Timeout';
};
